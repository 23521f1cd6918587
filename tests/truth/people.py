"""One person of a timeline as the aggregator would see that person: by place, not by tracking.

Tracking has tests of its own; here everybody is found where the labels say that they sit, so that
what is judged is the read-out and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from readroom.aggregator.expression_state import Reading
from readroom.aggregator.scene import VISIBLE_S
from readroom.aggregator.sight import Sight, reading_of, sight_of
from readroom.messages import Body, Face
from readroom.settings import WorkerSettings
from tests.truth.format import Header, Moment, PersonTruth, Timeline

#: Faces narrower than this are too small to read, px: the default.
MIN_FACE_PX: Final = float(WorkerSettings().min_face_px)
#: A body without a face belongs to whoever sits where its shoulders are; keypoints count from
#: this score on.
_KEYPOINT_SCORE: Final = 0.2
_SHOULDERS: Final = (5, 6)


@dataclass(frozen=True, slots=True)
class Followed:
    """One labelled person of a timeline: what each moment says of them."""

    truth: PersonTruth
    times: tuple[float, ...]
    readings: tuple[Reading, ...]
    sights: tuple[Sight, ...]


def followed(timeline: Timeline) -> Iterator[Followed]:
    """Everybody who is labelled, while they are there."""
    header = timeline.header
    for person in header.people:
        start_s, end_s = person.present
        moments = [one for one in timeline.moments if start_s <= one.time_s <= end_s]
        found = [face_of(person, one, header.width) for one in moments]
        seen_at: float | None = None
        readings: list[Reading] = []
        for one, face in zip(moments, found, strict=True):
            seen_at = one.time_s if face is not None else seen_at
            visible = seen_at is not None and one.time_s - seen_at < VISIBLE_S
            readings.append(reading(face, visible))
        yield Followed(
            truth=person,
            times=tuple(one.time_s for one in moments),
            readings=tuple(readings),
            sights=tuple(
                sight(header, face, body_of(person, one, face, header.width))
                for one, face in zip(moments, found, strict=True)
            ),
        )


def face_of(person: PersonTruth, moment: Moment, width: int) -> Face | None:
    """The surest face in the person's place."""
    here = [
        face
        for face in moment.faces
        if person.x[0] <= (face.box.x + face.box.width / 2) / width < person.x[1]
    ]
    return max(here, key=lambda face: face.score, default=None)


def body_of(person: PersonTruth, moment: Moment, face: Face | None, width: int) -> Body | None:
    """The body grown from the person's face; without one, the surest one in the place."""
    index = next((i for i, other in enumerate(moment.faces) if other is face), None)
    for body in moment.bodies:
        if index is not None and body.face == index:
            return body
    here = [body for body in moment.bodies if body.face is None and _stands_in(person, body, width)]
    return max(here, key=lambda body: body.score, default=None)


def reading(face: Face | None, visible: bool) -> Reading:
    """What the expression state is told of a moment."""
    return reading_of(face, visible=visible, network_runs=True, min_face_px=MIN_FACE_PX)


def sight(header: Header, face: Face | None, body: Body | None) -> Sight:
    """What the actions are told of a moment."""
    keypoints = body.keypoints if body is not None else None
    return sight_of(face, keypoints, (header.width, header.height), MIN_FACE_PX)


def _stands_in(person: PersonTruth, body: Body, width: int) -> bool:
    points = [body.keypoints[i] for i in _SHOULDERS if body.keypoints[i][2] >= _KEYPOINT_SCORE]
    if not points:
        return False
    x = sum(point[0] for point in points) / len(points) / width
    return person.x[0] <= x < person.x[1]
