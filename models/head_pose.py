"""Where a head points, from points of its face; pure functions.

Angles are degrees with the signs of messages.Quality: yaw > 0 turns the face to the picture's
right, pitch > 0 looks up, roll > 0 tilts the head clockwise in the picture.

Five landmarks alone say them by pose from orthography and scaling (POS, the first step of
DeMenthon & Davis 1995): fitted, by least squares, to a mean face seen from far away; the rows of
the fit are two axes of the head, the third is their cross product. One nose carries all of the
pitch that way, and people's noses differ. Where the pose network has seen nose, eyes and ears
too, the angles are a linear function of all points, fitted to FSA-Net's (models/head_pose_fit.py):
ears lie far behind the face, so that they rise and sink with it. docs/faces.md, "Head pose", says
how good either is; ``python -m benchmarks.head_pose`` measures it.

The linear function sees the points upright: the axis from eyes to mouth points down, the eyes'
middle is the origin, the unit is the root of (eyes' distance² + axis²), which neither a turn nor
a nod makes vanish. What a mirror leaves alone (``even``) makes the pitch, what it reverses
(``odd``) yaw and roll; so a mirrored face has the same pitch, and yaw and roll reversed, whatever
the constants are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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
#: Yaw and pitch by the linear function stay within this, degrees: POS can't say more either.
MOST_DEG: Final = 90.0


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear function of features: each is taken in units of its spread, ``even`` ones as
    deviations from their middles; ``yaw``, ``pitch`` and ``roll`` are degrees per spread."""

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


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What the points of n faces say. ``roll`` [n] of the axis from eyes to mouth, radians;
    ``even`` [n, 8] and ``odd`` [n, 8] in units of the face: see :func:`features`; ``apart`` [n]
    between the two noses. NaN where the landmarks are all in one place."""

    roll: NDArray[np.float64]
    even: NDArray[np.float64]
    odd: NDArray[np.float64]
    apart: NDArray[np.float64]


def head_pose(landmarks: Floats, keypoints: Floats | None = None) -> Angles | None:
    """Yaw, pitch and roll from landmarks [5, 2] and, where a pose was read of the same person,
    its keypoints [17, 3] (x and y in the same pixels, score); None where the landmarks don't span
    a face (all in one place or on one line) or aren't numbers."""
    by_landmarks = from_landmarks(landmarks)
    if by_landmarks is None or keypoints is None or keypoints[:3, 2].min() < LEAST_SCORE:
        return by_landmarks
    seen = features(landmarks[None], keypoints[None])
    if not seen.apart[0] <= MOST_APART:
        return by_landmarks
    yaw, pitch, roll = from_features(seen)[0].tolist()
    return yaw, pitch, roll


def features(landmarks: Floats, keypoints: Floats) -> Features:
    """Of landmarks [n, 5, 2] and keypoints [n, 17, 3].

    ``even``: of the landmarks the mouth's distance from the eyes, half its width, how far down
    the nose is; of the keypoints how far down nose and eyes are, the eyes' distance, how far down
    the ears are, their distance. ``odd``: how far the nose is to the right, tilt of the eyes, of
    the mouth; of the keypoints how far to the right nose and eyes are, tilt of the eyes, how far
    to the right the ears are, their tilt. Ears count by their scores: a turned head hides one.
    """
    face = _complex(landmarks)
    eyes, mouth = face[:, :2].mean(axis=1), face[:, 3:].mean(axis=1)
    axis = mouth - eyes
    unit = np.sqrt(np.abs(axis) ** 2 + np.abs(face[:, 1] - face[:, 0]) ** 2)
    with np.errstate(all="ignore"):
        upright = axis / np.abs(axis) / 1j
        face = (face - eyes[:, None]) / (upright * unit)[:, None]
        head = (_complex(keypoints[:, :5]) - eyes[:, None]) / (upright * unit)[:, None]
        across, lips, nose = face[:, 1] - face[:, 0], (face[:, 4] - face[:, 3]) / 2, face[:, 2]
        # COCO's left is the person's own.
        seen, gaze, look = head[:, 0], (head[:, 1] + head[:, 2]) / 2, head[:, 1] - head[:, 2]
        ears, heard, both = _ears(head[:, 3:], keypoints[:, 3:5, 2])
        down = np.abs(axis) / unit
        even = [down, lips.real, nose.imag, seen.imag, gaze.imag, look.real, ears.imag, heard.real]
        odd = [nose.real, across.imag, lips.imag, seen.real, gaze.real, look.imag, ears.real]
        odd += [heard.imag * both]
        apart = np.abs(seen - nose)
    return Features(np.angle(upright), np.stack(even, axis=1), np.stack(odd, axis=1), apart)


def from_features(seen: Features, linear: Linear = FITTED) -> NDArray[np.float64]:
    """Yaw, pitch and roll [n, 3] by the linear function."""
    even, odd = in_spreads(seen, linear.even_middles, linear.even_spreads, linear.odd_spreads)
    roll = np.degrees(seen.roll) + odd @ np.array(linear.roll)
    return np.stack(
        [
            np.clip(odd @ np.array(linear.yaw), -MOST_DEG, MOST_DEG),
            np.clip(linear.pitch_middle + even @ np.array(linear.pitch), -MOST_DEG, MOST_DEG),
            (roll + 180) % 360 - 180,
        ],
        axis=1,
    )


def in_spreads(
    seen: Features,
    even_middles: Sequence[float],
    even_spreads: Sequence[float],
    odd_spreads: Sequence[float],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``even`` and ``odd`` features as deviations from their middles (of odd ones 0), in units of
    their spreads, cut off at MOST_SPREADS."""
    even = (seen.even - np.array(even_middles)) / np.array(even_spreads)
    odd = seen.odd / np.array(odd_spreads)
    return np.clip(even, -MOST_SPREADS, MOST_SPREADS), np.clip(odd, -MOST_SPREADS, MOST_SPREADS)


def from_landmarks(landmarks: Floats) -> Angles | None:
    """Yaw, pitch and roll from landmarks [5, 2] alone, by POS; None: see :func:`head_pose`."""
    right, down = (_FIT @ np.asarray(landmarks, np.float64))[:3].T.tolist()
    lengths = math.hypot(*right), math.hypot(*down)
    if not all(map(math.isfinite, lengths)) or min(lengths) < 1e-3 * max(*lengths, 1e-9):
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


def _ears(
    head: NDArray[np.complex128], scores: Floats
) -> tuple[NDArray[np.complex128], NDArray[np.complex128], NDArray[np.float64]]:
    """Of both ears [n, 2] with scores [n, 2]: their middle, weighted by the scores, the way from
    one to the other, and how surely both were seen."""
    sure = np.clip(scores.astype(np.float64), 0, 1)
    weights = sure + 1e-3
    middle = (head * weights).sum(axis=1) / weights.sum(axis=1)
    return middle, head[:, 0] - head[:, 1], sure.min(axis=1)


def _complex(points: Floats) -> NDArray[np.complex128]:
    """Points [n, k, 2 or more] as complex numbers: turning and scaling become products."""
    exact = points.astype(np.float64)
    return exact[..., 0] + 1j * exact[..., 1]
