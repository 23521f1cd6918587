"""A sheet: one person at the size shown, calm and from the front, with the faces it can make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from readroom.ingest.demo.expressions import (
    BLINK,
    GASP,
    Offsets,
    expression_field,
    moved_points,
)
from readroom.ingest.demo.faces import Image, Landmarks, Points, Portrait
from readroom.ingest.demo.warp import identity, moved, softened

Plane = NDArray[np.float32]
Box = tuple[int, int, int, int]

#: Dark red-brown (BGR) of an open mouth in the shade.
MOUTH_BGR = (30.0, 26.0, 58.0)
#: Light on the neck that a turned jaw uncovers.
NECK_GAIN = 0.78
#: Softness of a person's outline in pixels.
FEATHER_PX = 1.2


@dataclass(frozen=True)
class Face:
    """A face a sheet can make: where the landmarks are, and a picture if a warp isn't enough.

    `picture` is a whole sheet, BGR uint8, with the landmarks at those places.
    """

    landmarks: Landmarks
    picture: Image | None = None


@dataclass(frozen=True)
class Sheet:
    """A person's calm portrait at the size shown, its matte and its other faces.

    `matte` (the person) and `head` (what turns: hair and face, cut off along the jaw) are float32
    (height, width) in 0..1; `body` is the picture with neck in place of the jaw, for what a
    turned head uncovers; `face_box` (x0, y0, x1, y1) is the part that expressions change.
    """

    portrait: Portrait
    body: Image
    matte: Plane
    head: Plane
    face_box: Box
    faces: Mapping[str, Face]
    blink: Landmarks


def make_sheet(portrait: Portrait, faces: Mapping[str, Face]) -> Sheet:
    """A sheet of a portrait that is already calm and has its final size."""
    return Sheet(
        portrait=portrait,
        body=_without_jaw(portrait),
        matte=_soft(_filled(portrait, portrait.outline)),
        head=_head(portrait),
        face_box=face_box(portrait),
        faces=faces,
        blink=moved_points(portrait.landmarks, BLINK),
    )


def face_box(portrait: Portrait) -> Box:
    """The box (x0, y0, x1, y1) around a face, with room for the warps to fade out."""
    height, width = portrait.image.shape[:2]
    jaw, brows = portrait.landmarks["jaw"], portrait.landmarks["brow_left"]
    room = portrait.landmarks.face_width_px
    x0, x1 = jaw[:, 0].min() - 0.12 * room, jaw[:, 0].max() + 0.12 * room
    y0, y1 = brows[:, 1].min() - 0.3 * room, jaw[:, 1].max() + 0.3 * room
    return max(0, int(x0)), max(0, int(y0)), min(width, int(x1)), min(height, int(y1))


def warped(portrait: Portrait, offsets: Offsets, strength: float = 1.0) -> Face:
    """A face that is a mere warp of the calm one."""
    return Face(moved_points(portrait.landmarks, offsets, strength))


def settled(portrait: Portrait, offsets: Offsets, strength: float = 1.0) -> Portrait:
    """The portrait with an expression made its resting face."""
    after = moved_points(portrait.landmarks, offsets, strength)
    return replace(portrait, image=reshaped(portrait, after), landmarks=after)


def gasping(portrait: Portrait, strength: float = 1.0) -> Face:
    """The open mouth of surprise: the lips are pulled apart and the gap is painted dark."""
    after = moved_points(portrait.landmarks, GASP, strength)
    picture = reshaped(portrait, after).astype(np.float32)
    upper, lower = after["slit"]
    gap = float(lower[1] - upper[1])
    weight: Plane = np.zeros(picture.shape[:2], dtype=np.float32)
    centre = (int(upper[0]), int((upper[1] + lower[1]) / 2))
    lips = after["lips"]
    across = float(lips[4, 0] - lips[0, 0])
    cv2.ellipse(weight, centre, (int(0.36 * across), int(0.56 * gap)), 0, 0, 360, 1.0, -1)
    weight = softened(weight, 0.09 * gap)
    picture += (np.array(MOUTH_BGR, dtype=np.float32) - picture) * weight[..., None]
    return Face(after, picture.astype(np.uint8))


def reshaped(portrait: Portrait, after: Landmarks) -> Image:
    """The portrait's picture with its landmarks carried to `after`."""
    box = face_box(portrait)
    x0, y0, x1, y1 = box
    field = field_between(portrait.landmarks, after, portrait.fixed, box)
    picture = portrait.image.copy()
    part = np.ascontiguousarray(picture[y0:y1, x0:x1])
    picture[y0:y1, x0:x1] = moved(part, identity((x1 - x0, y1 - y0)) + field)
    return picture


def field_between(
    before: Landmarks, after: Landmarks, fixed: Points, box: Box
) -> NDArray[np.float32]:
    """The field in `box` that shows at `after` what was at `before`; see `warp`."""
    x0, y0, x1, y1 = box
    corner = np.array([x0, y0], dtype=np.float32)
    return expression_field(
        np.concatenate([before.points, fixed]) - corner,
        np.concatenate([after.points, fixed]) - corner,
        (x1 - x0, y1 - y0),
    )


def mirrored(sheet: Sheet) -> Sheet:
    """The sheet seen in a mirror (its landmark groups keep the names of the original's sides)."""
    width = sheet.portrait.image.shape[1]
    x0, y0, x1, y1 = sheet.face_box
    flip = _Flip(width)
    portrait = replace(
        sheet.portrait,
        image=flip.image(sheet.portrait.image),
        outline=flip.points(sheet.portrait.outline),
        landmarks=flip.landmarks(sheet.portrait.landmarks),
        fixed=flip.points(sheet.portrait.fixed),
    )
    faces = {
        name: Face(
            flip.landmarks(face.landmarks),
            None if face.picture is None else flip.image(face.picture),
        )
        for name, face in sheet.faces.items()
    }
    return Sheet(
        portrait=portrait,
        body=flip.image(sheet.body),
        matte=np.ascontiguousarray(sheet.matte[:, ::-1]),
        head=np.ascontiguousarray(sheet.head[:, ::-1]),
        face_box=(width - x1, y0, width - x0, y1),
        faces=faces,
        blink=flip.landmarks(sheet.blink),
    )


@dataclass(frozen=True)
class _Flip:
    width: int

    def points(self, points: Points) -> Points:
        return np.stack([self.width - 1 - points[:, 0], points[:, 1]], axis=1)

    def landmarks(self, landmarks: Landmarks) -> Landmarks:
        return Landmarks(self.points(landmarks.points))

    def image(self, image: Image) -> Image:
        return np.ascontiguousarray(image[:, ::-1])


def _filled(portrait: Portrait, polygon: Points) -> NDArray[np.uint8]:
    inside = np.zeros(portrait.image.shape[:2], dtype=np.uint8)
    # Three fractional bits: the polygon was placed on a picture of another size.
    cv2.fillPoly(inside, [np.round(polygon * 8).astype(np.int32)], 255, cv2.LINE_AA, 3)
    return inside


def _soft(inside: NDArray[np.uint8]) -> Plane:
    # A little inward, so that no rim of the old background stays on the person.
    inside = np.asarray(cv2.erode(inside, np.ones((3, 3), dtype=np.uint8)), dtype=np.uint8)
    soft = cv2.GaussianBlur(inside, (0, 0), FEATHER_PX, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(soft, dtype=np.float32) / np.float32(255.0)


def _head(portrait: Portrait) -> Plane:
    above = _filled(portrait, portrait.outline)
    above[int(portrait.edge_y) :] = 0
    return _soft(np.maximum(above, _filled(portrait, portrait.landmarks["jaw"])))


def _without_jaw(portrait: Portrait) -> Image:
    """The picture with the lower face smoothed away into its surroundings (Poisson blending)."""
    jaw = _filled(portrait, portrait.landmarks["jaw"])
    jaw[: int(portrait.landmarks["nose"][1, 1])] = 0
    jaw = np.asarray(cv2.dilate(jaw, np.ones((5, 5), dtype=np.uint8)), dtype=np.uint8)
    x, y, width, height = cv2.boundingRect(jaw)
    flat = np.full_like(portrait.image, 128)
    centre = (x + width // 2, y + height // 2)
    filled = cv2.seamlessClone(flat, portrait.image, jaw, centre, cv2.NORMAL_CLONE)
    shade = cv2.GaussianBlur(jaw, (0, 0), 4.0)[..., None] * np.float32((1.0 - NECK_GAIN) / 255.0)
    return (filled * (1.0 - shade)).astype(np.uint8)
