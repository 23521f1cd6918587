"""People as they might have been boxed, lit, filmed and hidden: pictures and joints alike.

Everything is drawn from the generator that is given, so the same draw gives the same picture. A
joint that something was put over, that a table's edge cut off or that lies outside the input
counts as unseen; where it still lies inside, its place is asked for with less weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from readroom.models.boxes import Floats
from readroom.models.keypoints import grow, window
from readroom.models.lab.poses.teacher import FRAMINGS, MIRRORED, framed
from readroom.models.registry import InputSpec
from readroom.pixels import Picture

#: How much the place of a joint that was hidden counts, as a share of what it counted before.
HIDDEN_WEIGHT: Final = 0.3
#: Joints of which the teacher is less sure than this aren't placed.
LEAST_SCORE: Final = 0.25
#: Joints of at least this score say how far a body reaches.
_SURE: Final = 0.4
#: Largest rotation, degrees, and largest shift, as a share of the box's side.
_TURN_DEG: Final = 25.0
_SHIFT_RATIO: Final = 0.12
#: Smallest and largest zoom; above 1 the person fills more of the input.
_ZOOMS: Final = (0.72, 1.3)
#: Noise to be cut from and added: drawing it anew for every picture would cost more than a step.
_NOISE: Final = (
    np.random.default_rng(0).normal(0, 32, (448, 448, 3)).clip(-127, 127).astype(np.int8)
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One person as the network sees it: ``crop`` uint8 BGR [height, width, 3]; ``places``
    float32 [17, 2] input px; ``weights`` [17] how much each place counts, and ``visible`` [17] the
    score that is wanted, both 0..1."""

    crop: Picture
    places: Floats
    weights: Floats
    visible: Floats


def plain(picture: Picture, box: Floats, keypoints: Floats, spec: InputSpec) -> Sample:
    """A person in a box [4] as the worker would show it, with keypoints [17, 3] in photo px."""
    left, top, scale = window(box, spec)
    return _laid(
        picture, keypoints, np.array([[scale, 0, -scale * left], [0, scale, -scale * top]]), spec
    )


def augmented(
    picture: Picture,
    face: Floats,
    keypoints: Floats,
    spec: InputSpec,
    random: np.random.Generator,
    strength: float,
    other: Picture,
) -> Sample:
    """A person in a photo, whose face box is ``face`` [4] and whose keypoints are [17, 3], changed
    by as much as ``strength`` (0: not at all) says. ``other`` is a photo to cover it with."""
    height, width = picture.shape[:2]
    box = drawn_box(face, keypoints, width, height, random)
    mirrored = bool(random.random() < 0.5)
    matrix = drawn_matrix(box, spec, random, strength, mirrored=mirrored)
    sample = _laid(picture, keypoints[MIRRORED] if mirrored else keypoints, matrix, spec)
    if random.random() < 0.35 * strength:
        sample = cover(sample, other, random)
    if random.random() < 0.3 * strength:
        sample = cut_at_table(sample, other, random)
    crop = degrade(relight(sample.crop, random, strength), random, strength)
    return Sample(crop, sample.places, sample.weights, sample.visible)


def drawn_box(
    face: Floats, keypoints: Floats, width: int, height: int, random: np.random.Generator
) -> Floats:
    """A box [4] that somebody might have drawn around the person: grown from the face, as wide as
    the body's sure joints reach, or around more of the body than the worker looks at."""
    kind = random.random()
    if kind < 0.6:
        box: Floats = grow(face[None], width, height)[0]
        return box
    sure = keypoints[:, 2] >= _SURE
    if kind < 0.88 and sure.sum() >= 4:
        return _extent(face, keypoints[sure, :2], width, height, random)
    return framed(face[None], FRAMINGS[1 + int(random.integers(2))], width, height)[0]


def _extent(
    face: Floats, points: Floats, width: int, height: int, random: np.random.Generator
) -> Floats:
    corners = np.stack([face[:2], face[:2] + face[2:]])
    reached = np.concatenate([points, corners])
    low, high = reached.min(axis=0), reached.max(axis=0)
    # Hair, hands and feet reach beyond the joints.
    pad = random.uniform(0.0, 0.12, (2, 2)) * (high - low)
    low = np.clip(low - pad[0], 0, (width, height))
    high = np.clip(high + pad[1], 0, (width, height))
    return np.concatenate([low, np.maximum(high - low, 1.0)]).astype(np.float32)


def drawn_matrix(
    box: Floats,
    spec: InputSpec,
    random: np.random.Generator,
    strength: float,
    *,
    mirrored: bool,
) -> NDArray[np.float64]:
    """Photo px to input px, float64 [2, 3]: the box's window, shifted, zoomed and turned about its
    centre, and mirrored if wanted."""
    left, top, scale = window(box, spec)
    centre = np.array([left + spec.width / scale / 2, top + spec.height / scale / 2])
    sides = np.array([spec.width, spec.height]) / scale / spec.margin_ratio
    centre += random.uniform(-1, 1, 2) * _SHIFT_RATIO * strength * sides
    low, high = np.log(_ZOOMS)
    zoom = scale * np.exp(random.uniform(low, high) * strength)
    turned = random.random() < 0.6
    angle = np.deg2rad(random.uniform(-1, 1) * _TURN_DEG * strength) if turned else 0.0
    cosine, sine = zoom * np.cos(angle), zoom * np.sin(angle)
    linear = np.array([[cosine, sine], [-sine, cosine]])
    if mirrored:
        linear[0] *= -1
    middle = np.array([spec.width, spec.height]) / 2
    return np.concatenate([linear, (middle - linear @ centre)[:, None]], axis=1)


def _laid(
    picture: Picture, keypoints: Floats, matrix: NDArray[np.float64], spec: InputSpec
) -> Sample:
    crop = cv2.warpAffine(picture, matrix, (spec.width, spec.height))
    places = (keypoints[:, :2] @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    inside = ((places >= 0) & (places <= (spec.width, spec.height))).all(axis=1)
    scores = keypoints[:, 2] * inside
    weights = scores * (scores >= LEAST_SCORE)
    return Sample(cast(Picture, crop), places, weights, scores)


def hide(sample: Sample, crop: Picture, hidden: NDArray[np.bool_]) -> Sample:
    """The sample with another picture, in which these joints [17] can't be seen."""
    weights = sample.weights * np.where(hidden, np.float32(HIDDEN_WEIGHT), np.float32(1))
    return Sample(crop, sample.places, weights, sample.visible * ~hidden)


def cover(sample: Sample, other: Picture, random: np.random.Generator) -> Sample:
    """Something lies over part of the person: one or two rectangles."""
    crop, hidden = sample.crop.copy(), np.zeros(len(sample.places), bool)
    height, width = crop.shape[:2]
    for _ in range(int(random.integers(1, 3))):
        across, down = (random.uniform(0.12, 0.45, 2) * (width, height * 0.8)).astype(int)
        left, top = int(random.integers(0, width - across)), int(random.integers(0, height - down))
        crop[top : top + down, left : left + across] = filling(down, across, other, random)
        x, y = sample.places.T
        hidden |= (x >= left) & (x < left + across) & (y >= top) & (y < top + down)
    return hide(sample, crop, hidden)


def cut_at_table(sample: Sample, other: Picture, random: np.random.Generator) -> Sample:
    """A table (or a back in front) hides everything below a line that runs nearly level."""
    height, width = sample.crop.shape[:2]
    shoulders = sample.places[5:7, 1].mean()
    first = float(np.clip(shoulders + 0.04 * height, 0.25 * height, 0.8 * height))
    level, slope = random.uniform(first, height), random.uniform(-0.2, 0.2)
    edge = level + slope * (np.arange(width) - width / 2)
    below = np.arange(height)[:, None] >= edge
    table = filling(height, width, other, random)
    crop = np.where(below[..., None], table, sample.crop)
    x, y = sample.places.T
    return hide(sample, crop, y >= level + slope * (x - width / 2))


def filling(
    height: int, width: int, other: Picture, random: np.random.Generator
) -> NDArray[np.uint8]:
    """What covers, uint8 [height, width, 3]: a colour, a shaded or rough one, or a piece of another
    photo."""
    if random.random() < 0.5:
        share = random.uniform(0.15, 0.6)
        rows, columns = (max(2, int(share * side)) for side in other.shape[:2])
        top = int(random.integers(0, other.shape[0] - rows + 1))
        left = int(random.integers(0, other.shape[1] - columns + 1))
        piece = other[top : top + rows, left : left + columns]
        return np.asarray(cv2.resize(piece, (width, height)), np.uint8)
    corners = random.uniform(0, 255, 3) + random.uniform(-40, 40, (2, 2, 3))
    corners = corners.clip(0, 255).astype(np.uint8)
    shaded = np.asarray(cv2.resize(corners, (width, height)), np.uint8)
    return _rough(shaded, random.uniform(0, 25), random) if random.random() < 0.5 else shaded


def _rough(picture: NDArray[np.uint8], deviation: float, random: np.random.Generator) -> Picture:
    height, width = picture.shape[:2]
    top = int(random.integers(0, _NOISE.shape[0] - height + 1))
    left = int(random.integers(0, _NOISE.shape[1] - width + 1))
    noise = _NOISE[top : top + height, left : left + width]
    return cast(
        Picture,
        cv2.addWeighted(picture, 1.0, noise, deviation / 32, 0, dtype=cv2.CV_8U),
    )


def relight(crop: Picture, random: np.random.Generator, strength: float) -> Picture:
    """Other light: contrast, brightness, gamma and colour, and at times hardly any colour."""
    if random.random() >= 0.85:
        return crop
    value = np.arange(256, dtype=np.float32)[:, None] / 255
    gamma = np.exp(random.uniform(-0.45, 0.45) * strength)
    gain = np.exp((random.uniform(-0.3, 0.3) + random.uniform(-0.12, 0.12, 3)) * strength)
    shift = random.uniform(-0.12, 0.12) * strength
    table = ((value**gamma * gain + shift) * 255).clip(0, 255).astype(np.uint8)
    lit = cv2.LUT(crop, np.ascontiguousarray(table[None]))
    if random.random() < 0.2 * strength:
        grey = cv2.cvtColor(cv2.cvtColor(lit, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        share = random.uniform(0, 1)
        lit = cv2.addWeighted(lit, share, grey, 1 - share, 0)
    return cast(Picture, lit)


def degrade(crop: Picture, random: np.random.Generator, strength: float) -> Picture:
    """What cheap and distant cameras do: few pixels, blur, noise and compression."""
    height, width = crop.shape[:2]
    seen = crop
    if random.random() < 0.25 * strength:
        wide = int(random.integers(20, 60))
        small = cv2.resize(seen, (wide, wide * height // width), interpolation=cv2.INTER_AREA)
        seen = cast(Picture, cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))
    if random.random() < 0.12 * strength:
        seen = cast(Picture, cv2.GaussianBlur(seen, (0, 0), random.uniform(0.5, 1.8)))
    if random.random() < 0.2 * strength:
        seen = _rough(seen, random.uniform(2, 16), random)
    if random.random() < 0.2 * strength:
        quality = int(random.integers(15, 70))
        _, packed = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, quality])
        seen = cast(Picture, cv2.imdecode(packed, cv2.IMREAD_COLOR))
    return seen
