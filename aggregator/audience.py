"""The room over its last minute: valence, expressiveness, who faces the front, synchrony.

People are the unit: each one's own mean over the window counts once, however long they were
readable, and intervals are over people, since the seconds of one person don't vote separately.
Nothing is said (value None) of fewer than :data:`MIN_PEOPLE`, or where faces could be read for too
little of the time. Formulas with a worked example: docs/semantics/room.md.

**Expressiveness** of a face is 1 − p(neutral): the total variation distance between what was read
and a plainly neutral face (½ Σ |p − q| with q = 1 on neutral), and, with networks trained on the
votes of FER+ (Barsoum et al., ICMI 2016, https://arxiv.org/abs/1608.01041), the share of viewers
who would name something other than neutral. The distance from the person's own mean was the other
candidate: it is 0 for somebody who smiles all the time, it needs a minute before it says anything,
and its scale depends on how steady the person was. A face that isn't read as neutral at rest is
what the baseline of the expression state is for.

Two things come out: :func:`measures`, for display, and :func:`settled`, the room second by second,
each once and in order, for what looks for moments (inflections, peaks).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from readroom import intervals
from readroom.aggregator import bins
from readroom.aggregator.bins import Bins
from readroom.aggregator.expression_state import READABLE_WEIGHT, clean
from readroom.aggregator.synchrony import synchrony
from readroom.messages import EXPRESSIONS, MEASURES, Measure, Probabilities

#: The window that everything is said of, s.
WINDOW_S: Final = 60
#: Width of the bins, s: two points each at the 4 points a second that people are sampled with,
#: and fine enough that a marker cuts the bins well (responses.py).
BIN_S: Final = 0.5
BINS_PER_S: Final = 2
#: The figures that are kept of each person, by their place in Bins.
CHANNELS: Final = ("valence", "expressiveness", "facing_front")
#: Range of each figure: an interval doesn't leave it.
RANGES: Final = {"valence": (-1.0, 1.0), "expressiveness": (0.0, 1.0), "facing_front": (0.0, 1.0)}
#: Fewer people are no room. One person's figures are that person's.
MIN_PEOPLE: Final = 2
#: Of somebody known for less than this in the window no mean is taken, s: it would be a moment's.
MIN_READ_S: Final = 5.0
#: Mean share of the time in which people were readable, below which nothing is said: then most of
#: the mean would be about when people happened to be readable. A choice, not a measurement.
MIN_COVERAGE: Final = 0.3
#: Synchrony is computed this often, s: 60 s of data hardly change in less.
SYNCHRONY_EVERY_S: Final = 5
#: Somebody unreadable for up to this long is compared with before, in the room's level, s.
CARRY_S: Final = 5


@dataclass(frozen=True, slots=True)
class Point:
    """One person at one moment of the session, as often as the store samples (4 a second).
    ``person`` is their number in the session, which nobody else ever gets.

    ``valence`` −1..1 and ``expressiveness`` 0..1 are None where the face isn't read; ``weight``
    (0..1, expression_state.weight) is how well it could be, below READABLE_WEIGHT they don't
    count. ``facing_front`` is None where it can't be told, and doesn't depend on ``weight``: who
    has turned away can't be read, and is just what is counted.
    """

    person: int
    at_s: float
    valence: float | None = None
    expressiveness: float | None = None
    facing_front: bool | None = None
    weight: float = 1.0


class Audience(msgspec.Struct):
    """Everybody's last minute, by person. ``second`` is the next second that :func:`settled`
    gives; ``levels`` are the room's, by measure (:class:`RoomSecond`). ``synchrony`` was
    computed for the window that ended at ``synchrony_s``."""

    people: dict[int, Bins] = {}
    second: int | None = None
    levels: dict[str, float] = {}
    synchrony: Measure = Measure(value=None)
    synchrony_s: int | None = None


@dataclass(frozen=True, slots=True)
class RoomSecond:
    """The room in the second before ``at_s``. ``levels`` maps "valence" and "expressiveness" to
    the room's level, None where fewer than MIN_PEOPLE can be compared with before.

    The level is the first mean over people plus the mean change of those who were there before,
    second by second (a chain of matched samples, as price indices are). While the same people
    are readable it is their mean; who comes, leaves or turns away changes the mean, but not the
    level. Only its differences mean something.
    """

    at_s: float
    levels: dict[str, float | None]


def expressiveness(probabilities: Probabilities | None) -> float | None:
    """1 − p(neutral), 0..1; None for no probabilities, or garbage."""
    cleaned = clean(probabilities)
    return None if cleaned is None else 1.0 - cleaned[EXPRESSIONS.index("neutral")]


def add(audience: Audience, point: Point) -> None:
    """Take a point in. A person's points come in order; one that isn't later than the person's
    last counts for nothing."""
    if not bins.usable(point.at_s):
        return
    minute = audience.people.get(point.person)
    if minute is None:
        minute = bins.begin(len(CHANNELS), WINDOW_S * BINS_PER_S, BIN_S)
        audience.people[point.person] = minute
    readable = point.weight >= READABLE_WEIGHT  # NaN isn't
    front = None if point.facing_front is None else float(point.facing_front)
    values = (
        point.valence if readable else None,
        point.expressiveness if readable else None,
        front,
    )
    bins.add(minute, point.at_s, values)


def leave(audience: Audience, person: int) -> None:
    """The person is one with another, or mustn't count any more: their minute is dropped. Whoever
    only left was there a moment ago, and is forgotten when that is a minute ago."""
    audience.people.pop(person, None)


def measures(audience: Audience, at_s: float) -> dict[str, Measure]:
    """Each of MEASURES over the 60 s before the last whole half second. Without a usable time
    nothing is said. Synchrony is kept in ``audience`` for SYNCHRONY_EVERY_S."""
    if not bins.usable(at_s):
        return {name: Measure(value=None) for name in MEASURES}
    end = math.floor(at_s / BIN_S)
    said = {name: _over_people(audience, name, end) for name in CHANNELS}
    said["synchrony"] = _synchrony(audience, math.floor(at_s))
    return {name: said[name] for name in MEASURES}


def settled(audience: Audience, until_s: float) -> list[RoomSecond]:
    """Every whole second up to ``until_s`` that wasn't given before, oldest first; the caller
    says up to when all that still runs has been seen. After a jump of more than the window only
    the last WINDOW_S are given: of those before, nothing is known any more."""
    if not bins.usable(until_s) or not audience.people:
        return []
    end = math.floor(until_s)
    if audience.second is None:
        firsts = [_first_bin(minute) for minute in audience.people.values()]
        audience.second = min(firsts) // BINS_PER_S
    begin = max(audience.second, end - WINDOW_S)
    seconds = [_room_second(audience, second) for second in range(begin, end)]
    audience.second = max(end, audience.second)
    _forget(audience, end)
    return seconds


def series(audience: Audience, name: str, end_s: int) -> dict[int, list[float | None]]:
    """By person, the means of the WINDOW_S seconds before ``end_s``, one per second."""
    return {
        person: _seconds(minute, CHANNELS.index(name), end_s - WINDOW_S, end_s)
        for person, minute in sorted(audience.people.items())
    }


def within(name: str, interval: tuple[float, float] | None) -> tuple[float | None, float | None]:
    """The interval, kept to the range of the figure; (None, None) for none."""
    if interval is None:
        return None, None
    least, most = RANGES[name]
    return max(least, interval[0]), min(most, interval[1])


def _over_people(audience: Audience, name: str, end: int) -> Measure:
    channel, begin = CHANNELS.index(name), end - WINDOW_S * BINS_PER_S
    means, coverages = [], []
    for _, minute in sorted(audience.people.items()):
        present = bins.seen(minute, begin, end)
        mean, known = bins.mean(bins.read(minute, channel, begin, end))
        if present * BIN_S < MIN_READ_S:
            continue  # Just came in, or left long ago.
        coverages.append(known / present)
        if mean is not None and known * BIN_S >= MIN_READ_S:
            means.append(mean)
    n, coverage = len(means), _mean(coverages)
    if n < MIN_PEOPLE or coverage < MIN_COVERAGE:
        return Measure(value=None, n=n, coverage=coverage)
    value = _mean(means)
    interval = intervals.wilson(value, n) if name == "facing_front" else intervals.student(means)
    low, high = within(name, interval)
    return Measure(value=value, low=low, high=high, n=n, coverage=coverage)


def _synchrony(audience: Audience, end_s: int) -> Measure:
    """Of valence: faces that go the same way, not only at the same time."""
    end_s -= end_s % SYNCHRONY_EVERY_S
    if audience.synchrony_s != end_s:
        minutes = list(series(audience, "valence", end_s).values())
        audience.synchrony, audience.synchrony_s = synchrony(minutes, seed=abs(end_s)), end_s
    return audience.synchrony


def _room_second(audience: Audience, second: int) -> RoomSecond:
    levels: dict[str, float | None] = {}
    for name in ("valence", "expressiveness"):
        pairs = list(_pairs(audience, CHANNELS.index(name), second))
        known = [now for now, _ in pairs]
        changes = [now - before for now, before in pairs if before is not None]
        if name not in audience.levels and len(known) >= MIN_PEOPLE:
            audience.levels[name] = _mean(known)
        elif len(changes) >= MIN_PEOPLE:
            audience.levels[name] += _mean(changes)
        else:
            levels[name] = None
            continue
        levels[name] = audience.levels[name]
    return RoomSecond(second + 1.0, levels)


def _pairs(audience: Audience, channel: int, second: int) -> Iterator[tuple[float, float | None]]:
    """Of everybody known in ``second``: the mean then, and the last one before."""
    for _, minute in sorted(audience.people.items()):
        *before, now = _seconds(minute, channel, second - CARRY_S, second + 1)
        if now is not None:
            yield now, next((value for value in reversed(before) if value is not None), None)


def _seconds(minute: Bins, channel: int, first_s: int, end_s: int) -> list[float | None]:
    halves = bins.read(minute, channel, first_s * BINS_PER_S, end_s * BINS_PER_S)
    return [
        bins.mean(halves[index : index + BINS_PER_S])[0]
        for index in range(0, len(halves), BINS_PER_S)
    ]


def _first_bin(minute: Bins) -> int:
    """The oldest bin that holds a point; of somebody without any, 0."""
    newest, count = minute.newest, len(minute.seen)
    if newest is None:
        return 0
    return min(n for n in range(newest - count + 1, newest + 1) if minute.seen[n % count])


def _forget(audience: Audience, end_s: int) -> None:
    """Drop who hasn't been seen for a whole window: nothing of them counts any more."""
    oldest = (end_s - WINDOW_S) * BINS_PER_S
    for person, minute in list(audience.people.items()):
        if minute.newest is None or minute.newest < oldest:
            del audience.people[person]


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0
