"""Painted photographs with faces: bright patches on a dark ground, which the teacher of
tests/models/own_network.py takes for faces."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from readroom.models.lab.faces.photos import ANNOTATIONS

#: Faces lie in a grid of this step, px: a patch fills one cell of it.
STEP_PX = 32


def painted(random: np.random.Generator, width: int = 192, height: int = 128) -> tuple:
    """A photograph, uint8 BGR, and the boxes [n, 4] of its one to three faces."""
    picture = random.integers(0, 40, (height, width, 3)).astype(np.uint8)
    columns, rows = width // STEP_PX, height // STEP_PX
    chosen = random.choice(columns * rows, int(random.integers(1, 4)), replace=False)
    boxes = []
    for cell in chosen.tolist():
        x, y = (cell % columns) * STEP_PX, (cell // columns) * STEP_PX
        picture[y : y + STEP_PX, x : x + STEP_PX] = random.integers(200, 256)
        boxes.append([x, y, STEP_PX, STEP_PX])
    return picture, np.array(boxes, np.float32)


def folder_of(path: Path, count: int = 24, seed: int = 0) -> Path:
    """A folder of painted photographs, labelled."""
    random = np.random.default_rng(seed)
    (path / "images").mkdir(parents=True)
    lines = []
    for number in range(count):
        picture, boxes = painted(random)
        name = f"{number:03}.png"
        cv2.imwrite(str(path / "images" / name), picture)
        lines.append(line(name, picture, boxes))
    (path / ANNOTATIONS).write_text("\n".join(lines) + "\n")
    return path


def line(name: str, picture: np.ndarray, boxes: np.ndarray) -> str:
    """A photograph's line in the annotations."""
    height, width = picture.shape[:2]
    return json.dumps(
        {"file": name, "width": width, "height": height, "boxes_xywh": boxes.tolist()}
    )
