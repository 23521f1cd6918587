"""How fast the parts of a body move, in shoulder widths a second.

A part's speed is that of its mean place (time constant :data:`PLACE_S`): unlike the distance
between two frames, that doesn't grow with the frame rate where a still point only trembles, and is
the same at 2 frames a second and at 30 where it moves steadily.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from readroom.messages import Point

#: Time constant of a part's mean place, s: half a second of movement shows, trembling averages out.
PLACE_S: Final = 0.3
#: Time constant of a part's mean speed, s: a fidget is more than one move.
SPEED_S: Final = 1.5
#: Faster counts as this, shoulder widths/s: nobody who sits moves so for long, but a keypoint that
#: is placed wrongly for a frame does.
MOST: Final = 2.0
#: A part not seen for longer starts anew, s.
LOST_S: Final = 1.0
#: A part's speed means something after this time, s: twice the longer time constant.
SETTLED_S: Final = 3.0
#: Head, shoulders, left and right wrist, in the order of geometry.Trunk.parts; the first two are
#: needed.
PARTS: Final = 4
NEEDED: Final = 2


class Part(msgspec.Struct, array_like=True):
    """A part: its mean place, px, its mean speed, shoulder widths/s, and when it was seen last and
    first without interruption."""

    x: float = 0.0
    y: float = 0.0
    speed: float = 0.0
    seen_s: float | None = None
    since_s: float = 0.0


def parts() -> list[Part]:
    """Nothing seen yet."""
    return [Part() for _ in range(PARTS)]


def fastest(
    seen: Sequence[Part], places: Sequence[Point | None], unit_px: float, at_s: float
) -> float | None:
    """Take the parts' places in; the speed of the fastest part, None until head and shoulders have
    been seen for :data:`SETTLED_S`. ``unit_px`` is the shoulder width."""
    for part, place in zip(seen, places, strict=True):
        if place is not None:
            _move(part, place, unit_px, at_s)
    speeds = [_settled(part, at_s) for part in seen]
    if None in speeds[:NEEDED]:
        return None
    return max(speed for speed in speeds if speed is not None)


def _settled(part: Part, at_s: float) -> float | None:
    if part.seen_s is None or at_s - part.seen_s > LOST_S or at_s - part.since_s < SETTLED_S:
        return None
    return part.speed


def _move(part: Part, place: Point, unit_px: float, at_s: float) -> None:
    x, y = place
    if part.seen_s is None or at_s - part.seen_s > LOST_S:
        part.x, part.y, part.speed, part.seen_s, part.since_s = x, y, 0.0, at_s, at_s
        return
    dt_s = at_s - part.seen_s
    if dt_s <= 0:
        return
    part.seen_s = at_s
    gain = 1 - math.exp(-dt_s / PLACE_S)
    by_x, by_y = gain * (x - part.x), gain * (y - part.y)
    part.x += by_x
    part.y += by_y
    speed = min(MOST, math.hypot(by_x, by_y) / (unit_px * dt_s))
    part.speed += (1 - math.exp(-dt_s / SPEED_S)) * (speed - part.speed)
