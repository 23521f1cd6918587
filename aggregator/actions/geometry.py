"""What one frame shows of a person, in physical units; pure functions.

Lengths in px mean nothing by themselves, so they are told in the person's own measures: face widths
(of the face's box, about 15 cm), eye distances (about 6 cm), shoulder widths (between the shoulder
keypoints, about 35 cm), signed so that up is positive. Angles are degrees with the signs of
messages.Quality. Whatever isn't seen, or is no number, is None.

The network's shoulders, elbows and wrists are the person's own left and right; nothing here depends
on which side of the picture they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from readroom.aggregator.sight import Keypoints, Sight
from readroom.messages import BLENDSHAPES, KEYPOINTS, Box, Point

#: Narrower faces say nothing of where a head points to the side, px. On the clips, the yaw of a
#: head of 19 px that turns is the same by two detectors (r .98, 5° apart), at 12 px it isn't (.3).
LEAST_FACE_PX: Final = 16.0
#: … nor up and down, px: docs/faces.md measures head pose from here on; at 19 px r is −.3.
LEAST_PITCH_PX: Final = 24.0
#: From this width on head pose is trusted fully, px.
CLEAR_FACE_PX: Final = 48.0
#: Nods and shakes need a wider face, px: below, the angles' noise is as large as a nod.
LEAST_RHYTHM_PX: Final = 32.0
#: The mouth's corners need a wider face, px: at 48 px the eyes are 20 px apart, one pixel is 5 %.
LEAST_MOUTH_PX: Final = 48.0
#: No mouth is narrower or wider than this many eye distances; a mean one has 0.8.
LEAST_MOUTH, MOST_MOUTH = 0.3, 2.0
#: Nothing lies further from the picture's corner than this, px: what does is no place.
FAR_PX: Final = 1e5
#: Blendshapes count up to this yaw, degrees; a mesh is guessed on the side that can't be seen.
MOST_SHAPES_YAW_DEG: Final = 40.0
#: Ratios of the face's points count up to this yaw, degrees: their noise grows with 1/cos(yaw).
MOST_RATIO_YAW_DEG: Final = 30.0
#: How much a face's reading has to count (Sight.weight) before its shapes do: as in
#: expression_state.READABLE_WEIGHT.
LEAST_WEIGHT: Final = 0.15
#: From this yaw on the far eye doesn't count at all, degrees.
ONE_EYE_YAW_DEG: Final = 20.0
#: A keypoint counts from this score on. The clips' wrists on the table have .35 to .95, those
#: outside the picture .04 to .15.
LEAST_SCORE: Final = 0.3
#: A wrist's movement counts from this score on: below, it trembles by 0.1 to 0.2 shoulder widths/s
#: while it lies still.
MOVING_SCORE: Final = 0.5
#: With nose and eyes seen this surely head pose is estimated from the body's points, too: as in
#: models/head_pose.py.
HEAD_SCORE: Final = 0.2
#: Palm beyond the wrist, in forearms: 9 of 25 cm in an adult.
PALM_FOREARMS: Final = 0.35
#: Shoulders nearer to each other than this are seen from the side, in face widths; people of the
#: clips who face the camera have 1.4 to 2.3.
LEAST_SHOULDERS_FACES: Final = 1.2
#: Crossed arms lie between these heights above the shoulders (below is negative), in shoulder
#: widths: chest to waist.
ARMS_FROM, ARMS_TO = -1.3, -0.1
#: A hand nearer to the face than this isn't raised, in face widths.
AT_FACE: Final = 0.3

_SHAPE: Final = {name: index for index, name in enumerate(BLENDSHAPES)}
_SMILE: Final = (_SHAPE["mouthSmileLeft"], _SHAPE["mouthSmileRight"])
_BROW_DOWN: Final = (_SHAPE["browDownLeft"], _SHAPE["browDownRight"])
_BROW_OUTER: Final = (_SHAPE["browOuterUpLeft"], _SHAPE["browOuterUpRight"])
_BROW_INNER: Final = _SHAPE["browInnerUp"]
_BLINK: Final = (_SHAPE["eyeBlinkLeft"], _SHAPE["eyeBlinkRight"])
_JAW: Final = _SHAPE["jawOpen"]
_PART: Final = {name: index for index, name in enumerate(KEYPOINTS)}
_HEAD: Final = (_PART["nose"], _PART["left_eye"], _PART["right_eye"])
#: (shoulder, elbow, wrist) of both arms, left first.
_ARMS: Final = tuple(
    (_PART[f"{side}_shoulder"], _PART[f"{side}_elbow"], _PART[f"{side}_wrist"])
    for side in ("left", "right")
)


@dataclass(frozen=True, slots=True)
class Shapes:
    """What the mesh says, 0..1: corners of the mouth raised, brows lowered and raised, jaw open,
    eyelids down (before one's own eyes are known)."""

    smile: float
    brow_down: float
    brow_up: float
    jaw: float
    lids: float


@dataclass(frozen=True, slots=True)
class Head:
    """Where the head points, degrees (``roll`` 0 where unknown), and how much that counts, 0..1.

    ``pitch`` is None without the pose network's points: five landmarks alone say nothing of it
    (docs/faces.md: r .2). ``steady`` is whether the face is wide enough for rhythms."""

    yaw: float
    pitch: float | None
    roll: float
    weight: float
    steady: bool


@dataclass(frozen=True, slots=True)
class Hands:
    """Where the hands are. ``at_face`` is the distance of the nearer one from the face's box in
    face widths, ``raised`` how far the higher wrist is above its shoulder in shoulder widths (0 for
    a hand at the face). ``both`` is whether both were seen, so that a "no" means something.
    ``weight`` is the lowest score among the points used."""

    at_face: float | None
    raised: float | None
    both: bool
    weight: float


@dataclass(frozen=True, slots=True)
class Trunk:
    """``shoulders_px`` is the shoulder width, ``parts`` the places of head, shoulders, left and
    right wrist in px, None where not seen. ``crossing`` is how far both wrists lie beyond the
    body's middle, in shoulder widths (the less far one; negative: not beyond). ``arms`` is the
    lowest score of the arms' points, ``weight`` that of the shoulders."""

    shoulders_px: float
    parts: tuple[Point | None, ...]
    crossing: float | None
    arms: float
    weight: float


def readable_shapes(sight: Sight) -> Shapes | None:
    """The mesh's shapes, where the face can be read and isn't turned away too far."""
    shapes = sight.blendshapes
    if shapes is None or len(shapes) != len(BLENDSHAPES) or not sight.weight >= LEAST_WEIGHT:
        return None
    yaw = _angle(sight.yaw_deg) or 0.0
    used = [shapes[index] for index in (*_SMILE, *_BROW_DOWN, *_BROW_OUTER, *_BLINK)]
    inner, jaw = shapes[_BROW_INNER], shapes[_JAW]
    if abs(yaw) > MOST_SHAPES_YAW_DEG or not all(0 <= v <= 1 for v in (*used, inner, jaw)):
        return None
    smile, down, outer = ((used[n] + used[n + 1]) / 2 for n in (0, 2, 4))
    return Shapes(smile, down, max(outer, inner), jaw, _lids(used[6], used[7], yaw))


def closure(lids: float, own_open: float) -> float:
    """How closed the eyes are, 0 (as open as they are when open) to 1: eyelids of people differ,
    and those of narrow eyes read 0.3 wide open."""
    return max(0.0, (lids - own_open) / (1 - min(own_open, 0.9)))


def head(sight: Sight) -> Head | None:
    """Where the head points, where the face is wide enough to tell."""
    yaw, width = _angle(sight.yaw_deg), face_width(sight.face)
    if yaw is None or width is None or width < LEAST_FACE_PX:
        return None
    clear = min(1.0, (width - LEAST_FACE_PX) / (CLEAR_FACE_PX - LEAST_FACE_PX))
    points = _body(sight)
    told = points is not None and width >= LEAST_PITCH_PX and _seen(points, _HEAD, HEAD_SCORE)
    return Head(
        yaw,
        pitch=_angle(sight.pitch_deg) if told else None,
        roll=_angle(sight.roll_deg) or 0.0,
        weight=0.5 + 0.5 * clear,
        steady=width >= LEAST_RHYTHM_PX,
    )


def mouth_width(sight: Sight) -> float | None:
    """Distance between the mouth's corners over that between the eyes (a mean face: 0.8).

    Both lie across the face, each pair equally deep, so that a turn shortens them alike (seen from
    far away) and the ratio needs no correction for yaw; only its noise grows, hence the limit.
    """
    width, yaw = face_width(sight.face), _angle(sight.yaw_deg)
    marks = sight.landmarks
    if width is None or width < LEAST_MOUTH_PX or yaw is None or abs(yaw) > MOST_RATIO_YAW_DEG:
        return None
    if marks is None or len(marks) != 5 or not sight.weight >= LEAST_WEIGHT:
        return None
    eyes, mouth = math.dist(marks[0], marks[1]), math.dist(marks[3], marks[4])
    ratio = mouth / eyes if eyes > 0 else math.nan
    return ratio if LEAST_MOUTH <= ratio <= MOST_MOUTH else None


def face_scale(sight: Sight) -> float | None:
    """The face's size, px: the root of its box's area, where it isn't turned so far that it only
    looks smaller."""
    yaw, width = _angle(sight.yaw_deg), face_width(sight.face)
    if sight.face is None or width is None or width < LEAST_FACE_PX:
        return None
    if yaw is None or abs(yaw) > MOST_RATIO_YAW_DEG:
        return None
    return math.sqrt(width * sight.face.height)


def face_width(face: Box | None) -> float | None:
    """The width of the face's box, px, where it is a box."""
    if face is None or not (abs(face.x) <= FAR_PX and abs(face.y) <= FAR_PX):
        return None
    sides = face.width, face.height
    return face.width if all(1 <= side <= FAR_PX for side in sides) else None


def hands(sight: Sight) -> Hands | None:
    """Where the hands are; None where neither is seen."""
    points, width = _body(sight), face_width(sight.face)
    if points is None:
        return None
    seen = [arm for arm in _ARMS if _seen(points, arm[2:])]
    if not seen:
        return None
    near = {arm: _at_face(points, arm, sight.face, width) for arm in seen}
    shoulders = _shoulders(points)
    raised = None
    if shoulders is not None and all(distance is not None for distance in near.values()):
        heights = (points[arm[0]][1] - points[arm[2]][1] for arm in seen)
        raised = max(
            0.0 if (distance or 0.0) <= AT_FACE else height / shoulders
            for height, distance in zip(heights, near.values(), strict=True)
        )
    known = [distance for distance in near.values() if distance is not None]
    weight = min(points[arm[2]][2] for arm in seen)
    return Hands(min(known, default=None), raised, len(seen) == len(_ARMS), min(1.0, weight))


def trunk(sight: Sight) -> Trunk | None:
    """Shoulders, arms and where they are; None where the shoulders aren't seen from the front."""
    points = _body(sight)
    if points is None:
        return None
    width, shoulders = face_width(sight.face), _shoulders(points)
    if shoulders is None or (width is not None and shoulders < LEAST_SHOULDERS_FACES * width):
        return None
    left, right = _ARMS
    parts = (
        _middle(points, _HEAD),
        _middle(points, (left[0], right[0])),
        _middle(points, left[2:], MOVING_SCORE),
        _middle(points, right[2:], MOVING_SCORE),
    )
    weight = min(points[left[0]][2], points[right[0]][2])
    arms = min(points[index][2] for index in (*left, *right))
    crossing = _crossing(points, shoulders) if arms >= LEAST_SCORE else None
    return Trunk(shoulders, parts, crossing, min(1.0, arms), min(1.0, weight))


def _lids(left: float, right: float, yaw: float) -> float:
    """Both eyelids, the nearer eye's more the further the head is turned: yaw > 0 turns to the
    person's own left, so that the right eye is nearer."""
    near, far = (right, left) if yaw > 0 else (left, right)
    share = 0.5 + 0.5 * min(1.0, abs(yaw) / ONE_EYE_YAW_DEG)
    return share * near + (1 - share) * far


def _shoulders(points: Keypoints) -> float | None:
    """Shoulder width, px."""
    left, right = _ARMS[0][0], _ARMS[1][0]
    if not _seen(points, (left, right)):
        return None
    width = math.dist(points[left][:2], points[right][:2])
    return width if width > 1 else None


def _at_face(
    points: Keypoints, arm: tuple[int, int, int], face: Box | None, width: float | None
) -> float | None:
    """How far a hand is from the face's box, in face widths: the nearer of wrist and palm, the
    palm lying beyond the wrist as seen from the elbow, where that is seen."""
    if face is None or width is None:
        return None
    _, elbow, wrist = arm
    x, y, _ = points[wrist]
    distance = _outside(face, x, y)
    if _seen(points, (elbow,)):
        from_x, from_y, _ = points[elbow]
        palm_x, palm_y = x + PALM_FOREARMS * (x - from_x), y + PALM_FOREARMS * (y - from_y)
        distance = min(distance, _outside(face, palm_x, palm_y))
    return distance / width


def _outside(box: Box, x: float, y: float) -> float:
    """Distance of a point from a box, px; 0 within."""
    across = max(box.x - x, 0.0, x - box.x - box.width)
    return math.hypot(across, max(box.y - y, 0.0, y - box.y - box.height))


def _crossing(points: Keypoints, shoulders: float) -> float | None:
    """How far the less crossed wrist lies beyond the body's middle, in shoulder widths.

    Places are measured along the line from the right shoulder to the left one: 0.5 is the left
    shoulder, −0.5 the right one; a left wrist below 0 has crossed. Hands that are not between chest
    and waist cross nothing (−0.5: as if they hung at the sides).
    """
    left, right = _ARMS
    (left_x, left_y, _), (right_x, right_y, _) = points[left[0]], points[right[0]]
    along_x, along_y = (left_x - right_x) / shoulders, (left_y - right_y) / shoulders
    middle_x, middle_y = (left_x + right_x) / 2, (left_y + right_y) / 2
    crossed = []
    for wrist, sign in ((left[2], -1), (right[2], 1)):
        x, y = points[wrist][0] - middle_x, points[wrist][1] - middle_y
        if not ARMS_FROM <= -y / shoulders <= ARMS_TO:
            return -0.5
        crossed.append(sign * (x * along_x + y * along_y) / shoulders)
    return min(crossed)


def _middle(points: Keypoints, indices: Sequence[int], score: float = LEAST_SCORE) -> Point | None:
    if not _seen(points, indices, score):
        return None
    x, y = (sum(points[index][axis] for index in indices) / len(indices) for axis in (0, 1))
    return x, y


def _body(sight: Sight) -> Keypoints | None:
    points = sight.keypoints
    return points if points is not None and len(points) == len(KEYPOINTS) else None


def _seen(points: Keypoints, indices: Sequence[int], score: float = LEAST_SCORE) -> bool:
    """Whether these points are places, and surely enough seen."""
    return all(
        points[index][2] >= score
        and abs(points[index][0]) <= FAR_PX
        and abs(points[index][1]) <= FAR_PX
        for index in indices
    )


def _angle(value: float | None) -> float | None:
    return value if value is not None and abs(value) <= 180 else None
