"""Visible actions against hand labels: the same figures as for expressions, action by action.

An action is judged at a moment where the labels are sure (:attr:`format.Label.scored`), the
frames tell (not ``unjudged``) and the read-out says that it can be told (``measured``). A labelled
span that is shorter than :func:`event_s` is no event, and isn't judged: eyes closed for a moment
are a blink.

Rules are chosen as the expression state's thresholds are (``choose``): every rule of a grid around
the one in the catalogue reads every timeline once; for each timeline left out the one with the
lowest cost on all the others is taken, and shown on the one left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise, product
from statistics import median
from typing import Final

from readroom.aggregator.actions import state as acting
from readroom.aggregator.actions.blinks import LONGEST_S as BLINK_S
from readroom.aggregator.actions.catalogue import RULES
from readroom.aggregator.actions.switch import Rule
from readroom.messages import ACTIONS
from tests.truth.format import Label, PersonTruth
from tests.truth.people import Followed
from tests.truth.scoring import FALSE_S, LATE_S, Score, together

#: A labelled span shorter than this is no event, s.
EVENT_S: Final = 0.5
#: An action said so late, or so long after its end, might as well not be said, s.
TOO_LATE_S: Final = 3.0
#: How thresholds, holding times and time constants are varied.
THRESHOLDS: Final = (0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.25, 1.6, 2.0)
HOLDS: Final = (0.5, 1.0, 2.0)
TAUS: Final = (0.5, 1.0, 2.0)
#: Actions whose holding times are their meaning (longer than a blink; for some seconds) and no
#: matter of choice.
DEFINED: Final = frozenset({"eyes_closed", "still", "fidgeting"})
#: Thresholds that mustn't become smaller than this share of what they are. Leaning: nobody in a
#: real clip sits long enough to show what scatter would be taken for it (catalogue: 1 to 4 %).
#: Fidgeting: somebody who laughs and tilts her head moves with 0.14 shoulder widths/s.
LEAST: Final[Mapping[str, float]] = {"leaning_in": 0.8, "leaning_out": 0.8, "fidgeting": 0.7}
#: The rules that were changed, as they were before: set by reason, before any timeline was recorded
#: with a mesh. The grid lies around these, so that it doesn't move with what was chosen from it.
BEFORE: Final[Mapping[str, Rule]] = {
    "mouth_open": Rule(0.15, 0.09, 0.15, 0.3, 0.3),
    "head_down": Rule(-20.0, -14.0, 0.4, 0.8, 0.5),
    "leaning_in": Rule(8.0, 5.0, 1.0, 1.5, 1.0),
    "leaning_out": Rule(8.0, 5.0, 1.0, 1.5, 1.0),
}
#: A rule was changed where what was chosen cost at least this much less on the real clips, or on
#: the rendered timelines, that were left out (half an event), and on no real clip more.
WORTH: Final = 0.5

#: At each moment and for each action: on, off, or (None) not to be told.
Said = Mapping[str, Sequence[bool | None]]


@dataclass(slots=True)
class ActionScore(Score):
    """As :class:`scoring.Score`; ``events`` were labelled, ``judged_s`` is the time with sure
    labels, of which ``scored_s`` could be told."""

    events: int = 0
    untold: int = 0
    judged_s: float = 0.0

    @property
    def cost(self) -> float:
        """As for expressions, but an action said :data:`TOO_LATE_S` late counts as one missed:
        else a rule that never speaks would be better than one that speaks late."""
        late = [min(1.0, max(0.0, delay) / TOO_LATE_S) for delay in self.delays_s]
        mean = sum(late) / len(late) if late else 0.0
        return self.missed + self.false + self.extra + mean


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
    """Judge one action of one person. A spell in which it is said is false where it meets no
    labelled one and lies against the labels for :data:`FALSE_S` or longer, and also where it goes
    on against them for :data:`TOO_LATE_S`."""
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
        least_s = TOO_LATE_S if True in labels[start:end] else FALSE_S
        result.false += wrong >= least_s
    return result


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


def by_reason(action: str) -> Rule:
    """The rule of an action before anything was chosen from timelines."""
    return BEFORE.get(action, RULES[action])


def grid(action: str) -> list[Rule]:
    """An action's rule, as it was by reason, with its thresholds, holding times and time constant
    varied as far as what it means allows; the nearest to the rule first: the rule itself."""
    rule = by_reason(action)
    thresholds = [one for one in THRESHOLDS if one >= LEAST.get(action, 0.0)]
    holds = (1.0,) if action in DEFINED else HOLDS
    factors = sorted(
        product(thresholds, holds, TAUS), key=lambda by: sum(abs(math.log(one)) for one in by)
    )
    varied = [
        replace(
            rule,
            enter=round(rule.enter * threshold, 6),
            leave=round(rule.leave * threshold, 6),
            hold_on_s=round(rule.hold_on_s * hold, 6),
            hold_off_s=round(rule.hold_off_s * hold, 6),
            tau_s=round(rule.tau_s * tau, 6),
        )
        for threshold, hold, tau in factors
    ]
    return list(dict.fromkeys(varied))


def all_costs(clips: Mapping[str, Sequence[Followed]]) -> dict[str, list[dict[str, ActionScore]]]:
    """For every action and every rule of its grid: the score of each clip. Actions don't hang on
    one another's rules, so that all are varied at once."""
    grids = {action: grid(action) for action in ACTIONS}
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
    """The index of the rule with the lowest cost over ``names`` (the first among equals, which is
    the nearest to the rule set by reason), and how many cost the same."""
    totals = [sum(by_clip[name].cost for name in names) for by_clip in scores]
    lowest = min(totals)
    equal = [index for index, total in enumerate(totals) if total <= lowest + 1e-9]
    return equal[0], len(equal)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rule chosen without a timeline, and how it does on the one left out; ``before``: the rule
    set by reason, on the same."""

    left_out: str
    rule: Rule
    score: ActionScore
    before: ActionScore


def leave_one_out(
    action: str, scores: Sequence[Mapping[str, ActionScore]], shown: Sequence[str]
) -> list[Chosen]:
    """For each of ``shown``: the rule chosen on all other timelines, shown on this one."""
    rules, chosen = grid(action), []
    for name in shown:
        index, _ = best(scores, [other for other in scores[0] if other != name])
        chosen.append(Chosen(name, rules[index], scores[index][name], scores[0][name]))
    return chosen


def blinks(person: Followed) -> tuple[int, int]:
    """How many blinks are labelled while the eyes could be told, and how many were counted."""
    told = said(person)["eyes_closed"]
    seen = [at_s for at_s, value in zip(person.times, told, strict=True) if value is not None]
    labels = [
        one
        for one in person.truth.actions
        if one.name == "eyes_closed" and one.scored and _lasts(one) <= BLINK_S
    ]
    near = [one for one in labels if any(abs(at_s - one.start_s) <= 0.2 for at_s in seen)]
    state = acting.begin(person.times[0])
    counted: dict[int, int] = {}
    for at_s, sight in zip(person.times, person.sights, strict=True):
        acting.step(state, sight, at_s)
        counted |= {part.number: part.blinks for part in state.blinks.slices}
    return len(near), sum(counted.values())


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
