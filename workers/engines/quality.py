"""How well a face can be read: size, sharpness, and where the head points; pure functions.

Head pose is what five landmarks can say: pose from orthography and scaling (POS, the first step
of DeMenthon & Davis 1995). The landmarks are fitted, by least squares, to a mean face seen from
far away; the rows of the fit are two axes of the head, the third is their cross product.
Compared with FSA-Net on 206 faces of WIDER FACE: yaw correlates .94 (slope 1.09), roll .71, pitch
only .31: one nose carries all of it, and people's noses differ.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from readroom.messages import Quality
from readroom.models.boxes import Floats
from readroom.models.inputs import resize
from readroom.pixels import Picture
from readroom.workers.engines.inputs import cut

#: Side of the grey face whose Laplacian is measured, px (see messages.Quality).
SHARPNESS_SIDE_PX = 64

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


def assess(picture: Picture, box: Floats, landmarks: Floats | None) -> Quality:
    """The quality of a face: its box [4] and landmarks [5, 2] in px of the picture."""
    angles = None if landmarks is None else head_pose(landmarks)
    yaw, pitch, roll = angles or (None, None, None)
    return Quality(
        width_px=float(box[2]),
        sharpness=sharpness(cut(picture, box)),
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
    )


def sharpness(face: Picture) -> float:
    """Variance of the Laplacian of the grey face at 64×64, grey levels² (≥ 0)."""
    small = resize(face, SHARPNESS_SIDE_PX, SHARPNESS_SIDE_PX)
    edges = cv2.Laplacian(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), cv2.CV_32F)
    return float(cv2.meanStdDev(edges)[1][0, 0] ** 2)


def head_pose(landmarks: Floats) -> tuple[float, float, float] | None:
    """Yaw, pitch and roll in degrees, as messages.Quality defines their signs, from landmarks
    [5, 2]; None where the points don't span a face (all in one place or on one line)."""
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
