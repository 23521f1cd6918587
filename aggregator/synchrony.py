"""Do the faces move together? Inter-subject correlation, with the chance of it.

Each person's series is correlated with the mean of all others (leave one out), as in Hasson et
al.: Intersubject synchronization of cortical activity during natural vision, Science 303 (2004)
1634-1640, and Nastase et al.: Measuring shared responses across subjects using intersubject
correlation, SCAN 14 (2019) 667-685, https://doi.org/10.1093/scan/nsz037. The value is the mean
over people of Fisher's z = artanh r, turned back.

A minute of slowly changing faces correlates by accident. How much is found by turning each
person's minute round by a random number of seconds of its own (circular shifts: they keep each
series as it is and break only what is shared; Nastase et al., "Statistical significance"). p is
the share of shifted minutes that reach the value, with 1 added above and below (Phipson & Smyth:
Permutation P-values should never be zero, 2010). The interval comes from leaving one person, and
one stretch of 10 s, out of everything at a time (the jackknife; Efron & Stein, Annals of Statistics
9 (1981) 586-596), with Student's t: the correlations of one room share all their data, so they
can't be resampled as if each stood for itself. What both reach on series with a known answer:
docs/semantics/room.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from readroom.intervals import t_quantile
from readroom.messages import Measure

#: Fewer people have no "others".
MIN_PEOPLE: Final = 3
#: Somebody counts with at least so many seconds in which another one is known, too. Below it, two
#: or three smiles decide.
MIN_OVERLAP_S: Final = 30
#: Shifted minutes that the chance is taken from: p is known to ± 0.02 at 0.05.
SHIFTS: Final = 400
#: A shift by less than this hardly is one: expressions last a few seconds.
MIN_SHIFT_S: Final = 5
#: Somebody whose series varies less than this (standard deviation, the series' unit) doesn't move
#: at all: there is nothing to share, and the correlation counts as 0.
FLAT: Final = 0.005
#: Stretches that are left out for the interval, s: longer than expressions mostly last.
BLOCK_S: Final = 10
#: |r| is held below this: artanh of 1 is infinite.
_LARGEST_R: Final = 0.999

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def synchrony(people: Sequence[Sequence[float | None]], seed: int) -> Measure:
    """How synchronous ``people`` are: each one a series on the same grid of seconds, None where
    nothing is known. Value and interval −1..1; ``p`` is the share of shifted minutes that are as
    synchronous or more (one-sided, 0..1; None where nothing is said). The same ``seed`` >= 0
    gives the same answer."""
    values, known = _usable(people)
    n = len(values)
    coverage = float(known.mean()) if n else 0.0
    moving = int((np.abs(values).sum(axis=1) > 0).sum()) if n else 0
    if n < MIN_PEOPLE or moving < 2:
        return Measure(value=None, n=n, coverage=coverage)
    value = float(_correlation(values[None], known[None])[0])
    null = _null(values, known, seed)
    low, high = _jackknife(values, known, value)
    return Measure(
        value=math.tanh(value),
        low=math.tanh(low),
        high=math.tanh(high),
        n=n,
        coverage=coverage,
        p=float(1 + (null >= value).sum()) / (1 + SHIFTS),
    )


def _usable(people: Sequence[Sequence[float | None]]) -> tuple[Floats, Bools]:
    """Standardised series [people, seconds] (0 where unknown, or flat) and what is known, of
    those with enough overlap; without the seconds before anybody was known."""
    empty = np.zeros((0, 0)), np.zeros((0, 0), dtype=np.bool_)
    if not people or not len(people[0]):
        return empty
    values = np.array([[np.nan if v is None else v for v in row] for row in people], dtype=float)
    known = np.isfinite(values)
    if not known.any():
        return empty
    first = int(known.any(axis=0).argmax())
    values, known = values[:, first:], known[:, first:]
    others = known.sum(axis=0) - known
    enough = (known & (others > 0)).sum(axis=1) >= MIN_OVERLAP_S
    values, known = values[enough], known[enough]
    if not len(values):
        return empty
    return _standardised(np.where(known, values, 0.0), known), known


def _standardised(values: Floats, known: Bools) -> Floats:
    """Each row without its mean and its straight trend, with deviation 1; 0 where unknown, or
    flat. Turned round, a trend would become a saw, and the chance look smaller than it is."""
    count = known.sum(axis=1, keepdims=True)
    time = np.where(known, np.arange(values.shape[1], dtype=float), 0.0)
    time = np.where(known, time - time.sum(axis=1, keepdims=True) / count, 0.0)
    values = np.where(known, values - values.sum(axis=1, keepdims=True) / count, 0.0)
    slope = (values * time).sum(axis=1, keepdims=True) / (time * time).sum(axis=1, keepdims=True)
    values = values - slope * time
    deviation = np.sqrt((values**2).sum(axis=1, keepdims=True) / count)
    found: Floats = np.where(deviation >= FLAT, values / np.maximum(deviation, FLAT), 0.0)
    return found


def _correlation(values: Floats, known: Bools) -> Floats:
    """Mean over people of artanh r, for each of a batch [batch, people, seconds]: [batch]."""
    others = known.sum(axis=1, keepdims=True) - known
    rest = (values.sum(axis=1, keepdims=True) - values) / np.maximum(others, 1)
    both = known & (others > 0)
    count = np.maximum(both.sum(axis=2, keepdims=True), 1)
    a = np.where(both, values - (values * both).sum(axis=2, keepdims=True) / count, 0.0)
    b = np.where(both, rest - (rest * both).sum(axis=2, keepdims=True) / count, 0.0)
    scale = np.sqrt((a * a).sum(axis=2) * (b * b).sum(axis=2))
    r = (a * b).sum(axis=2) / np.where(scale > 1e-12, scale, np.inf)
    found: Floats = np.arctanh(np.clip(r, -_LARGEST_R, _LARGEST_R)).mean(axis=1)
    return found


def _null(values: Floats, known: Bools, seed: int) -> Floats:
    """The values of SHIFTS minutes in which everybody's series is turned round: [SHIFTS]."""
    n, length = values.shape
    draw = np.random.default_rng(seed)
    shifts = draw.integers(MIN_SHIFT_S, length - MIN_SHIFT_S, (SHIFTS, n, 1), endpoint=True)
    places = (np.arange(length) + shifts) % length
    # In parts, so that a full room takes no more than a few megabytes.
    part = max(1, 100_000 // values.size)
    rows = np.arange(n)[None, :, None]
    return np.concatenate(
        [
            _correlation(values[rows, places[at : at + part]], known[rows, places[at : at + part]])
            for at in range(0, SHIFTS, part)
        ]
    )


def _jackknife(values: Floats, known: Bools, value: float) -> tuple[float, float]:
    """The interval of artanh r: from the values without one person each, and without one stretch
    of BLOCK_S each; the two variances add up."""
    people, length = values.shape
    alone = [
        _correlation(np.delete(values, one, axis=0)[None], np.delete(known, one, axis=0)[None])
        for one in range(people)
    ]
    stretch = np.arange(length) // BLOCK_S
    blocks = int(stretch[-1]) + 1
    cut = np.stack([known & (stretch != block) for block in range(blocks)])
    variance = _variance(np.concatenate(alone))
    variance += _variance(_correlation(np.where(cut, values, 0.0), cut))
    half = t_quantile(min(people, blocks) - 1) * math.sqrt(variance)
    return value - half, value + half


def _variance(without: Floats) -> float:
    """The jackknife variance of a figure from its values without one part each."""
    n = len(without)
    return (n - 1) / n * float(((without - without.mean()) ** 2).sum())
