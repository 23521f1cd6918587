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

import msgspec
import numpy as np

from readroom.errors import BadSettings
from readroom.models.boxes import Floats, clip
from readroom.models.lab.pictures import read_picture
from readroom.pixels import Picture

Split = Literal["train", "held_out", "test"]
ANNOTATIONS: Final = "annotations.jsonl"
#: Share of a box that has to lie in its photograph. A face may be cut off by the edge; where less
#: is inside, the numbers are wrong: two corners, say, or another size of the picture.
LEAST_INSIDE: Final = 0.5
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


_LINE: Final = msgspec.json.Decoder(_Line)


def read_photos(data: Path) -> tuple[Photo, ...]:
    """The photographs of a folder, in the order of their annotations; pixels aren't read yet.

    Boxes without an area are left out. Raises BadSettings, one line, for what can't be read, and
    for boxes that can't be the photograph's (LEAST_INSIDE).
    """
    path = data / ANNOTATIONS
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise BadSettings(
            f"{path}: can't be read ({error.strerror}): name a folder with "
            f"{ANNOTATIONS} and images/"
        ) from None
    photos = tuple(
        _photo(data / "images", line, f"{path}, line {number}")
        for number, line in enumerate(lines, 1)
        if line.strip()
    )
    if not photos:
        raise BadSettings(f"{path}: is empty: nothing to learn from")
    return photos


def of_split(photos: Iterable[Photo], split: Split) -> tuple[Photo, ...]:
    """Those of one split."""
    return tuple(photo for photo in photos if photo.split == split)


def read_pixels(photo: Photo) -> Picture:
    """A photograph's pixels, BGR uint8 [height, width, 3]. Raises BadSettings."""
    pixels = read_picture(photo.path)
    if pixels.shape[:2] != (photo.height, photo.width):
        raise BadSettings(
            f"{photo.path}: is {pixels.shape[1]}×{pixels.shape[0]} px, but {ANNOTATIONS} says "
            f"{photo.width}×{photo.height}: mend that line, or put the right picture there"
        )
    return pixels


def fingerprint(photos: Iterable[Photo]) -> str:
    """First 12 hexadecimal digits of a hash over names, boxes and pixels: what was learnt from."""
    seen = hashlib.sha256()
    for photo in photos:
        seen.update(photo.path.name.encode())
        seen.update(np.ascontiguousarray(photo.boxes).tobytes())
        seen.update(photo.path.read_bytes())
    return seen.hexdigest()[:12]


def _photo(folder: Path, text: bytes, where: str) -> Photo:
    """The photograph of a line; ``where`` says in errors which line of what it is."""
    try:
        line = _LINE.decode(text)
    except msgspec.MsgspecError as error:
        raise BadSettings(
            f"{where}: {error}; wanted on each line file, width, height and boxes_xywh"
        ) from None
    path = folder / line.file
    if not path.is_file():
        raise BadSettings(f"{where}: {path} isn't there: put it there, or take the line out")
    boxes: Floats = np.array(line.boxes_xywh, np.float32).reshape(-1, 4)
    boxes = boxes[(boxes[:, 2:] > 0).all(axis=1)]
    inside = clip(boxes, line.width, line.height)[:, 2:].prod(axis=1)
    for box in boxes[inside < LEAST_INSIDE * boxes[:, 2:].prod(axis=1)]:
        raise BadSettings(
            f"{where}: the box {', '.join(f'{value:g}' for value in box)} lies outside the "
            f"{line.width}×{line.height} px of {line.file}, half of it or more: mend it (left, "
            "top, width, height), or take it out"
        )
    return Photo(path, line.width, line.height, boxes)
