"""From a face's box to the square that a network sees: one geometry for the worker, for training
and for evaluation, so that a network meets in a room what it was trained on.

The square stands around the box's centre, moved down by ``shift`` and with a side of ``scale``,
both in units of the box's longer side. It is sampled to the network's size with subpixel
accuracy: rounding a 20 px box to whole pixels would move the face by a fortieth from frame to
frame, which a network reads as a change. What lies beyond the picture repeats its edge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Picture = NDArray[np.uint8]

#: Below this scale a linear interpolation skips pixels; a picture is averaged down instead.
AVERAGE_BELOW: Final = 0.6
#: What averaging takes around the square, in its sides: covers rotation and the last pixel.
_MARGIN_RATIO: Final = 0.25


@dataclass(frozen=True, slots=True)
class Square:
    """A square in a picture, px: its centre (pixel edges count, so that a picture of width w
    reaches from 0 to w), its side, and how far it is turned clockwise, degrees.

    ``stretch`` > 1 makes it taller than wide by that factor at the same area.
    """

    x: float
    y: float
    side: float
    angle_deg: float = 0.0
    stretch: float = 1.0


@dataclass(frozen=True, slots=True)
class CropRule:
    """How the square is cut from a face's tight box: both in units of its longer side."""

    scale: float = 1.0
    shift: float = 0.0

    def square(self, x: float, y: float, width: float, height: float) -> Square:
        """The square of a box given by its top left corner and size, px."""
        longer = max(width, height)
        return Square(x + width / 2, y + height / 2 + self.shift * longer, self.scale * longer)


def to_grey(picture: Picture) -> Grey:
    """BGR [h, w, 3] to grey [h, w], both uint8 (ITU-R BT.601 luma); grey stays."""
    if picture.ndim == 2:
        return picture
    return cast(Grey, cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))


def cut_square(
    picture: Picture, square: Square, size_px: int, *, border: int = cv2.BORDER_REPLICATE
) -> Grey:
    """The square of a BGR or grey picture as grey uint8 [size_px, size_px].

    ``border`` is OpenCV's rule for what lies beyond the picture.
    """
    x0, y0, x1, y1 = _around(picture, square)
    return _sample(to_grey(picture[y0:y1, x0:x1]), _moved(square, x0, y0), size_px, border)


def cut_colour(
    picture: Picture, square: Square, size_px: int, *, border: int = cv2.BORDER_REPLICATE
) -> Picture:
    """The square of a BGR picture as it is, uint8 [size_px, size_px, 3]; else as
    :func:`cut_square`."""
    x0, y0, x1, y1 = _around(picture, square)
    return _sample(picture[y0:y1, x0:x1], _moved(square, x0, y0), size_px, border)


def _around(picture: Picture, square: Square) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part of the picture that the square is sampled from."""
    height, width = picture.shape[:2]
    reach = square.side * (0.5 + _MARGIN_RATIO) * max(square.stretch, 1 / square.stretch)
    x0 = min(max(math.floor(square.x - reach), 0), width - 1)
    y0 = min(max(math.floor(square.y - reach), 0), height - 1)
    x1 = max(min(math.ceil(square.x + reach), width), x0 + 1)
    y1 = max(min(math.ceil(square.y + reach), height), y0 + 1)
    return x0, y0, x1, y1


def _moved(square: Square, x0: int, y0: int) -> Square:
    """The square as seen from a part of the picture that begins at ``x0``, ``y0``."""
    return replace(square, x=square.x - x0, y=square.y - y0)


def _sample(region: Picture, square: Square, size_px: int, border: int) -> Picture:
    height, width = region.shape[:2]
    across, down = 1.0, 1.0
    scale = size_px / square.side
    if scale < AVERAGE_BELOW:
        small = max(1, round(width * scale)), max(1, round(height * scale))
        across, down = small[0] / width, small[1] / height
        region = cast(Picture, cv2.resize(region, small, interpolation=cv2.INTER_AREA))
    steps = np.array([[across, 0], [0, down]]) @ _axes(square) / size_px
    # Pixel centres lie half a pixel inside their edges, on both sides of the map.
    centre = np.array([square.x * across, square.y * down])
    corner = centre - steps @ np.full(2, size_px / 2) + steps @ np.full(2, 0.5) - 0.5
    return cast(
        Picture,
        cv2.warpAffine(
            region,
            np.column_stack([steps, corner]),
            (size_px, size_px),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=border,
        ),
    )


def _axes(square: Square) -> NDArray[np.float64]:
    """The square's width and height as columns, px of the picture."""
    turn = math.radians(square.angle_deg)
    wide, tall = square.side / math.sqrt(square.stretch), square.side * math.sqrt(square.stretch)
    cosine, sine = math.cos(turn), math.sin(turn)
    return np.array([[wide * cosine, -tall * sine], [wide * sine, tall * cosine]])
