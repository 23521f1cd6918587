"""Scripted rooms: what an aggregator would publish, written by hand."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import redis
from msgspec.structs import replace

from readroom.messages import (
    EXPRESSIONS,
    NOT_VISIBLE,
    Box,
    CameraState,
    Event,
    Mode,
    PersonState,
    RoomState,
)
from readroom.streams import PEOPLE_KEPT, Keys, add


def person(
    slot: int,
    state: str,
    *,
    since_s: float = 0.0,
    confidence: float | None = None,
    coverage: float = 0.9,
    camera: str = "front",
    pseudonym: str | None = None,
    affect: tuple[float, float] | None = None,
) -> PersonState:
    """One person as they look now."""
    expressed = state in EXPRESSIONS
    valence, arousal = affect or (None, None)
    sure = (0.82 if expressed else 0.0) if confidence is None else confidence
    return PersonState(
        slot=slot,
        person=slot,
        pseudonym=pseudonym or f"P{slot}",
        camera=camera,
        visible=state != NOT_VISIBLE,
        state=state,
        since_s=since_s,
        confidence=sure,
        expression=None,
        coverage=coverage,
        box=Box(0.0, 0.0, 64.0, 64.0),
        face_width_px=64.0,
        keypoints=tuple((1.0, 2.0, 0.5) for _ in range(17)),
        valence=valence,
        arousal=arousal,
    )


def camera(name: str = "front", **changes: object) -> CameraState:
    """A healthy camera, with changes."""
    healthy: dict[str, object] = {
        "phase": "streaming",
        "source": "rtsp://***@10.0.0.7/stream1",
        "mode": "live",
        "fps": 9.8,
        "lag_s": 0.21,
        "people": 3,
        "width": 1280,
        "height": 720,
        "frames": 1893,
        "dropped": {},
    }
    return CameraState(camera=name, **{**healthy, **changes})  # type: ignore[arg-type]


def shares_of(people: Sequence[PersonState]) -> dict[str, float]:
    """Share of the visible people in each state."""
    visible = [each.state for each in people if each.visible]
    return {state: visible.count(state) / len(visible) for state in dict.fromkeys(visible)}


def room_state(time_s: float, people: Sequence[PersonState] = (), **changes: object) -> RoomState:
    """A room at one moment of a session that began ``time_s`` ago, with changes."""
    now = time.time()
    values: dict[str, object] = {
        "room": "room",
        "session": "s1",
        "title": "Quarterly review",
        "phase": "running",
        "started_at": now - time_s,
        "at": now,
        "time_s": time_s,
        "people": tuple(people),
        "cameras": (camera(people=len(people)),),
        "shares": shares_of(people),
        "coverage": sum(each.coverage for each in people) / len(people) if people else None,
        "lag_s": 0.21,
        "engines": {"face": "yunet-2023mar", "expression": "ferplus-8", "pose": "tinypose-128"},
    }
    return RoomState(**{**values, **changes})  # type: ignore[arg-type]


def recording(time_s: float, people: Sequence[PersonState] = (), **changes: object) -> RoomState:
    """The same, of a played file."""
    mode: Mode = "recording"
    phase = "ended" if changes.get("phase") == "closed" else "streaming"
    seen = camera("clip", mode=mode, source="clip.mp4", people=len(people), phase=phase)
    return room_state(time_s, people, **{"cameras": (seen,), **changes})


@dataclass
class Publisher:
    """Stands where the aggregator stands. Its sessions are its own, so that a server that other
    tests have published to begins anew."""

    client: redis.Redis
    keys: Keys = field(default_factory=lambda: Keys("room"))
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def say(self, *states: RoomState) -> None:
        """Publish room states."""
        for state in states:
            own = replace(state, session=f"{state.session}-{self.mark}")
            add(self.client, self.keys.people, own, maxlen=PEOPLE_KEPT)

    @contextmanager
    def keep_saying(self, state: RoomState) -> Iterator[None]:
        """Publish a state again and again, so that it stays the present while a test looks."""
        enough = threading.Event()

        def repeat() -> None:
            while not enough.wait(0.5):
                self.say(replace(state, at=time.time()))

        thread = threading.Thread(target=repeat, daemon=True)
        self.say(state)
        thread.start()
        try:
            yield
        finally:
            enough.set()
            thread.join()

    def happen(self, kind: str, **fields: object) -> None:
        """Publish an event of session ``s1``; who is in a slot has its number."""
        moment = {"start_s": 1.0, "end_s": 1.0, "person": fields.get("slot"), **fields}
        event = Event(room="room", session=f"s1-{self.mark}", kind=kind, **moment)  # type: ignore[arg-type]
        add(self.client, self.keys.events, event)
