"""The networks that the package comes with, as a worker runs them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from readroom.messages import Face
from readroom.settings import load_settings
from readroom.workers.assembly import assemble

Image = NDArray[np.uint8]


class Reader:
    """The packaged face and expression networks with a worker's default settings."""

    def __init__(self) -> None:
        settings = load_settings(workers={"engines": ("face", "expression")})
        self._analyser = assemble(settings).analyser

    def faces(self, image: Image) -> tuple[Face, ...]:
        """All faces."""
        (seen,) = self._analyser.analyse([image])
        return seen.faces

    def best_face(self, image: Image) -> Face | None:
        """The face that the detector is surest of."""
        return max(self.faces(image), key=lambda face: face.score, default=None)
