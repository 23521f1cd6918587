"""Drawing one person into a frame: the face of the moment, the turned head, the swaying body."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from readroom.ingest.demo.faces import Image
from readroom.ingest.demo.sheet import Face, Sheet, field_between
from readroom.ingest.demo.turn import HeadShape, head_shape, turned
from readroom.ingest.demo.warp import Field, identity, mixed, moved, moved_plane

Plane = NDArray[np.float32]

#: The ellipsoid's radius in half face widths: ears and the back of the head are wider.
RADIUS_RATIO = 1.15
#: Rows above the head that belong to the part that turns.
HEADROOM_PX = 4
#: How much darker the half of a head gets that turns away by 90°.
TURN_SHADE = 0.35
#: Reach in pixels of a person's own colours into the old background around the outline.
BLEED_PX = 4.0


@dataclass(frozen=True)
class Pose:
    """How a person is to be drawn.

    `expression` at `amount` 0..1, eyelids closed by `blink` 0..1, angles in radians (signs as in
    `turn`), `shift_px` to the right, `lean` pixels to the right per pixel above the table,
    `scale` about the middle of the body at the table, `light` as a gain.
    """

    expression: str = "neutral"
    amount: float = 0.0
    blink: float = 0.0
    yaw_rad: float = 0.0
    pitch_rad: float = 0.0
    shift_px: float = 0.0
    lean: float = 0.0
    scale: float = 1.0
    light: float = 1.0


@dataclass(frozen=True)
class Place:
    """Where a person sits: the eyes at (`eyes_x`, `eyes_y`), cut off by the table at `table_y`.

    All in pixels of the frame. `gains` is the light from the picture's left and from its right.
    """

    eyes_x: float
    eyes_y: float
    table_y: int
    gains: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class _Morph:
    """The way from the calm face to another: fields in the face box, and the face if painted."""

    there: Field
    back: Field
    picture: Image | None


class Figure:
    """A person at a place. Drawing changes nothing in it, so every pose can be drawn any time."""

    def __init__(self, sheet: Sheet, place: Place) -> None:
        portrait = sheet.portrait
        self._place = place
        self._matte = np.round(sheet.matte * 255.0).astype(np.uint8)
        self._eyes_x, self._eyes_y = (float(v) for v in portrait.landmarks["nose"][0])
        self._light = _side_light(portrait.image.shape[1], place.gains)
        self._body = _lit(_bled(sheet.body, sheet.matte), self._light)
        self._colour = _lit(_bled(portrait.image, sheet.head), self._light)
        x0, y0, x1, y1 = sheet.face_box
        self._face_grid = identity((x1 - x0, y1 - y0))
        self._blink = field_between(portrait.landmarks, sheet.blink, portrait.fixed, sheet.face_box)
        self._morphs = {name: self._morph(sheet, face) for name, face in sheet.faces.items()}
        self._head_box = _head_box(sheet)
        self._head_matte = sheet.head
        self._head = _measured(sheet, self._head_box)
        left, top = self._head_box[:2]
        self._face_in_head = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)

    @property
    def width_px(self) -> int:
        """Width of the person's picture: walking this far from the frame's edge hides it."""
        return int(self._colour.shape[1])

    def draw(self, frame: Image, pose: Pose) -> None:
        """Draws the person into `frame`, BGR uint8 (height, width, 3), above the table."""
        person, matte = self._body.copy(), self._matte.copy()
        self._put_head(person, matte, pose)
        self._put_into(frame, person, matte, pose)

    def _morph(self, sheet: Sheet, face: Face) -> _Morph:
        x0, y0, x1, y1 = sheet.face_box
        calm, fixed = sheet.portrait.landmarks, sheet.portrait.fixed
        picture = None
        if face.picture is not None:
            picture = np.ascontiguousarray(_lit(face.picture, self._light)[y0:y1, x0:x1])
        return _Morph(
            there=field_between(calm, face.landmarks, fixed, sheet.face_box),
            back=field_between(face.landmarks, calm, fixed, sheet.face_box),
            picture=picture,
        )

    def _put_head(self, person: Image, outline: Image, pose: Pose) -> None:
        x0, y0, x1, y1 = self._head_box
        head, matte = self._colour[y0:y1, x0:x1].copy(), self._head_matte[y0:y1, x0:x1].copy()
        self._put_face(head, matte, pose)
        at = turned(self._head, pose.yaw_rad, pose.pitch_rad)
        head = moved(head, at)
        matte = moved_plane(matte, at)
        # The half behind the nose's new direction turns away from the viewer and the light.
        gain = 1.0 - np.float32(TURN_SHADE * math.sin(pose.yaw_rad)) * self._head.side
        head = np.asarray(cv2.multiply(head, cv2.merge([gain] * 3), dtype=cv2.CV_8U), np.uint8)
        behind = np.ascontiguousarray(person[y0:y1, x0:x1])
        person[y0:y1, x0:x1] = mixed(behind, head, matte)
        # The far cheek comes out beyond the outline of the portrait.
        part = outline[y0:y1, x0:x1]
        np.maximum(part, (matte * np.float32(255.0)).astype(np.uint8), out=part)

    def _put_face(self, head: Image, matte: Plane, pose: Pose) -> None:
        """Gives the head its expression; an open mouth takes the chin's outline with it."""
        morph = self._morphs[pose.expression] if pose.amount > 0.0 else None
        if morph is None and pose.blink <= 0.0:
            return
        at = self._face_grid + np.float32(pose.blink) * self._blink
        rows, columns = self._face_in_head
        face = np.ascontiguousarray(head[rows, columns])
        if morph is None:
            head[rows, columns] = moved(face, at)
            return
        head[rows, columns] = _morphed(face, at, morph, pose.amount)
        there = self._face_grid + np.float32(pose.amount) * morph.there
        part = np.ascontiguousarray(matte[rows, columns])
        matte[rows, columns] = moved_plane(part, there)

    def _put_into(self, frame: Image, colour: Image, matte: Image, pose: Pose) -> None:
        matrix = self._matrix(pose)
        left, top, right, bottom = self._covered(matrix, frame.shape[1])
        if right <= left or bottom <= top:
            return
        matrix[:, 2] -= (left, top)
        size = (right - left, bottom - top)
        shown = cv2.warpAffine(colour, matrix, size, borderMode=cv2.BORDER_REPLICATE)
        shown = cv2.convertScaleAbs(shown, alpha=pose.light)
        weight = cv2.warpAffine(matte, matrix, size).astype(np.float32) / np.float32(255.0)
        behind = np.ascontiguousarray(frame[top:bottom, left:right])
        frame[top:bottom, left:right] = mixed(behind, np.asarray(shown, np.uint8), weight)

    def _matrix(self, pose: Pose) -> NDArray[np.float64]:
        """The affine map (2, 3) from the sheet to the frame."""
        place, scale = self._place, pose.scale
        above = place.table_y - place.eyes_y + self._eyes_y  # the table's edge in sheet rows
        x = place.eyes_x + pose.shift_px - scale * self._eyes_x
        return np.array(
            [
                [scale, -pose.lean * scale, x + pose.lean * scale * above],
                [0.0, scale, place.table_y - scale * above],
            ]
        )

    def _covered(self, matrix: NDArray[np.float64], frame_width: int) -> tuple[int, int, int, int]:
        """The part (x0, y0, x1, y1) of the frame that the sheet covers, above the table."""
        height, width = self._matte.shape
        corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]])
        reached = corners @ matrix.T
        x0, y0 = np.floor(reached.min(axis=0)).astype(int)
        x1, y1 = np.ceil(reached.max(axis=0)).astype(int)
        bottom = min(self._place.table_y, int(y1))
        return max(0, int(x0)), max(0, int(y0)), min(frame_width, int(x1)), bottom


def _morphed(calm: Image, at: Field, morph: _Morph, amount: float) -> Image:
    face = moved(calm, at + np.float32(amount) * morph.there)
    if morph.picture is None:
        return face
    other = moved(morph.picture, at + np.float32(1.0 - amount) * morph.back)
    return np.asarray(cv2.addWeighted(face, 1.0 - amount, other, amount, 0.0), dtype=np.uint8)


def _head_box(sheet: Sheet) -> tuple[int, int, int, int]:
    """The box (x0, y0, x1, y1) of what turns or changes, with room for the chin to move."""
    x0, y0, x1, y1 = sheet.face_box
    columns = np.nonzero((sheet.head > 0.0).any(axis=0))[0]
    top = max(0, int(sheet.portrait.top_y) - HEADROOM_PX)
    return min(x0, int(columns[0])), min(y0, top), max(x1, int(columns[-1]) + 1), y1


def _measured(sheet: Sheet, box: tuple[int, int, int, int]) -> HeadShape:
    x0, y0, x1, y1 = box
    landmarks = sheet.portrait.landmarks
    jaw = landmarks["jaw"]
    middle_x = float(jaw[0, 0] + jaw[-1, 0]) / 2
    radius_x = RADIUS_RATIO * abs(landmarks.face_width_px) / 2
    top, bottom = sheet.portrait.top_y, float(jaw[:, 1].max())
    return head_shape(
        sheet.head[y0:y1, x0:x1],
        sheet.portrait.edge_y - y0,
        (radius_x, RADIUS_RATIO * (bottom - top) / 2),
        (middle_x - x0, (top + bottom) / 2 - y0),
    )


def _side_light(width: int, gains: tuple[float, float]) -> Plane:
    return np.linspace(gains[0], gains[1], width, dtype=np.float32)[None, :, None]


def _lit(image: Image, light: Plane) -> Image:
    return np.asarray(np.clip(image * light, 0, 255), dtype=np.uint8)


def _bled(image: Image, matte: Plane) -> Image:
    """The person's colours continued outward, so that a soft outline shows no old background."""
    inside = (matte > 0.95).astype(np.float32)
    near = cv2.GaussianBlur(inside, (0, 0), BLEED_PX)[..., None]
    colour = cv2.GaussianBlur(image * inside[..., None], (0, 0), BLEED_PX)
    outward = colour / np.maximum(near, 1e-3)
    return np.where(inside[..., None] > 0, image, np.clip(outward, 0, 255)).astype(np.uint8)
