"""What a lane does with the frames it is handed: pure functions over messages.

Cadence. An engine with ``every = n`` is due on a frame when a multiple of n lies among the
numbers the camera has counted since the frame published before it, (previous_seq, seq]. Without
drops that is every n-th frame; where ingest publishes only some of the counted frames (its rate
limit), the engine still runs on every n-th *captured* frame or on all published ones, whichever
is fewer, and never starves. It depends on the frame alone, so all workers of a lane agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from readroom.messages import Box, EngineName, Frame, Observation
from readroom.settings import WorkerSettings
from readroom.streams import Delivery

#: Faces seen longer ago than this don't say where a person is now, s.
FACES_KNOWN_S = 1.0


def is_due(seq: int, previous_seq: int, every: int) -> bool:
    """Whether a multiple of ``every`` lies in (previous_seq, seq]; previous_seq -1: none."""
    return seq // every > previous_seq // every


def due_engines(frame: Frame, workers: WorkerSettings) -> frozenset[EngineName]:
    """The engines whose turn it is on a frame."""
    every: dict[EngineName, int] = {
        "face": workers.face_every,
        "expression": workers.expression_every,
        "pose": workers.pose_every,
    }
    return frozenset(
        engine for engine in workers.engines if is_due(frame.seq, frame.previous_seq, every[engine])
    )


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
        age_s = _time_s(frame) - _time_s(seen)
        return boxes if 0 <= age_s <= FACES_KNOWN_S else None


def _time_s(frame: Frame) -> float:
    return frame.captured_at if frame.media_time_s is None else frame.media_time_s
