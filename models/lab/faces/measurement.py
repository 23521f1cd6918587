"""What a detector is worth on photographs with labelled faces, as figures with intervals.

A detector is run once over the photographs; every figure is made of what it found there. All
detectors share one decoder, one suppression and the same resamples of the photographs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from readroom.models.boxes import Floats, iou
from readroom.models.detection import Faces
from readroom.models.lab.faces.scoring import (
    FOUND_IOU,
    Ranked,
    area,
    curve,
    match,
    rank,
    recall_at,
    recall_under,
    sizes_of,
)
from readroom.models.lab.figures import Figure, interval

#: Longer side to which photographs are shrunk, px.
LONGEST_PX: Final = 480
#: Faces of at least these sizes are asked for, px of the shrunk photograph.
SIZES_PX: Final = (12, 24, 48)
#: Wrong detections a picture, where recall is told: one in ten pictures.
FALSE_PER_PICTURE: Final = 0.1
#: Bounds of the sizes that recall is told by, px; the last bin is open.
BINS_PX: Final = (8, 12, 16, 24, 32, 48, 96)
#: Eyes closer than this, in units of the face's size, are a profile's: no unit to measure in.
LEAST_EYES: Final = 0.2
#: Resamples that are counted at once, which bounds the memory.
_CHUNK: Final = 50


class Key(NamedTuple):
    """Which figure, and of what part (least size or range of sizes, px), "" of all."""

    name: str
    part: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What one detector found in each photograph, and what there was: all in px of the photograph
    as it was searched. ``landmarks`` [n, 5, 2] each, None from a detector that gives none."""

    faces: Sequence[Faces]
    labels: Sequence[Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What the teacher found, and the area under its precision [1 + resamples] by least size, px:
    of all photographs once, and of each resample."""

    found: Found
    areas: dict[int, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What is known of one detector. ``curve``: recall and precision for faces of the smallest
    size asked for. ``cost``: time on one CPU thread as a multiple of the teacher's."""

    name: str
    sha256: str
    size_bytes: int | None
    parameters: int | None
    figures: dict[Key, Figure] = field(default_factory=dict)
    curve: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    cost: Figure | None = None
    note: str = ""


def bins() -> list[tuple[float, float, str]]:
    """Least size, size that is too much, and name of each bin of sizes, px."""
    ends = [*BINS_PX[1:], np.inf]
    names = [f"{low}–{high}" for low, high in pairwise(BINS_PX)]
    return list(zip(BINS_PX, ends, [*names, f"≥ {BINS_PX[-1]}"], strict=True))


def reference_of(found: Found, weights: NDArray[Any]) -> Reference:
    """What others are compared with; ``weights`` [resamples, photographs] are the bootstrap's."""
    return Reference(found, {size: _areas(found, size, weights) for size in SIZES_PX})


def measure(found: Found, reference: Reference | None, weights: NDArray[Any]) -> dict[Key, Figure]:
    """Every figure of one detector; those that compare need a reference, the teacher. ``weights``
    [resamples, photographs] are the bootstrap's."""
    figures: dict[Key, Figure] = {}
    for size in SIZES_PX:
        part = f"≥ {size}"
        ranked = ranked_at(found, size)
        faces = int(ranked.faces.sum())
        areas = _areas(found, size, weights)
        figures[Key("ap", part)] = _figure(areas, faces)
        recall = partial(recall_under, ranked, false_per_picture=FALSE_PER_PICTURE)
        figures[Key("recall", part)] = _figure(_over(recall, weights), faces)
        if reference is not None:
            compared = _quotient(areas, reference.areas[size])
            figures[Key("ap_ratio", part)] = _figure(compared, faces)
    figures |= _by_size(found, weights)
    if reference is not None and all(faces.landmarks is not None for faces in found.faces):
        figures |= _landmark_errors(found, reference.found, weights)
    return figures


def _areas(found: Found, size: int, weights: NDArray[Any]) -> NDArray[np.float64]:
    return _over(partial(area, ranked_at(found, size)), weights)


def ranked_at(found: Found, least_px: float) -> Ranked:
    """Detections of faces of ``least_px`` and more, best first."""
    return rank(
        [
            match(faces.boxes, faces.scores, labels, least_px)
            for faces, labels in zip(found.faces, found.labels, strict=True)
        ]
    )


def precision_recall(found: Found) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Recall and precision for faces of the smallest size that is asked for."""
    return curve(ranked_at(found, SIZES_PX[0]))


def asked_score(found: Found) -> float:
    """The score that leaves FALSE_PER_PICTURE wrong detections a picture; NaN without a face."""
    hits = [
        match(faces.boxes, faces.scores, labels, SIZES_PX[0])
        for faces, labels in zip(found.faces, found.labels, strict=True)
    ]
    return recall_at(hits, FALSE_PER_PICTURE)[1]


def finders(faces: Faces, labels: Floats, least_score: float) -> NDArray[np.intp]:
    """Which detection found each labelled face [m]: its index, -1 for none. As in ``match``, the
    best-scored choose first, and a face is found once."""
    finder = np.full(len(labels), -1, np.intp)
    for number in np.argsort(-faces.scores, kind="stable"):
        if not len(labels) or not faces.scores[number] >= least_score:
            break
        fit = np.where(finder < 0, iou(faces.boxes[number], labels), 0.0)
        best = int(fit.argmax())
        if fit[best] >= FOUND_IOU:
            finder[best] = number
    return finder


def _by_size(found: Found, weights: NDArray[Any]) -> dict[Key, Figure]:
    """The share of faces found by their size, at the score that :func:`asked_score` asks for."""
    least = asked_score(found)
    sizes = [sizes_of(labels) for labels in found.labels]
    met = [
        finders(faces, labels, least) >= 0
        for faces, labels in zip(found.faces, found.labels, strict=True)
    ]
    figures = {}
    for low, high, name in bins():
        inside = [(size >= low) & (size < high) for size in sizes]
        there = np.array([some.sum() for some in inside], np.float64)
        seen = np.array([(m & some).sum() for m, some in zip(met, inside, strict=True)])
        share = partial(_ratio_of_sums, seen, there)
        figures[Key("recall_by_size", name)] = _figure(_over(share, weights), int(there.sum()))
    return figures


def _landmark_errors(found: Found, reference: Found, weights: NDArray[Any]) -> dict[Key, Figure]:
    """Mean and median over faces that both find of how far the five landmarks lie from the
    reference's, in distances between its eyes."""
    errors, photo = landmark_errors(found, reference)
    if not len(errors):
        return {}
    order = np.argsort(errors, kind="stable")
    errors, photo = errors[order], photo[order]

    def mean(drawn: NDArray[Any]) -> NDArray[np.float64]:
        count = drawn[..., photo]
        return _quotient(count @ errors, count.sum(-1))

    def median(drawn: NDArray[Any]) -> NDArray[np.float64]:
        below = np.cumsum(drawn[..., photo], axis=-1)
        return errors[(below < below[..., -1:] / 2).sum(-1).clip(max=len(errors) - 1)]

    return {
        Key("landmarks_mean"): _figure(_over(mean, weights), len(errors)),
        Key("landmarks_median"): _figure(_over(median, weights), len(errors)),
    }


def landmark_errors(found: Found, reference: Found) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Of every labelled face of the smallest size asked for or more that both find at the scores
    they are asked for: the error [n] in distances between the reference's eyes, mean of five
    landmarks, and in which photograph [n]. Profiles (LEAST_EYES) are left out."""
    ours, theirs = asked_score(found), asked_score(reference)
    errors: list[float] = []
    photos: list[int] = []
    for number, (mine, other, labels) in enumerate(
        zip(found.faces, reference.faces, found.labels, strict=True)
    ):
        if mine.landmarks is None or other.landmarks is None:
            continue
        pairs = zip(
            finders(mine, labels, ours), finders(other, labels, theirs), sizes_of(labels),
            strict=True,
        )  # fmt: skip
        for one, two, size in pairs:
            if one < 0 or two < 0 or size < SIZES_PX[0]:
                continue
            points = other.landmarks[two]
            unit = float(np.linalg.norm(points[0] - points[1]))
            if unit >= LEAST_EYES * size:
                away = np.linalg.norm(mine.landmarks[one] - points, axis=1)
                errors.append(float(away.mean()) / unit)
                photos.append(number)
    return np.array(errors, np.float64), np.array(photos, np.intp)


def _over(
    statistic: Callable[[NDArray[Any]], NDArray[np.float64]], weights: NDArray[Any]
) -> NDArray[np.float64]:
    """A statistic of all photographs once, and then of each resample: [1 + resamples], counted a
    few at a time."""
    rows = np.concatenate([np.ones((1, weights.shape[1]), weights.dtype), weights])
    parts = [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]
    return np.concatenate([statistic(part) for part in parts])


def _figure(values: NDArray[np.float64], n: int) -> Figure:
    """A figure with its interval, from what :func:`_over` gives."""
    return Figure(float(values[0]), *interval(values[1:]), n)


def _ratio_of_sums(
    part: NDArray[Any], whole: NDArray[Any], drawn: NDArray[Any]
) -> NDArray[np.float64]:
    return _quotient(drawn @ part, drawn @ whole)


def _quotient(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    whole = np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
