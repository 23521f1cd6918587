"""Everything that is measured of one pose network on people with known joints.

The protocol is told in ``score_table.PROTOCOL``, which stands at the head of every table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from readroom.models.boxes import Floats
from readroom.models.lab.figures import Figure, draw, figure, interval
from readroom.models.lab.pictures import read_picture
from readroom.models.lab.poses.augment import filling
from readroom.models.lab.poses.scoring import (
    UPPER_BODY,
    average_precision,
    near,
    oks,
    separation,
)
from readroom.models.lab.poses.subjects import Subjects
from readroom.pixels import Picture

#: Which joints are asked: the upper body (nose to hips), or all.
JOINTS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {"upper body": UPPER_BODY, "all joints": tuple(range(17))}
)
#: Drawings where every joint is counted by itself, which is much more work.
_JOINT_RESAMPLES: Final = 500
_CHUNK: Final = 25
#: Side at which what covers is drawn, px.
_COVER_PX: Final = 160


class Key(NamedTuple):
    """Which figure: what, in which boxes, of which joints."""

    name: str
    boxes: str
    joints: str


class Reads(Protocol):
    """Anything that reads poses."""

    def look(self, picture: Picture, boxes: Floats) -> Floats:
        """Keypoints [n, 17, 3] of the people in boxes [n, 4] of a picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What a network said: ``plain``, by the kind of box, and ``covered``, with something laid
    over each person; float32 [m, 17, 3] each, in the order of the subjects' boxes. ``hidden``:
    which joints lie under that, bool [m, 17]."""

    plain: Mapping[str, Floats]
    covered: Mapping[str, Floats]
    hidden: Mapping[str, NDArray[np.bool_]]


def read_all(
    networks: Sequence[Reads], subjects: Subjects, step: Callable[[], object] = lambda: None
) -> list[Reading]:
    """Show networks every subject, whose photos are read once; ``step`` is called after each."""
    counts = {kind: len(boxed.who) for kind, boxed in subjects.boxed.items()}
    hidden = {kind: np.zeros((count, 17), np.bool_) for kind, count in counts.items()}
    plain, covered = (
        [{k: np.zeros((n, 17, 3), np.float32) for k, n in counts.items()} for _ in networks]
        for _ in range(2)
    )
    for number, path in enumerate(subjects.photos):
        people = _in_photo(subjects, number)
        if people:
            picture = read_picture(path)
        for kind, index in people:
            box, who = subjects.boxed[kind].boxes[index], int(subjects.boxed[kind].who[index])
            laid_over, where = cover(picture, box, who)
            hidden[kind][index] = _inside(subjects.truth[who], where)
            for place, network in enumerate(networks):
                plain[place][kind][index] = network.look(picture, box[None])[0]
                covered[place][kind][index] = network.look(laid_over, box[None])[0]
        step()
    return [Reading(*said, hidden) for said in zip(plain, covered, strict=True)]


def _in_photo(subjects: Subjects, number: int) -> list[tuple[str, int]]:
    """Who is in a photo: the kind of box, and which of its boxes."""
    return [
        (kind, int(index))
        for kind, boxed in subjects.boxed.items()
        for index in np.flatnonzero(subjects.photo[boxed.who] == number)
    ]


def cover(picture: Picture, box: Floats, seed: int) -> tuple[Picture, NDArray[np.int64]]:
    """A picture with something laid over part of a person's box [4], and where: a rectangle
    (left, top, right, bottom), px. Half of them hide the box's lower part, as a table does; the
    same seed hides the same."""
    random = np.random.default_rng((7, seed))
    height, width = picture.shape[:2]
    x, y, wide, high = (float(value) for value in box)
    if random.random() < 0.5:
        area = [0, y + high * random.uniform(0.4, 0.8), width, height]
    else:
        across, down = random.uniform(0.25, 0.5, 2) * (wide, high)
        left, top = x + random.uniform(0, wide - across), y + random.uniform(0, high - down)
        area = [left, top, left + across, top + down]
    where = np.clip(np.round(area), 0, [width, height, width, height]).astype(np.int64)
    left, top, right, bottom = (int(value) for value in where)
    result = picture.copy()
    if right > left and bottom > top:
        plain = picture[:1, :1].repeat(8, axis=0).repeat(8, axis=1)
        laid = filling(_COVER_PX, _COVER_PX, plain, random)
        result[top:bottom, left:right] = cv2.resize(laid, (right - left, bottom - top))
    return result, where


def _inside(points: Floats, where: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which points [n, 2] lie in a rectangle (left, top, right, bottom)."""
    left, top, right, bottom = where
    x, y = points.T
    return np.asarray((x >= left) & (x < right) & (y >= top) & (y < bottom), np.bool_)


class Measured(NamedTuple):
    """Figures of a network, and the resampled OKS-APs [resamples] that ratios are made of."""

    figures: dict[Key, Figure]
    precisions: dict[Key, tuple[float, NDArray[Any]]]


def measure(reading: Reading, subjects: Subjects) -> Measured:
    """All figures of what a network said of the subjects; intervals by bootstrap over photos."""
    figures: dict[Key, Figure] = {}
    precisions: dict[Key, tuple[float, NDArray[Any]]] = {}
    drawn = draw(len(subjects.photos))
    for kind in subjects.boxed:
        for joints in JOINTS:
            key = Key("oks_ap", kind, joints)
            value, resampled = _precision(reading, subjects, kind, joints, drawn)
            precisions[key] = value, resampled
            asked = subjects.known[subjects.boxed[kind].who][:, list(JOINTS[joints])]
            people = int(asked.any(axis=1).sum())
            figures[key] = Figure(value, *interval(resampled), people)
            figures[Key("pck", kind, joints)] = _pck(reading, subjects, kind, joints, drawn)
        figures.update(_hidden_figures(reading, subjects, kind, drawn[:_JOINT_RESAMPLES]))
    return Measured(figures, precisions)


def ratio(
    ours: tuple[float, NDArray[Any]], theirs: tuple[float, NDArray[Any]], people: int
) -> Figure:
    """One OKS-AP over another, each with its resampled values from the same photos: paired."""
    with np.errstate(divide="ignore", invalid="ignore"):
        resampled = ours[1] / theirs[1]
        once = float(np.float64(ours[0]) / np.float64(theirs[0]))
    return Figure(once, *interval(np.where(np.isfinite(resampled), resampled, np.nan)), people)


def _precision(
    reading: Reading, subjects: Subjects, kind: str, joints: str, drawn: NDArray[Any]
) -> tuple[float, NDArray[Any]]:
    who, said = subjects.boxed[kind].who, reading.plain[kind]
    asked = list(JOINTS[joints])
    alike = oks(
        said[:, asked], subjects.truth[who][:, asked], subjects.known[who][:, asked],
        subjects.area[who],
    )  # fmt: skip
    scores = said[:, asked, 2].mean(axis=1)
    once = float(average_precision(alike, scores, np.ones(len(who))))
    return once, average_precision(alike, scores, drawn[:, subjects.photo[who]])


def _pck(
    reading: Reading, subjects: Subjects, kind: str, joints: str, drawn: NDArray[Any]
) -> Figure:
    who, asked = subjects.boxed[kind].who, list(JOINTS[joints])
    has_length = ~np.isnan(subjects.torso[who])
    who, said = who[has_length], reading.plain[kind][has_length]
    hits, count = near(
        said[:, asked], subjects.truth[who][:, asked], subjects.known[who][:, asked],
        subjects.torso[who],
    )  # fmt: skip

    def share(weights: NDArray[Any]) -> NDArray[Any]:
        each = weights[..., subjects.photo[who]]
        result: NDArray[Any] = (each * hits).sum(-1) / np.maximum((each * count).sum(-1), 1e-9)
        return result

    return figure(share, drawn, int(count.sum()))


def _hidden_figures(
    reading: Reading, subjects: Subjects, kind: str, drawn: NDArray[Any]
) -> dict[Key, Figure]:
    """How well scores tell joints that count from those that don't, and those that were covered
    from those that weren't, upper body."""
    who, upper = subjects.boxed[kind].who, list(UPPER_BODY)
    photo = np.repeat(subjects.photo[who], len(upper))
    known = subjects.known[who][:, upper].ravel()
    plain = reading.plain[kind][:, upper, 2].ravel()
    covered = reading.covered[kind][:, upper, 2].ravel()
    hidden = reading.hidden[kind][:, upper].ravel()
    return {
        Key("labelled_auc", kind, "upper body"): _auc(plain, known, photo, drawn),
        Key("covered_auc", kind, "upper body"): _auc(
            covered[known], ~hidden[known], photo[known], drawn
        ),
    }


def _auc(
    scores: NDArray[Any], seen: NDArray[np.bool_], photo: NDArray[np.int64], drawn: NDArray[Any]
) -> Figure:
    def statistic(weights: NDArray[Any]) -> NDArray[Any]:
        if weights.ndim == 1:
            return separation(scores, seen, weights[photo])
        # Joints of all people under all resamples at once wouldn't fit into memory.
        parts = [
            separation(scores, seen, weights[start : start + _CHUNK][:, photo])
            for start in range(0, len(weights), _CHUNK)
        ]
        return np.concatenate(parts)

    return figure(statistic, drawn, len(scores))
