"""Where a head points, from points of its face; pure functions.

Angles are degrees with the signs of messages.Quality: yaw > 0 turns the face to the picture's
right, pitch > 0 looks up, roll > 0 tilts the head clockwise in the picture. A head at these
angles is first turned by yaw, then by pitch, and at last the picture is turned by roll.

Five landmarks alone say them by pose from orthography and scaling (POS, the first step of
DeMenthon & Davis 1995): fitted, by least squares, to a mean face seen from far away; the rows of
the fit are two axes of the head, the third is their cross product. One nose carries all of the
pitch that way, and people's noses differ. Where the pose network has seen nose, eyes and ears
too, the angles are linear in what all points say, fitted to FSA-Net's (models/head_pose_fit.py):
ears lie far behind the face, so that they rise and sink with it. docs/faces.md, "Head pose", says
how good either is; ``python -m benchmarks.head_pose`` measures it.

The linear function sees the points upright: the axis from eyes to mouth points down, the eyes'
middle is the origin, the unit is the root of (eyes' distance² + axis²), which neither a turn nor
a nod makes vanish. What a mirror leaves alone (``even``) makes the pitch, what it reverses
(``odd``) yaw and roll; so a mirrored face has the same pitch, and yaw and roll reversed, whatever
the constants are.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from readroom.models import head_pose_fit as fit
from readroom.models.boxes import Floats

#: Yaw, pitch and roll, degrees.
Angles = tuple[float, float, float]

#: A mean adult face, mm, in the order of messages.LANDMARKS: x to the picture's right, y down, z
#: away from the camera. Eyes 63 mm apart; the nose's tip is what gives depth.
MEAN_FACE_MM: NDArray[np.float64] = np.array(
    [
        [-31.5, 0.0, 0.0],
        [31.5, 0.0, 0.0],
        [0.0, 38.0, -30.0],
        [-25.0, 70.0, -4.0],
        [25.0, 70.0, -4.0],
    ]
)
_FIT = np.linalg.pinv(np.hstack([MEAN_FACE_MM, np.ones((5, 1))]))
#: Deviations from the middle of a feature, in units of its spread, are cut off here: a keypoint
#: gone astray turns no head.
MOST_SPREADS: Final = 3.0
#: Nose and eyes of the pose network have to be seen this surely …
LEAST_SCORE: Final = 0.2
#: … and its nose to lie this near to the detector's, in units of the face, or it is another's.
MOST_APART: Final = 0.75
#: Features that are multiplied with each other: of the odd ones the landmarks' nose and the tilt
#: of the keypoints' eyes, of the even ones how far down the ears are.
_NOSE, _EYES_TILT, _EARS_DOWN = 0, 5, 6
#: Yaw and pitch by the linear function stay within this, degrees: POS can't say more either.
MOST_DEG: Final = 90.0


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear function of features and two products of them (:func:`inputs`). Features are taken
    in units of their spreads, ``even`` ones as deviations from their middles; ``yaw``, ``pitch``
    and ``roll`` are degrees per spread, the last of each for the product."""

    even_middles: tuple[float, ...]
    even_spreads: tuple[float, ...]
    odd_spreads: tuple[float, ...]
    yaw: tuple[float, ...]
    pitch_middle: float
    pitch: tuple[float, ...]
    roll: tuple[float, ...]


FITTED: Final = Linear(
    fit.EVEN_MIDDLES,
    fit.EVEN_SPREADS,
    fit.ODD_SPREADS,
    fit.YAW,
    fit.PITCH_MIDDLE,
    fit.PITCH,
    fit.ROLL,
)


@dataclass(frozen=True, slots=True)
class Features:
    """What the points of a face say. ``roll_deg`` is that of the axis from eyes to mouth; ``even``
    and ``odd`` are in units of the face, see :func:`features`."""

    roll_deg: float
    even: tuple[float, ...]
    odd: tuple[float, ...]


def head_pose(landmarks: Floats, keypoints: Floats | None = None) -> Angles | None:
    """Yaw, pitch and roll from landmarks [5, 2] and, where a pose was read of the same person,
    its keypoints [17, 3] (x and y in the same pixels, score); None where the landmarks don't span
    a face (all in one place or on one line) or aren't numbers."""
    by_landmarks = from_landmarks(landmarks)
    if by_landmarks is None or keypoints is None:
        return by_landmarks
    seen = features(landmarks, keypoints)
    return by_landmarks if seen is None else from_features(seen)


def features(landmarks: Floats, keypoints: Floats) -> Features | None:
    """Of landmarks [5, 2] and keypoints [17, 3]; None where those weren't seen surely enough,
    belong to another face, or aren't numbers.

    ``even``: of the landmarks the mouth's distance from the eyes, half its width, how far down
    the nose is; of the keypoints how far down nose and eyes are, the eyes' distance, how far down
    the ears are, their distance. ``odd``: how far the nose is to the right, tilt of the eyes, of
    the mouth; of the keypoints how far to the right nose and eyes are, tilt of the eyes, how far
    to the right the ears are, their tilt. Ears count by their scores: a turned head hides one.
    """
    # As complex numbers, turning and scaling are products. Arrays of five would take 20 times as
    # long (2.0 against 0.1 ms a face on a busy machine).
    face = [complex(x, y) for x, y in landmarks.tolist()]
    head = [complex(x, y) for x, y, _ in keypoints[:5].tolist()]
    scores = [min(max(score, 0.0), 1.0) for score in keypoints[:5, 2].tolist()]
    eyes, mouth = (face[0] + face[1]) / 2, (face[3] + face[4]) / 2
    axis = mouth - eyes
    unit = math.hypot(abs(axis), abs(face[1] - face[0]))
    if not all(map(cmath.isfinite, (*face, *head, *scores))) or abs(axis) <= 1e-3 * unit:
        return None
    upright = axis / abs(axis) / 1j
    down, across, lips, nose = (
        value / (upright * unit)
        for value in (axis, face[1] - face[0], (face[4] - face[3]) / 2, face[2] - eyes)
    )
    # COCO's left is the person's own, and lies to the picture's right.
    seen, left_eye, right_eye, left_ear, right_ear = (
        (point - eyes) / (upright * unit) for point in head
    )
    if not min(scores[:3]) >= LEAST_SCORE or abs(seen - nose) > MOST_APART:
        return None
    gaze, look, ears = (left_eye + right_eye) / 2, left_eye - right_eye, left_ear - right_ear
    left, right = (score + 1e-3 for score in scores[3:])
    between = (left_ear * left + right_ear * right) / (left + right)
    even = (down.imag, lips.real, nose.imag, seen.imag, gaze.imag, look.real)
    odd = (nose.real, across.imag, lips.imag, seen.real, gaze.real, look.imag)
    return Features(
        math.degrees(cmath.phase(upright)),
        (*even, between.imag, ears.real),
        (*odd, between.real, ears.imag * min(scores[3:])),
    )


def from_features(seen: Features, linear: Linear = FITTED) -> Angles:
    """Yaw, pitch and roll by the linear function."""
    even, odd = inputs(seen, linear.even_middles, linear.even_spreads, linear.odd_spreads)
    yaw = _times(odd, linear.yaw)
    pitch = linear.pitch_middle + _times(even, linear.pitch)
    roll = seen.roll_deg + _times(odd, linear.roll)
    return (
        min(max(yaw, -MOST_DEG), MOST_DEG),
        min(max(pitch, -MOST_DEG), MOST_DEG),
        (roll + 180) % 360 - 180,
    )


def inputs(
    seen: Features,
    even_middles: Sequence[float],
    even_spreads: Sequence[float],
    odd_spreads: Sequence[float],
) -> tuple[list[float], list[float]]:
    """What the linear function takes, even and odd: the features as deviations from their middles
    (of odd ones 0), in units of their spreads, cut off at MOST_SPREADS; and of each kind one
    product, since in a head that is turned the eyes tilt with a nod, and the one ear that is seen
    rises with a tilt."""
    even = [
        _cut((value - middle) / width)
        for value, middle, width in zip(seen.even, even_middles, even_spreads, strict=True)
    ]
    odd = [_cut(value / width) for value, width in zip(seen.odd, odd_spreads, strict=True)]
    turned = odd[_NOSE]
    return [*even, turned * odd[_EYES_TILT]], [*odd, turned * even[_EARS_DOWN]]


def from_landmarks(landmarks: Floats) -> Angles | None:
    """Yaw, pitch and roll from landmarks [5, 2] alone, by POS; None: see :func:`head_pose`."""
    if not np.isfinite(landmarks).all():
        return None
    right, down = (_FIT @ np.asarray(landmarks, np.float64))[:3].T.tolist()
    lengths = math.hypot(*right), math.hypot(*down)
    if min(lengths) < 1e-3 * max(*lengths, 1e-9):
        return None
    # Noise has made the axes not quite orthogonal. The sum and the difference of two unit vectors
    # are, and half way between them lie the two orthogonal axes nearest to the given ones.
    right = [value / lengths[0] for value in right]
    down = [value / lengths[1] for value in down]
    total = [a + b for a, b in zip(right, down, strict=True)]
    difference = [a - b for a, b in zip(right, down, strict=True)]
    scales = math.hypot(*total) * math.sqrt(2), math.hypot(*difference) * math.sqrt(2)
    if min(scales) < 1e-3:
        return None
    right = [a / scales[0] + b / scales[1] for a, b in zip(total, difference, strict=True)]
    down = [a / scales[0] - b / scales[1] for a, b in zip(total, difference, strict=True)]
    away_x = right[1] * down[2] - right[2] * down[1]
    away_y = right[2] * down[0] - right[0] * down[2]
    away_z = right[0] * down[1] - right[1] * down[0]
    # right, down and away are the rows of Rz(roll) · Rx(pitch) · Ry(yaw), which maps the head's
    # axes to the camera's.
    yaw = math.degrees(math.atan2(away_x, away_z))
    pitch = math.degrees(math.asin(max(-1.0, min(1.0, -away_y))))
    roll = math.degrees(math.atan2(-right[1], down[1]))
    return yaw, pitch, roll


def _cut(deviation: float) -> float:
    return min(max(deviation, -MOST_SPREADS), MOST_SPREADS)


def _times(values: Iterable[float], weights: Iterable[float]) -> float:
    return sum(value * weight for value, weight in zip(values, weights, strict=True))
