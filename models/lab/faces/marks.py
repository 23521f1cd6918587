"""Where the landmarks of labelled faces are: the teacher's opinion of each face, shown large and
upright.

Asked about a small face in a picture, the teacher places landmarks as on an upright head that looks
at the camera: over 113 faces of 24 to 48 px, the roll of its eyes' line follows FSA-Net's with a
slope of .03, and with one of .75 when the same faces are shown at 160 px. So every labelled face is
cut out, enlarged to that size, turned upright by a first look, and looked at again, also mirrored.
The mean of both looks moves with the face through every scene, however small it is shown there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, cast
from zipfile import BadZipFile

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from readroom.errors import BadSettings
from readroom.models.boxes import Floats
from readroom.models.detection import faces_in
from readroom.models.lab.faces.detectors import OnnxDetector
from readroom.models.lab.faces.photos import Photo, fingerprint, read_pixels
from readroom.pixels import Picture

#: A face is shown to the teacher at this size (√ of the area), in a square of this side, px.
FACE_PX: Final = 160.0
SIDE_PX: Final = 384
#: Faces smaller than this aren't worth a look, px.
LEAST_PX: Final = 14.0
#: What the teacher finds is the face that was meant if it is that sure, and that near, in faces.
LEAST_SCORE: Final = 0.3
_NEAR: Final = 0.35
#: Pictures that are shrunk more than this are averaged, not interpolated.
LEAST_LINEAR: Final = 0.6
#: The landmarks' order in a mirror.
MIRRORED: Final = [1, 0, 2, 4, 3]


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Of the faces of one photograph: ``landmarks`` float32 [n, 5, 2] px and how sure the teacher
    was of them, ``scores`` float32 [n] in 0..1, 0 where it saw no face."""

    landmarks: Floats
    scores: Floats


def no_marks(count: int) -> Marks:
    """Nothing known of so many faces."""
    return Marks(np.zeros((count, 5, 2), np.float32), np.zeros(count, np.float32))


def averaged(
    picture: Picture, axes: NDArray[np.float64], scale: float
) -> tuple[Picture, NDArray[np.float64]]:
    """What to map by ``axes`` [2, 2], which shrink by ``scale``, and the axes that then do it.

    Linear interpolation would skip pixels of what is shrunk much: that is averaged first, to about
    the size it shall have.
    """
    if scale >= LEAST_LINEAR:
        return picture, axes
    height, width = picture.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cast(Picture, cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    return small, axes @ np.diag([width / size[0], height / size[1]])


def mark(teacher: OnnxDetector, picture: Picture, boxes: Floats) -> Marks:
    """The landmarks of labelled faces [n, 4] in a picture, uint8 BGR."""
    marks = no_marks(len(boxes))
    for number, box in enumerate(boxes):
        if math.sqrt(float(box[2] * box[3])) < LEAST_PX:
            continue
        first = _look(teacher, picture, box, 0.0, mirrored=False)
        if first is None:
            continue
        roll = _roll_deg(first[0])
        looks = [_look(teacher, picture, box, roll, mirrored=way) for way in (False, True)]
        found = [look for look in looks if look is not None]
        if found:
            marks.landmarks[number] = np.mean([points for points, _ in found], axis=0)
            marks.scores[number] = np.mean([score for _, score in found])
    return marks


def _look(
    teacher: OnnxDetector, picture: Picture, box: Floats, roll_deg: float, *, mirrored: bool
) -> tuple[NDArray[np.float64], float] | None:
    """The landmarks [5, 2] that the teacher sees in one face, px of the picture, and its score."""
    centre = (box[:2] + box[2:] / 2).astype(np.float64)
    scale = FACE_PX / math.sqrt(float(box[2] * box[3]))
    turn = math.radians(roll_deg)
    axes = scale * np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    corner = SIDE_PX / 2 - axes @ centre
    small, fitting = averaged(picture, axes, scale)
    # Pixel centres lie half a pixel inside their edges on both sides of the map.
    matrix = np.column_stack([fitting, corner + fitting @ np.full(2, 0.5) - 0.5])
    way = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR
    shown = cast(Picture, cv2.warpAffine(small, matrix, (SIDE_PX, SIDE_PX), flags=way))
    if mirrored:
        shown = shown[:, ::-1]
    planes = np.ascontiguousarray(shown.transpose(2, 0, 1)[None], np.float32)
    faces = faces_in(
        teacher.run(planes), 0, SIDE_PX, 1.0, (SIDE_PX, SIDE_PX), min_score=LEAST_SCORE, most=20
    )
    if not len(faces) or faces.landmarks is None:
        return None
    away = np.hypot(*(faces.boxes[:, :2] + faces.boxes[:, 2:] / 2 - SIDE_PX / 2).T)
    nearest = int(away.argmin())
    if away[nearest] > _NEAR * FACE_PX:
        return None
    points = faces.landmarks[nearest].astype(np.float64)
    if mirrored:
        points[:, 0] = SIDE_PX - points[:, 0]
        points = points[MIRRORED]
    return np.linalg.solve(axes, (points - corner).T).T, float(faces.scores[nearest])


def _roll_deg(landmarks: NDArray[np.float64]) -> float:
    """How far a head is tilted clockwise: eyes' line, mouth's line and the axis between them."""
    eyes, mouth = landmarks[1] - landmarks[0], landmarks[4] - landmarks[3]
    down = (landmarks[3] + landmarks[4] - landmarks[0] - landmarks[1]) / 2
    across = eyes + mouth + np.array([down[1], -down[0]])
    return math.degrees(math.atan2(across[1], across[0]))


def marks_of(
    photos: Sequence[Photo], teacher: OnnxDetector, cache: Path, console: Console | None = None
) -> list[Marks]:
    """The marks of photographs, kept in ``cache`` (.npz) for the next time.

    They hold for the same photographs, teacher and way of looking; what is there of another, or
    can't be read, is made again. Raises BadSettings.
    """
    key = (
        f"{fingerprint(photos)} {teacher.sha256} "
        f"{FACE_PX} {SIDE_PX} {LEAST_PX} {LEAST_SCORE} {_NEAR} {LEAST_LINEAR}"
    )
    kept = _kept(cache, key)
    if kept is not None:
        counts = np.cumsum([0, *(len(photo.boxes) for photo in photos)])
        return [
            Marks(kept.landmarks[start:end], kept.scores[start:end])
            for start, end in pairwise(counts)
        ]
    found = [
        mark(teacher, read_pixels(photo), photo.boxes)
        for photo in track(
            photos, "landmarks of labelled faces", console=console or Console(), transient=True
        )
    ]
    _keep(
        cache,
        key,
        Marks(
            np.concatenate([one.landmarks for one in found]),
            np.concatenate([one.scores for one in found]),
        ),
    )
    return found


def _kept(cache: Path, key: str) -> Marks | None:
    """What was kept under this key; None: nothing, or nothing that can be read."""
    try:
        with cache.open("rb") as file, np.load(file) as kept:
            if str(kept["key"]) == key:
                return Marks(kept["landmarks"], kept["scores"])
    except (OSError, EOFError, KeyError, ValueError, BadZipFile):
        pass  # Cut off, or from a time when other things were kept.
    return None


def _keep(cache: Path, key: str, marks: Marks) -> None:
    """Write the cache, whole or not at all. Raises BadSettings."""
    part = cache.with_suffix(".part")
    try:
        with part.open("wb") as file:
            np.savez(file, key=key, landmarks=marks.landmarks, scores=marks.scores)
        part.replace(cache)
    except OSError as error:
        raise BadSettings(
            f"{cache}: can't be written ({error.strerror}): name another folder"
        ) from None
