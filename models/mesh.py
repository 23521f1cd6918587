"""From a face in a picture to what the mesh's two networks take, and from what they say to
coefficients; pure functions.

The first network (MediaPipe face landmarks) says 478 points of a face, px of its own input, and
how sure it is that there is one. The second takes 146 of them. It takes their middle away and
divides by their mean distance from it itself (the first nodes of its graph), so that neither
place nor unit matters, but aspect does. MediaPipe feeds it px of the picture. Px of the square that
the face was cut out of are the same but for the turn, and are steadier: when a picture is turned by
20–40° around a face, the coefficients change by .008 instead of .013 on average (``python -m
benchmarks.detail --only turns``).
"""

from __future__ import annotations

from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from readroom.models.boxes import Floats, Indices
from readroom.models.crop import Square, cut_colour
from readroom.models.registry import MESH_POINTS, InputSpec
from readroom.pixels import Picture

#: The points that the second network takes, in its order (mediapipe 0179f0c4,
#: face_blendshapes_graph.cc).
SUBSET: Final[Indices] = np.array(
    [
        *(0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63),
        *(65, 66, 67, 70, 78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132),
        *(133, 136, 144, 145, 146, 148, 149, 150, 152, 153, 154, 155, 157, 158, 159, 160, 161),
        *(162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263),
        *(267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310),
        *(311, 312, 314, 317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373),
        *(374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386, 387, 388, 389, 390, 397, 398),
        *(400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477),
    ],
    dtype=np.intp,
)


def fill_face(picture: Picture, square: Square, spec: InputSpec, out: Floats) -> None:
    """Write the square of a BGR picture into ``out`` [height, width, 3] as the first network takes
    it: RGB in 0..1, what lies beyond the picture repeats its edge (as MediaPipe's own)."""
    np.multiply(cut_colour(picture, square, spec.width)[..., ::-1], np.float32(spec.scale), out=out)


def points(said: NDArray[Any]) -> Floats:
    """The second network's points of faces [n, 1, 1, 1434]: float32 [n, 146, 2], px of the
    square."""
    return cast(Floats, said.reshape(-1, MESH_POINTS, 3)[:, SUBSET, :2].astype(np.float32))


def presence(said: NDArray[Any]) -> Floats:
    """How sure the first network is of each face, 0..1 [n], from its logits [n, 1, 1, 1]."""
    logits = said.reshape(-1).astype(np.float64)
    return cast(Floats, (0.5 * (1 + np.tanh(logits / 2))).astype(np.float32))
