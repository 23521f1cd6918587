"""From a person's box to a pose network's input, and from its output to keypoints in the picture:
one geometry for the worker, for training and for evaluation.

Conventions, found by comparing PP-TinyPose with the annotations of 86 people (bias below 0.05
heatmap px in both axes; half a pixel more or UDP scaling is off by 0.3–0.5): the input is the
affine image of the box, pixel x of the box's left edge at input 0; heatmap cell (i, j) stands for
input pixel (4i, 4j). Between cells the peak is that of a parabola through the logarithms of its
neighbours, per axis: the peak of a Gaussian, as in DARK (Zhang et al. 2020) without its blur; its
median error was .58 heatmap px, against .62 for the quarter offset and .72 for the cell alone.
The project's own network says positions in input pixels itself, in the same frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from readroom.models.boxes import Floats, clip
from readroom.models.inputs import to_planes
from readroom.models.registry import Entry, InputSpec
from readroom.pixels import Picture

#: A person's box around a face, in units of √(face width · height), from the face's centre to
#: either side, and from its top upwards and downwards: to the waist, clipped to the picture.
#: Chosen on the sample clips: shoulders and elbows score as high as in the detector's own boxes
#: or higher, and ≥ 96 % of confident upper-body keypoints lie within 0.3 units of those.
SIDE_UNITS: Final = 1.75
ABOVE_UNITS: Final = 0.5
BELOW_UNITS: Final = 5.0
#: Input pixels per heatmap cell.
CELL_PX: Final = 4
#: Dimensions of an output of heatmaps: item, keypoint, row, column.
_HEATMAP_AXES: Final = 4
#: Heatmap values that have a logarithm worth fitting.
_SMALLEST, _LARGEST = 1e-6, 1e6


class Window(NamedTuple):
    """Where a network looks: the left and top edge in the picture, px (they may lie outside), and
    input pixels per picture pixel."""

    left: float
    top: float
    scale: float


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


def window(box: Floats, spec: InputSpec) -> Window:
    """What a network is shown of a person box [4]: the box's centre, its sides enlarged to the
    input's aspect and by ``margin_ratio``."""
    x, y, width, height = (float(value) for value in box)
    aspect = spec.width / spec.height
    looked_at = max(width, height * aspect, 1.0) * spec.margin_ratio
    left = x + width / 2 - looked_at / 2
    top = y + height / 2 - looked_at / aspect / 2
    return Window(left, top, spec.width / looked_at)


def fill_person(picture: Picture, box: Floats, spec: InputSpec, out: Floats) -> None:
    """Write a person's box [4] into ``out`` [channels, spec.height, spec.width]; what lies beyond
    the picture is black."""
    left, top, scale = window(box, spec)
    matrix = np.array([[scale, 0, -scale * left], [0, scale, -scale * top]], np.float64)
    crop = cv2.warpAffine(picture, matrix, (spec.width, spec.height))
    to_planes(cast(Picture, crop), spec, out)


def to_picture(points: Floats, windows: Sequence[Window]) -> Floats:
    """Keypoints [n, k, 3] from pixels of the input to pixels of the picture, item by item in the
    window it was shown; scores stay."""
    frame = np.array(windows, np.float32).reshape(-1, 3)
    places = points[:, :, :2] / frame[:, None, 2:] + frame[:, None, :2]
    return np.concatenate([places, points[:, :, 2:]], axis=2)


def reader(entry: Entry) -> Callable[[NDArray[Any]], Floats]:
    """What reads a pose network's output: float32 [n, k, 3], x and y in px of the input and the
    score in 0..1, all of them numbers whatever the network says."""
    (shape,) = entry.outputs.values()
    if len(shape) == _HEATMAP_AXES:
        return from_heatmaps
    return partial(from_points, width=entry.input.width, height=entry.input.height)


def from_heatmaps(heatmaps: NDArray[Any]) -> Floats:
    """The keypoints of heatmaps [n, k, height, width] at a quarter of the input: see
    :func:`reader`."""
    points = peaks(heatmaps)
    points[..., :2] *= CELL_PX
    return points


def from_points(said: NDArray[Any], width: int, height: int) -> Floats:
    """The keypoints [n, k, 3] of a network that says them itself, kept inside its input of that
    size, px; one that is no number is at 0, 0 with a score of 0."""
    known = np.isfinite(said).all(axis=2, keepdims=True)
    points = np.where(known, said, 0).astype(np.float32)
    return np.clip(points, 0, np.array([width, height, 1], np.float32))


def peaks(heatmaps: NDArray[Any]) -> Floats:
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
        logarithm: Floats = np.log(np.clip(taken, _SMALLEST, _LARGEST))
        return logarithm

    centre = value(0, 0)
    score = np.take_along_axis(flat, cell[..., None], axis=2)[..., 0]
    return np.stack(
        [
            x + _vertex(value(-1, 0), centre, value(1, 0)),
            y + _vertex(value(0, -1), centre, value(0, 1)),
            np.clip(np.nan_to_num(score, posinf=0), 0, 1),
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
