"""Which engines are due on a frame, which frames are stale, which faces are still known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from readroom.messages import Box, Frame
from readroom.settings import WorkerSettings
from readroom.streams import Delivery
from readroom.workers.lane import KnownFaces, due_engines, is_due, newest_wins, observe


def frame(seq: int = 0, **changes: Any) -> Frame:
    fields: dict[str, Any] = {
        "room": "room",
        "camera": "left",
        "epoch": 1,
        "seq": seq,
        "previous_seq": seq - 1,
        "captured_at": 100 + seq / 10,
        "width": 64,
        "height": 48,
        "mode": "live",
    }
    return Frame(**{**fields, **changes})


def delivered(*frames: Frame) -> list[Delivery[Frame]]:
    return [Delivery(f.camera, b"%d-0" % number, f) for number, f in enumerate(frames)]


@given(st.integers(0, 10_000), st.integers(1, 50))
def test_without_drops_an_engine_is_due_on_every_nth_frame(seq: int, every: int) -> None:
    assert is_due(seq, seq - 1, every) == (seq % every == 0)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=60), st.integers(1, 20))
def test_with_drops_an_engine_never_starves_nor_runs_more_often_than_asked(
    steps: list[int], every: int
) -> None:
    previous, runs, first_gap = -1, 0, 0
    for step in steps:
        seq = previous + step
        if is_due(seq, previous, every):
            runs += 1
            first_gap = 0
        else:
            first_gap += step
            assert first_gap < every
        previous = seq
    assert runs <= previous // every + 1


def test_the_first_frame_of_an_epoch_is_due_whatever_its_number() -> None:
    assert is_due(7, -1, 1000)


def test_each_engine_has_its_own_cadence_and_only_the_lanes_engines_are_due() -> None:
    workers = WorkerSettings(engines=("face", "pose"), face_every=2, pose_every=3)
    assert due_engines(frame(0), workers) == {"face", "pose"}
    assert due_engines(frame(1), workers) == frozenset()
    assert due_engines(frame(2), workers) == {"face"}
    assert due_engines(frame(3), workers) == {"pose"}


def test_of_a_live_camera_only_the_newest_frame_is_kept() -> None:
    given_frames = delivered(frame(3), frame(4), frame(9, camera="right"), frame(5))
    kept, stale = newest_wins(given_frames)
    assert [d.message.key for d in kept] == [("right", 1, 9), ("left", 1, 5)]
    assert [d.message.seq for d in stale] == [3, 4]


def test_a_new_epoch_makes_the_old_one_stale() -> None:
    kept, stale = newest_wins(delivered(frame(90, epoch=1), frame(0, epoch=2)))
    assert [d.message.epoch for d in kept] == [2]
    assert [d.message.epoch for d in stale] == [1]


def test_of_a_recording_every_frame_is_kept() -> None:
    given_frames = delivered(*(frame(seq, mode="recording") for seq in range(5)))
    assert newest_wins(given_frames) == (given_frames, [])


def test_an_observation_carries_the_frames_own_fields() -> None:
    seen = frame(8, mode="recording", media_time_s=0.8)
    said = observe(seen, lane="face", worker="w1", skipped="stale")
    for name in Frame.__struct_fields__:
        if name not in ("encoding", "shared"):
            assert getattr(said, name) == getattr(seen, name)
    assert (said.lane, said.worker, said.skipped) == ("face", "w1", "stale")


@pytest.mark.parametrize(
    ("later", "known"),
    [
        (frame(5), True),
        (frame(50), False),
        (frame(3), False),
        (frame(5, epoch=2), False),
        (frame(5, width=32), False),
        (frame(5, camera="right"), False),
    ],
)
def test_faces_stay_known_for_a_second_of_the_same_camera_and_epoch(
    later: Frame, known: bool
) -> None:
    faces = KnownFaces()
    face = Box(1, 2, 3, 4)
    faces.remember(frame(4), [face])
    assert faces.at(later) == ((face,) if known else None)


def test_the_age_of_faces_in_a_recording_is_media_time() -> None:
    faces = KnownFaces()
    faces.remember(frame(0, media_time_s=0.0, captured_at=100), [])
    assert faces.at(frame(1, media_time_s=5.0, captured_at=100.01)) is None
    assert faces.at(frame(1, media_time_s=0.5, captured_at=500)) == ()
