"""Smooth displacement fields from a few moved points, and pictures moved along them.

A field is float32 (height, width, 2): for every pixel of the result, how far away (dx, dy in
pixels) its colour is found in the source. Scaling a field by an amount in 0..1 gives the
expressions in between.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Image = NDArray[np.uint8]

#: `cv2.remap` takes one two-channel map; the second must be there, but empty.
NO_MAP: NDArray[np.float32] = np.empty(0, dtype=np.float32)
#: Spacing in pixels of the grid on which the spline is solved; it is upsampled in between.
GRID_STEP_PX = 4


def thin_plate_field(
    moved_to: NDArray[np.float32],
    moved_from: NDArray[np.float32],
    size: tuple[int, int],
) -> Field:
    """Field that shows at each point of `moved_to` what was at the same row of `moved_from`.

    Both are float32 (n, 2) in pixels, `size` is (width, height). The thin-plate spline
    U(r) = r² log r with an affine part (Bookstein 1989) interpolates the points exactly.
    """
    width, height = size
    xs = np.arange(0, width + GRID_STEP_PX, GRID_STEP_PX, dtype=np.float64)
    ys = np.arange(0, height + GRID_STEP_PX, GRID_STEP_PX, dtype=np.float64)
    grid = np.stack(np.meshgrid(xs, ys), axis=-1)
    values = _spline(np.asarray(moved_to, np.float64), np.asarray(moved_from - moved_to), grid)
    full = identity((width, height)) / np.float32(GRID_STEP_PX)
    return moved_plane(values.astype(np.float32), full)


def _spline(
    centres: NDArray[np.float64], values: NDArray[np.floating], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    n = len(centres)
    system = np.zeros((n + 3, n + 3))
    system[:n, :n] = _radial(centres[:, None] - centres[None])
    system[:n, n] = system[n, :n] = 1.0
    system[:n, n + 1 :] = centres
    system[n + 1 :, :n] = centres.T
    weights = np.linalg.solve(system, np.vstack([values, np.zeros((3, values.shape[1]))]))
    bent = _radial(at[..., None, :] - centres) @ weights[:n]
    return np.asarray(bent + weights[n] + at @ weights[n + 1 :])


def _radial(offset: NDArray[np.float64]) -> NDArray[np.float64]:
    squared = np.sum(offset**2, axis=-1)
    return np.asarray(0.5 * squared * np.log(np.maximum(squared, 1e-12)))


def identity(size: tuple[int, int]) -> Field:
    """The coordinates of every pixel, float32 (height, width, 2), for a (width, height)."""
    width, height = size
    xs = np.arange(width, dtype=np.float32)
    ys = np.arange(height, dtype=np.float32)
    return np.stack(np.meshgrid(xs, ys), axis=-1)


def moved(image: Image, coordinates: Field) -> Image:
    """The colours of a uint8 picture at float coordinates (height, width, 2), edges repeated."""
    at = cv2.remap(image, coordinates, NO_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(at, dtype=np.uint8)


def moved_plane(plane: NDArray[np.float32], coordinates: Field) -> NDArray[np.float32]:
    """The values of a float32 plane or field at float coordinates, 0 outside."""
    return np.asarray(cv2.remap(plane, coordinates, NO_MAP, cv2.INTER_LINEAR), dtype=np.float32)


def softened(plane: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """A float32 plane or picture after a Gaussian blur."""
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma_px), dtype=np.float32)


def mixed(first: Image, second: Image, weight: NDArray[np.float32]) -> Image:
    """`first` where `weight` (height, width) is 0, `second` where it is 1; uint8 BGR."""
    return np.asarray(cv2.blendLinear(second, first, weight, 1.0 - weight), dtype=np.uint8)
