"""A plain meeting room, drawn: wall, window or screen, chairs, and the table in front."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from readroom.ingest.demo.faces import Image
from readroom.ingest.demo.warp import softened

Canvas = NDArray[np.float32]
Colour = tuple[float, float, float]

#: The table's far edge, as a share of the frame's height.
TABLE_RATIO = 0.80

#: The window (x0, y0, x1, y1) in shares of the picture. Its bright frame stays away from the
#: people: reaching down between them, it made the Haar cascade see one large face there.
WINDOW = (0.40, 0.07, 0.57, 0.36)

WALL_TOP: Colour = (206, 212, 214)
WALL_BOTTOM: Colour = (168, 178, 184)
SKIRTING: Colour = (140, 148, 152)
SCREEN: Colour = (92, 78, 66)
SCREEN_RIM: Colour = (46, 44, 44)
SKY_TOP: Colour = (238, 222, 202)
SKY_BOTTOM: Colour = (226, 230, 232)
WINDOW_RIM: Colour = (232, 235, 236)
CHAIR: Colour = (150, 146, 140)
TABLE_FAR: Colour = (98, 128, 158)
TABLE_NEAR: Colour = (62, 88, 118)
TABLE_RIM: Colour = (124, 154, 182)


def background(camera: str, size: tuple[int, int], chairs: Sequence[tuple[float, float]]) -> Image:
    """The empty room, BGR uint8 (height, width, 3), for a (width, height).

    `chairs` are (middle, width) pairs in pixels. The left camera sees a window, the right one a
    screen.
    """
    width, height = size
    room = _gradient(size, WALL_TOP, WALL_BOTTOM)
    _panels(room)
    if camera == "left":
        _window(room)
    else:
        _screen(room)
    for middle, chair_width in chairs:
        _chair(room, middle, chair_width)
    # A lens that is focused on the people leaves the room a little soft.
    room = softened(room, 2.2 * height / 720)
    _table(room)
    grain = np.random.default_rng(len(camera)).normal(0.0, 1.2, (height, width, 1))
    return np.clip(room + grain, 0, 255).astype(np.uint8)


def _gradient(size: tuple[int, int], top: Colour, bottom: Colour) -> Canvas:
    width, height = size
    mix = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None, None]
    rows = np.array(top, np.float32) * (1 - mix) + np.array(bottom, np.float32) * mix
    return np.ascontiguousarray(np.broadcast_to(rows, (height, width, 3)), dtype=np.float32)


def _box(room: Canvas, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
    """Fills a rectangle given in shares of the picture."""
    height, width = room.shape[:2]
    corner, opposite = (int(x0 * width), int(y0 * height)), (int(x1 * width), int(y1 * height))
    cv2.rectangle(room, corner, opposite, colour, -1)


def _panels(room: Canvas) -> None:
    width = room.shape[1]
    for x in np.linspace(0.0, 1.0, 6)[1:-1]:
        column = int(x * width)
        room[:, column : column + max(1, width // 640)] *= 0.93
    _box(room, 0.0, 0.77, 1.0, 0.785, SKIRTING)


def _window(room: Canvas) -> None:
    _box(room, *WINDOW, WINDOW_RIM)
    height, width = room.shape[:2]
    x0, y0, x1, y1 = WINDOW
    rim, middle = 0.008, (x0 + x1) / 2
    rows = slice(int((y0 + 2 * rim) * height), int((y1 - 2 * rim) * height))
    for left, right in ((x0 + rim, middle - rim / 2), (middle + rim / 2, x1 - rim)):
        pane = room[rows, int(left * width) : int(right * width)]
        pane[:] = _gradient((pane.shape[1], pane.shape[0]), SKY_TOP, SKY_BOTTOM)


def _screen(room: Canvas) -> None:
    _box(room, 0.06, 0.12, 0.30, 0.50, SCREEN_RIM)
    _box(room, 0.068, 0.135, 0.292, 0.485, SCREEN)
    for row, end in ((0.20, 0.22), (0.26, 0.27), (0.32, 0.19), (0.38, 0.25)):
        _box(room, 0.09, row, end, row + 0.015, (128, 112, 98))


def _chair(room: Canvas, middle: float, width: float) -> None:
    height = room.shape[0]
    top, bottom = int(0.50 * height), int(TABLE_RATIO * height)
    half, radius = width / 2, int(width * 0.16)
    x0, x1 = int(middle - half), int(middle + half)
    cv2.rectangle(room, (x0 + radius, top), (x1 - radius, bottom), CHAIR, -1)
    cv2.rectangle(room, (x0, top + radius), (x1, bottom), CHAIR, -1)
    for x in (x0 + radius, x1 - radius):
        cv2.circle(room, (x, top + radius), radius, CHAIR, -1)


def _table(room: Canvas) -> None:
    height, width = room.shape[:2]
    edge = int(TABLE_RATIO * height)
    room[edge:] = _gradient((width, height - edge), TABLE_FAR, TABLE_NEAR)
    fibres = np.random.default_rng(7).normal(0.0, 5.0, (height - edge, width)).astype(np.float32)
    fibres = np.asarray(
        cv2.GaussianBlur(fibres, (0, 0), sigmaX=width / 40, sigmaY=0.8), dtype=np.float32
    )
    room[edge:] += (fibres * (4.0 / max(float(fibres.std()), 1e-6)))[..., None]
    room[edge : edge + max(1, height // 180)] = TABLE_RIM
