"""Recordings of several cameras in step: their frames reach the timelines in order of media time.

Each recording is read as fast as it can be, so that one may be minutes ahead of another. But a
person whom both see has one timeline, and the room has one: so a frame waits until every camera
that is still being played has come as far. That also makes the result independent of how fast each
was read, as far as the waiting goes: beyond :data:`MOST_WAITING` frames, or :data:`START_S` for a
camera that hasn't said anything, the others go on without it.

What waits isn't acknowledged: it lies in Redis, and comes again after a crash.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from readroom.aggregator import joining
from readroom.aggregator.joining import Joined
from readroom.aggregator.room_data import Camera

#: Frames of one camera that wait at most, in memory; a camera that far ahead goes on, out of step.
#: At the default 10 frames a second it is a minute.
MOST_WAITING: Final = 600
#: Longest wait for cameras that were named and haven't said anything, s.
START_S: Final = 10.0


def next_camera(
    cameras: Mapping[str, Camera], starting: Collection[str], missing: bool
) -> Camera | None:
    """The recording camera whose next frame is due, None where one has to be waited for:
    ``starting`` are cameras that will deliver, ``missing`` says that others are to come."""
    recorded = [camera for camera in cameras.values() if camera.mode == "recording"]
    waiting = [camera for camera in recorded if camera.line]
    if not waiting:
        return None
    longest = max(waiting, key=lambda camera: (len(camera.line), camera.name))
    first = min(waiting, key=lambda camera: (_time(camera.line[0]), camera.name))
    if len(longest.line) > MOST_WAITING:
        return first
    behind = any(not camera.line and not joining.played(camera.join) for camera in recorded)
    unheard = any(name not in cameras for name in starting)
    return None if missing or behind or unheard else first


def earliest(cameras: Mapping[str, Camera]) -> Camera | None:
    """The camera whose frame comes next where nobody is waited for any more."""
    waiting = [camera for camera in cameras.values() if camera.line]
    return min(waiting, key=lambda camera: (_time(camera.line[0]), camera.name), default=None)


def _time(frame: Joined) -> float:
    return frame.captured_at if frame.media_time_s is None else frame.media_time_s
