"""Drawing one person into a frame: the face of the moment, the turned head, the swaying body."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from readroom.ingest.demo.faces import Image
from readroom.ingest.demo.sheet import Face, Sheet, field_between
from readroom.ingest.demo.turn import head_shape, turned
from readroom.ingest.demo.warp import Field, identity, mixed, moved

Plane = NDArray[np.float32]

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
        self._matte = sheet.matte
        self._eyes_x, self._eyes_y = (float(v) for v in portrait.landmarks["nose"][0])
        self._light = _side_light(portrait.image.shape[1], place.gains)
        self._colour = _lit(_bled(portrait.image, sheet.matte), self._light)
        self._face_box = x0, y0, x1, y1 = sheet.face_box
        self._face_grid = identity((x1 - x0, y1 - y0))
        self._blink = field_between(
            portrait.landmarks, sheet.blink, portrait.fixed, sheet.face_box
        )
        self._morphs = {name: self._morph(sheet, face) for name, face in sheet.faces.items()}
        self._head_box = x0, y0, x1, y1 = _head_box(sheet)
        self._head = head_shape(
            sheet.matte[y0:y1, x0:x1],
            portrait.top_y - y0,
            portrait.edge_y - y0,
            portrait.chin_y - y0,
            portrait.collar_y - y0,
        )

    @property
    def width_px(self) -> int:
        """Width of the person's picture: walking this far from the frame's edge hides it."""
        return int(self._colour.shape[1])

    def draw(self, frame: Image, pose: Pose) -> None:
        """Draws the person into `frame`, BGR uint8 (height, width, 3), above the table."""
        colour = self._colour.copy()
        self._put_face(colour, pose)
        self._turn_head(colour, pose)
        self._put_into(frame, colour, pose)

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

    def _put_face(self, colour: Image, pose: Pose) -> None:
        morph = self._morphs[pose.expression] if pose.amount > 0.0 else None
        if morph is None and pose.blink <= 0.0:
            return
        x0, y0, x1, y1 = self._face_box
        face = np.ascontiguousarray(colour[y0:y1, x0:x1])
        at = self._face_grid + np.float32(pose.blink) * self._blink
        if morph is None:
            face = moved(face, at)
        else:
            face = _morphed(face, at, morph, pose.amount)
        colour[y0:y1, x0:x1] = face

    def _turn_head(self, colour: Image, pose: Pose) -> None:
        x0, y0, x1, y1 = self._head_box
        head = np.ascontiguousarray(colour[y0:y1, x0:x1])
        head = moved(head, turned(self._head, pose.yaw_rad, pose.pitch_rad))
        # The half behind the nose's new direction turns away from the viewer and the light.
        side = np.sin(self._head.theta) * self._head.hold
        gain = 1.0 - np.float32(TURN_SHADE * np.sin(pose.yaw_rad)) * side
        shade = cv2.merge([gain, gain, gain])
        colour[y0:y1, x0:x1] = cv2.multiply(head, shade, dtype=cv2.CV_8U)

    def _put_into(self, frame: Image, colour: Image, pose: Pose) -> None:
        matrix = self._matrix(pose)
        left, top, right, bottom = self._covered(matrix, frame.shape[1])
        if right <= left or bottom <= top:
            return
        matrix[:, 2] -= (left, top)
        size = (right - left, bottom - top)
        shown = cv2.warpAffine(colour, matrix, size, borderMode=cv2.BORDER_REPLICATE)
        shown = cv2.convertScaleAbs(shown, alpha=pose.light)
        weight = np.asarray(cv2.warpAffine(self._matte, matrix, size), dtype=np.float32)
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
        return max(0, int(x0)), max(0, int(y0)), min(frame_width, int(x1)), self._row(int(y1))

    def _row(self, y: int) -> int:
        return min(self._place.table_y, y)


def _morphed(calm: Image, at: Field, morph: _Morph, amount: float) -> Image:
    face = moved(calm, at + np.float32(amount) * morph.there)
    if morph.picture is None:
        return face
    other = moved(morph.picture, at + np.float32(1.0 - amount) * morph.back)
    return np.asarray(cv2.addWeighted(face, 1.0 - amount, other, amount, 0.0), dtype=np.uint8)


def _head_box(sheet: Sheet) -> tuple[int, int, int, int]:
    """The box (x0, y0, x1, y1) of what turns, with room at the sides for the turn to fade."""
    portrait = sheet.portrait
    top, edge, collar = int(portrait.top_y), int(portrait.edge_y), int(portrait.collar_y)
    columns = np.nonzero((sheet.matte[top:edge] > 0.0).any(axis=0))[0]
    room = (columns[-1] - columns[0]) // 8
    width = sheet.matte.shape[1]
    return (
        max(0, int(columns[0] - room)),
        max(0, top - 4),
        min(width, int(columns[-1] + room)),
        collar + 1,
    )


def _side_light(width: int, gains: tuple[float, float]) -> Plane:
    return np.linspace(gains[0], gains[1], width, dtype=np.float32)[None, :, None]


def _lit(image: Image, light: Plane) -> Image:
    return np.clip(image * light, 0, 255).astype(np.uint8)


def _bled(image: Image, matte: Plane) -> Image:
    """The person's colours continued outward, so that a soft outline shows no old background."""
    inside = (matte > 0.95).astype(np.float32)
    near = cv2.GaussianBlur(inside, (0, 0), BLEED_PX)[..., None]
    colour = cv2.GaussianBlur(image * inside[..., None], (0, 0), BLEED_PX)
    outward = colour / np.maximum(near, 1e-3)
    return np.where(inside[..., None] > 0, image, np.clip(outward, 0, 255)).astype(np.uint8)
