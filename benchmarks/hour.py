"""An hour of a room of twelve, made once by the aggregator's own code: what it says, and its store.

A made-up audience (benchmarks/crowd.py) goes through the pure core of the aggregator on simulated
time, frame by frame, at the rate at which samples are stored. Its room states and events go into a
spool, as many a second as an aggregator publishes, and its rows into a session store, with a marker
every two minutes. So pages and reports are measured on what a session of that length is made of.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from benchmarks.aggregator import START_AT
from benchmarks.crowd import CAMERA_FPS, LANES, Crowd
from readroom.aggregator.process import rules_of
from readroom.aggregator.room import Room
from readroom.aggregator.rows import SessionRows
from readroom.aggregator.store import Store
from readroom.messages import CameraReport, Event, Marker, RoomState
from readroom.settings import Settings

PEOPLE: Final = 12
#: Frames, room states and stored samples a second: the last two as the settings' defaults are.
HZ: Final = 4
#: Simulated time between two commits, and between two markers, s.
COMMIT_EVERY_S, MARKER_EVERY_S = 30, 120
#: A report of the camera comes this often, as its ingest says it, s.
REPORT_EVERY_S: Final = 1
_CAMERA: Final = "front"


class Moment(msgspec.Struct, frozen=True):
    """What an aggregator publishes at one moment."""

    state: RoomState
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Hour:
    """A made session: where its store and its spool lie, what it is called, how long it is, s."""

    folder: Path
    session: str
    seconds: int

    def moments(self) -> Iterator[Moment]:
        """What was published, oldest first; read from disk as it goes."""
        decode = msgspec.msgpack.Decoder(Moment).decode
        with _spool(self.folder).open("rb") as file:
            while size := file.read(4):
                yield decode(file.read(int.from_bytes(size, "big")))


def make(folder: Path, seconds: int, say: Callable[[str], None]) -> Hour:
    """Let ``seconds`` of a room of :data:`PEOPLE` pass; its files go into ``folder``, which must be
    empty."""
    began = time.monotonic()
    settings = Settings(room="bench", title="An hour", purpose="research", lanes=LANES)
    room, crowd = Room(rules_of(settings)), Crowd(PEOPLE, camera=_CAMERA)
    encode = msgspec.msgpack.Encoder().encode
    step = CAMERA_FPS // HZ
    session = ""
    with Store(folder) as store, _spool(folder).open("wb") as spool:
        unwritten: dict[str, SessionRows] = {}
        for frame in range(1, seconds * HZ + 1):
            at = START_AT + frame / HZ
            if frame % (REPORT_EVERY_S * HZ) == 1:
                room.take(_report(at, frame), at)
            said = crowd.observe(frame * step, (frame - 1) * step, captured_at=at)
            for message in said:
                room.take(message, at)
            if frame % (MARKER_EVERY_S * HZ) == 0:
                room.command(_marker(at), at)
            room.tick(at)
            events = _drain(room, unwritten)
            state = room.state(at, at)
            session = state.session or session
            _write(spool, encode(Moment(_light(state), tuple(events))))
            if frame % (COMMIT_EVERY_S * HZ) == 0:
                store.commit(unwritten.values(), room.checkpoint(), at)
                unwritten = {}
        room.close(at)
        events = _drain(room, unwritten)
        _write(spool, encode(Moment(_light(room.state(at, at)), tuple(events))))
        store.commit(unwritten.values(), room.checkpoint(), at)
    say(f"an hour's session made in {time.monotonic() - began:.0f} s")
    return Hour(folder, session, seconds)


def _spool(folder: Path) -> Path:
    return folder / "published"


def _write(file: Any, body: bytes) -> None:
    file.write(len(body).to_bytes(4, "big") + body)


def _light(state: RoomState) -> RoomState:
    """Without keypoints: they are most of the bytes, and the server sends pages none."""
    return replace(state, people=tuple(replace(each, keypoints=None) for each in state.people))


def _drain(room: Room, unwritten: dict[str, SessionRows]) -> list[Event]:
    """What has happened since; the rows are put with those that wait for a commit."""
    changes = room.drain()
    for name, rows in changes.rows.items():
        if name in unwritten:
            unwritten[name].add(rows)
        else:
            unwritten[name] = rows
    return list(changes.events)


def _report(at: float, frame: int) -> CameraReport:
    return CameraReport(
        room="bench",
        camera=_CAMERA,
        epoch=1,
        phase="streaming",
        mode="live",
        source="made up",
        at=at,
        captured_at=at,
        last_seq=frame * (CAMERA_FPS // HZ),
        width=1280,
        height=720,
        analysis_fps=HZ,
        frames=frame,
    )


def _marker(at: float) -> Marker:
    number = round((at - START_AT) / MARKER_EVERY_S)
    return Marker(room="bench", at=at, label=f"slide {number}", id=f"m{number}")
