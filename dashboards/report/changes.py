"""What changed at a marker, person by person, and whether that is more than what changes anyway.

The change is the answer to a marker of docs/semantics/room.md, of one person: mean of the 5 s after
minus mean of the 5 s before, in half seconds; the half second that holds the marker belongs to
neither side, and each side needs 60 % of its half seconds.

**How sure.** Ten neighbouring half seconds of a face are worth little more than one: what they
scatter by says nothing of how faces change from one 5 s to the next. So the change is compared with
the same difference taken at every half second of that person's session: a marker that means
nothing falls anywhere among them, whatever the autocorrelation. p is the share that is as far out
on that side, doubled; the 95 % interval is the change minus the 97.5 % and the 2.5 % quantiles, so
that it leaves 0 out exactly where p < .05. (A randomisation test for one case, by the moment of the
intervention: Edgington & Onghena: Randomization Tests, 4th ed. 2007, ch. 11; the interval is the
test turned round.) The differences at and around markers are among them, which makes both
cautious in a short session with a large change.

**So many at once.** A table of 10 markers and 12 people is 120 questions, of which 6 would be
answered "yes" at p < .05 by chance. A change is named only if it holds by Benjamini & Hochberg
(Controlling the false discovery rate, JRSS B 57 (1995) 289-300) at :data:`RATE`, over the table.

**What could be found at all.** With n moments to compare with, p is 2/n at least. A single change
among m comparisons holds only where 2/n ≤ RATE/m, whatever its size. Where it can't, and nothing
else carries it, the answer is "can't tell", and never "no change".

Simulated in tests/dashboards/report/test_changes.py; docs/report.md has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from readroom.dashboards.report.material import Material, Person
from readroom.dashboards.report.spans import BIN_S, binned
from readroom.messages import LOOKS
from readroom.sessions.arrays import Flags, Floats

#: Length of each side, s, and the share of it that has to be known: as aggregator/responses.py,
#: which no dashboard may import; a test holds the two together.
SIDE_S: Final = 5.0
MIN_SIDE_RATIO: Final = 0.6
_SIDE: Final = round(SIDE_S / BIN_S)
#: Moments to compare with, in half seconds: below 2 minutes of them "usual" means nothing.
MIN_MOMENTS: Final = 240
#: Of the changes that are named, this share is by chance on average.
RATE: Final = 0.1
#: Smaller changes aren't named, in the figure's unit: of valence a tenth of the way from a neutral
#: face to a plainly happy one (as a peak of the room needs), of a share a second out of 5 s.
LEAST: Final = {"valence": 0.08, "facing_front": 0.2}
#: What a difference of each figure can be at most.
MOST: Final = {"valence": 2.0, "facing_front": 1.0}

Verdict = Literal["more", "less", "none", "cant_tell"]
#: Why nothing can be told: the marker stands too near the session's ends; the person wasn't
#: readable around it; too little of the person was seen to know what is usual, or to tell a single
#: change from chance beside so many comparisons.
Reason = Literal["", "edge", "unreadable", "short", "many"]


@dataclass(frozen=True, slots=True)
class Change:
    """What one person's figure did at one marker. ``value`` with ``low`` and ``high`` is in the
    figure's unit, None where it can't be told; ``p`` is of this comparison alone. Of a change
    that is named ``before`` and ``after`` are
    how they mostly looked then (LOOKS), None where that can't be told."""

    person: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    moments: int = 0
    verdict: Verdict = "cant_tell"
    reason: Reason = ""
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A row for each marker, a column for each person. ``tested`` comparisons were made; ``beyond``
    of them have an interval without 0 (by chance: 5 %), ``named`` hold among so many. In
    ``telling`` of them a single change, if large enough, could have been named."""

    figure: str
    rows: tuple[tuple[Change, ...], ...]
    tested: int
    beyond: int
    telling: int
    named: int

    @property
    def comparisons(self) -> int:
        """How many there would be if everybody could be read at every marker."""
        return sum(map(len, self.rows))


def table(material: Material) -> Table:
    """The changes of everybody at every marker: of valence, or of facing the front where no
    expression may be read."""
    figure = "facing_front" if material.without_emotion else "valence"
    columns = [_column(material, person, figure) for person in material.people]
    found = [change for column in columns for change in column]
    p = np.array([change.p if change.p is not None else np.nan for change in found])
    tested = int(np.isfinite(p).sum())
    rest = iter(discoveries(p, RATE).tolist())
    judged = [
        [
            _said(change, next(rest), tells(change, tested), figure, person, marker.time_s)
            for change, marker in zip(column, material.markers, strict=True)
        ]
        for column, person in zip(columns, material.people, strict=True)
    ]
    return Table(
        figure=figure,
        rows=tuple(zip(*judged, strict=True)) if judged else ((),) * len(material.markers),
        tested=tested,
        beyond=int((p < 0.05).sum()),
        telling=sum(tells(change, tested) for change in found),
        named=sum(c.verdict in ("more", "less") for column in judged for c in column),
    )


def differences(means: Floats) -> Floats:
    """Of half-second means [n] (NaN: unknown): the mean of the 5 s after each minus that of the
    5 s before it, [n]; NaN where a side isn't whole, or too little of it is known."""
    count = len(means)
    known = np.isfinite(means)
    number = np.append(0, np.cumsum(known))
    total = np.append(0.0, np.cumsum(np.where(known, means, 0.0)))
    at = np.arange(_SIDE, count - _SIDE)
    result = np.full(count, np.nan)
    if not len(at):
        return result
    sides = []
    enough = np.ones(len(at), np.bool_)
    for first, end in ((at - _SIDE, at), (at + 1, at + 1 + _SIDE)):
        n = number[end] - number[first]
        enough &= n >= MIN_SIDE_RATIO * _SIDE
        sides.append((total[end] - total[first]) / np.maximum(n, 1))
    result[at] = np.where(enough, sides[1] - sides[0], np.nan)
    return result


@dataclass(frozen=True, slots=True)
class Usual:
    """All of a person's differences [n], sorted, and their 2.5 % and 97.5 % quantiles."""

    differences: Floats
    low: float
    high: float


def usual_of(moved: Floats) -> Usual:
    """What is usual where these differences [n] (NaN: unknown) were seen."""
    known = np.sort(moved[np.isfinite(moved)])
    low, high = np.quantile(known, (0.025, 0.975)) if len(known) else (0.0, 0.0)
    return Usual(known, float(low), float(high))


def judged(value: float, usual: Usual) -> tuple[float, float, float]:
    """A change beside what is usual, of which it is a part: the lower and upper end of its 95 %
    interval, and p."""
    count = len(usual.differences)
    above = count - int(np.searchsorted(usual.differences, value - 1e-12, "left"))
    below = int(np.searchsorted(usual.differences, value + 1e-12, "right"))
    p = min(1.0, 2 * min(above, below) / count)
    return value - usual.high, value - usual.low, p


def discoveries(p: Floats, rate: float) -> Flags:
    """Which of the p-values [n] (NaN: not tested) hold at a false discovery rate (Benjamini &
    Hochberg 1995): all up to the largest p(k) ≤ k · rate / m."""
    tested = np.sort(p[np.isfinite(p)])
    if not len(tested):
        return np.zeros(len(p), np.bool_)
    within = np.flatnonzero(tested <= rate * np.arange(1, len(tested) + 1) / len(tested))
    limit = tested[within[-1]] if len(within) else -1.0
    return np.where(np.isfinite(p), p, np.inf) <= limit


def tells(change: Change, tested: int) -> bool:
    """Whether a single change could have been named here, among so many that were tested: whether
    the least p that there is, with so many moments, holds alone."""
    return change.p is not None and 2 * tested <= RATE * change.moments


def _column(material: Material, person: Person, figure: str) -> list[Change]:
    values = person.track.valence if figure == "valence" else person.track.front
    moved = differences(binned(person.track, values, material.bins))
    usual = usual_of(moved)
    return [
        _change(material, person, marker.time_s, moved, usual, figure)
        for marker in material.markers
    ]


def _change(
    material: Material,
    person: Person,
    at_s: float,
    moved: Floats,
    usual: Usual,
    figure: str,
) -> Change:
    place = int(at_s / BIN_S)
    if at_s < SIDE_S or at_s + SIDE_S > material.end_s or place >= len(moved):
        return Change(person.number, reason="edge")
    if not np.isfinite(moved[place]):
        return Change(person.number, reason="unreadable")
    value = float(moved[place])
    if len(usual.differences) < MIN_MOMENTS:
        return Change(person.number, value, reason="short")
    low, high, p = judged(value, usual)
    most = MOST[figure]
    low, high = max(-most, low), min(most, high)
    return Change(person.number, value, low, high, p, len(usual.differences))


def mostly(person: Person, begin_s: float, end_s: float) -> str | None:
    """The look that somebody had for the longest part of a stretch, None where that is no look."""
    track = person.track
    first, last = np.searchsorted(track.time_s, (begin_s, end_s))
    if first == last:
        return None
    time = np.bincount(track.look[first:last], track.lasts_s[first:last])
    look = LOOKS[int(time.argmax())]
    return None if look == "cant_tell" else look


def _said(
    change: Change, holds: bool, telling: bool, figure: str, person: Person, at_s: float
) -> Change:
    if change.p is None or change.value is None:
        return change
    if not (holds or telling):
        return replace(change, reason="many")
    if not holds or abs(change.value) < LEAST[figure]:
        return replace(change, verdict="none")
    return replace(
        change,
        verdict="more" if change.value > 0 else "less",
        before=mostly(person, at_s - SIDE_S, at_s),
        after=mostly(person, at_s, at_s + SIDE_S),
    )


def named(found: Table) -> list[tuple[int, Change]]:
    """The changes that are named, with the marker's place in the table; the largest first."""
    said: Sequence[tuple[int, Change]] = [
        (place, change)
        for place, row in enumerate(found.rows)
        for change in row
        if change.verdict in ("more", "less")
    ]
    return sorted(said, key=lambda each: -abs(each[1].value or 0.0))
