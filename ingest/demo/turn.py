"""Turning a head that is only a picture: every row is read as an ellipse seen from the front.

Where the outline of a row is at u = ±1, a point of the picture at u lies at the angle
asin(u) on the ellipse around the vertical axis. Turning by yaw shows at u what was at
sin(asin(u) - yaw): the middle of the face moves by (half width)·sin(yaw), the near cheek is
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
    nose: Plane


def head_shape(
    alpha: Plane, top_y: float, chin_y: float, collar_y: float, nose: tuple[float, float, float]
) -> HeadShape:
    """Measures a head's rows in its matte `alpha` (float32 0..1, the head's rows only).

    The rows are pixels of the same picture; `nose` is (x, y, radius) of the nose's bump.
    """
    height, width = alpha.shape
    left, right = _edges(alpha, chin_y)
    centre, half = (left + right) / 2, (right - left) / 2
    grid = identity((width, height))
    x, y = grid[..., 0], grid[..., 1]
    u = np.clip((x - centre[:, None]) / half[:, None], -1.0, 1.0)
    middle, tall = (top_y + chin_y) / 2, (chin_y - top_y) / 2
    column = tall * np.sqrt(np.maximum(1.0 - u**2, 0.04))
    v = np.clip((y - middle) / column, -1.0, 1.0)
    hold = np.clip((collar_y - y) / (collar_y - chin_y), 0.0, 1.0)
    bump = np.exp(-((x - nose[0]) ** 2 + (y - nose[1]) ** 2) / (2 * nose[2] ** 2))
    return HeadShape(
        coordinates=grid,
        theta=np.arcsin(u).astype(np.float32),
        half_width=np.repeat(half[:, None], width, axis=1).astype(np.float32),
        phi=np.arcsin(v).astype(np.float32),
        half_height=column.astype(np.float32),
        hold=(hold * hold * (3 - 2 * hold)).astype(np.float32),
        nose=bump.astype(np.float32),
    )


def _edges(alpha: Plane, chin_y: float) -> tuple[Plane, Plane]:
    """The head's left and right edge in each row; below the chin the chin's own."""
    inside = alpha > 0.5
    left = np.argmax(inside, axis=1).astype(np.float32)
    right = (alpha.shape[1] - 1 - np.argmax(inside[:, ::-1], axis=1)).astype(np.float32)
    rows = np.nonzero(inside.any(axis=1))[0]
    first, last = int(rows[0]), int(chin_y)
    for edge in (left, right):
        edge[:first] = edge[first]
        edge[last:] = edge[last]
    return _smooth(left), _smooth(right)


def _smooth(edge: Plane) -> Plane:
    kernel = np.hanning(SMOOTH_ROWS + 2)[1:-1]
    padded = np.pad(edge, SMOOTH_ROWS // 2, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid").astype(np.float32)


def turned(shape: HeadShape, yaw_rad: float, pitch_rad: float) -> Field:
    """Coordinates to read a head at, so that it is turned; float32 (height, width, 2).

    Positive yaw moves the nose to the picture's right, positive pitch moves it up.
    """
    out = shape.coordinates.copy()
    yaw, pitch = np.float32(yaw_rad), np.float32(-pitch_rad)
    out[..., 0] += shape.half_width * (
        np.sin(shape.theta - yaw * shape.hold) - np.sin(shape.theta)
    )
    out[..., 1] += shape.half_height * (np.sin(shape.phi - pitch * shape.hold) - np.sin(shape.phi))
    return out
