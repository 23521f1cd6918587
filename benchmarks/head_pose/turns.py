"""Heads at known angles: the demo room's people, turned by ingest/demo/turn.py, and their
pictures turned in the plane."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

import cv2
import numpy as np

from readroom.ingest.demo.figure import Figure, Place, Pose
from readroom.ingest.demo.people import SHEETS
from readroom.pixels import Picture

#: Yaw, pitch and roll of the portrait as it is, degrees.
STRAIGHT: Final = (0.0, 0.0, 0.0)
#: What is rendered: every yaw with every pitch, and every roll with some of both. A yaw above 30°
#: would fold the picture (ingest/demo/turn.py).
YAWS: Final = (-30.0, -20.0, -10.0, 0.0, 10.0, 20.0, 30.0)
PITCHES: Final = (-20.0, -10.0, 0.0, 10.0, 20.0)
ROLLS: Final = (-30.0, -20.0, -10.0, 10.0, 20.0, 30.0)
ROLLED_YAWS: Final = (-20.0, 0.0, 20.0)
ROLLED_PITCHES: Final = (-10.0, 0.0, 10.0)
ANGLES: Final = (
    *product(YAWS, PITCHES, (0.0,)),
    *product(ROLLED_YAWS, ROLLED_PITCHES, ROLLS),
)
#: From temple to temple, px: as large as in the demo room at 720p, and as in a larger room.
FACES_PX: Final = (124, 48)
#: How many turns there are.
COUNT: Final = len(SHEETS) * len(FACES_PX) * len(ANGLES)
_SIDE_PX: Final = 448
_WALL: Final = 190


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """A person's head at known ``angles``: yaw, pitch, roll in degrees with the signs of
    messages.Quality, in a picture that shows nothing else; ``face_px`` from temple to temple."""

    person: str
    face_px: int
    angles: tuple[float, float, float]
    picture: Picture


def rendered() -> Iterator[Turn]:
    """All turns, person by person and size by size."""
    for person, sheet in SHEETS.items():
        largest = max(FACES_PX)
        figure = Figure(sheet(largest), Place(_SIDE_PX / 2, 0.45 * _SIDE_PX, _SIDE_PX))
        for face_px in FACES_PX:
            for angles in ANGLES:
                yield Turn(person, face_px, angles, _shown(figure, angles, face_px / largest))


def _shown(figure: Figure, angles: tuple[float, float, float], ratio: float) -> Picture:
    yaw, pitch, roll = angles
    picture = np.full((_SIDE_PX, _SIDE_PX, 3), _WALL, np.uint8)
    figure.draw(picture, Pose(yaw_rad=math.radians(yaw), pitch_rad=math.radians(pitch)))
    if roll:
        # OpenCV counts anticlockwise.
        matrix = cv2.getRotationMatrix2D((_SIDE_PX / 2, _SIDE_PX / 2), -roll, 1.0)
        size = (_SIDE_PX, _SIDE_PX)
        turned = cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE)
        picture = np.asarray(turned, np.uint8)
    side = round(_SIDE_PX * ratio)
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
