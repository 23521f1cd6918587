"""From a face's box and its five landmarks to the square that a network sees of it, turned so that
the face stands upright: pure functions.

Two conventions, each that of its networks' authors:

- ``level``, MediaPipe's (mediapipe 0179f0c4, face_detector_graph.cc and face_landmarker's
  ConfigureFaceRectTransformationCalculator): the box's centre, 1.5 times its longer side, turned
  so that the line through the eyes is level. MediaPipe's own box is another detector's. With the
  project's own 1.4 shakes less from frame to frame in one of two clips (``python -m
  benchmarks.detail --only squares``), but what is read off the labelled clips is no better with it
  (smiling is right for 12.5 instead of 13.5 of 15.9 s), so the authors' size stays.
- ``aligned``, ArcFace's (Deng, Guo, Xue, Zafeiriou 2019): the similarity transform that brings the
  landmarks nearest to fixed places in a square of 112 px (Umeyama 1991).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from readroom.models.boxes import Floats
from readroom.models.crop import CropRule, Square
from readroom.models.registry import InputSpec

#: Where ArcFace's training has the landmarks (messages.LANDMARKS), px of a square of 112, pixel
#: centres counted from 0 (MTCNN's mean face, published with Wen et al. 2016, 8 px to the right).
ARCFACE_PX: Final[NDArray[np.float64]] = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)
ARCFACE_SIDE_PX: Final = 112
#: Landmarks nearer to each other than this are no face, px (root mean square from their middle).
LEAST_SPREAD_PX: Final = 1.0


def level_square(box: Floats, landmarks: Floats | None, spec: InputSpec) -> Square:
    """The square around a face's box [4] that is level with its eyes, px of the picture.

    Without landmarks [5, 2] (a detector that gives none) the face is taken to be upright.
    """
    x, y, width, height = box.tolist()
    upright = CropRule(spec.margin_ratio, spec.shift_ratio).square(x, y, width, height)
    if landmarks is None:
        return upright
    across, down = (landmarks[1] - landmarks[0]).tolist()
    turn_deg = math.degrees(math.atan2(down, across))
    return Square(upright.x, upright.y, upright.side, turn_deg)


def aligned_square(landmarks: Floats) -> Square:
    """The square in which a face's landmarks [5, 2] lie nearest to ARCFACE_PX, px of the picture.

    Raises ValueError where :func:`is_spread` is false: the square would be without bounds.
    """
    if not is_spread(landmarks):
        raise ValueError("landmarks on one point have no scale")
    # Landmarks are positions in the picture, where a pixel's centre is at its number and a half.
    scale, turn, shift = similarity(landmarks.astype(np.float64), ARCFACE_PX + 0.5)
    x, y = turn.T @ (np.full(2, ARCFACE_SIDE_PX / 2) - shift) / scale
    back_deg = math.degrees(math.atan2(-turn[1, 0], turn[0, 0]))
    return Square(float(x), float(y), ARCFACE_SIDE_PX / scale, back_deg)


def is_spread(landmarks: Floats) -> bool:
    """Whether landmarks [5, 2] are numbers and far enough apart to be a face's."""
    if not np.isfinite(landmarks).all():
        return False
    return float(landmarks.var(axis=0).sum()) >= LEAST_SPREAD_PX**2


def similarity(
    source: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Scale c, rotation R [2, 2] and shift t [2] that minimise the sum of |target − (c·R·source +
    t)|² over the rows of two sets of points [n, 2] (Umeyama 1991, equations 40–42).

    R never mirrors. The source's points must not all be one; a target that is nearest when
    mirrored may have a scale of 0 or less.
    """
    source_middle, target_middle = source.mean(axis=0), target.mean(axis=0)
    apart = source - source_middle
    covariance = (target - target_middle).T @ apart / len(source)
    left, spread, right = np.linalg.svd(covariance)
    mirrored = np.linalg.det(left) * np.linalg.det(right) < 0
    signs = np.array([1.0, -1.0 if mirrored else 1.0])
    turn: NDArray[np.float64] = left @ np.diag(signs) @ right
    scale = float((spread * signs).sum() / (apart**2).sum(axis=1).mean())
    return scale, turn, target_middle - scale * turn @ source_middle
