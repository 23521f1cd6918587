"""When a frame is due, and when a lost camera is tried again: pure, time is passed in."""

from __future__ import annotations

import math
from collections.abc import Callable

#: A recording's frame counts for a slot of the analysis grid when it lies up to this share of a
#: slot before it: containers round time-stamps (Matroska: to 1 ms), and a picture rounded down
#: must not fall into the slot of the one before.
GRID_TOLERANCE_RATIO = 0.25
#: Playing at a recording's own speed, a delay up to this is caught up with, s; a longer one
#: shifts what follows, so that a slow pipeline never gets a burst.
CATCH_UP_S = 0.2
#: First pause before a lost camera is tried again, s; it doubles with each failure.
BACKOFF_FIRST_S = 0.5
#: After delivering for this long a camera is sound again, and its back-off begins anew, s.
STABLE_S = 10.0


class MediaRate:
    """Picks a recording's frames by media time: one per slot of 1/``fps`` s.

    Which ones is a function of their times alone, so a recording that is resumed picks the same.
    """

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self._slot: int | None = None

    def wants(self, media_time_s: float) -> bool:
        """Whether the frame is the first of its slot; call it for every frame in order."""
        slot = math.floor(media_time_s * self._fps + GRID_TOLERANCE_RATIO)
        first = self._slot is None or slot > self._slot
        self._slot = slot
        return first


class LiveRate:
    """Picks a live camera's frames by arrival: ``fps`` a second on average, evenly.

    A frame is due every 1/``fps`` s after the first, on a clock that doesn't drift with the
    frames picked; the frame nearest to the due moment is taken, so that jitter of arrival
    doesn't make the cadence jump. A camera slower than ``fps`` is taken whole.
    """

    def __init__(self, fps: float) -> None:
        self._period_s = 1.0 / fps
        self._due_s: float | None = None
        self._last_s: float | None = None
        self._interval_s = 0.0

    def wants(self, at_s: float) -> bool:
        """Whether to take the frame that arrives at ``at_s`` (any monotonic clock, s)."""
        if self._last_s is not None:
            interval_s = min(at_s - self._last_s, self._period_s)
            self._interval_s += 0.1 * (interval_s - self._interval_s)
        self._last_s = at_s
        if self._due_s is not None and at_s < self._due_s - self._interval_s / 2:
            return False
        if self._due_s is None or at_s > self._due_s + self._period_s:
            self._due_s = at_s  # The first one, or the first after a gap.
        self._due_s += self._period_s
        return True


class Playback:
    """Plays a recording at its own speed: how long to wait until a frame's time has come."""

    def __init__(self) -> None:
        self._origin_s: float | None = None

    def pause_s(self, media_time_s: float, now_s: float) -> float:
        """Seconds from ``now_s`` until the frame is due; 0 where it is due or late."""
        if self._origin_s is None:
            self._origin_s = now_s - media_time_s
        late_s = now_s - (self._origin_s + media_time_s)
        if late_s > CATCH_UP_S:
            self._origin_s += late_s
        return max(0.0, -late_s)


class Backoff:
    """Exponential back-off with full jitter: each pause is uniform between 0 and a limit that
    doubles from :data:`BACKOFF_FIRST_S` up to ``max_s``, so that cameras lost together don't
    come back in step. (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.)
    """

    def __init__(self, max_s: float, uniform: Callable[[float, float], float]) -> None:
        self._max_s = max_s
        self._uniform = uniform
        self._failures = 0

    def pause_s(self, streamed_s: float) -> float:
        """The pause after a connection that delivered for ``streamed_s`` (0: none was made)."""
        if streamed_s >= STABLE_S:
            self._failures = 0
        # 2**60 already exceeds any limit; a float overflows at 2**1024.
        limit_s = min(self._max_s, BACKOFF_FIRST_S * 2 ** min(self._failures, 60))
        self._failures += 1
        return self._uniform(0.0, limit_s)
