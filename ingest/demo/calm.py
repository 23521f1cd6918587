"""A calm mouth for a portrait that smiles with its teeth.

Warping alone can't do it: with the corners brought down and the lips closed, the network of
`script` still read happiness with 1.00, because teeth and folds remain. So the smile is let go by
a warp, mouth and folds are filled with skin (the smooth surface that fits the rim: Poisson
blending of a flat source, Pérez et al. 2003), and the lips of a calm portrait are cloned in.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from readroom.ingest.demo.expressions import UNSMILE, moved_points
from readroom.ingest.demo.faces import Image, Landmarks, Points, Portrait, group_slice
from readroom.ingest.demo.sheet import reshaped
from readroom.ingest.demo.warp import softened

#: How far the smile is let go (1 = the table `UNSMILE` as it stands).
UNSMILE_STRENGTH = 1.3
#: Width of the cloned lips, in distances between the eyes.
LIPS_WIDTH_RATIO = 0.86
#: Skin cloned along around the lips, in distances between the eyes: with less (0.07) the lips
#: took the colour of the skin.
LIPS_RIM_RATIO = 0.11
#: Grain laid on filled skin so that it isn't smoother than its surroundings (grey levels).
SKIN_GRAIN = 2.0


def calmed(smiling: Portrait, calm: Portrait) -> Portrait:
    """`smiling` with the closed mouth of `calm`; both at the sizes at which they are shown."""
    middle = _mouth_middle(smiling.landmarks)
    relaxed = moved_points(smiling.landmarks, UNSMILE, UNSMILE_STRENGTH)
    face = replace(smiling, image=reshaped(smiling, relaxed), landmarks=relaxed)
    bare = replace(face, image=_filled_with_skin(face, middle))
    lips, slit = _placed_lips(calm.landmarks, middle, relaxed.eye_distance_px)
    points = relaxed.points.copy()
    points[group_slice("lips")], points[group_slice("slit")] = lips, slit
    return replace(bare, image=_with_lips(bare, calm, lips), landmarks=Landmarks(points))


def _mouth_middle(face: Landmarks) -> Points:
    """Where the closed mouth goes: just above the middle of the smile's teeth."""
    above = np.array([0.0, -0.005 * face.eye_distance_px], dtype=np.float32)
    return np.asarray(face["slit"].mean(axis=0) + above)


def _filled_with_skin(face: Portrait, middle: Points) -> Image:
    height, width = face.image.shape[:2]
    unit = face.landmarks.eye_distance_px
    hole = np.zeros((height, width), dtype=np.uint8)
    centre = (int(middle[0]), int(middle[1] - 0.02 * unit))
    cv2.ellipse(hole, centre, (int(0.66 * unit), int(0.30 * unit)), 0, 0, 360, 255, -1)
    for wing, side in ((face.landmarks["nose"][2], -1), (face.landmarks["nose"][3], 1)):
        start = (int(wing[0] + side * 0.06 * unit), int(wing[1] + 0.02 * unit))
        end = (int(middle[0] + side * 0.60 * unit), int(middle[1] - 0.12 * unit))
        cv2.line(hole, start, end, 255, int(0.17 * unit))
    flat = np.full_like(face.image, 128)
    skin = _cloned(flat, face.image, hole).astype(np.float32)
    skin += _grain(height, width)[..., None] * (hole > 0)[..., None]
    return np.clip(skin, 0, 255).astype(np.uint8)


def _grain(height: int, width: int) -> NDArray[np.float32]:
    noise = np.random.default_rng(1).normal(size=(height, width)).astype(np.float32)
    noise = softened(noise, 0.9)
    return np.asarray(noise * np.float32(SKIN_GRAIN) / noise.std(), dtype=np.float32)


def _placed_lips(calm: Landmarks, middle: Points, unit: float) -> tuple[Points, Points]:
    centre, scale = _placing(calm, unit)
    return (calm["lips"] - centre) * scale + middle, (calm["slit"] - centre) * scale + middle


def _placing(calm: Landmarks, unit: float) -> tuple[Points, np.float32]:
    centre = calm["slit"].mean(axis=0)
    width = float(np.linalg.norm(calm["lips"][4] - calm["lips"][0]))
    return centre, np.float32(LIPS_WIDTH_RATIO * unit / width)


def _with_lips(face: Portrait, calm: Portrait, lips: Points) -> Image:
    height, width = face.image.shape[:2]
    unit = face.landmarks.eye_distance_px
    _, scale = _placing(calm.landmarks, unit)
    shift = lips[0] - calm.landmarks["lips"][0] * scale
    matrix = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]], dtype=np.float32)
    source = cv2.warpAffine(calm.image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    inner = np.zeros((height, width), dtype=np.uint8)
    cv2.fillPoly(inner, [np.round(lips).astype(np.int32)], 255)
    size = 2 * int(LIPS_RIM_RATIO * unit) + 1
    rim = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    mask = np.asarray(cv2.dilate(inner, rim), dtype=np.uint8)
    return _cloned(np.asarray(source, dtype=np.uint8), face.image, mask)


def _cloned(source: Image, target: Image, mask: NDArray[np.uint8]) -> Image:
    x, y, width, height = cv2.boundingRect(mask)
    centre = (x + width // 2, y + height // 2)
    return np.asarray(
        cv2.seamlessClone(source, target, mask, centre, cv2.NORMAL_CLONE), dtype=np.uint8
    )
