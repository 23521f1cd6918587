"""Visible actions against hand labels: the same figures as for expressions, action by action.

An action is judged at a moment where the labels are sure (:attr:`format.Label.scored`), the
frames tell (not ``unjudged``) and the read-out says that it can be told (``measured``). A labelled
span that is shorter than :func:`event_s` is no event, and isn't judged: eyes closed for a moment
are a blink.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise, product
from statistics import median
from typing import Final

from readroom.aggregator.actions import state as acting
from readroom.aggregator.actions.catalogue import RULES
from readroom.aggregator.actions.switch import Rule
from readroom.messages import ACTIONS
from tests.truth.format import Label, PersonTruth
from tests.truth.people import Followed
from tests.truth.scoring import FALSE_S, LATE_S, Score, together

#: A labelled span shorter than this is no event, s.
EVENT_S: Final = 0.5
#: How thresholds and holding times are varied.
THRESHOLDS: Final = (0.6, 0.8, 1.0, 1.25, 1.6)
HOLDS: Final = (0.5, 1.0, 2.0)

#: At each moment and for each action: on, off, or (None) not to be told.
Said = Mapping[str, Sequence[bool | None]]


@dataclass(slots=True)
class ActionScore(Score):
    """As :class:`scoring.Score`; ``events`` were labelled, ``judged_s`` is the time with sure
    labels, of which ``scored_s`` could be told."""

    events: int = 0
    untold: int = 0
    judged_s: float = 0.0


def said(person: Followed, rules: Mapping[str, Rule] = RULES) -> dict[str, list[bool | None]]:
    """What the aggregator says of every action at every moment."""
    told: dict[str, list[bool | None]] = {action: [] for action in ACTIONS}
    if not person.times:
        return told
    state = acting.begin(person.times[0])
    for at_s, sight in zip(person.times, person.sights, strict=True):
        acting.step(state, sight, at_s, rules)
        running, measured = acting.running(state), set(acting.measured(state, at_s))
        for action in ACTIONS:
            told[action].append(action in running if action in measured else None)
    return told


def event_s(action: str) -> float:
    """How long an action has to be visible to be one, s: what its rule asks for, at least
    :data:`EVENT_S`."""
    return max(EVENT_S, RULES[action].hold_on_s)


def labelled(person: PersonTruth, action: str, times: Sequence[float]) -> list[bool | None]:
    """What the labels say of an action at ``times``; None where they don't."""
    spans = [label for label in person.actions if label.name == action]
    sure = [label for label in spans if label.scored and _lasts(label) >= event_s(action)]
    if action in person.unjudged:
        return [None] * len(times)
    return [
        True
        if any(label.start_s <= at_s < label.end_s for label in sure)
        else None
        if any(label.start_s <= at_s < label.end_s for label in spans)
        else False
        for at_s in times
    ]


def score(
    times: Sequence[float], told: Sequence[bool | None], labels: Sequence[bool | None]
) -> ActionScore:
    """Judge one action of one person."""
    result = ActionScore()
    if len(times) < 2:
        return result
    step_s = median(later - one for one, later in pairwise(times))
    both = [
        (said_, label)
        for said_, label in zip(told, labels, strict=True)
        if said_ is not None and label is not None
    ]
    result.judged_s = step_s * sum(label is not None for label in labels)
    result.scored_s = step_s * len(both)
    result.agreed_s = step_s * sum(said_ == label for said_, label in both)
    result.changes = _changes(label for _, label in both)
    begun = bool(both and both[0] == (False, True))  # it needs a moment: that is no flip
    result.extra = max(0, _changes(said_ for said_, _ in both) - begun - result.changes)
    late = round(LATE_S / step_s)
    for start, end in _spells(labels):
        result.events += 1
        window = told[start : end + late]
        if all(said_ is None for said_ in window):
            result.untold += 1
        elif not any(window):
            result.missed += 1
        elif start > 0:
            result.delays_s.append(times[start + list(window).index(True)] - times[start])
    for start, end in _spells(told):
        wrong = sum(label is False for label in labels[start:end]) * step_s
        result.false += True not in labels[start:end] and wrong >= FALSE_S
    return result


def clip_score(
    people: Sequence[Followed], action: str, rules: Mapping[str, Rule] = RULES
) -> ActionScore:
    """One action of everybody in a clip."""
    return summed(
        score(one.times, said(one, rules)[action], labelled(one.truth, action, one.times))
        for one in people
    )


def summed(scores: Iterable[ActionScore]) -> ActionScore:
    """Several scores as one."""
    parts = list(scores)
    total = together(parts)
    return ActionScore(
        **{name: getattr(total, name) for name in Score.__dataclass_fields__},
        events=sum(one.events for one in parts),
        untold=sum(one.untold for one in parts),
        judged_s=sum(one.judged_s for one in parts),
    )


def grid(rule: Rule) -> list[Rule]:
    """A rule with its thresholds and holding times varied; the rule itself comes first."""
    varied = [
        replace(
            rule,
            enter=rule.enter * threshold,
            leave=rule.leave * threshold,
            hold_on_s=rule.hold_on_s * hold,
            hold_off_s=rule.hold_off_s * hold,
        )
        for threshold, hold in product(THRESHOLDS, HOLDS)
    ]
    return [rule, *(one for one in varied if one != rule)]


def all_costs(clips: Mapping[str, Sequence[Followed]]) -> dict[str, list[dict[str, ActionScore]]]:
    """For every action and every rule of its grid: the score of each clip. Actions don't hang on
    one another's rules, so that all are varied at once."""
    grids = {action: grid(RULES[action]) for action in ACTIONS}
    scores: dict[str, list[dict[str, ActionScore]]] = {action: [] for action in ACTIONS}
    for index in range(max(len(rules) for rules in grids.values())):
        rules = {action: options[min(index, len(options) - 1)] for action, options in grids.items()}
        told = {name: [(one, said(one, rules)) for one in people] for name, people in clips.items()}
        for action, options in grids.items():
            if index < len(options):
                scores[action].append(
                    {
                        name: summed(
                            score(one.times, what[action], labelled(one.truth, action, one.times))
                            for one, what in everybody
                        )
                        for name, everybody in told.items()
                    }
                )
    return scores


def best(scores: Sequence[Mapping[str, ActionScore]], names: Sequence[str]) -> tuple[int, int]:
    """The index of the rule with the lowest cost over ``names`` (the first among equals: the rule
    as it stands, if it is one of them), and how many cost the same."""
    totals = [sum(by_clip[name].cost for name in names) for by_clip in scores]
    lowest = min(totals)
    equal = [index for index, total in enumerate(totals) if total <= lowest + 1e-9]
    return equal[0], len(equal)


def _lasts(label: Label) -> float:
    return label.end_s - label.start_s


def _changes(values: Iterable[bool | None]) -> int:
    return max(0, len(list(groupby(values))) - 1)


def _spells(values: Sequence[bool | None]) -> list[tuple[int, int]]:
    """Where a run of True begins and ends (exclusive)."""
    runs, at = [], 0
    for value, run in groupby(values):
        length = len(list(run))
        if value:
            runs.append((at, at + length))
        at += length
    return runs
