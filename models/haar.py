"""Faces by OpenCV's Haar cascade: the baseline that needs no file, and gives no landmarks.

A Haar score is only a rank: the cascade's own sum at its last stage w ≥ 0, as w / (w + 1). It is
no probability and can't be compared with a network's, so ``face_score_ratio`` doesn't apply; the
cascade's threshold is ``min_neighbors``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, cast

import cv2
import numpy as np

from readroom.errors import ReadroomError
from readroom.models.boxes import Floats
from readroom.models.crop import Grey
from readroom.models.detection import Faces
from readroom.models.registry import HAAR

#: Side of the window the cascade was trained on, px: nothing smaller is found.
WINDOW_PX: Final = 24
#: Step between the sizes that are searched. 1.1 costs 64 ms of CPU on a 640×360 picture, 1.2 half
#: of that, and finds the same people in the demo room; small faces are what it loses.
SCALE_FACTOR: Final = 1.2
MIN_NEIGHBORS: Final = 5


def load_cascade() -> cv2.CascadeClassifier:
    """The frontal face cascade. Raises ReadroomError where OpenCV doesn't carry it."""
    file = f"haarcascade_{HAAR.removeprefix('haar_')}.xml"
    cascade = cv2.CascadeClassifier(str(Path(cast(Any, cv2).data.haarcascades) / file))
    if cascade.empty():
        raise ReadroomError(
            f"{file}: OpenCV {cv2.__version__} doesn't carry it; install opencv-python-headless 4.x"
        )
    return cascade


def search(
    cascade: cv2.CascadeClassifier,
    grey: Grey,
    *,
    scale_factor: float = SCALE_FACTOR,
    min_neighbors: int = MIN_NEIGHBORS,
) -> Faces:
    """The faces in a grey picture, best first, in its px."""
    boxes, scores = np.empty((0, 4), np.float32), np.empty(0, np.float32)
    if min(grey.shape) >= WINDOW_PX:
        found, _, weights = cascade.detectMultiScale3(
            grey, scale_factor, min_neighbors, outputRejectLevels=True
        )
        if len(found):
            boxes = np.asarray(found, np.float32).reshape(-1, 4)
            weight: Floats = np.clip(np.asarray(weights, np.float32).reshape(-1), 0, None)
            scores = weight / (weight + 1)
    best = np.argsort(-scores, kind="stable")
    return Faces(boxes[best], scores[best], None)
