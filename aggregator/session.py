"""Sessions: when one begins, goes on after a crash, and ends; and what its clock says.

A session is one run of a room's cameras. Its clock starts at 0 with the first frame and follows
the cameras' own time: the wall clock of capture for live cameras, media time for recordings, so
that analysing a recording twice, faster or slower, gives the same timeline.
"""

from __future__ import annotations

import time
from typing import Final

import msgspec

from readroom.sessions.file import RESUME_RECORDING_S

#: A live session that an aggregator left open goes on if that was at most this long ago, s.
RESUME_LIVE_S: Final = 120.0
#: A camera's clock that steps back by more than this has been set; the session's clock goes on.
STEP_BACK_S: Final = 2.0


class Session(msgspec.Struct):
    """One session. ``started_at`` is when the first frame was captured (Unix s). ``people_left``
    and ``coverage_left`` are how many people have left, and the sum of their coverages.
    ``rolling``: it is none, people are read and shown, and nothing is stored; it has no ``id``."""

    id: str
    title: str
    started_at: float
    recording: bool
    closed: bool = False
    people_left: int = 0
    coverage_left: float = 0.0
    rolling: bool = False


class CameraClock(msgspec.Struct):
    """Turns one camera's time into session time that never goes back."""

    offset_s: float = 0.0
    last_s: float | None = None


def session_time(clock: CameraClock, raw_s: float) -> float:
    """Session time for a camera's own time since the session began, s: never negative, never
    less than before. A clock that was set back, or a recording that starts over, goes on from
    where it was."""
    at_s = raw_s + clock.offset_s
    if clock.last_s is None:
        clock.last_s = max(0.0, at_s)
        return clock.last_s
    if at_s < clock.last_s - STEP_BACK_S:
        clock.offset_s += clock.last_s - at_s
    clock.last_s = max(clock.last_s, raw_s + clock.offset_s)
    return clock.last_s


def session_id(started_at: float, salt: str) -> str:
    """A session's name: its start in UTC, and ``salt`` to tell two of one second apart."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(started_at))}-{salt}"


def goes_on(session: Session | None, silent_s: float) -> bool:
    """Whether a session found in the store is to be continued, ``silent_s`` after its last
    commit. Frames that wait for their session's first (None) count as live."""
    if session is None:
        return silent_s <= RESUME_LIVE_S
    limit_s = RESUME_RECORDING_S if session.recording else RESUME_LIVE_S
    return not session.closed and silent_s <= limit_s
