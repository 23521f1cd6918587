"""Scripted people: sights whose truth is known because it was written down, not filmed.

No clip shows a nod, a shake, crossed arms or a raised hand. Here a person of round figures sits 2 m
from the camera: face 60 px wide, shoulders 130 px apart, and angles, blendshapes and wrists are
functions of time.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from readroom.aggregator.actions import state as actions
from readroom.aggregator.actions.state import ActionEnded, ActionState
from readroom.aggregator.sight import Keypoints, Sight
from readroom.messages import BLENDSHAPES, KEYPOINTS, Box

#: Where the parts are while somebody sits with hands on the lap, px.
PLACES: dict[str, tuple[float, float]] = {
    "nose": (320, 120),
    "left_eye": (333, 108),
    "right_eye": (307, 108),
    "left_ear": (347, 113),
    "right_ear": (293, 113),
    "left_shoulder": (385, 200),
    "right_shoulder": (255, 200),
    "left_elbow": (400, 290),
    "right_elbow": (240, 290),
    "left_wrist": (360, 340),
    "right_wrist": (280, 340),
    "left_hip": (365, 350),
    "right_hip": (275, 350),
}
FACE = Box(290, 80, 60, 75)
LANDMARKS = ((307.0, 108.0), (333.0, 108.0), (320.0, 125.0), (309.0, 140.0), (331.0, 140.0))


def shapes(**values: float) -> tuple[float, ...]:
    """Blendshapes, 0 but for those given; one without a side sets both."""
    return tuple(
        values.get(name, values.get(name.removesuffix("Left").removesuffix("Right"), 0.0))
        for name in BLENDSHAPES
    )


def body(unseen: tuple[str, ...] = (), **places: tuple[float, float]) -> Keypoints:
    """Keypoints with some of them elsewhere; those ``unseen`` (and legs) are scored 0."""
    known = {**PLACES, **places}
    return tuple(
        (*known.get(name, (0.0, 0.0)), 0.0 if name in unseen or name not in known else 0.9)
        for name in KEYPOINTS
    )


def larger(keypoints: Keypoints, by: float) -> Keypoints:
    """The same person, as many times larger, about the picture's middle."""
    return tuple((320 + by * (x - 320), 180 + by * (y - 180), score) for x, y, score in keypoints)


def sight(**changes: object) -> Sight:
    """Somebody who sits and looks to the front, with a mesh, but for what is changed."""
    fields: dict[str, object] = {
        "width": 640,
        "height": 360,
        "face": FACE,
        "landmarks": LANDMARKS,
        "yaw_deg": 0.0,
        "pitch_deg": 0.0,
        "roll_deg": 0.0,
        "weight": 1.0,
        "blendshapes": shapes(eyeBlink=0.1),
        "keypoints": body(),
    }
    return Sight(**{**fields, **changes})  # type: ignore[arg-type]


def bare(**changes: object) -> Sight:
    """Somebody of whom nothing is seen but what is given."""
    nothing = dict.fromkeys(("face", "landmarks", "blendshapes", "keypoints"))
    return sight(**{**nothing, "yaw_deg": None, "pitch_deg": None, "roll_deg": None, **changes})


def play(
    script: Callable[[float], Sight],
    seconds: float,
    fps: float = 10.0,
    person: ActionState | None = None,
) -> tuple[ActionState, list[ActionEnded]]:
    """Show a script, a function of the time since its start; the person, and what it ended."""
    person = actions.begin(0.0) if person is None else person
    start_s, ended = person.at_s, []
    for frame in range(round(seconds * fps)):
        time_s = (frame + 1) / fps
        ended += actions.step(person, script(time_s), start_s + time_s)
    return person, ended


def wave(time_s: float, hz: float, size: float) -> float:
    """A sine of ``size`` from end to end."""
    return size / 2 * math.sin(2 * math.pi * hz * time_s)


def spans(
    person: ActionState, ended: list[ActionEnded], action: str
) -> list[tuple[float, float | None]]:
    """The spans of an action; the end of one that goes on is None."""
    found: list[tuple[float, float | None]] = [
        (span.start_s, span.end_s) for span in ended if span.action == action
    ]
    going = actions.running(person).get(action)
    return [*found, (going.since_s, None)] if going else found
