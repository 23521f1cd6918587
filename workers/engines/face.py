"""Faces and five landmarks, by a network: the project's own, or YuNet (Wu, Peng, Yu 2023).

The network looks at the whole picture, its longer side shrunk to ``width_px``; smaller pictures
stay as they are: enlarging them found no more faces in the clips it was tried on, and costs as
much as a large picture does. What its outputs mean: models/detection.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from readroom.models.detection import Faces, Letterbox, faces_in, lay_in, letterbox
from readroom.models.registry import Entry
from readroom.pixels import Picture
from readroom.workers.backends.base import Network, Outputs, Profile
from readroom.workers.engines.batches import OnRun, ignore_run


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


class FaceNetwork:
    """The network detector.

    ``width_px`` is the longer side at which faces are searched, ``min_score`` the lowest score
    kept, ``most`` the number of faces kept per picture.
    """

    def __init__(
        self,
        network: Network,
        entry: Entry,
        *,
        width_px: int,
        min_score: float,
        most: int,
        on_run: OnRun = ignore_run,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._network = network
        self._spec = entry.input
        self._model = entry.name
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
                found[index] = faces_in(
                    outputs,
                    row,
                    shape[1],
                    boxes[index].scale,
                    (width, height),
                    min_score=self._min_score,
                    most=self._most,
                )
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
