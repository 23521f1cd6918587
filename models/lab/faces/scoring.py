"""How good faces were found: precision, recall and average precision, as WIDER FACE counts them.

A detection is right when it overlaps a face that nobody else has taken by at least 0.5; the
best-scored come first. Faces smaller than what is asked for count neither way, and neither does
what finds them, nor a detection that is itself smaller and finds nothing. Average precision is
the area under the precision that is still reached at each recall or beyond.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from readroom.models.boxes import Floats, iou

#: From this overlap on a face is found.
FOUND_IOU: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """What was found in one picture: of each detection that counts its ``scores`` [n] and whether
    it is ``right`` [n]; ``faces``: how many there were to find."""

    scores: Floats
    right: NDArray[np.bool_]
    faces: int


def sizes_of(boxes: Floats) -> Floats:
    """√(width · height) of boxes [n, 4], px."""
    size: Floats = np.sqrt(np.clip(boxes[:, 2:], 0, None).prod(axis=1))
    return size


def match(boxes: Floats, scores: Floats, labels: Floats, least_px: float) -> Hits:
    """Detections [n, 4] with scores [n] against labelled faces [m, 4], those of ``least_px`` (√ of
    the area) and more."""
    order = np.argsort(-scores, kind="stable")
    asked = sizes_of(labels) >= least_px
    large = sizes_of(boxes) >= least_px
    free = np.ones(len(labels), bool)
    said: list[tuple[float, bool]] = []
    for number in order:
        fit = np.where(free, iou(boxes[number], labels), 0.0) if len(labels) else np.zeros(0)
        best = int(fit.argmax()) if len(fit) else -1
        if best >= 0 and fit[best] >= FOUND_IOU:
            free[best] = False
            if asked[best]:
                said.append((float(scores[number]), True))
        elif large[number]:
            said.append((float(scores[number]), False))
    return Hits(
        np.array([score for score, _ in said], np.float32),
        np.array([right for _, right in said], bool),
        int(asked.sum()),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """What was found in several pictures, the best-scored first: ``scores`` [n], ``right`` [n],
    and in which ``picture`` [n]; ``faces`` [pictures]: how many there were to find in each.

    Everything can be counted under ``weights`` [..., pictures]: how often each was drawn.
    """

    scores: Floats
    right: NDArray[np.bool_]
    picture: NDArray[np.intp]
    faces: NDArray[np.intp]


def rank(hits: Sequence[Hits]) -> Ranked:
    """What was found in pictures, one after the other, as one list."""
    scores = np.concatenate([hit.scores for hit in hits])
    picture = np.repeat(np.arange(len(hits)), [len(hit.scores) for hit in hits])
    order = np.argsort(-scores, kind="stable")
    return Ranked(
        scores[order],
        np.concatenate([hit.right for hit in hits])[order],
        picture[order],
        np.array([hit.faces for hit in hits], np.intp),
    )


def average_precision(hits: Sequence[Hits]) -> float:
    """0..1 over pictures; NaN where there is no face to find."""
    return float(area(rank(hits), np.ones(len(hits))))


def area(ranked: Ranked, weights: NDArray[Any]) -> NDArray[np.float64]:
    """Average precision under weights [..., pictures]: [...], NaN without a face to find."""
    count = weights[..., ranked.picture]
    found, total = np.cumsum(count * ranked.right, axis=-1), np.cumsum(count, axis=-1)
    precision = np.divide(found, total, out=np.zeros(found.shape, count.dtype), where=total > 0)
    # The precision that can still be had at this recall or beyond.
    best = np.maximum.accumulate(precision[..., ::-1], axis=-1)[..., ::-1]
    return _share((best * count * ranked.right).sum(-1), weights @ ranked.faces)


def curve(ranked: Ranked) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Recall and precision [n] after each detection, best-scored first."""
    found = np.cumsum(ranked.right)
    recall = _share(found, np.full(len(found), ranked.faces.sum()))
    return recall, found / np.arange(1, len(found) + 1)


def recall_at(hits: Sequence[Hits], false_per_picture: float) -> tuple[float, float]:
    """The share of faces found, 0..1, and the score to ask for, where that many detections a
    picture are wrong; NaN for both where there is no face."""
    ranked = rank(hits)
    recall = float(recall_under(ranked, np.ones(len(hits)), false_per_picture))
    allowed = int((np.cumsum(~ranked.right) <= false_per_picture * len(hits)).sum())
    asked = float(ranked.scores[allowed - 1]) if allowed and ranked.faces.sum() else float("nan")
    return recall, asked


def recall_under(
    ranked: Ranked, weights: NDArray[Any], false_per_picture: float
) -> NDArray[np.float64]:
    """The share of faces found [...] under weights [..., pictures], where ``false_per_picture``
    detections a picture are wrong; NaN without a face to find."""
    count = weights[..., ranked.picture]
    wrong = np.cumsum(count * ~ranked.right, axis=-1)
    allowed = wrong <= false_per_picture * weights.sum(-1)[..., None]
    found = (count * ranked.right * allowed).sum(-1)
    return _share(found, weights @ ranked.faces)


def _share(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """Quotient, NaN over 0."""
    whole = np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
