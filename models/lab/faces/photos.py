"""Photographs with labelled faces: a folder with ``annotations.jsonl`` beside ``images/``.

One JSON object a line: ``file`` (inside ``images/``), ``width`` and ``height`` px, ``boxes_xywh``:
left, top, width and height of every face, px. WIDER FACE's labels fit on such lines. A photograph
belongs to a split by its name alone, so that face and pose network keep the same ones apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from readroom.errors import BadSettings
from readroom.models.boxes import Floats
from readroom.pixels import Picture

Split = Literal["train", "held_out", "test"]
ANNOTATIONS: Final = "annotations.jsonl"
#: Of 256 values that a name's hash may begin with, so many are measured on …
_TEST: Final = 51
#: … and those up to here choose the recipe.
_HELD_OUT: Final = 66


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """One photograph: its file, size in px, and its faces, float32 [n, 4] (left, top, width,
    height, px)."""

    path: Path
    width: int
    height: int
    boxes: Floats

    @property
    def split(self) -> Split:
        """What the photograph is for, decided by its file's name."""
        first = hashlib.sha256(self.path.name.encode()).digest()[0]
        return "test" if first < _TEST else "held_out" if first < _HELD_OUT else "train"


class _Line(msgspec.Struct, frozen=True):
    file: str
    width: int
    height: int
    boxes_xywh: list[tuple[float, float, float, float]]


def read_photos(data: Path) -> tuple[Photo, ...]:
    """The photographs of a folder, in the order of their annotations; pixels aren't read yet.

    Boxes without an area are left out. Raises BadSettings, one line, for what can't be read.
    """
    path = data / ANNOTATIONS
    try:
        lines = msgspec.json.Decoder(_Line).decode_lines(path.read_bytes())
    except OSError as error:
        raise BadSettings(
            f"{path}: can't be read ({error.strerror}): name a folder with "
            f"{ANNOTATIONS} and images/"
        ) from None
    except msgspec.MsgspecError as error:
        raise BadSettings(
            f"{path}: {error}; wanted on each line file, width, height and boxes_xywh"
        ) from None
    photos = tuple(_photo(data / "images", line) for line in lines)
    if not photos:
        raise BadSettings(f"{path}: is empty: nothing to learn from")
    for photo in photos:
        if not photo.path.is_file():
            raise BadSettings(f"{photo.path}: isn't there, but {path} names it")
    return photos


def of_split(photos: Iterable[Photo], split: Split) -> tuple[Photo, ...]:
    """Those of one split."""
    return tuple(photo for photo in photos if photo.split == split)


def read_pixels(photo: Photo) -> Picture:
    """A photograph's pixels, BGR uint8 [height, width, 3]. Raises BadSettings."""
    pixels = cv2.imread(str(photo.path))
    if pixels is None:
        raise BadSettings(f"{photo.path}: no picture that can be read; take it out, or mend it")
    if pixels.shape[:2] != (photo.height, photo.width):
        raise BadSettings(
            f"{photo.path}: is {pixels.shape[1]}×{pixels.shape[0]} px, but {ANNOTATIONS} says "
            f"{photo.width}×{photo.height}"
        )
    return np.asarray(pixels, np.uint8)


def fingerprint(photos: Iterable[Photo]) -> str:
    """First 12 hexadecimal digits of a hash over names, boxes and pixels: what was learnt from."""
    seen = hashlib.sha256()
    for photo in photos:
        seen.update(photo.path.name.encode())
        seen.update(np.ascontiguousarray(photo.boxes).tobytes())
        seen.update(photo.path.read_bytes())
    return seen.hexdigest()[:12]


def _photo(folder: Path, line: _Line) -> Photo:
    boxes: NDArray[np.float32] = np.array(line.boxes_xywh, np.float32).reshape(-1, 4)
    usable = (boxes[:, 2:] > 0).all(axis=1)
    return Photo(folder / line.file, line.width, line.height, boxes[usable])
