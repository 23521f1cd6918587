"""Figures with intervals: the bootstrap over pictures, and times taken alternately."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

#: Drawings of the bootstrap. At 2,000 a bound of a 95 % interval moves by about a twentieth of
#: the interval from seed to seed.
RESAMPLES: Final = 2000
_WARM_UP_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval; NaN: undefined. ``n`` pictures, faces or rounds, whatever it
    is a figure of, are behind it."""

    value: float
    low: float
    high: float
    n: int


def draw(n: int, resamples: int = RESAMPLES, seed: int = 0) -> NDArray[np.float32]:
    """How often each of n pictures is drawn when n are drawn with replacement.

    float32 [resamples, n]; every row sums to n (Efron 1979). The same seed draws the same.
    """
    chosen = np.random.default_rng(seed).integers(0, n, (resamples, n))
    chosen += np.arange(resamples)[:, None] * n
    return np.bincount(chosen.ravel(), minlength=resamples * n).reshape(resamples, n).astype("f4")


def figure(statistic: Callable[[Floats], Any], weights: Floats, n: int | None = None) -> Figure:
    """A statistic with its bootstrap percentile interval (2.5 % to 97.5 %).

    ``statistic`` takes weights [..., n] and gives [...]. ``n`` is told where the statistic rests
    on fewer pictures than there are weights.
    """
    once = float(statistic(np.ones(weights.shape[1], np.float32)))
    low, high = interval(np.asarray(statistic(weights)))
    return Figure(once, low, high, weights.shape[1] if n is None else n)


def interval(values: Floats) -> tuple[float, float]:
    """The 2.5th and 97.5th percentile of resampled values [resamples], NaN left out."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)


def alternately(
    ours: Callable[[], object],
    theirs: Callable[[], object],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> NDArray[np.float64]:
    """What two calls take, s: [rounds, 2]. They alternate, so that whatever else the machine does
    hits both alike; ``time.thread_time`` as the clock leaves out what others use of the CPU, for
    calls that stay in one thread."""
    for _ in range(_WARM_UP_ROUNDS):
        ours()
        theirs()
    return np.array([(_timed(ours, clock), _timed(theirs, clock)) for _ in range(rounds)])


def median_ratio(times: NDArray[np.float64]) -> Figure:
    """The median over rounds of the first time over the second, times [rounds, 2]; the interval
    is a bootstrap over rounds."""
    ratios = times[:, 0] / times[:, 1]
    drawn = np.random.default_rng(0).integers(0, len(ratios), (1000, len(ratios)))
    low, high = interval(np.median(ratios[drawn], axis=1))
    return Figure(float(np.median(ratios)), low, high, len(ratios))


def _timed(run: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    run()
    return clock() - start
