"""What the teacher sees: 17 keypoints and scores of every person that a usable face belongs to.

The teacher looks at each person three times, in boxes that reach to the waist, to the thighs and
to the feet, and each time at the mirror image too: the heatmaps are averaged (left and right
swapped back) before their peaks are taken. The three views of a joint are merged by their scores.
That is slow (60 ms a person on one thread), so it is done once and kept beside the run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from rich.progress import track

from readroom.errors import BadSettings
from readroom.messages import KEYPOINTS
from readroom.models.boxes import Floats
from readroom.models.files import find, read_verified
from readroom.models.inputs import normalise
from readroom.models.keypoints import CELL_PX, peaks, window
from readroom.models.lab.faces.photos import Photo, read_pixels
from readroom.models.registry import REGISTRY, InputSpec
from readroom.pixels import Picture
from readroom.settings import Settings

#: The network that is learnt from.
TEACHER: Final = "tinypose_256x192"
#: Faces with a longer side below this tell nothing of the body below them, photo px.
SMALLEST_FACE_PX: Final = 14.0
#: The boxes that the teacher looks into, in units of √(face width · height): from the face's
#: centre to either side, and from its top upwards and downwards. The first is keypoints.grow's,
#: the second reaches to the thighs of seated and standing people, the third to the feet.
FRAMINGS: Final = ((1.75, 0.5, 5.0), (2.4, 0.7, 7.0), (3.0, 0.8, 10.0))
#: Views of a joint that lie within this many face units of the surest one are averaged with it.
AGREEING_UNITS: Final = 0.5
#: The joint on the other side of the body, by index: what a mirror image shows.
MIRRORED: Final = np.array(
    [
        KEYPOINTS.index(
            name.replace("left_", "?").replace("right_", "left_").replace("?", "right_")
        )
        for name in KEYPOINTS
    ]
)
_BATCH_PEOPLE: Final = 8


@dataclass(frozen=True, slots=True)
class People:
    """People and what the teacher says of them. ``photo`` int64 [n] is the index of each one's
    photo, ``face`` float32 [n, 4] the face box (x, y, w, h, photo px) and ``keypoints`` float32
    [n, 17, 3] x and y in photo px and the score in 0..1."""

    photo: NDArray[np.int64]
    face: Floats
    keypoints: Floats

    def __len__(self) -> int:
        return len(self.photo)

    def of(self, photos: Sequence[int]) -> People:
        """Those in the photos with these indices, which are numbered anew in that order."""
        place = {photo: number for number, photo in enumerate(photos)}
        chosen = np.isin(self.photo, np.array(photos, np.int64))
        renumbered = np.array([place[photo] for photo in self.photo[chosen].tolist()], np.int64)
        return People(renumbered, self.face[chosen], self.keypoints[chosen])


def framed(faces: Floats, framing: tuple[float, float, float], width: int, height: int) -> Floats:
    """Boxes [n, 4] around face boxes [n, 4], inside a picture of that size, px."""
    side, above, below = framing
    unit = unit_of(faces)
    left = np.clip(faces[:, 0] + faces[:, 2] / 2 - side * unit, 0, width)
    right = np.clip(faces[:, 0] + faces[:, 2] / 2 + side * unit, 0, width)
    top = np.clip(faces[:, 1] - above * unit, 0, height)
    bottom = np.clip(faces[:, 1] + below * unit, 0, height)
    boxes: Floats = np.stack([left, top, right - left, bottom - top], axis=1).astype(np.float32)
    return boxes


def unit_of(faces: Floats) -> Floats:
    """√(width · height) of face boxes [n, 4], at least 1 px: [n]."""
    unit: Floats = np.sqrt(np.maximum(faces[:, 2] * faces[:, 3], 1.0))
    return unit


def merge(views: Floats, unit: Floats) -> Floats:
    """One pose [n, 17, 3] of several views [n, v, 17, 3] of the same people, whose face units are
    [n] px: the surest view of each joint, averaged by score with those that agree with it."""
    best = views[:, :, :, 2].argmax(axis=1)
    surest = np.take_along_axis(views, best[:, None, :, None], axis=1)
    away = np.linalg.norm(views[..., :2] - surest[..., :2], axis=3)
    share = views[..., 2] * (away <= AGREEING_UNITS * unit[:, None, None])
    share = share / np.maximum(share.sum(axis=1, keepdims=True), 1e-9)
    # Where nothing was seen at all, any place is as good.
    place = np.where(
        share.sum(axis=1)[..., None] > 0,
        (views[..., :2] * share[..., None]).sum(axis=1),
        surest[:, 0, :, :2],
    )
    merged: Floats = np.concatenate([place, surest[:, 0, :, 2:]], axis=2).astype(np.float32)
    return merged


class Teacher:
    """The teacher network over crops of pictures."""

    def __init__(self, settings: Settings, *, threads: int = 2) -> None:
        entry = REGISTRY[TEACHER]
        path = find(settings, entry)
        if path is None:
            raise BadSettings(
                f"{entry.file}: the teacher's file isn't there, and has no public address in this "
                "form: put it into a folder and name that in READROOM_MODELS"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        file = read_verified(path, entry)
        self.sha256 = entry.sha256
        self.spec: InputSpec = entry.input
        self._session = onnxruntime.InferenceSession(
            file.body, options, providers=["CPUExecutionProvider"]
        )
        self._input = entry.input_name

    def look(self, picture: Picture, boxes: Floats) -> Floats:
        """Keypoints [n, 17, 3] of the people in boxes [n, 4] of a picture uint8 BGR, averaged
        with the mirror image."""
        seen = [
            self._look(picture, boxes[start : start + _BATCH_PEOPLE])
            for start in range(0, len(boxes), _BATCH_PEOPLE)
        ]
        return np.concatenate(seen) if seen else np.empty((0, len(KEYPOINTS), 3), np.float32)

    def _look(self, picture: Picture, boxes: Floats) -> Floats:
        windows = np.array([window(box, self.spec) for box in boxes])
        width, height = self.spec.width, self.spec.height
        planes = np.empty((2 * len(boxes), 3, height, width), np.float32)
        # The mirror image is laid so that cell i is cell (last − i) of the plain one: exactly.
        last = width - CELL_PX
        for index, (left, top, scale) in enumerate(windows):
            plain = np.array([[scale, 0, -scale * left], [0, scale, -scale * top]])
            turned = np.array([[-scale, 0, last + scale * left], [0, scale, -scale * top]])
            for row, matrix in ((index, plain), (len(boxes) + index, turned)):
                crop = cv2.warpAffine(picture, matrix, (width, height))
                planes[row] = crop[..., ::-1].transpose(2, 0, 1)
                normalise(planes[row], self.spec)
        maps = self._session.run(None, {self._input: planes})[0]
        maps = (maps[: len(boxes)] + maps[len(boxes) :, MIRRORED, :, ::-1]) / 2
        found = peaks(maps)
        scale = windows[:, 2].astype(np.float32)[:, None, None]
        places = found[..., :2] * CELL_PX / scale + windows[:, None, :2].astype(np.float32)
        return np.concatenate([places, found[..., 2:]], axis=2).astype(np.float32)


def usable(photo: Photo) -> Floats:
    """The face boxes of a photo that are large enough."""
    boxes: Floats = photo.boxes[photo.boxes[:, 2:].max(axis=1) >= SMALLEST_FACE_PX]
    return boxes


def teach(photos: Sequence[Photo], cache: Path, teacher: Callable[[], Teacher]) -> People:
    """What the teacher says of the people in photos, from ``cache`` (npz) where it is there and
    of the same photos and teacher, else made anew and kept there. Raises BadSettings."""
    key = _key_of(photos)
    held = _read(cache, key)
    if held is not None:
        return held
    sees, photo_of, faces, views = teacher(), [], [], []
    for number, photo in enumerate(track(photos, "the teacher looks at photos")):
        boxes = usable(photo)
        if not len(boxes):
            continue
        picture = read_pixels(photo)
        height, width = picture.shape[:2]
        looked = [sees.look(picture, framed(boxes, f, width, height)) for f in FRAMINGS]
        photo_of.append(np.full(len(boxes), number))
        faces.append(boxes)
        views.append(merge(np.stack(looked, axis=1), unit_of(boxes)))
    if not faces:
        raise BadSettings(f"no face of {SMALLEST_FACE_PX:g} px or more: nobody to learn from")
    people = People(
        np.concatenate(photo_of), np.concatenate(faces), np.concatenate(views).astype(np.float32)
    )
    cache.parent.mkdir(parents=True, exist_ok=True)
    part = cache.with_suffix(".part.npz")
    np.savez(part, key=key, photo=people.photo, face=people.face, keypoints=people.keypoints)
    part.replace(cache)
    return people


def _key_of(photos: Sequence[Photo]) -> str:
    """What the labels depend on, as a hash: photos, boxes, teacher and framings."""
    told = hashlib.sha256(f"{REGISTRY[TEACHER].sha256} {FRAMINGS} {SMALLEST_FACE_PX}".encode())
    for photo in photos:
        told.update(photo.path.name.encode() + photo.boxes.astype(np.float32).tobytes())
    return told.hexdigest()


def _read(cache: Path, key: str) -> People | None:
    try:
        with np.load(cache) as held:
            if str(held["key"]) != key:
                return None
            return People(held["photo"], held["face"], held["keypoints"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError):
        raise BadSettings(f"{cache}: not what the lab kept there: delete it") from None
