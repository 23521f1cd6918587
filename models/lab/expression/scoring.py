"""What a prediction is worth: pure functions over arrays.

Conventions that hold everywhere here:

* ``truth`` int64 [n] holds class numbers, ``probabilities`` float [n, c] rows that sum to 1.
* Whatever is counted can be counted under ``weights`` [..., n]: how often each picture was drawn.
  That is the bootstrap: one matrix of weights [resamples, n] gives every figure of every
  classifier its interval, from the same resamples. Without weights each picture counts once.
* A figure that isn't defined (recall of a class with no picture, also in one resample) is NaN.
  Means over classes and intervals over resamples leave NaN out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]

#: Bins of the reliability diagram and of ECE, as in Guo et al. 2017.
BINS: Final = 15
#: A probability below this counts as this in logarithms: a network of seven classes says exactly
#: 0 for the eighth, which would cost it infinitely much.
FLOOR: Final = 1e-6
#: Temperatures that are looked through, wide enough for any network that isn't broken.
_TEMPERATURES: Final = (0.05, 20.0)


@dataclass(frozen=True, slots=True)
class Reliability:
    """Pictures by how sure the classifier was, in ``BINS`` equal bins of (0, 1].

    All [..., bins]: ``count`` of pictures, their mean ``confidence`` (the top probability) and
    ``accuracy``; both NaN in an empty bin.
    """

    count: Floats
    confidence: Floats
    accuracy: Floats


# What was said against what is so


def confusion(truth: Ints, predicted: Ints, classes: int, weights: Floats | None = None) -> Floats:
    """Counts float64 [..., c, c]: rows are the truth, columns what was said."""
    cells = np.zeros((len(truth), classes * classes), np.float32)
    cells[np.arange(len(truth)), truth * classes + predicted] = 1
    drawn = np.ones(len(truth), np.float32) if weights is None else weights
    counts = (drawn @ cells).astype(np.float64)
    return cast(Floats, counts.reshape(*counts.shape[:-1], classes, classes))


def accuracy(counts: Floats) -> Floats:
    """Share on the diagonal of a confusion matrix [..., c, c]; gives [...]."""
    return _ratio(np.trace(counts, axis1=-2, axis2=-1), counts.sum((-2, -1)))


def recalls(counts: Floats) -> Floats:
    """Share of each class's pictures that was recognised [..., c]; NaN without pictures."""
    return _ratio(_hits(counts), counts.sum(-1))


def precisions(counts: Floats) -> Floats:
    """Share of each class's mentions that was right [..., c]; NaN where it was never said."""
    return _ratio(_hits(counts), counts.sum(-2))


def f1s(counts: Floats) -> Floats:
    """2·hits / (pictures + mentions) [..., c], the harmonic mean of precision and recall.

    0 for a class that has pictures and was never said, NaN for one that has no pictures.
    """
    pictures = counts.sum(-1)
    both = np.where(pictures > 0, pictures + counts.sum(-2), 0)
    return _ratio(2 * _hits(counts), both)


def balanced_accuracy(counts: Floats) -> Floats:
    """Mean recall over the classes that have pictures [...]."""
    return mean_of_defined(recalls(counts))


def macro_f1(counts: Floats) -> Floats:
    """Mean F1 over the classes that have pictures [...]; a class never said counts as 0."""
    return mean_of_defined(f1s(counts))


def mean_of_defined(values: Floats) -> Floats:
    """Mean over the last axis, NaN left out; NaN where all are."""
    defined = ~np.isnan(values)
    return _ratio(np.where(defined, values, 0).sum(-1), defined.sum(-1))


# Ranking


def roc_auc(positive: NDArray[np.bool_], scores: Floats, weights: Floats | None = None) -> Floats:
    """Area under the ROC curve of one class against the rest [...].

    The share of (positive, negative) pairs in which the positive one scores higher, ties counted
    half (the Mann-Whitney statistic; Hanley and McNeil 1982). NaN without a positive or without
    a negative.
    """
    order = np.argsort(scores, kind="stable")
    drawn = np.ones(len(scores)) if weights is None else weights
    drawn = drawn[..., order].astype(np.float64)
    # Pictures of equal score are one step of the curve.
    starts = np.flatnonzero(np.diff(scores[order], prepend=np.nan) != 0)
    hits = np.add.reduceat(np.where(positive[order], drawn, 0), starts, axis=-1)
    misses = np.add.reduceat(np.where(positive[order], 0, drawn), starts, axis=-1)
    below = np.cumsum(misses, axis=-1) - misses / 2
    return _ratio((hits * below).sum(-1), hits.sum(-1) * misses.sum(-1))


# Calibration


def reliability(
    correct: NDArray[np.bool_], confidence: Floats, weights: Floats | None = None
) -> Reliability:
    """Pictures in :data:`BINS` equal-width bins of the top probability; a bin holds its upper
    edge, not its lower."""
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    member = np.zeros((len(bins), BINS), np.float32)
    member[np.arange(len(bins)), bins] = 1
    drawn = np.ones(len(bins), np.float32) if weights is None else weights
    count = (drawn @ member).astype(np.float64)
    sure = drawn @ (member * confidence[:, None].astype(np.float32))
    right = drawn @ (member * correct[:, None].astype(np.float32))
    return Reliability(count, _ratio(sure, count), _ratio(right, count))


def ece(correct: NDArray[np.bool_], confidence: Floats, weights: Floats | None = None) -> Floats:
    """Expected calibration error [...]: Σ over bins of (share of pictures)·|accuracy − confidence|
    (Naeini et al. 2015; of the top class and in 15 bins, as Guo et al. 2017).

    A sum of absolute values, so chance makes it larger: a perfectly calibrated classifier has
    about .02 on 3,000 pictures, and a bootstrap interval lies somewhat above the figure itself.
    """
    bins = reliability(correct, confidence, weights)
    gap = np.where(bins.count > 0, np.abs(bins.accuracy - bins.confidence), 0)
    return _ratio((bins.count * gap).sum(-1), bins.count.sum(-1))


def tempered(probabilities: Floats, temperature: float) -> Floats:
    """Softmax of the logits over a temperature: p^(1/T), made to sum to 1. T > 1 is less sure."""
    logs = np.log(np.maximum(probabilities, 1e-12)) / temperature
    raised = np.where(probabilities > 0, np.exp(logs - logs.max(1, keepdims=True)), 0)
    return cast(Floats, raised / raised.sum(1, keepdims=True))


def fit_temperature(probabilities: Floats, truth: Ints) -> float:
    """The temperature that makes the truth most likely (Guo et al. 2017), in 0.05..20.

    Fit on pictures that aren't measured on: it is a parameter of the classifier.
    """

    def loss(log_temperature: float) -> float:
        return float(surprise(tempered(probabilities, np.exp(log_temperature)), truth).mean())

    low, high = np.log(_TEMPERATURES)
    found = optimize.minimize_scalar(loss, bounds=(low, high), method="bounded")
    return float(np.exp(found.x))


def surprise(probabilities: Floats, truth: Ints) -> Floats:
    """−ln of the probability of the true class [n], nats: the negative log-likelihood."""
    return cast(Floats, -np.log(np.maximum(probabilities[np.arange(len(truth)), truth], FLOOR)))


def divergence(shares: Floats, probabilities: Floats) -> Floats:
    """Kullback-Leibler divergence KL(shares ‖ probabilities) of each row [n], nats, ≥ 0.

    What a listener loses who believes the probabilities where the shares are so; 0·ln 0 is 0.
    """
    likely = np.maximum(shares, np.finfo(np.float64).tiny)
    ratio = np.log(likely) - np.log(np.maximum(probabilities, FLOOR))
    return cast(Floats, np.where(shares > 0, shares * ratio, 0).sum(1))


# People


def against_the_rest(
    votes: NDArray[np.uint8], classes: int, said: Ints | None = None
) -> tuple[Floats, Floats]:
    """Leave one tagger out: how often one agrees with the majority of a picture's others.

    ``votes`` [n, k]; the first ``classes`` of the k answers are expressions. Each tagger who
    named one is taken out in turn and counts where the others' majority is untied and an
    expression. Gives per picture float64 [n] how many such taggers agreed with the others, and
    how many there were: the figure is the ratio of the sums. With ``said`` [n], a classifier's
    classes, it answers in each tagger's place, against the very same majorities.
    """
    agreed, asked = np.zeros(len(votes)), np.zeros(len(votes))
    for answer in range(classes):
        rest = votes.astype(np.int64)
        rest[:, answer] -= 1
        most = rest.max(1, keepdims=True)
        majority = rest.argmax(1)
        untied = ((rest == most).sum(1) == 1) & (most[:, 0] > 0) & (majority < classes)
        taggers = np.where(untied, votes[:, answer], 0).astype(np.float64)
        asked += taggers
        agreed += taggers * (majority == (answer if said is None else said))
    return agreed, asked


def mean(values: Floats | NDArray[np.bool_], weights: Floats) -> Floats:
    """Mean of values [n] under weights [..., n]; NaN where no weight is left."""
    return _ratio(weights @ values.astype(np.float64), weights.sum(-1))


def ratio(numerator: Floats, denominator: Floats, weights: Floats) -> Floats:
    """Σ numerator / Σ denominator, both [n], under weights [..., n]."""
    return _ratio(weights @ numerator.astype(np.float64), weights @ denominator.astype(np.float64))


def _hits(counts: Floats) -> Floats:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _ratio(numerator: Any, denominator: Any) -> Floats:
    """Quotient, NaN over 0."""
    under = np.asarray(denominator, np.float64)
    over = np.asarray(numerator, np.float64)
    return np.where(under != 0, over / np.where(under != 0, under, 1), np.nan)
