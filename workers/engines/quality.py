"""How well a face can be read: size, sharpness, and where the head points; pure functions."""

from __future__ import annotations

import cv2

from readroom.messages import Quality
from readroom.models.boxes import Floats
from readroom.models.head_pose import head_pose
from readroom.models.inputs import resize
from readroom.pixels import Picture
from readroom.workers.engines.inputs import cut

#: Side of the grey face whose Laplacian is measured, px (see messages.Quality).
SHARPNESS_SIDE_PX = 64


def assess(
    picture: Picture, box: Floats, landmarks: Floats | None, keypoints: Floats | None = None
) -> Quality:
    """The quality of a face: its box [4], landmarks [5, 2] and, where the same person's pose was
    read, keypoints [17, 3], in px of the picture (models/head_pose.py)."""
    angles = None if landmarks is None else head_pose(landmarks, keypoints)
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
