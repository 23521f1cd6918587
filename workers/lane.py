"""What a lane does with the frames it is handed: pure functions over messages.

Cadence. An engine with ``every = n`` is due on a frame when a multiple of n lies among the
numbers the camera has counted since the frame published before it, (previous_seq, seq]. Without
drops that is every n-th frame; where ingest publishes only some of the counted frames (its rate
limit), the engine still runs on every n-th *captured* frame or on all published ones, whichever
is fewer, and never starves. It depends on the frame alone, so all workers of a lane agree.

Expressions are read of faces found in the same frame. So with ``face_every = 2`` and
``expression_every = 3`` a turn that comes on frame 3 is kept for frame 4, where faces run: the
turns 0, 3, 6, 9 run on 0, 4, 6, 10. Meshes have the turns of expressions, whether or not those run.
Poses wait for faces in the same way. Only where they are to run more often than faces do they run
in between, around faces known from a moment before. Those are known to the worker that saw them and
to no other, so in a lane of several workers such frames may go without a pose; where nothing else
ran, they are told as skipped by cadence.

Identities have a turn every IDENTITY_EVERY_S of the camera's time, on a frame with faces: who
somebody is doesn't depend on how often a camera is read, and those who compare want a look a
second. The frame says when the one before it was, so here too all workers agree.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from readroom.messages import Box, CameraReport, EngineName, Frame, Observation
from readroom.settings import WorkerSettings
from readroom.streams import Delivery

#: From one turn of identities to the next, s. Who somebody is doesn't change from frame to frame,
#: and reading it costs as much as finding the faces does (``python -m benchmarks.detail``).
IDENTITY_EVERY_S = 1.0
#: Faces seen longer ago than this don't say where a person is now, s.
FACES_KNOWN_S = 1.0
#: A camera that has reported within this time is there, s: ten reports.
REPORT_FRESH_S = 10.0


def is_due(seq: int, previous_seq: int, every: int) -> bool:
    """Whether a multiple of ``every`` lies in (previous_seq, seq]; previous_seq -1: none."""
    return seq // every > previous_seq // every


def due_engines(frame: Frame, workers: WorkerSettings) -> frozenset[EngineName]:
    """The engines whose turn it is on a frame."""
    every: dict[EngineName, int] = {
        "face": workers.face_every,
        "expression": workers.expression_every,
        "pose": workers.pose_every,
        "mesh": workers.expression_every,
    }

    def due(engine: EngineName) -> bool:
        if engine == "identity":
            return is_due(frame.seq, frame.previous_seq, every["face"]) and _second_begins(
                frame, every["face"]
            )
        waits = engine != "pose" or every["pose"] >= every["face"]
        # For what waits for faces, time moves in steps from one frame with faces to the next.
        step = every["face"] if waits and "face" in workers.engines else 1
        seq, previous_seq = (n - n % step for n in (frame.seq, frame.previous_seq))
        return is_due(seq, previous_seq, every[engine])

    return frozenset(engine for engine in workers.engines if due(engine))


def _second_begins(frame: Frame, faces_every: int) -> bool:
    """Whether a turn of identities lies between the last frame with faces and this one: that was
    the last frame, or, where faces are looked for on every n-th only, at most so many frames ago as
    have n numbers. Too long a time costs a look too many; with too short a one, turns would be
    missed again and again."""
    if frame.previous_time_s is None:
        return True
    frames = math.ceil(faces_every / max(1, frame.seq - frame.previous_seq))
    since_s = max(0.0, frame.time_s - frame.previous_time_s) * frames
    return _turns(frame.time_s) > _turns(frame.time_s - since_s)


def _turns(time_s: float) -> int:
    """Turns of identities up to a time; times are equal that differ by rounding."""
    return math.floor((time_s + 1e-6) / IDENTITY_EVERY_S)


def is_running(report: CameraReport, now: float) -> bool:
    """Whether a camera may still publish; ``now`` is Unix seconds. A report stays in the
    registry when its process has died, and after the recording is over."""
    over = report.phase in ("ended", "stopped")
    return not over and now - report.at <= REPORT_FRESH_S


def keeps_ring(report: CameraReport, epoch: int, now: float) -> bool:
    """Whether the shared memory of a recording's epoch is still there, on its ingest's host.

    It is, until ingest is stopped or has gone on to a newer epoch and cleared up; both don't
    happen while frames wait, unless an operator stops ingest: the workers of its host then get
    a moment to fetch them.
    """
    cleared = report.phase == "stopped" and now - report.at > REPORT_FRESH_S
    return epoch >= report.epoch and not cleared


def newest_wins(
    deliveries: Sequence[Delivery[Frame]],
) -> tuple[list[Delivery[Frame]], list[Delivery[Frame]]]:
    """Frames to analyse and frames that are stale: of each live camera only the newest is kept,
    of a recording all. Both in the order given."""
    newest = {
        (delivery.message.camera): delivery.message.key
        for delivery in sorted(deliveries, key=lambda delivery: delivery.message.key)
    }
    kept: list[Delivery[Frame]] = []
    stale: list[Delivery[Frame]] = []
    for delivery in deliveries:
        frame = delivery.message
        wanted = frame.mode == "recording" or frame.key == newest[frame.camera]
        (kept if wanted else stale).append(delivery)
    return kept, stale


def observe(frame: Frame, *, lane: str, worker: str, **seen: Any) -> Observation:
    """An observation of a frame: the frame's own fields, and what was ``seen``."""
    return Observation(
        room=frame.room,
        camera=frame.camera,
        epoch=frame.epoch,
        seq=frame.seq,
        previous_seq=frame.previous_seq,
        captured_at=frame.captured_at,
        width=frame.width,
        height=frame.height,
        mode=frame.mode,
        media_time_s=frame.media_time_s,
        lane=lane,
        worker=worker,
        **seen,
    )


@dataclass(slots=True)
class KnownFaces:
    """Where each camera's faces were last seen by this worker, for poses on frames where faces
    aren't looked for."""

    _seen: dict[str, tuple[Frame, tuple[Box, ...]]] = field(default_factory=dict)

    def remember(self, frame: Frame, boxes: Iterable[Box]) -> None:
        """Faces were looked for on this frame, and these were found."""
        self._seen[frame.camera] = (frame, tuple(boxes))

    def at(self, frame: Frame) -> tuple[Box, ...] | None:
        """The faces known on this frame; None where none were looked for in the same epoch and
        size within FACES_KNOWN_S before it."""
        seen, boxes = self._seen.get(frame.camera, (None, ()))
        if seen is None or (seen.epoch, seen.width, seen.height) != (
            frame.epoch,
            frame.width,
            frame.height,
        ):
            return None
        age_s = frame.time_s - seen.time_s
        return boxes if 0 <= age_s <= FACES_KNOWN_S else None
