"""The table's rows: one for each person of each room state, in the order in which they came.

Pure: no clock, no Redis, no file.
"""

from __future__ import annotations

import bisect
from typing import Final

from readroom.messages import (
    ACTIONS,
    EXPRESSIONS,
    KEYPOINTS,
    CameraState,
    Event,
    PersonState,
    Quality,
    RoomState,
)

#: A value of one column.
Value = str | float | int | bool | None
Row = dict[str, Value]

_NO_BODY: Final = ((None, None, None),) * len(KEYPOINTS)


class Markers:
    """The markers of one session, by time. One that is told again changes nothing."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._found: list[tuple[float, str]] = []

    def add(self, event: Event) -> None:
        """Take an event in; what isn't a marker of the session is passed over."""
        if event.kind != "marker" or event.session != self._session or event.state is None:
            return
        entry = (event.start_s, event.state)
        if entry not in self._found:
            # Of two at one instant, the one that came later stands behind.
            bisect.insort(self._found, entry, key=lambda found: found[0])

    def at(self, time_s: float) -> tuple[str | None, float | None]:
        """Label of the last marker at or before ``time_s``, and the seconds since."""
        index = bisect.bisect_right(self._found, time_s, key=lambda found: found[0])
        if not index:
            return None, None
        at_s, label = self._found[index - 1]
        return label, time_s - at_s


def rows_of(state: RoomState, markers: Markers, *, without_emotion: bool) -> list[Row]:
    """One row for each person of a room state."""
    cameras = {camera.camera: camera for camera in state.cameras}
    label, since_s = markers.at(state.time_s)
    rows: list[Row] = []
    for person in state.people:
        row: Row = {
            "session": state.session,
            "time_s": state.time_s,
            "person": person.person,
            "slot": person.slot,
            "pseudonym": person.pseudonym,
            "camera": person.camera,
            "visible": person.visible,
            "coverage": person.coverage,
            "face_width_px": person.face_width_px,
            "blinks_per_min": person.blinks_per_min,
            "marker": label,
            "marker_s": since_s,
        }
        if not without_emotion:
            row |= _look(person)
        row |= _quality(person.quality)
        row |= {f"action_{name}": _action(person, name) for name in ACTIONS}
        row |= _places(person, cameras.get(person.camera))
        rows.append(row)
    return rows


def _look(person: PersonState) -> Row:
    probabilities = person.expression or (None,) * len(EXPRESSIONS)
    return {
        "state": person.state,
        "confidence": person.confidence,
        "look": person.look,
        "valence": person.valence,
        "arousal": person.arousal,
        **{f"p_{n}": p for n, p in zip(EXPRESSIONS, probabilities, strict=True)},
    }


def _quality(quality: Quality | None) -> Row:
    names = ("sharpness", "brightness", "yaw_deg", "pitch_deg", "roll_deg")
    return {f"face_{n}": None if quality is None else getattr(quality, n) for n in names}


def _action(person: PersonState, name: str) -> bool | None:
    """Whether it is going on; None where that can't be told at this moment."""
    if name in person.actions:
        return True
    return False if name in person.measured else None


def _places(person: PersonState, camera: CameraState | None) -> Row:
    """Box and keypoints, as shares of the frame; null where the frame's size isn't known."""
    if camera is None or min(camera.width, camera.height) <= 0:
        width = height = None
    else:
        width, height = camera.width, camera.height
    box = person.box
    row: Row = {
        "box_x": _share(box.x, width),
        "box_y": _share(box.y, height),
        "box_width": _share(box.width, width),
        "box_height": _share(box.height, height),
    }
    for name, (x, y, score) in zip(KEYPOINTS, person.keypoints or _NO_BODY, strict=True):
        row[f"{name}_x"] = _share(x, width)
        row[f"{name}_y"] = _share(y, height)
        row[f"{name}_score"] = score
    return row


def _share(value: float | None, of: int | None) -> float | None:
    return None if value is None or of is None else value / of
