"""From whole pictures to a face detector's input, and from its outputs to faces: one decoder for
the worker, for training and for evaluation.

A picture goes in whole, its longer side shrunk to a width, top left. Outputs are YuNet's (Wu,
Peng, Yu 2023), and so are those of the project's own detector: at stride s, score = √(cls · obj),
centre = (bbox[:2] + grid) · s, size = exp(bbox[2:]) · s, landmark = (kps + grid) · s
(github.com/ShiqiYu/libfacedetection.train).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from readroom.models.boxes import Floats, clip, suppress
from readroom.models.inputs import resize, to_planes
from readroom.models.registry import InputSpec
from readroom.pixels import Picture

#: A network's outputs by name, the batch first.
Outputs = Mapping[str, NDArray[Any]]

STRIDES: Final = (8, 16, 32)
#: Two boxes that overlap by more are the same face. The value of YuNet's own evaluation is 0.45;
#: OpenCV's is 0.3, which keeps one box per face in all clips it was tried on.
MAX_IOU_RATIO: Final = 0.3
#: Candidates that go into the suppression at most: a picture full of faces stays bounded.
MAX_CANDIDATES: Final = 1000
#: exp() of more than this is wider than any picture; the network said nonsense.
_LARGEST_LOG_SIZE: Final = 9.0


@dataclass(frozen=True, slots=True)
class Faces:
    """Faces of one picture, best first.

    ``boxes`` float32 [n, 4] inside the picture, ``scores`` float32 [n] in 0..1, ``landmarks``
    float32 [n, 5, 2] in the order of messages.LANDMARKS, None from a detector that gives none.
    """

    boxes: Floats
    scores: Floats
    landmarks: Floats | None

    def __len__(self) -> int:
        return len(self.boxes)


NO_FACES: Final = Faces(
    np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty((0, 5, 2), np.float32)
)


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a whole picture was laid into a network's input, top left: size in it and scale."""

    scale: float
    width: int
    height: int

    def padded(self, stride: int) -> tuple[int, int]:
        """Height and width of the input: the next multiples of ``stride``."""
        return -(-self.height // stride) * stride, -(-self.width // stride) * stride


def letterbox(width_px: int, height_px: int, longest_px: int, *, enlarge: bool) -> Letterbox:
    """Fit a picture's longer side to ``longest_px``; a smaller picture stays unless ``enlarge``."""
    scale = longest_px / max(width_px, height_px)
    if not enlarge:
        scale = min(scale, 1.0)
    return Letterbox(scale, max(1, round(width_px * scale)), max(1, round(height_px * scale)))


def lay_in(picture: Picture, box: Letterbox, spec: InputSpec, out: Floats) -> None:
    """Write a whole picture into ``out`` [channels, height, width]; the rest becomes ``fill``."""
    resized = resize(picture, box.width, box.height)
    if box.height < out.shape[1]:
        out[:, box.height :, :] = spec.fill
    if box.width < out.shape[2]:
        out[:, : box.height, box.width :] = spec.fill
    to_planes(resized, spec, out[:, : box.height, : box.width])


def faces_in(
    outputs: Outputs,
    row: int,
    input_width: int,
    scale: float,
    picture_size: tuple[int, int],
    *,
    min_score: float,
    most: int,
) -> Faces:
    """The faces of one item of a batch, in pixels of its picture, best first.

    ``row`` is the item; ``input_width`` the width of the network's input, px; ``scale`` input px
    per picture px (``Letterbox.scale``); ``picture_size`` the picture's width and height, px.
    Kept are ``most`` faces with scores of ``min_score`` or more, of those that overlap the best;
    what lies outside the picture is cut off a box, not off its landmarks.
    """
    faces = decode(outputs, row, input_width, min_score)
    if not len(faces) or faces.landmarks is None:
        return NO_FACES
    kept = suppress(faces.boxes, faces.scores, MAX_IOU_RATIO)[:most]
    boxes = clip(faces.boxes[kept] / np.float32(scale), *picture_size)
    inside = (boxes[:, 2] >= 1) & (boxes[:, 3] >= 1)
    landmarks = faces.landmarks[kept] / np.float32(scale)
    return Faces(boxes[inside], faces.scores[kept][inside], landmarks[inside])


def decode(outputs: Outputs, row: int, input_width: int, min_score: float) -> Faces:
    """Candidates of one item of a batch, in pixels of the network's input, best first, at most
    MAX_CANDIDATES, before any suppression."""
    parts = [_level(outputs, row, stride, input_width, min_score) for stride in STRIDES]
    boxes, scores, landmarks = (np.concatenate(column) for column in zip(*parts, strict=True))
    best = np.argsort(-scores, kind="stable")[:MAX_CANDIDATES]
    return Faces(boxes[best], scores[best], landmarks[best])


def _level(
    outputs: Outputs, row: int, stride: int, input_width: int, min_score: float
) -> tuple[Floats, Floats, Floats]:
    confidence = outputs[f"cls_{stride}"][row, :, 0] * outputs[f"obj_{stride}"][row, :, 0]
    offsets, points = outputs[f"bbox_{stride}"][row], outputs[f"kps_{stride}"][row]
    # A comparison with NaN is false, so a network gone wrong finds nothing.
    cells = np.flatnonzero(confidence >= min_score**2)
    cells = cells[np.isfinite(offsets[cells]).all(axis=1) & np.isfinite(points[cells]).all(axis=1)]
    columns = input_width // stride
    grid = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32)
    size = np.exp(np.minimum(offsets[cells, 2:], _LARGEST_LOG_SIZE)) * stride
    centre = (offsets[cells, :2] + grid) * stride
    landmarks = (points[cells].reshape(-1, 5, 2) + grid[:, None, :]) * stride
    boxes = np.concatenate([centre - size / 2, size], axis=1)
    scores = np.sqrt(np.clip(confidence[cells], 0, 1))
    return boxes, scores, landmarks
