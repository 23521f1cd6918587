"""What a face looks like: one of the FER+ expressions, by a network per face crop.

Faces of all pictures go into the same batches. A network that knows fewer classes than FER+
leaves the others at 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from readroom.messages import EXPRESSIONS
from readroom.models.boxes import Floats
from readroom.models.registry import Entry
from readroom.pixels import Picture
from readroom.workers.backends.base import Network, Outputs
from readroom.workers.engines.batches import BatchedEngine, OnRun, Running, ignore_run
from readroom.workers.engines.inputs import crop_face

#: A face: the picture it is in and its box [4].
FaceCrop = tuple[Picture, Floats]


class ExpressionReader(BatchedEngine):
    """A network that says probabilities (already summing to 1) of ``entry.classes``."""

    def __init__(self, network: Network, entry: Entry, *, on_run: OnRun = ignore_run) -> None:
        super().__init__(network, entry, on_run=on_run)
        self._columns = [EXPRESSIONS.index(name) for name in entry.classes]

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
