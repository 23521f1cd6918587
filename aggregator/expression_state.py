"""How one person looks: smoothed over time, weighted by how well the face could be read.

Probabilities are averaged over time (a linear opinion pool, exponential weights with time
constant :data:`TAU_S`), not multiplied (log-odds): the networks at hand say "0.99" on most
frames, right or wrong, and in log-odds one such frame outweighs a second of others, while in the
mean it counts for its own duration. Each reading counts by its quality (face width, sharpness,
detector score, yaw). Without readings the evidence fades, and the state becomes "uncertain".

The state then is a small machine with hysteresis: an expression is entered above
:data:`ENTER`, kept down to :data:`LEAVE`, and no state ends before :data:`MIN_DWELL_S` (doubt:
:data:`DOUBT_DWELL_S`). Only the first state of a person may come sooner: it replaces nothing.

A mean of logarithms, a hidden Markov model and other thresholds were tried, too, on clips labelled
by hand, leaving one out (docs/semantics/clips.md). Formula, example: docs/semantics/expression.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import msgspec

from readroom import legibility
from readroom.messages import (
    EXPRESSIONS,
    NOT_READ,
    NOT_VISIBLE,
    TOO_SMALL,
    UNCERTAIN,
    Probabilities,
)

#: Time constant of the mean over readings of full weight, s.
TAU_S: Final = 0.6
#: Time constant with which evidence fades while nothing is read, s.
FADE_S: Final = 1.5
#: Longest time that one reading may speak for, s.
MAX_STEP_S: Final = 0.5
#: Smoothed probability at which an expression is entered, and below which it is left.
ENTER: Final = legibility.ENTER
LEAVE: Final = 0.35
#: A state lasts at least this long, s. Chosen on the labelled timelines (docs/semantics/clips.md):
#: with 0.8 s a first state that was wrong stayed on, and more was missed by it than flickered.
MIN_DWELL_S: Final = 0.4
DOUBT_DWELL_S: Final = 0.4
#: An expression becomes "uncertain" only after doubt has lasted this long, s: on the way from one
#: expression to another neither has the majority for a moment.
DOUBT_S: Final = 0.4
#: Evidence (0..1) needed before anything is said, and below which nothing is said any more.
ENOUGH: Final = 0.3
TOO_LITTLE: Final = 0.15
#: Readings of less weight don't count: what isn't readable isn't read.
READABLE_WEIGHT: Final = legibility.READABLE_WEIGHT
#: "too_small" is left only when the face is this much wider than the limit.
SMALL_HYSTERESIS: Final = 1.1
#: Time constant of the smoothed face width, s.
_WIDTH_TAU_S: Final = 0.5

#: How much a reading counts, and what of it are probabilities.
weight = legibility.weight
clean = legibility.clean


class ExpressionState(msgspec.Struct):
    """One person's read-out. ``sums`` / ``evidence`` are the smoothed probabilities (in the
    order of EXPRESSIONS); ``said`` is whether a first state has been found. ``confidence_s`` is
    the integral of the confidence over the state's time, for its mean."""

    state: str = UNCERTAIN
    since_s: float = 0.0
    at_s: float | None = None
    sums: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(EXPRESSIONS))
    evidence: float = 0.0
    width_px: float = 0.0
    small: bool = False
    said: bool = False
    doubt_from_s: float | None = None
    confidence_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What one frame says of a person. ``width_px`` is None where the face wasn't found in it;
    ``visible`` stays true for the moment that a missed detection doesn't matter."""

    visible: bool
    network_runs: bool
    width_px: float | None = None
    weight: float = 0.0
    probabilities: Probabilities | None = None


@dataclass(frozen=True, slots=True)
class StateEnded:
    """A state that is over: from ``start_s`` to ``end_s``, with its mean confidence."""

    state: str
    start_s: float
    end_s: float
    confidence: float


def begin(at_s: float, state: str = UNCERTAIN) -> ExpressionState:
    """Somebody of whom nothing is known yet; where nothing may be read, ``state`` is NOT_READ."""
    return ExpressionState(state=state, since_s=at_s)


def step(
    person: ExpressionState, reading: Reading, at_s: float, min_face_px: float
) -> StateEnded | None:
    """Take a frame in; returns the state that it ended, if it did. ``at_s`` never goes back
    (an earlier time counts as no time)."""
    before_s = at_s if person.at_s is None else person.at_s
    dt_s = max(0.0, at_s - before_s)
    # The first reading speaks for a moment, too: without it a new face would wait a frame.
    first = person.at_s is None
    person.at_s = before_s + dt_s
    person.confidence_s += confidence(person) * dt_s
    _measure_width(person, reading, dt_s, min_face_px)
    _smooth(person, reading, 0.05 if first else dt_s)
    return _move(person, _wanted(person, reading), person.at_s)


def dwell_s(state: str) -> float:
    """How long ``state`` lasts at least, s."""
    return DOUBT_DWELL_S if state == UNCERTAIN else MIN_DWELL_S


def probabilities(person: ExpressionState) -> Probabilities | None:
    """The smoothed probabilities, summing to 1; None while nothing was read for a while."""
    if person.evidence < TOO_LITTLE:
        return None
    return clean(tuple(person.sums))  # type: ignore[arg-type]  # a list of eight


def confidence(person: ExpressionState) -> float:
    """The smoothed probability of the state, 0..1; 0 for the states that are no expression."""
    if person.state not in EXPRESSIONS or person.evidence <= 0:
        return 0.0
    return min(1.0, person.sums[EXPRESSIONS.index(person.state)] / person.evidence)


def finish(person: ExpressionState, at_s: float) -> StateEnded:
    """The person has left, or the session ends: the running state is over."""
    lasted_s = at_s - person.since_s
    mean = person.confidence_s / lasted_s if lasted_s > 0 else 0.0
    return StateEnded(person.state, person.since_s, max(at_s, person.since_s), min(1.0, mean))


def _measure_width(
    person: ExpressionState, reading: Reading, dt_s: float, min_face_px: float
) -> None:
    if reading.width_px is None:
        return
    if person.width_px == 0:
        person.width_px = reading.width_px
    gain = 1 - math.exp(-dt_s / _WIDTH_TAU_S)
    person.width_px += gain * (reading.width_px - person.width_px)
    limit = min_face_px * (SMALL_HYSTERESIS if person.small else 1.0)
    person.small = person.width_px < limit


def _smooth(person: ExpressionState, reading: Reading, dt_s: float) -> None:
    read = reading.probabilities
    if read is None or reading.weight < READABLE_WEIGHT or person.small:
        keep = math.exp(-dt_s / FADE_S)
        person.sums = [keep * value for value in person.sums]
        person.evidence *= keep
        return
    gain = 1 - math.exp(-reading.weight * min(dt_s, MAX_STEP_S) / TAU_S)
    person.sums = [
        (1 - gain) * old + gain * new for old, new in zip(person.sums, read, strict=True)
    ]
    person.evidence = (1 - gain) * person.evidence + gain


def _wanted(person: ExpressionState, reading: Reading) -> str:
    """The state that the evidence asks for, before dwell."""
    if not reading.visible:
        return NOT_VISIBLE
    if person.small:
        return TOO_SMALL
    return _wanted_expression(person) if reading.network_runs else NOT_READ


def _wanted_expression(person: ExpressionState) -> str:
    if person.evidence < (TOO_LITTLE if person.state in EXPRESSIONS else ENOUGH):
        return UNCERTAIN
    means = [value / person.evidence for value in person.sums]
    best = max(range(len(means)), key=means.__getitem__)
    if means[best] >= ENTER:
        return EXPRESSIONS[best]
    if person.state in EXPRESSIONS and means[EXPRESSIONS.index(person.state)] >= LEAVE:
        return person.state
    return UNCERTAIN


def _move(person: ExpressionState, wanted: str, at_s: float) -> StateEnded | None:
    if wanted == UNCERTAIN and person.state in EXPRESSIONS:
        if person.doubt_from_s is None:
            person.doubt_from_s = at_s
        if at_s - person.doubt_from_s < DOUBT_S:
            return None
    else:
        person.doubt_from_s = None
    if wanted == person.state:
        person.said = person.said or wanted != UNCERTAIN
        return None
    if person.said and at_s - person.since_s < dwell_s(person.state):
        return None
    ended = finish(person, at_s)
    person.state, person.since_s, person.said, person.confidence_s = wanted, at_s, True, 0.0
    return ended
