"""Which body belongs to which face, and which of what a worker says can be used at all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from readroom.messages import Body, Box, Face

#: Faces and bodies of one frame that are looked at: the surest ones.
MAX_PER_FRAME: Final = 64
#: A keypoint counts from this score on.
KEYPOINT_SCORE: Final = 0.2
#: Nose and eyes lie at most this far from their face's centre, in face widths.
HEAD_WIDTHS: Final = 0.8
#: COCO's nose, left eye, right eye.
_HEAD: Final = (0, 1, 2)


def usable_faces(faces: Sequence[Face], width: int, height: int) -> list[tuple[int, Face]]:
    """The faces with a finite, non-empty box that touches the frame and a finite score, with
    their index, at most :data:`MAX_PER_FRAME`, the highest scores first."""
    usable = [
        (index, face)
        for index, face in enumerate(faces)
        if math.isfinite(face.score) and _sane(face.box, width, height)
    ]
    return sorted(usable, key=lambda pair: -pair[1].score)[:MAX_PER_FRAME]


def bodies_of_people(
    bodies: Sequence[Body],
    face_of_person: Mapping[int, int],
    boxes: Mapping[int, Box],
    *,
    linked: bool,
) -> dict[int, Body]:
    """Bodies by slot. ``face_of_person`` maps slot to face index of this frame, ``boxes`` slot
    to where that person's face is; ``linked``: ``Body.face`` indexes the same faces."""
    owners = {index: slot for slot, index in face_of_person.items()}
    found: dict[int, Body] = {}
    for body in sorted(bodies[:MAX_PER_FRAME], key=lambda body: -body.score):
        if not _readable(body):
            continue
        slot = owners.get(body.face) if linked and body.face is not None else None
        if slot is None:
            slot = _nearest(body, {s: box for s, box in boxes.items() if s not in found})
        if slot is not None and slot not in found:
            found[slot] = body
    return found


def _nearest(body: Body, boxes: Mapping[int, Box]) -> int | None:
    head = [body.keypoints[i] for i in _HEAD if body.keypoints[i][2] >= KEYPOINT_SCORE]
    if not head or not boxes:
        return None
    x, y = (sum(point[axis] for point in head) / len(head) for axis in (0, 1))

    def widths(slot: int) -> float:
        box = boxes[slot]
        return math.hypot(box.x + box.width / 2 - x, box.y + box.height / 2 - y) / box.width

    nearest = min(sorted(boxes), key=widths)
    return nearest if widths(nearest) <= HEAD_WIDTHS else None


def _readable(body: Body) -> bool:
    return (
        math.isfinite(body.score)
        and len(body.keypoints) == 17
        and all(math.isfinite(value) for point in body.keypoints for value in point)
    )


def _sane(box: Box, width: int, height: int) -> bool:
    if not all(math.isfinite(value) for value in (box.x, box.y, box.width, box.height)):
        return False
    if not (0 < box.width <= 2 * width and 0 < box.height <= 2 * height):
        return False
    return -box.width < box.x < width and -box.height < box.y < height
