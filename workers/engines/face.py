"""Faces and five landmarks, by YuNet (Wu, Peng, Yu 2023).

The network looks at the whole picture, its longer side shrunk to ``width_px``; smaller pictures
stay as they are: enlarging them found no more faces in the clips it was tried on, and costs as
much as a large picture does.

Decoding (github.com/ShiqiYu/libfacedetection.train): at stride s, score = √(cls · obj), centre =
(bbox[:2] + grid) · s, size = exp(bbox[2:]) · s, landmark = (kps + grid) · s.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from readroom.models.registry import InputSpec
from readroom.pixels import Picture
from readroom.workers.backends.base import Network, Outputs, Profile
from readroom.workers.engines.batches import OnRun, ignore_run
from readroom.workers.engines.boxes import Floats, clip, suppress
from readroom.workers.engines.inputs import Letterbox, lay_in, letterbox

STRIDES = (8, 16, 32)
#: Two boxes that overlap by more are the same face. The value of YuNet's own evaluation is 0.45;
#: OpenCV's is 0.3, which keeps one box per face in all clips it was tried on.
MAX_IOU_RATIO = 0.3
#: Candidates that go into the suppression at most: a picture full of faces stays bounded.
MAX_CANDIDATES = 1000
#: exp() of more than this is wider than any picture; the network said nonsense.
_LARGEST_LOG_SIZE = 9.0


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


NO_FACES = Faces(
    np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty((0, 5, 2), np.float32)
)


class FaceFinder(Protocol):
    """A face detector."""

    @property
    def model(self) -> str:
        """Its model id."""

    def find(self, pictures: Sequence[Picture]) -> list[Faces]:
        """The faces in each picture."""


def profile(width_px: int, batch: int) -> Profile:
    """The shapes a network has to serve for pictures at ``width_px``: 16:9 is typical."""
    side = -(-width_px // 32) * 32
    height = -(-round(width_px * 9 / 16) // 32) * 32
    return Profile((1, 3, 32, 32), (1, 3, height, side), (batch, 3, side, side))


class YuNet:
    """The network detector.

    ``width_px`` is the longer side at which faces are searched, ``min_score`` the lowest score
    kept, ``most`` the number of faces kept per picture.
    """

    def __init__(
        self,
        network: Network,
        spec: InputSpec,
        model: str,
        *,
        width_px: int,
        min_score: float,
        most: int,
        on_run: OnRun = ignore_run,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._network = network
        self._spec = spec
        self._model = model
        self._width_px = width_px
        self._min_score = min_score
        self._most = most
        self._on_run = on_run
        self._clock = clock

    @property
    def model(self) -> str:
        """Its model id."""
        return self._model

    def find(self, pictures: Sequence[Picture]) -> list[Faces]:
        """The faces in each picture; pictures of one input size share a run."""
        boxes = [letterbox(p.shape[1], p.shape[0], self._width_px, enlarge=False) for p in pictures]
        found: dict[int, Faces] = {}
        for shape, indices in self._batches(boxes):
            outputs = self._run(shape, [(pictures[index], boxes[index]) for index in indices])
            for row, index in enumerate(indices):
                height, width = pictures[index].shape[:2]
                faces = decode(outputs, row, shape[1], self._min_score)
                found[index] = self._finish(faces, boxes[index].scale, width, height)
        return [found[index] for index in range(len(pictures))]

    def _batches(self, boxes: Sequence[Letterbox]) -> Iterator[tuple[tuple[int, int], list[int]]]:
        by_shape: dict[tuple[int, int], list[int]] = {}
        for index, box in enumerate(boxes):
            by_shape.setdefault(box.padded(self._spec.stride), []).append(index)
        most = self._network.max_batch
        for shape, indices in by_shape.items():
            for start in range(0, len(indices), most):
                yield shape, indices[start : start + most]

    def _run(self, shape: tuple[int, int], items: list[tuple[Picture, Letterbox]]) -> Outputs:
        name = self._network.inputs[0].name
        buffer = self._network.input_buffer(name, (len(items), 3, *shape))
        for row, (picture, box) in enumerate(items):
            lay_in(picture, box, self._spec, buffer[row])
        began = self._clock()
        outputs = self._network.run({name: buffer})
        self._on_run(len(items), self._clock() - began)
        return outputs

    def _finish(self, faces: Faces, scale: float, width: int, height: int) -> Faces:
        if not len(faces) or faces.landmarks is None:
            return NO_FACES
        kept = suppress(faces.boxes, faces.scores, MAX_IOU_RATIO)[: self._most]
        boxes = clip(faces.boxes[kept] / np.float32(scale), width, height)
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
    # A comparison with NaN is false, so a network gone wrong finds nothing.
    cells = np.flatnonzero(confidence >= min_score**2)
    columns = input_width // stride
    grid = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32)
    offsets = outputs[f"bbox_{stride}"][row, cells]
    size = np.exp(np.minimum(offsets[:, 2:], _LARGEST_LOG_SIZE)) * stride
    centre = (offsets[:, :2] + grid) * stride
    points = outputs[f"kps_{stride}"][row, cells].reshape(-1, 5, 2)
    boxes = np.concatenate([centre - size / 2, size], axis=1)
    scores = np.sqrt(np.clip(confidence[cells], 0, 1))
    return boxes, scores, (points + grid[:, None, :]) * stride
