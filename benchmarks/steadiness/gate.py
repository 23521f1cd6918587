"""From people to one row per size, and the rule that turns rows into a quality gate.

The rule compares the same people at two sizes: the one in question, and the control, 95 % of full
size, which no eye can tell from it. What the control loses, the network loses to any small change
(a box that lies a little differently, other rounding), and no gate can mend that. So the gate says
what size costs; how steady and how right a network is besides, it doesn't say. It is the smallest
size at which, and at every larger size measured,

- the most probable class agrees with full size on at most :data:`MAX_LOSS` fewer of the frames
  than the control's,
- the mean distance from full size is at most :data:`MAX_LOSS` larger than the control's,
- the aggregator's states flip at most :data:`MAX_FLIP_RATIO` times as often as at full size (one
  flip more is always allowed: some people have none to multiply).

It was settled on the two public networks, before the project's own had been measured, with boxes
found at each size. Limits without a control, 0.85 for the agreement and 0.15 for the distance,
were tried first. They stopped both networks at 96 px, but not for size: from 64 px down two people
join who look between two expressions, and one of them, read by faceapi_expression, changes class
on half of the frames with the 5 % already. With the control both networks get 48 px, for any loss
allowed between 0.08 and 0.19, and as well with a control of 91, 93 or 97 %.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.steadiness.figures import Count
from benchmarks.steadiness.measuring import CONTROL, FULL, WIDTHS_PX, Boxes, Steadiness

MAX_LOSS: Final = 0.10
MAX_FLIP_RATIO: Final = 1.5


@dataclass(frozen=True, slots=True)
class Reference:
    """What the same people's larger sizes give: state flips at full size, agreement and distance
    of the control."""

    state_flips: Count
    agreement: float
    distance: float


@dataclass(frozen=True, slots=True)
class Row:
    """One network at one size over all people whose faces are that large.

    Shares and distances are means over people, each counted once however long the clip; counts
    are summed; ``deviation`` and ``smoothed_deviation`` [8] are pooled over still windows. See
    :class:`measuring.Steadiness` for the rest.
    """

    size: str
    people: int
    recall: float
    agreement: float
    distance: float
    step_distance: float
    flips: Count
    still_flips: Count
    deviation: tuple[float, ...]
    smoothed_deviation: tuple[float, ...]
    state_flips: Count
    state_agreement: float
    uncertain: float
    contradicted: float
    silent: float
    reference: Reference

    @property
    def honest(self) -> bool:
        """Whether a face of this size may be read, by the module's rule."""
        before = self.reference.state_flips.events
        return (
            self.agreement >= self.reference.agreement - MAX_LOSS
            and self.distance <= self.reference.distance + MAX_LOSS
            and self.state_flips.events <= max(MAX_FLIP_RATIO * before, before + 1)
        )


def rows(measured: Sequence[Steadiness], network: str, boxes: Boxes) -> list[Row]:
    """A network's rows: full size, control, then from large to small."""
    mine = [one for one in measured if one.network == network and one.boxes == boxes]
    by_size = {
        size: [one for one in mine if one.size == size]
        for size in (FULL, CONTROL, *map(str, sorted(WIDTHS_PX, reverse=True)))
    }
    return [_row(people, by_size) for people in by_size.values() if people]


def gate_px(table: Sequence[Row]) -> int | None:
    """The quality gate that a network's rows ask for; None: no size measured is honest."""
    passed: int | None = None
    for row in table:
        if not row.size.isdecimal():
            continue
        if not row.honest:
            break
        passed = int(row.size)
    return passed


def _row(people: list[Steadiness], by_size: dict[str, list[Steadiness]]) -> Row:
    names = {one.person for one in people}
    full = [one for one in by_size[FULL] if one.person in names]
    control = [one for one in by_size[CONTROL] if one.person in names]
    return Row(
        size=people[0].size,
        people=len(people),
        recall=_mean(people, lambda one: one.recall),
        agreement=_mean(people, lambda one: one.agreement),
        distance=_mean(people, lambda one: one.distance),
        step_distance=_mean(people, lambda one: one.step_distance),
        flips=_sum(people, lambda one: one.flips),
        still_flips=_sum(people, lambda one: one.still_flips),
        deviation=_pooled([(one.scatter, one.freedom) for one in people]),
        smoothed_deviation=_pooled(
            [(one.smoothed_scatter, one.smoothed_freedom) for one in people]
        ),
        state_flips=_sum(people, lambda one: one.state_flips),
        state_agreement=_mean(people, lambda one: one.state_agreement),
        uncertain=_mean(people, lambda one: one.uncertain),
        contradicted=_mean(people, lambda one: one.contradicted),
        silent=_mean(people, lambda one: one.silent),
        reference=Reference(
            _sum(full, lambda one: one.state_flips),
            _mean(control, lambda one: one.agreement),
            _mean(control, lambda one: one.distance),
        ),
    )


def _mean(people: list[Steadiness], figure: Callable[[Steadiness], float]) -> float:
    """The mean over the people of whom there is a figure (whom nobody found, there is none)."""
    found = [value for value in map(figure, people) if not np.isnan(value)]
    return float(np.mean(found)) if found else float("nan")


def _pooled(parts: list[tuple[tuple[float, ...], int]]) -> tuple[float, ...]:
    """Standard deviations from sums of squares [8] and degrees of freedom; NaN without any."""
    freedom = sum(part for _, part in parts)
    squares = np.sum([part for part, _ in parts], axis=0)
    found: list[float] = np.sqrt(squares / (freedom or np.nan)).tolist()
    return tuple(found)


def _sum(people: list[Steadiness], count: Callable[[Steadiness], Count]) -> Count:
    return sum(map(count, people), Count(0, 0.0))
