"""What is known of one person over time: expression, actions, look, and what no name fits.

The parts are small machines of their own; this puts them in a row for each frame:

    Reading ─▶ baseline ─▶ expression_state ─┐
    Sight ───────────────▶ actions ──────────┴─▶ looks          (each frame)
    smoothed probabilities, head, movement ─────▶ deviation     (each sample)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import msgspec

from readroom.affect import affect
from readroom.aggregator import (
    baseline as baselines,
    coverage as coverages,
    deviation as deviations,
    expression_state as expressions,
    looks,
)
from readroom.aggregator.actions import state as actions
from readroom.aggregator.sight import Sight
from readroom.messages import NOT_READ, UNCERTAIN, Measure


@dataclass(frozen=True, slots=True)
class ReadoutRules:
    """``neutral_s``: length of the calibration to a person's resting face, 0 for none.
    ``without_emotion``: no expression is read, and only looks are said that need none."""

    min_face_px: float
    neutral_s: float = 0.0
    without_emotion: bool = False


class Readout(msgspec.Struct):
    """One person's read-out at ``at_s``. ``named``: something that has a name began or ended since
    the last sample, so that a deviation at this moment isn't a nameless one."""

    at_s: float
    expression: expressions.ExpressionState
    actions: actions.ActionState
    look: looks.Look
    baseline: baselines.Baseline = msgspec.field(default_factory=baselines.begin)
    coverage: coverages.Coverage = msgspec.field(default_factory=coverages.Coverage)
    deviation: deviations.Deviation = msgspec.field(default_factory=deviations.begin)
    named: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """Something that is over, as an event says it: see messages.Event."""

    kind: str
    state: str
    start_s: float
    end_s: float
    confidence: float = 0.0
    measure: Measure | None = None


#: What kind of event the end of each part's span is.
_STATE: Final = "state_ended"
_LOOK: Final = "look_ended"
_ACTION: Final = "action_ended"


def begin(at_s: float, rules: ReadoutRules) -> Readout:
    """Somebody of whom nothing is known yet."""
    return Readout(
        at_s=at_s,
        expression=expressions.begin(at_s, NOT_READ if rules.without_emotion else UNCERTAIN),
        actions=actions.begin(at_s),
        look=looks.begin(at_s),
    )


def step(
    person: Readout,
    sight: Sight | None,
    reading: expressions.Reading | None,
    at_s: float,
    rules: ReadoutRules,
) -> list[Ended]:
    """Take a frame in; returns what it ended. ``sight`` is None where nothing was looked for,
    ``reading`` where no faces were. An earlier ``at_s`` than the last counts as no time."""
    at_s = person.at_s = max(person.at_s, at_s)
    ended: list[Ended] = []
    if reading is not None:
        ended += _step_expression(person, reading, at_s, rules)
    if sight is not None:
        before = _going_on(person)
        over = actions.step(person.actions, sight, at_s)
        ended += [Ended(_ACTION, o.action, o.start_s, o.end_s, o.confidence) for o in over]
        person.named = person.named or _going_on(person) != before
    look = looks.step(
        person.look,
        person.expression.state,
        expressions.confidence(person.expression),
        actions.running(person.actions),
        actions.measured(person.actions, at_s),
        at_s,
        allowed=looks.looks_for(rules.without_emotion),
    )
    if look is not None:
        person.named = True
        ended.append(Ended(_LOOK, look.look, look.start_s, look.end_s, look.confidence))
    return _lasting(ended)


def sample(
    person: Readout,
    yaw_deg: float | None,
    pitch_deg: float | None,
    movement: float | None,
    at_s: float,
) -> list[Ended]:
    """Compare this moment with the person's last minute, a few times a second; the angles are
    degrees, ``movement`` is in own face widths per second. Returns a deviation that is over."""
    at_s = max(person.at_s, at_s)
    probabilities = expressions.probabilities(person.expression)
    valence = affect(person.expression.state, probabilities)
    values = deviations.Values(
        expression=None if valence is None else probabilities,
        valence=None if valence is None else valence[0],
        pitch_deg=pitch_deg,
        yaw_deg=yaw_deg,
        movement=movement,
    )
    over = deviations.step(person.deviation, values, at_s, named=person.named)
    person.named = False
    return [] if over is None else [_deviated(person, over)]


def restart_actions(person: Readout) -> list[Ended]:
    """Another camera sees the person from now on: what is measured in its pixels, and against the
    person's own rest in it, begins anew."""
    over = actions.finish(person.actions, person.at_s)
    person.actions = actions.begin(person.at_s)
    person.named = True
    return _lasting([Ended(_ACTION, o.action, o.start_s, o.end_s, o.confidence) for o in over])


def finish(person: Readout, at_s: float) -> list[Ended]:
    """The person has left, or the session is over: all that runs ends."""
    at_s = max(person.at_s, at_s)
    ended = restart_actions(person)
    look = looks.finish(person.look, at_s)
    ended.append(Ended(_LOOK, look.look, look.start_s, look.end_s, look.confidence))
    state = expressions.finish(person.expression, at_s)
    ended.append(Ended(_STATE, state.state, state.start_s, state.end_s, state.confidence))
    over = deviations.finish(person.deviation)
    if over is not None:
        ended.append(_deviated(person, over))
    return _lasting(ended)


def _step_expression(
    person: Readout, reading: expressions.Reading, at_s: float, rules: ReadoutRules
) -> list[Ended]:
    read = reading.probabilities
    if read is not None and rules.neutral_s > 0:
        read = baselines.step(person.baseline, read, reading.weight, at_s, rules.neutral_s)
        reading = replace(reading, probabilities=read)
    ended = expressions.step(person.expression, reading, at_s, rules.min_face_px)
    readable = reading.weight >= expressions.READABLE_WEIGHT and not person.expression.small
    coverages.add(person.coverage, at_s, readable)
    if ended is None:
        return []
    person.named = True
    return [Ended(_STATE, ended.state, ended.start_s, ended.end_s, ended.confidence)]


def _going_on(person: Readout) -> list[bool]:
    return [switch.on for switch in person.actions.switches]


def _deviated(person: Readout, over: deviations.Deviated) -> Ended:
    measure = Measure(value=over.z, n=1, coverage=coverages.ratio(person.coverage))
    return Ended("deviation", over.measurement, over.start_s, over.end_s, measure=measure)


def _lasting(ended: list[Ended]) -> list[Ended]:
    """Without what didn't last: a first state that was replaced in its own frame."""
    return [one for one in ended if one.end_s > one.start_s]
