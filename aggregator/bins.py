"""The last minute of a few figures as means over short bins: small enough for every checkpoint.

A checkpoint is written twice a second and holds everybody's last minute, so no raw samples are
kept, and means are stored as whole thousandths: MessagePack spells those with 1 to 3 bytes (to
±32.767) where a float takes 9.

Bin n holds the session time from n · width to (n + 1) · width. A point speaks for the time since
the one before it: where none has passed (the same moment again, an earlier one), it says nothing
and is left out, so that what is delivered twice counts once. What is NaN or infinite is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import msgspec

#: Steps of the stored means: 1 / STEPS of the figure's unit.
STEPS: Final = 1000
#: Figures beyond this are garbage and count as unknown.
LARGEST: Final = 1e6
#: So are session times beyond this (30 years), s: their bins' numbers would leave MessagePack.
LATEST_S: Final = 1e9


class Bins(msgspec.Struct):
    """Means of some figures ("channels") per bin. ``newest`` is the number of the bin that is
    filling, ``at_s`` the last point's time. ``means[channel][n % count]`` is bin n's mean in
    thousandths, None where nothing was known; ``seen[n % count]`` whether there was any point.
    ``sums`` and ``counts`` are the newest bin's."""

    width_s: float
    means: list[list[int | None]]
    seen: list[bool]
    sums: list[float]
    counts: list[int]
    newest: int | None = None
    at_s: float | None = None


def begin(channels: int, count: int, width_s: float) -> Bins:
    """``count`` empty bins of ``width_s`` for each of ``channels`` figures."""
    return Bins(
        width_s=width_s,
        means=[[None] * count for _ in range(channels)],
        seen=[False] * count,
        sums=[0.0] * channels,
        counts=[0] * channels,
    )


def usable(at_s: float) -> bool:
    """Whether this is a session time at all."""
    return abs(at_s) <= LATEST_S  # NaN isn't


def number(bins: Bins, at_s: float) -> int:
    """The number of the bin that a moment lies in."""
    return math.floor(at_s / bins.width_s)


def add(bins: Bins, at_s: float, values: Sequence[float | None]) -> bool:
    """Take a point in, one value per channel (None: unknown); False where it says nothing."""
    if not usable(at_s) or (bins.at_s is not None and at_s <= bins.at_s):
        return False
    bins.at_s = at_s
    _turn(bins, number(bins, at_s))
    index = number(bins, at_s) % len(bins.seen)
    bins.seen[index] = True
    for channel, value in enumerate(values):
        if value is None or not abs(value) <= LARGEST:  # NaN fails this, too
            continue
        bins.sums[channel] += value
        bins.counts[channel] += 1
        mean = bins.sums[channel] / bins.counts[channel]
        bins.means[channel][index] = round(mean * STEPS)
    return True


def read(bins: Bins, channel: int, first: int, end: int) -> list[int | None]:
    """The means of bins ``first`` to ``end`` − 1 in thousandths; None where nothing is known
    (any more)."""
    newest, ring = bins.newest, bins.means[channel]
    if newest is None:
        return [None] * max(0, end - first)
    oldest, count = newest - len(ring), len(ring)
    return [ring[n % count] if oldest < n <= newest else None for n in range(first, end)]


def seen(bins: Bins, first: int, end: int) -> int:
    """How many of the bins ``first`` to ``end`` − 1 hold a point, whatever it knew."""
    newest, count = bins.newest, len(bins.seen)
    if newest is None:
        return 0
    return sum(bins.seen[n % count] for n in range(max(first, newest - count + 1), end)
               if n <= newest)  # fmt: skip


def mean(means: list[int | None]) -> tuple[float | None, int]:
    """The mean of what is known, in the figure's unit, and from how many bins."""
    known = [value for value in means if value is not None]
    return (sum(known) / len(known) / STEPS if known else None), len(known)


def _turn(bins: Bins, to: int) -> None:
    """Begin bin ``to``: empty it, and those that were skipped."""
    if bins.newest is not None and to <= bins.newest:
        return
    count = len(bins.seen)
    since = to if bins.newest is None else max(bins.newest + 1, to - count + 1)
    for bin_number in range(since, to + 1):
        index = bin_number % count
        bins.seen[index] = False
        for ring in bins.means:
            ring[index] = None
    bins.sums = [0.0] * len(bins.sums)
    bins.counts = [0] * len(bins.counts)
    bins.newest = to
