"""``readroom analyse photo.jpg``: what each face in a picture looked like, as a table and as data.

A picture is one moment. Nothing is averaged over time here, so nothing is said of how long, or of
what came before; and a face that would count for nothing in a room isn't read here either.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
from PIL import Image, ImageDraw, ImageFont
from rich.table import Table
from rich.text import Text

from readroom.affect import affect
from readroom.analysing.photo_files import Photo, free_name
from readroom.errors import BadSettings
from readroom.legibility import BLURRED, DARK, ENTER, OVERLIT, Why, why_unreadable
from readroom.messages import EXPRESSIONS, NOT_READ, UNCERTAIN, Face, Observation
from readroom.words import Vocabulary, percent, signed, sure

#: Other expressions are told from this probability on.
TOLD: Final = 0.1
#: What is said below the table.
ONE_MOMENT: Final = (
    "A picture says what a face looked like at one moment, not what somebody felt, and nothing of "
    "before or after. How sure: what the network says of this picture alone."
)
ONE_MOMENT_PLAIN: Final = (
    "A picture shows one moment. Nothing is read from the faces but where they are."
)
_DOUBTFUL: Final = "it may be no face, or one that is half hidden"
#: An annotated copy's name ends in this.
_ANNOTATED: Final = ".annotated.jpg"


@dataclass(frozen=True, slots=True)
class Seen:
    """One face of a picture. ``number`` counts from 1, from left to right; ``state`` is one of
    EXPRESSIONS, or UNCERTAIN where none has the majority, None where the face isn't read, and then
    ``why`` says why (None: expressions aren't read here). ``scale`` turns px as read into px of
    the file."""

    number: int
    face: Face
    scale: float
    state: str | None
    why: Why | None
    body: bool

    @property
    def confidence(self) -> float:
        """How sure the state is: 0 where none is named."""
        if self.face.expression is None or self.state not in EXPRESSIONS:
            return 0.0
        return self.face.expression[EXPRESSIONS.index(self.state)]

    @property
    def others(self) -> list[tuple[str, float]]:
        """Expressions besides ``state`` of more than :data:`TOLD`, the likeliest first."""
        read = zip(EXPRESSIONS, self.face.expression or (), strict=False)
        told = [(name, p) for name, p in read if p > TOLD and name != self.state]
        return sorted(told, key=lambda each: -each[1])

    @property
    def valence(self) -> float | None:
        """How pleased the face looked, −1..1; None where it isn't read."""
        found = affect(self.state or NOT_READ, self.face.expression)
        return None if found is None else found[0]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """x, y, width and height in px of the file."""
        box = self.face.box
        x, y, width, height = (
            round(value * self.scale) for value in (box.x, box.y, box.width, box.height)
        )
        return x, y, width, height


def seen_in(photo: Photo, observation: Observation, min_face_px: float) -> list[Seen]:
    """The faces of a picture, judged one by one."""
    with_body = {body.face for body in observation.bodies}
    return [
        Seen(
            number=number + 1,
            face=face,
            scale=photo.scale,
            state=_state(face),
            why=why_unreadable(face, min_face_px),
            body=number in with_body,
        )
        for number, face in enumerate(observation.faces)
    ]


def _state(face: Face) -> str | None:
    if face.expression is None:
        return None
    likeliest = max(range(len(EXPRESSIONS)), key=face.expression.__getitem__)
    return EXPRESSIONS[likeliest] if face.expression[likeliest] >= ENTER else UNCERTAIN


def table(photo: Photo, faces: Sequence[Seen], words: Vocabulary, min_face_px: float) -> Table:
    """The faces of a picture for people."""
    plain = words.without_emotion
    found = Table(title=_title(photo, faces), title_justify="left", title_style="bold")
    found.add_column("face", justify="right")
    found.add_column("at x, y · size, px")
    if plain:
        found.add_column("seen")
    else:
        found.add_column("looks")
        found.add_column("also")
        found.add_column("valence", justify="right")
    found.add_column("sharp", justify="right")
    found.add_column("yaw, pitch", justify="right")
    found.add_column("body")
    for seen in faces:
        x, y, width, height = seen.box
        quality = seen.face.quality
        said = [_said(seen, words, min_face_px)]
        if not plain:
            others = ", ".join(f"{_label(name, words)} {percent(p)}" for name, p in seen.others)
            said += [others, "" if seen.valence is None else signed(seen.valence)]
        cells = [str(seen.number), f"{x}, {y} · {width}×{height}", *said]
        cells += [f"{quality.sharpness:.0f}", _angles(seen.face), "found" if seen.body else "–"]
        found.add_row(*map(Text, cells))
    return found


def _title(photo: Photo, faces: Sequence[Seen]) -> Text:
    count = {0: "no face found", 1: "1 face"}.get(len(faces), f"{len(faces)} faces")
    note = f" ({photo.note})" if photo.note else ""
    return Text(f"{photo.path.name}, {photo.size[0]}×{photo.size[1]} px{note}: {count}")


def _label(state: str, words: Vocabulary) -> str:
    return words.states[state]["label"]


def _said(seen: Seen, words: Vocabulary, min_face_px: float) -> str:
    if seen.why is not None:
        return why_not(seen, words, min_face_px)
    if seen.state is None:
        return words.states[NOT_READ]["readout"]
    if seen.state == UNCERTAIN:
        return words.states[UNCERTAIN]["readout"]
    return f"{_label(seen.state, words)} {sure(seen.confidence)}"


def why_not(seen: Seen, words: Vocabulary, min_face_px: float) -> str:
    """Why a face can't be read, in the words of ``readroom check``."""
    if seen.why is None or seen.why == "doubtful":
        return _DOUBTFUL
    quality = seen.face.quality
    degrees = quality.yaw_deg if seen.why == "turned" else quality.pitch_deg
    limits = {"too_small": min_face_px, "dark": DARK, "overlit": OVERLIT, "blurred": BLURRED}
    return words.check[seen.why].format_map(
        {
            "width": f"{quality.width_px:.0f}",
            "degrees": f"{abs(degrees or 0.0):.0f}",
            "light": f"{quality.brightness or 0.0:.0f}",
            "sharp": f"{quality.sharpness:.0f}",
            "limit": f"{limits.get(seen.why, 0.0):.0f}",
        }
    )


def _angles(face: Face) -> str:
    yaw, pitch = face.quality.yaw_deg, face.quality.pitch_deg
    return "?" if yaw is None or pitch is None else f"{yaw:+.0f}°, {pitch:+.0f}°"


def as_data(
    photo: Photo,
    observation: Observation,
    faces: Sequence[Seen],
    words: Vocabulary,
    min_face_px: float,
) -> dict[str, Any]:
    """The faces of a picture for machines; px are the file's own, upright."""
    return {
        "file": str(photo.path),
        "width": photo.size[0],
        "height": photo.size[1],
        "note": photo.note,
        "models": observation.models,
        "faces": [dict(_face_data(seen, words, min_face_px)) for seen in faces],
    }


def _face_data(seen: Seen, words: Vocabulary, min_face_px: float) -> Iterator[tuple[str, Any]]:
    face, quality = seen.face, seen.face.quality
    yield "face", seen.number
    yield "box", dict(zip(("x", "y", "width", "height"), seen.box, strict=True))
    yield "score", round(face.score, 4)
    yield "readable", seen.why is None
    yield "why_not", None if seen.why is None else why_not(seen, words, min_face_px)
    if not words.without_emotion:
        read = face.expression
        yield "state", seen.state
        yield "confidence", round(seen.confidence, 4) if read else None
        named = zip(EXPRESSIONS, read or (), strict=False)
        yield "expression", {name: round(p, 4) for name, p in named} if read else None
        yield "valence", None if seen.valence is None else round(seen.valence, 4)
    yield (
        "quality",
        {
            "width_px": round(quality.width_px * seen.scale, 1),
            "sharpness": round(quality.sharpness, 1),
            "brightness": None if quality.brightness is None else round(quality.brightness, 1),
            "yaw_deg": None if quality.yaw_deg is None else round(quality.yaw_deg, 1),
            "pitch_deg": None if quality.pitch_deg is None else round(quality.pitch_deg, 1),
            "roll_deg": None if quality.roll_deg is None else round(quality.roll_deg, 1),
        },
    )
    yield "body", seen.body


def annotate(photo: Photo, faces: Sequence[Seen], words: Vocabulary, folder: Path) -> Path:
    """A copy with boxes and labels in the folder, under a name that isn't taken: only pixels, none
    of what the file says of itself. Raises BadSettings where it can't be written."""
    image = Image.fromarray(cv2.cvtColor(photo.picture, cv2.COLOR_BGR2RGB))
    draw = ImageDraw.Draw(image)
    line_px = max(2, round(min(image.size) / 300))
    height_px = max(12, round(min(image.size) / 40))
    font = ImageFont.load_default(height_px)
    for seen in faces:
        box = seen.face.box
        corner = (box.x, box.y, box.x + box.width, box.y + box.height)
        colour = "#00c2a8" if seen.why is None else "#f0a000"
        draw.rectangle(corner, outline=colour, width=line_px)
        label = f"{seen.number} {_short(seen, words)}".strip()
        at = (max(0.0, box.x), max(0.0, box.y - height_px - 3 * line_px))
        draw.rectangle(draw.textbbox(at, label, font=font), fill="black")
        draw.text(at, label, fill=colour, font=font)
    path = free_name(folder, photo.path.stem, _ANNOTATED)
    try:
        with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            image.save(file, "JPEG", quality=92)
    except OSError as error:
        raise BadSettings(f"{path}: can't be written ({error.strerror})") from None
    return path


def _short(seen: Seen, words: Vocabulary) -> str:
    if words.without_emotion or seen.why is not None or seen.state is None:
        return "" if seen.why is None else "not read"
    if seen.state == UNCERTAIN:
        return _label(UNCERTAIN, words)
    return f"{_label(seen.state, words)} {sure(seen.confidence)}"
