"""The small movements nobody decides on: swaying, breathing, blinking, light that changes.

Sums of sines whose periods divide the loop, so that the loop has no seam.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

#: Blinks in one loop, and how long one takes (seconds).
BLINKS_PER_LOOP = 13
BLINK_S = 0.22


@dataclass(frozen=True)
class Sway:
    """`shift_ratio` in face widths to the right, `lean` per pixel of height, `scale` about 1,
    head angles in degrees (signs as in `turn`), `blink` 0..1 (1 = closed), `light` as a gain."""

    shift_ratio: float
    lean: float
    scale: float
    yaw_deg: float
    pitch_deg: float
    blink: float
    light: float


def sway(t_s: float, phase_s: float, loop_s: float) -> Sway:
    """The small movements at `t_s` of a person whose clock runs `phase_s` ahead."""

    def wave(times: int, offset: float = 0.0) -> float:
        return math.sin(2.0 * math.pi * (times * (t_s + phase_s) / loop_s + offset))

    return Sway(
        shift_ratio=0.05 * wave(5) + 0.02 * wave(13, 0.3),
        lean=0.012 * wave(7, 0.1) + 0.006 * wave(11),
        scale=1.0 + 0.012 * wave(4, 0.2) + 0.003 * wave(15),
        yaw_deg=1.6 * wave(9, 0.4) + 0.8 * wave(17),
        pitch_deg=1.2 * wave(8, 0.7) + 0.5 * wave(19),
        blink=_blink(t_s + phase_s, loop_s),
        light=1.0 + 0.03 * wave(3),
    )


def _blink(t_s: float, loop_s: float) -> float:
    since = t_s % (loop_s / BLINKS_PER_LOOP)
    return max(0.0, 1.0 - abs(2.0 * since / BLINK_S - 1.0))
