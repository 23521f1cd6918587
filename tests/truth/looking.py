"""Looks against what the labels sum up to: the same figures as for expressions.

Nobody labelled looks. At a moment where the expression and every action that a rule asks for is
sure (or can't be told from the frames at all), the rules of ``aggregator/looks.py`` are applied to
the labels as they are applied to the read-out; that is the look that should be said. So this judges
smoothing and waiting, and what expression and actions get wrong, but not whether the rules are good
ones.

The waiting times are chosen one at a time, leaving one timeline out, the others as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from readroom.aggregator import expression_state as expressions, looks
from readroom.aggregator.actions import state as acting
from readroom.messages import EXPRESSIONS, LOOKS, NOT_VISIBLE, TOO_SMALL, Span
from tests.truth import acting as judged
from tests.truth.format import Label, PersonTruth
from tests.truth.people import MIN_FACE_PX, Followed
from tests.truth.scoring import Score, score, together

#: What the rules ask for.
ASKED: Final = (
    "facing_away", "facing_front", "smiling", "brow_lowered", "eyes_closed", "head_down",
)  # fmt: skip
#: What is tried for each constant; its own value is among them.
ALONE: Final[Mapping[str, Sequence[float]]] = {
    "AWAY_S": (0.5, 1.0, 1.5, 2.5),
    "SMILE_S": (0.5, 1.0, 2.0),
    "BROW_S": (0.4, 0.8, 1.6),
    "ENTER_S": (0.1, 0.3, 0.6, 1.0),
    "DOUBT_S": (0.4, 0.8, 1.2),
    "MIN_DWELL_S": (0.5, 1.0, 2.0),
}
#: The looks that say something.
NAMES: Final = frozenset(LOOKS) - {looks.CANT_TELL}


@dataclass(frozen=True, slots=True)
class Shown:
    """What looks are made of at each moment of one person, and the labels they are held to."""

    times: tuple[float, ...]
    evidence: tuple[tuple[str, float, Mapping[str, Span], tuple[str, ...]], ...]
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A constant's value chosen without a timeline, and how looks do there."""

    left_out: str
    value: float
    score: Score


def shown(person: Followed) -> Shown:
    """Expression state and actions at every moment, as the aggregator says them."""
    state, actions = expressions.begin(person.times[0]), acting.begin(person.times[0])
    evidence = []
    for at_s, reading, sight in zip(person.times, person.readings, person.sights, strict=True):
        expressions.step(state, reading, at_s, MIN_FACE_PX)
        acting.step(actions, sight, at_s)
        sure = expressions.confidence(state)
        now = (state.state, sure, acting.running(actions), acting.measured(actions, at_s))
        evidence.append(now)
    known = ["facing_away" in now[3] for now in evidence]
    labels = tuple(labelled(person.truth, person.times, known))
    return Shown(person.times, tuple(evidence), labels)


def said(person: Shown) -> list[str]:
    """The look at each moment."""
    look = looks.begin(person.times[0])
    looked: list[str] = []
    for at_s, (state, sure, going_on, known) in zip(person.times, person.evidence, strict=True):
        looks.step(look, state, sure, going_on, known, at_s, allowed=LOOKS)
        looked.append(look.look)
    return looked


def labelled(person: PersonTruth, times: Sequence[float], heads: Sequence[bool]) -> Iterator[Label]:
    """The looks that the labels sum up to, where they are sure. ``heads`` is whether it can be told
    where the head points: who is turned so far away that no face is found isn't judged."""
    spans = {name: judged.labelled(person, name, times) for name in ASKED}
    sums: list[str | None] = []
    for index, at_s in enumerate(times):
        name = _summed(person, at_s, {asked: spans[asked][index] for asked in ASKED})
        sums.append(None if name == looks.TURNED_AWAY and not heads[index] else name)
    at = 0
    for found, run in groupby(sums):
        start, at = at, at + len(list(run))
        if found is not None and times[at - 1] > times[start]:
            end_s = times[at] if at < len(times) else times[-1]
            yield Label(start_s=times[start], end_s=end_s, name=found, doubt=0.0)


def scored(people: Sequence[Shown]) -> Score:
    """How looks do on a timeline."""
    return together(score(one.times, said(one), one.labels, NAMES) for one in people)


def leave_one_out(
    clips: Mapping[str, Sequence[Shown]], constant: str, names: Sequence[str]
) -> list[Chosen]:
    """For each of ``names``: the value with the lowest cost on all others (per person, as
    for expressions; among equals the one nearest to the constant as it is), shown on this one."""
    own = getattr(looks, constant)
    scores: dict[float, dict[str, Score]] = {}
    for value in sorted(ALONE[constant], key=lambda value: abs(value - own)):
        with _constant(constant, value):
            scores[value] = {name: scored(people) for name, people in clips.items()}
    chosen = []
    for name in names:

        def cost(value: float, left_out: str = name) -> float:
            return sum(
                one.cost / max(1, len(clips[other]))
                for other, one in scores[value].items()
                if other != left_out
            )

        value = min(scores, key=cost)
        chosen.append(Chosen(name, value, scores[value][name]))
    return chosen


def _summed(person: PersonTruth, at_s: float, actions: Mapping[str, bool | None]) -> str | None:
    found = (one for one in person.expressions if one.start_s <= at_s < one.end_s)
    label = next(found, None)
    doubted = any(value is None and name not in person.unjudged for name, value in actions.items())
    if label is None or not label.scored or doubted:
        return None
    if label.name in (NOT_VISIBLE, TOO_SMALL) and not actions["facing_away"]:
        return looks.CANT_TELL
    state = label.name if label.name in EXPRESSIONS else NOT_VISIBLE
    going_on = {name: Span(since_s=-1e3, confidence=1.0) for name, on in actions.items() if on}
    now = looks.Evidence(state, 1.0, going_on, tuple(actions), at_s)
    return next((name for name, rule in looks.RULES if rule(now) is not None), looks.CANT_TELL)


@contextmanager
def _constant(name: str, value: float) -> Iterator[None]:
    before = getattr(looks, name)
    setattr(looks, name, value)
    try:
        yield
    finally:
        setattr(looks, name, before)
