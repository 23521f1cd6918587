"""What a camera's frames do to the people of a session, and to what is said of the room.

    frame ─▶ tracking (per camera) ─▶ people (who is who) ─▶ readout (per person) ─┬▶ samples
                                                                                   └▶ moments

The frames come in their order, with their session time; when a session begins and ends, and how
observations become frames, is the room's business (:mod:`readroom.aggregator.room`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from readroom.aggregator import moments, tracking
from readroom.aggregator.audience import Point, expressiveness
from readroom.aggregator.bodies import bodies_of_people, usable_faces
from readroom.aggregator.embeddings import Embedding
from readroom.aggregator.gallery import Gallery
from readroom.aggregator.identity import Refused
from readroom.aggregator.joining import Joined
from readroom.aggregator.people import Crowd, Person, Seen, person_state
from readroom.aggregator.room_data import Camera, RoomData, RoomRules
from readroom.aggregator.rows import SessionRows
from readroom.aggregator.sight import reading_of, sight_of
from readroom.legibility import face_weight
from readroom.messages import Body, Box, Face, PersonState
from readroom.sessions.rows import Sample

#: A face missed for less than this is still visible, s; longer at low analysis rates.
VISIBLE_S: Final = 0.5
VISIBLE_INTERVALS: Final = 2.5
#: A network (expression, pose, identity) that said nothing for this long isn't running, s.
NETWORK_SILENT_S: Final = 10.0
#: Time that a camera's first reading may take before the network counts as not running, s.
NETWORK_START_S: Final = 2.0


class Scene:
    """The people and moments of the session that ``data`` has. A new session needs a new one.

    ``rows`` is everywhere where the session's new rows and events go.
    """

    def __init__(self, data: RoomData, rules: RoomRules) -> None:
        self._rules = rules
        self._people = data.people
        self._moments = data.moments
        #: The identity network whose embeddings are compared, and when it was heard last.
        self._identity: tuple[str, float] | None = None
        self._crowd = Crowd(data.people, Gallery(), rules.readout)

    def frame(
        self,
        camera: Camera,
        frame: Joined,
        embeddings: Mapping[Box, Embedding],
        at_s: float,
        rows: SessionRows,
    ) -> None:
        """Take a frame in; ``embeddings`` are those of its faces, by box."""
        if frame.restarted:
            tracking.reset(camera.tracker)
        if "expression" in frame.ran:
            camera.expression_at_s = at_s
        if "identity" in frame.ran:
            camera.identity_at_s = at_s
            if not self._compares(frame.models.get("identity", ""), at_s):
                embeddings = {}
        seen: dict[int, Face] = {}
        if frame.faces is not None:
            seen = self._faces(camera, frame, embeddings, at_s, rows)
        else:
            self._miss(camera, at_s, rows)
        if frame.bodies is not None:
            camera.bodies_at_s = at_s
            self._bodies(camera, frame, frame.bodies, seen)
        if frame.faces is not None or frame.bodies is not None:
            self._step(camera, frame, seen, at_s, rows)
        self._sample(camera, at_s, rows)

    def silence(self, camera: Camera, at_s: float, rows: SessionRows) -> None:
        """No frame came for a while, and ``at_s`` is its time."""
        self._miss(camera, at_s, rows)
        self._sample(camera, at_s, rows)

    def advance(self, cameras: Iterable[Camera], newest_s: float, rows: SessionRows) -> None:
        """Say of the room what can be said, up to where every running camera has come."""
        running = [
            camera.at_s
            for camera in cameras
            if camera.frames and (camera.line or camera.phase not in ("ended", "stopped"))
        ]
        slowest_s = min(running, default=newest_s)
        moments.advance(self._moments, slowest_s, newest_s, self._rules.measures, rows)

    def close(self, times: Mapping[str, float], end_s: float, rows: SessionRows) -> None:
        """The session is over: everybody leaves. ``times`` are the cameras'."""
        self._crowd.leave_all(times, rows)
        moments.finish(self._moments, end_s, self._rules.measures, rows)

    def merge(self, slot: int, other: int, rows: SessionRows) -> Refused | None:
        """By hand: the people of two slots are one."""
        done = self._crowd.merge(slot, other, rows)
        if isinstance(done, Refused):
            return done
        moments.forget(self._moments, done)
        return None

    def split(self, slot: int, camera: str, rows: SessionRows) -> Refused | None:
        """By hand: whom ``camera`` sees in that slot is somebody else."""
        return self._crowd.split(slot, camera, rows)

    def rename(self, slot: int, name: str | None, rows: SessionRows) -> Refused | None:
        """By hand: what the person in that slot is called; None: nothing."""
        return self._crowd.rename(slot, name, rows)

    def states(self) -> tuple[PersonState, ...]:
        """How everybody looks now, by slot."""
        return tuple(person_state(person) for person in self._crowd.seated())

    def away(self) -> dict[int, str]:
        """What those are called who have left, by number."""
        return self._crowd.away()

    def visible_in(self, camera: str) -> int:
        """How many people who have a slot the camera sees."""
        return self._crowd.visible_in(camera)

    # -- a frame --------------------------------------------------------------------------------

    def _compares(self, model: str, at_s: float) -> bool:
        """Whether embeddings of that network count: those of two can't be compared. One that takes
        the place of another begins anew; of two that run beside each other the first counts."""
        if self._identity is not None and self._identity[0] != model:
            if at_s - self._identity[1] <= NETWORK_SILENT_S:
                return False
            self._crowd = Crowd(self._people, Gallery(), self._rules.readout)
        self._identity = (model, at_s)
        return True

    def _faces(
        self,
        camera: Camera,
        frame: Joined,
        embeddings: Mapping[Box, Embedding],
        at_s: float,
        rows: SessionRows,
    ) -> dict[int, Face]:
        """Track the faces, and find out whose they are; returns this frame's by track."""
        usable = dict(usable_faces(frame.faces or (), frame.width, frame.height))
        _measure_interval(camera, at_s)
        update = tracking.update(
            camera.tracker, [_detection(index, face) for index, face in usable.items()], at_s
        )
        for track in update.left:
            self._crowd.lose(camera.name, track.number, rows, camera.at_s)
        faces = {track: usable[index] for track, index in update.seen.items()}
        limit = self._rules.min_face_px
        seen = {
            track: Seen(face.box, face.quality, face_weight(face, limit), embeddings.get(face.box))
            for track, face in faces.items()
        }
        reads = self._reads_identity(camera, at_s)
        for merged in self._crowd.see(camera.name, seen, at_s, rows, reads=reads):
            moments.forget(self._moments, merged)
        for track in _people(camera):
            visible = _is_visible(camera, track, at_s)
            found = seen.get(track.number)
            self._crowd.look(camera.name, track.number, found, at_s, rows, visible=visible)
        return faces

    def _bodies(
        self, camera: Camera, frame: Joined, bodies: Sequence[Body], faces: dict[int, Face]
    ) -> None:
        """Find out whose the frame's bodies are."""
        views = {
            track.number: self._crowd.view(camera.name, track.number) for track in _people(camera)
        }
        here = {track: view for track, view in views.items() if view is not None and view.visible}
        indices = {id(face): index for index, face in enumerate(frame.faces or ())}
        found = bodies_of_people(
            bodies,
            {track: indices[id(face)] for track, face in faces.items()},
            {track: view.box for track, view in here.items()},
            linked=frame.face_of_body,
        )
        for track, view in here.items():
            body = found.get(track)
            view.keypoints = None if body is None else body.keypoints

    def _step(
        self,
        camera: Camera,
        frame: Joined,
        faces: dict[int, Face],
        at_s: float,
        rows: SessionRows,
    ) -> None:
        """Step everybody whom this camera follows, also those not found in this frame."""
        for track in _people(camera):
            view = self._crowd.view(camera.name, track.number)
            if view is None:
                continue
            face = faces.get(track.number)
            keypoints = None if frame.bodies is None else view.keypoints
            size = (camera.width, camera.height)
            sight = sight_of(face, keypoints, size, self._rules.min_face_px)
            reading = None
            if frame.faces is not None:
                runs = self._reads_expression(camera, at_s)
                reading = reading_of(
                    face,
                    visible=view.visible,
                    network_runs=runs,
                    min_face_px=self._rules.min_face_px,
                )
            self._crowd.step(camera.name, track.number, sight, reading, at_s, rows)

    def _miss(self, camera: Camera, at_s: float, rows: SessionRows) -> None:
        """Nobody looked for faces: who was seen a moment ago is there; who wasn't is seen no
        longer, and leaves in time."""
        size, limit = (camera.width, camera.height), self._rules.min_face_px
        for track in tracking.expire(camera.tracker, at_s):
            self._crowd.lose(camera.name, track.number, rows, at_s)
        for track in _people(camera):
            if not _is_visible(camera, track, at_s):
                self._crowd.look(camera.name, track.number, None, at_s, rows, visible=False)
                runs = self._reads_expression(camera, at_s)
                reading = reading_of(None, visible=False, network_runs=runs, min_face_px=limit)
                sight = sight_of(None, None, size, limit)
                self._crowd.step(camera.name, track.number, sight, reading, at_s, rows)

    def _reads_expression(self, camera: Camera, at_s: float) -> bool:
        return not self._rules.without_emotion and _runs(camera.expression_at_s, at_s)

    def _reads_identity(self, camera: Camera, at_s: float) -> bool:
        if camera.identity_at_s is None:
            return self._rules.identity and at_s < NETWORK_START_S
        return _runs(camera.identity_at_s, at_s)

    def _sample(self, camera: Camera, at_s: float, rows: SessionRows) -> None:
        """Store a point of everybody for whom the camera speaks, ``sample_hz`` times a second."""
        index = math.floor(at_s * self._rules.sample_hz + 1e-6)
        if index <= camera.sampled:
            return
        camera.sampled = index
        if camera.bodies_at_s is not None and not _runs(camera.bodies_at_s, at_s):
            self._crowd.forget_bodies(camera.name)
        for person in self._crowd.seated(camera.name):
            if self._crowd.sample(person, at_s, rows):
                self._say(person, at_s, rows)

    def _say(self, person: Person, at_s: float, rows: SessionRows) -> None:
        state = person_state(person)
        rows.samples.append(_sample_of(state, at_s))
        moments.add(self._moments, _point_of(state, person.view.weight, at_s))


def _runs(read_s: float | None, at_s: float) -> bool:
    """Whether a network runs that read something at ``read_s`` last, None for never."""
    if read_s is None:
        return at_s < NETWORK_START_S
    return at_s - read_s <= NETWORK_SILENT_S


def _people(camera: Camera) -> list[tracking.Track]:
    """The tracks that are somebody, and not only candidates."""
    return [track for track in camera.tracker.tracks if track.confirmed]


def _is_visible(camera: Camera, track: tracking.Track, at_s: float) -> bool:
    """Whether somebody is in sight: a missed detection or two doesn't matter."""
    grace_s = max(VISIBLE_S, VISIBLE_INTERVALS * camera.face_interval_s)
    return at_s - track.seen_at_s <= grace_s


def _measure_interval(camera: Camera, at_s: float) -> None:
    if camera.face_at_s is not None:
        step_s = min(2.0, at_s - camera.face_at_s)
        camera.face_interval_s += 0.2 * (step_s - camera.face_interval_s)
    camera.face_at_s = at_s


def _detection(index: int, face: Face) -> tracking.Detection:
    box = face.box
    return tracking.Detection(
        box.x + box.width / 2, box.y + box.height / 2, box.width, box.height, face.score, index
    )


def _sample_of(state: PersonState, at_s: float) -> Sample:
    """The point of a timeline that is stored."""
    return Sample(
        person=state.person,
        time_s=at_s,
        state=state.state,
        confidence=state.confidence,
        expression=state.expression,
        coverage=state.coverage,
        box=state.box,
        look=state.look,
        actions=frozenset(state.actions),
        measured=frozenset(state.measured),
        camera=state.camera,
    )


def _point_of(state: PersonState, weight: float, at_s: float) -> Point:
    """What the person adds to the room at this moment; ``weight`` is how well the face can be
    read."""
    told = "facing_front" in state.measured
    return Point(
        person=state.person,
        at_s=at_s,
        valence=state.valence,
        expressiveness=None if state.valence is None else expressiveness(state.expression),
        facing_front="facing_front" in state.actions if told else None,
        weight=weight,
    )
