"""How the parts of a face move: 52 blendshapes (messages.BLENDSHAPES) of each, by two networks,
MediaPipe's face landmarks and its face blendshapes (models/mesh.py).

The points of all faces go in batches. The second network takes one face at a time.

A face has to be MIN_WIDTH_PX wide. Two clips of one person each, shrunk, against the same pictures
at 160 and 210 px; faces are found anew in the shrunk pictures (``python -m benchmarks.detail --only
widths``); mean absolute differences:

    width, px          80    64    48    40    32    24    20
    all 52           .022  .024  .027  .033  .029  .036  .038
    mouthSmileLeft   .044  .043  .055  .057  .067  .104  .106
    eyeBlinkLeft     .033  .041  .042  .052  .059  .060  .052
    browInnerUp      .042  .018  .024  .031  .028  .087  .126

What a coefficient means is another matter. In these clips a smile reads as mouthSmile .87, and so
does a face that cries (.81): the corners of the mouth are drawn apart in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from readroom.messages import BLENDSHAPES
from readroom.models.alignment import level_square
from readroom.models.boxes import Floats
from readroom.models.mesh import fill_face, points, presence
from readroom.models.registry import Entry
from readroom.pixels import Picture
from readroom.workers.backends.base import Network, Outputs
from readroom.workers.engines.batches import BatchedEngine, OnRun, Running, ignore_run

#: Narrower faces aren't read, px: see above.
MIN_WIDTH_PX: Final = 32.0
#: Below this the first network takes a face for none, and nothing is said: MediaPipe's own
#: default. Of 180 squares of a clip without faces 6 were taken for faces all the same (.72 at
#: most); upright faces have .93 or more, heads tilted by 30° sometimes too little.
MIN_PRESENCE: Final = 0.5

#: A face: the picture it is in, its box [4] and its landmarks [5, 2] where there are some.
LandmarkedFace = tuple[Picture, Floats, Floats | None]


class MeshReader:
    """Two networks, one after the other."""

    def __init__(
        self,
        landmarks: Network,
        landmarks_entry: Entry,
        blendshapes: Network,
        blendshapes_entry: Entry,
        *,
        on_run: OnRun = ignore_run,
    ) -> None:
        self._mesh = PointReader(landmarks, landmarks_entry, on_run=on_run)
        self._moves = MovementReader(blendshapes, blendshapes_entry)

    @property
    def model(self) -> str:
        """The model ids of both."""
        return f"{self._mesh.model}+{self._moves.model}"

    def submit(self, faces: Sequence[LandmarkedFace]) -> MeshesRunning:
        """Start reading; see :meth:`MeshesRunning.result`."""
        return MeshesRunning(self._mesh.submit(faces), self._moves)


class MeshesRunning:
    """Meshes on their way."""

    def __init__(self, running: Running, moves: MovementReader) -> None:
        self._running = running
        self._moves = moves

    def result(self) -> list[Floats | None]:
        """Wait: for each face float32 [52] in 0..1, in the order of messages.BLENDSHAPES; None
        where no face was seen for sure."""
        rows = self._running.result()
        sure = [index for index, row in enumerate(rows) if row[-1] >= MIN_PRESENCE]
        found = [rows[index, :-1].reshape(-1, 2) for index in sure]
        said: list[Floats | None] = [None] * len(rows)
        for index, row in zip(sure, self._moves.read(found), strict=True):
            said[index] = row
        return said


class PointReader(BatchedEngine):
    """The first network: points, and how sure it is of the face."""

    def __init__(self, network: Network, entry: Entry, *, on_run: OnRun = ignore_run) -> None:
        super().__init__(network, entry, on_run=on_run)
        _, self._presence = entry.outputs

    def submit(self, faces: Sequence[LandmarkedFace]) -> Running:
        """Start; the result is float32 [n, 146 · 2 + 1]: points x, y in px of the square, and the
        presence in 0..1."""

        def fill(index: int, out: Floats) -> None:
            picture, box, landmarks = faces[index]
            fill_face(picture, level_square(box, landmarks, self._spec), self._spec, out)

        return self._batches.submit(len(faces), fill)

    def _decode(self, outputs: Outputs) -> Floats:
        found, sure = points(outputs[self._output]), presence(outputs[self._presence])
        rows: Floats = np.column_stack([found.reshape(len(found), -1), sure])
        _refuse_nonsense(rows, self._model)
        return rows


class MovementReader(BatchedEngine):
    """The second network: from points to coefficients."""

    def read(self, faces: Sequence[Floats]) -> Floats:
        """The coefficients float32 [n, 52] of faces' points [146, 2]."""

        def fill(index: int, out: Floats) -> None:
            np.copyto(out, faces[index])

        return self._batches.submit(len(faces), fill).result()

    def _decode(self, outputs: Outputs) -> Floats:
        said = np.array(outputs[self._output], np.float32).reshape(-1, len(BLENDSHAPES))
        _refuse_nonsense(said, self._model)
        return np.clip(said, 0, 1)


def _refuse_nonsense(rows: Floats, model: str) -> None:
    if not np.isfinite(rows).all():
        raise FloatingPointError(f"{model} gave coefficients that are no numbers")
