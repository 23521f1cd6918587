"""People with known joints, to measure on: the teacher's in photographs with labelled faces, or
those that people labelled in COCO's format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from readroom.errors import BadSettings
from readroom.messages import KEYPOINTS
from readroom.models.boxes import Floats
from readroom.models.keypoints import grow
from readroom.models.lab.faces.photos import ANNOTATIONS, Photo, of_split, read_photos
from readroom.models.lab.poses.scoring import AREA_RATIO, GROWN_AREA
from readroom.models.lab.poses.teacher import People, Teacher, teach, unit_of
from readroom.settings import load_settings

#: Joints of which the teacher is less sure than this aren't measured on.
KNOWN_SCORE: Final = 0.3
#: From the middle of the shoulders to that of the hips, in face units: the median of 820 people
#: in the training photos of whom the teacher is sure (half lie in 2.7 to 3.3).
TORSO_UNITS: Final = 3.0
#: A face's unit over the largest distance between two of its labelled points (nose, eyes, ears),
#: by how many ears are among them; medians of the same photos. Its box is centred on the points'
#: mean, moved down by so many units, and this high and wide, in units.
_UNITS_PER_SPAN: Final = MappingProxyType({0: 2.9, 1: 1.2, 2: 1.06})
_DOWN_UNITS: Final = 0.06
_FACE_HIGH, _FACE_WIDE = 1.12, 0.89
_FACE_POINTS: Final = 5
_LEAST_POINTS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Boxed:
    """People in boxes: ``who`` int64 [m], their indices, and ``boxes`` float32 [m, 4], px."""

    who: NDArray[np.int64]
    boxes: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Subjects:
    """People to measure on, n of them.

    ``photos`` are files; ``photo`` int64 [n] indexes them. ``truth`` float32 [n, 17, 2] px;
    ``known`` bool [n, 17]: which joints count; ``area`` [n] px² and ``torso`` [n] px (NaN where
    no face tells it) say how far off is far. ``boxed``: the same people by the kind of box.
    """

    title: str
    photos: tuple[Path, ...]
    photo: NDArray[np.int64]
    truth: Floats
    known: NDArray[np.bool_]
    area: Floats
    torso: Floats
    boxed: Mapping[str, Boxed]

    def __len__(self) -> int:
        return len(self.photo)


def read_subjects(data: Path, labels: Path) -> Subjects:
    """People from a folder as WIDER FACE's (measured on its split `test`, against the teacher,
    whose labels are kept in ``labels``), or from a COCO keypoint file or a folder that holds one.
    Raises BadSettings."""
    if data.is_dir() and (data / ANNOTATIONS).is_file():
        return from_teacher(data, labels)
    found = sorted(data.glob("*keypoints*.json")) if data.is_dir() else [data]
    if len(found) != 1 or not found[0].is_file():
        raise BadSettings(
            f"{data}: neither photographs with {ANNOTATIONS} nor one COCO file of keypoints "
            "(*keypoints*.json beside images/); name such a folder, or a clip"
        )
    return from_coco(found[0])


def from_teacher(data: Path, labels: Path) -> Subjects:
    """The teacher's people in the photos of a folder's split `test`. Raises BadSettings."""
    photos = of_split(read_photos(data), "test")
    if not photos:
        raise BadSettings(f"{data}: no photo belongs to its split test: add photos")
    return from_people(data, photos, teach(photos, labels, lambda: Teacher(load_settings())))


def from_people(data: Path, photos: Sequence[Photo], people: People) -> Subjects:
    """What the teacher said of the people in photos of the split `test` of ``data``."""
    unit = unit_of(people.face)
    sizes = [(photos[photo].width, photos[photo].height) for photo in people.photo]
    grown = [grow(face[None], *size)[0] for face, size in zip(people.face, sizes, strict=True)]
    return Subjects(
        f"{len(people):,} people in {len(photos):,} photos of {data.name}, split `test`, against "
        "the teacher",
        tuple(photo.path for photo in photos),
        people.photo,
        people.keypoints[..., :2],
        people.keypoints[..., 2] >= KNOWN_SCORE,
        AREA_RATIO * GROWN_AREA * unit**2,
        TORSO_UNITS * unit,
        MappingProxyType(
            {"grown from the face": Boxed(np.arange(len(people)), np.array(grown, np.float32))}
        ),
    )


class _Image(msgspec.Struct, frozen=True):
    id: int
    file_name: str
    width: int
    height: int


class _Person(msgspec.Struct, frozen=True):
    image_id: int
    keypoints: list[float]
    bbox: tuple[float, float, float, float]
    area: float
    iscrowd: int = 0


class _Coco(msgspec.Struct, frozen=True):
    images: list[_Image]
    annotations: list[_Person]


def from_coco(path: Path) -> Subjects:
    """The labelled people of a COCO keypoint file whose pictures lie in ``images`` beside it.
    Raises BadSettings."""
    try:
        coco = msgspec.json.decode(path.read_bytes(), type=_Coco)
    except OSError as error:
        raise BadSettings(f"{path}: can't be read ({error.strerror}): name a COCO file") from None
    except msgspec.MsgspecError as error:
        raise BadSettings(f"{path}: no COCO keypoints: {error}") from None
    place = {image.id: number for number, image in enumerate(coco.images)}
    people = [
        one
        for one in coco.annotations
        if not one.iscrowd and one.image_id in place and any(one.keypoints[2::3])
    ]
    if not people:
        raise BadSettings(f"{path}: nobody in it has a labelled joint: name another")
    for one in people:
        if len(one.keypoints) != 3 * len(KEYPOINTS):
            raise BadSettings(
                f"{path}: a person in image {one.image_id} has {len(one.keypoints)} numbers for "
                f"keypoints, wanted {3 * len(KEYPOINTS)}: COCO's {len(KEYPOINTS)}"
            )
    points = np.array([one.keypoints for one in people], np.float32)
    points = points.reshape(-1, len(KEYPOINTS), 3)
    photo = np.array([place[one.image_id] for one in people], np.int64)
    faces = [face_of(each) for each in points]
    has_face = np.array([face is not None for face in faces])
    face_boxes = np.array([np.zeros(4) if face is None else face for face in faces], np.float32)
    return Subjects(
        f"{len(people):,} people that people labelled, in {len(coco.images):,} photos of "
        f"{path.parent.name}",
        tuple(path.parent / "images" / image.file_name for image in coco.images),
        photo,
        points[..., :2],
        points[..., 2] > 0,
        np.array([one.area for one in people], np.float32),
        np.where(has_face, TORSO_UNITS * unit_of(face_boxes), np.nan).astype(np.float32),
        _coco_boxes(people, [coco.images[int(i)] for i in photo], face_boxes, has_face),
    )


def _coco_boxes(
    people: Sequence[_Person],
    images: Sequence[_Image],
    faces: Floats,
    has_face: NDArray[np.bool_],
) -> Mapping[str, Boxed]:
    chosen = np.flatnonzero(has_face)
    sizes = [(images[who].width, images[who].height) for who in chosen.tolist()]
    grown = [grow(face[None], *size)[0] for face, size in zip(faces[chosen], sizes, strict=True)]
    labelled = np.array([one.bbox for one in people], np.float32)
    kinds = {
        "grown from the face": Boxed(chosen, np.array(grown, np.float32).reshape(-1, 4)),
        "labelled": Boxed(np.arange(len(people)), labelled),
    }
    return MappingProxyType({kind: boxed for kind, boxed in kinds.items() if len(boxed.who)})


def face_of(points: Floats) -> Floats | None:
    """The box [4] that a detector would draw around a face of which nose, eyes and ears [5+, 3]
    (x, y, labelled or 0) are labelled; None where fewer than three of them are."""
    labelled = points[:_FACE_POINTS][points[:_FACE_POINTS, 2] > 0]
    if len(labelled) < _LEAST_POINTS:
        return None
    span = max(float(np.hypot(*(a[:2] - b[:2]))) for a, b in combinations(labelled, 2))
    unit = _UNITS_PER_SPAN[int((points[3:_FACE_POINTS, 2] > 0).sum())] * span
    if unit <= 0:
        return None
    x, y = labelled[:, :2].mean(axis=0)
    wide, high = _FACE_WIDE * unit, _FACE_HIGH * unit
    top = y + _DOWN_UNITS * unit - high / 2
    return np.array([x - wide / 2, top, wide, high], np.float32)
