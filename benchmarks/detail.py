"""What meshes and identities say, on the clips in ../shared/videos: Markdown tables.

``python -m benchmarks.detail [--only seconds widths squares turns cost]``; the networks have to lie
in READROOM_MODELS or ../shared/models. Faces are found by the product's detector.

``seconds``: mean coefficients by second of a clip. ``widths``: clips shrunk until the faces have so
many pixels across, and found anew there, against the same pictures at full size. ``squares``: how
much the coefficients shake from frame to frame (root mean square of their second differences), and
how often a mesh is unsure, by the square's side in longer sides of the box. ``turns``: pictures
turned around the face against the same unturned, with points in px of the square and of the
picture. ``cost``: one thread, from box to coefficients or embedding.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from readroom.errors import BadSettings, ReadroomError
from readroom.messages import BLENDSHAPES
from readroom.models.alignment import level_square
from readroom.models.boxes import Floats
from readroom.models.choice import choose
from readroom.models.files import read_verified
from readroom.models.registry import Entry, InputSpec, Task
from readroom.pixels import Picture
from readroom.settings import Settings, load_settings
from readroom.workers.analysis import Analyser
from readroom.workers.assembly import assemble
from readroom.workers.backends.base import Network, Profile
from readroom.workers.backends.onnxruntime import OnnxRuntime
from readroom.workers.engines.identity import IdentityReader
from readroom.workers.engines.mesh import MIN_PRESENCE, LandmarkedFace, MovementReader, PointReader

SHARED = Path(__file__).resolve().parents[2] / "shared"
SMILE, UPSET, TURNS = (
    "neutral_to_smile_1_person",
    "upset_to_laughing_1_person",
    "head_turns_2_people",
)
#: Frames per second of the clips of one person.
FPS = {SMILE: 30, UPSET: 24}
COEFFICIENTS = (
    *("mouthSmileLeft", "mouthSmileRight", "eyeBlinkLeft", "eyeBlinkRight", "browDownLeft"),
    *("browDownRight", "browInnerUp", "jawOpen", "eyeSquintLeft", "mouthUpperUpLeft"),
)
WIDTHS_PX = (120, 80, 64, 48, 40, 32, 24, 20, 16)
SIDES = (1.3, 1.4, 1.5, 1.6)
ROUNDS = 30


@dataclass(frozen=True, slots=True)
class Readers:
    """The detector and the networks whose figures are wanted."""

    finder: Analyser
    points: PointReader
    moves: MovementReader
    identities: IdentityReader
    points_spec: InputSpec
    #: The same network on a square of another size.
    points_at: Callable[[float], PointReader]

    def faces(self, picture: Picture) -> list[LandmarkedFace]:
        """The faces in a picture that have landmarks, from left to right."""
        (seen,) = self.finder.analyse([picture])
        return [
            (
                picture,
                np.array([face.box.x, face.box.y, face.box.width, face.box.height], np.float32),
                np.array(face.landmarks, np.float32),
            )
            for face in sorted(seen.faces, key=lambda face: face.box.x)
            if face.landmarks is not None
        ]

    def read(self, face: LandmarkedFace, side: float | None = None) -> tuple[Floats, float]:
        """A face's coefficients [52], however unsure the mesh, and its presence."""
        (row,) = (self.points if side is None else self.points_at(side)).submit([face]).result()
        return self.moves.read([row[:-1].reshape(-1, 2)])[0], float(row[-1])


def load(settings: Settings) -> Readers:
    """Raises BadSettings where a network isn't at hand."""
    mesh, mesh_entry = _network(settings, "mesh")
    points = {side: PointReader(mesh, _at_side(mesh_entry, side)) for side in SIDES}
    return Readers(
        assemble(settings).analyser,
        PointReader(mesh, mesh_entry),
        MovementReader(*_network(settings, "blendshapes")),
        IdentityReader(*_network(settings, "identity")),
        mesh_entry.input,
        points.__getitem__,
    )


def _at_side(entry: Entry, side: float) -> Entry:
    return replace(entry, input=replace(entry.input, margin_ratio=side))


def _network(settings: Settings, task: Task) -> tuple[Network, Entry]:
    choice = choose(settings, task)
    if choice.path is None or choice.entry is None or choice.broken:
        raise BadSettings(choice.reason)
    entry = choice.entry
    item = entry.item_shape
    shapes = Profile((1, *item), (1, *item), (entry.inputs[entry.input_name][0] or 4, *item))
    model = read_verified(choice.path, entry)
    return OnnxRuntime().load(model, "cpu", {entry.input_name: shapes}), entry


def pictures(clip: str, step: int = 1) -> Iterator[Picture]:
    """Every ``step``-th picture of a clip. Raises BadSettings where it isn't there."""
    path = SHARED / "videos" / f"{clip}.mp4"
    if not path.is_file():
        raise BadSettings(f"{path}: no such clip; put it there")
    capture = cv2.VideoCapture(str(path))
    number = 0
    while capture.grab():
        if number % step == 0:
            yield capture.retrieve()[1].astype(np.uint8, copy=False)
        number += 1
    capture.release()


def seconds(readers: Readers) -> Iterator[str]:
    """Mean coefficients by second."""
    columns = [BLENDSHAPES.index(name) for name in COEFFICIENTS]
    for clip, fps in FPS.items():
        by_second: dict[int, list[tuple[Floats, float]]] = {}
        for number, picture in enumerate(pictures(clip, 3)):
            for face in readers.faces(picture)[:1]:
                by_second.setdefault(number * 3 // fps, []).append(readers.read(face))
        yield from _header(clip, "second", "n", *COEFFICIENTS, "presence")
        for second, read in by_second.items():
            means = np.mean([row[columns] for row, _ in read], axis=0)
            sure = np.mean([presence for _, presence in read])
            yield _line(f"{second}", f"{len(read)}", *(f"{m:.2f}" for m in (*means, sure)))


def widths(readers: Readers) -> Iterator[str]:
    """Mean absolute differences and cosines to full size, by width."""
    names = ("mouthSmileLeft", "eyeBlinkLeft", "browDownLeft", "browInnerUp", "jawOpen")
    columns = [BLENDSHAPES.index(name) for name in names]
    yield from _header("widths", "clip", "width, px", "n", "all 52", *names, "presence", "cosine")
    for clip, step in ((SMILE, 4), (UPSET, 18)):
        full = [(p, faces[0]) for p in pictures(clip, step) if (faces := readers.faces(p))]
        wide = float(np.mean([face[1][2] for _, face in full]))
        for target in WIDTHS_PX:
            errors, sure, cosines = [], [], []
            for picture, face in full:
                scale = target / wide
                area = cv2.INTER_AREA
                small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=area)
                for found in readers.faces(small.astype(np.uint8, copy=False))[:1]:
                    row, presence = readers.read(found)
                    errors.append(np.abs(row - readers.read(face)[0]))
                    sure.append(presence)
                    cosines.append(float(_embedding(readers, found) @ _embedding(readers, face)))
            if errors:
                mean = np.mean(errors, axis=0)
                shown = [mean.mean(), *mean[columns], np.mean(sure), np.mean(cosines)]
                head = (clip.split("_", 1)[0], f"{target}", f"{len(errors)} of {len(full)}")
                yield _line(*head, *(f"{value:.3f}" for value in shown))


def _embedding(readers: Readers, face: LandmarkedFace) -> Floats:
    picture, _, landmarks = face
    if landmarks is None:
        raise BadSettings(
            "a detector without landmarks: name another in READROOM_WORKERS__NETWORKS"
        )
    (row,) = readers.identities.submit([(picture, landmarks)]).result()
    return np.asarray(row, np.float32)


def squares(readers: Readers) -> Iterator[str]:
    """How much the coefficients shake, and how often a mesh is unsure, by the square's side."""
    yield from _header("squares", "side", "shake, smile", "shake, upset", "unsure, tilted heads")
    upright = {clip: [readers.faces(p)[:1] for p in list(pictures(clip))[:72]] for clip in FPS}
    tilted = [face for picture in pictures(TURNS, 4) for face in readers.faces(picture)]
    for side in SIDES:
        shakes = []
        for faces in upright.values():
            rows = np.array([readers.read(one[0], side)[0] for one in faces if one])
            shakes.append(float(np.sqrt((np.diff(rows, 2, axis=0) ** 2).mean())))
        unsure = float(np.mean([readers.read(face, side)[1] < MIN_PRESENCE for face in tilted]))
        yield _line(f"{side}", *(f"{value:.3f}" for value in (*shakes, unsure)))


def turns(readers: Readers) -> Iterator[str]:
    """Mean absolute differences of turned pictures, with points in px of square and picture."""
    yield from _header("turns", "turned by, degrees", "px of the square", "px of the picture")
    degrees = (-40, -20, 20, 40)
    apart: dict[int, list[tuple[float, float]]] = {deg: [] for deg in degrees}
    for clip, step in ((SMILE, 14), (UPSET, 60)):
        for picture in pictures(clip, step):
            for face in readers.faces(picture)[:1]:
                unturned = _both(readers, face)
                for deg in degrees:
                    both = _both(readers, _turned(face, deg))
                    square, whole = (
                        float(np.abs(a - b).mean()) for a, b in zip(both, unturned, strict=True)
                    )
                    apart[deg].append((square, whole))
    for deg, pairs in apart.items():
        yield _line(f"{deg}", *(f"{value:.4f}" for value in np.mean(pairs, axis=0)))


def _turned(face: LandmarkedFace, deg: float) -> LandmarkedFace:
    """The picture turned clockwise around the middle of the face's box, which stays."""
    picture, box, landmarks = face
    if landmarks is None:
        return face
    middle = (float(box[0] + box[2] / 2), float(box[1] + box[3] / 2))
    matrix = cv2.getRotationMatrix2D(middle, -deg, 1)
    size = (picture.shape[1], picture.shape[0])
    around = cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    moved = landmarks @ matrix[:, :2].T + matrix[:, 2]
    return around.astype(np.uint8, copy=False), box, moved.astype(np.float32)


def _both(readers: Readers, face: LandmarkedFace) -> tuple[Floats, Floats]:
    """The coefficients with points in px of the square, and turned as they are in the picture."""
    (row,) = readers.points.submit([face]).result()
    found = row[:-1].reshape(-1, 2)
    turn = np.deg2rad(level_square(face[1], face[2], readers.points_spec).angle_deg)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    square, whole = readers.moves.read([found, (found @ matrix.T).astype(np.float32)])
    return square, whole


def cost(readers: Readers) -> Iterator[str]:
    """Median milliseconds a face, from box to result."""
    yield from _header("cost", "what", "1 face, ms", "4 faces, ms a face")
    face = readers.faces(next(pictures(SMILE)))[0]
    picture, _, landmarks = face
    if landmarks is None:
        return
    (row,) = readers.points.submit([face]).result()
    found = row[:-1].reshape(-1, 2)
    marked = landmarks
    steps: dict[str, Callable[[int], object]] = {
        "mesh: points": lambda n: readers.points.submit([face] * n).result(),
        "mesh: movements": lambda n: readers.moves.read([found] * n),
        "identity": lambda n: readers.identities.submit([(picture, marked)] * n).result(),
    }
    for what, step in steps.items():
        yield _line(what, *(f"{_ms(step, count) / count:.2f}" for count in (1, 4)))


def _ms(step: Callable[[int], object], count: int) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        step(count)
        times.append(time.process_time() - began)
    return median(times) * 1e3


def _header(title: str, *columns: str) -> Iterator[str]:
    yield f"\n**{title}**\n"
    yield _line(*columns)
    yield _line(*("---" for _ in columns))


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


PARTS = {"seconds": seconds, "widths": widths, "squares": squares, "turns": turns, "cost": cost}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables that are asked for; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.detail",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)  # As a worker runs.
    beside = SHARED / "models"
    unnamed = "READROOM_MODELS" not in os.environ and beside.is_dir()
    try:
        settings = load_settings(models=beside if unnamed else None, workers={"engines": ("face",)})
        readers = load(settings)
        for name in options.only:
            for line in PARTS[name](readers):
                print(line, flush=True)
    except ReadroomError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
