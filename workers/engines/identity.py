"""Who is the same person: an embedding of each face, by a network that sees it aligned
(models/alignment.py, ``aligned``).

Two embeddings of one face point the same way, those of two people don't: the cosine of the angle
between them is their dot product, since they have unit length. An embedding says nothing else, and
it is kept in memory only (docs/semantics/identity.md).

A face has to be MIN_WIDTH_PX wide and to have landmarks. Two clips of one person each, shrunk: mean
cosine with the same pictures at full size (``python -m benchmarks.detail --only widths``). Above
.305 two faces are taken for one person's (the registry's note), and different pictures of one
person at full size are already as low as .3 where a hand is before the face.

    width, px     80    64    48    40    32    24    20    16
    cosine      .925  .919  .854  .885  .816  .679  .422  .278
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from readroom.models.alignment import aligned_square, is_spread
from readroom.models.boxes import Floats
from readroom.models.crop import cut_colour
from readroom.models.inputs import to_planes
from readroom.pixels import Picture
from readroom.workers.backends.base import Outputs
from readroom.workers.engines.batches import BatchedEngine, Running

#: Narrower faces aren't told apart, px: see above.
MIN_WIDTH_PX: Final = 32.0
#: Shorter embeddings have no direction.
_LEAST_LENGTH: Final = 1e-6

#: A face: the picture it is in and its landmarks [5, 2].
AlignableFace = tuple[Picture, Floats]


def can_align(box: Floats, landmarks: Floats | None) -> bool:
    """Whether a face with this box [4] and these landmarks [5, 2] can be read."""
    return bool(box[2] >= MIN_WIDTH_PX) and landmarks is not None and is_spread(landmarks)


class IdentityReader(BatchedEngine):
    """A network that embeds aligned faces."""

    def submit(self, faces: Sequence[AlignableFace]) -> Running:
        """Start reading faces that :func:`can_align`; the result is float32 [n, d], each of unit
        length."""

        def fill(index: int, out: Floats) -> None:
            picture, landmarks = faces[index]
            # What lies beyond the picture is black, as it was in training.
            face = cut_colour(
                picture,
                aligned_square(landmarks),
                self._spec.width,
                border=cv2.BORDER_CONSTANT,
            )
            to_planes(face, self._spec, out)

        return self._batches.submit(len(faces), fill)

    def _decode(self, outputs: Outputs) -> Floats:
        said = np.array(outputs[self._output], np.float32)
        lengths = np.linalg.norm(said, axis=1, keepdims=True)
        if not (np.isfinite(lengths).all() and (lengths >= _LEAST_LENGTH).all()):
            raise FloatingPointError(f"{self._model} gave embeddings without a direction")
        unit: Floats = said / lengths
        return unit
