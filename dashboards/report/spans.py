"""One person's timeline as arrays, and what is made of it: totals, spans, half seconds, pictures.

Pure functions over arrays. Times are session time, s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final, NamedTuple

import numpy as np

from readroom.messages import NOT_READ, NOT_VISIBLE, STATES
from readroom.sessions.arrays import Flags, Floats, Numbers

#: Points are this far apart at most, s, or there is a gap: nothing is known of what lies between.
#: As long as the aggregator's coverage goes on without a frame; twice the step where that is more.
GAP_S: Final = 1.5
#: Width of the bins in which figures are compared, s: the aggregator's (docs/semantics/room.md).
BIN_S: Final = 0.5

_NOT_VISIBLE: Final = STATES.index(NOT_VISIBLE)
_NOT_READ: Final = STATES.index(NOT_READ)


class Span(NamedTuple):
    """From ``start_s`` to ``end_s`` something was ``value``."""

    start_s: float
    end_s: float
    value: int


@dataclass(frozen=True, slots=True)
class Track:
    """Someone's n points in order of time, each array [n]. ``lasts_s`` is the time that each
    speaks for; ``state`` and ``look`` are indices in STATES and LOOKS; ``valence`` (−1..1) and
    ``expressive`` (0..1) are NaN where the face wasn't being read; ``front`` (0 or 1) is NaN where
    it couldn't be told whether the front was faced. ``actions`` and ``measured`` are bits of
    ACTIONS."""

    time_s: Floats
    lasts_s: Floats
    state: Numbers
    look: Numbers
    valence: Floats
    expressive: Floats
    front: Floats
    actions: Numbers
    measured: Numbers

    def __len__(self) -> int:
        return len(self.time_s)

    def of(self, chosen: Flags | Numbers) -> Track:
        """Only some of the points."""
        return Track(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})

    @property
    def there_s(self) -> float:
        """Time that was told of them at all."""
        return float(self.lasts_s.sum())

    @property
    def in_view_s(self) -> float:
        """Time in which a camera saw them."""
        return float(self.lasts_s[self.state != _NOT_VISIBLE].sum())

    @property
    def readable(self) -> Flags:
        """Where the face could be read."""
        return np.isfinite(self.valence)

    @property
    def seen_well(self) -> Flags:
        """Where a face was seen that was large enough: all that is said of one where no expression
        may be read."""
        seen: Flags = self.state == _NOT_READ
        return seen


def lasting(time_s: Floats, step_s: float) -> Floats:
    """The time that each point speaks for: up to the next one, or one step where that is the last
    or a gap comes."""
    if not len(time_s):
        return np.zeros(0)
    after = np.append(np.diff(time_s), np.inf)
    return np.where(after > max(GAP_S, 2 * step_s), step_s, after)


def totals(values: Numbers, lasts_s: Floats, count: int) -> Floats:
    """Seconds for which each of ``count`` values lasted, [count]."""
    sums: Floats = np.bincount(values, lasts_s, minlength=count)[:count].astype(np.float64)
    return sums


def spans(track: Track, values: Numbers) -> list[Span]:
    """The runs of one value; a gap ends a run."""
    if not len(track):
        return []
    ends = track.time_s + track.lasts_s
    begins = np.ones(len(track), np.bool_)
    begins[1:] = (values[1:] != values[:-1]) | (track.time_s[1:] > ends[:-1] + 1e-9)
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(track)) - 1
    return [
        Span(float(track.time_s[a]), float(ends[b]), int(values[a]))
        for a, b in zip(first, last, strict=True)
    ]


def painted(track: Track, values: Numbers, end_s: float, columns: int) -> list[Span]:
    """The runs as a picture of ``columns`` columns can show them: in each column what lasted
    longest in it. A short session's are given as they are."""
    width_s = end_s / columns if end_s > 0 else 0.0
    if not len(track) or width_s <= float(np.median(track.lasts_s)):
        return spans(track, values)
    column = np.minimum((track.time_s / width_s).astype(np.int64), columns - 1)
    kinds = int(values.max()) + 1
    time = np.bincount(column * kinds + values, track.lasts_s, minlength=columns * kinds)
    table = time.reshape(columns, kinds)
    # Less than half a column of anything is nothing: a gap stays one.
    shown = np.where(table.sum(axis=1) >= width_s / 2, table.argmax(axis=1), -1)
    return list(_runs(shown, width_s))


def binned(track: Track, figure: Floats, count: int, width_s: float = BIN_S) -> Floats:
    """Means of a figure over ``count`` bins of ``width_s`` from session time 0 on, [count]; NaN
    where nothing was known."""
    known = np.isfinite(figure) & (track.time_s >= 0)
    index = (track.time_s[known] / width_s).astype(np.int64)
    inside = index < count
    index, values = index[inside], figure[known][inside]
    number = np.bincount(index, minlength=count)
    total = np.bincount(index, values, minlength=count)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _runs(shown: Numbers, width_s: float) -> Iterator[Span]:
    edges = np.flatnonzero(np.diff(shown)) + 1
    for a, b in zip(np.append(0, edges), np.append(edges, len(shown)), strict=True):
        if shown[a] >= 0:
            yield Span(float(a * width_s), float(b * width_s), int(shown[a]))
