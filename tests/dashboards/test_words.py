from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import readroom.dashboards.live as live_package
from readroom.dashboards.live.words import SENTENCES, STATE_WORDS, WORDS
from readroom.messages import STATES, CameraPhase, Event

STATIC = Path(live_package.__file__).resolve().parent / "static"
SCRIPTS = "\n".join(path.read_text() for path in sorted(STATIC.glob("*.js")))


def test_every_state_has_its_words() -> None:
    assert list(STATE_WORDS) == list(STATES)
    assert all(word for words in STATE_WORDS.values() for word in words.values())


def test_read_outs_tell_looks_and_never_feelings() -> None:
    # The one sentence that may say "felt" is the one that says what isn't known.
    told = {key: text for key, text in SENTENCES.items() if key != "honesty"}
    everything = json.dumps([told, STATE_WORDS, WORDS["phases"], WORDS["drops"]]).lower()
    assert not re.search(r"\b(feel|feels|feeling|felt|emotion|emotional|mood)\b", everything)
    assert SENTENCES["honesty"] == "What faces looked like, not what people felt."


def test_every_sentence_that_the_page_says_exists_and_is_said() -> None:
    for key in re.findall(r'say\(\s*"(\w+)"', SCRIPTS):
        assert key in SENTENCES, key
    for key in SENTENCES:
        dynamic = key.startswith(("event_", "closed_"))
        assert dynamic or f'"{key}"' in SCRIPTS, f"{key} is never said"


def test_every_camera_phase_has_a_word() -> None:
    assert set(get_args(CameraPhase)) <= set(WORDS["phases"])


def test_every_kind_of_event_has_a_sentence() -> None:
    kinds = set(re.findall(r"``(\w+)``", (Event.__doc__ or "").split("``confidence``")[0]))
    kinds -= {"kind", "state", "events", "start_s", "end_s"}
    assert "state_ended" in kinds
    assert {f"event_{kind}" for kind in kinds} <= set(SENTENCES)


def test_nothing_in_the_page_turns_text_into_markup() -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", SCRIPTS)


def test_the_page_names_no_other_server() -> None:
    for path in STATIC.iterdir():
        foreign = re.findall(r"https?://[^\s\"']+", path.read_text())
        assert set(foreign) <= {"http://www.w3.org/2000/svg"}, path.name
