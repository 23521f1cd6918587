"""What the room is made of: its rules, its cameras, all that a checkpoint holds, what changes.

:class:`RoomData` is plain data, which one msgpack blob holds exactly (floats travel as IEEE
doubles), so that a resumed run goes on bit for bit. No embedding is in it, and nothing made of one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from readroom.aggregator import joining, moments, tracking
from readroom.aggregator.people import People
from readroom.aggregator.readout import ReadoutRules
from readroom.aggregator.rows import SessionRows
from readroom.aggregator.session import CameraClock, Session
from readroom.messages import (
    MEASURES,
    PLAIN_MEASURES,
    WITHOUT_EMOTION,
    CameraPhase,
    Event,
    Mode,
    Outcome,
    Purpose,
)

#: Layout of RoomData; another number in a checkpoint means that it can't be continued.
DATA_VERSION: Final = 3


class Camera(msgspec.Struct):
    """One camera: where its frames stand, who is tracked, what ingest said of it. ``over``: its
    last session is closed and it had ended, so that its position means nothing to a new run.
    ``line`` are a recording's frames that wait for other cameras (order.py). ``dropped`` are frames
    that the aggregator didn't get in this session, by reason, ``reported_drops`` those that the
    camera's ingest dropped since it started, ``reported_before`` as many of them as came before the
    session."""

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
    reported_before: dict[str, int] = {}
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
    identity_at_s: float | None = None
    bodies_at_s: float | None = None
    sampled: int = -1
    over: bool = False
    line: list[joining.Joined] = []

    def drops(self, *, of_session: bool = False) -> dict[str, int]:
        """Frames that were captured and not analysed, by reason: since ingest started, or of this
        session."""
        before = self.reported_before if of_session else {}
        found = dict(self.dropped)
        for reason, count in self.reported_drops.items():
            earlier = before.get(reason, 0)
            # Fewer than before: its ingest has started anew, and counts from 0.
            new = count - earlier if count >= earlier else count
            if new:
                found[reason] = found.get(reason, 0) + new
        return found


class RoomData(msgspec.Struct):
    """Everything that a checkpoint holds; no embedding, nothing made of one. ``sources`` and
    ``purpose`` are what the room was told to watch, and for what, so that a crashed session isn't
    taken up by another job. ``asked`` is whether somebody has started or stopped a session by
    command, which holds until a run ends of itself (``ended``), and ``title`` what the next one is
    to be called. ``commands`` is how far the commands were read, ``obeyed`` has the ids of the
    newest, ``refused`` why some of them couldn't be done. ``marked`` is how many
    of the rules' markers the session has come to."""

    room: str
    sources: tuple[str, ...] = ()
    purpose: Purpose | None = None
    version: int = DATA_VERSION
    session: Session | None = None
    cameras: dict[str, Camera] = {}
    people: People = msgspec.field(default_factory=People)
    moments: moments.Moments = msgspec.field(default_factory=moments.Moments)
    models: dict[str, str] = {}
    asked: Literal["start", "stop"] | None = None
    ended: bool = False
    title: str | None = None
    commands: str = ""
    obeyed: list[str] = []
    refused: dict[str, str] = {}
    marked: int = 0


@dataclass(frozen=True, slots=True)
class RoomRules:
    """What the settings say. ``by_command``: a live camera starts no session of its own.
    ``markers`` are moments of a recording that are marked (media time in s, label), by time."""

    room: str
    title: str
    sources: tuple[str, ...]
    join: joining.JoinRules
    sample_hz: float
    min_face_px: float
    purpose: Purpose | None = None
    by_command: bool = False
    neutral_s: float = 0.0
    markers: tuple[tuple[float, str], ...] = ()

    @property
    def without_emotion(self) -> bool:
        """Whether no expression may be read, whatever an observation says."""
        return self.purpose in WITHOUT_EMOTION

    @property
    def identity(self) -> bool:
        """Whether an identity network is meant to run: a lane is named after its engines."""
        return any("identity" in lane.split("+") for lane in self.join.lanes)

    @property
    def measures(self) -> tuple[str, ...]:
        """What may be said of the room."""
        return PLAIN_MEASURES if self.without_emotion else MEASURES

    @property
    def readout(self) -> ReadoutRules:
        """What people are read by."""
        return ReadoutRules(self.min_face_px, self.neutral_s, self.without_emotion)


@dataclass(slots=True)
class Changes:
    """What came of a message or of time: rows by session, and what has to be counted.
    ``joined`` holds (camera, captured_at) of each frame that reached the timelines, ``refused`` a
    line for each command that couldn't be done, ``outcomes`` what became of each."""

    rows: dict[str, SessionRows] = field(default_factory=dict)
    joined: list[tuple[str, float]] = field(default_factory=list)
    dropped: list[tuple[str, str, int]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    duplicates: int = 0
    late: int = 0
    overflow: int = 0
    unusable: int = 0

    @property
    def events(self) -> list[Event]:
        """The new events of all sessions, in order."""
        return [event for rows in self.rows.values() for event in rows.events]


def carry_over(data: RoomData, stored: dict[str, int], *, recent: bool) -> RoomData:
    """A room for the next session, which still knows how far its cameras had come.

    What was read but not acknowledged when the last run ended comes again and must be known as
    old; and a recording that was in the middle goes on there. Left out are unfinished recordings
    that Redis disagrees about (``stored``: camera → last seq): they are played from the
    beginning; and, unless the run is ``recent``, live cameras, and what was asked for by command.
    """
    fresh = RoomData(
        room=data.room,
        sources=data.sources,
        purpose=data.purpose,
        asked=data.asked if recent else None,
        title=data.title if recent else None,
        commands=data.commands if recent else "",
        obeyed=data.obeyed,
        refused=data.refused,
    )
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


def let_in_seq(camera: Camera) -> int | None:
    """The last frame that is in the timelines; None before the first. What is in line isn't."""
    if not camera.line:
        return camera.join.released_seq
    first = camera.line[0]
    # The first of an epoch says nothing of the one before; it leaves no gap.
    before = first.seq - 1 if first.previous_seq == -1 else first.previous_seq
    return before if before >= 0 else None


def without_lines(data: RoomData) -> RoomData:
    """The room without what is in line: that isn't acknowledged, so that it comes again, embeddings
    included; and it may be long."""
    if not any(camera.line for camera in data.cameras.values()):
        return data
    cameras = {name: _before_line(camera) for name, camera in data.cameras.items()}
    return msgspec.structs.replace(data, cameras=cameras)


def _before_line(camera: Camera) -> Camera:
    if not camera.line:
        return camera
    join = msgspec.structs.replace(camera.join, released_seq=let_in_seq(camera))
    return msgspec.structs.replace(camera, join=join, line=[])


def without_people(data: RoomData, *, but_recordings: bool = False) -> RoomData:
    """What may be written down while no session runs: how far the cameras and the commands have
    come, and nothing that was seen. ``but_recordings``: they will start one, so that what waits of
    them is kept."""
    return RoomData(
        room=data.room,
        sources=data.sources,
        purpose=data.purpose,
        cameras={
            name: _before_line(camera)
            if but_recordings and camera.mode == "recording"
            else _unseen(camera)
            for name, camera in data.cameras.items()
        },
        asked=data.asked,
        ended=data.ended,
        title=data.title,
        commands=data.commands,
        obeyed=data.obeyed,
        refused=data.refused,
    )


def _unseen(camera: Camera) -> Camera:
    held = {
        seq: joining.Held(
            waiting.first_at,
            {
                lane: msgspec.structs.replace(observation, faces=(), bodies=())
                for lane, observation in waiting.lanes.items()
            },
        )
        for seq, waiting in camera.join.held.items()
    }
    return msgspec.structs.replace(
        camera,
        join=msgspec.structs.replace(camera.join, held=held),
        line=[],
        tracker=tracking.Tracker(),
        clock=CameraClock(),
    )
