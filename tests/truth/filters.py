"""Three ways to smooth a face's probabilities over time, each before the same state machine.

``mean`` is what the aggregator does: a mean over time of the probabilities. ``logits`` is the mean
of their logarithms, normalised (a geometric mean: one sure frame outweighs many unsure ones).
``forward`` is the forward filter of a hidden Markov model over the eight expressions (Rabiner 1989,
eq. 19–20) with a sticky transition matrix: an expression stays with exp(-dt / hold), else all are
equally likely. A frame's likelihood is its probabilities to the power weight·dt / correlation:
frames a tenth of a second apart say nearly the same, and mustn't count as independent.

All three gather evidence, fade, enter, leave and dwell in the aggregator's own code: only the
smoothing is put in another's place, and only the constants that are chosen are changed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from readroom.aggregator import expression_state as expressions
from readroom.aggregator.expression_state import ExpressionState, Reading
from readroom.messages import EXPRESSIONS
from tests.truth.people import MIN_FACE_PX

Method = Literal["mean", "logits", "forward"]
METHODS: Final[tuple[Method, ...]] = ("mean", "logits", "forward")
#: No probability counts as less than this: below it, networks' answers are noise, and a logarithm
#: of 0 would decide alone.
FLOOR: Final = 0.01

_Smooth = Callable[[ExpressionState, Reading, float], None]


@dataclass(frozen=True, slots=True)
class Setting:
    """What is chosen. ``tau_s`` smooths (``forward``: it only gathers evidence); ``hold_s`` and
    ``correlation_s`` are ``forward``'s."""

    method: Method
    tau_s: float = expressions.TAU_S
    enter: float = expressions.ENTER
    leave: float = expressions.LEAVE
    dwell_s: float = expressions.MIN_DWELL_S
    hold_s: float = 0.0
    correlation_s: float = 0.0

    def __str__(self) -> str:
        if self.method == "forward":
            smoothing = f"hold {self.hold_s:g} s, correlation {self.correlation_s:g} s"
        else:
            smoothing = f"{self.tau_s:g} s"
        return f"{smoothing}; {self.enter:g} / {self.leave:g}; dwell {self.dwell_s:g} s"


#: The aggregator's own constants.
CURRENT: Final = Setting("mean")


def said(times: Sequence[float], readings: Sequence[Reading], setting: Setting) -> list[str]:
    """The state at each moment of one person."""
    if not times:
        return []
    person = expressions.begin(times[0])
    states: list[str] = []
    with _constants(setting):
        for at_s, reading in zip(times, readings, strict=True):
            expressions.step(person, reading, at_s, MIN_FACE_PX)
            states.append(person.state)
    return states


class _LogMean:
    """Mean of logarithms over time, exponential weights, corrected for its beginning."""

    def __init__(self, setting: Setting, plain: _Smooth) -> None:
        self._tau_s, self._plain = setting.tau_s, plain
        self._sums, self._weight = np.zeros(len(EXPRESSIONS)), 0.0

    def __call__(self, person: ExpressionState, reading: Reading, dt_s: float) -> None:
        if _nothing(person, reading):
            self._plain(person, reading, dt_s)
            return
        gain = _gain(reading, dt_s, self._tau_s)
        self._sums = (1 - gain) * self._sums + gain * np.log(_floored(reading))
        self._weight = (1 - gain) * self._weight + gain
        person.evidence = (1 - gain) * person.evidence + gain
        if self._weight > 0:
            means = np.exp(self._sums / self._weight)
            person.sums = (means / means.sum() * person.evidence).tolist()


class _Forward:
    """Forward filter of a hidden Markov model."""

    def __init__(self, setting: Setting, plain: _Smooth) -> None:
        self._setting, self._plain = setting, plain
        self._belief = np.full(len(EXPRESSIONS), 1 / len(EXPRESSIONS))

    def __call__(self, person: ExpressionState, reading: Reading, dt_s: float) -> None:
        stay = math.exp(-dt_s / self._setting.hold_s)
        belief = stay * self._belief + (1 - stay) / len(EXPRESSIONS)
        if _nothing(person, reading):
            self._belief = belief
            self._plain(person, reading, dt_s)
            return
        step_s = min(dt_s, expressions.MAX_STEP_S)
        belief = belief * _floored(reading) ** (
            reading.weight * step_s / self._setting.correlation_s
        )
        self._belief = belief / belief.sum()
        gain = _gain(reading, dt_s, self._setting.tau_s)
        person.evidence = (1 - gain) * person.evidence + gain
        person.sums = (self._belief * person.evidence).tolist()


def _nothing(person: ExpressionState, reading: Reading) -> bool:
    unread = reading.probabilities is None
    return unread or reading.weight < expressions.READABLE_WEIGHT or person.small


def _gain(reading: Reading, dt_s: float, tau_s: float) -> float:
    return 1 - math.exp(-reading.weight * min(dt_s, expressions.MAX_STEP_S) / tau_s)


def _floored(reading: Reading) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([max(FLOOR, p) for p in reading.probabilities or ()])


@contextmanager
def _constants(setting: Setting) -> Iterator[None]:
    """The aggregator's constants and smoothing replaced for a while."""
    plain: _Smooth = expressions._smooth
    changed: dict[str, Any] = {
        "TAU_S": setting.tau_s,
        "ENTER": setting.enter,
        "LEAVE": setting.leave,
        "MIN_DWELL_S": setting.dwell_s,
    }
    if setting.method == "logits":
        changed["_smooth"] = _LogMean(setting, plain)
    elif setting.method == "forward":
        changed["_smooth"] = _Forward(setting, plain)
    before = {name: getattr(expressions, name) for name in changed}
    try:
        for name, value in changed.items():
            setattr(expressions, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(expressions, name, value)
