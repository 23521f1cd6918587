"""Faces by OpenCV's Haar cascade: the baseline that needs no file, and gives no landmarks.

A Haar score is only a rank: the cascade's own sum at its last stage w ≥ 0, as w / (w + 1). It is
no probability and can't be compared with a network's, so ``face_score_ratio`` doesn't apply; the
cascade's threshold is ``min_neighbors``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np

from readroom.errors import ReadroomError
from readroom.models.registry import HAAR
from readroom.pixels import Picture
from readroom.workers.engines.batches import OnRun, ignore_run
from readroom.workers.engines.boxes import Floats
from readroom.workers.engines.face import Faces
from readroom.workers.engines.inputs import letterbox, resize

#: Side of the window the cascade was trained on, px: nothing smaller is found.
WINDOW_PX = 24
#: Step between the sizes that are searched. 1.1 costs 64 ms of CPU on a 640×360 picture, 1.2 half
#: of that, and finds the same people in the demo room; small faces are what it loses.
SCALE_FACTOR = 1.2


class Haar:
    """The frontal face cascade, on the grey picture with its longer side at ``width_px``."""

    def __init__(
        self,
        *,
        width_px: int,
        most: int,
        scale_factor: float = SCALE_FACTOR,
        min_neighbors: int = 5,
        on_run: OnRun = ignore_run,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        file = f"haarcascade_{HAAR.removeprefix('haar_')}.xml"
        cascade = cv2.CascadeClassifier(str(Path(cast(Any, cv2).data.haarcascades) / file))
        if cascade.empty():
            raise ReadroomError(
                f"{file}: OpenCV {cv2.__version__} doesn't carry it; "
                "install opencv-python-headless 4.x"
            )
        self._cascade = cascade
        self._width_px = width_px
        self._most = most
        self._scale_factor = scale_factor
        self._min_neighbors = min_neighbors
        self._on_run = on_run
        self._clock = clock

    @property
    def model(self) -> str:
        """Its model id."""
        return HAAR

    def find(self, pictures: Sequence[Picture]) -> list[Faces]:
        """The faces in each picture."""
        return [self._find(picture) for picture in pictures]

    def _find(self, picture: Picture) -> Faces:
        box = letterbox(picture.shape[1], picture.shape[0], self._width_px, enlarge=False)
        began = self._clock()
        boxes, scores = _no_boxes()
        if min(box.width, box.height) >= WINDOW_PX:
            grey = cv2.cvtColor(resize(picture, box.width, box.height), cv2.COLOR_BGR2GRAY)
            found, _, weights = self._cascade.detectMultiScale3(
                grey, self._scale_factor, self._min_neighbors, outputRejectLevels=True
            )
            if len(found):
                boxes = np.asarray(found, np.float32).reshape(-1, 4) / np.float32(box.scale)
                weight = np.clip(np.asarray(weights, np.float32).reshape(-1), 0, None)
                scores = weight / (weight + 1)
        self._on_run(1, self._clock() - began)
        best = np.argsort(-scores, kind="stable")[: self._most]
        return Faces(boxes[best], scores[best], None)


def _no_boxes() -> tuple[Floats, Floats]:
    return np.empty((0, 4), np.float32), np.empty(0, np.float32)
