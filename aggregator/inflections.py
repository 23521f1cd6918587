"""Moments of the room: where it turned (CUSUM), and where it was at its height (peaks).

Both take the room's level of one measure (audience.RoomSecond), one value per second in order.

**Turns.** Page: Continuous inspection schemes, Biometrika 41 (1954) 100-115. The level is
standardised by its own slow mean and deviation (exponential, time constant :data:`SLOW_S`); since
faces change slowly, neighbouring seconds resemble each other, which would set off any CUSUM of
the level itself, so that it runs over what the second before doesn't predict: the residuals of a
first-order autoregression whose coefficient is estimated on the way (Alwan & Roberts: Time-series
modeling for statistical process control, Journal of Business & Economic Statistics 6 (1988)
87-95). Up: S ← max(0, S + e − K); alarm at S > H; down likewise. The turn is put where S was 0
last; the slow mean is learnt anew from there.

**Peaks.** A maximum stands out when the level rose to it, and has fallen from it again, by its
prominence, and it lies high enough above the last minute's median; both in robust deviations
(1.4826 · median absolute deviation) of that minute, and at least a visible amount.

Measured on simulated rooms in which nothing happens and on planted changes
(tests/aggregator/test_inflections.py; docs/semantics/room.md): alarms per hour, average run
length, delays.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

#: CUSUM's allowance and threshold, in standard deviations of the residual. K is half the change it
#: is tuned for, as usual; H was chosen by simulation for about one false alarm an hour at most
#: (docs/semantics/room.md).
K: Final = 0.5
H: Final = 9.0
#: Time constant of the slow mean, deviation and autocorrelation, s.
SLOW_S: Final = 120.0
#: Nothing is said before so many seconds were learnt from.
WARM_UP_S: Final = 30
#: After a turn, or a peak, this long nothing new is said, s: a change takes a while to be over.
REFRACTORY_S: Final = 10
#: A residual, and a step of the slow mean, counts for at most so many deviations: one second of
#: garbage is no turn.
CLIP: Final = 3.0
SLOW_CLIP: Final = 3.0
#: Deviation counted at least, in the measure's unit: of a level that stands still, less than this
#: isn't visible. The level is the mean of means in thousandths.
LEAST_DEVIATION: Final = 0.01
#: The autocorrelation is held within 0 and this.
_LARGEST_PHI: Final = 0.95
#: After so many seconds without a value the level before means nothing any more, s.
GAP_S: Final = 10
#: Prominence and height above the median that a peak needs, robust deviations, chosen by
#: simulation for less than one an hour where nothing happens (1.6 where tails are heavy).
PROMINENCE: Final = 8.0
HEIGHT: Final = 8.0
#: … and at least this much, in the measure's unit (valence, expressiveness): a tenth of the way
#: from a neutral face to a plainly happy one.
LEAST_HEIGHT: Final = 0.08
#: What a peak's median is taken over, s.
MEDIAN_S: Final = 60

Direction = Literal["up", "down"]


class Cusum(msgspec.Struct):
    """What is known of one measure. ``seen`` counts the seconds learnt from; ``before`` is the
    last second's difference from the slow mean; ``up``, ``down`` are Page's sums, ``up_from_s``
    … the time where each was 0 last, ``up_sum`` / ``up_n`` the level's sum since. ``mean_n`` counts
    the seconds since the slow mean began anew."""

    at_s: float | None = None
    seen: int = 0
    mean: float = 0.0
    mean_n: int = 0
    variance: float = 0.0
    covariance: float = 0.0
    before: float | None = None
    up: float = 0.0
    up_from_s: float = 0.0
    up_sum: float = 0.0
    up_n: int = 0
    down: float = 0.0
    down_from_s: float = 0.0
    down_sum: float = 0.0
    down_n: int = 0
    quiet_until_s: float = -math.inf


@dataclass(frozen=True, slots=True)
class Turn:
    """The level changed at about ``start_s`` (noticed at ``at_s``) by ``size``: the mean since,
    minus the slow mean before, in the measure's unit, > 0 for up."""

    start_s: float
    at_s: float
    direction: Direction
    size: float


class Peaks(msgspec.Struct):
    """The last MEDIAN_S levels, the lowest since the last peak, and the highest after it."""

    at_s: float | None = None
    levels: list[float] = []
    low: float = math.inf
    high: float = -math.inf
    high_s: float = 0.0
    quiet_until_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Peak:
    """The level was at its height at ``peak_s`` (noticed at ``at_s``): ``height`` above the last
    minute's median, ``prominence`` above the higher of the valleys on its sides."""

    peak_s: float
    at_s: float
    height: float
    prominence: float


def turn(cusum: Cusum, at_s: float, level: float | None) -> Turn | None:
    """Take the level of the second before ``at_s`` in. Only the first value of a moment counts;
    earlier moments don't. None and NaN are a second without a value."""
    if level is None or not math.isfinite(level) or not _later(cusum.at_s, at_s):
        return None
    if cusum.at_s is not None and at_s - cusum.at_s > GAP_S:
        _begin_again(cusum)
    cusum.at_s = at_s
    residual = _residual(cusum, level)
    found = None
    if cusum.seen >= WARM_UP_S and at_s > cusum.quiet_until_s:
        found = _sum_up(cusum, at_s, level, residual)
    if found is None:
        _learn(cusum, level, at_s)
    return found


def peak(peaks: Peaks, at_s: float, level: float | None) -> Peak | None:
    """Take the level of the second before ``at_s`` in; the same rules as :func:`turn`."""
    if level is None or not math.isfinite(level) or not _later(peaks.at_s, at_s):
        return None
    if peaks.at_s is not None and at_s - peaks.at_s > GAP_S:
        peaks.levels, peaks.low, peaks.high = [], math.inf, -math.inf
    peaks.at_s = at_s
    median, least = _bounds(peaks.levels)
    enough = len(peaks.levels) >= WARM_UP_S
    peaks.levels = [*peaks.levels[1 - MEDIAN_S :], level]
    if level > peaks.high:
        peaks.high, peaks.high_s = level, at_s
    prominence = peaks.high - max(peaks.low, level)
    height = peaks.high - median
    over = prominence >= least[0] and height >= least[1]
    if over and enough and at_s > peaks.quiet_until_s:
        found = Peak(peaks.high_s, at_s, height, prominence)
        peaks.low, peaks.high, peaks.high_s = level, level, at_s
        peaks.quiet_until_s = at_s + REFRACTORY_S
        return found
    if level < peaks.low:
        # Whatever was high before this valley is over.
        peaks.low, peaks.high, peaks.high_s = level, level, at_s
    return None


def _later(before_s: float | None, at_s: float) -> bool:
    return math.isfinite(at_s) and (before_s is None or at_s > before_s)


def _deviation(cusum: Cusum) -> float:
    return max(LEAST_DEVIATION, math.sqrt(cusum.variance))


def _residual(cusum: Cusum, level: float) -> float:
    """What the second before doesn't predict of the level, in its own standard deviations."""
    deviation = _deviation(cusum)
    phi = min(_LARGEST_PHI, max(0.0, cusum.covariance / deviation**2))
    before = 0.0 if cusum.before is None else cusum.before
    residual = (level - cusum.mean - phi * before) / (deviation * math.sqrt(1 - phi * phi))
    return min(CLIP, max(-CLIP, residual))


def _sum_up(cusum: Cusum, at_s: float, level: float, residual: float) -> Turn | None:
    up, down = max(0.0, cusum.up + residual - K), max(0.0, cusum.down - residual - K)
    cusum.up_from_s = at_s - 1.0 if cusum.up == 0 else cusum.up_from_s
    cusum.down_from_s = at_s - 1.0 if cusum.down == 0 else cusum.down_from_s
    cusum.up_sum, cusum.up_n = (cusum.up_sum + level, cusum.up_n + 1) if up else (0.0, 0)
    cusum.down_sum, cusum.down_n = (cusum.down_sum + level, cusum.down_n + 1) if down else (0.0, 0)
    cusum.up, cusum.down = up, down
    if max(up, down) <= H:
        return None
    rising = up >= down
    since = cusum.up_sum / cusum.up_n if rising else cusum.down_sum / cusum.down_n
    start_s = cusum.up_from_s if rising else cusum.down_from_s
    found = Turn(start_s, at_s, "up" if rising else "down", since - cusum.mean)
    cusum.mean, cusum.mean_n, cusum.before = level, 1, 0.0
    _clear(cusum)
    cusum.quiet_until_s = at_s + REFRACTORY_S
    return found


def _learn(cusum: Cusum, level: float, at_s: float) -> None:
    """Move the slow mean, deviation and autocovariance on by a second: plain means at first.
    After a turn the mean is learnt anew, the others rest until the change is over."""
    quiet = at_s <= cusum.quiet_until_s
    cusum.seen += 1
    cusum.mean_n += 1
    difference = level - cusum.mean
    if cusum.seen > WARM_UP_S and not quiet:
        bound = SLOW_CLIP * _deviation(cusum)
        difference = min(bound, max(-bound, difference))
    before = 0.0 if cusum.before is None else cusum.before
    cusum.mean += max(1 / cusum.mean_n, 1 / SLOW_S) * difference
    cusum.before = difference
    if not quiet:
        gain = max(1 / cusum.seen, 1 / SLOW_S)
        cusum.variance = (1 - gain) * (cusum.variance + gain * difference * difference)
        cusum.covariance = (1 - gain) * (cusum.covariance + gain * difference * before)


def _begin_again(cusum: Cusum) -> None:
    """The level was lost for a while: learn it anew."""
    cusum.seen, cusum.mean, cusum.mean_n, cusum.before = 0, 0.0, 0, None
    cusum.variance = cusum.covariance = 0.0
    _clear(cusum)


def _clear(cusum: Cusum) -> None:
    cusum.up = cusum.down = cusum.up_sum = cusum.down_sum = 0.0
    cusum.up_n = cusum.down_n = 0


def _bounds(levels: list[float]) -> tuple[float, tuple[float, float]]:
    """The median, and the least prominence and height of a peak."""
    if not levels:
        return 0.0, (math.inf, math.inf)
    median = statistics.median(levels)
    deviation = 1.4826 * statistics.median(abs(level - median) for level in levels)
    return median, (
        max(LEAST_HEIGHT, PROMINENCE * deviation),
        max(LEAST_HEIGHT, HEIGHT * deviation),
    )
