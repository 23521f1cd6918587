"""Subtle changes: somebody looks unlike their own last minute, in a way that no state names.

Each second, the mean of the last :data:`RECENT_S` of every measurement is compared with the same
person's seconds before: robust z = (recent − median) / (1.4826 · MAD), the median absolute
deviation (Hampel: The influence curve, JASA 69 (1974) 383-393; Iglewicz & Hoaglin 1993 for the
z). The deviation is the root mean square of z over the measurements at hand, each cut at
:data:`CLIP`. A full covariance (Mahalanobis) isn't used: a minute is too short to learn one of
twelve dimensions that all change slowly.

Probabilities enter as log-odds, where going from 0.01 to 0.05 counts as much as from 0.5 to 0.84:
that is what "subtle" means. With purposes that forbid expressions the caller gives none, and head
and movement are left.

How often this speaks where nothing happens was simulated; tests/aggregator/test_deviation.py
measures it again, docs/semantics/room.md has the table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from readroom.aggregator import bins
from readroom.aggregator.bins import Bins
from readroom.aggregator.expression_state import clean
from readroom.messages import EXPRESSIONS, Probabilities

#: What is measured, in the order of the bins: log-odds of each expression, then the others.
MEASUREMENTS: Final = (*EXPRESSIONS, "valence", "pitch", "yaw", "movement")
#: How long "now" and "the last minute" are, s.
RECENT_S: Final = 2
WINDOW_S: Final = 60
#: Seconds of history, besides the recent ones, that a measurement needs.
MIN_HISTORY_S: Final = 20
#: A deviation begins at ENTER and ends below LEAVE (root mean square of robust z), chosen by
#: simulation: less than one an hour and person where nothing happens.
ENTER: Final = 4.5
LEAVE: Final = 2.5
#: z counts for at most this: one measurement alone, however far, needs others beside it only
#: where it is a single one of twelve (CLIP² / 12 > ENTER² holds for 16 and above).
CLIP: Final = 20.0
#: A change that is named within so long of the deviation's beginning was what began, s: states
#: take 0.4 to 0.8 s to be said (expression_state.py), looks and actions as long again.
NAMED_S: Final = 3.0
#: After a deviation, or what was named, this long nothing is said, s.
REFRACTORY_S: Final = 10.0
#: Probabilities are kept this far from 0 and 1: beyond, networks differ by nothing visible.
_LEAST_P: Final = 0.02
#: Deviation of each measurement counted at least, in its unit: log-odds, valence, degrees, and
#: face widths (or shoulder widths) per second. Smaller changes can't be seen, whatever a face
#: that stood still makes of them.
_LEAST: Final = np.array((0.3,) * len(EXPRESSIONS) + (0.03, 2.0, 2.0, 0.05))

Floats = NDArray[np.float64]


class Deviation(msgspec.Struct):
    """One person's last minute, and what is going on. ``since_s`` is when the running deviation
    began, ``until_s`` up to when it is known to have gone on; ``most``, ``z`` and ``strength`` are
    its strongest second's. ``named_s`` is when something was named last; ``explained`` while what
    it named still lasts."""

    seconds: Bins = msgspec.field(
        default_factory=lambda: bins.begin(len(MEASUREMENTS), WINDOW_S + RECENT_S, 1.0)
    )
    since_s: float | None = None
    until_s: float = 0.0
    most: int = 0
    z: float = 0.0
    strength: float = 0.0
    named_s: float | None = None
    explained: bool = False
    quiet_until_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Values:
    """What one moment says of a person, each None where unknown: smoothed probabilities, valence
    −1..1, the head's angles in degrees, movement in own widths per second (≥ 0)."""

    expression: Probabilities | None = None
    valence: float | None = None
    pitch_deg: float | None = None
    yaw_deg: float | None = None
    movement: float | None = None


@dataclass(frozen=True, slots=True)
class Deviated:
    """From ``start_s`` to ``end_s`` the person was unlike their last minute; ``measurement`` (one
    of MEASUREMENTS) most of all, by ``z`` robust deviations (> 0: more than usual) in the strongest
    second, in which the root mean square over all was ``strength``."""

    start_s: float
    end_s: float
    measurement: str
    z: float
    strength: float


def begin() -> Deviation:
    """Somebody of whom nothing is known yet."""
    return Deviation()


def step(person: Deviation, values: Values, at_s: float, *, named: bool) -> Deviated | None:
    """Take a moment in; returns the deviation that it ended. ``named``: a state, look or action of
    the person began or ended at this moment. A moment that isn't later than the last counts
    only for its ``named``."""
    if not math.isfinite(at_s):
        return None
    newest = person.seconds.newest
    if named:
        person.named_s = at_s if person.named_s is None else max(person.named_s, at_s)
    over = None
    if newest is not None and at_s >= newest + 1:
        over = _judge(person, newest)
    bins.add(person.seconds, at_s, _channels(values))
    return over


def finish(person: Deviation) -> Deviated | None:
    """The person has left, or the session ends: what is going on is over."""
    return _end(person)


def strength(person: Deviation) -> tuple[float, int, float] | None:
    """How unlike the seconds before the newest RECENT_S are: the root mean square of robust z,
    which measurement deviates most, and its z; None without the history."""
    newest, count = person.seconds.newest, len(person.seconds.seen)
    if newest is None:
        return None
    # The ring holds the recent seconds and the history exactly; a history needs no order.
    ring = np.array(person.seconds.means, dtype=float) / bins.STEPS
    places = [(newest - back) % count for back in range(RECENT_S)]
    recent = ring[:, places].mean(axis=1)  # NaN where one of them is unknown
    ring[:, places] = np.nan
    enough = np.isfinite(recent) & (np.isfinite(ring).sum(axis=1) >= MIN_HISTORY_S)
    if not enough.any():
        return None
    ring, channels = ring[enough], np.flatnonzero(enough)
    median = _medians(ring)
    spread = 1.4826 * _medians(np.abs(ring - median[:, None]))
    z = np.clip((recent[enough] - median) / np.maximum(spread, _LEAST[enough]), -CLIP, CLIP)
    most = int(np.abs(z).argmax())
    return math.sqrt(float((z * z).mean())), int(channels[most]), float(z[most])


def _medians(rows: Floats) -> Floats:
    """The median of each row without its NaN; every row has a number. Several times as fast as
    numpy.nanmedian on rows this short."""
    ordered = np.sort(rows, axis=1)  # NaN last
    count = np.isfinite(rows).sum(axis=1)
    row = np.arange(len(rows))
    found: Floats = (ordered[row, (count - 1) // 2] + ordered[row, count // 2]) / 2
    return found


def _judge(person: Deviation, second: int) -> Deviated | None:
    """A second is complete: begin, go on with, or end a deviation."""
    judged, at_s = strength(person), second + 1.0
    named = person.named_s is not None and at_s - person.named_s <= NAMED_S
    if judged is None or judged[0] < LEAVE:
        person.explained = False
        return _end(person)
    if named:
        return _name(person)
    size, channel, z = judged
    if person.since_s is None:
        if size < ENTER or person.explained or at_s <= person.quiet_until_s:
            return None
        person.since_s, person.strength = at_s - RECENT_S, 0.0
    if size > person.strength:
        person.strength, person.most, person.z = size, channel, z
    person.until_s = at_s
    return None


def _name(person: Deviation) -> Deviated | None:
    """Something names what goes on: it is no deviation until it is over. One that was there
    long before was one, up to now."""
    person.explained = True
    named_s = person.named_s or 0.0
    if person.since_s is not None and named_s - person.since_s > NAMED_S + RECENT_S:
        return _end(person)
    person.since_s = None
    return None


def _end(person: Deviation) -> Deviated | None:
    if person.since_s is None:
        return None
    named = MEASUREMENTS[person.most]
    over = Deviated(person.since_s, person.until_s, named, person.z, person.strength)
    person.since_s, person.quiet_until_s = None, person.until_s + REFRACTORY_S
    return over


def _channels(values: Values) -> tuple[float | None, ...]:
    cleaned = clean(values.expression)
    odds: tuple[float | None, ...] = (None,) * len(EXPRESSIONS)
    if cleaned is not None:
        odds = tuple(_log_odds(p) for p in cleaned)
    return (*odds, values.valence, values.pitch_deg, values.yaw_deg, values.movement)


def _log_odds(p: float) -> float:
    held = min(1 - _LEAST_P, max(_LEAST_P, p))
    return math.log(held / (1 - held))
