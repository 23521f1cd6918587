"""What the detector learns from: square scenes cut from photographs at any scale, some of them
mosaics, damaged as cameras damage pictures; with the labelled boxes in them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

import cv2
import numpy as np

from readroom.models.boxes import Floats
from readroom.models.lab.faces.marks import MIRRORED, Marks, averaged, no_marks
from readroom.pixels import Picture

#: Faces are shown between these sizes (square root of the area), px. Evenly in the logarithm with
#: an exponent of 1; with a larger one small faces, which are harder, come more often: half of them
#: below 34 px.
SMALLEST_PX: Final = 7.0
LARGEST_PX: Final = 300.0
SMALL_MORE: Final = 1.25
#: A photograph is enlarged and shrunk by no more than this.
MOST_ENLARGED: Final = 3.0
MOST_SHRUNK: Final = 0.15
#: Of a face cut by the scene's edge, what has to be left for its label to stay one.
LEAST_VISIBLE: Final = 0.35
#: How often: a mosaic of four; a turned scene; a scene around no particular face.
MOSAIC: Final = 0.3
TURNED: Final = 0.3
ANYWHERE: Final = 0.2
_TURN_DEG: Final = 25.0
#: Calm scenes around a face show photographs at most this much enlarged or shrunk, and are damaged
#: this often; those around no particular face are as any other.
CALM_ZOOM: Final = 1.6
CALM_DAMAGED: Final = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A picture uint8 BGR [side, side, 3]; ``boxes`` float32 [n, 4] px of the faces to find and
    their ``marks``, ``unclear`` float32 [m, 4] of those that are cut off too much to say."""

    picture: Picture
    boxes: Floats
    unclear: Floats
    marks: Marks


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A photograph in memory: uint8 BGR, its labelled boxes, float32 [n, 4] px, and their marks
    (None: not known)."""

    picture: Picture
    boxes: Floats
    marks: Marks | None = None


def make_scene(
    sources: Sequence[Source],
    first: int,
    side: int,
    random: np.random.Generator,
    *,
    calm: bool = False,
) -> Scene:
    """A scene of ``side`` px around a face of source ``first``, or a mosaic that it is part of.
    ``calm``: mostly about as photographs are, no mosaic."""
    if calm or random.random() >= MOSAIC:
        scene = _view(sources[first], side, random, calm=calm)
    else:
        half = side // 2
        numbers = [first, *random.integers(0, len(sources), 3).tolist()]
        parts = [_view(sources[number], half, random) for number in numbers]
        scene = _mosaic(parts, half)
    if random.random() < 0.5:
        scene = _mirrored(scene)
    if calm and random.random() >= CALM_DAMAGED:
        return scene
    return replace(scene, picture=damage(scene.picture, random))


def _view(source: Source, side: int, random: np.random.Generator, *, calm: bool = False) -> Scene:
    """One photograph, moved, scaled and perhaps turned into a square."""
    height, width = source.picture.shape[:2]
    if len(source.boxes) and random.random() >= ANYWHERE:
        box = source.boxes[int(random.integers(len(source.boxes)))]
        size = math.sqrt(float(box[2] * box[3]))
        largest = min(LARGEST_PX, 0.95 * side)
        share = random.random() ** SMALL_MORE
        wanted = SMALLEST_PX * (largest / SMALLEST_PX) ** share
        scale = float(np.clip(wanted / size, MOST_SHRUNK, MOST_ENLARGED))
        if calm:
            scale = math.exp(random.uniform(-1, 1) * math.log(CALM_ZOOM))
        centre = box[:2] + box[2:] / 2
        # The face lies anywhere in the scene, mostly whole.
        margin = min(max(0.05, 0.4 * size * scale / side), 0.5)
        place = random.uniform(margin, 1 - margin, 2) * side
    else:
        scale = math.exp(random.uniform(math.log(0.35), math.log(1.8)))
        centre = random.uniform(0, 1, 2) * (width, height)
        place = np.full(2, side / 2)
    place = centre * scale + _within(
        place - centre * scale, np.array([width, height]) * scale, side
    )
    turn = math.radians(random.uniform(-_TURN_DEG, _TURN_DEG)) if random.random() < TURNED else 0.0
    axes = scale * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    matrix = np.column_stack([axes, place - axes @ centre])
    small, fitting = averaged(source.picture, axes, scale)
    picture = _warp(small, np.column_stack([fitting, matrix[:, 2]]), side, random)
    boxes = source.boxes
    centres = (boxes[:, :2] + boxes[:, 2:] / 2) @ axes.T + matrix[:, 2]
    # A turned face keeps its box's size: the labels' corners say nothing of its outline.
    moved = np.concatenate([centres - boxes[:, 2:] * scale / 2, boxes[:, 2:] * scale], axis=1)
    marks = source.marks or no_marks(len(boxes))
    points = (marks.landmarks @ axes.T + matrix[:, 2]).astype(np.float32)
    return _labelled(picture, moved.astype(np.float32), Marks(points, marks.scores))


def _within(corner: np.ndarray, size: np.ndarray, side: int) -> np.ndarray:
    """Where to put the corner of a picture of that size so that as little as possible of it, or of
    the scene, is wasted."""
    slack = side - size
    moved: np.ndarray = np.clip(corner, np.minimum(slack, 0), np.maximum(slack, 0))
    return moved


def _warp(picture: Picture, matrix: np.ndarray, side: int, random: np.random.Generator) -> Picture:
    # Pixel centres lie half a pixel inside their edges on both sides of the map.
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ np.full(2, 0.5) - 0.5
    fill = float(random.integers(0, 256)) if random.random() < 0.3 else 0.0
    return cast(
        Picture,
        cv2.warpAffine(
            picture, shifted, (side, side), flags=cv2.INTER_LINEAR, borderValue=(fill, fill, fill)
        ),
    )


def _labelled(picture: Picture, boxes: Floats, marks: Marks) -> Scene:
    """What of the boxes lies inside the scene, apart what is cut too much."""
    side = picture.shape[0]
    corner = np.clip(boxes[:, :2], 0, side)
    size = np.clip(boxes[:, :2] + boxes[:, 2:], 0, side) - corner
    visible = size.prod(axis=1) / np.maximum(boxes[:, 2:].prod(axis=1), 1e-6)
    inside = np.concatenate([corner, size], axis=1)
    clear = visible >= LEAST_VISIBLE
    kept = Marks(marks.landmarks[clear], marks.scores[clear])
    return Scene(picture, inside[clear], inside[(visible > 0) & ~clear], kept)


def _mosaic(parts: Sequence[Scene], half: int) -> Scene:
    rows = [np.concatenate([p.picture for p in parts[i : i + 2]], axis=1) for i in (0, 2)]
    moves = [
        np.array([column * half, row * half, 0, 0], np.float32)
        for row in (0, 1)
        for column in (0, 1)
    ]
    placed = list(zip(parts, moves, strict=True))
    return Scene(
        np.concatenate(rows, axis=0),
        np.concatenate([part.boxes + move for part, move in placed]),
        np.concatenate([part.unclear + move for part, move in placed]),
        Marks(
            np.concatenate([part.marks.landmarks + move[:2] for part, move in placed]),
            np.concatenate([part.marks.scores for part in parts]),
        ),
    )


def _mirrored(scene: Scene) -> Scene:
    side = scene.picture.shape[1]

    def mirrored(boxes: Floats) -> Floats:
        turned = boxes.copy()
        turned[:, 0] = side - boxes[:, 0] - boxes[:, 2]
        return turned

    points = scene.marks.landmarks[:, MIRRORED]
    points = np.stack([side - points[..., 0], points[..., 1]], axis=2)
    return Scene(
        np.ascontiguousarray(scene.picture[:, ::-1]),
        mirrored(scene.boxes),
        mirrored(scene.unclear),
        Marks(points, scene.marks.scores),
    )


def damage(picture: Picture, random: np.random.Generator) -> Picture:
    """Light, colour, blur, resolution, noise and compression as cameras and networks give them."""
    if random.random() < 0.7:
        picture = _relit(picture, random)
    if random.random() < 0.1:
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        picture = cast(Picture, cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    side = picture.shape[0]
    kind = random.random()
    if kind < 0.15:
        sigma = float(random.uniform(0.4, 1.6))
        picture = cast(Picture, cv2.GaussianBlur(picture, (0, 0), sigma))
    elif kind < 0.3:
        small = round(side * random.uniform(0.4, 0.9))
        shrunk = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
        picture = cast(Picture, cv2.resize(shrunk, (side, side), interpolation=cv2.INTER_LINEAR))
    if random.random() < 0.15:
        noise = random.normal(0, random.uniform(2, 12), (side, side, 1)).astype(np.float32)
        picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    if random.random() < 0.2:
        quality = int(random.integers(25, 85))
        _, coded = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, quality))
        picture = cast(Picture, cv2.imdecode(coded, cv2.IMREAD_COLOR))
    return picture


def _relit(picture: Picture, random: np.random.Generator) -> Picture:
    """Gamma, contrast and brightness by one table a channel."""
    levels = np.linspace(0, 1, 256)
    tables = []
    gamma = math.exp(random.normal(0, 0.3))
    contrast, bright = math.exp(random.normal(0, 0.15)), random.normal(0, 0.06)
    for _ in range(3):
        own = contrast * math.exp(random.normal(0, 0.06))
        tables.append(np.clip((levels**gamma - 0.5) * own + 0.5 + bright, 0, 1) * 255)
    return cast(Picture, cv2.LUT(picture, np.stack(tables, axis=1).astype(np.uint8)[None]))
