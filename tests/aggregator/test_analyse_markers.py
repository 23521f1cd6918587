"""Moments of a recording that are named before it is played (settings.markers)."""

from __future__ import annotations

from typing import Any

import pytest

from readroom.aggregator.room import Room
from readroom.errors import BadSettings
from readroom.settings import load_settings, to_environment
from tests.aggregator.made import START, face, looks, room
from tests.aggregator.scripted import Told, cut, film, play, sees

SCENE = sees(*(face(100.0 + 150 * n, expression=looks("happiness")) for n in range(3)))
MARKERS = ((0.0, "hello"), (7.25, "the plan"), (7.25, "and the price"), (99.0, "never"))


def played(there: Room, begin_s: float, end_s: float, told: Told | None = None) -> Told:
    return play(there, film(SCENE, begin_s, end_s, mode="recording"), told)


def test_each_is_marked_as_the_recording_comes_to_it_however_fast_it_is_played() -> None:
    there = room(markers=MARKERS)
    told = played(there, 0, 20)
    assert [(one.time_s, one.label) for one in told.markers] == list(MARKERS[:3])
    assert [event.start_s for event in told.of("marker")] == [0.0, 7.25, 7.25]
    assert len({one.id for one in told.markers}) == 3
    # Each is answered; the two that have 5 s on both sides with a figure.
    answered = {event.state: event.measure for event in told.of("response") if event.measure}
    assert set(answered) == {"the plan", "and the price"}


def test_a_crash_marks_nothing_twice_and_forgets_nothing() -> None:
    there = room(markers=MARKERS)
    told = played(there, 0, 5)
    again = cut(there, START + 5)
    played(again, 5, 20, told)
    assert [one.label for one in told.markers] == ["hello", "the plan", "and the price"]


def test_of_a_live_talk_nothing_can_be_known_beforehand() -> None:
    told = play(room(markers=MARKERS), film(SCENE, 0, 10))
    assert told.markers == []


def test_hundreds_of_markers_are_all_answered() -> None:
    markers = tuple((0.1 * n, f"m{n}") for n in range(190))
    told = played(room(markers=markers), 0, 26)
    assert len(told.markers) == 190
    assert len({event.state for event in told.of("response")}) == 190


@pytest.mark.parametrize(
    ("given", "moments"),
    [
        (("12.5=pricing slide", "3=a=b"), ((3.0, "a=b"), (12.5, "pricing slide"))),
        (("  4 =  the   plan ",), ((4.0, "the plan"),)),
        ((), ()),
    ],
)
def test_markers_are_times_and_labels_in_order_of_time(given: Any, moments: Any) -> None:
    settings = load_settings(markers=given)
    assert settings.moments == moments


def test_markers_reach_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(markers=('12.5=the pricing slide\'s "number"',))
    monkeypatch.setenv("READROOM_MARKERS", to_environment(settings)["READROOM_MARKERS"])
    assert load_settings().moments == ((12.5, 'the pricing slide\'s "number"'),)


@pytest.mark.parametrize(
    "bad", ["x", "-1=a", "nan=a", "inf=a", "1=", "=a", "1=\x1b[2J", f"1={'x' * 301}"]
)
def test_what_is_no_marker_is_refused_in_words(bad: str) -> None:
    with pytest.raises(BadSettings, match="SECONDS=LABEL"):
        load_settings(markers=(bad,))
