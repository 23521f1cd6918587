"""One person's actions: what is kept between frames, and what a frame does to it.

Small (2 KB as msgpack at most), plain data, no curve kept: the same person goes on bit for bit
after a restart. A value that isn't there (a face not found, wrists under the table, too few frames
a second) leaves an action as it is for a moment, and then takes it out of :func:`measured`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from readroom.aggregator.actions import (
    blinks,
    geometry,
    heads,
    movement,
    oscillation,
    pace,
    rest,
    switch as switches,
)
from readroom.aggregator.actions.catalogue import RULES, SMILE_PER_WIDENING
from readroom.aggregator.actions.switch import Rule, Switch
from readroom.aggregator.sight import Sight
from readroom.messages import ACTIONS, Span

#: Half-cycles of a speaking jaw: 0.05 is five times how much jawOpen of a closed mouth trembles in
#: the clips; a syllable's opening or closing takes 0.07 to 0.25 s (2 to 7 Hz), and slow ones more.
SYLLABLE: Final = oscillation.Beat(0.05, 0.03, 0.5)
#: Half-cycles of the jaw are counted over so long, s.
TALK_S: Final = 1.5
#: What the eyelids read of open eyes before the person's own are known: 0.02 to 0.3 in the clips.
OPEN_LIDS: Final = 0.15


class ActionState(msgspec.Struct, array_like=True):
    """One person. ``switches`` follow ACTIONS; ``own_…`` are the person's own levels: eyelids when
    open, mouth width at rest, usual face size and shoulder width, px."""

    at_s: float
    switches: list[Switch]
    parts: list[movement.Part]
    own_lids: rest.Level
    own_mouth: rest.Level = msgspec.field(default_factory=rest.Level)
    own_face: rest.Level = msgspec.field(default_factory=rest.Level)
    own_shoulders: rest.Level = msgspec.field(default_factory=rest.Level)
    mesh_pace: pace.Pace = msgspec.field(default_factory=pace.Pace)
    heads: heads.Heads = msgspec.field(default_factory=heads.Heads)
    jaw: oscillation.Zigzag = msgspec.field(default_factory=oscillation.Zigzag)
    blinks: blinks.Blinks = msgspec.field(default_factory=blinks.Blinks)


@dataclass(frozen=True, slots=True)
class ActionEnded:
    """Something somebody did, from when to when, with its mean confidence (0..1)."""

    action: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What one frame says of one action: see switch.feed. ``sure``: a "no" counts, too."""

    value: float
    weight: float
    sure: bool = True
    crossed_s: float | None = None


def begin(at_s: float) -> ActionState:
    """Somebody of whom nothing is known yet."""
    return ActionState(
        at_s=at_s,
        switches=[Switch() for _ in ACTIONS],
        parts=movement.parts(),
        own_lids=rest.Level(OPEN_LIDS, at_s),
    )


def step(
    state: ActionState, sight: Sight, at_s: float, rules: Mapping[str, Rule] = RULES
) -> list[ActionEnded]:
    """Take a frame in; returns the actions that it ended, in the order of ACTIONS. An earlier
    ``at_s`` than the last counts as no time."""
    at_s = _clock(state, at_s)
    found: dict[str, _Evidence] = {}
    _read_face(state, sight, at_s, found)
    _read_head(state, sight, at_s, found)
    _read_body(state, sight, at_s, found)
    ended = []
    for action, switch in zip(ACTIONS, state.switches, strict=True):
        over = _feed(switch, rules[action], found.get(action), at_s)
        if over is not None:
            ended.append(ActionEnded(action, over.start_s, over.end_s, over.confidence))
    return ended


def running(state: ActionState) -> dict[str, Span]:
    """The actions that are going on."""
    return {
        action: Span(since_s=switch.since_s, confidence=switches.confidence(switch))
        for action, switch in zip(ACTIONS, state.switches, strict=True)
        if switch.on and switch.since_s is not None
    }


def measured(state: ActionState, at_s: float) -> tuple[str, ...]:
    """The actions that can be told at this moment, going on or not."""
    return tuple(
        action
        for action, switch in zip(ACTIONS, state.switches, strict=True)
        if switches.known(switch, at_s)
    )


def blinks_per_min(state: ActionState, at_s: float) -> float | None:
    """Blinks a minute over the last minute; None where the eyes were seen too shortly, or not often
    enough a second for a blink to show."""
    if not pace.quick(state.mesh_pace, blinks.LONGEST_PACE_S):
        return None
    return blinks.per_minute(state.blinks, at_s)


def finish(state: ActionState, at_s: float) -> list[ActionEnded]:
    """The person has gone, or the session is over: what is running ends, with its evidence."""
    ended = []
    for action, switch in zip(ACTIONS, state.switches, strict=True):
        over = switches.finish(switch, _clock(state, at_s))
        if over is not None:
            ended.append(ActionEnded(action, over.start_s, over.end_s, over.confidence))
    return ended


def _clock(state: ActionState, at_s: float) -> float:
    if math.isfinite(at_s) and at_s > state.at_s:
        state.at_s = at_s
    return state.at_s


def _feed(switch: Switch, rule: Rule, found: _Evidence | None, at_s: float) -> switches.Over | None:
    if found is None or not (found.sure or switches.confirms(switch, rule, found.value)):
        return switches.lapse(switch, at_s)
    return switches.feed(switch, rule, found.value, at_s, found.weight, found.crossed_s)


def _read_face(state: ActionState, sight: Sight, at_s: float, found: dict[str, _Evidence]) -> None:
    shapes = geometry.readable_shapes(sight)
    if shapes is None:
        _read_mouth(state, sight, at_s, found)
        return
    weight = min(1.0, sight.weight)
    pace.tick(state.mesh_pace, at_s)
    closure = geometry.closure(shapes.lids, state.own_lids.value)
    rest.low(state.own_lids, shapes.lids, at_s)
    blinks.look(state.blinks, closure, at_s)
    oscillation.follow(state.jaw, SYLLABLE, shapes.jaw, at_s)
    found["smiling"] = _Evidence(shapes.smile, weight)
    found["brow_lowered"] = _Evidence(shapes.brow_down, weight)
    found["brow_raised"] = _Evidence(shapes.brow_up, weight)
    found["mouth_open"] = _Evidence(shapes.jaw, weight)
    found["eyes_closed"] = _Evidence(closure, weight)
    if pace.quick(state.mesh_pace, blinks.LONGEST_PACE_S):
        halves = float(oscillation.recent(state.jaw, SYLLABLE, at_s - TALK_S))
        found["talking"] = _Evidence(halves, weight)


def _read_mouth(state: ActionState, sight: Sight, at_s: float, found: dict[str, _Evidence]) -> None:
    """A smile by the mouth's width alone, where no mesh says more."""
    width = geometry.mouth_width(sight)
    if width is None:
        return
    rest.low(state.own_mouth, width, at_s)
    if rest.known(state.own_mouth) and state.own_mouth.value > 0:
        wider = width / state.own_mouth.value - 1
        found["smiling"] = _Evidence(SMILE_PER_WIDENING * wider, min(1.0, sight.weight), sure=False)


def _read_head(state: ActionState, sight: Sight, at_s: float, found: dict[str, _Evidence]) -> None:
    head = geometry.head(sight)
    if head is None:
        return
    nod, shake = heads.look(state.heads, head, at_s)
    found["facing_front"] = _Evidence(heads.aside(state.heads, head, at_s), head.weight)
    found["facing_away"] = _Evidence(abs(head.yaw), head.weight)
    if head.pitch is not None:
        found["head_down"] = _Evidence(head.pitch, head.weight)
    if head.steady and heads.quick(state.heads.shake):
        found["shaking_head"] = _rhythm(shake, state.heads.shake.over_s, head.weight)
    if head.steady and heads.quick(state.heads.nod):
        found["nodding"] = _rhythm(nod, state.heads.nod.over_s, head.weight)


def _rhythm(seen: oscillation.Rhythm | None, over_s: float | None, weight: float) -> _Evidence:
    if seen is None:
        return _Evidence(0.0, weight, crossed_s=over_s)
    return _Evidence(seen.size, weight, crossed_s=seen.start_s)


def _read_body(state: ActionState, sight: Sight, at_s: float, found: dict[str, _Evidence]) -> None:
    hands = geometry.hands(sight)
    if hands is not None and hands.at_face is not None:
        found["hand_at_face"] = _Evidence(hands.at_face, hands.weight, hands.both)
    if hands is not None and hands.raised is not None:
        found["hand_raised"] = _Evidence(hands.raised, hands.weight, hands.both)
    trunk = geometry.trunk(sight)
    if trunk is None:
        return
    if trunk.crossing is not None:
        found["arms_crossed"] = _Evidence(trunk.crossing, trunk.arms)
    speed = movement.fastest(state.parts, trunk.parts, trunk.shoulders_px, at_s)
    if speed is not None:
        found["still"] = found["fidgeting"] = _Evidence(speed, trunk.weight)
    lean = _lean(state, geometry.face_scale(sight), trunk.shoulders_px, at_s)
    if lean is not None:
        found["leaning_in"] = _Evidence(lean, trunk.weight)
        found["leaning_out"] = _Evidence(-lean, trunk.weight)


def _lean(
    state: ActionState, face_px: float | None, shoulders_px: float, at_s: float
) -> float | None:
    """How much larger than usual the person looks, % (negative: smaller). Face and shoulders have
    to agree: a turn of the head alone, or of the trunk, changes only one of them."""
    rest.usual(state.own_shoulders, shoulders_px, at_s)
    if face_px is None:
        return None
    rest.usual(state.own_face, face_px, at_s)
    usual_px = min(state.own_face.value, state.own_shoulders.value)
    if not (rest.known(state.own_face) and rest.known(state.own_shoulders) and usual_px > 0):
        return None
    face = face_px / state.own_face.value - 1
    shoulders = shoulders_px / state.own_shoulders.value - 1
    if face * shoulders <= 0:
        return 0.0
    return 100 * (face if abs(face) < abs(shoulders) else shoulders)
