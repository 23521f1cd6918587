"""What cameras do to faces, done to training pictures: the box sits elsewhere, the head is turned,
the face is small, blurred, compressed, dark, noisy or half hidden.

The shift, scale and rotation of the box go through the same ``cut_square`` that cuts faces in a
worker. Spreads follow YuNet's boxes on 1,385 training pictures: half of all squares differ
from the median by less than a tenth in size and 3 % in place, 90 % by less than a third and 9 %.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from readroom.models.crop import Grey, Square, cut_square
from readroom.models.lab.expression.dataset import SIDE_PX

Random = np.random.Generator

_BORDERS = (cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101, cv2.BORDER_CONSTANT)
#: How often each kind of damage is done, one after the other.
DAMAGE_RATIO: Final = 0.12


def augment(face: Grey, random: Random, strength: float = 1.0) -> Grey:
    """A face uint8 [48, 48] as another camera might have given it; same shape.

    ``strength`` scales how far the box moves and how often the picture is damaged; 0 only
    mirrors.
    """
    if random.random() < 0.5:
        face = face[:, ::-1]
    if strength == 0:
        return np.ascontiguousarray(face)
    face = _reframed(face, random, strength)
    for damage in _DAMAGES:
        if random.random() < DAMAGE_RATIO * strength:
            face = damage(face, random)
    return np.ascontiguousarray(face)


def _reframed(face: Grey, random: Random, strength: float) -> Grey:
    across, down = random.normal(0, 0.045 * strength, 2) * SIDE_PX
    square = Square(
        SIDE_PX / 2 + across,
        SIDE_PX / 2 + down,
        SIDE_PX * float(np.exp(random.normal(-0.02, 0.11 * strength))),
        angle_deg=float(random.normal(0, 9 * strength)),
        stretch=float(np.exp(random.normal(0, 0.05 * strength))),
    )
    return cut_square(face, square, SIDE_PX, border=_BORDERS[int(random.integers(len(_BORDERS)))])


def _small(face: Grey, random: Random) -> Grey:
    side = int(random.integers(12, 40))
    small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    way = (cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(random.integers(2))]
    return cast(Grey, cv2.resize(small, (SIDE_PX, SIDE_PX), interpolation=way))


def _blurred(face: Grey, random: Random) -> Grey:
    if random.random() < 0.6:
        return cast(Grey, cv2.GaussianBlur(face, (0, 0), float(random.uniform(0.4, 1.5))))
    length = int(random.integers(2, 5)) * 2 - 1
    line = np.zeros((length, length), np.float32)
    line[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D((length // 2, length // 2), float(random.uniform(0, 180)), 1)
    kernel = cast(NDArray[np.float32], cv2.warpAffine(line, turn, (length, length)))
    return cast(Grey, cv2.filter2D(face, -1, kernel / max(float(kernel.sum()), 1e-6)))


def _lit(face: Grey, random: Random) -> Grey:
    ramp = np.linspace(-1, 1, SIDE_PX, dtype=np.float32) * random.uniform(-25, 25)
    light = ramp[None, :] if random.random() < 0.5 else ramp[:, None]
    contrast, brightness = random.uniform(0.45, 1.35), random.uniform(-35, 35)
    mean = float(face.mean())
    grey = (face - mean) * contrast + mean + brightness + light
    return np.clip(grey, 0, 255).astype(np.uint8)


def _toned(face: Grey, random: Random) -> Grey:
    table = 255 * (np.arange(256) / 255) ** float(np.exp(random.uniform(-0.7, 0.7)))
    return cast(Grey, cv2.LUT(face, table.astype(np.uint8)))


def _noisy(face: Grey, random: Random) -> Grey:
    noise = random.standard_normal(face.shape, np.float32) * random.uniform(3, 11)
    return np.clip(face + noise, 0, 255).astype(np.uint8)


def _compressed(face: Grey, random: Random) -> Grey:
    # A face is a small part of a frame: at twice the size, blocks are as coarse as there.
    large = cv2.resize(face, (2 * SIDE_PX, 2 * SIDE_PX), interpolation=cv2.INTER_LINEAR)
    _, body = cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(15, 70))])
    decoded = cast(Grey, cv2.imdecode(body, cv2.IMREAD_GRAYSCALE))
    return cast(Grey, cv2.resize(decoded, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA))


def _hidden(face: Grey, random: Random) -> Grey:
    width, height = random.integers(6, 22, 2)
    x, y = random.integers(0, SIDE_PX - width), random.integers(0, SIDE_PX - height)
    hidden = face.copy()
    shade = random.integers(0, 256)
    hidden[y : y + height, x : x + width] = (
        shade if random.random() < 0.5 else random.integers(0, 256, (height, width))
    )
    return hidden


#: In the order in which light, lens, sensor and codec do them.
_DAMAGES: tuple[Callable[[Grey, Random], Grey], ...] = (
    _hidden, _lit, _toned, _blurred, _small, _noisy, _compressed,
)  # fmt: skip
