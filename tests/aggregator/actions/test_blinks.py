"""Blinks and closed eyes, on scripted eyelids."""

from __future__ import annotations

import pytest

from readroom.aggregator.actions import state as actions
from readroom.aggregator.sight import Sight
from tests.aggregator.actions.scripted import play, shapes, sight, spans


def lids(value: float, **changes: object) -> Sight:
    return sight(blendshapes=shapes(eyeBlink=value), **changes)


def blinking(t: float, every_s: float, long_s: float) -> Sight:
    return lids(0.8 if t % every_s < long_s else 0.1)


@pytest.mark.parametrize("fps", [8, 10, 30])
@pytest.mark.parametrize("every_s", [3.0, 6.0])
def test_blinks_are_counted_by_the_minute(fps: int, every_s: float) -> None:
    person, ended = play(lambda t: blinking(t + 1, every_s, 0.25), 60.0, fps)
    rate = actions.blinks_per_min(person, 60.0)
    assert rate == pytest.approx(60 / every_s, rel=0.12)
    assert not spans(person, ended, "eyes_closed")


def test_blinks_shorter_than_the_time_between_frames_are_partly_missed() -> None:
    person, _ = play(lambda t: blinking(t + 1, 2.95, 0.06), 60.0, 10)
    rate = actions.blinks_per_min(person, 60.0)
    assert rate is not None
    assert rate < 18


def test_eyes_closed_for_longer_are_no_blink() -> None:
    person, ended = play(lambda t: lids(0.8 if 30 <= t < 33 else 0.1), 60.0)
    assert actions.blinks_per_min(person, 60.0) == 0
    (span,) = spans(person, ended, "eyes_closed")
    assert span == pytest.approx((30.0, 33.1), abs=0.15)


def test_eyes_closed_from_the_start_are_closed() -> None:
    person, ended = play(lambda t: lids(0.65 if t < 5 else 0.1), 10.0)
    ((start_s, end_s),) = spans(person, ended, "eyes_closed")
    assert start_s == pytest.approx(0.1)
    assert end_s == pytest.approx(5.1, abs=0.2)


def test_narrow_eyes_arent_closed() -> None:
    person, ended = play(lambda t: lids(0.35), 120.0)
    assert not spans(person, ended, "eyes_closed")
    # And when they close, they are: from one's own open lids on.
    person, ended = play(lambda t: lids(0.85), 2.0, person=person)
    assert len(spans(person, ended, "eyes_closed")) == 1


def test_of_a_turned_head_the_near_eye_counts() -> None:
    def turned(yaw: float, left: float, right: float) -> Sight:
        return sight(yaw_deg=yaw, blendshapes=shapes(eyeBlinkLeft=left, eyeBlinkRight=right))

    # yaw < 0: to the person's own right, the left eye is nearer.
    for near, far in (
        (turned(-25.0, 0.7, 0.2), turned(25.0, 0.7, 0.2)),
        (turned(25.0, 0.2, 0.7), turned(-25.0, 0.2, 0.7)),
    ):
        person, _ = play(lambda t, seen=near: seen, 3.0)  # type: ignore[misc]
        assert "eyes_closed" in actions.running(person)
        person, _ = play(lambda t, seen=far: seen, 3.0)  # type: ignore[misc]
        assert "eyes_closed" not in actions.running(person)


def test_too_little_time_or_too_few_frames_give_no_rate() -> None:
    person, _ = play(lambda t: blinking(t, 3.0, 0.25), 15.0)
    assert actions.blinks_per_min(person, 15.0) is None
    person, _ = play(lambda t: blinking(t, 3.0, 0.25), 60.0, 5)
    assert actions.blinks_per_min(person, 60.0) is None
    person, _ = play(lambda t: sight(blendshapes=None), 60.0)
    assert actions.blinks_per_min(person, 60.0) is None


def test_blinks_of_long_ago_count_no_more() -> None:
    person, _ = play(lambda t: blinking(t, 2.0, 0.25), 60.0)
    person, _ = play(lambda t: lids(0.1), 90.0, person=person)
    assert actions.blinks_per_min(person, 150.0) == 0
