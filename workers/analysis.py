"""Pictures in, faces and bodies out: what a worker does, without streams, cameras or files.

Faces come first, for all pictures at once; then expressions and poses are submitted one after the
other before either is waited for, so that on a GPU they overlap on two streams.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from readroom.messages import ENGINES, Body, Box, EngineName, Face
from readroom.models.boxes import Floats
from readroom.models.detection import NO_FACES, Faces
from readroom.models.keypoints import grow
from readroom.pixels import Picture
from readroom.workers.engines.expression import ExpressionReader
from readroom.workers.engines.face import FaceFinder
from readroom.workers.engines.people import PeopleFinder
from readroom.workers.engines.pose import PoseReader
from readroom.workers.engines.quality import assess

#: Everything is due.
ALL_DUE: frozenset[EngineName] = frozenset(ENGINES)


@dataclass(slots=True)
class Analysis:
    """What was seen in one picture.

    ``engines`` are those that ran. ``stages_s`` maps engine to seconds: of a batch, the picture's
    share by its number of items.
    """

    faces: tuple[Face, ...] = ()
    bodies: tuple[Body, ...] = ()
    engines: tuple[EngineName, ...] = ()
    stages_s: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Readable:
    """A face whose expression is asked for: in which picture, the how manieth, where."""

    picture: int
    face: int
    box: Floats


@dataclass(frozen=True, slots=True)
class _Person:
    """A person whose pose is asked for: in which picture, where, how sure, of which face."""

    picture: int
    box: Floats
    score: float
    face: int | None


class Analyser:
    """The engines of one worker; any may be missing.

    ``faces`` finds faces, ``expressions`` reads those at least ``min_face_px`` wide, ``poses``
    reads bodies: grown from faces where ``faces`` is there, else found by ``people``.
    """

    def __init__(
        self,
        *,
        faces: FaceFinder | None = None,
        expressions: ExpressionReader | None = None,
        poses: PoseReader | None = None,
        people: PeopleFinder | None = None,
        min_face_px: float,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._faces = faces
        self._expressions = expressions
        self._poses = poses
        self._people = people
        self._min_face_px = min_face_px
        self._clock = clock

    @property
    def models(self) -> dict[EngineName, str]:
        """The model id of every engine that can run."""
        models: dict[EngineName, str] = {}
        if self._faces is not None:
            models["face"] = self._faces.model
        if self._expressions is not None:
            models["expression"] = self._expressions.model
        if self._poses is not None:
            parts = [self._people.model] if self._faces is None and self._people else []
            models["pose"] = "+".join([*parts, self._poses.model])
        return models

    def analyse(
        self,
        pictures: Sequence[Picture],
        due: Sequence[frozenset[EngineName]] | None = None,
        known_faces: Sequence[Sequence[Box] | None] | None = None,
    ) -> list[Analysis]:
        """Analyse pictures (uint8 BGR [height, width, 3], any sizes), each with the engines in
        its ``due`` (default: all).

        Expressions are read of faces found in the same picture. Poses are read of the people
        whose faces were found, or where ``face`` isn't due, of those in ``known_faces`` (seen a
        moment before; None: nothing is known, so no poses); in a worker without faces, of the
        people it finds itself.
        """
        dues = due if due is not None else [ALL_DUE] * len(pictures)
        known = known_faces if known_faces is not None else [None] * len(pictures)
        results = [Analysis(engines=self._runs(d, k)) for d, k in zip(dues, known, strict=True)]
        found = self._find_faces(pictures, results)
        readable = self._readable(found, results)
        people = self._find_people(pictures, found, known, results)
        expressions, poses = self._read(pictures, readable, people, results)
        for index, picture in enumerate(pictures):
            read = {
                one.face: row
                for one, row in zip(readable, expressions, strict=True)
                if one.picture == index
            }
            posed = [
                (person, row)
                for person, row in zip(people, poses, strict=True)
                if person.picture == index
            ]
            of_faces = {person.face: row for person, row in posed if person.face is not None}
            results[index].faces = _faces(picture, found[index], read, of_faces)
            results[index].bodies = tuple(_body(person, row) for person, row in posed)
        return results

    def _runs(
        self, due: frozenset[EngineName], known: Sequence[Box] | None
    ) -> tuple[EngineName, ...]:
        """The engines that run on one picture."""
        face = self._faces is not None and "face" in due
        placed = face or known is not None or self._people is not None
        runs: dict[EngineName, bool] = {
            "face": face,
            "expression": face and self._expressions is not None and "expression" in due,
            "pose": placed and self._poses is not None and "pose" in due,
        }
        return tuple(engine for engine in ENGINES if runs[engine])

    def _find_faces(self, pictures: Sequence[Picture], results: list[Analysis]) -> list[Faces]:
        found = [NO_FACES] * len(pictures)
        wanted = [index for index, result in enumerate(results) if "face" in result.engines]
        if self._faces is None or not wanted:
            return found
        with self._timed(results, "face", wanted):
            for index, faces in zip(
                wanted, self._faces.find([pictures[index] for index in wanted]), strict=True
            ):
                found[index] = faces
        return found

    def _readable(self, found: list[Faces], results: list[Analysis]) -> list[_Readable]:
        return [
            _Readable(index, face, box)
            for index, faces in enumerate(found)
            if "expression" in results[index].engines
            for face, box in enumerate(faces.boxes)
            if box[2] >= self._min_face_px
        ]

    def _find_people(
        self,
        pictures: Sequence[Picture],
        found: list[Faces],
        known: Sequence[Sequence[Box] | None],
        results: list[Analysis],
    ) -> list[_Person]:
        wanted = [index for index, result in enumerate(results) if "pose" in result.engines]
        if self._faces is None and self._people is not None and wanted:
            with self._timed(results, "pose", wanted):
                seen = self._people.find([pictures[index] for index in wanted])
            return [
                _Person(index, box, float(score), None)
                for index, people in zip(wanted, seen, strict=True)
                for box, score in zip(people.boxes, people.scores, strict=True)
            ]
        grown: list[_Person] = []
        for index in wanted:
            height, width = pictures[index].shape[:2]
            if "face" in results[index].engines:
                boxes, scores = found[index].boxes, found[index].scores
                numbers: list[int | None] = list(range(len(boxes)))
            else:
                boxes = _as_array(known[index] or ())
                scores, numbers = np.ones(len(boxes), np.float32), [None] * len(boxes)
            rows = zip(grow(boxes, width, height), scores, numbers, strict=True)
            grown += [_Person(index, box, float(score), face) for box, score, face in rows]
        return grown

    def _read(
        self,
        pictures: Sequence[Picture],
        readable: list[_Readable],
        people: list[_Person],
        results: list[Analysis],
    ) -> tuple[Sequence[Floats], Sequence[Floats]]:
        """Expressions [n, 8] of the readable faces and poses [n, 17, 3] of the people."""
        of_faces = [one.picture for one in readable]
        of_people = [person.picture for person in people]
        reading = posing = None
        if self._expressions is not None and readable:
            with self._timed(results, "expression", of_faces):
                crops = [(pictures[one.picture], one.box) for one in readable]
                reading = self._expressions.submit(crops)
        if self._poses is not None and people:
            with self._timed(results, "pose", of_people):
                bodies = [(pictures[person.picture], person.box) for person in people]
                posing = self._poses.submit(bodies)
        expressions: Sequence[Floats] = ()
        poses: Sequence[Floats] = ()
        if reading is not None:
            with self._timed(results, "expression", of_faces):
                expressions = list(reading.result())
        if posing is not None:
            with self._timed(results, "pose", of_people):
                poses = list(posing.result())
        return expressions, poses

    @contextmanager
    def _timed(
        self, results: list[Analysis], engine: EngineName, items: Sequence[int]
    ) -> Iterator[None]:
        """Add the time spent inside to the pictures in ``items`` (one entry per item)."""
        began = self._clock()
        yield
        per_item = (self._clock() - began) / max(1, len(items))
        for index, count in Counter(items).items():
            stages = results[index].stages_s
            stages[engine] = stages.get(engine, 0.0) + per_item * count


def _as_array(boxes: Sequence[Box]) -> Floats:
    rows = [(box.x, box.y, box.width, box.height) for box in boxes]
    return np.array(rows, np.float32).reshape(-1, 4)


def _box(row: Floats) -> Box:
    x, y, width, height = row.tolist()
    return Box(x, y, width, height)


def _faces(
    picture: Picture, faces: Faces, read: dict[int, Floats], posed: dict[int, Floats]
) -> tuple[Face, ...]:
    """Messages of a picture's faces; expressions ``read`` and keypoints ``posed`` by face."""
    made: list[Face] = []
    for number, (box, score) in enumerate(zip(faces.boxes, faces.scores, strict=True)):
        points = None if faces.landmarks is None else faces.landmarks[number]
        said = read.get(number)
        made.append(
            Face(
                box=_box(box),
                score=float(score),
                quality=assess(picture, box, points, posed.get(number)),
                landmarks=None if points is None else cast(Any, tuple(map(tuple, points.tolist()))),
                expression=None if said is None else cast(Any, tuple(said.tolist())),
            )
        )
    return tuple(made)


def _body(person: _Person, keypoints: Floats) -> Body:
    return Body(
        box=_box(person.box),
        score=person.score,
        keypoints=cast(Any, tuple(map(tuple, keypoints.tolist()))),
        face=person.face,
    )
