"""One network on one person at one size, with one way to place the box: the figures of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from benchmarks.steadiness import figures
from benchmarks.steadiness.clips import Person, Strip, full_size, view
from benchmarks.steadiness.networks import read
from readroom.messages import EXPRESSIONS, UNCERTAIN
from readroom.workers.analysis import Analyser
from readroom.workers.engines.expression import ExpressionReader

#: Median face widths that the frames are shrunk to, px.
WIDTHS_PX: Final = (96, 64, 48, 32, 24, 16)
#: The aggregator's quality gate while sizes are compared: the setting's lower bound, out of the
#: way, since where it ought to be is the question.
OPEN_GATE_PX: Final = 8

#: The size that says what size has nothing to do with: nobody could tell it from full size.
CONTROL_RATIO: Final = 0.95
FULL: Final = "full"
CONTROL: Final = "95 %"

Boxes = Literal["given", "found"]
BOXES: Final[tuple[Boxes, ...]] = ("found", "given")


_EXPRESSIONS: Final = frozenset(EXPRESSIONS)


@dataclass(frozen=True, slots=True)
class Steadiness:
    """What was measured. ``size`` is one of :data:`WIDTHS_PX` in words, :data:`FULL` or
    :data:`CONTROL`; ``width_px`` is the median face width.

    ``recall`` is the share of the frames with a face in which it was found again. ``agreement``,
    ``distance`` and ``state_agreement`` compare with full size. ``scatter`` [8] and ``freedom``
    make the standard deviations within still windows, of the network's probabilities and of the
    aggregator's. ``uncertain`` is the share of frames with
    that state, ``contradicted`` of those with another expression than at full size (doubt
    contradicts nothing); ``silent`` the share that says no expression, with the quality gate as it
    is set.
    """

    network: str
    person: str
    boxes: Boxes
    size: str
    width_px: float
    frames: int
    recall: float
    agreement: float
    distance: float
    step_distance: float
    flips: figures.Count
    still_flips: figures.Count
    scatter: tuple[float, ...]
    smoothed_scatter: tuple[float, ...]
    freedom: int
    smoothed_freedom: int
    state_flips: figures.Count
    state_agreement: float
    uncertain: float
    contradicted: float
    silent: float


@dataclass(frozen=True, slots=True)
class _Full:
    """What a network says of a person at full size."""

    faces: Strip
    read: figures.Floats
    states: list[str]


def measure(
    person: Person,
    readers: Iterable[ExpressionReader],
    finder: Analyser,
    widths_px: Iterable[int],
    min_face_px: int,
) -> list[Steadiness]:
    """Everything about one person: at full size, as control, and at each width that is smaller.

    ``min_face_px`` is the quality gate as it is set.
    """
    control_px = CONTROL_RATIO * person.width_px
    # A size above the control's would be a second control.
    wanted = {CONTROL: control_px} | {str(px): float(px) for px in widths_px if px < control_px}
    sizes = {FULL: full_size(person)}
    sizes |= {size: view(person, px, finder) for size, px in wanted.items()}
    found: list[Steadiness] = []
    for reader in readers:
        faces = read(reader, person.pictures, person.faces)
        said, _ = figures.smooth(faces, person.times_s, OPEN_GATE_PX)
        full = _Full(faces, figures.probabilities(faces), said)
        for size, seen in sizes.items():
            for boxes in BOXES:
                placed = seen.found if boxes == "found" else seen.given
                strip = faces if size == FULL else read(reader, seen.pictures, placed)
                case = (reader.model, boxes, size, seen.width_px)
                found.append(_judge(case, person, full, strip, min_face_px))
    return found


def _judge(
    case: tuple[str, Boxes, str, float],
    person: Person,
    full: _Full,
    strip: Strip,
    min_face_px: int,
) -> Steadiness:
    network, boxes, size, width_px = case
    times_s = person.times_s
    rows = figures.probabilities(strip)
    still = figures.still_windows(person.faces, times_s)
    scatter, freedom = figures.scatter(rows, still)
    said, smoothed = figures.smooth(strip, times_s, OPEN_GATE_PX)
    smoothed_scatter, smoothed_freedom = figures.scatter(smoothed, still)
    gated, _ = figures.smooth(strip, times_s, min_face_px)
    return Steadiness(
        network=network,
        person=person.name,
        boxes=boxes,
        size=size,
        width_px=width_px,
        frames=len(strip),
        recall=_share(face is not None for face in strip)
        / _share(f is not None for f in full.faces),
        agreement=figures.agreement(rows, full.read),
        distance=figures.distance(rows, full.read),
        step_distance=figures.step_distance(rows),
        flips=figures.flips(rows, times_s, [slice(0, len(rows))]),
        still_flips=figures.flips(rows, times_s, still),
        scatter=tuple(scatter.tolist()),
        smoothed_scatter=tuple(smoothed_scatter.tolist()),
        freedom=freedom,
        smoothed_freedom=smoothed_freedom,
        state_flips=figures.state_flips(said, times_s),
        state_agreement=_share(a == b for a, b in zip(said, full.states, strict=True)),
        uncertain=_share(state == UNCERTAIN for state in said),
        contradicted=_share(
            a != b and {a, b} <= _EXPRESSIONS for a, b in zip(said, full.states, strict=True)
        ),
        silent=_share(state not in _EXPRESSIONS for state in gated),
    )


def _share(truths: Iterable[Any]) -> float:
    return float(np.mean(list(truths)))
