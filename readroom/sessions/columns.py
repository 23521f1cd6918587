"""People's timelines as columns, in the steps that somebody wants to see them in.

What is stored are points, some four a second. In steps of ``step_s`` a point stands for all those
of ``k·step_s ≤ time < (k+1)·step_s``, and its time is where the step begins. Steps without any
points are left out: there nobody was looked at. What fits differs:

- state, confidence (it is that of the state), look, actions: those of the step's last point;
- coverage: that of the last point as well, which looks back over a minute already;
- valence, arousal: the mean over the step's points that have them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from readroom.sessions.arrays import Floats, Numbers, Points


@dataclass(frozen=True, slots=True)
class Columns:
    """One person's timeline, n points: ``time_s`` rises. ``state`` and ``look`` are indices in
    STATES and LOOKS, ``actions`` and ``measured`` sets of bits (readroom.sessions.schema).
    ``affect`` is (n, 2): valence and arousal, −1..1, NaN where no expression was read."""

    person: int
    time_s: Floats
    state: Numbers
    confidence: Floats
    affect: Floats
    coverage: Floats
    look: Numbers
    actions: Numbers
    measured: Numbers


def columns(points: Points) -> Iterator[Columns]:
    """A session's points, person by person, in their order."""
    affect = np.column_stack(points.affect())
    edges = np.flatnonzero(np.diff(points.person, prepend=-1, append=-1))
    for begin, end in pairwise(edges):
        own = slice(begin, end)
        yield Columns(
            int(points.person[begin]),
            points.time_s[own],
            points.state[own],
            points.confidence[own],
            affect[own],
            points.coverage[own],
            points.look[own],
            points.actions[own],
            points.measured[own],
        )


def in_steps(of: Columns, step_s: float) -> Columns:
    """The timeline in steps, see the module's text. ``step_s`` > 0."""
    steps = np.floor(of.time_s / step_s)
    begins = np.flatnonzero(np.diff(steps, prepend=-np.inf))
    last = np.append(begins[1:], len(steps)) - 1
    has = ~np.isnan(of.affect)
    sums = np.add.reduceat(np.where(has, of.affect, 0.0), begins, axis=0)
    counts = np.add.reduceat(has.astype(np.int64), begins, axis=0)
    return Columns(
        of.person,
        steps[begins] * step_s,
        of.state[last],
        of.confidence[last],
        np.where(counts > 0, sums / np.maximum(counts, 1), np.nan),
        of.coverage[last],
        of.look[last],
        of.actions[last],
        of.measured[last],
    )
