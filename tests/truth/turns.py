"""Two people of the demo room, each alone, who do on cue what no clip shows: nod, shake the head,
look down, close their eyes, lean in and out, fidget.

The demo room's own figures, moved by a script of this file's own, so that what is so at every
moment is known. Rendered turns are warped portraits: they show that an action is told when a head
or a body moves so, and how soon, not how well it is told of real people. Heads can't turn further
than :data:`MOST_YAW_DEG` (``ingest/demo/turn.py``), and arms don't move: looking away, hands and
crossed arms have to be shown by other means.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from readroom.ingest.demo.background import TABLE_RATIO, background
from readroom.ingest.demo.figure import Figure, Place, Pose
from readroom.ingest.demo.motion import sway
from readroom.ingest.demo.people import SHEETS
from readroom.ingest.demo.script import LOOP_S
from readroom.messages import ACTIONS
from readroom.pixels import Picture
from tests.truth.format import CANT_TELL, Label, PersonTruth, spans

#: Each is a timeline of its own, so that a rule chosen on one can be shown on the other.
PREFIX: Final = "turns"
SIZE: Final = (1280, 720)
LASTS_S: Final = 66.0
#: Further, a rendered head folds.
MOST_YAW_DEG: Final = 30.0
#: A movement that holds takes so long to begin and to end, s; within it, truth is in doubt.
EASE_S: Final = 0.6
#: What the script decides, so that where it isn't scripted, it isn't there. Eyes and brows of a
#: head that is warped downwards are nobody's to say.
SCRIPTED: Final = (
    "smiling", "mouth_open", "talking", "eyes_closed", "facing_front", "facing_away", "nodding",
    "shaking_head", "head_down", "hand_raised", "arms_crossed", "leaning_in", "leaning_out",
    "still", "fidgeting",
)  # fmt: skip
#: Somebody who is moved by the demo room's sway alone is still with this doubt, where scripted so.
_STILL_DOUBT: Final = 0.3
_QUIET: Final = "still"


@dataclass(frozen=True, slots=True)
class Move:
    """From ``start_s`` to ``end_s`` somebody does ``action``: to and fro ``size`` to either side,
    ``rate_hz`` times a second, or (0) holding at ``size``. Degrees; for leaning the share by which
    the figure grows; for fidgeting face widths; ``still`` and ``eyes_closed`` have no size."""

    action: str
    start_s: float
    end_s: float
    size: float = 0.0
    rate_hz: float = 0.0


@dataclass(frozen=True, slots=True)
class Sitter:
    """A figure, where it sits (shares of the picture, face width px), and what it does.
    ``lid_doubt`` is how far a viewer doubts that its eyes are closed when they are."""

    name: str
    x_ratio: float
    face_px: float
    phase_s: float
    lid_doubt: float
    moves: tuple[Move, ...]


SITTERS: Final = (
    Sitter(
        "grace", 0.27, 124.0, 0.0, 0.6,  # glasses
        (
            Move("still", 0.0, 11.0),
            Move("nodding", 12.0, 15.0, 9.0, 1.5),
            Move("shaking_head", 18.0, 21.0, 12.0, 1.2),
            Move("head_down", 24.0, 28.0, -26.0),
            Move("eyes_closed", 31.0, 34.0),
            Move("leaning_in", 37.0, 43.0, 0.14),
            Move("leaning_out", 46.0, 52.0, -0.14),
            Move("fidgeting", 55.0, 60.0, 0.35, 0.9),
        ),
    ),
    Sitter(
        "eileen", 0.72, 128.0, 7.3, 0.3,
        (
            Move("shaking_head", 3.0, 6.0, 15.0, 1.6),
            Move("nodding", 9.0, 12.0, 12.0, 1.0),
            Move("eyes_closed", 15.0, 17.0),
            Move("leaning_out", 21.0, 27.0, -0.12),
            Move("fidgeting", 30.0, 34.0, 0.45, 0.7),
            Move("leaning_in", 37.0, 43.0, 0.12),
            Move("head_down", 46.0, 50.0, -24.0),
            Move("still", 54.0, 66.0),
        ),
    ),
)  # fmt: skip


def renderer(sitter: Sitter) -> Callable[[float], Picture]:
    """From a time to the frame at it, BGR uint8 (height, width, 3)."""
    width, height = SIZE
    place = Place(sitter.x_ratio * width, 0.41 * height, int(TABLE_RATIO * height))
    figure = Figure(SHEETS[sitter.name](sitter.face_px), place)
    room = background("left", SIZE, [(sitter.x_ratio * width, 2.3 * sitter.face_px)])

    def render(time_s: float) -> Picture:
        frame = room.copy()
        figure.draw(frame, pose(sitter, time_s))
        return frame

    return render


def pose(sitter: Sitter, time_s: float) -> Pose:
    """How somebody is drawn at a moment: what is scripted, on top of the demo room's sway."""
    small = sway(time_s, sitter.phase_s, LOOP_S)
    does = {move.action: _amount(move, time_s) for move in sitter.moves}
    pitch_deg = does.get("nodding", 0.0) + does.get("head_down", 0.0)
    larger = does.get("leaning_in", 0.0) + does.get("leaning_out", 0.0)
    shift_ratio = small.shift_ratio + does.get("fidgeting", 0.0)
    return Pose(
        blink=max(small.blink, does.get("eyes_closed", 0.0)),
        yaw_rad=math.radians(small.yaw_deg + does.get("shaking_head", 0.0)),
        pitch_rad=math.radians(small.pitch_deg + pitch_deg),
        shift_px=shift_ratio * sitter.face_px,
        lean=small.lean,
        scale=small.scale * (1.0 + larger),
        light=small.light,
    )


def truth(sitter: Sitter) -> PersonTruth:
    """What the script says of somebody; a movement's beginning and end are in doubt."""
    labels = [label for move in sitter.moves for label in _labels(move, sitter.lid_doubt)]
    # Who nods or shakes the head by this little faces the front all the while.
    down = [one for one in sitter.moves if one.action == "head_down"]
    labels += _rest("facing_front", down, 0.0)
    moved = [one for one in sitter.moves if one.action != _QUIET]
    # The script's sway makes somebody who does nothing neither still nor not.
    labels += _rest(_QUIET, sitter.moves, 0.6)
    labels += _blinks(sitter)
    half = 0.13
    return PersonTruth(
        name=sitter.name,
        x=(sitter.x_ratio - half, sitter.x_ratio + half),
        present=(0.0, LASTS_S),
        expressions=tuple(_expressions(moved)),
        actions=tuple(labels),
        unjudged=tuple(name for name in ACTIONS if name not in SCRIPTED),
    )


def _amount(move: Move, time_s: float) -> float:
    """How much of a move there is, in its unit; 0 outside its time."""
    if not move.start_s <= time_s < move.end_s or move.action == _QUIET:
        return 0.0
    if move.rate_hz > 0:
        return move.size * math.sin(2 * math.pi * move.rate_hz * (time_s - move.start_s))
    full = 1.0 if move.action == "eyes_closed" else move.size
    done = min(time_s - move.start_s, move.end_s - time_s) / EASE_S
    return full * min(1.0, max(0.0, done))


def _labels(move: Move, lid_doubt: float) -> list[Label]:
    """A rhythm is there at once; what holds is there when half of its way is done."""
    if move.rate_hz > 0 or move.action == _QUIET:
        doubt = _STILL_DOUBT if move.action == _QUIET else 0.0
        return [_label(move.start_s, move.end_s, move.action, doubt)]
    doubt = lid_doubt if move.action == "eyes_closed" else 0.0
    half_s = EASE_S / 2
    return [
        _label(move.start_s, move.start_s + half_s, move.action, 0.6),
        _label(move.start_s + half_s, move.end_s - half_s, move.action, doubt),
        _label(move.end_s - half_s, move.end_s, move.action, 0.6),
    ]


def _rest(name: str, moves: list[Move] | tuple[Move, ...], doubt: float) -> list[Label]:
    """``name`` in all the time between moves."""
    edges = [0.0, *(edge for one in _sorted(moves) for edge in (one.start_s, one.end_s)), LASTS_S]
    return [
        _label(start_s, end_s, name, doubt)
        for start_s, end_s in zip(edges[::2], edges[1::2], strict=True)
        if end_s > start_s
    ]


def _blinks(sitter: Sitter) -> list[Label]:
    """When the sway's blinks have the eyes more than half closed."""

    def closed(time_s: float) -> tuple[str, float] | None:
        blink = sway(time_s, sitter.phase_s, LOOP_S).blink
        held = any(
            move.action == "eyes_closed" and move.start_s <= time_s < move.end_s
            for move in sitter.moves
        )
        return ("eyes_closed", sitter.lid_doubt) if blink > 0.5 and not held else None

    return list(spans([tick / 100 for tick in range(int(LASTS_S * 100))], 0.01, closed))


def _expressions(moves: list[Move]) -> list[Label]:
    """Calm faces; nobody scripted what a face looks like while it is warped."""
    calm = _rest("neutral", moves, 0.0)
    warped = [_label(one.start_s, one.end_s, CANT_TELL, 1.0) for one in moves]
    return sorted([*calm, *warped], key=lambda label: label.start_s)


def _sorted(moves: list[Move] | tuple[Move, ...]) -> list[Move]:
    return sorted(moves, key=lambda one: one.start_s)


def _label(start_s: float, end_s: float, name: str, doubt: float) -> Label:
    return Label(start_s=start_s, end_s=end_s, name=name, doubt=doubt)
