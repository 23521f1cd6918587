"""Faces by OpenCV's Haar cascade (models/haar.py), behind the interface of the face engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import cast

import cv2
import numpy as np

from readroom.models.detection import Faces, letterbox
from readroom.models.haar import MIN_NEIGHBORS, SCALE_FACTOR, load_cascade, search
from readroom.models.inputs import resize
from readroom.models.registry import HAAR
from readroom.pixels import Picture
from readroom.workers.engines.batches import OnRun, ignore_run


class Haar:
    """The frontal face cascade, on the grey picture with its longer side at ``width_px``."""

    def __init__(
        self,
        *,
        width_px: int,
        most: int,
        scale_factor: float = SCALE_FACTOR,
        min_neighbors: int = MIN_NEIGHBORS,
        on_run: OnRun = ignore_run,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._cascade = load_cascade()
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
        grey = cv2.cvtColor(resize(picture, box.width, box.height), cv2.COLOR_BGR2GRAY)
        faces = search(
            self._cascade,
            cast(Picture, grey),
            scale_factor=self._scale_factor,
            min_neighbors=self._min_neighbors,
        )
        self._on_run(1, self._clock() - began)
        boxes = faces.boxes / np.float32(box.scale)
        return Faces(boxes[: self._most], faces.scores[: self._most], None)
