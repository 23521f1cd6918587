"""How often something is read: what changes fast can't be told from readings that are too rare."""

from __future__ import annotations

from typing import Final

import msgspec

#: Share of the newest interval in the mean: at 10 readings a second the mean spans a second.
SHARE: Final = 0.1
#: A longer gap starts anew, s.
GAP_S: Final = 1.0


class Pace(msgspec.Struct, array_like=True):
    """When there was a reading last, and the mean interval, s (None: one reading so far)."""

    at_s: float | None = None
    mean_s: float | None = None


def tick(pace: Pace, at_s: float) -> None:
    """There is a reading. One at the time of the last (another camera's) doesn't count."""
    if pace.at_s is None or at_s - pace.at_s > GAP_S:
        pace.at_s, pace.mean_s = at_s, None
        return
    interval_s = at_s - pace.at_s
    if interval_s <= 0:
        return
    pace.at_s = at_s
    if pace.mean_s is None:
        pace.mean_s = interval_s
    pace.mean_s += SHARE * (interval_s - pace.mean_s)


def quick(pace: Pace, longest_s: float) -> bool:
    """Whether readings come at least every ``longest_s`` on average."""
    return pace.mean_s is not None and pace.mean_s <= longest_s
