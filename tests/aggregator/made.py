"""Observations, reports and rooms made by hand, for tests."""

from __future__ import annotations

from typing import Any

from readroom.aggregator.joining import JoinRules
from readroom.aggregator.room import Room
from readroom.aggregator.room_data import RoomRules
from readroom.messages import (
    EXPRESSIONS,
    Box,
    CameraReport,
    Face,
    Observation,
    Probabilities,
    Quality,
)

LANE = "face+expression"
#: A wall clock reading, Unix s.
START = 1.7e9


def looks(expression: str, probability: float = 0.9) -> Probabilities:
    """Probabilities with most on one expression."""
    rest = (1 - probability) / 7
    a, b, c, d, e, f, g, h = (probability if name == expression else rest for name in EXPRESSIONS)
    return a, b, c, d, e, f, g, h


def face(
    x: float,
    y: float = 100.0,
    width: float = 60.0,
    *,
    score: float = 0.9,
    expression: Probabilities | None = None,
    sharpness: float = 500.0,
    yaw_deg: float | None = 0.0,
    landmarks: bool = True,
) -> Face:
    """A face whose box begins at (x, y); ``landmarks``: from a detector that gives some."""
    middle = (x + width / 2, y + 0.6 * width)
    return Face(
        box=Box(x, y, width, 1.2 * width),
        score=score,
        quality=Quality(width_px=width, sharpness=sharpness, yaw_deg=yaw_deg),
        expression=expression,
        landmarks=(middle, middle, middle, middle, middle) if landmarks else None,
    )


def observation(seq: int, **changes: Any) -> Observation:
    """One lane's observation of frame ``seq`` of a camera with 10 frames a second."""
    mode = changes.get("mode", "live")
    fields: dict[str, Any] = {
        "room": "room",
        "camera": "front",
        "epoch": 1000,
        "seq": seq,
        "previous_seq": seq - 1,
        "captured_at": START + seq / 10,
        "width": 640,
        "height": 360,
        "mode": mode,
        "lane": LANE,
        "worker": "w1",
        "media_time_s": seq / 10 if mode == "recording" else None,
        "engines": ("face", "expression"),
        "models": {"face": "yunet", "expression": "some-network"},
    }
    return Observation(**{**fields, **changes})


def report(phase: str, **changes: Any) -> CameraReport:
    """What ingest says of the camera."""
    fields: dict[str, Any] = {
        "room": "room",
        "camera": "front",
        "epoch": 1000,
        "phase": phase,
        "mode": "live",
        "source": "clip.mp4",
        "at": START,
    }
    return CameraReport(**{**fields, **changes})


def room(*, lanes: tuple[str, ...] = (LANE,), **changes: Any) -> Room:
    """An empty room."""
    fields: dict[str, Any] = {
        "room": "room",
        "title": "A talk",
        "sources": (),
        "join": JoinRules(lanes=lanes),
        "sample_hz": 4.0,
        "min_face_px": 24,
    }
    return Room(RoomRules(**{**fields, **changes}))


def two_people(seq: int) -> tuple[Face, ...]:
    """Two people whose looks change every few seconds, the second one missed now and then."""
    name = ("neutral", "happiness", "surprise")[(seq // 40) % 3]
    first = face(100 + seq % 7, expression=looks(name))
    second = face(400 - seq % 5, 120, expression=looks("sadness", 0.5 + 0.01 * (seq % 40)))
    return (first,) if seq % 17 in (3, 4) else (first, second)
