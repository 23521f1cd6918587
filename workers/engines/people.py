"""People in the whole picture, by YOLOX-nano: for workers that run poses without faces.

It costs about as much again as a face detector (23 ms a frame on one 2.5 GHz thread), so where a
worker has faces, person boxes are grown from them instead.

Decoding (github.com/Megvii-BaseDetection/YOLOX): score = objectness · class 0 (person), centre =
(xy + grid) · stride, size = exp(wh) · stride.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from readroom.models.boxes import Floats, clip, suppress
from readroom.models.detection import lay_in, letterbox
from readroom.models.registry import Entry
from readroom.pixels import Picture
from readroom.workers.backends.base import Network, Outputs
from readroom.workers.engines.batches import BatchedEngine, OnRun, ignore_run

STRIDES = (8, 16, 32)
#: People below this score are ignored: YOLOX's own demo threshold is 0.3; 0.4 keeps the four
#: people of the classroom clip and no chair.
MIN_SCORE = 0.4
#: The network's own suppression threshold.
MAX_IOU_RATIO = 0.45
_LARGEST_LOG_SIZE = 9.0


@dataclass(frozen=True, slots=True)
class People:
    """People of one picture, best first: boxes float32 [n, 4], scores float32 [n] in 0..1."""

    boxes: Floats
    scores: Floats


class PeopleFinder(BatchedEngine):
    """The person detector; ``most`` people are kept per picture."""

    def __init__(
        self, network: Network, entry: Entry, *, most: int, on_run: OnRun = ignore_run
    ) -> None:
        super().__init__(network, entry, on_run=on_run)
        self._most = most
        self._grid, self._stride = cells(self._spec.width, self._spec.height)

    def find(self, pictures: Sequence[Picture]) -> list[People]:
        """The people in each picture."""
        side = max(self._spec.width, self._spec.height)
        boxes = [letterbox(p.shape[1], p.shape[0], side, enlarge=True) for p in pictures]

        def fill(index: int, out: Floats) -> None:
            lay_in(pictures[index], boxes[index], self._spec, out)

        rows = self._batches.submit(len(pictures), fill).result()
        return [
            self._people(row, box.scale, picture.shape[1], picture.shape[0])
            for row, box, picture in zip(rows, boxes, pictures, strict=True)
        ]

    def _decode(self, outputs: Outputs) -> Floats:
        # Only what a person needs: box, objectness, class 0.
        return np.array(outputs[self._output][:, :, :6], np.float32)

    def _people(self, row: Floats, scale: float, width: int, height: int) -> People:
        confidence = row[:, 4] * row[:, 5]
        sure = np.flatnonzero(confidence >= MIN_SCORE)
        centre = (row[sure, :2] + self._grid[sure]) * self._stride[sure]
        size = np.exp(np.minimum(row[sure, 2:4], _LARGEST_LOG_SIZE)) * self._stride[sure]
        boxes: Floats = np.concatenate([centre - size / 2, size], axis=1, dtype=np.float32)
        boxes /= np.float32(scale)
        kept = suppress(boxes, confidence[sure], MAX_IOU_RATIO)[: self._most]
        inside = clip(boxes[kept], width, height)
        seen = (inside[:, 2] >= 1) & (inside[:, 3] >= 1)
        return People(inside[seen], np.clip(confidence[sure][kept][seen], 0, 1))


def cells(width: int, height: int) -> tuple[Floats, Floats]:
    """The cells of all strides in the order of the output: x, y [n, 2] and stride [n, 1]."""
    grids, strides = [], []
    for stride in STRIDES:
        x, y = np.meshgrid(np.arange(width // stride), np.arange(height // stride))
        grids.append(np.stack([x, y], axis=2).reshape(-1, 2))
        strides.append(np.full((grids[-1].shape[0], 1), stride))
    return np.concatenate(grids).astype(np.float32), np.concatenate(strides).astype(np.float32)
