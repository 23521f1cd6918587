"""From a picture, or a face in one, to the numbers that a network takes: the same code for the
worker, for training and for evaluation.

Everything writes straight into the batch's buffer: measured on a 640×384 input,
a strided copy into float32 planes takes a tenth of ``cv2.dnn.blobFromImage``.
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from readroom.models.boxes import Floats
from readroom.models.crop import AVERAGE_BELOW, CropRule, cut_square
from readroom.models.registry import InputSpec
from readroom.pixels import Picture


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


def resize(picture: Picture, width: int, height: int) -> Picture:
    """Scale to exactly that size; shrinking averages, so that fine texture doesn't alias."""
    if (picture.shape[1], picture.shape[0]) == (width, height):
        return picture
    shrinks = width < AVERAGE_BELOW * picture.shape[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cast(Picture, cv2.resize(picture, (width, height), interpolation=way))


def to_planes(picture: Picture, spec: InputSpec, out: Floats) -> None:
    """Write a uint8 BGR picture as normalised float32 planes [channels, height, width]."""
    if spec.color == "grey":
        np.copyto(out[0], cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
    else:
        ordered = picture if spec.color == "bgr" else picture[..., ::-1]
        np.copyto(out, ordered.transpose(2, 0, 1))
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
