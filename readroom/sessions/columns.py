"""People's timelines as columns, in the steps that somebody wants to see them in.

What is stored are points, some four a second. In steps of ``step_s`` a point stands for all those
of ``k·step_s ≤ time < (k+1)·step_s``, and its time is where the step begins. Steps without any
points are left out: there nobody was looked at. What fits differs:

- state, confidence (it is that of the state), look, actions: those of the step's last point;
- coverage: that of the last point as well, which looks back over a minute already;
- valence, arousal: the mean over the step's points that have them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from readroom.affect import PLACES
from readroom.messages import EXPRESSIONS

#: States by their number in messages.STATES of whom an expression was read.
_READ: Final = len(EXPRESSIONS) + 1
_PLACES: Final = np.array([PLACES[name] for name in EXPRESSIONS])

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


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


def columns(points: Iterable[Sequence[Any]]) -> Iterator[Columns]:
    """The timelines that rows of timelines.POINT are, in order of person and time."""
    for person, rows in groupby(points, key=lambda row: row[0]):
        _, time_s, state, confidence, expression, coverage, look, actions, measured = zip(
            *rows, strict=True
        )
        states = np.array(state, np.int64)
        yield Columns(
            person,
            np.array(time_s, np.float64),
            states,
            np.array(confidence, np.float64),
            _affect(states, expression),
            np.array(coverage, np.float64),
            np.array(look, np.int64),
            np.array(actions, np.int64),
            np.array(measured, np.int64),
        )


def _affect(states: Numbers, expressions: Sequence[bytes | None]) -> Floats:
    """readroom.affect of each point."""
    found = np.full((len(states), 2), np.nan)
    there = np.array([value is not None for value in expressions]) & (states < _READ)
    if there.any():
        read = zip(expressions, there, strict=True)
        stored = b"".join(value for value, is_there in read if is_there and value is not None)
        shares = np.frombuffer(stored, np.uint8).reshape(-1, len(EXPRESSIONS)) / 255
        found[there] = shares @ _PLACES
    return found


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
