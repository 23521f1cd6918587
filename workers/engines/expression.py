"""What a face looks like: one of the FER+ expressions, by a network per face crop.

Faces of all pictures go into the same batches. A network that knows fewer classes than FER+
leaves the others at 0.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from readroom.messages import EXPRESSIONS
from readroom.models.registry import Entry
from readroom.workers.backends.base import Network, Outputs
from readroom.workers.engines.batches import Batches, OnRun, Running, ignore_run
from readroom.workers.engines.boxes import Floats
from readroom.workers.engines.inputs import Picture, crop_face

#: A face: the picture it is in and its box [4].
FaceCrop = tuple[Picture, Floats]


class ExpressionReader:
    """A network that says probabilities (already summing to 1) of ``entry.classes``."""

    def __init__(
        self,
        network: Network,
        entry: Entry,
        *,
        on_run: OnRun = ignore_run,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._spec = entry.input
        self._model = entry.name
        self._columns = [EXPRESSIONS.index(name) for name in entry.classes]
        self._output = next(iter(entry.outputs))
        shape = (self._spec.channels, self._spec.height, self._spec.width)
        self._batches = Batches(network, shape, self._decode, on_run, clock)

    @property
    def model(self) -> str:
        """Its model id."""
        return self._model

    def submit(self, faces: Sequence[FaceCrop]) -> Running:
        """Start reading; the result is float32 [n, 8], probabilities in the order of
        messages.EXPRESSIONS."""

        def fill(index: int, out: Floats) -> None:
            picture, box = faces[index]
            crop_face(picture, box, self._spec, out)

        return self._batches.submit(len(faces), fill)

    def _decode(self, outputs: Outputs) -> Floats:
        said = outputs[self._output]
        if not np.isfinite(said).all():
            raise FloatingPointError(f"{self._model} gave probabilities that are no numbers")
        ordered = np.zeros((len(said), len(EXPRESSIONS)), np.float32)
        ordered[:, self._columns] = np.clip(said, 0, 1)
        return ordered
