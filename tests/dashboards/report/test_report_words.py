"""The report's own sentences, held against the same lists of words as readroom.words."""

from __future__ import annotations

import re
import string

import pytest

from readroom.dashboards.report.words import interval, listed, words
from readroom.messages import EXPRESSIONS, LOOKS
from readroom.words import clock, moment
from tests.readroom.test_words import BANNED, EMOTIONAL, HONESTY

BOTH = pytest.mark.parametrize("without_emotion", [False, True])


@BOTH
def test_no_sentence_says_what_goes_on_in_anybody(without_emotion: bool) -> None:
    for key, text in words(without_emotion).texts.items():
        assert text == HONESTY or not BANNED.search(text), (key, text)


def test_without_emotion_there_is_no_word_for_one() -> None:
    silent = words(True)
    names = re.compile(rf"\b({'|'.join((*EXPRESSIONS, *LOOKS[:4]))})\b", re.IGNORECASE)
    for key, text in [*silent.texts.items(), *silent.figures.items()]:
        assert not EMOTIONAL.search(text), (key, text)
        assert not names.search(text), (key, text)
    with pytest.raises(KeyError):
        silent.say("looked")


def test_both_profiles_can_say_what_both_need() -> None:
    full, silent = set(words(False).texts), set(words(True).texts)
    only_silent = {"did", "did_front", "did_actions", "did_action"}
    assert silent - full == only_silent
    # What only the full profile says is about expressions, and isn't asked for in the other.
    assert all(
        key.startswith(("look", "most_", "state_mostly", "course", "c_", "d_"))
        for key in full - silent
    )


@BOTH
def test_every_template_can_be_filled(without_emotion: bool) -> None:
    for text in words(without_emotion).texts.values():
        fields = {name for _, name, _, _ in string.Formatter().parse(text) if name}
        assert all(name.isidentifier() for name in fields)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0:00"), (-1, "0:00"), (59.9, "0:59"), (723, "12:03"), (3723, "1:02:03")],
)
def test_session_times_are_told_as_on_a_clock(seconds: float, said: str) -> None:
    assert clock(seconds) == said


def test_other_figures_are_told_plainly() -> None:
    assert clock(10.24, fine=True) == "10.2 s"
    assert moment(1_800_000_000.0) == "15 January 2027, 08:00 UTC"
    assert moment(float("nan")) == "?"
    assert interval(-0.3, 0.06) == "−0.30 to +0.06"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed([]) == ""
