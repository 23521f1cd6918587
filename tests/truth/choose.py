"""The choice of the expression state's thresholds, leaving one clip out.

Every setting of a grid reads every clip once. For each clip left out, the setting with the lowest
cost (:attr:`scoring.Score.cost`, each clip counting alike) over all the others is taken, and shown
on the clip left out. Among equals the one nearest to the aggregator's own constants is taken, so
that nothing is changed without a reason.

The demo room's two views stand beside the real clips when a choice is made, and are shown apart:
they are rendered from two portraits, but the only ones that hold more than one change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from tests.truth.filters import CURRENT, METHODS, Method, Setting, said
from tests.truth.format import Timeline
from tests.truth.people import Followed, followed
from tests.truth.scoring import Score, score, together

#: The grid: small enough for a minute's work. The aggregator's own constants are in it.
TAUS_S: Final = (0.3, 0.6, 0.9, 1.2)
ENTERS: Final = (0.45, 0.55, 0.6, 0.7)
LEAVES: Final = (0.25, 0.35, 0.45)
DWELLS_S: Final = (0.4, 0.8)
#: What is tried for each constant of the mean alone.
ALONE: Final[Mapping[str, Sequence[float]]] = {
    "tau_s": (0.3, 0.6, 0.9, 1.2),
    "enter": (0.45, 0.5, 0.55, 0.6, 0.7),
    "leave": (0.25, 0.3, 0.35, 0.4, 0.45),
    "dwell_s": (0.2, 0.4, 0.6, 0.8, 1.2),
}
HOLDS_S: Final = (5.0, 20.0)
CORRELATIONS_S: Final = (0.1, 0.3, 0.8)
#: Settings whose cost is within this share of the best's are no worse, as far as can be told.
AS_GOOD: Final = 0.05

#: Cost of each clip by setting: what all choices are made from.
Costs = Mapping[Setting, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The setting chosen without a clip, and how it does there."""

    left_out: str
    setting: Setting
    score: Score
    as_good: int


def grid(method: Method) -> list[Setting]:
    """All settings of a method that are tried; leaving is always below entering."""
    machine = [
        (enter, leave, dwell_s)
        for enter, leave, dwell_s in product(ENTERS, LEAVES, DWELLS_S)
        if leave < enter
    ]
    if method == "forward":
        return [
            Setting(method, 0.6, *rest, hold_s=hold_s, correlation_s=correlation_s)
            for hold_s, correlation_s, rest in product(HOLDS_S, CORRELATIONS_S, machine)
        ]
    return [Setting(method, tau_s, *rest) for tau_s, rest in product(TAUS_S, machine)]


def scored(people: Sequence[Followed], setting: Setting) -> Score:
    """How a setting does on a clip."""
    return together(
        score(one.times, said(one.times, one.readings, setting), one.truth.expressions)
        for one in people
    )


def costs(clips: Mapping[str, Sequence[Followed]], settings: Sequence[Setting]) -> Costs:
    """Cost of every setting on every clip, per person of the clip."""
    return {
        setting: {
            name: scored(people, setting).cost / max(1, len(people))
            for name, people in clips.items()
        }
        for setting in settings
    }


def best(costs_of: Costs, names: Sequence[str]) -> tuple[Setting, int]:
    """The setting with the lowest cost over ``names``, and how many are as good."""
    totals = {
        setting: sum(by_clip[name] for name in names) for setting, by_clip in costs_of.items()
    }
    lowest = min(totals.values())
    winners = [setting for setting, total in totals.items() if total <= lowest + 1e-9]
    limit = lowest * (1 + AS_GOOD) + 1e-9
    as_good = sum(total <= limit for total in totals.values())
    return min(winners, key=_distance), as_good


def leave_one_out(
    clips: Mapping[str, Sequence[Followed]], costs_of: Costs, shown: Sequence[str]
) -> list[Chosen]:
    """For each of ``shown``: the setting chosen on all other clips, shown on this one."""
    chosen: list[Chosen] = []
    for name in shown:
        setting, as_good = best(costs_of, [other for other in clips if other != name])
        chosen.append(Chosen(name, setting, scored(clips[name], setting), as_good))
    return chosen


def people_of(timelines: Mapping[str, Timeline]) -> dict[str, list[Followed]]:
    """Everybody who is labelled, by clip."""
    return {name: list(followed(timeline)) for name, timeline in timelines.items()}


def all_settings() -> dict[Method, list[Setting]]:
    """Every setting tried, by method."""
    return {method: grid(method) for method in METHODS}


def one_constant() -> dict[str, list[Setting]]:
    """The aggregator's own setting with one of its constants varied, by constant."""
    return {
        "tau_s": [replace(CURRENT, tau_s=value) for value in ALONE["tau_s"]],
        "enter": [replace(CURRENT, enter=value) for value in ALONE["enter"]],
        "leave": [replace(CURRENT, leave=value) for value in ALONE["leave"]],
        "dwell_s": [replace(CURRENT, dwell_s=value) for value in ALONE["dwell_s"]],
    }


def _distance(setting: Setting) -> float:
    """How far a setting is from the aggregator's own, in steps of about a third."""
    return (
        abs(math.log(setting.tau_s / CURRENT.tau_s)) / 0.3
        + abs(setting.enter - CURRENT.enter) / 0.05
        + abs(setting.leave - CURRENT.leave) / 0.1
        + abs(setting.dwell_s - CURRENT.dwell_s) / 0.4
    )
