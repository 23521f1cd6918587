from __future__ import annotations

import json
import re
from pathlib import Path

import readroom.dashboards.live as live_package
from readroom.dashboards.live.words import page_words
from readroom.messages import EXPRESSIONS, LOOKS, STATES
from readroom.words import vocabulary

STATIC = Path(live_package.__file__).resolve().parent / "static"
SCRIPTS = "\n".join(path.read_text() for path in sorted(STATIC.glob("*.js")))


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
    for key in re.findall(r'say\(\s*"(\w+)"', SCRIPTS):
        assert key in sentences, key
    for key in sentences:
        dynamic = key.startswith(("event_", "closed_"))
        assert dynamic or f'"{key}"' in SCRIPTS, f"{key} is never said"


def test_the_page_s_files_name_no_emotion_themselves() -> None:
    named = re.compile("|".join((*EXPRESSIONS, *LOOKS[:4], "valence", "arousal")), re.IGNORECASE)
    for path in STATIC.iterdir():
        assert not named.search(path.read_text()), path.name


def test_nothing_in_the_page_turns_text_into_markup() -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", SCRIPTS)


def test_the_page_names_no_other_server() -> None:
    for path in STATIC.iterdir():
        foreign = re.findall(r"https?://[^\s\"']+", path.read_text())
        assert set(foreign) <= {"http://www.w3.org/2000/svg"}, path.name
