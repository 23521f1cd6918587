"""Bodies: 17 COCO keypoints per person box, by a top-down network (PP-TinyPose).

Conventions, found by comparing with the annotations of 86 people (bias below 0.05 heatmap px in
both axes; half a pixel more or UDP scaling is off by 0.3–0.5): the input is the affine image of
the box, pixel x of the box's left edge at input 0; heatmap cell (i, j) stands for input pixel
(4i, 4j). Between cells the peak is that of a parabola through the logarithms of its neighbours,
per axis: the peak of a Gaussian, as in DARK (Zhang et al. 2020) without its blur; its median
error was .58 heatmap px, against .62 for the quarter offset and .72 for the cell alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import cv2
import numpy as np

from readroom.models.registry import InputSpec
from readroom.pixels import Picture
from readroom.workers.backends.base import Array, Outputs
from readroom.workers.engines.batches import BatchedEngine, Running
from readroom.workers.engines.boxes import Floats, clip
from readroom.workers.engines.inputs import to_planes

#: A person: the picture it is in and its box [4].
PersonCrop = tuple[Picture, Floats]

#: A person's box around a face, in units of √(face width · height), from the face's centre to
#: either side, and from its top upwards and downwards: to the waist, clipped to the picture.
#: Chosen on the sample clips: shoulders and elbows score as high as in the detector's own boxes
#: or higher, and ≥ 96 % of confident upper-body keypoints lie within 0.3 units of those.
SIDE_UNITS = 1.75
ABOVE_UNITS = 0.5
BELOW_UNITS = 5.0
#: Input pixels per heatmap cell.
CELL_PX = 4
_SMALLEST = 1e-6


def grow(faces: Floats, width_px: int, height_px: int) -> Floats:
    """Person boxes [n, 4] around face boxes [n, 4], inside a picture of that size."""
    unit = np.sqrt(np.maximum(faces[:, 2] * faces[:, 3], 1.0))
    boxes = np.stack(
        [
            faces[:, 0] + faces[:, 2] / 2 - SIDE_UNITS * unit,
            faces[:, 1] - ABOVE_UNITS * unit,
            2 * SIDE_UNITS * unit,
            (ABOVE_UNITS + BELOW_UNITS) * unit,
        ],
        axis=1,
    )
    return clip(boxes, width_px, height_px)


def window(box: Floats, spec: InputSpec) -> tuple[float, float, float]:
    """Where the network looks for a person box [4]: the left and top edge in the picture, px,
    and input pixels per picture pixel. The box's centre, its sides enlarged to the input's
    aspect and by ``margin_ratio``."""
    x, y, width, height = (float(value) for value in box)
    aspect = spec.width / spec.height
    looked_at = max(width, height * aspect, 1.0) * spec.margin_ratio
    left = x + width / 2 - looked_at / 2
    top = y + height / 2 - looked_at / aspect / 2
    return left, top, spec.width / looked_at


class PoseReader(BatchedEngine):
    """A top-down network with one heatmap per keypoint at a quarter of its input."""

    def submit(self, people: Sequence[PersonCrop]) -> PosesRunning:
        """Start reading the people's poses."""
        windows = [window(box, self._spec) for _, box in people]

        def fill(index: int, out: Floats) -> None:
            left, top, scale = windows[index]
            matrix = np.array([[scale, 0, -scale * left], [0, scale, -scale * top]], np.float64)
            size = (self._spec.width, self._spec.height)
            crop = cv2.warpAffine(people[index][0], matrix, size)
            to_planes(cast(Picture, crop), self._spec, out)

        return PosesRunning(self._batches.submit(len(people), fill), windows)

    def _decode(self, outputs: Outputs) -> Floats:
        return peaks(outputs[self._output])


class PosesRunning:
    """Poses on their way."""

    def __init__(self, running: Running, windows: list[tuple[float, float, float]]) -> None:
        self._running = running
        self._windows = windows

    def result(self) -> Floats:
        """Wait: float32 [n, 17, 3], x and y in picture px and the score in 0..1."""
        rows = self._running.result()
        if not len(self._windows):
            return np.empty((0, 17, 3), np.float32)
        frame = np.array(self._windows, np.float32)
        points = rows[:, :, :2] * (CELL_PX / frame[:, 2])[:, None, None] + frame[:, None, :2]
        return np.concatenate([points, rows[:, :, 2:]], axis=2)


def peaks(heatmaps: Array) -> Floats:
    """The peak of every heatmap [n, k, height, width]: float32 [n, k, 3], x and y in cells
    (between cells by a parabola through logarithms) and the peak's value, clipped to 0..1."""
    people, points, height, width = heatmaps.shape
    flat = heatmaps.reshape(people, points, height * width)
    cell = flat.argmax(axis=2)
    x, y = cell % width, cell // width

    def value(dx: int, dy: int) -> Floats:
        column = np.clip(x + dx, 0, width - 1)
        row = np.clip(y + dy, 0, height - 1)
        taken = np.take_along_axis(flat, (row * width + column)[..., None], axis=2)[..., 0]
        logarithm: Floats = np.log(np.maximum(taken, _SMALLEST))
        return logarithm

    centre = value(0, 0)
    score = np.take_along_axis(flat, cell[..., None], axis=2)[..., 0]
    return np.stack(
        [
            x + _vertex(value(-1, 0), centre, value(1, 0)),
            y + _vertex(value(0, -1), centre, value(0, 1)),
            np.clip(np.nan_to_num(score), 0, 1),
        ],
        axis=2,
    ).astype(np.float32)


def _vertex(before: Floats, at: Floats, after: Floats) -> Floats:
    """Where a parabola through three equidistant values peaks, in -0.5..0.5 around the middle
    one; 0 where they are flat."""
    curvature = before - 2 * at + after
    curved = curvature < -_SMALLEST
    offset = np.divide((before - after) / 2, curvature, out=np.zeros_like(at), where=curved)
    return cast(Floats, np.clip(offset, -0.5, 0.5))
