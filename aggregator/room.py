"""The whole room as data, and what a message or the passing of time does to it.

:class:`Room` is the pure core of the aggregator: messages and the time go in, a :class:`Changes`
comes out (rows for the store, events, things to count), and :meth:`Room.state` says how the room
looks now. Everything that has to survive a crash is in :class:`RoomData`, which one msgpack blob
holds exactly (floats travel as IEEE doubles), so that a resumed run goes on bit for bit.

For recordings nothing in the timelines depends on the wall clock or on how messages were
batched: only on the observations, in their order (and of several recordings, as far as they can
wait for each other: order.py). Live cameras also age by the wall clock, so that people don't stay
"visible" when the camera is gone.

    observations ─▶ joining (per camera) ─▶ order (several recordings) ─▶ session ─▶ scene

Without a running session (``session stop``, or aggregator.session=command) everything is the same,
in a session that is :attr:`~readroom.aggregator.session.Session.rolling`: it is shown, and nothing
of it is stored.
"""

from __future__ import annotations

import math
from typing import Final, Literal

import msgspec

from readroom.aggregator import joining, moments, order, tracking
from readroom.aggregator.audience import MIN_PEOPLE
from readroom.aggregator.embeddings import Embeddings
from readroom.aggregator.identity import Refused
from readroom.aggregator.people import People
from readroom.aggregator.room_data import (
    Camera,
    Changes,
    RoomData,
    RoomRules,
    without_lines,
    without_people,
)
from readroom.aggregator.rows import SessionRows
from readroom.aggregator.scene import Scene
from readroom.aggregator.session import CameraClock, Session, session_id, session_time
from readroom.aggregator.telling import tell
from readroom.intervals import wilson
from readroom.messages import (
    NOT_VISIBLE,
    CameraReport,
    CameraState,
    Command,
    Marker,
    Measure,
    Mode,
    Observation,
    Outcome,
    PersonState,
    RoomState,
)
from readroom.sessions.rows import NoteRow

#: A live camera silent for this long ages by the wall clock, s.
SILENT_S: Final = 1.0
#: Window of the frame rate, s.
FPS_WINDOW_S: Final = 5.0
#: A camera of the registry that said nothing for this long isn't waited for, s.
REGISTRY_FRESH_S: Final = 10.0
#: The time that a marker names may be so far ahead of what has been seen, s: frames take a moment.
MARKER_AHEAD_S: Final = 10.0
#: Ids of commands that are remembered.
MOST_OBEYED: Final = 256


class Room:
    """The pure core: see the module's docstring.

    ``now`` is everywhere a clock that never goes back (Unix s, but not set with the wall
    clock). ``salt`` makes the next session's id unique.
    """

    def __init__(self, rules: RoomRules, data: RoomData | None = None) -> None:
        self.rules = rules
        self.data = data or RoomData(room=rules.room, sources=rules.sources, purpose=rules.purpose)
        self.salt = "0"
        self.changes = Changes()
        self.embeddings = Embeddings()
        self._scene = Scene(self.data, rules)
        self._starting: set[str] = set()
        self._recording: set[str] = set()
        #: Cameras of whom ingest said something lately; None before the registry was read.
        self._heard: set[str] | None = None
        #: Since when recordings have waited for cameras that were named and are still to come.
        self._waited_since: float | None = None
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
        if self.rules.without_emotion:
            message = _without_expressions(message)
        seen = self.embeddings.set_aside(message)
        self._joined(camera, joining.offer(camera.join, seen, now, self.rules.join), now)
        if seen is not message and not _waits(camera, message.seq):
            # It came twice, or too late: nothing is kept of a frame that nobody waits for.
            self.embeddings.give_back(camera.name, message.seq)

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
        self._recording = {name for name in self._starting if reports[name].mode == "recording"}
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
        while first := order.earliest(self.data.cameras):
            self._frame(first, first.line.pop(0), now)
        session, data = self.data.session, self.data
        if session is None or session.closed:
            return
        end_s, rows = self.time_s, self._rows()
        self._advance()
        self._scene.close({name: one.at_s for name, one in data.cameras.items()}, end_s, rows)
        session.closed = True
        self.embeddings, self._waited_since = Embeddings(), None
        if not session.rolling:
            tell(rows, "session_closed", 0.0, end_s)
        data.asked = None if data.asked == "start" else data.asked
        self._forget_people()
        for camera in data.cameras.values():
            camera.tracker = tracking.Tracker()
            camera.over = camera.join.ended_seq is not None

    def checkpoint(self) -> RoomData:
        """What has to be written down, so that a crash loses nothing that may be stored."""
        session = self.data.session
        if session is not None and not session.closed:
            return without_people(self.data) if session.rolling else without_lines(self.data)
        if self._rolls("live"):
            return without_people(self.data, but_recordings=not self._rolls("recording"))
        return without_lines(self.data)

    def waiting(self) -> set[tuple[str, int]]:
        """Camera and seq of the frames that were read and wait in line for another camera's."""
        return {
            (camera.name, frame.seq)
            for camera in self.data.cameras.values()
            for frame in camera.line
        }

    # -- commands ---------------------------------------------------------------------------

    def command(self, message: Command | Marker, now: float) -> None:
        """Do what somebody asks for. What can't be done changes nothing, and is said in
        ``Changes.refused``; a message that was obeyed once isn't a second time. What became of it
        is in ``Changes.outcomes``, each time that it comes."""
        data = self.data
        if message.room != self.rules.room:
            return
        if message.id not in data.obeyed:
            done = self._mark(message) if isinstance(message, Marker) else self._obey(message, now)
            self._remember(message.id, done)
        refused = data.refused.get(message.id, "")
        self.changes.outcomes.append(Outcome(id=message.id, refused=refused))

    def _remember(self, command: str, done: Refused | None) -> None:
        data = self.data
        data.obeyed = [*data.obeyed[1 - MOST_OBEYED :], command]
        remembered = set(data.obeyed)
        data.refused = {one: why for one, why in data.refused.items() if one in remembered}
        if done is not None:
            data.refused[command] = done.reason
            self.changes.refused.append(done.reason)

    def _mark(self, marker: Marker) -> Refused | None:
        session = self.data.session
        if session is None or session.closed:
            return Refused(f"mark: no camera is seen yet, {marker.label!r} marks nothing")
        if session.rolling:
            return Refused(
                f"mark: no session runs, so {marker.label!r} would be kept nowhere; start one first"
            )
        if marker.time_s is not None:
            at_s = marker.time_s
            if at_s > self.time_s + MARKER_AHEAD_S:
                return Refused(
                    f"mark: {at_s:.0f} s is not reached yet, {marker.label!r} marks nothing"
                )
        elif session.recording:
            at_s = self.time_s
        else:
            newest = max(self.data.cameras.values(), key=lambda camera: camera.at_s)
            at_s = marker.at - session.started_at + newest.clock.offset_s
        if not math.isfinite(at_s):
            return Refused(f"mark: {at_s} is no time, {marker.label!r} marks nothing")
        at_s = min(max(0.0, at_s), self.time_s + MARKER_AHEAD_S)
        moments.mark(self.data.moments, marker.id, marker.label, at_s, self._rows())
        return None

    def _obey(self, command: Command, now: float) -> Refused | None:
        match command.verb:
            case "start":
                return self._start(command.text, now)
            case "stop":
                return self._stop(now)
            case "merge" | "split" | "rename":
                return self._of_people(command)
        session = self._stored_session()
        if command.verb == "title":
            self.data.title = command.text if session is None else self.data.title
            if session is not None:
                session.title = command.text
            return None
        if session is None:
            return Refused("note: no session runs, so there is nothing to note it with")
        self._rows().notes.append(NoteRow(command.id, self.time_s, command.text))
        return None

    def _start(self, title: str, now: float) -> Refused | None:
        """A session begins with the next frame."""
        session = self._stored_session()
        if session is not None:
            return Refused(f"start: session {session.id} is running; stop it first")
        if self.data.asked == "start" and self.data.session is None:
            return Refused("start: a session begins with the next frame already")
        self.close(now)
        self.data.session, self.data.asked = None, "start"
        self.data.title = title or self.data.title
        return None

    def _stop(self, now: float) -> Refused | None:
        """The session ends here; from now on people are shown, and nothing is stored."""
        session = self._stored_session()
        if session is None and self._rolls("live"):
            return Refused("stop: no session is running")
        if session is not None:
            for camera in self.data.cameras.values():
                camera.line.clear()  # Later than the moment at which it was stopped.
            self.close(now)
        self.data.asked = "stop"
        return None

    def _of_people(self, command: Command) -> Refused | None:
        session = self.data.session
        if session is None or session.closed or command.slot is None:
            return Refused(f"{command.verb}: nobody is in the room")
        rows = self._rows()
        if command.verb == "rename":
            return self._scene.rename(command.slot, command.text or None, rows)
        if command.verb == "split":
            return self._scene.split(command.slot, command.camera or "", rows)
        if command.other is None:
            return Refused("merge: name two people")
        return self._scene.merge(command.slot, command.other, rows)

    def _stored_session(self) -> Session | None:
        """The session that is running and stored, if there is one."""
        session = self.data.session
        if session is None or session.closed or session.rolling:
            return None
        return session

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
            if frame.mode == "recording" and self._in_step:
                camera.line.append(frame)
            else:
                self._frame(camera, frame, now)
        self._let_in(now)

    @property
    def _in_step(self) -> bool:
        """Whether there are several recordings, whose frames wait for each other."""
        recorded = [one for one in self.data.cameras.values() if one.mode == "recording"]
        return max(len(recorded), len(self.rules.sources)) > 1 and self.data.asked != "stop"

    def _let_in(self, now: float) -> None:
        """Let in the recordings' frames that no other camera has to be waited for."""
        cameras = self.data.cameras
        if not any(camera.line for camera in cameras.values()):
            return
        if self._waited_since is None:
            self._waited_since = now
        late = now - self._waited_since > order.START_S
        missing = len(cameras) < len(self.rules.sources) and not late
        while camera := order.next_camera(cameras, self._recording, missing):
            self._frame(camera, camera.line.pop(0), now)

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
        embeddings = self.embeddings.give_back(camera.name, frame.seq)
        self._mark_known()
        overflow = self.data.people.slots.overflow
        self._scene.frame(camera, frame, embeddings, at_s, self._rows())
        self.changes.overflow += self.data.people.slots.overflow - overflow
        self._advance()

    def _advance(self) -> None:
        self._scene.advance(self.data.cameras.values(), self.time_s, self._rows())

    def _mark_known(self) -> None:
        """Mark the moments that were named beforehand, as the recording comes to them."""
        for at_s, label in self.rules.markers[self.data.marked :]:
            if at_s > self.time_s:
                return
            self.data.marked += 1
            known = f"{self.rules.room}-{self.data.marked}"
            moments.mark(self.data.moments, known, label, at_s, self._rows())

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
        self._scene.silence(camera, at_s, self._rows())
        self._advance()

    # -- sessions, people, events -----------------------------------------------------------

    def _begin(self, frame: joining.Joined) -> Session:
        """A new session starts with this frame."""
        data = self.data
        rolling = self._rolls(frame.mode)
        session = Session(
            id="" if rolling else session_id(frame.captured_at, self.salt),
            title=self.rules.title if data.title is None else data.title,
            started_at=frame.captured_at,
            recording=frame.mode == "recording",
            rolling=rolling,
        )
        if not rolling:
            data.title = None
        # A live camera's talk is yet to be given: of that, nothing can be known beforehand.
        data.marked = 0 if session.recording else len(self.rules.markers)
        data.session, data.models = session, {}
        self._forget_people()
        self._forget_cameras(frame.camera)
        for camera in data.cameras.values():
            camera.tracker, camera.clock = tracking.Tracker(), CameraClock()
            camera.frames, camera.sampled, camera.dropped, camera.at_s = 0, -1, {}, 0.0
            camera.reported_before = dict(camera.reported_drops)
            camera.face_at_s = camera.expression_at_s = None
            camera.bodies_at_s = camera.identity_at_s = None
        rows = self._rows()
        if not rolling:
            tell(rows, "session_started", 0.0, 0.0)
        for camera in data.cameras.values():
            if camera.report_epoch >= 0:
                tell(rows, "camera", 0.0, 0.0, camera=camera.name, state=camera.phase)
        return session

    def _forget_people(self) -> None:
        self.data.people, self.data.moments = People(), moments.Moments()
        self._scene = Scene(self.data, self.rules)

    def _rolls(self, mode: Mode) -> bool:
        """Whether a frame that comes now would start no session."""
        asked = self.data.asked
        return asked == "stop" or (asked is None and self.rules.by_command and mode == "live")

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
        rows = self.changes.rows.get(session.id)
        if rows is None or rows.session is not session:
            rows = SessionRows(self.rules.room, session, purpose=self.rules.purpose)
            self.changes.rows[session.id] = rows
        return rows

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
            tell(self._rows(), "camera", at_s, at_s, camera=camera.name, state=said.phase)

    def _all_ended(self, now: float) -> bool:
        if self.data.session is None or self.data.session.closed or not self.data.cameras:
            return False
        if not self._starting <= self.data.cameras.keys():
            return False  # A camera is there that hasn't delivered anything yet.
        return all(
            not camera.line and joining.finished(camera.join, now, self.rules.join)
            for camera in self.data.cameras.values()
        )

    # -- what the room looks like -------------------------------------------------------------

    def state(self, now: float, wall_at: float) -> RoomState:
        """The room at this moment, for the page and the metrics."""
        session = self.data.session
        people = self._scene.states()
        cameras = tuple(self._camera_state(name, now) for name in sorted(self.data.cameras))
        return RoomState(
            room=self.rules.room,
            session=session.id if session else "",
            title=session.title if session else self.rules.title,
            phase=_phase(session),
            started_at=session.started_at if session else 0.0,
            at=wall_at,
            time_s=self.time_s,
            people=people,
            cameras=cameras,
            shares=shares(people),
            coverage=_mean_coverage(people, session),
            lag_s=max((camera.lag_s for camera in cameras), default=0.0),
            overflow=self.data.people.slots.overflow,
            engines=dict(self.data.models),
            purpose=self.rules.purpose or "audience",
            measures=dict(self.data.moments.measures),
            look_shares=look_shares(people),
            away=self._scene.away(),
        )

    def _camera_state(self, name: str, now: float) -> CameraState:
        camera = self.data.cameras[name]
        times = [at for at in self._released_at.get(name, ()) if now - at < FPS_WINDOW_S]
        self._released_at[name] = times
        return CameraState(
            camera=name,
            phase=camera.phase,
            source=camera.source,
            mode=camera.mode,
            fps=len(times) / FPS_WINDOW_S,
            lag_s=_lag(camera),
            people=self._scene.visible_in(name),
            width=camera.width,
            height=camera.height,
            frames=camera.frames,
            dropped=camera.drops(),
            reason=camera.reason,
        )


def _without_expressions(message: Observation) -> Observation:
    """Where no emotion may be inferred, what a worker says of one is taken out on arrival: it must
    not even wait in a checkpoint."""
    faces = tuple(msgspec.structs.replace(face, expression=None) for face in message.faces)
    engines = tuple(engine for engine in message.engines if engine != "expression")
    models = {engine: name for engine, name in message.models.items() if engine != "expression"}
    return msgspec.structs.replace(message, faces=faces, engines=engines, models=models)


def _waits(camera: Camera, seq: int) -> bool:
    """Whether a frame has been read and not let in yet."""
    return seq in camera.join.held or any(frame.seq == seq for frame in camera.line)


def shares(people: tuple[PersonState, ...]) -> dict[str, float]:
    """Share of the visible people in each state that occurs; sums to 1 where anybody is. Who has
    just come back, and is still said to be "not visible" for the dwell, doesn't count yet."""
    visible = [p.state for p in people if p.visible and p.state != NOT_VISIBLE]
    return {state: visible.count(state) / len(visible) for state in dict.fromkeys(visible)}


def look_shares(people: tuple[PersonState, ...]) -> dict[str, Measure]:
    """Share of the visible people with each look that occurs, with its Wilson interval; nothing of
    fewer people than a room has."""
    visible = [person for person in people if person.visible]
    n = len(visible)
    if n < MIN_PEOPLE:
        return {}
    coverage = sum(person.coverage for person in visible) / n
    looks = [person.look for person in visible]
    found = {}
    for look in dict.fromkeys(looks):
        share = looks.count(look) / n
        low, high = wilson(share, n)
        found[look] = Measure(value=share, low=low, high=high, n=n, coverage=coverage)
    return found


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


def _phase(session: Session | None) -> Literal["waiting", "rolling", "running", "closed"]:
    if session is None:
        return "waiting"
    if session.rolling:
        return "waiting" if session.closed else "rolling"
    return "closed" if session.closed else "running"


def _lag(camera: Camera) -> float:
    if camera.processed_captured_at == 0:
        return 0.0
    newest = max(camera.reported_captured_at, camera.join.newest_captured_at)
    return max(0.0, newest - camera.processed_captured_at)
