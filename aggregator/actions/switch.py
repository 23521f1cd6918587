"""One switch for every action: on and off by two thresholds, each held for a while.

A value is smoothed over time (exponential mean, so that thresholds are in seconds and not in
frames), and then has to stay beyond ``enter`` for ``hold_on_s`` to switch on, and beyond ``leave``
for ``hold_off_s`` to switch off. The span that comes of it begins and ends where the value crossed,
not where that was believed: so no span is shorter than ``hold_on_s``, and none follows another
after less than ``hold_off_s``.

No value is no evidence: the switch stays as it is for :data:`GRACE_S`, and then is off and unknown,
with the span's end where there was evidence last.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import msgspec

#: An action without evidence for longer than this is over and isn't measured, s: two frames may be
#: missed at 2 frames a second, the slowest rate that is meant to work.
GRACE_S: Final = 1.2
#: Longest time that one value may speak for, s: as in expression_state.
MAX_STEP_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Rule:
    """When a switch is on. ``enter`` > ``leave``: on while the value is high; the other way round:
    on while it is low; both in the action's unit. ``tau_s`` is the time constant of the mean
    (0: none)."""

    enter: float
    leave: float
    tau_s: float
    hold_on_s: float
    hold_off_s: float

    def entered(self, value: float) -> bool:
        """Whether a value is beyond ``enter``."""
        return value >= self.enter if self.enter > self.leave else value <= self.enter

    def left(self, value: float) -> bool:
        """Whether a value is beyond ``leave``, on the other side."""
        return value < self.leave if self.enter > self.leave else value > self.leave

    def strength(self, value: float) -> float:
        """How clearly a value says yes, 0..1: 0 at ``leave``, 0.5 at ``enter``, 1 as far beyond."""
        return min(1.0, max(0.0, (value - self.leave) / (2 * (self.enter - self.leave))))


class Switch(msgspec.Struct, array_like=True):
    """One action of one person. ``level`` is the smoothed value at ``seen_s`` (None: nothing
    known). ``since_s`` is when the span began (on), or the one before ended (off; None: there was
    none); ``from_s`` since when the value has been beyond the threshold that would change that.
    ``confidence_s`` is the integral of strength × weight over the span. ``told`` is whether the
    evidence since it was last missing has said yes or no; a yes that hasn't been held yet is
    neither."""

    on: bool = False
    level: float = 0.0
    seen_s: float | None = None
    since_s: float | None = None
    from_s: float | None = None
    confidence_s: float = 0.0
    told: bool = False


@dataclass(frozen=True, slots=True)
class Over:
    """A span that has ended, with its mean confidence (0..1)."""

    start_s: float
    end_s: float
    confidence: float


def feed(
    switch: Switch,
    rule: Rule,
    value: float | None,
    at_s: float,
    weight: float = 1.0,
    crossed_s: float | None = None,
) -> Over | None:
    """Take one frame's value in (None or not finite: no evidence); returns the span it ended.

    ``at_s`` never goes back. ``weight`` (0..1) is how much the value counts. ``crossed_s`` is for
    values that know since when they have been what they are: a rhythm is seen only when several of
    its beats are over.
    """
    if value is None or not math.isfinite(value) or not weight > 0:
        return lapse(switch, at_s)
    over, weight = lapse(switch, at_s), min(1.0, weight)
    if switch.seen_s is None:
        switch.level, dt_s = value, 0.0
    else:
        dt_s = at_s - switch.seen_s
        _smooth(switch, rule, value, weight, dt_s)
    sure = rule.strength(switch.level) * weight
    if switch.on or switch.from_s is not None:
        switch.confidence_s += sure * dt_s
    switch.seen_s = at_s
    crossed_s = at_s if crossed_s is None else min(at_s, crossed_s)
    if switch.on:
        return _leave(switch, rule, at_s, crossed_s)
    _enter(switch, rule, at_s, crossed_s, sure)
    return over


def lapse(switch: Switch, at_s: float) -> Over | None:
    """Let time pass without evidence: after :data:`GRACE_S` nothing is known any more."""
    if switch.seen_s is None or at_s - switch.seen_s <= GRACE_S:
        return None
    over = _end(switch, switch.seen_s) if switch.on else None
    switch.seen_s = switch.from_s = None
    switch.confidence_s, switch.told = 0.0, False
    return over


def finish(switch: Switch, at_s: float) -> Over | None:
    """The person has gone, or the session is over: a running span ends, with the last evidence."""
    if not switch.on or switch.seen_s is None:
        return None
    return _end(switch, min(at_s, switch.seen_s))


def known(switch: Switch, at_s: float) -> bool:
    """Whether the action can be told at this moment."""
    return switch.told and switch.seen_s is not None and at_s - switch.seen_s <= GRACE_S


def confidence(switch: Switch) -> float:
    """The mean confidence of the span so far, 0..1."""
    if switch.seen_s is None or switch.since_s is None:
        return 0.0
    lasted_s = switch.seen_s - switch.since_s
    return min(1.0, switch.confidence_s / lasted_s) if lasted_s > 0 else 0.0


def confirms(switch: Switch, rule: Rule, value: float | None) -> bool:
    """Whether a value counts that can say yes but not no: of two hands one isn't seen, say. It
    counts where it says yes, or where the switch is on already."""
    return value is not None and (switch.on or rule.entered(value))


def _smooth(switch: Switch, rule: Rule, value: float, weight: float, dt_s: float) -> None:
    if rule.tau_s > 0:
        gain = 1 - math.exp(-weight * min(dt_s, MAX_STEP_S) / rule.tau_s)
    else:
        gain = 1.0 if dt_s > 0 else 0.0
    switch.level += gain * (value - switch.level)


def _enter(switch: Switch, rule: Rule, at_s: float, crossed_s: float, sure: float) -> None:
    if not rule.entered(switch.level):
        switch.from_s, switch.confidence_s, switch.told = None, 0.0, True
        return
    if switch.from_s is None:
        switch.from_s = _not_before(switch, crossed_s)
        switch.confidence_s = sure * (at_s - switch.from_s)
    if at_s - switch.from_s >= rule.hold_on_s:
        switch.on, switch.since_s, switch.from_s = True, switch.from_s, None
        switch.told = True


def _leave(switch: Switch, rule: Rule, at_s: float, crossed_s: float) -> Over | None:
    if not rule.left(switch.level):
        switch.from_s = None
        return None
    if switch.from_s is None:
        switch.from_s = _not_before(switch, crossed_s)
    if at_s - switch.from_s < rule.hold_off_s:
        return None
    return _end(switch, switch.from_s)


def _end(switch: Switch, end_s: float) -> Over | None:
    """Switch off; None where the span has no length."""
    start_s = end_s if switch.since_s is None else switch.since_s
    end_s = _not_before(switch, end_s)
    lasted_s = end_s - start_s
    mean = min(1.0, switch.confidence_s / lasted_s) if lasted_s > 0 else 0.0
    switch.on, switch.since_s, switch.from_s, switch.confidence_s = False, end_s, None, 0.0
    return Over(start_s, end_s, mean) if lasted_s > 0 else None


def _not_before(switch: Switch, time_s: float) -> float:
    """Spans of one action don't overlap, whatever a rhythm says of its beginning and end."""
    return time_s if switch.since_s is None else max(time_s, switch.since_s)
