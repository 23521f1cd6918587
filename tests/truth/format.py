"""Recorded truth: what the networks saw in a clip, moment by moment, beside what is known of it.

A timeline is an xz file of JSON lines: the first is a :class:`Header`, each further one a
:class:`Moment`. It holds numbers and no pictures: boxes, landmarks, angles, probabilities,
blendshapes, keypoints. Face embeddings are left out on purpose: they are what a person can be
recognised by. Numbers are rounded (pixels, degrees and grey levels to 0.1, blendshapes to 0.01,
the rest to 0.001), so that a minute of two people stays below 300 KB. The same input gives the
same bytes.

What is known (:class:`PersonTruth`) comes from labels made by hand (``labels/*.toml``, read by
:func:`read_labels`) or from the demo room's script. It is written into the timeline, so that a
timeline is complete, and ``truth_sha256`` says which labels it was made with.
"""

from __future__ import annotations

import hashlib
import lzma
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final, Literal

import msgspec

from readroom.errors import BadSettings
from readroom.messages import (
    ACTIONS,
    EXPRESSIONS,
    NOT_VISIBLE,
    TOO_SMALL,
    Body,
    Box,
    Face,
    Point,
    Quality,
)

#: Version of the file; a reader refuses any other.
VERSION: Final = 1
#: What a viewer says who can't name an expression.
CANT_TELL: Final = "cant_tell"
#: What a label of an expression can be.
NAMES: Final = (*EXPRESSIONS, TOO_SMALL, NOT_VISIBLE, CANT_TELL)
#: Labels with more doubt than this are kept and never scored.
MOST_DOUBT: Final = 0.5
#: Where labels and timelines lie.
FOLDER: Final = Path(__file__).resolve().parent
LABELS: Final = FOLDER / "labels"
TIMELINES: Final = FOLDER / "timelines"
_SUFFIX: Final = ".jsonl.xz"
#: A window of 1 MiB: the preset's own of 64 MiB takes 0.7 GB of memory to write a small file.
_FILTERS: Final = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 1 << 20}]


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """From ``start_s`` to ``end_s`` something ``name``d is visible; ``doubt`` 0 (sure) to 1."""

    start_s: float = msgspec.field(name="from")
    end_s: float = msgspec.field(name="to")
    name: str = msgspec.field(name="is")
    doubt: float
    note: str = ""

    @property
    def scored(self) -> bool:
        """Whether it is sure enough to judge a read-out by."""
        return self.doubt <= MOST_DOUBT and self.name != CANT_TELL


class PersonTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one person. ``x`` is where the face lies, as shares of the picture's
    width; ``present`` from when to when, s. Actions that are in neither ``actions`` nor
    ``unjudged`` were not visible."""

    name: str
    x: tuple[float, float]
    present: tuple[float, float]
    expressions: tuple[Label, ...]
    actions: tuple[Label, ...] = ()
    unjudged: tuple[str, ...] = ()


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """A file of labels. Times are seconds of the clip."""

    version: int
    clip: str
    frames_per_s: float
    lasts_s: float
    people: tuple[PersonTruth, ...]


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """A network that had a part in a timeline. ``sha256`` is its file's; empty where none is."""

    model: str
    sha256: str


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line. ``kind`` ``clip``: a real recording, labelled by hand; ``rendered``: the
    demo room, where truth is what the script says. ``source_sha256`` is the clip's file's, empty
    for the demo room. Sizes are px, ``fps`` analysed frames per second."""

    version: int
    kind: Literal["clip", "rendered"]
    name: str
    source_sha256: str
    truth_sha256: str
    width: int
    height: int
    fps: float
    lasts_s: float
    networks: dict[str, Network]
    people: tuple[PersonTruth, ...]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen in one frame, ``time_s`` into the source."""

    time_s: float
    faces: tuple[Face, ...] = ()
    bodies: tuple[Body, ...] = ()


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """A whole recording."""

    header: Header
    moments: tuple[Moment, ...]


def write(timeline: Timeline, path: Path) -> int:
    """Write ``path``; returns its size in bytes."""
    lines = [timeline.header, *map(rounded, timeline.moments)]
    body = b"\n".join(map(msgspec.json.encode, lines)) + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress(body, filters=_FILTERS))
    return path.stat().st_size


def read(path: Path) -> Timeline:
    """Read a timeline. Raises BadSettings where the file is none, or of another version."""
    try:
        first, *others = lzma.decompress(path.read_bytes()).splitlines()
        version = msgspec.json.decode(first, type=dict[str, object]).get("version")
        if version != VERSION:
            raise BadSettings(
                f"{path.name}: version {version}, this reads {VERSION}: "
                "record it again (python -m tests.truth.record)"
            )
        header = msgspec.json.decode(first, type=Header)
        moments = tuple(msgspec.json.decode(line, type=Moment) for line in others)
    except (OSError, lzma.LZMAError, ValueError, msgspec.MsgspecError) as error:
        raise BadSettings(
            f"{path.name}: no timeline ({error}): record it again (python -m tests.truth.record)"
        ) from None
    return Timeline(header=header, moments=moments)


def recorded(folder: Path = TIMELINES) -> dict[str, Timeline]:
    """All timelines of a folder by name, in the order of their names."""
    return {
        path.name.removesuffix(_SUFFIX): read(path) for path in sorted(folder.glob(f"*{_SUFFIX}"))
    }


def path_of(name: str, folder: Path = TIMELINES) -> Path:
    """Where the timeline ``name`` lies."""
    return folder / f"{name}{_SUFFIX}"


def read_labels(path: Path) -> Truth:
    """Labels made by hand. Raises BadSettings where they are none: an unknown name, a span that
    ends before it starts or lies outside the clip, expressions that overlap."""
    try:
        truth = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Truth)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadSettings(f"{path.name}: no labels ({error}): see labels/README.md") from None
    for person in truth.people:
        flaw = _flaw(person, truth.lasts_s)
        if flaw:
            raise BadSettings(f"{path.name}, {person.name}: {flaw}")
    return truth


def spans(
    times: Sequence[float], step_s: float, says: Callable[[float], tuple[str, float] | None]
) -> Iterator[Label]:
    """Labels from a script: what it ``says`` (name, doubt) at ``times``, ``step_s`` apart."""
    for said, run in groupby(((says(time_s), time_s) for time_s in times), key=lambda one: one[0]):
        moments = [time_s for _, time_s in run]
        if said is not None:
            name, doubt = said
            start_s, end_s = round(moments[0], 3), round(moments[-1] + step_s, 3)
            yield Label(start_s=start_s, end_s=end_s, name=name, doubt=doubt)


def sha256(path: Path) -> str:
    """The hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rounded(moment: Moment) -> Moment:
    """The moment with pixels, degrees and grey levels to 0.1, blendshapes to 0.01 and everything
    else to 0.001, without embeddings."""
    return Moment(
        time_s=round(moment.time_s, 3),
        faces=tuple(map(_rounded_face, moment.faces)),
        bodies=tuple(map(_rounded_body, moment.bodies)),
    )


def _rounded_face(face: Face) -> Face:
    quality = face.quality
    landmarks = face.landmarks
    return msgspec.structs.replace(
        face,
        box=_rounded_box(face.box),
        score=round(face.score, 3),
        quality=Quality(
            width_px=round(quality.width_px, 1),
            sharpness=round(quality.sharpness, 1),
            brightness=_maybe(quality.brightness),
            yaw_deg=_maybe(quality.yaw_deg),
            pitch_deg=_maybe(quality.pitch_deg),
            roll_deg=_maybe(quality.roll_deg),
        ),
        landmarks=None if landmarks is None else tuple(map(_rounded_point, landmarks)),
        expression=_to(3, face.expression),
        blendshapes=_to(2, face.blendshapes),
        embedding=None,
    )


def _rounded_body(body: Body) -> Body:
    return msgspec.structs.replace(
        body,
        box=_rounded_box(body.box),
        score=round(body.score, 3),
        keypoints=tuple((round(x, 1), round(y, 1), round(s, 3)) for x, y, s in body.keypoints),
    )


def _rounded_box(box: Box) -> Box:
    return Box(*(round(value, 1) for value in (box.x, box.y, box.width, box.height)))


def _rounded_point(point: Point) -> Point:
    return round(point[0], 1), round(point[1], 1)


def _to(digits: int, values: Iterable[float] | None) -> tuple[float, ...] | None:
    return None if values is None else tuple(round(value, digits) for value in values)


def _maybe(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _flaw(person: PersonTruth, lasts_s: float) -> str:
    for label in (*person.expressions, *person.actions):
        if not 0 <= label.start_s < label.end_s <= lasts_s + 0.1:
            return f"{label.name} from {label.start_s} to {label.end_s}: no span of this clip"
        if not 0 <= label.doubt <= 1:
            return f"{label.name}: doubt {label.doubt} isn't in 0..1"
    for label in person.expressions:
        if label.name not in NAMES:
            return f"{label.name} is no expression"
    for name in (*(label.name for label in person.actions), *person.unjudged):
        if name not in ACTIONS:
            return f"{name} is no action"
    for one, other in zip(person.expressions, person.expressions[1:], strict=False):
        if other.start_s < one.end_s:
            return f"{other.name} at {other.start_s} begins before {one.name} is over"
    return ""
