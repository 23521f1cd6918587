"""The third person: Eileen's head with features of Grace's face, darker hair and blue clothes.

A look-alike on purpose: identity networks may take it for either of the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from readroom.ingest.demo.expressions import RESHAPE, moved_points
from readroom.ingest.demo.faces import Image, Points, Portrait
from readroom.ingest.demo.sheet import Face, reshaped
from readroom.ingest.demo.warp import identity, mixed, moved, softened, thin_plate_field

Plane = NDArray[np.float32]

#: Share of Grace in cheeks, nose and chin of the calm and of the smiling face.
CALM_SHARE = 0.4
SMILE_SHARE = 0.3
#: What is left of blue, green and red in the hair.
HAIR_GAIN_BGR = (0.52, 0.45, 0.42)
#: Hue (OpenCV's 0..179) of the clothes instead of the suit's orange.
CLOTHES_HUE = 112
#: From here on below the chin there are clothes, in distances between the eyes.
COLLAR_BELOW_CHIN = 0.6


def mixture(
    calm: Portrait, smiling: Portrait, other: Portrait, hairline: Points
) -> tuple[Portrait, Mapping[str, Face]]:
    """The mixed person's calm portrait and its smiling face.

    `calm` and `smiling` are the same person at the same size, `other` gives the features,
    `hairline` is where the forehead begins, float32 (n, 2), in pixels of `calm`.
    """
    calm_mixed = _reshaped_mix(calm, other, CALM_SHARE, spare_mouth=False)
    smile_mixed = _reshaped_mix(smiling, other, SMILE_SHARE, spare_mouth=True)
    hair = _hair(calm, hairline)
    portrait = replace(calm_mixed, image=_dressed(calm_mixed, hair))
    smile = Face(smile_mixed.landmarks, _dressed(smile_mixed, hair))
    return portrait, {"happiness": smile}


def _reshaped_mix(face: Portrait, other: Portrait, share: float, spare_mouth: bool) -> Portrait:
    size = (face.image.shape[1], face.image.shape[0])
    field = thin_plate_field(face.landmarks.points, other.landmarks.points, size)
    guest = moved(other.image, identity(size) + field)
    weight = _feature_weight(face, spare_mouth)
    guest = _toned(guest, face.image, weight)
    image = mixed(face.image, guest, weight * np.float32(share))
    after = moved_points(face.landmarks, RESHAPE)
    return replace(face, image=reshaped(replace(face, image=image), after), landmarks=after)


def _feature_weight(face: Portrait, spare_mouth: bool) -> Plane:
    """1 on cheeks, nose and chin, 0 on eyes (glasses don't mix) and outside; (height, width)."""
    height, width = face.image.shape[:2]
    unit = face.landmarks.eye_distance_px
    inside: Plane = np.zeros((height, width), dtype=np.float32)
    cv2.fillPoly(inside, [np.round(face.landmarks["jaw"]).astype(np.int32)], 1.0)
    margin = np.ones((int(0.12 * unit),) * 2, dtype=np.uint8)
    inside = np.asarray(cv2.erode(inside, margin), dtype=np.float32)
    if spare_mouth:
        lips = np.round(face.landmarks["lips"]).astype(np.int32)
        cv2.fillPoly(inside, [lips], 0.0)
        cv2.polylines(inside, [lips], True, 0.0, int(0.3 * unit))
    eyes_y = face.landmarks["eye_left"][:, 1].max()
    rows = np.arange(height, dtype=np.float32)[:, None]
    below = np.clip((rows - eyes_y - 0.35 * unit) / (0.25 * unit), 0.0, 1.0)
    return np.asarray(softened(inside, 0.07 * unit) * below, dtype=np.float32)


def _toned(guest: Image, host: Image, weight: Plane) -> Image:
    """`guest` with the mean and spread of `host`'s colours where `weight` is high."""
    where = weight > 0.5
    ours, theirs = host[where].astype(np.float32), guest[where].astype(np.float32)
    gain = ours.std(axis=0) / np.maximum(theirs.std(axis=0), 1.0)
    toned = (guest - theirs.mean(axis=0)) * np.minimum(gain, 1.0) + ours.mean(axis=0)
    return np.asarray(np.clip(toned, 0, 255), dtype=np.uint8)


def _hair(face: Portrait, hairline: Points) -> Plane:
    """1 on hair, 0 on skin, clothes and below; the outline is cut by the matte anyway."""
    height, width = face.image.shape[:2]
    unit = face.landmarks.eye_distance_px
    hair: Plane = np.zeros((height, width), dtype=np.float32)
    ear_y = int(face.landmarks["nose"][4, 1])
    hair[:ear_y] = 1.0
    skin = np.concatenate([face.landmarks["jaw"], hairline[::-1]])
    cv2.fillPoly(hair, [np.round(skin).astype(np.int32)], 0.0)
    for side in (0, -1):
        x, y = face.landmarks["jaw"][side]
        out = -0.18 if side == 0 else 0.18
        ear = (int(x + out * unit), int(y + 0.62 * unit))
        cv2.ellipse(hair, ear, (int(0.2 * unit), int(0.3 * unit)), 0, 0, 360, 0.0, -1)
    return softened(hair, 0.05 * unit)


def _dressed(face: Portrait, hair: Plane) -> Image:
    gain = 1.0 + hair[..., None] * (np.array(HAIR_GAIN_BGR, dtype=np.float32) - 1.0)
    image = np.clip(face.image * gain, 0, 255).astype(np.uint8)
    unit = face.landmarks.eye_distance_px
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    suit = ((hsv[..., 0] < 18) | (hsv[..., 0] > 165)) & (hsv[..., 1] > 110)
    # The collar begins well below the chin; above it the same hues are skin.
    suit[: int(face.landmarks["jaw"][:, 1].max() + COLLAR_BELOW_CHIN * unit)] = False
    hsv[..., 0][suit] = CLOTHES_HUE
    hsv[..., 2][suit] = (hsv[..., 2][suit] * 0.55).astype(np.uint8)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), dtype=np.uint8)
