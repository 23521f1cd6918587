"""From a face in a picture to the numbers that a network takes: the same code for the worker, for
training and for evaluation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from readroom.models.crop import CropRule, Picture, cut_square
from readroom.models.registry import InputSpec

Floats = NDArray[np.float32]


def face_input(picture: Picture, box: Floats, spec: InputSpec, out: Floats) -> None:
    """Write the square around a face as a network takes it.

    ``picture`` is uint8 BGR [height, width, 3] or grey [height, width]; ``box`` [4] is the face's
    tight box, px (left, top, width, height; a longer side of 0 is an error); ``spec.crop`` is
    ``face`` and ``spec.color`` ``grey``; ``out`` is float32 [1, spec.height, spec.width].
    """
    x, y, width, height = box.tolist()
    square = CropRule(spec.margin_ratio, spec.shift_ratio).square(x, y, width, height)
    np.copyto(out[0], cut_square(picture, square, spec.width))
    normalise(out, spec)


def normalise(planes: Floats, spec: InputSpec) -> None:
    """Turn pixels 0..255 into ``(pixel · scale − mean) / std``, in place.

    ``planes`` is float32 [channels, height, width].
    """
    if (spec.scale, spec.mean, spec.std) == (1.0, (0.0,), (1.0,)):
        return
    deviation = np.array(spec.std, np.float32)[:, None, None]
    np.multiply(planes, np.float32(spec.scale) / deviation, out=planes)
    np.subtract(planes, np.array(spec.mean, np.float32)[:, None, None] / deviation, out=planes)
