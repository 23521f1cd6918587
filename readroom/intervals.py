"""95 % intervals for figures of a few people.

With 2 to 12 people Student's t is the one that holds. The usual bootstrap percentiles are too
narrow for so few (Hesterberg: What teachers should know about the bootstrap, The American
Statistician 69 (2015) 371-386, section 4.1), and below 6 people no resampling of the mean can
reach 95 % at all: the whole range of the values misses the middle of a symmetric distribution
with probability 2 · (1/2)^n. Shares, of which many are alike, have intervals of their own.
How often each covers the truth is simulated in tests/readroom/test_intervals.py;
docs/semantics/room.md has the tables.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np
from scipy import special

#: Resamplings of one bootstrap.
DRAWS: Final = 2000
#: From so many people on the bootstrap covers about what it claims (docs/semantics/room.md).
BOOTSTRAP_FROM: Final = 8
#: 97.5 % quantile of the normal distribution.
Z_95: Final = 1.959964


def student(values: list[float]) -> tuple[float, float] | None:
    """The t interval of the mean (Student: The probable error of a mean, Biometrika 6 (1908)
    1-25); None for fewer than two values."""
    n = len(values)
    if n < 2:
        return None
    mean = math.fsum(values) / n
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    half = t_quantile(n - 1) * math.sqrt(variance / n)
    return mean - half, mean + half


def wilson(share: float, n: int) -> tuple[float, float]:
    """The score interval of a share (0..1) of ``n`` >= 1 people (Wilson: Probable inference,
    the law of succession, and statistical inference, JASA 22 (1927) 209-212).

    ``share · n`` needn't be whole: shares of time vary less between people than yes and no
    would, so the interval is on the wide side then."""
    z2 = Z_95 * Z_95
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # Kept around the share itself: at 0 and 1 the ends differ from it by rounding alone.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def paired_shares(changes: list[float]) -> tuple[float, float]:
    """The interval of the mean change of a share (each −1..1, one per person, n >= 1): Wald's with
    half a person added to each of yes–yes, yes–no, no–yes and no–no (Agresti & Min: Simple improved
    confidence intervals for comparing matched proportions, Statistics in Medicine 24 (2005)
    729-740).

    Of shares most changes are exactly 0, often all of them; then t and the bootstrap would claim
    to know the answer of everybody to the last digit. It always holds the mean of ``changes``.
    Shares of time vary less than yes and no, so that it is on the wide side for them."""
    n = len(changes) + 2
    total = math.fsum(changes)
    squares = math.fsum(change * change for change in changes) + 1.0
    half = Z_95 * math.sqrt(squares - total * total / n) / n
    return total / n - half, total / n + half


def bootstrap(values: list[float], seed: int) -> tuple[float, float] | None:
    """The interval of the mean by resampling people (Efron: Bootstrap methods, Annals of
    Statistics 7 (1979) 1-26), percentiles expanded for few people (Hesterberg, 4.2); below
    :data:`BOOTSTRAP_FROM` values it is Student's. ``seed`` >= 0 makes it repeatable."""
    n = len(values)
    if n < BOOTSTRAP_FROM:
        return student(values)
    draws = np.random.default_rng(seed).integers(0, n, (DRAWS, n))
    means = np.asarray(values)[draws].mean(axis=1)
    tail = float(special.ndtr(-math.sqrt(n / (n - 1)) * t_quantile(n - 1)))
    low, high = np.quantile(means, (tail, 1 - tail))
    return float(low), float(high)


@lru_cache(maxsize=256)
def t_quantile(freedom: int) -> float:
    """The 97.5 % quantile of Student's t with ``freedom`` >= 1 degrees of freedom."""
    return float(special.stdtrit(freedom, 0.975))
