"""Nods, shakes and speaking jaws, on scripted angles and jaws: no clip shows one."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from readroom.aggregator.actions import oscillation, state as actions
from readroom.aggregator.actions.oscillation import Beat, Zigzag
from tests.aggregator.actions.scripted import body, play, shapes, sight, spans, wave

BEAT = Beat(least=5.0, shortest_s=0.1, longest_s=0.6)


def drawn(curve: Callable[[float], float], seconds: float, fps: float) -> Zigzag:
    zigzag = Zigzag()
    for frame in range(round(seconds * fps) + 1):
        oscillation.follow(zigzag, BEAT, curve(frame / fps), frame / fps)
    return zigzag


@pytest.mark.parametrize("fps", [8, 12, 30])
def test_a_sine_is_half_cycles_of_its_size_and_length(fps: int) -> None:
    seen = oscillation.rhythm(drawn(lambda t: wave(t, 1.2, 20.0), 3.0, fps), BEAT, 3.0)
    assert seen is not None
    assert seen.count >= 5
    assert seen.size == pytest.approx(20.0, abs=3.0)
    assert (seen.end_s - seen.start_s) / seen.count == pytest.approx(0.417, abs=0.05)


def test_trembling_and_drifting_are_no_rhythm() -> None:
    assert oscillation.rhythm(drawn(lambda t: wave(t, 2, 4.0), 3.0, 30), BEAT, 3.0) is None
    assert oscillation.rhythm(drawn(lambda t: wave(t, 0.3, 40.0), 9.0, 30), BEAT, 9.0) is None


def test_a_rhythm_on_a_drift_is_one() -> None:
    seen = oscillation.rhythm(drawn(lambda t: wave(t, 2, 12) + 6 * t, 3.0, 30), BEAT, 3.0)
    assert seen is not None
    assert seen.count >= 5


def test_what_has_stopped_is_over() -> None:
    zigzag = drawn(lambda t: wave(min(t, 2.0), 2, 12), 3.5, 30)
    assert oscillation.rhythm(zigzag, BEAT, 3.5) is None


def test_half_cycles_that_are_kept_stay_few() -> None:
    assert len(drawn(lambda t: wave(t, 2, 12), 60.0, 30).halves) == oscillation.MOST_KEPT


@pytest.mark.parametrize(
    ("hz", "fps"), [(1.0, 8), (1.5, 10), (2.0, 10), (2.5, 12), (3.0, 15), (3.0, 30), (4.0, 30)]
)
def test_scripted_nods_are_nodding_and_no_shaking(hz: float, fps: int) -> None:
    def nod(t: float) -> float:
        return wave(t - 2, hz, 12.0) if 2 <= t <= 4 else 0.0

    person, ended = play(lambda t: sight(pitch_deg=nod(t)), 7.0, fps)
    (span,) = spans(person, ended, "nodding")
    assert span[0] == pytest.approx(2.0, abs=0.35)
    assert span[1] == pytest.approx(4.0, abs=0.35)
    assert not spans(person, ended, "shaking_head")
    assert "nodding" in actions.measured(person, 7.0)


@pytest.mark.parametrize(("hz", "fps"), [(1.0, 8), (2.0, 10), (2.0, 30), (3.0, 30)])
def test_scripted_shakes_are_shaking_and_no_nodding(hz: float, fps: int) -> None:
    def shake(t: float) -> float:
        return wave(t - 2, hz, 20.0) if 2 <= t <= 4 else 0.0

    # Some of a shake is always taken for pitch, and some for roll.
    person, ended = play(
        lambda t: sight(yaw_deg=shake(t), pitch_deg=0.4 * shake(t), roll_deg=0.2 * shake(t)),
        7.0,
        fps,
    )
    (span,) = spans(person, ended, "shaking_head")
    assert span[0] == pytest.approx(2.0, abs=0.35)
    assert span[1] == pytest.approx(4.0, abs=0.35)
    assert not spans(person, ended, "nodding")


def test_one_look_down_and_up_is_no_nod() -> None:
    person, ended = play(lambda t: sight(pitch_deg=-20.0 if 2 <= t <= 3 else 0.0), 6.0, 30)
    assert not spans(person, ended, "nodding")


@pytest.mark.parametrize("apart", [3.0, 8.0, 15.0])
@pytest.mark.parametrize("every", [2, 3, 4])
def test_head_pose_that_changes_its_estimator_makes_no_rhythm(apart: float, every: int) -> None:
    """Poses are read of every second to fourth frame: the others know no pitch, and yaw is
    another by some degrees."""

    def script(t: float) -> object:
        posed = round(t * 10) % every == 0
        angle = apart if posed else 0.0
        return sight(
            yaw_deg=angle, pitch_deg=angle, keypoints=body() if posed else None, roll_deg=angle / 4
        )

    person, ended = play(script, 20.0)  # type: ignore[arg-type]
    assert not spans(person, ended, "nodding")
    assert not spans(person, ended, "shaking_head")


@pytest.mark.parametrize("apart", [4.0, 8.0, 12.0])
@pytest.mark.parametrize("every", [2, 3, 5])
def test_jumps_between_two_frames_make_no_rhythm(apart: float, every: int) -> None:
    """The same where nothing tells which estimator spoke."""

    def script(t: float) -> object:
        angle = apart * (round(t * 10) // every % 2)
        return sight(yaw_deg=angle, pitch_deg=angle)

    person, ended = play(script, 20.0)  # type: ignore[arg-type]
    assert not spans(person, ended, "nodding")
    assert not spans(person, ended, "shaking_head")


def test_a_shake_is_found_though_the_estimator_changes() -> None:
    def script(t: float) -> object:
        posed = round(t * 15) % 3 == 0
        angle = wave(t, 1.5, 24.0) if t > 3 else 0.0
        return sight(yaw_deg=angle + (9.0 if posed else 0.0), keypoints=body() if posed else None)

    person, ended = play(script, 6.0, 15)  # type: ignore[arg-type]
    assert len(spans(person, ended, "shaking_head")) == 1


def test_trembling_angles_make_no_rhythm() -> None:
    """Gaussian noise of 1° (1.4° from frame to frame), for 5 minutes."""
    noise = random.Random(1)
    person, ended = play(
        lambda t: sight(yaw_deg=noise.gauss(0, 1), pitch_deg=noise.gauss(0, 1)), 300.0
    )
    assert not spans(person, ended, "nodding")
    assert not spans(person, ended, "shaking_head")


def test_a_head_that_tilts_trembles_but_doesnt_nod() -> None:
    noise = random.Random(2)

    def script(t: float) -> object:
        tilting = 2 <= t <= 4
        shaken = wave(t, 1.7, 8.0) if tilting else 0.0
        return sight(pitch_deg=shaken + noise.gauss(0, 0.5), roll_deg=20 * min(2, max(0, t - 2)))

    person, ended = play(script, 6.0, 12)  # type: ignore[arg-type]
    assert not spans(person, ended, "nodding")


def test_too_few_frames_a_second_measure_no_rhythm() -> None:
    person, ended = play(lambda t: sight(pitch_deg=wave(t, 1, 20)), 10.0, 4)
    assert not spans(person, ended, "nodding")
    known = actions.measured(person, 10.0)
    assert "facing_front" in known
    assert not {"nodding", "shaking_head", "talking"} & set(known)


def test_without_the_pose_networks_points_nods_and_lowered_heads_arent_measured() -> None:
    person, _ = play(lambda t: sight(keypoints=None, pitch_deg=wave(t, 1, 20) - 40), 5.0)
    known = actions.measured(person, 5.0)
    assert {"facing_front", "shaking_head"} <= set(known)
    assert not {"nodding", "head_down"} & set(known)
    # Nor does that pitch, which is none, turn anybody away from the front.
    assert "facing_front" in actions.running(person)


@pytest.mark.parametrize("fps", [10, 15, 30])
def test_a_scripted_jaw_of_four_syllables_a_second_talks(fps: int) -> None:
    # Real jaws don't open equally far: at 10 frames a second that decides what is seen of them.
    def jaw(t: float) -> float:
        return 0.0 if not 2 <= t <= 6 else 0.12 * (1 + math.sin(26 * t)) + 0.04 * math.sin(9 * t)

    person, ended = play(lambda t: sight(blendshapes=shapes(jawOpen=jaw(t))), 9.0, fps)
    (span,) = spans(person, ended, "talking")
    assert span[0] == pytest.approx(2.0, abs=1.2)
    assert span[1] == pytest.approx(6.5, abs=1.5)


def test_a_mouth_that_stays_open_or_closed_doesnt_talk() -> None:
    noise = random.Random(3)
    for level in (0.02, 0.5):
        person, ended = play(
            lambda t, level=level: sight(  # type: ignore[misc]
                blendshapes=shapes(jawOpen=level + noise.gauss(0, 0.01))
            ),
            60.0,
        )
        assert not spans(person, ended, "talking")
        assert "talking" in actions.measured(person, 60.0)
    # A yawn goes up and down once.
    person, ended = play(
        lambda t: sight(blendshapes=shapes(jawOpen=0.6 * max(0, math.sin(t)))), 30.0
    )
    assert not spans(person, ended, "talking")
