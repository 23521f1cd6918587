"""Makes faces in a picture unrecognisable: pure functions over pixels.

Mosaics of 8 or 16 cells a face keep enough for a network to tell people apart (McPherson,
Shokri, Shmatikov 2016). So a face keeps about three cells by three, its mean colours, and these
are smeared besides. What is left says that somebody is there.

Pictures are uint8 BGR [height, width, 3]; nothing is changed in place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import cv2
import numpy as np

from readroom.messages import Box
from readroom.pixels import Picture

#: A box grows to each side by this share of its size: hair, ears and chin are outside of what a
#: detector calls a face, and people move.
GROWN_RATIO: Final = 0.25
#: Cells along each side of a grown box.
BOX_CELLS: Final = 4
#: Cells along the longer side of a picture that is blurred whole: somebody who fills it mustn't be
#: recognised either.
PICTURE_CELLS: Final = 8


def scaled(picture: Picture, max_width: int) -> tuple[Picture, float]:
    """The picture at most ``max_width`` px wide, and the factor by which it was shrunk (≤ 1)."""
    height, width = picture.shape[:2]
    factor = min(1.0, max_width / width)
    if factor == 1.0:
        return picture, factor
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8), factor


def blur_boxes(picture: Picture, boxes: Iterable[Box], factor: float = 1.0) -> Picture:
    """The picture with every box, grown by :data:`GROWN_RATIO`, unrecognisable. ``factor`` takes
    the boxes' pixels to the picture's."""
    blurred = picture.copy()
    for box in boxes:
        left, top, right, bottom = _grown(box, factor, picture.shape[1], picture.shape[0])
        if right > left and bottom > top:
            part = picture[top:bottom, left:right]
            blurred[top:bottom, left:right] = _smeared(part, BOX_CELLS, BOX_CELLS)
    return blurred


def blur_all(picture: Picture) -> Picture:
    """The picture as a few smeared colours, whoever is in it."""
    height, width = picture.shape[:2]
    longer = max(height, width)
    columns = max(1, round(PICTURE_CELLS * width / longer))
    rows = max(1, round(PICTURE_CELLS * height / longer))
    return _smeared(picture, columns, rows)


def _grown(box: Box, factor: float, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the grown box, px, inside a picture of that size."""
    side, rise = GROWN_RATIO * box.width, GROWN_RATIO * box.height
    left, top = (box.x - side) * factor, (box.y - rise) * factor
    right, bottom = (box.x + box.width + side) * factor, (box.y + box.height + rise) * factor
    return (
        max(0, int(np.floor(left))),
        max(0, int(np.floor(top))),
        min(width, int(np.ceil(right))),
        min(height, int(np.ceil(bottom))),
    )


def _smeared(part: Picture, columns: int, rows: int) -> Picture:
    """The part as ``columns`` × ``rows`` mean colours that run into each other."""
    height, width = part.shape[:2]
    cells = cv2.resize(part, (min(columns, width), min(rows, height)), interpolation=cv2.INTER_AREA)
    mosaic = cv2.resize(cells, (width, height), interpolation=cv2.INTER_NEAREST)
    spread = max(1.0, max(width / columns, height / rows) / 3)
    return np.asarray(cv2.GaussianBlur(mosaic, (0, 0), spread), np.uint8)
