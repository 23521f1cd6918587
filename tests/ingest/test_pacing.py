from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from readroom.ingest.pacing import Backoff, LiveRate, MediaRate, Playback


def picked(fps: float, times_s: list[float]) -> list[float]:
    rate = MediaRate(fps)
    return [at for at in times_s if rate.wants(at)]


@pytest.mark.parametrize(("source_fps", "wanted"), [(30, 30), (15, 30), (60, 30), (10, 10)])
def test_a_recording_at_or_below_twice_the_rate_gives_what_is_asked(
    source_fps: int, wanted: int
) -> None:
    times = [round(index / source_fps, 3) for index in range(source_fps * 10)]
    assert len(picked(wanted, times)) == min(wanted, source_fps) * 10


def test_every_third_of_thirty_makes_ten() -> None:
    times = [index / 30 for index in range(90)]
    assert picked(10, times) == times[::3]


def test_rounded_time_stamps_lose_no_frame() -> None:
    times = [round(index / 30, 3) for index in range(3000)]
    assert picked(30, times) == times


@given(
    st.lists(st.floats(0.001, 3.0), min_size=1, max_size=60), st.floats(0.5, 60), st.integers(0, 59)
)
def test_a_resumed_recording_picks_the_same_frames(
    gaps_s: list[float], fps: float, cut: int
) -> None:
    times = [sum(gaps_s[:index]) for index in range(len(gaps_s))]
    cut = min(cut, len(times) - 1)
    whole = picked(fps, times)
    resumed = MediaRate(fps)
    resumed.wants(times[cut])
    rest = [at for at in times[cut + 1 :] if resumed.wants(at)]
    assert rest == [at for at in whole if at > times[cut]]


def live(camera_fps: float, wanted_fps: float, jitter_s: float, seconds: int) -> list[float]:
    randomness = random.Random(1)
    rate = LiveRate(wanted_fps)
    arrivals = [
        index / camera_fps + randomness.uniform(0, jitter_s)
        for index in range(int(camera_fps * seconds))
    ]
    return [at for at in sorted(arrivals) if rate.wants(at)]


@pytest.mark.parametrize(("camera_fps", "wanted_fps"), [(30, 10), (29.97, 10), (25, 10), (12, 10)])
def test_a_live_camera_is_thinned_to_the_rate_without_drift(
    camera_fps: float, wanted_fps: float
) -> None:
    taken = live(camera_fps, wanted_fps, jitter_s=0.008, seconds=100)
    assert len(taken) == pytest.approx(wanted_fps * 100, rel=0.01)


def test_a_live_cameras_cadence_is_even() -> None:
    gaps = [after - before for before, after in pairwise(live(29.97, 10, 0.008, 100))]
    assert max(gaps[5:]) <= 0.1 + 1 / 29.97 + 0.016
    assert min(gaps[5:]) >= 0.1 - 1 / 29.97 - 0.016


def test_a_camera_slower_than_the_rate_is_taken_whole() -> None:
    assert len(live(9.5, 10, jitter_s=0.02, seconds=60)) == 570


def test_after_a_gap_frames_come_at_the_rate_again_and_in_no_burst() -> None:
    rate = LiveRate(10)
    before = [index / 30 for index in range(30)]
    after = [10 + index / 30 for index in range(30)]
    taken = [at for at in before + after if rate.wants(at)]
    assert len([at for at in taken if at >= 10]) == pytest.approx(10, abs=1)


def test_a_recording_is_played_at_its_own_speed() -> None:
    playback = Playback()
    assert playback.pause_s(5.0, now_s=100.0) == 0
    assert playback.pause_s(5.5, now_s=100.1) == pytest.approx(0.4)


def test_a_slow_pipeline_never_gets_a_burst() -> None:
    playback = Playback()
    playback.pause_s(0.0, now_s=100.0)
    assert playback.pause_s(0.1, now_s=103.0) == 0
    assert playback.pause_s(0.2, now_s=103.0) == pytest.approx(0.1)


def test_a_small_delay_is_caught_up_with() -> None:
    playback = Playback()
    playback.pause_s(0.0, now_s=100.0)
    playback.pause_s(0.1, now_s=100.2)
    assert playback.pause_s(0.3, now_s=100.2) == pytest.approx(0.1)


@given(st.floats(0.1, 3600), st.integers(1, 3000))
def test_the_back_off_never_exceeds_its_limit(max_s: float, failures: int) -> None:
    backoff = Backoff(max_s, lambda low, high: high)
    pauses = [backoff.pause_s(0) for _ in range(failures)]
    assert all(0 <= pause <= max_s for pause in pauses)
    assert pauses == sorted(pauses)


def test_the_back_off_doubles_and_begins_anew_after_a_stable_time() -> None:
    backoff = Backoff(30, lambda low, high: high)
    assert [backoff.pause_s(0) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert backoff.pause_s(3.0) == 30
    assert backoff.pause_s(11.0) == 0.5


def test_the_jitter_is_full() -> None:
    seen: list[tuple[float, float]] = []

    def middle(low: float, high: float) -> float:
        seen.append((low, high))
        return (low + high) / 2

    assert Backoff(30, middle).pause_s(0) == 0.25
    assert seen == [(0.0, 0.5)]
