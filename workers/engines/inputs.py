"""From pictures and crops to a network's input, as an ``InputSpec`` says; pure functions.

Everything writes straight into the batch's buffer: measured on a 640×384 input,
a strided copy into float32 planes takes a tenth of ``cv2.dnn.blobFromImage``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from readroom.models.crop import AVERAGE_BELOW
from readroom.models.inputs import face_input, normalise
from readroom.models.registry import InputSpec
from readroom.pixels import Picture
from readroom.workers.engines.boxes import Floats


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a whole picture was laid into a network's input, top left: size in it and scale."""

    scale: float
    width: int
    height: int

    def padded(self, stride: int) -> tuple[int, int]:
        """Height and width of the input: the next multiples of ``stride``."""
        return -(-self.height // stride) * stride, -(-self.width // stride) * stride


def letterbox(width_px: int, height_px: int, longest_px: int, *, enlarge: bool) -> Letterbox:
    """Fit a picture's longer side to ``longest_px``; a smaller picture stays unless ``enlarge``."""
    scale = longest_px / max(width_px, height_px)
    if not enlarge:
        scale = min(scale, 1.0)
    return Letterbox(scale, max(1, round(width_px * scale)), max(1, round(height_px * scale)))


def lay_in(picture: Picture, box: Letterbox, spec: InputSpec, out: Floats) -> None:
    """Write a whole picture into ``out`` [channels, height, width]; the rest becomes ``fill``."""
    resized = resize(picture, box.width, box.height)
    if box.height < out.shape[1]:
        out[:, box.height :, :] = spec.fill
    if box.width < out.shape[2]:
        out[:, : box.height, box.width :] = spec.fill
    to_planes(resized, spec, out[:, : box.height, : box.width])


def crop_face(picture: Picture, box: Floats, spec: InputSpec, out: Floats) -> None:
    """Write a face's tight box [4] into ``out`` [channels, height, width].

    ``spec.crop`` is ``face`` (as the project's own networks were trained), ``square`` (centred,
    the rest ``fill``) or ``stretch``.
    """
    if spec.crop == "face":
        face_input(picture, box, spec, out)
        return
    tight = cut(picture, box)
    if spec.crop == "stretch":
        to_planes(resize(tight, spec.width, spec.height), spec, out)
        return
    scale = min(spec.width / tight.shape[1], spec.height / tight.shape[0])
    width = min(spec.width, max(1, round(tight.shape[1] * scale)))
    height = min(spec.height, max(1, round(tight.shape[0] * scale)))
    square: Picture = np.full((spec.height, spec.width, 3), spec.fill, np.uint8)
    x, y = (spec.width - width) // 2, (spec.height - height) // 2
    square[y : y + height, x : x + width] = resize(tight, width, height)
    to_planes(square, spec, out)


def cut(picture: Picture, box: Floats) -> Picture:
    """The pixels of a box [4], at least one: a view into the picture."""
    height, width = picture.shape[:2]
    x0 = min(max(int(box[0]), 0), width - 1)
    y0 = min(max(int(box[1]), 0), height - 1)
    x1 = min(max(round(float(box[0] + box[2])), x0 + 1), width)
    y1 = min(max(round(float(box[1] + box[3])), y0 + 1), height)
    return picture[y0:y1, x0:x1]


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
