"""Pictures in, faces and bodies out: what a worker does, without streams, cameras or files.

Faces come first, for all pictures at once; then expressions, poses, meshes and identities are
submitted one after the other before any is waited for, so that on a GPU they overlap on streams of
their own.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import numpy as np

from readroom.messages import ENGINES, Body, Box, EngineName, Face
from readroom.models.boxes import Floats
from readroom.models.detection import NO_FACES, Faces
from readroom.models.keypoints import grow
from readroom.pixels import Picture
from readroom.workers.engines.expression import ExpressionReader
from readroom.workers.engines.face import FaceFinder
from readroom.workers.engines.identity import IdentityReader, can_align
from readroom.workers.engines.mesh import MIN_WIDTH_PX as MESH_MIN_WIDTH_PX, MeshReader
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
    """A face that is to be read: in which picture, the how manieth, its box [4] and its landmarks
    [5, 2] where the detector gives some."""

    picture: int
    face: int
    box: Floats
    landmarks: Floats | None


@dataclass(frozen=True, slots=True)
class _Person:
    """A person whose pose is asked for: in which picture, where, how sure, of which face."""

    picture: int
    box: Floats
    score: float
    face: int | None


class _Pending(Protocol):
    """Items of an engine on their way."""

    def result(self) -> Iterable[Floats | None]:
        """Wait: what is said of each item, in order; None: nothing could be."""


@dataclass(frozen=True, slots=True)
class _Job:
    """Items for an engine: the picture of each, and what starts them."""

    engine: EngineName
    pictures: Sequence[int]
    submit: Callable[[], _Pending]


#: What each engine says of its items, in their order.
_Said = Mapping[EngineName, Sequence[Floats | None]]
#: What each engine says of one picture's faces, by the face's number.
_OfFaces = Mapping[EngineName, Mapping[int, Floats]]


class Analyser:
    """The engines of one worker; any may be missing.

    ``faces`` finds faces, ``expressions`` reads those at least ``min_face_px`` wide, ``meshes`` and
    ``identities`` those that are wide enough for them, ``poses`` reads bodies: grown from faces
    where ``faces`` is there, else found by ``people``.
    """

    def __init__(
        self,
        *,
        faces: FaceFinder | None = None,
        expressions: ExpressionReader | None = None,
        poses: PoseReader | None = None,
        people: PeopleFinder | None = None,
        meshes: MeshReader | None = None,
        identities: IdentityReader | None = None,
        min_face_px: float,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._faces = faces
        self._expressions = expressions
        self._poses = poses
        self._people = people
        self._meshes = meshes
        self._identities = identities
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
        if self._meshes is not None:
            models["mesh"] = self._meshes.model
        if self._identities is not None:
            models["identity"] = self._identities.model
        return models

    def analyse(
        self,
        pictures: Sequence[Picture],
        due: Sequence[frozenset[EngineName]] | None = None,
        known_faces: Sequence[Sequence[Box] | None] | None = None,
    ) -> list[Analysis]:
        """Analyse pictures (uint8 BGR [height, width, 3], any sizes), each with the engines in
        its ``due`` (default: all).

        Expressions, meshes and identities are read of faces found in the same picture. Poses are
        read of the people whose faces were found, or where ``face`` isn't due, of those in
        ``known_faces`` (seen a moment before; None: nothing is known, so no poses); in a worker
        without faces, of the people it finds itself.
        """
        dues = due if due is not None else [ALL_DUE] * len(pictures)
        known = known_faces if known_faces is not None else [None] * len(pictures)
        results = [Analysis(engines=self._runs(d, k)) for d, k in zip(dues, known, strict=True)]
        found = self._find_faces(pictures, results)
        faces = self._readable(found, results)
        people = self._find_people(pictures, found, known, results)
        said = self._run(self._jobs(pictures, faces, people), results)
        for index, picture in enumerate(pictures):
            of_faces: dict[EngineName, dict[int, Floats]] = {
                engine: _of_picture(index, faces[engine], said.get(engine, ())) for engine in faces
            }
            posed = [
                (person, row)
                for person, row in zip(people, said.get("pose", ()), strict=True)
                if person.picture == index and row is not None
            ]
            of_faces["pose"] = {p.face: row for p, row in posed if p.face is not None}
            results[index].faces = _faces(picture, found[index], of_faces)
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
            "mesh": face and self._meshes is not None and "mesh" in due,
            "identity": face and self._identities is not None and "identity" in due,
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

    def _readable(
        self, found: list[Faces], results: list[Analysis]
    ) -> dict[EngineName, list[_Readable]]:
        """The faces that each engine is to read."""
        every = [
            _Readable(index, face, box, None if faces.landmarks is None else faces.landmarks[face])
            for index, faces in enumerate(found)
            for face, box in enumerate(faces.boxes)
        ]
        can_read: dict[EngineName, Callable[[_Readable], bool]] = {
            "expression": lambda one: bool(one.box[2] >= self._min_face_px),
            "mesh": lambda one: bool(one.box[2] >= MESH_MIN_WIDTH_PX),
            "identity": lambda one: can_align(one.box, one.landmarks),
        }
        return {
            engine: [one for one in every if engine in results[one.picture].engines and can(one)]
            for engine, can in can_read.items()
        }

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

    def _jobs(
        self,
        pictures: Sequence[Picture],
        faces: dict[EngineName, list[_Readable]],
        people: list[_Person],
    ) -> list[_Job]:
        """What is to be read of the faces and the people; engines without any are left out."""
        jobs: list[_Job] = []

        def add(
            engine: EngineName, items: Sequence[_Readable | _Person], submit: Callable[[], _Pending]
        ) -> None:
            if items:
                jobs.append(_Job(engine, [item.picture for item in items], submit))

        if (expressions := self._expressions) is not None:
            plain = [(pictures[one.picture], one.box) for one in faces["expression"]]
            add("expression", faces["expression"], lambda: expressions.submit(plain))
        if (poses := self._poses) is not None:
            bodies = [(pictures[person.picture], person.box) for person in people]
            add("pose", people, lambda: poses.submit(bodies))
        if (meshes := self._meshes) is not None:
            marked = [(pictures[one.picture], one.box, one.landmarks) for one in faces["mesh"]]
            add("mesh", faces["mesh"], lambda: meshes.submit(marked))
        if (identities := self._identities) is not None:
            alignable = [
                (pictures[one.picture], one.landmarks)
                for one in faces["identity"]
                if one.landmarks is not None
            ]
            add("identity", faces["identity"], lambda: identities.submit(alignable))
        return jobs

    def _run(self, jobs: Sequence[_Job], results: list[Analysis]) -> _Said:
        """Submit all before any is waited for."""
        running: list[_Pending] = []
        for job in jobs:
            with self._timed(results, job.engine, job.pictures):
                running.append(job.submit())
        said: dict[EngineName, Sequence[Floats | None]] = {}
        for job, pending in zip(jobs, running, strict=True):
            with self._timed(results, job.engine, job.pictures):
                said[job.engine] = list(pending.result())
        return said

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


def _of_picture(
    picture: int, faces: Sequence[_Readable], rows: Sequence[Floats | None]
) -> dict[int, Floats]:
    """What an engine says of one picture's faces, by the face's number."""
    return {
        one.face: row
        for one, row in zip(faces, rows, strict=True)
        if one.picture == picture and row is not None
    }


def _faces(picture: Picture, faces: Faces, said: _OfFaces) -> tuple[Face, ...]:
    """Messages of a picture's faces, with what each engine says of them."""
    made: list[Face] = []
    for number, (box, score) in enumerate(zip(faces.boxes, faces.scores, strict=True)):
        points = None if faces.landmarks is None else faces.landmarks[number]
        made.append(
            Face(
                box=_box(box),
                score=float(score),
                quality=assess(picture, box, points, said["pose"].get(number)),
                landmarks=None if points is None else cast(Any, tuple(map(tuple, points.tolist()))),
                expression=cast(Any, _numbers(said["expression"].get(number))),
                embedding=_numbers(said["identity"].get(number)),
                blendshapes=_numbers(said["mesh"].get(number)),
            )
        )
    return tuple(made)


def _numbers(row: Floats | None) -> tuple[float, ...] | None:
    return None if row is None else tuple(row.tolist())


def _body(person: _Person, keypoints: Floats) -> Body:
    return Body(
        box=_box(person.box),
        score=person.score,
        keypoints=cast(Any, tuple(map(tuple, keypoints.tolist()))),
        face=person.face,
    )
