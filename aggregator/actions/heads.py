"""Where a head points, nods and shakes: rhythms of pitch and yaw.

Head pose comes from two estimators, with the pose network's points and without (models/head_pose),
and which one spoke can change from frame to frame. Only the first knows pitch, so only its frames
count for nods. Their yaws differ by some degrees, always in the same direction for one face; that
difference is learnt and taken out, or every change would look like half a shake. What is left of a
jump between two frames is told by its shape: a nod takes several frames from end to end, a jump
takes one (:data:`MOST_JUMP`).

So nods up to about a quarter of the frame rate are recognised: at 10 frames a second up to 2.5 a
second. Heads of people who talk with each other move 1.8 to 3.7 times a second (Hadar et al. 1983).
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from readroom.aggregator.actions import pace
from readroom.aggregator.actions.geometry import Head
from readroom.aggregator.actions.oscillation import Beat, Rhythm, Zigzag, follow, rhythm, widest

#: Half-cycles of a nod: at least 6°, of 0.08 to 0.6 s, so 0.8 to 6 a second. Between frames of the
#: clips the angles change by 0.4 to 1.3° (median; 95 %: 2 to 5°; faces of 60 px and more). Angles
#: that tremble by 1° (standard deviation) made no nod of 6° in 20 minutes at 10 frames a second
#: and in 7 at 30; of 5°, 3 in these 7.
NOD: Final = Beat(6.0, 0.08, 0.6)
#: Half-cycles of a shake: wider, since yaw trembles more and people shake wider than they nod.
SHAKE: Final = Beat(8.0, 0.08, 0.6)
#: So many half-cycles in a row: down, up, down. Two can be one look at one's notes.
LEAST_HALVES: Final = 3
#: A rhythm whose half-cycles are on average jumps of more than this share between two frames isn't
#: a movement. A sine seen four times a cycle has about 0.8.
MOST_JUMP: Final = 0.8
#: The smallest half-cycle has at least this share of the largest: a head that looks about turns
#: by much and by little.
LEAST_EVENNESS: Final = 0.5
#: While a head tilts, yaw and pitch are estimated less well and tremble: nothing is a nod or shake
#: that is not twice as wide as the roll's distance from its mean over TILT_S seconds.
TILT_S: Final = 1.0
MOST_TILT: Final = 0.5
#: Longest mean time between two readings of an angle, s: nods of 2 a second are then seen three
#: times a cycle.
LONGEST_PACE_S: Final = 0.17
#: The last pitch holds for this long where frames between don't tell it, s.
HOLD_S: Final = 1.0
#: Share that a new difference between the estimators has in the learnt one.
LEARN: Final = 0.2


class Curve(msgspec.Struct, array_like=True):
    """One angle: its reversals, how often it is read, and when its last rhythm ended."""

    zigzag: Zigzag = msgspec.field(default_factory=Zigzag)
    pace: pace.Pace = msgspec.field(default_factory=pace.Pace)
    over_s: float | None = None


class Heads(msgspec.Struct, array_like=True):
    """One head. ``yaw`` is the last one, ``told`` whether pitch was told with it; ``apart`` is how
    much more yaw is where pitch is told (None: not known yet), degrees. ``pitch`` is the last one
    told, at ``pitch_s``; ``roll`` the mean one."""

    nod: Curve = msgspec.field(default_factory=Curve)
    shake: Curve = msgspec.field(default_factory=Curve)
    at_s: float | None = None
    yaw: float = 0.0
    told: bool = False
    apart: float | None = None
    pitch: float = 0.0
    pitch_s: float | None = None
    roll: float = 0.0


def look(heads: Heads, seen: Head, at_s: float) -> tuple[Rhythm | None, Rhythm | None]:
    """Take the head's angles in; the nod and the shake going on, if any (at most one of them: the
    wider one)."""
    _tilt(heads, seen.roll, at_s)
    _learn(heads, seen, at_s)
    if seen.steady:
        _follow(heads.shake, SHAKE, seen.yaw - _extra(heads, seen), at_s)
        if seen.pitch is not None:
            _follow(heads.nod, NOD, seen.pitch, at_s)
    if seen.pitch is not None:
        heads.pitch, heads.pitch_s = seen.pitch, at_s
    heads.yaw, heads.told, heads.at_s = seen.yaw, seen.pitch is not None, at_s
    tilt = abs(seen.roll - heads.roll)
    nod = _moved(heads.nod, NOD, tilt, heads.shake, at_s)
    return nod, _moved(heads.shake, SHAKE, tilt, heads.nod, at_s) if nod is None else None


def aside(heads: Heads, seen: Head, at_s: float) -> float:
    """How far the head points away from the camera, degrees: the larger of yaw and pitch, of which
    the last one told holds for a moment."""
    if heads.pitch_s is None or at_s - heads.pitch_s > HOLD_S:
        return abs(seen.yaw)
    return max(abs(seen.yaw), abs(heads.pitch))


def quick(curve: Curve) -> bool:
    """Whether an angle is read often enough for a rhythm to show."""
    return pace.quick(curve.pace, LONGEST_PACE_S)


def _follow(curve: Curve, beat: Beat, angle: float, at_s: float) -> None:
    pace.tick(curve.pace, at_s)
    follow(curve.zigzag, beat, angle, at_s)


def _extra(heads: Heads, seen: Head) -> float:
    return (heads.apart or 0.0) if seen.pitch is not None else 0.0


def _learn(heads: Heads, seen: Head, at_s: float) -> None:
    """Where the estimator changes from one frame to the next, compare them."""
    told = seen.pitch is not None
    if heads.at_s is None or told == heads.told or not 0 < at_s - heads.at_s <= SHAKE.longest_s:
        return
    apart = (seen.yaw - heads.yaw) * (1.0 if told else -1.0)
    if heads.apart is not None:
        heads.apart += LEARN * (apart - heads.apart)
        return
    heads.apart = apart
    if heads.told:
        # The curve was drawn with what is now known to be extra: move it to where it goes on.
        zigzag = heads.shake.zigzag
        zigzag.start, zigzag.far, zigzag.last = (
            angle - apart for angle in (zigzag.start, zigzag.far, zigzag.last)
        )


def _tilt(heads: Heads, roll: float, at_s: float) -> None:
    if heads.at_s is None or at_s - heads.at_s > TILT_S:
        heads.roll = roll
        return
    heads.roll += (1 - math.exp(-(at_s - heads.at_s) / TILT_S)) * (roll - heads.roll)


def _moved(curve: Curve, beat: Beat, tilt: float, other: Curve, at_s: float) -> Rhythm | None:
    found = rhythm(curve.zigzag, beat, at_s)
    if found is None or found.count < LEAST_HALVES or found.jump > MOST_JUMP:
        return None
    if found.evenness < LEAST_EVENNESS or tilt > MOST_TILT * found.size:
        return None
    if widest(other.zigzag, found.start_s) > found.size:
        return None
    curve.over_s = found.end_s
    return found
