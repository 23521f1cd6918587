"""Expressions as movements of landmarks, in units of the distance between the eyes.

Each table says where a landmark goes at full strength, as (dx, dy) with dy positive downward;
what isn't named stays where it is. Left and right belong to the picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from readroom.ingest.demo.faces import Landmarks, Points, group_slice
from readroom.ingest.demo.warp import Field, thin_plate_field

Offsets = Mapping[str, Sequence[tuple[float, float]]]

STILL = (0.0, 0.0)

SMILE: Offsets = {
    "lips": [
        (-0.10, -0.10),
        (-0.06, -0.05),
        (0.0, -0.01),
        (0.06, -0.05),
        (0.10, -0.10),
        (0.06, -0.01),
        (0.0, 0.02),
        (-0.06, -0.01),
    ],
    "slit": [(0.0, 0.01), (0.0, 0.01)],
    "nose": [STILL, STILL, (-0.03, -0.03), (0.03, -0.03), STILL],
    "eye_left": [STILL, STILL, STILL, (0.0, -0.03)],
    "eye_right": [STILL, STILL, STILL, (0.0, -0.03)],
}

FROWN_SAD: Offsets = {
    "lips": [
        (0.02, 0.11),
        (0.0, 0.03),
        (0.0, -0.03),
        (0.0, 0.03),
        (-0.02, 0.11),
        (0.0, 0.03),
        (0.0, -0.03),
        (0.0, 0.03),
    ],
    "slit": [(0.0, -0.03), (0.0, -0.03)],
    "brow_left": [(0.0, 0.05), (0.0, 0.0), (0.02, -0.06), (0.04, -0.12)],
    "brow_right": [(-0.04, -0.12), (-0.02, -0.06), (0.0, 0.0), (0.0, 0.05)],
    "eye_left": [(0.0, 0.03), (0.0, 0.03), STILL, STILL],
    "eye_right": [STILL, (0.0, 0.03), (0.0, 0.03), STILL],
}

GASP: Offsets = {
    "lips": [
        (0.10, 0.08),
        (0.05, 0.0),
        (0.0, -0.04),
        (-0.05, 0.0),
        (-0.10, 0.08),
        (-0.03, 0.26),
        (0.0, 0.31),
        (0.03, 0.26),
    ],
    "slit": [(0.0, -0.02), (0.0, 0.27)],
    "brow_left": [(0.0, -0.11), (0.0, -0.13), (0.0, -0.13), (0.0, -0.11)],
    "brow_right": [(0.0, -0.11), (0.0, -0.13), (0.0, -0.13), (0.0, -0.11)],
    "eye_left": [STILL, (0.0, -0.02), STILL, (0.0, 0.01)],
    "eye_right": [STILL, (0.0, -0.02), STILL, (0.0, 0.01)],
    "jaw": [
        STILL,
        STILL,
        STILL,
        (0.0, 0.08),
        (0.0, 0.16),
        (0.0, 0.20),
        (0.0, 0.16),
        (0.0, 0.08),
        STILL,
        STILL,
        STILL,
    ],
}

BLINK: Offsets = {
    "eye_left": [STILL, (0.0, 0.13), STILL, STILL],
    "eye_right": [STILL, (0.0, 0.13), STILL, STILL],
}

#: A smile with teeth let go: corners in and down, so that a calm mouth can be cloned in.
UNSMILE: Offsets = {
    "lips": [
        (0.08, 0.10),
        (0.03, 0.09),
        (0.0, 0.06),
        (-0.03, 0.09),
        (-0.08, 0.10),
        (-0.02, 0.03),
        (0.0, -0.02),
        (0.02, 0.03),
    ],
    "slit": [(0.0, 0.07), (0.0, -0.03)],
    "nose": [STILL, STILL, (0.03, 0.01), (-0.03, 0.01), STILL],
    "eye_left": [STILL, STILL, STILL, (0.0, 0.02)],
    "eye_right": [STILL, STILL, STILL, (0.0, 0.02)],
}

#: A trace of a smile taken back, so that a calm face is read as neutral and no more.
SOBER: Offsets = {
    "lips": [(0.02, 0.04), (0.0, 0.02), STILL, (0.0, 0.02), (-0.02, 0.04), STILL, STILL, STILL],
}

#: Not an expression but another face: a broader jaw and nose, longer chin, lower outer brows.
RESHAPE: Offsets = {
    "jaw": [
        (-0.03, 0.0),
        (-0.06, 0.0),
        (-0.08, 0.0),
        (-0.09, 0.02),
        (-0.06, 0.05),
        (0.0, 0.07),
        (0.06, 0.05),
        (0.09, 0.02),
        (0.08, 0.0),
        (0.06, 0.0),
        (0.03, 0.0),
    ],
    "nose": [STILL, (0.0, 0.03), (-0.04, 0.03), (0.04, 0.03), (0.0, 0.04)],
    "brow_left": [(0.0, 0.05), (0.0, 0.02), STILL, STILL],
    "brow_right": [STILL, STILL, (0.0, 0.02), (0.0, 0.05)],
}


def moved_points(face: Landmarks, offsets: Offsets, strength: float = 1.0) -> Landmarks:
    """The landmark table after an expression at `strength` (1 = as the table stands)."""
    points = face.points.copy()
    unit = face.eye_distance_px * strength
    for group, moves in offsets.items():
        points[group_slice(group)] += np.array(moves, dtype=np.float32) * np.float32(unit)
    return Landmarks(points)


def expression_field(before: Points, after: Points, size: tuple[int, int]) -> Field:
    """Field that carries a face from the points `before` to `after`; the border stays put.

    Both tables are float32 (n, 2) in pixels of the picture of `size` (width, height).
    """
    border = _border(size)
    return thin_plate_field(np.concatenate([after, border]), np.concatenate([before, border]), size)


def _border(size: tuple[int, int]) -> Points:
    width, height = size
    xs = np.linspace(0, width - 1, 7, dtype=np.float32)
    ys = np.linspace(0, height - 1, 7, dtype=np.float32)[1:-1]
    rows = [(x, y) for x in xs for y in (0, height - 1)]
    columns = [(x, y) for y in ys for x in (0, width - 1)]
    return np.array(rows + columns, dtype=np.float32)
