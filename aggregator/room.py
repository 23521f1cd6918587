"""The whole room as data, and what a message or the passing of time does to it.

:class:`Room` is the pure core of the aggregator: messages and the time go in, a :class:`Changes`
comes out (rows for the store, events, things to count), and :meth:`Room.state` says how the room
looks now. Everything that has to survive a crash is in :class:`RoomData`, which one msgpack blob
holds exactly (floats travel as IEEE doubles), so that a resumed run goes on bit for bit.

For recordings nothing in the timelines depends on the wall clock or on how messages were
batched: only on the observations, in their order. Live cameras also age by the wall clock, so
that people don't stay "visible" when the camera is gone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import msgspec

from readroom.aggregator import (
    coverage as coverages,
    expression_state as expressions,
    joining,
    slots as seats,
    tracking,
)
from readroom.aggregator.affect import affect
from readroom.aggregator.bodies import bodies_of_people, usable_faces
from readroom.aggregator.rows import PersonRow, Sample, SessionRows
from readroom.aggregator.session import CameraClock, Session, session_id, session_time
from readroom.messages import (
    NOT_VISIBLE,
    Box,
    CameraPhase,
    CameraReport,
    CameraState,
    Event,
    Face,
    Mode,
    Observation,
    PersonState,
    RoomState,
)

#: Layout of RoomData; another number in a checkpoint means that it can't be continued.
DATA_VERSION: Final = 1
#: A face missed for less than this is still visible, s; longer at low analysis rates.
VISIBLE_S: Final = 0.5
VISIBLE_INTERVALS: Final = 2.5
#: A live camera silent for this long ages by the wall clock, s.
SILENT_S: Final = 1.0
#: An expression network that said nothing for this long isn't running, s.
NETWORK_SILENT_S: Final = 10.0
#: Time that a camera's first expression may take before "not read" is said, s.
NETWORK_START_S: Final = 2.0
#: Window of the frame rate, s.
FPS_WINDOW_S: Final = 5.0
#: A camera of the registry that said nothing for this long isn't waited for, s.
REGISTRY_FRESH_S: Final = 10.0


class Person(msgspec.Struct):
    """Somebody with a slot. ``number`` counts the session's people; ``track`` is the camera's."""

    number: int
    slot: int
    camera: str
    track: int
    entered_s: float
    expression: expressions.ExpressionState
    coverage: coverages.Coverage
    box: Box
    seen_s: float
    visible: bool = True
    keypoints: tuple[tuple[float, float, float], ...] | None = None


class Camera(msgspec.Struct):
    """One camera: where its frames stand, who is tracked, what ingest said of it. ``over``: its
    last session is closed and it had ended, so that its position means nothing to a new run."""

    name: str
    join: joining.CameraJoin
    tracker: tracking.Tracker
    clock: CameraClock
    mode: Mode = "live"
    phase: CameraPhase = "connecting"
    source: str = ""
    reason: str = ""
    report_epoch: int = -1
    report_at: float = 0.0
    reported_drops: dict[str, int] = {}
    dropped: dict[str, int] = {}
    reported_captured_at: float = 0.0
    processed_captured_at: float = 0.0
    processed_now: float = 0.0
    width: int = 0
    height: int = 0
    frames: int = 0
    at_s: float = 0.0
    face_at_s: float | None = None
    face_interval_s: float = 0.0
    expression_at_s: float | None = None
    sampled: int = -1
    over: bool = False


class RoomData(msgspec.Struct):
    """Everything that a checkpoint holds. ``sources`` is what the room was told to watch, so
    that a crashed session isn't taken up by another job."""

    room: str
    sources: tuple[str, ...] = ()
    version: int = DATA_VERSION
    session: Session | None = None
    cameras: dict[str, Camera] = {}
    people: dict[int, Person] = {}
    people_made: int = 0
    slots: seats.Slots = msgspec.field(default_factory=seats.Slots)
    models: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class RoomRules:
    """What the settings say. ``salt`` makes session ids differ."""

    room: str
    title: str
    sources: tuple[str, ...]
    join: joining.JoinRules
    sample_hz: float
    min_face_px: float


@dataclass(slots=True)
class Changes:
    """What came of a message or of time: rows by session, and what has to be counted.
    ``joined`` holds (camera, captured_at) of each frame that reached the timelines."""

    rows: dict[str, SessionRows] = field(default_factory=dict)
    joined: list[tuple[str, float]] = field(default_factory=list)
    dropped: list[tuple[str, str, int]] = field(default_factory=list)
    duplicates: int = 0
    late: int = 0
    overflow: int = 0
    unusable: int = 0

    @property
    def events(self) -> list[Event]:
        """The new events of all sessions, in order."""
        return [event for rows in self.rows.values() for event in rows.events]


class Room:
    """The pure core: see the module's docstring.

    ``now`` is everywhere a clock that never goes back (Unix s, but not set with the wall
    clock). ``salt`` makes the next session's id unique.
    """

    def __init__(self, rules: RoomRules, data: RoomData | None = None) -> None:
        self.rules = rules
        self.data = data or RoomData(room=rules.room, sources=rules.sources)
        self.salt = "0"
        self.changes = Changes()
        self._starting: set[str] = set()
        #: Cameras of whom ingest said something lately; None before the registry was read.
        self._heard: set[str] | None = None
        self._released_at: dict[str, list[float]] = {}

    def resume(self, now: float) -> None:
        """The data comes from a checkpoint: start the clocks that count waiting."""
        for camera in self.data.cameras.values():
            joining.resume(camera.join, now)
            camera.processed_now = now

    def drain(self) -> Changes:
        """What has changed since the last call."""
        changes, self.changes = self.changes, Changes()
        return changes

    def take(self, message: Observation | CameraReport, now: float) -> None:
        """Take a message of the observations stream in, in its order."""
        camera = self._camera(message.camera)
        if isinstance(message, CameraReport):
            self._report(camera, message, now)
            return
        if not math.isfinite(message.captured_at) or min(message.width, message.height) <= 0:
            self.changes.unusable += 1
            return
        camera.mode = message.mode
        self._joined(camera, joining.offer(camera.join, message, now, self.rules.join), now)

    def tick(self, now: float) -> None:
        """Let time pass: frames that waited long enough, live cameras that went silent, and
        the session's end when every camera has ended."""
        for camera in self.data.cameras.values():
            self._joined(camera, joining.release(camera.join, now, self.rules.join), now)
            self._age(camera, now)
        if self._all_ended(now):
            self.close(now)

    def registry(self, reports: dict[str, CameraReport], now: float, wall_at: float) -> None:
        """What the cameras' registry says (about once a second): newest captured-at, drops,
        and, where the ordered report was lost with a Redis, that a camera has ended.
        ``wall_at`` is the wall clock, which the reports' own times are compared with."""
        self._heard = {
            name for name, said in reports.items() if wall_at - said.at <= REGISTRY_FRESH_S
        }
        self._starting = {
            name for name in self._heard if reports[name].phase not in ("ended", "stopped")
        }
        for name, said in reports.items():
            camera = self.data.cameras.get(name)
            if camera is None:
                continue
            camera.reported_drops = dict(said.dropped)
            camera.reported_captured_at = said.captured_at
            silent_s = wall_at - said.at
            if silent_s > REGISTRY_FRESH_S and said.phase not in ("ended", "stopped"):
                camera.reason = f"no word from its ingest for {silent_s:.0f} s"
            else:
                camera.reason = said.reason
            joining.check(camera.join, said)
            missed = said.phase == "ended" and camera.phase != "ended"
            if missed and silent_s >= self.rules.join.lane_timeout_s:
                self._report(camera, said, now)

    def close(self, now: float) -> None:
        """The session is over: its people leave, its last states end."""
        for camera in self.data.cameras.values():
            self._joined(camera, joining.close(camera.join), now)
        session = self.data.session
        if session is None or session.closed:
            return
        end_s = self.time_s
        for person in list(self.data.people.values()):
            self._leave(person, person.seen_s)
        session.closed = True
        self._event("session_closed", 0.0, end_s)
        for camera in self.data.cameras.values():
            camera.tracker = tracking.Tracker()
            camera.over = camera.join.ended_seq is not None

    @property
    def time_s(self) -> float:
        """Session time: the newest of the cameras'."""
        return max((camera.at_s for camera in self.data.cameras.values()), default=0.0)

    # -- frames ---------------------------------------------------------------------------

    def _camera(self, name: str) -> Camera:
        camera = self.data.cameras.get(name)
        if camera is None:
            camera = self.data.cameras[name] = Camera(
                name=name,
                join=joining.CameraJoin(),
                tracker=tracking.Tracker(),
                clock=CameraClock(),
            )
        return camera

    def _joined(self, camera: Camera, outcome: joining.JoinOutcome, now: float) -> None:
        self.changes.duplicates += outcome.duplicates
        self.changes.late += outcome.late
        for reason, count in outcome.dropped.items():
            camera.dropped[reason] = camera.dropped.get(reason, 0) + count
            self.changes.dropped.append((camera.name, reason, count))
        for frame in outcome.frames:
            self._frame(camera, frame, now)

    def _frame(self, camera: Camera, frame: joining.Joined, now: float) -> None:
        session = self.data.session
        if session is None or session.closed:
            session = self._begin(frame)
        at_s = session_time(camera.clock, _raw_time(frame, session, camera.clock))
        camera.at_s = max(camera.at_s, at_s)
        camera.frames += 1
        camera.over = False
        camera.width, camera.height = frame.width, frame.height
        camera.processed_captured_at = frame.captured_at
        camera.processed_now = now
        self.data.models.update(frame.models)
        self._released_at.setdefault(camera.name, []).append(now)
        self.changes.joined.append((camera.name, frame.captured_at))
        if frame.restarted:
            tracking.reset(camera.tracker)
        if frame.expression_ran:
            camera.expression_at_s = at_s
        faces: dict[int, Face] = {}
        if frame.faces is not None:
            faces = self._faces(camera, frame, at_s)
        self._bodies(camera, frame, faces)
        self._sample(camera, at_s)

    def _faces(self, camera: Camera, frame: joining.Joined, at_s: float) -> dict[int, Face]:
        """Track the faces and step the people; returns this frame's faces by slot."""
        usable = dict(usable_faces(frame.faces or (), frame.width, frame.height))
        _measure_interval(camera, at_s)
        update = tracking.update(
            camera.tracker, [_detection(index, face) for index, face in usable.items()], at_s
        )
        for track in update.left:
            if track.slot is not None:
                self._leave(self.data.people[track.slot], track.seen_at_s)
        seen: dict[int, Face] = {}
        for track in camera.tracker.tracks:
            if track.confirmed and track.slot is None:
                self._seat(camera, track, at_s)
            if track.slot is not None:
                index = update.seen.get(track.number)
                face = None if index is None else usable[index]
                self._step(camera, track, track.slot, face, at_s)
                if face is not None:
                    seen[track.slot] = face
        return seen

    def _seat(self, camera: Camera, track: tracking.Track, at_s: float) -> None:
        """Give somebody who has just been confirmed a slot, if there is one."""
        slot = seats.take(self.data.slots)
        if slot is None:
            if not track.refused:
                track.refused = True
                self.data.slots.overflow += 1
                self.changes.overflow += 1
            return
        track.slot = slot
        self.data.people_made += 1
        person = Person(
            number=self.data.people_made,
            slot=slot,
            camera=camera.name,
            track=track.number,
            entered_s=at_s,
            expression=expressions.begin(at_s),
            coverage=coverages.Coverage(),
            box=_box(track),
            seen_s=at_s,
        )
        self.data.people[slot] = person
        self._rows().people.append(PersonRow(person.number, slot, camera.name, at_s))
        self._event("person_entered", at_s, at_s, person)

    def _step(
        self, camera: Camera, track: tracking.Track, slot: int, face: Face | None, at_s: float
    ) -> None:
        """One frame (``face`` None: not found in it), or one moment, of a person's life."""
        person = self.data.people[slot]
        grace_s = max(VISIBLE_S, VISIBLE_INTERVALS * camera.face_interval_s)
        person.visible = at_s - track.seen_at_s <= grace_s
        person.seen_s = track.seen_at_s
        reading = _reading(face, person.visible, _network_runs(camera, at_s), self.rules)
        if face is not None:
            person.box = face.box
        if not person.visible:
            person.keypoints = None
        ended = expressions.step(person.expression, reading, at_s, self.rules.min_face_px)
        readable = reading.weight >= expressions.READABLE_WEIGHT and not person.expression.small
        coverages.add(person.coverage, at_s, readable)
        if ended is not None and ended.end_s > ended.start_s:
            self._state_ended(person, ended)

    def _bodies(self, camera: Camera, frame: joining.Joined, faces: dict[int, Face]) -> None:
        if frame.bodies is None:
            return
        here = [p for p in self.data.people.values() if p.camera == camera.name and p.visible]
        indices = {id(face): index for index, face in enumerate(frame.faces or ())}
        found = bodies_of_people(
            frame.bodies,
            {slot: indices[id(face)] for slot, face in faces.items()},
            {person.slot: person.box for person in here},
            linked=frame.face_of_body,
        )
        for person in here:
            body = found.get(person.slot)
            person.keypoints = None if body is None else body.keypoints

    def _sample(self, camera: Camera, at_s: float) -> None:
        """Store a point of every person of the camera, ``sample_hz`` times a second."""
        index = math.floor(at_s * self.rules.sample_hz + 1e-6)
        if index <= camera.sampled:
            return
        camera.sampled = index
        for person in self.data.people.values():
            if person.camera == camera.name:
                self._rows().samples.append(
                    Sample(
                        person=person.number,
                        time_s=at_s,
                        state=person.expression.state,
                        confidence=expressions.confidence(person.expression),
                        expression=expressions.probabilities(person.expression),
                        coverage=coverages.ratio(person.coverage),
                        box=person.box,
                    )
                )

    def _age(self, camera: Camera, now: float) -> None:
        """A live camera that is silent: its people are seen no longer, and leave in time."""
        session = self.data.session
        silent_s = now - camera.processed_now
        if camera.mode != "live" or session is None or session.closed:
            return
        if camera.clock.last_s is None or silent_s < SILENT_S:
            return
        # The camera's clock stays: frames that were only delayed still have their own time, and
        # to whoever is ahead of it an earlier time counts as no time.
        at_s = camera.at_s = max(camera.at_s, camera.clock.last_s + silent_s)
        for track in tracking.expire(camera.tracker, at_s):
            if track.slot is not None:
                self._leave(self.data.people[track.slot], track.seen_at_s)
        for track in camera.tracker.tracks:
            if track.slot is not None:
                self._step(camera, track, track.slot, None, at_s)
        self._sample(camera, at_s)

    # -- sessions, people, events -----------------------------------------------------------

    def _begin(self, frame: joining.Joined) -> Session:
        """A new session starts with this frame."""
        data = self.data
        session = Session(
            id=session_id(frame.captured_at, self.salt),
            title=self.rules.title,
            started_at=frame.captured_at,
            recording=frame.mode == "recording",
        )
        data.session, data.people, data.people_made = session, {}, 0
        data.slots, data.models = seats.Slots(), {}
        self._forget_cameras(frame.camera)
        for camera in data.cameras.values():
            camera.tracker, camera.clock = tracking.Tracker(), CameraClock()
            camera.frames, camera.sampled, camera.dropped, camera.at_s = 0, -1, {}, 0.0
            camera.face_at_s = camera.expression_at_s = None
        self._event("session_started", 0.0, 0.0)
        for camera in data.cameras.values():
            if camera.report_epoch >= 0:
                self._event("camera", 0.0, 0.0, camera=camera.name, state=camera.phase)
        return session

    def _forget_cameras(self, beginner: str) -> None:
        """Cameras whose last session is over and whose ingest is gone are no part of the one
        that ``beginner`` begins. Never before the registry was read: until then what such a
        camera said may still come again, and has to be known as old."""
        heard = self._heard
        if heard is None:
            return
        self.data.cameras = {
            name: camera
            for name, camera in self.data.cameras.items()
            if not camera.over or camera.join.held or name in heard or name == beginner
        }
        self._released_at = {
            name: times for name, times in self._released_at.items() if name in self.data.cameras
        }

    def _rows(self) -> SessionRows:
        session = self.data.session
        if session is None:
            raise RuntimeError("nothing happens outside a session")
        return self.changes.rows.setdefault(session.id, SessionRows(self.rules.room, session))

    def _event(
        self,
        kind: str,
        start_s: float,
        end_s: float,
        person: Person | None = None,
        *,
        camera: str | None = None,
        state: str | None = None,
        confidence: float = 0.0,
    ) -> None:
        rows = self._rows()
        rows.events.append(
            Event(
                room=self.rules.room,
                session=rows.session.id,
                kind=kind,
                start_s=start_s,
                end_s=end_s,
                slot=None if person is None else person.slot,
                camera=camera if person is None else person.camera,
                state=state,
                confidence=confidence,
            )
        )

    def _state_ended(self, person: Person, ended: expressions.StateEnded) -> None:
        self._event(
            "state_ended",
            ended.start_s,
            ended.end_s,
            person,
            state=ended.state,
            confidence=ended.confidence,
        )

    def _leave(self, person: Person, seen_s: float) -> None:
        session = self._rows().session
        present_s = seen_s - person.entered_s
        if present_s > 0:
            session.people_left += 1
            session.coverage_left += min(1.0, person.coverage.total_s / present_s)
        at_s = max(seen_s, self.data.cameras[person.camera].at_s)
        self._state_ended(person, expressions.finish(person.expression, at_s))
        self._event("person_left", person.entered_s, seen_s, person)
        self._rows().people.append(
            PersonRow(person.number, person.slot, person.camera, person.entered_s, seen_s)
        )
        del self.data.people[person.slot]
        seats.give_back(self.data.slots, person.slot)

    def _report(self, camera: Camera, said: CameraReport, now: float) -> None:
        if said.epoch == camera.report_epoch and said.at <= camera.report_at:
            return  # Delivered again.
        changed = said.phase != camera.phase
        replaced = camera.source not in ("", said.source)
        camera.report_epoch, camera.report_at = said.epoch, said.at
        camera.phase, camera.reason, camera.source = said.phase, said.reason, said.source
        camera.mode = said.mode
        camera.reported_drops = dict(said.dropped)
        camera.reported_captured_at = said.captured_at
        outcome = joining.report(camera.join, said, now, replaced=replaced)
        self._joined(camera, outcome, now)
        session = self.data.session
        if changed and session is not None and not session.closed:
            at_s = camera.at_s if camera.frames else self.time_s
            self._event("camera", at_s, at_s, camera=camera.name, state=said.phase)

    def _all_ended(self, now: float) -> bool:
        if self.data.session is None or self.data.session.closed or not self.data.cameras:
            return False
        if not self._starting <= self.data.cameras.keys():
            return False  # A camera is there that hasn't delivered anything yet.
        return all(
            joining.finished(camera.join, now, self.rules.join)
            for camera in self.data.cameras.values()
        )

    # -- what the room looks like -------------------------------------------------------------

    def state(self, now: float, wall_at: float) -> RoomState:
        """The room at this moment, for the page and the metrics."""
        session = self.data.session
        people = tuple(_person_state(self.data.people[slot]) for slot in sorted(self.data.people))
        cameras = tuple(self._camera_state(name, now) for name in sorted(self.data.cameras))
        return RoomState(
            room=self.rules.room,
            session=session.id if session else "",
            title=session.title if session else self.rules.title,
            phase="waiting" if session is None else "closed" if session.closed else "running",
            started_at=session.started_at if session else 0.0,
            at=wall_at,
            time_s=self.time_s,
            people=people,
            cameras=cameras,
            shares=shares(people),
            coverage=_mean_coverage(people, session),
            lag_s=max((camera.lag_s for camera in cameras), default=0.0),
            overflow=self.data.slots.overflow,
            engines=dict(self.data.models),
        )

    def _camera_state(self, name: str, now: float) -> CameraState:
        camera = self.data.cameras[name]
        times = [at for at in self._released_at.get(name, ()) if now - at < FPS_WINDOW_S]
        self._released_at[name] = times
        dropped = dict(camera.reported_drops)
        for reason, count in camera.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + count
        return CameraState(
            camera=name,
            phase=camera.phase,
            source=camera.source,
            mode=camera.mode,
            fps=len(times) / FPS_WINDOW_S,
            lag_s=_lag(camera),
            people=sum(p.camera == name and p.visible for p in self.data.people.values()),
            width=camera.width,
            height=camera.height,
            frames=camera.frames,
            dropped=dropped,
            reason=camera.reason,
        )


def carry_over(data: RoomData, stored: dict[str, int], *, recent: bool) -> RoomData:
    """A room for the next session, which still knows how far its cameras had come.

    What was read but not acknowledged when the last run ended comes again and must be known as
    old; and a recording that was in the middle goes on there. Left out are unfinished recordings
    that Redis disagrees about (``stored``: camera → last seq): they are played from the
    beginning; and, unless the run is ``recent``, live cameras.
    """
    fresh = RoomData(room=data.room, sources=data.sources)
    for name, camera in data.cameras.items():
        recorded, over = camera.mode == "recording", camera.join.ended_seq is not None
        if recorded and not over and stored.get(name) != camera.join.released_seq:
            continue
        if recorded or recent:
            fresh.cameras[name] = Camera(
                name=name,
                join=camera.join,
                tracker=tracking.Tracker(),
                clock=CameraClock(),
                mode=camera.mode,
                phase=camera.phase,
                source=camera.source,
                report_epoch=camera.report_epoch,
                report_at=camera.report_at,
                over=over,
            )
    return fresh


def shares(people: tuple[PersonState, ...]) -> dict[str, float]:
    """Share of the visible people in each state that occurs; sums to 1 where anybody is. Who has
    just come back, and is still said to be "not visible" for the dwell, doesn't count yet."""
    visible = [p.state for p in people if p.visible and p.state != NOT_VISIBLE]
    return {state: visible.count(state) / len(visible) for state in dict.fromkeys(visible)}


def _mean_coverage(people: tuple[PersonState, ...], session: Session | None) -> float | None:
    """Of the people present; of a closed session, of everybody who was there."""
    if people:
        return sum(person.coverage for person in people) / len(people)
    if session is not None and session.closed and session.people_left:
        return session.coverage_left / session.people_left
    return None


def _raw_time(frame: joining.Joined, session: Session, clock: CameraClock) -> float:
    """The camera's own time since the session began, s; garbage counts as no time passed."""
    if frame.mode == "recording" and frame.media_time_s is not None:
        raw_s = frame.media_time_s
    else:
        raw_s = frame.captured_at - session.started_at
    return raw_s if math.isfinite(raw_s) else (clock.last_s or 0.0) - clock.offset_s


def _measure_interval(camera: Camera, at_s: float) -> None:
    if camera.face_at_s is not None:
        step_s = min(2.0, at_s - camera.face_at_s)
        camera.face_interval_s += 0.2 * (step_s - camera.face_interval_s)
    camera.face_at_s = at_s


def _network_runs(camera: Camera, at_s: float) -> bool:
    if camera.expression_at_s is None:
        return at_s < NETWORK_START_S
    return at_s - camera.expression_at_s <= NETWORK_SILENT_S


def _detection(index: int, face: Face) -> tracking.Detection:
    box = face.box
    return tracking.Detection(
        box.x + box.width / 2, box.y + box.height / 2, box.width, box.height, face.score, index
    )


def _box(track: tracking.Track) -> Box:
    x, y, width, height = track.last
    return Box(x - width / 2, y - height / 2, width, height)


def _reading(
    face: Face | None, visible: bool, network_runs: bool, rules: RoomRules
) -> expressions.Reading:
    if face is None:
        return expressions.Reading(visible=visible, network_runs=network_runs)
    return expressions.Reading(
        visible=visible,
        network_runs=network_runs,
        width_px=face.box.width,
        # A detector without landmarks (Haar) gives ranks and no probabilities.
        weight=expressions.weight(
            face.quality, face.score if face.landmarks else 1.0, rules.min_face_px
        ),
        probabilities=expressions.clean(face.expression),
    )


def _person_state(person: Person) -> PersonState:
    probabilities = expressions.probabilities(person.expression)
    valence, arousal = affect(person.expression.state, probabilities) or (None, None)
    return PersonState(
        slot=person.slot,
        pseudonym=seats.pseudonym(person.slot),
        camera=person.camera,
        visible=person.visible,
        state=person.expression.state,
        since_s=person.expression.since_s,
        confidence=expressions.confidence(person.expression),
        expression=probabilities,
        coverage=coverages.ratio(person.coverage),
        box=person.box,
        valence=valence,
        arousal=arousal,
        face_width_px=person.expression.width_px,
        keypoints=person.keypoints,
    )


def _lag(camera: Camera) -> float:
    if camera.processed_captured_at == 0:
        return 0.0
    newest = max(camera.reported_captured_at, camera.join.newest_captured_at)
    return max(0.0, newest - camera.processed_captured_at)
