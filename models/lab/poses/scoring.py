"""How near two poses are: OKS as COCO defines it, and PCK."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from readroom.models.boxes import Floats

#: How far people who label the same joint lie apart, relative to √area (σ of COCO's keypoint
#: evaluation, https://cocodataset.org/#keypoints-eval), in the order of messages.KEYPOINTS.
SIGMAS: Final = np.array(
    [.026, .025, .025, .035, .035, .079, .079, .072, .072, .062, .062, .107, .107, .087, .087,
     .089, .089]
)  # fmt: skip
#: Nose, eyes, ears, shoulders, elbows, wrists, hips: what is seen of people who sit.
UPPER_BODY: Final = tuple(range(13))
#: Part of a person's box that the person fills: COCO takes the area of the outline, which a box
#: alone doesn't give; COCO's own evaluation of boxes without one uses this share.
AREA_RATIO: Final = 0.53
#: Area of a box grown from a face (models/keypoints.py) that isn't clipped, in squared face units.
GROWN_AREA: Final = 19.25


def oks(found: Floats, truth: Floats, known: NDArray[np.bool_], area: Floats) -> Floats:
    """Object keypoint similarity of poses [n, k, 2+] with true ones [n, k, 2+], both in px: [n] in
    0..1, the mean of exp(−d² / (2 · area · (2σ)²)) over ``known`` [n, k]; NaN where none is.

    ``area`` [n] is each person's, px². k is 17, or the first 13 of them: the upper body.
    """
    distance = ((found[..., :2] - truth[..., :2]) ** 2).sum(axis=2)
    spread = (2 * SIGMAS[: found.shape[1]]) ** 2
    near = np.exp(-distance / (2 * np.maximum(area, 1e-6)[:, None] * spread))
    count = known.sum(axis=1)
    mean: Floats = np.divide(
        (near * known).sum(axis=1), count, out=np.full(len(found), np.nan), where=count > 0
    )
    return mean


#: OKS from which a pose counts as found, and the recalls that precision is read at, as in COCO.
THRESHOLDS: Final = np.linspace(0.5, 0.95, 10)
_RECALLS: Final = np.linspace(0.0, 1.0, 101)


def average_precision(
    similarity: NDArray[Any], scores: NDArray[Any], weights: NDArray[Any]
) -> NDArray[Any]:
    """OKS-AP of one pose per person, COCO's way: [...] in 0..1, NaN where nobody is drawn.

    ``similarity`` [n] is each pose's OKS with its own person (nobody else is near enough to
    mistake it for: every box is a labelled person's), NaN for people without a labelled joint,
    who are left out; ``scores`` [n] rank the poses; ``weights`` [..., n] say how often each person
    was drawn. Precision is made to fall with recall, read at 101 recalls and averaged over them
    and over the ten thresholds.
    """
    known = np.flatnonzero(~np.isnan(similarity))
    order = known[np.argsort(-scores[known], kind="stable")]
    drawn = weights[..., order].astype(np.float64)
    people = drawn.sum(axis=-1, keepdims=True)
    every = np.maximum(drawn.cumsum(axis=-1), 1e-12)
    found = [
        _precision_at(drawn, similarity[order] >= threshold, every, people)
        for threshold in THRESHOLDS
    ]
    mean: NDArray[Any] = np.mean(found, axis=0)
    return np.where(people[..., 0] > 0, mean, np.nan)


def _precision_at(
    drawn: NDArray[Any], right: NDArray[np.bool_], every: NDArray[Any], people: NDArray[Any]
) -> NDArray[Any]:
    hits = (drawn * right).cumsum(axis=-1)
    precision = np.maximum.accumulate((hits / every)[..., ::-1], axis=-1)[..., ::-1]
    recall = hits / np.maximum(people, 1e-12)
    read = [_first_reached(row, best) for row, best in zip(
        recall.reshape(-1, recall.shape[-1]), precision.reshape(-1, recall.shape[-1]), strict=True
    )]  # fmt: skip
    return np.array(read).reshape(drawn.shape[:-1])


def _first_reached(recall: NDArray[Any], precision: NDArray[Any]) -> float:
    """Mean precision over the recalls asked for; 0 where a recall isn't reached."""
    at = np.searchsorted(recall, _RECALLS - 1e-9, side="left")
    return float(np.append(precision, 0.0)[at].mean())


def near(
    found: Floats, truth: Floats, known: NDArray[np.bool_], length: Floats, share: float = 0.2
) -> tuple[NDArray[Any], NDArray[Any]]:
    """For PCK: how many of each person's known joints [n, k] lie within ``share`` of ``length``
    [n] px of the truth, and how many there are: [n] and [n]."""
    away = np.linalg.norm(found[..., :2] - truth[..., :2], axis=2)
    hits = ((away <= share * length[:, None]) & known).sum(axis=1)
    return hits, known.sum(axis=1)


def separation(
    scores: NDArray[Any], seen: NDArray[np.bool_], weights: NDArray[Any]
) -> NDArray[Any]:
    """ROC-AUC of scores [m] for seen against hidden joints [m]: how often a seen one scores higher
    than a hidden one, ties counted half, [...] under ``weights`` [..., m]; NaN where one kind is
    missing."""
    _, place = np.unique(scores, return_inverse=True)
    levels = int(place.max()) + 1 if len(place) else 0
    flat = weights.reshape(-1, len(scores)).astype(np.float64)
    rows = []
    for row in flat:
        yes = np.bincount(place, row * seen, levels)
        no = np.bincount(place, row * ~seen, levels)
        below = no.cumsum() - no / 2
        pairs = yes.sum() * no.sum()
        rows.append((yes * below).sum() / pairs if pairs else np.nan)
    return np.array(rows).reshape(weights.shape[:-1])
