"""What can be counted about labelled and voted-on pictures: the data report's numbers."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from readroom.messages import EXPRESSIONS
from readroom.models.lab.expression.dataset import (
    AS_EXPRESSION,
    FER2013,
    Images,
    Labels,
    Votes,
    majority,
)

Counts = NDArray[np.int64]
Values = NDArray[np.float64]


def class_counts(labels: Labels, classes: int) -> Counts:
    """How many pictures each class has, int64 [classes + 1]; the last: those without one (-1)."""
    return np.bincount(np.where(labels < 0, classes, labels), minlength=classes + 1)


def label_vote_counts(labels: Labels, votes: Votes) -> Counts:
    """FER-2013 labels (rows, order of FER2013) against FER+ majorities (columns, EXPRESSIONS and
    last: no majority): int64 [7, 9]. Pictures without label or without votes don't count."""
    known = (labels >= 0) & votes.any(axis=1)
    counts = np.zeros((len(FER2013), len(EXPRESSIONS) + 1), np.int64)
    np.add.at(counts, (labels[known], majority(votes[known])), 1)
    return counts


def label_agreement(labels: Labels, votes: Votes) -> tuple[float, int]:
    """How often the FER-2013 label is FER+'s majority, and of how many pictures: those with a
    label and an untied majority for one of the eight expressions. NaN of none."""
    counts = label_vote_counts(labels, votes)[:, :-1]
    total = int(counts.sum())
    return _ratio(float(counts[np.arange(len(FER2013)), AS_EXPRESSION].sum()), total), total


def label_agreement_with_ties(labels: Labels, votes: Votes) -> tuple[float, int]:
    """The same over every picture with a label and a vote for an expression, where of tied
    expressions the first in EXPRESSIONS counts, and other answers don't count."""
    expressions = votes[:, : len(EXPRESSIONS)]
    known = (labels >= 0) & expressions.any(axis=1)
    same = AS_EXPRESSION[labels[known]] == expressions[known].argmax(axis=1)
    return _ratio(float(same.sum()), int(known.sum())), int(known.sum())


def tagger_agreement(votes: Votes) -> tuple[float, int]:
    """How often one tagger gives the answer that most of the others on the picture give.

    Every single vote is taken out in turn and held against the rest: of all ten answers the one
    that the rest give most. Where the rest tie, or are nobody, the vote doesn't count. Returns the
    rate (NaN of none) and how many votes count. ``scoring.against_the_rest`` asks the same of
    taggers and majorities that name an expression only.
    """
    hits = total = 0
    for answer in range(votes.shape[1]):
        given = votes[:, answer] > 0
        times = votes[given, answer].astype(np.int64)
        rest = votes[given].astype(np.int64)
        rest[:, answer] -= 1
        most = rest.max(axis=1, initial=0, keepdims=True)
        clear = ((rest == most).sum(axis=1) == 1) & (most[:, 0] > 0)
        total += int(times[clear].sum())
        hits += int(times[clear & (rest.argmax(axis=1) == answer)].sum())
    return _ratio(hits, total), total


def top_share(votes: Votes) -> tuple[float, int]:
    """Mean share of a picture's votes that its most given answer has, and of how many pictures.

    Larger than :func:`tagger_agreement`: here each tagger is part of the majority.
    """
    asked = votes[votes.any(axis=1)].astype(np.float64)
    return _ratio(float((asked.max(axis=1) / asked.sum(axis=1)).sum()), len(asked)), len(asked)


def vote_entropy_bits(votes: Votes) -> Values:
    """Shannon entropy of the ten answers for each picture that has votes: float64, 0..log2(10)."""
    asked = votes[votes.any(axis=1)].astype(np.float64)
    shares = asked / asked.sum(axis=1, keepdims=True)
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.asarray(np.abs((shares * logs).sum(axis=1)))


def brightness(images: Images) -> Values:
    """Mean grey level of each picture, 0..255."""
    return images.reshape(len(images), -1).mean(axis=1)


def sharpness(images: Images) -> Values:
    """Variance of each picture's Laplacian, grey levels squared: small where it is blurred
    (Pech-Pacheco et al. 2000)."""
    return np.array([cv2.Laplacian(image, cv2.CV_64F).var() for image in images])


def mean_face(images: Images) -> Images:
    """The mean of pictures, uint8 [48, 48], its contrast stretched to be seen."""
    mean = images.mean(axis=0)
    low, high = np.percentile(mean, [1, 99])
    return np.clip((mean - low) * 255 / max(high - low, 1.0), 0, 255).astype(np.uint8)


def _ratio(part: float, whole: int) -> float:
    return part / whole if whole else float("nan")
