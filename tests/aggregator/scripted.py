"""Scripted scenes for tests of the room: who stands where before which camera, and what a room
makes of it.

A scene is a function of time that says which faces a camera's picture has; :func:`film` turns it
into observations, 10 a second, with an embedding once a second where faces have one; :func:`play`
hands observations of any cameras to a room in the order of their capture.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np

from readroom.aggregator.room import Room
from readroom.aggregator.room_data import Changes, RoomData
from readroom.aggregator.rows import SessionRows
from readroom.messages import (
    CameraReport,
    Command,
    Event,
    Face,
    Marker,
    Observation,
    encode,
)
from readroom.sessions.rows import MarkerRow, MeasureRow, PersonRow, Sample
from tests.aggregator.identities import Crowd
from tests.aggregator.made import START, observation, room

FPS: Final = 10
#: Frames between two looks of the identity network.
LOOK_EVERY: Final = 10

Scene = Callable[[float], tuple[Face, ...]]
Message = Observation | CameraReport | Command | Marker
#: When something arrives (our clock), and what.
Arrival = tuple[float, Message]


class Cast:
    """People whose faces the identity network knows apart: made embeddings."""

    def __init__(self, seed: int = 0) -> None:
        self.crowd = Crowd(seed)

    def face(self, face: Face, name: str, camera: str) -> Face:
        """The face as that person's, seen by that camera."""
        seen = np.asarray(self.crowd.embedding(name, camera))
        return msgspec.structs.replace(face, embedding=tuple(seen.tolist()))


def film(
    scene: Scene,
    begin_s: float,
    end_s: float,
    *,
    camera: str = "front",
    knows: bool = False,
    behind_s: float = 0.0,
    **changes: Any,
) -> list[Arrival]:
    """What a camera's workers say of a scene. ``knows``: the identity network runs. ``behind_s``:
    the camera's clock is so much behind ours."""
    found: list[Arrival] = []
    for seq in range(round(begin_s * FPS), round(end_s * FPS)):
        looks = knows and seq % LOOK_EVERY == 0
        faces = scene(seq / FPS)
        if not looks:
            faces = tuple(msgspec.structs.replace(face, embedding=None) for face in faces)
        told = {
            "camera": camera,
            "faces": faces,
            "captured_at": START + seq / FPS - behind_s,
            "engines": ("face", "expression", *(("identity",) if looks else ())),
            **changes,
        }
        if knows:
            told["models"] = {"face": "some", "expression": "some", "identity": "some"}
        found.append((START + seq / FPS, observation(seq, **told)))
    return found


@dataclass(slots=True)
class Told:
    """All that a room said: rows of all sessions and counts, added up."""

    people: list[PersonRow] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    measures: list[MeasureRow] = field(default_factory=list)
    markers: list[MarkerRow] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    joined: int = 0
    late: int = 0
    duplicates: int = 0
    overflow: int = 0
    dropped: dict[str, int] = field(default_factory=dict)

    def add(self, changes: Changes) -> None:
        for rows in changes.rows.values():
            self._add_rows(rows)
        self.refused += changes.refused
        self.joined += len(changes.joined)
        self.late += changes.late
        self.duplicates += changes.duplicates
        self.overflow += changes.overflow
        for _, reason, count in changes.dropped:
            self.dropped[reason] = self.dropped.get(reason, 0) + count

    def _add_rows(self, rows: SessionRows) -> None:
        self.people += rows.people
        self.samples += rows.samples
        self.events += rows.events
        self.measures += rows.measures
        self.markers += rows.markers

    def of(self, kind: str) -> list[Event]:
        """The events of a kind, in order."""
        return [event for event in self.events if event.kind == kind]

    def rows(self) -> dict[str, list[Any]]:
        """Everything that is stored."""
        return {
            name: getattr(self, name)
            for name in ("people", "samples", "events", "measures", "markers")
        }

    def newest(self) -> dict[int, PersonRow]:
        """What the store has of everybody in the end, by number."""
        return {row.person: row for row in self.people}


def in_order(*several: Iterable[Arrival]) -> Iterator[Arrival]:
    """Several cameras' arrivals in one order of time."""
    return heapq.merge(*several, key=lambda arrival: arrival[0])


def play(there: Room, arrivals: Iterable[Arrival], told: Told | None = None) -> Told:
    """Hand everything to the room when it arrives; what it said, added to ``told``."""
    told = told or Told()
    for now, message in arrivals:
        if isinstance(message, Command | Marker):
            there.command(message, now)
        else:
            there.take(message, now)
        there.tick(now)
        told.add(there.drain())
    return told


def wait(there: Room, begin: float, seconds: float, told: Told) -> None:
    """Time passes in which nothing arrives."""
    for step in range(round(seconds * 4)):
        there.tick(begin + step / 4)
    told.add(there.drain())


def cut(there: Room, now: float) -> Room:
    """The room as the next process finds it after a crash: out of the checkpoint's bytes."""
    body = encode(there.checkpoint())
    found = Room(there.rules, msgspec.msgpack.decode(body, type=RoomData))
    found.resume(now)
    return found


def sees(*faces: Face) -> Scene:
    """A scene in which nothing changes."""
    return lambda at_s: faces


def lanes_room(lanes: Sequence[str], **changes: Any) -> Room:
    """An empty room that several lanes speak of."""
    return room(lanes=tuple(lanes), **changes)
