"""How a session compares with another one: differences of means, with 95 % intervals.

**The room.** People are the unit: each one's mean over the whole session counts once. Of two
sessions with other people in them the difference of means has Welch's interval (The generalization
of "Student's" problem, Biometrika 34 (1947) 28-35), of shares that of Agresti & Caffo (Simple and
effective confidence intervals for proportions, The American Statistician 54 (2000) 280-288), which
adds a person to each side's yes and no: mostly everybody faces the front, and Welch would then
claim to know it to the last digit.

**A person** is only compared with who bears the same name: P2 of today is anybody. A mean over
a timeline rests on far fewer moments than it has points, so its variance is that of the means of
stretches of 30 s (batch means; Schmeiser: Batch size effects in the analysis of simulation
output, Operations Research 30 (1982) 556-568), and the difference Welch's again.

**A marker** is compared with the one of the same label. Both answers have an interval of their
own (docs/semantics/room.md); that of their difference is made of these (MOVER; Zou & Donner:
Construction of confidence limits about effect measures, Statistics in Medicine 27 (2008)
1693-1702).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from readroom.dashboards.report.material import Material, Person
from readroom.dashboards.report.spans import BIN_S, binned
from readroom.intervals import Z_95
from readroom.messages import Measure
from readroom.sessions.arrays import Floats
from readroom.sessions.rows import MarkerRow

#: Somebody of whom less is known counts in no room's mean, s.
MIN_KNOWN_S: Final = 30.0
#: Length of a stretch whose mean is one value, s, how much of it has to be known, and how many
#: are needed on each side.
BATCH_S: Final = 30.0
MIN_BATCH_RATIO: Final = 0.5
MIN_BATCHES: Final = 5


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over a session. ``variance`` is of the mean itself, with ``freedom`` degrees; ``n``
    what it rests on (people, or stretches). ``value`` None: too little is known."""

    value: float | None
    variance: float = 0.0
    freedom: float = 0.0
    n: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """``now`` minus ``then``, with its 95 % interval; None where one of them is."""

    now: float | None
    then: float | None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n_now: int = 0
    n_then: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """``room`` by figure; ``people`` by name, of those in both; ``markers`` by label, of those in
    both, the room's answer in the figure of the changes."""

    room: dict[str, Difference]
    people: dict[str, Difference]
    markers: dict[str, Difference]


def compared(now: Material, then: Material) -> Comparison:
    """Everything that can be compared. Where no expression may be read in one of the two, only
    facing the front is."""
    plain = now.without_emotion or then.without_emotion
    figures = ("facing_front",) if plain else ("valence", "expressiveness", "facing_front")
    main = figures[0]
    ours, theirs = _named(now), _named(then)
    return Comparison(
        room={figure: of_rooms(now, then, figure) for figure in figures},
        people={
            name: welch(over_time(ours[name], main, now.end_s), over_time(p, main, then.end_s))
            for name, p in theirs.items()
            if name in ours
        },
        markers=_markers(now, then, main),
    )


def of_rooms(now: Material, then: Material, figure: str) -> Difference:
    """The difference of a figure between the people of two sessions."""
    ours, theirs = _means(now, figure), _means(then, figure)
    if figure == "facing_front":
        return shares(ours, theirs)
    return welch(_over_people(ours), _over_people(theirs))


def welch(now: Mean, then: Mean) -> Difference:
    """The difference of two means and its interval, by Welch and Satterthwaite."""
    known = Difference(now.value, then.value, n_now=now.n, n_then=then.n)
    if now.value is None or then.value is None or min(now.freedom, then.freedom) <= 0:
        return known
    total = now.variance + then.variance
    value = now.value - then.value
    half = 0.0
    if total > 0:
        parts = now.variance**2 / now.freedom + then.variance**2 / then.freedom
        half = float(special.stdtrit(total**2 / parts, 0.975)) * math.sqrt(total)
    return Difference(now.value, then.value, value, value - half, value + half, now.n, then.n)


def shares(now: Sequence[float], then: Sequence[float]) -> Difference:
    """The difference of two shares of people (each person's own share of the time, 0..1) and its
    interval, by Agresti & Caffo."""
    if not now or not then:
        return Difference(
            _mean(now) if now else None, _mean(then) if then else None, None, None, None,
            len(now), len(then),
        )  # fmt: skip
    (p, n), (q, m) = (((math.fsum(x) + 1) / (len(x) + 2), len(x) + 2) for x in (now, then))
    half = Z_95 * math.sqrt(p * (1 - p) / n + q * (1 - q) / m)
    value = _mean(now) - _mean(then)
    # Around the difference itself: the shrunken one differs from it.
    low, high = min(value, p - q - half), max(value, p - q + half)
    return Difference(
        _mean(now), _mean(then), value, max(-1.0, low), min(1.0, high), len(now), len(then)
    )


def over_time(person: Person, figure: str, end_s: float) -> Mean:
    """Somebody's mean over a session, by batch means."""
    count = math.ceil(end_s / BIN_S) + 1
    means = binned(person.track, _figure(person, figure), count)
    per = round(BATCH_S / BIN_S)
    whole = means[: len(means) // per * per].reshape(-1, per)
    enough = np.isfinite(whole).sum(axis=1) >= MIN_BATCH_RATIO * per
    batches = np.nanmean(whole[enough], axis=1) if enough.any() else np.zeros(0)
    n = len(batches)
    if n < MIN_BATCHES:
        known = means[np.isfinite(means)]
        value = float(known.mean()) if len(known) * BIN_S >= MIN_KNOWN_S else None
        return Mean(value, n=n)
    return Mean(float(batches.mean()), float(batches.var(ddof=1)) / n, n - 1, n)


def mover(now: Measure, then: Measure) -> Difference:
    """The difference of two measures, its interval made of theirs."""
    known = Difference(now.value, then.value, n_now=now.n, n_then=then.n)
    ends = (now.value, now.low, now.high, then.value, then.low, then.high)
    if any(end is None for end in ends):
        return known
    a, a_low, a_high, b, b_low, b_high = (end for end in ends if end is not None)
    low = a - b - math.hypot(a - a_low, b_high - b)
    high = a - b + math.hypot(a_high - a, b - b_low)
    return Difference(a, b, a - b, low, high, now.n, then.n)


def _means(material: Material, figure: str) -> list[float]:
    """Each person's mean over the session, of those known long enough."""
    found = []
    for person in material.people:
        values = _figure(person, figure)
        known = np.isfinite(values)
        known_s = float(person.track.lasts_s[known].sum())
        if known_s >= MIN_KNOWN_S:
            found.append(float(np.average(values[known], weights=person.track.lasts_s[known])))
    return found


def _over_people(means: Sequence[float]) -> Mean:
    n = len(means)
    if n < 2:
        return Mean(_mean(means) if n else None, n=n)
    return Mean(_mean(means), float(np.var(means, ddof=1)) / n, n - 1, n)


def _figure(person: Person, figure: str) -> Floats:
    track = person.track
    by_name = {
        "valence": track.valence,
        "expressiveness": track.expressive,
        "facing_front": track.front,
    }
    return by_name[figure]


def _named(material: Material) -> dict[str, Person]:
    """People by name; who shares a name with somebody is nobody in particular."""
    names = [person.name for person in material.people]
    return {p.name: p for p in material.people if p.name and names.count(p.name) == 1}


def answer(material: Material, marker: MarkerRow, figure: str) -> Measure:
    """How the room answered a marker; without a value where too little was seen."""
    for event in material.events:
        if event.kind != "response" or event.figure != figure or event.measure is None:
            continue
        if event.state == marker.label and abs(event.start_s - marker.time_s) < 0.001:
            return event.measure
    return Measure(value=None)


def _markers(now: Material, then: Material, figure: str) -> dict[str, Difference]:
    """The first marker of each label, in both."""
    ours, theirs = ({_same(m.label): m for m in reversed(each.markers)} for each in (now, then))
    return {
        ours[key].label: mover(answer(now, ours[key], figure), answer(then, theirs[key], figure))
        for key in reversed(ours)
        if key in theirs
    }


def _same(label: str) -> str:
    """Labels that differ by capitals and spaces only are the same one."""
    return " ".join(label.casefold().split())


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
