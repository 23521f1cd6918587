"""Turning a head that is only a picture: it is read as an ellipsoid seen from the front.

In each row a point of the picture lies at the angle theta = asin(x / w) around the vertical
axis, x from the middle of the head and w half its width there. A head turned by yaw shows at
theta what was at theta - yaw, so the colour of a pixel is found
r·(sin(theta - yaw) - sin(theta)) away, with one radius r for the whole head: forehead, nose and
chin move together by r·sin(yaw) and the eyes come closer together. On an ellipse w = r this is
the exact rotation. Beyond |x| = 0.6·w the distance falls linearly to 0, so that the outline of
hair and hat stays in place: the far side is squeezed, and instead of what the portrait never
showed, the near side (an ear, hair) gets broader. A nod moves the rows in the same way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from readroom.ingest.demo.warp import Field, identity

Plane = NDArray[np.float32]

#: The distance falls to 0 with this slope: it meets the ellipse at 0.6 of the half width, and
#: doesn't fold the picture for yaws up to 30°.
EDGE_SLOPE = 2.0
#: The outline is smoothed over this many rows, so that an ear doesn't bend the cheek beside it.
SMOOTH_ROWS = 41


@dataclass(frozen=True)
class Axis:
    """Where the pixels of a head are along one axis of the picture.

    `at` is the coordinate; `sines` and `cosines` are those of the angle around the other axis,
    falling to 0 at the outline, times the radius in pixels. All float32 (height, width).
    """

    at: Plane
    sines: Plane
    cosines: Plane


@dataclass(frozen=True)
class HeadShape:
    """What is known of a head before it turns.

    `side` is float32 (height, width), -1 at the left edge of the head to 1 at the right one.
    """

    across: Axis
    upright: Axis
    side: Plane


def head_shape(
    matte: Plane, edge_y: float, radius: tuple[float, float], middle: tuple[float, float]
) -> HeadShape:
    """Measures the outline of a head.

    `matte` is float32 (height, width) in 0..1, a head's outline down to row `edge_y`; below, the
    last width is kept. `radius` and `middle` (x, y) are the ellipsoid's, in pixels.
    """
    height, width = matte.shape
    outline = _half_widths(matte, edge_y, middle[0])
    # A narrow top (the crown of a hat) turns less; a narrow jaw turns with the face.
    above = np.arange(height)[:, None] < middle[1]
    reach = np.where(above, np.minimum(outline, radius[0]), radius[0])
    half = np.where(above, outline, np.maximum(outline, radius[0]))
    grid = identity((width, height))
    u = np.clip((grid[..., 0] - middle[0]) / half, -1.0, 1.0)
    v = np.clip((grid[..., 1] - middle[1]) / radius[1], -1.0, 1.0)
    sideways = np.minimum(np.sqrt(1.0 - u**2), _falling(u))
    return HeadShape(
        across=_axis(grid[..., 0], u, reach),
        # A nod fades out at the sides too, or ears and hair would slide up and down.
        upright=_axis(grid[..., 1], v, radius[1] * sideways),
        side=u.astype(np.float32),
    )


def turned(shape: HeadShape, yaw_rad: float, pitch_rad: float) -> Field:
    """Coordinates to read a head at, so that it is turned; float32 (height, width, 2).

    Positive yaw moves the nose to the picture's right, positive pitch moves it up.
    """
    # y grows downward, so a nose that goes up goes to smaller angles.
    across, upright = _rotated(shape.across, yaw_rad), _rotated(shape.upright, -pitch_rad)
    return np.asarray(cv2.merge([across, upright]), dtype=np.float32)


def _rotated(axis: Axis, angle: float) -> Plane:
    # sin(a - b) - sin(a) = sin(a)·(cos(b) - 1) - cos(a)·sin(b)
    away = cv2.addWeighted(axis.sines, math.cos(angle) - 1.0, axis.cosines, -math.sin(angle), 0.0)
    return np.asarray(cv2.add(axis.at, away), dtype=np.float32)


def _axis(at: Plane, sines: NDArray[np.floating], radius: NDArray[np.floating]) -> Axis:
    falling = _falling(sines)
    cosines = np.minimum(np.sqrt(1.0 - sines**2), falling)
    return Axis(
        at=np.ascontiguousarray(at),
        sines=np.asarray(sines * np.minimum(1.0, falling) * radius, dtype=np.float32),
        cosines=np.asarray(cosines * radius, dtype=np.float32),
    )


def _falling(sines: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray(EDGE_SLOPE * (1.0 - np.abs(sines)))


def _half_widths(matte: Plane, edge_y: float, middle_x: float) -> NDArray[np.float32]:
    """From the middle to the head's edge, for each pixel on its side; float32 (height, width)."""
    inside = matte > 0.5
    rows = np.nonzero(inside.any(axis=1))[0]
    first, last = int(rows[0]), int(edge_y)
    left = middle_x - np.argmax(inside, axis=1)
    right = inside.shape[1] - 1 - np.argmax(inside[:, ::-1], axis=1) - middle_x
    for edge in (left, right):
        edge[:first] = edge[first]
        edge[last:] = edge[last]
    columns = np.arange(matte.shape[1])[None]
    halves = np.where(columns < middle_x, _smooth(left)[:, None], _smooth(right)[:, None])
    return np.maximum(halves, 1.0).astype(np.float32)


def _smooth(edge: NDArray[np.floating]) -> NDArray[np.float32]:
    kernel = np.hanning(SMOOTH_ROWS + 2)[1:-1]
    padded = np.pad(edge, SMOOTH_ROWS // 2, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid").astype(np.float32)
