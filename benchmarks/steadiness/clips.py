"""The clips, as the product sees them: 10 frames a second, faces found, people followed, and the
same frames as a camera further away would give them."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import cv2
import msgspec
import numpy as np

from readroom.aggregator import tracking
from readroom.errors import BadSettings
from readroom.ingest.pacing import MediaRate
from readroom.ingest.sources import Lost
from readroom.ingest.sources.file import VideoFile
from readroom.messages import Box, Face
from readroom.pixels import Picture
from readroom.workers.analysis import Analyser
from readroom.workers.engines.quality import assess

CLIPS: Final = (
    "head_turns_2_people.mp4",
    "neutral_to_smile_1_person.mp4",
    "upset_to_laughing_1_person.mp4",
)
#: Analysed frames per second, as the product's default.
FPS: Final = 10.0
#: Wider pictures would be scaled down on the way; no clip is.
_WIDEST_PX: Final = 4096

#: One person over a clip: one entry per frame, None where the face wasn't found.
Strip = tuple[Face | None, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """One person in a clip at full size. ``times_s``, ``pictures`` and ``faces`` begin where the
    tracker first takes the face for a person and go to the clip's end."""

    name: str
    times_s: tuple[float, ...]
    pictures: tuple[Picture, ...]
    faces: Strip

    @property
    def width_px(self) -> float:
        """Median width of the face."""
        return statistics.median(face.box.width for face in self.faces if face is not None)


@dataclass(frozen=True, slots=True)
class View:
    """A person at one size: the shrunk pictures, and in each the face from the box found at
    full size (``given``) and from the box found in the small picture (``found``)."""

    width_px: float
    pictures: tuple[Picture, ...]
    given: Strip
    found: Strip


def watch(path: Path, finder: Analyser) -> list[Person]:
    """The people in a clip, in the order in which they were taken for people.

    Raises BadSettings where the file isn't there or is no video.
    """
    times_s: list[float] = []
    pictures: list[Picture] = []
    for time_s, picture in _frames(path):
        times_s.append(time_s)
        pictures.append(picture)
    seen = [finder.analyse([picture])[0].faces for picture in pictures]
    people = []
    for number, strip in enumerate(follow(times_s, seen), 1):
        first = next(index for index, face in enumerate(strip) if face is not None)
        name = f"{path.stem} P{number}"
        people.append(Person(name, tuple(times_s[first:]), tuple(pictures[first:]), strip[first:]))
    return people


def follow(times_s: Sequence[float], seen: Sequence[Sequence[Face]]) -> list[Strip]:
    """Who is who in the faces seen in each frame, by the aggregator's tracker."""
    tracker = tracking.Tracker()
    strips: dict[int, list[Face | None]] = {}
    for index, (time_s, faces) in enumerate(zip(times_s, seen, strict=True)):
        update = tracking.update(tracker, list(map(_detection, range(len(faces)), faces)), time_s)
        for number, face in update.seen.items():
            strips.setdefault(number, [None] * len(seen))[index] = faces[face]
    return [tuple(strip) for strip in strips.values()]


def view(person: Person, width_px: float, finder: Analyser) -> View:
    """The person with a median face width of ``width_px``, which is at most the full size's."""
    ratio = width_px / person.width_px
    pictures = tuple(shrink(picture, ratio) for picture in person.pictures)
    given: list[Face | None] = []
    found: list[Face | None] = []
    for before, picture, face in zip(person.pictures, pictures, person.faces, strict=True):
        placed = None if face is None else scale_face(face, before, picture)
        given.append(placed)
        candidates = finder.analyse([picture])[0].faces if placed is not None else ()
        found.append(None if placed is None else same_face(placed, candidates))
    return View(width_px, pictures, tuple(given), tuple(found))


def full_size(person: Person) -> View:
    """The person as filmed."""
    return View(person.width_px, person.pictures, person.faces, person.faces)


def shrink(picture: Picture, ratio: float) -> Picture:
    """A picture at ``ratio`` (0..1) of its size, each pixel the mean of those it covers."""
    height, width = picture.shape[:2]
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    return cast(Picture, cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def scale_face(face: Face, before: Picture, after: Picture) -> Face:
    """A face found in ``before``, at its place in the shrunk picture ``after``, with the quality
    that it has there."""
    down, across = (b / a for a, b in zip(before.shape[:2], after.shape[:2], strict=True))
    box = face.box
    scaled = Box(box.x * across, box.y * down, box.width * across, box.height * down)
    points = np.array(face.landmarks, np.float32) * np.array([across, down], np.float32)
    as_row = np.array([scaled.x, scaled.y, scaled.width, scaled.height], np.float32)
    return msgspec.structs.replace(
        face,
        box=scaled,
        landmarks=cast(Any, tuple(map(tuple, points.tolist()))),
        quality=assess(after, as_row, points),
    )


def same_face(wanted: Face, candidates: Sequence[Face]) -> Face | None:
    """The candidate that overlaps the wanted face most, if by as much as the tracker asks of two
    sightings of one face."""

    def overlap(face: Face) -> float:
        return tracking.iou(_centred(wanted.box), _centred(face.box))

    best = max(candidates, key=overlap, default=None)
    return best if best is not None and overlap(best) > tracking.SAME_FACE_IOU else None


def _frames(path: Path) -> Iterator[tuple[float, Picture]]:
    """The frames that the product would analyse, with their media times, s."""
    source, rate = VideoFile(path, 1), MediaRate(FPS)
    try:
        source.open()
        while (captured := source.read()) is not None:
            time_s = captured.media_time_s or 0.0
            if rate.wants(time_s):
                yield time_s, captured.pixels(_WIDEST_PX)
    except Lost as lost:
        raise BadSettings(f"{path}: {lost}; name the clips' folder with --videos") from None
    finally:
        source.close()


def _centred(box: Box) -> tuple[float, float, float, float]:
    return box.x + box.width / 2, box.y + box.height / 2, box.width, box.height


def _detection(index: int, face: Face) -> tracking.Detection:
    return tracking.Detection(*_centred(face.box), face.score, index)
