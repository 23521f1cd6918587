"""The columns of the recorded table: name, type, unit, range, meaning. The data dictionary
(docs/semantics/table.md) and the file's own field metadata are both made of this.

Where no emotion may be inferred (workplace, education), columns that hold or name one aren't there
at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from readroom.messages import ACTIONS, EXPRESSIONS, KEYPOINTS, LOOKS, STATES

Kind = Literal["text", "float32", "float64", "int16", "int32", "bool"]
#: What a null in a column can mean beside what the column says of itself.
_UNKNOWN: Final = "null: not measured"
#: Fields of Quality: name, unit, range, meaning.
_QUALITY: Final = (
    ("sharpness", "grey²", "≥ 0", "variance of the Laplacian at 64×64, below about 30 blurred"),
    ("brightness", "grey", "0..255", "mean brightness"),
    ("yaw_deg", "°", "-180..180", "turned to the person's own left (> 0)"),
    ("pitch_deg", "°", "-180..180", "looking up (> 0)"),
    ("roll_deg", "°", "-180..180", "tilted clockwise in the picture (> 0)"),
)
_SIDES: Final = ("x", "y", "width", "height")


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``unit`` and ``range`` are "" where there is none; ``emotion`` says that it is
    left out where no emotion may be inferred."""

    name: str
    kind: Kind
    unit: str
    range: str
    meaning: str
    emotion: bool = False


def columns(*, without_emotion: bool) -> tuple[Column, ...]:
    """The table's columns, in their order."""
    return tuple(c for c in _COLUMNS if not (without_emotion and c.emotion))


def _who_and_when() -> Iterator[Column]:
    yield Column("session", "text", "", "", "the session's name")
    yield Column("time_s", "float64", "s", "≥ 0", "session time of the room state")
    yield Column("person", "int32", "", "≥ 1", "the person's number in the session; never reused")
    yield Column("slot", "int16", "", "1..32", "the person's slot; may be given away again")
    yield Column("pseudonym", "text", "", "", "what the person is called: P1 in slot 1")
    yield Column("camera", "text", "", "", "the camera that sees the person best")
    yield Column("visible", "bool", "", "", "whether the face is in view")


def _look() -> Iterator[Column]:
    states, looks = ", ".join(STATES), ", ".join(LOOKS)
    yield Column(
        "state", "text", "", states, "how a viewer would name the expression", emotion=True
    )
    yield Column(
        "confidence", "float32", "", "0..1", "smoothed probability of the state", emotion=True
    )
    yield Column("look", "text", "", looks, "how the person looks all in all", emotion=True)
    for name in EXPRESSIONS:
        meaning = f"smoothed probability of {name}; null: nothing was read"
        yield Column(f"p_{name}", "float32", "", "0..1", meaning, emotion=True)
    for name, ends in (("valence", "unpleasant to pleasant"), ("arousal", "quiet to excited")):
        meaning = f"{ends}, derived from the probabilities; null: the face isn't being read"
        yield Column(name, "float32", "", "-1..1", meaning, emotion=True)


def _actions() -> Iterator[Column]:
    yield Column(
        "coverage", "float32", "", "0..1", "share of the last minute in which the face was readable"
    )
    yield Column("face_width_px", "float32", "px", "≥ 0", "width of the face in the frame")
    for name, unit, reach, said in _QUALITY:
        meaning = f"of the newest face: {said}; null: not measured, or no face yet"
        yield Column(f"face_{name}", "float32", unit, reach, meaning)
    yield Column(
        "blinks_per_min", "float32", "1/min", "≥ 0", f"blinks in the last minute; {_UNKNOWN}"
    )
    for name in ACTIONS:
        meaning = f"{name.replace('_', ' ')} at this moment; {_UNKNOWN}"
        yield Column(f"action_{name}", "bool", "", "", meaning)


def _places() -> Iterator[Column]:
    inside = "0..1 in the frame"
    for side in _SIDES:
        of = "width" if side in ("x", "width") else "height"
        meaning = f"{side} of the face's box (x, y: its top left), where it was last seen"
        yield Column(f"box_{side}", "float32", f"frame {of}", inside, meaning)
    for name in KEYPOINTS:
        spoken = name.replace("_", " ")
        for axis, of in (("x", "width"), ("y", "height")):
            meaning = f"{axis} of the {spoken}; null: no body was found"
            yield Column(f"{name}_{axis}", "float32", f"frame {of}", inside, meaning)
        meaning = f"how sure the {spoken} is; null: no body was found"
        yield Column(f"{name}_score", "float32", "", "0..1", meaning)


def _labels() -> Iterator[Column]:
    yield Column("marker", "text", "", "", "label of the session's last marker; null: none yet")
    yield Column("marker_s", "float64", "s", "≥ 0", "seconds since that marker; null: none yet")


_COLUMNS: Final = (*_who_and_when(), *_look(), *_actions(), *_places(), *_labels())
