from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import readroom.dashboards.live as live_package
from readroom.dashboards.live.words import page_words
from readroom.messages import EXPRESSIONS, LOOKS, STATES
from readroom.words import vocabulary

STATIC = Path(live_package.__file__).resolve().parent / "static"
#: The page's own files; the chart library's are as they came.
OWN = [path for path in sorted(STATIC.iterdir()) if not path.name.startswith("uPlot")]
SCRIPTS = "\n".join(path.read_text() for path in OWN if path.suffix == ".js")
MARKUP = (STATIC / "index.html").read_text()


def test_the_page_picks_from_the_vocabulary() -> None:
    words, sent = vocabulary(False), page_words(without_emotion=False)
    assert sent["order"] == STATES
    assert sent["states"] == words.states
    assert sent["sentences"]["honesty"] == words.page["honesty"]
    assert sent["sentences"]["event_look_ended"] == words.events["look_ended"]


def test_a_page_without_emotion_is_sent_no_name_of_one() -> None:
    sent = json.dumps(page_words(without_emotion=True))
    for name in (*EXPRESSIONS, *LOOKS[:4], "valence", "arousal", "expressiveness"):
        assert f'"{name}"' not in sent
    # A sample's number still means the same state.
    order = page_words(without_emotion=True)["order"]
    assert len(order) == len(STATES)
    assert all(name is None or name == STATES[number] for number, name in enumerate(order))
    # The expressions, and "uncertain": one was read to say so.
    assert order.count(None) == len(EXPRESSIONS) + 1


def test_every_sentence_that_the_page_says_exists_and_is_said() -> None:
    sentences = page_words(without_emotion=False)["sentences"]
    said = re.findall(r'say\(\s*"(\w+)"', SCRIPTS)
    said += re.findall(r'data-say(?:-\w+)?="(\w+)"', MARKUP)
    for key in said:
        assert key in sentences, key
    for key in sentences:
        put_together = key.startswith(("event_", "closed_", "measure_", "wall_"))
        assert put_together or f'"{key}"' in SCRIPTS + MARKUP, f"{key} is never said"


def test_the_page_s_markup_holds_no_words_of_its_own() -> None:
    body = MARKUP.split("<body>", 1)[1].split("<noscript>", 1)[0]
    texts = {text.strip() for text in re.findall(r">([^<]+)<", body)} - {""}
    # The name of the program, and what stands where there is no figure.
    assert texts == {"Read the Room", "–"}
    assert not re.search(r'(?<!-)\b(title|placeholder|aria-label|alt)="', body)


def test_the_gauge_is_of_what_may_be_said() -> None:
    full, silent = (page_words(without_emotion=without)["scales"] for without in (False, True))
    assert [scale["measure"] for scale in full] == [
        *("valence", "facing_front", "expressiveness", "synchrony")
    ]
    assert [scale["measure"] for scale in silent] == ["facing_front"]
    assert page_words(without_emotion=True)["turning"] == ("turned_away",)


def test_the_chart_library_is_the_one_its_note_says() -> None:
    note = (STATIC / "uPlot.txt").read_text()
    for digest, name in re.findall(r"([0-9a-f]{64})  (\S+)", note):
        assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == digest, name
    assert "MIT" in note
    assert "Permission is hereby granted" in (STATIC / "uPlot.LICENSE.txt").read_text()


def test_the_page_s_files_name_no_emotion_themselves() -> None:
    named = re.compile("|".join((*EXPRESSIONS, *LOOKS[:4], "valence", "arousal")), re.IGNORECASE)
    for path in OWN:
        assert not named.search(path.read_text()), path.name


def test_nothing_in_the_page_turns_text_into_markup() -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", SCRIPTS)


def test_the_page_names_no_other_server() -> None:
    for path in OWN:
        foreign = re.findall(r"https?://[^\s\"']+", path.read_text())
        assert set(foreign) <= {"http://www.w3.org/2000/svg"}, path.name
