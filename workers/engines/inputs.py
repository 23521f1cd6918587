"""From a face's box to an expression network's input, as an ``InputSpec`` says; pure functions."""

from __future__ import annotations

import numpy as np

from readroom.models.boxes import Floats
from readroom.models.inputs import face_input, resize, to_planes
from readroom.models.registry import InputSpec
from readroom.pixels import Picture


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
