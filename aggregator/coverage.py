"""How much of the last minute, and of the whole presence, a face was readable: the honesty
figure beside every read-out."""

from __future__ import annotations

from typing import Final

import msgspec

#: The window, and the width of its bins, s.
WINDOW_S: Final = 60
#: A step longer than this is a gap in the observation: it counts as present, not readable, s.
MAX_STEP_S: Final = 1.5


class Coverage(msgspec.Struct):
    """Time present and time readable, s, in one-second bins: bin n of session second n is at
    index n mod 60. ``second`` is the newest bin's session second. ``total_s`` is the time
    readable since the person entered, ``readable`` whether the face is now."""

    second: int = -1
    at_s: float | None = None
    present_s: list[float] = msgspec.field(default_factory=lambda: [0.0] * WINDOW_S)
    readable_s: list[float] = msgspec.field(default_factory=lambda: [0.0] * WINDOW_S)
    total_s: float = 0.0
    readable: bool = False


def add(coverage: Coverage, at_s: float, readable: bool) -> None:
    """The person has been present since the last call, and the face readable or not."""
    if coverage.at_s is None:
        coverage.at_s = at_s
    step_s = max(0.0, at_s - coverage.at_s)
    coverage.at_s = max(at_s, coverage.at_s)
    _turn(coverage, int(coverage.at_s))
    index = coverage.second % WINDOW_S
    coverage.present_s[index] += step_s
    coverage.readable = readable
    if readable:
        coverage.readable_s[index] += min(step_s, MAX_STEP_S)
        coverage.total_s += min(step_s, MAX_STEP_S)


def ratio(coverage: Coverage) -> float:
    """Readable share of the time present within the window, 0..1 (0 before any time passed)."""
    present_s = sum(coverage.present_s)
    return min(1.0, sum(coverage.readable_s) / present_s) if present_s > 0 else 0.0


def _turn(coverage: Coverage, second: int) -> None:
    """Empty the bins that lie between the newest one and ``second``."""
    steps = min(WINDOW_S, max(0, second - coverage.second))
    for back in range(steps):
        index = (second - back) % WINDOW_S
        coverage.present_s[index] = coverage.readable_s[index] = 0.0
    coverage.second = max(second, coverage.second)
