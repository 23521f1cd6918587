"""Turning a head that is only a picture: every row is read as an ellipse seen from the front.

Where the outline of a row is at u = ±1, a point of the picture at u lies at the angle
asin(u) on the ellipse around the vertical axis. Turning by yaw shows at u what was at
sin(asin(u) - yaw): the middle of the face moves by (half width)·sin(yaw), the far cheek is
squeezed, and what was hidden behind the edge (|angle| > 90°) is filled with its mirror image,
which for hair and hats looks right. On an ellipsoid this is the exact rotation; on a head it
follows the true outline instead, so the outline itself never tears. A nod moves the columns in
the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from readroom.ingest.demo.warp import Field, identity

Plane = NDArray[np.float32]

#: The outline is smoothed over this many rows, so that an ear doesn't bend the cheek beside it.
SMOOTH_ROWS = 25
#: Beyond the outline a turn fades out within this share of the head's half width.
FADE_RATIO = 0.12
#: Least relative length of a column, so that a nod at the temples stays smooth.
MIN_COLUMN = 0.3


@dataclass(frozen=True)
class HeadShape:
    """What is known of a head before it turns; planes are float32 (height, width).

    `theta` and `phi` are the angles (radians) of each pixel around the vertical and the
    horizontal axis, `half_width` and `half_height` the lengths in pixels that belong to them,
    `hold` says how much of a turn reaches the pixel: 1 on the head, 0 on the shoulders.
    """

    coordinates: Field
    theta: Plane
    half_width: Plane
    phi: Plane
    half_height: Plane
    hold: Plane


def head_shape(
    matte: Plane, top_y: float, edge_y: float, chin_y: float, collar_y: float
) -> HeadShape:
    """Measures a head in its matte, float32 (height, width) in 0..1; rows as in `Portrait`."""
    height, width = matte.shape
    left, right = _edges(matte, edge_y)
    centre, half = ((left + right) / 2)[:, None], ((right - left) / 2)[:, None]
    grid = identity((width, height))
    x, y = grid[..., 0], grid[..., 1]
    outside = np.maximum(np.abs(x - centre) / half - 1.0, 0.0)
    fade = np.exp(-((outside / FADE_RATIO) ** 2))
    u = np.clip((x - centre) / half, -1.0, 1.0)
    middle, tall = (top_y + chin_y) / 2, (chin_y - top_y) / 2
    column = tall * np.maximum(np.sqrt(1.0 - u**2), MIN_COLUMN)
    hold = np.clip((collar_y - y) / (collar_y - chin_y), 0.0, 1.0)
    return HeadShape(
        coordinates=grid,
        theta=np.arcsin(u).astype(np.float32),
        half_width=(half * fade).astype(np.float32),
        phi=np.arcsin(np.clip((y - middle) / column, -1.0, 1.0)).astype(np.float32),
        half_height=(column * fade).astype(np.float32),
        hold=(hold * hold * (3.0 - 2.0 * hold)).astype(np.float32),
    )


def turned(shape: HeadShape, yaw_rad: float, pitch_rad: float) -> Field:
    """Coordinates to read a head at, so that it is turned; float32 (height, width, 2).

    Positive yaw moves the nose to the picture's right, positive pitch moves it up.
    """
    out = shape.coordinates.copy()
    # y grows downward, so a nose that goes up goes to smaller angles.
    yaw, nod = np.float32(yaw_rad), np.float32(-pitch_rad)
    out[..., 0] += shape.half_width * (
        np.sin(shape.theta - yaw * shape.hold) - np.sin(shape.theta)
    )
    out[..., 1] += shape.half_height * (np.sin(shape.phi - nod * shape.hold) - np.sin(shape.phi))
    return out


def _edges(matte: Plane, edge_y: float) -> tuple[Plane, Plane]:
    """The head's left and right edge in each row, float32 (height,)."""
    inside = matte > 0.5
    rows = np.nonzero(inside.any(axis=1))[0]
    first, last = int(rows[0]), int(edge_y)
    left = np.argmax(inside, axis=1).astype(np.float32)
    right = (inside.shape[1] - 1 - np.argmax(inside[:, ::-1], axis=1)).astype(np.float32)
    for edge in (left, right):
        edge[:first] = edge[first]
        edge[last:] = edge[last]
    return _smooth(left), _smooth(right)


def _smooth(edge: Plane) -> Plane:
    kernel = np.hanning(SMOOTH_ROWS + 2)[1:-1]
    padded = np.pad(edge, SMOOTH_ROWS // 2, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid").astype(np.float32)
