"""Which engines are due on a frame, which frames are stale, which faces are still known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from readroom.messages import Box, CameraPhase, CameraReport, Frame
from readroom.settings import WorkerSettings
from readroom.streams import Delivery
from readroom.workers.lane import (
    REPORT_FRESH_S,
    KnownFaces,
    due_engines,
    is_due,
    is_running,
    keeps_ring,
    newest_wins,
    observe,
)


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
    workers = WorkerSettings(engines=("face", "pose"), face_every=3, pose_every=2)
    assert due_engines(frame(0), workers) == {"face", "pose"}
    assert due_engines(frame(1), workers) == frozenset()
    assert due_engines(frame(2), workers) == {"pose"}
    assert due_engines(frame(3), workers) == {"face"}
    assert due_engines(frame(3), WorkerSettings(engines=("pose",), pose_every=3)) == {"pose"}


@pytest.mark.parametrize("face_every", [1, 2, 3])
def test_meshes_have_the_turns_of_expressions_whether_or_not_those_run(face_every: int) -> None:
    both = WorkerSettings(
        engines=("face", "expression", "mesh"), face_every=face_every, expression_every=4
    )
    alone = WorkerSettings(engines=("face", "mesh"), face_every=face_every, expression_every=4)
    runs = [seq for seq in range(60) if "mesh" in due_engines(frame(seq), both)]
    assert runs == [seq for seq in range(60) if "expression" in due_engines(frame(seq), both)]
    assert runs == [seq for seq in range(60) if "mesh" in due_engines(frame(seq), alone)]
    assert 0 < len(runs) <= 15


@given(
    st.sampled_from([5, 12, 25, 30, 60]), st.integers(1, 7), st.integers(1, 5), st.floats(0, 1e9)
)
def test_identities_have_a_turn_a_second_whatever_the_rate_and_only_with_faces(
    fps: int, step: int, face_every: int, start_s: float
) -> None:
    """``fps`` are captured, every ``step``-th is published."""
    workers = WorkerSettings(engines=("face", "identity"), face_every=face_every)
    frames = [
        frame(
            seq,
            previous_seq=max(-1, seq - step),
            captured_at=start_s + seq / fps,
            previous_time_s=start_s + (seq - step) / fps if seq else None,
        )
        for seq in range(0, 60 * fps, step)
    ]
    dues = [due_engines(one, workers) for one in frames]
    assert all("face" in due for due in dues if "identity" in due)
    possible = min(60, sum("face" in due for due in dues))
    assert 0.9 * possible - 1 <= sum("identity" in due for due in dues) <= 2 * possible + 1


def test_with_faces_on_every_frame_identities_have_exactly_a_turn_a_second() -> None:
    workers = WorkerSettings(engines=("face", "identity"))
    frames = [
        frame(n, media_time_s=n / 12, previous_time_s=(n - 1) / 12 if n else None)
        for n in range(120)
    ]
    turns = [one.seq for one in frames if "identity" in due_engines(one, workers)]
    assert turns == list(range(0, 120, 12))


def test_what_needs_faces_waits_for_the_next_frame_with_faces() -> None:
    workers = WorkerSettings(face_every=2, expression_every=3, pose_every=5)
    runs = {
        engine: [seq for seq in range(13) if engine in due_engines(frame(seq), workers)]
        for engine in workers.engines
    }
    assert runs == {
        "face": [0, 2, 4, 6, 8, 10, 12],
        "expression": [0, 4, 6, 10, 12],
        "pose": [0, 6, 10],
    }


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=60),
    st.integers(1, 9),
    st.integers(1, 20),
)
def test_with_drops_every_turn_of_an_expression_comes_on_a_frame_with_faces(
    steps: list[int], face_every: int, expression_every: int
) -> None:
    workers = WorkerSettings(face_every=face_every, expression_every=expression_every)
    previous, with_faces, asked_since = -1, -1, True
    for step in steps:
        seq = previous + step
        due = due_engines(frame(seq, previous_seq=previous), workers)
        asked_since |= is_due(seq - seq % face_every, with_faces, expression_every)
        if "face" in due:
            assert ("expression" in due) == asked_since
            with_faces, asked_since = seq - seq % face_every, False
        else:
            assert "expression" not in due
        previous = seq


def report(**changes: Any) -> CameraReport:
    fields: dict[str, Any] = {
        "room": "room",
        "camera": "left",
        "epoch": 5,
        "phase": "streaming",
        "mode": "recording",
        "source": "a test",
        "at": 1000.0,
    }
    return CameraReport(**{**fields, **changes})


@pytest.mark.parametrize(
    ("phase", "age_s", "running"),
    [
        ("connecting", 0, True),
        ("retrying", REPORT_FRESH_S, True),
        ("streaming", REPORT_FRESH_S + 1, False),
        ("ended", 0, False),
        ("stopped", 0, False),
    ],
)
def test_a_camera_runs_until_it_is_over_or_falls_silent(
    phase: CameraPhase, age_s: float, running: bool
) -> None:
    assert is_running(report(phase=phase), 1000 + age_s) == running


@pytest.mark.parametrize(
    ("phase", "epoch", "age_s", "kept"),
    [
        ("streaming", 5, 0, True),
        ("streaming", 5, 3600, True),
        ("streaming", 6, 0, True),
        ("streaming", 4, 0, False),
        ("ended", 5, 3600, True),
        ("stopped", 5, 1, True),
        ("stopped", 5, REPORT_FRESH_S + 1, False),
    ],
)
def test_a_ring_is_there_until_its_ingest_is_stopped_or_has_gone_on(
    phase: CameraPhase, epoch: int, age_s: float, kept: bool
) -> None:
    assert keeps_ring(report(phase=phase), epoch, 1000 + age_s) == kept


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
        if name not in ("encoding", "shared", "previous_time_s"):
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
