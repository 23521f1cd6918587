"""Bodies: 17 COCO keypoints per person box, by a top-down network: the project's own, or
PP-TinyPose. What goes in and what comes out: models/keypoints.py."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from readroom.messages import KEYPOINTS
from readroom.models.boxes import Floats
from readroom.models.keypoints import Window, fill_person, reader, to_picture, window
from readroom.models.registry import Entry
from readroom.pixels import Picture
from readroom.workers.backends.base import Network, Outputs
from readroom.workers.engines.batches import BatchedEngine, OnRun, Running, ignore_run

#: A person: the picture it is in and its box [4].
PersonCrop = tuple[Picture, Floats]


class PoseReader(BatchedEngine):
    """A top-down network: heatmaps, or keypoints in pixels of its input."""

    def __init__(self, network: Network, entry: Entry, *, on_run: OnRun = ignore_run) -> None:
        super().__init__(network, entry, on_run=on_run)
        self._read = reader(entry)

    def submit(self, people: Sequence[PersonCrop]) -> PosesRunning:
        """Start reading the people's poses."""

        def fill(index: int, out: Floats) -> None:
            picture, box = people[index]
            fill_person(picture, box, self._spec, out)

        windows = [window(box, self._spec) for _, box in people]
        return PosesRunning(self._batches.submit(len(people), fill), windows)

    def _decode(self, outputs: Outputs) -> Floats:
        return self._read(outputs[self._output])


class PosesRunning:
    """Poses on their way."""

    def __init__(self, running: Running, windows: list[Window]) -> None:
        self._running = running
        self._windows = windows

    def result(self) -> Floats:
        """Wait: float32 [n, 17, 3], x and y in picture px and the score in 0..1."""
        points = self._running.result()
        if not self._windows:
            return np.empty((0, len(KEYPOINTS), 3), np.float32)
        return to_picture(points, self._windows)
