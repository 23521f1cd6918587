"""Folders of pictures: one frame per file, in the order of their names."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from readroom.ingest.sources.base import Captured
from readroom.ingest.sources.libav import decode_picture
from readroom.pixels import Picture

#: What counts as a picture in a folder.
SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def pictures_in(folder: Path) -> list[Path]:
    """The folder's pictures, sorted by name; files that begin with a dot are none."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


class PictureFolder:
    """A folder's pictures at ``fps`` a second of media time, ``loop`` times (0: for ever).

    The list is taken at :meth:`open`. A picture that can't be decoded is passed over and counted;
    its moment stays empty.
    """

    def __init__(self, folder: Path, *, fps: float, loop: int, max_width: int) -> None:
        self.undecodable = 0
        self.flaw = ""
        self._folder = folder
        self._fps = fps
        self._loop = loop
        self._max_width = max_width
        self._paths: list[Path] = []
        self._place = 0
        self._delivered = 0

    def open(self) -> None:
        """Begin at the first picture."""
        self._paths = pictures_in(self._folder)
        self._place = self._delivered = self.undecodable = 0
        self.flaw = ""

    def read(self) -> Captured | None:
        """The next picture, None after the last one of the last loop."""
        while self._place < len(self._paths) * self._loop or (self._paths and not self._loop):
            path = self._paths[self._place % len(self._paths)]
            self._place += 1
            picture = self._load(path)
            if picture is not None:
                self._delivered += 1
                return self._captured(picture)
            if self._place >= len(self._paths) and not self._delivered:
                return None  # A whole loop without one readable picture.
        return None

    def skip(self, count: int, turn: Callable[[], None]) -> float | None:
        """Pass over ``count`` pictures, decoding them to know which can be."""
        last_s: float | None = None
        for _ in range(count):
            turn()
            captured = self.read()
            if captured is None:
                break
            last_s = captured.media_time_s
        return last_s

    def close(self) -> None:
        """Nothing is held open."""

    def _load(self, path: Path) -> Picture | None:
        try:
            picture = decode_picture(path.read_bytes(), self._max_width)
        except OSError:
            picture = None
        if picture is None:
            self.undecodable += 1
            self.flaw = f"{self.undecodable} of its pictures can't be decoded, such as {path.name}"
        return picture

    def _captured(self, picture: Picture) -> Captured:
        height, width = picture.shape[:2]
        return Captured(
            seq=self._delivered - 1,
            captured_at=time.time(),
            media_time_s=(self._place - 1) / self._fps,
            size=(width, height),
            pixels=lambda _: picture,
        )
