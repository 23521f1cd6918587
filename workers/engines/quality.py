"""How well a face can be read: size, sharpness, brightness, and where the head points; pure
functions."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from readroom.messages import Quality
from readroom.models.boxes import Floats
from readroom.models.head_pose import head_pose
from readroom.models.inputs import resize
from readroom.pixels import Picture
from readroom.workers.engines.inputs import cut

#: A picture of one channel, uint8 [height, width].
Grey: TypeAlias = NDArray[np.uint8]

#: Side of the grey face whose sharpness and brightness are measured, px (see messages.Quality).
GREY_SIDE_PX = 64


def assess(
    picture: Picture, box: Floats, landmarks: Floats | None, keypoints: Floats | None = None
) -> Quality:
    """The quality of a face: its box [4], landmarks [5, 2] and, where the same person's pose was
    read, keypoints [17, 3], in px of the picture (models/head_pose.py)."""
    angles = None if landmarks is None else head_pose(landmarks, keypoints)
    yaw, pitch, roll = angles or (None, None, None)
    grey = grey_face(cut(picture, box))
    return Quality(
        width_px=float(box[2]),
        sharpness=sharpness(grey),
        brightness=brightness(grey),
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
    )


def grey_face(face: Picture) -> Grey:
    """A face (uint8 BGR [height, width, 3]) in grey levels: uint8 [64, 64]."""
    small = resize(face, GREY_SIDE_PX, GREY_SIDE_PX)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)


def sharpness(grey: Grey) -> float:
    """Variance of the Laplacian of a grey face, grey levels² (≥ 0)."""
    edges = cv2.Laplacian(grey, cv2.CV_32F)
    return float(cv2.meanStdDev(edges)[1][0, 0] ** 2)


def brightness(grey: Grey) -> float:
    """Mean of a grey face, 0 (black) to 255 (white)."""
    return float(grey.mean())
