"""How far a read-out is from what a viewer saw: flips, delays, missed and false events.

Only times with a sure enough label count (:attr:`format.Label.scored`). Conventions:

- *segments*: labels of one name, one after the other, are one. A *change* is from one segment to
  another.
- *extra changes*: how often the read-out changes within scored time, less how often the labels do;
  at least 0. "Uncertain" between two expressions is a change; one between two states that name no
  expression (not visible, too small, uncertain) is none: that is the detector's. The *flip rate* is
  extra changes per minute.
- *delay*: from a segment's begin until the read-out says its name, s. It is below 0 where the
  read-out was there first (in the unscored time before). For the first segment of a person, and
  after a time not visible, it is counted apart (*first*).
- *missed*: an expression's segment that was never said while it lasted or 1 s after.
- *false*: a spell in which the read-out says an expression, that meets no label of that name, and
  0.4 s or more of which lie where the labels say something else.
- *agreement*: share of the scored time in which read-out and label are equal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from statistics import median
from typing import Final

from readroom.messages import EXPRESSIONS, UNCERTAIN
from tests.truth.format import Label

#: A segment that is said this late is late and not missed, s.
LATE_S: Final = 1.0
#: A wrong expression of less than this is no false event, s.
FALSE_S: Final = 0.4


@dataclass(frozen=True, slots=True)
class Segment:
    """Labels of one name, one after the other: from when to when, s, in parts. What lies between
    two parts isn't scored."""

    name: str
    parts: tuple[tuple[float, float], ...]

    @property
    def start_s(self) -> float:
        """Where the first part begins."""
        return self.parts[0][0]

    @property
    def end_s(self) -> float:
        """Where the last part ends."""
        return self.parts[-1][1]

    def holds(self, at_s: float) -> bool:
        """Whether a moment is within a part."""
        return any(start_s <= at_s < end_s for start_s, end_s in self.parts)


@dataclass(slots=True)
class Score:
    """One person's, or many people's together. Times in s."""

    scored_s: float = 0.0
    agreed_s: float = 0.0
    uncertain_s: float = 0.0
    changes: int = 0
    extra: int = 0
    missed: int = 0
    false: int = 0
    first_s: list[float] = field(default_factory=list)
    delays_s: list[float] = field(default_factory=list)

    @property
    def flips_per_min(self) -> float:
        """Changes beyond the labelled ones per minute of scored time."""
        return 60 * self.extra / self.scored_s if self.scored_s > 0 else 0.0

    @property
    def agreement(self) -> float:
        """Share of the scored time in which the labelled state is said, 0..1."""
        return self.agreed_s / self.scored_s if self.scored_s > 0 else 0.0

    @property
    def cost(self) -> float:
        """What a choice makes as small as it can: an event missed, a false one and a change too
        many cost as much as a second of delay (mean over all delays, early counts as 0)."""
        delays = [max(0.0, delay) for delay in (*self.first_s, *self.delays_s)]
        mean_s = sum(delays) / len(delays) if delays else 0.0
        return self.missed + self.false + self.extra + mean_s


def score(
    times: Sequence[float],
    states: Sequence[str],
    labels: Iterable[Label],
    names: Collection[str] = EXPRESSIONS,
) -> Score:
    """Judge one person's read-out: ``states`` at ``times``, each until the next. ``names`` are
    those that say something; all others are ways to say nothing."""
    segments = segments_of(labels)
    if len(times) < 2:
        return Score()
    step_s = median(later - one for one, later in pairwise(times))
    result = Score()
    labelled = [_name_at(segments, at_s) for at_s in times]
    pairs = [pair for pair in zip(states, labelled, strict=True) if pair[1] is not None]
    result.scored_s = step_s * len(pairs)
    result.agreed_s = step_s * sum(state == label for state, label in pairs)
    result.uncertain_s = step_s * sum(state == UNCERTAIN for state, _ in pairs)
    result.changes = max(0, len(_runs((label or "" for _, label in pairs), names)) - 1)
    result.extra = max(0, _changes(pairs, names) - result.changes)
    result.false = sum(_is_false(spell, step_s) for spell in _spells(states, labelled, names))
    for before, segment in pairwise([None, *segments]):
        if segment is not None and segment.name in names:
            known = before is not None and before.name in names
            _judge(result, times, states, before, segment, first=not known)
    return result


def together(scores: Iterable[Score]) -> Score:
    """Several people's scores as one."""
    total = Score()
    for one in scores:
        total.scored_s += one.scored_s
        total.agreed_s += one.agreed_s
        total.uncertain_s += one.uncertain_s
        total.changes += one.changes
        total.extra += one.extra
        total.missed += one.missed
        total.false += one.false
        total.first_s += one.first_s
        total.delays_s += one.delays_s
    return total


def segments_of(labels: Iterable[Label]) -> list[Segment]:
    """Labels that are scored; what follows one of the same name belongs to it."""
    scored = [label for label in labels if label.scored]
    return [
        Segment(name, tuple((label.start_s, label.end_s) for label in run))
        for name, run in groupby(scored, key=lambda label: label.name)
    ]


def _name_at(segments: Sequence[Segment], at_s: float) -> str | None:
    return next((one.name for one in segments if one.holds(at_s)), None)


def _changes(pairs: Sequence[tuple[str, str | None]], names: Collection[str]) -> int:
    """Changes of the read-out, from the first thing that it says on."""
    runs = _runs((state for state, _ in pairs), names)
    if runs and not runs[0] and pairs[0][1] in names:
        runs = runs[1:]
    return max(0, len(runs) - 1)


def _runs(states: Iterable[str], names: Collection[str]) -> list[str]:
    """The names one after the other; "" where none is."""
    said = (state if state in names else "" for state in states)
    return [name for name, _ in groupby(said)]


def _spells(
    states: Sequence[str], labelled: Sequence[str | None], names: Collection[str]
) -> list[tuple[str, list[str | None]]]:
    both = list(zip(states, labelled, strict=True))
    return [
        (state, [label for _, label in run])
        for state, run in groupby(both, key=lambda pair: pair[0])
        if state in names
    ]


def _is_false(spell: tuple[str, list[str | None]], step_s: float) -> bool:
    name, labels = spell
    others = sum(label is not None and label != name for label in labels)
    return name not in labels and others * step_s >= FALSE_S


def _judge(
    result: Score,
    times: Sequence[float],
    states: Sequence[str],
    before: Segment | None,
    segment: Segment,
    *,
    first: bool,
) -> None:
    """Add the segment's delay, or that it was missed."""
    from_s = before.end_s if before is not None else segment.start_s
    when = [
        at_s
        for at_s, state in zip(times, states, strict=True)
        if from_s <= at_s < segment.end_s + LATE_S and state == segment.name
    ]
    if not when:
        result.missed += 1
    elif first:
        result.first_s.append(when[0] - segment.start_s)
    else:
        result.delays_s.append(when[0] - segment.start_s)
