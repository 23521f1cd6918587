"""What could be read before networks: fixed features of the picture and a linear classifier.

Three of these are the baselines: no feature at all (it says the most frequent class, with the
classes' shares as its probabilities), histograms of oriented gradients (Dalal and Triggs 2005),
and local binary patterns in a grid (Ojala et al. 2002; on faces Shan et al. 2009).

The classifier is multinomial logistic regression. Its classes are not balanced: each picture
counts once, so rare classes are rarely said. How strongly the weights are kept small is chosen
on pictures that it doesn't learn from.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from skimage.feature import hog, local_binary_pattern

from readroom.errors import BadSettings
from readroom.messages import EXPRESSIONS
from readroom.models.lab.expression.classifiers import Facts, Predictions
from readroom.models.lab.expression.dataset import (
    FER2013,
    SIDE_PX,
    Images,
    Labels,
    Pictures,
    majority,
)

Features = NDArray[np.float32]
Weights = NDArray[np.float32]

#: Side of a histogram's cell, px: a 48 px face is six cells each way.
CELL_PX: Final = 8
#: L2 on the weights (of standardised features, against the mean loss) that are tried.
STRENGTHS: Final = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)
#: Steps of L-BFGS at each strength; it goes on from the strength before.
_STEPS: Final = 60
#: Values of a uniform local binary pattern with eight neighbours: 58 and "not uniform".
_PATTERNS: Final = 59


def _nothing(images: Images) -> Features:
    return np.empty((len(images), 0), np.float32)


def _hog(images: Images) -> Features:
    """Float32 [n, 900]: 9 directions, 8 px cells, overlapping blocks of 2×2 cells (L2-Hys)."""
    found = [
        hog(image, orientations=9, pixels_per_cell=(CELL_PX, CELL_PX), cells_per_block=(2, 2))
        for image in images
    ]
    return np.array(found, np.float32)


def _lbp(images: Images) -> Features:
    """Float32 [n, 2124]: in each of 6×6 cells the square roots of the shares of the patterns.

    Square roots, so that the linear classifier compares histograms by Hellinger's distance.
    """
    side = images.shape[1] // CELL_PX
    down, across = np.indices(images.shape[1:]) // CELL_PX
    cell = (down * side + across) * _PATTERNS
    bins = side * side * _PATTERNS
    counts = [
        np.bincount((cell + _patterns(image)).ravel(), minlength=bins).astype(np.float32)
        for image in images
    ]
    return np.sqrt(np.array(counts) / CELL_PX**2)


def _patterns(image: NDArray[np.uint8]) -> NDArray[np.int64]:
    found = local_binary_pattern(image, P=8, R=1, method="nri_uniform")  # type: ignore[no-untyped-call]
    return np.asarray(found, np.int64)


#: The features, by name.
FEATURES: Final[Mapping[str, Callable[[Images], Features]]] = MappingProxyType(
    {"majority": _nothing, "hog": _hog, "lbp": _lbp}
)


@dataclass(frozen=True, slots=True)
class Linear:
    """Features and a linear classifier for each set of labels.

    ``ferplus`` float32 [d + 1, 8] and ``fer2013`` float32 [d + 1, 7]: the weights of d features,
    and last what is added.
    """

    features: str
    ferplus: Weights
    fer2013: Weights

    @property
    def facts(self) -> Facts:
        """What it is."""
        return Facts(
            name=self.features,
            knows=frozenset((*EXPRESSIONS, *FER2013)),
            parameters=self.ferplus.size + self.fer2013.size,
            size_bytes=self.ferplus.nbytes + self.fer2013.nbytes,
        )

    def predict(self, images: Images) -> Predictions:
        """Read uint8 [n, 48, 48]."""
        found = FEATURES[self.features](images)
        return Predictions(_softmax(found, self.ferplus), _softmax(found, self.fer2013))

    def fits(self) -> bool:
        """Whether the features are known, and the weights are as many as they are."""
        if self.features not in FEATURES:
            return False
        rows = FEATURES[self.features](np.zeros((1, SIDE_PX, SIDE_PX), np.uint8)).shape[1] + 1
        wanted = (rows, len(EXPRESSIONS)), (rows, len(FER2013))
        return (self.ferplus.shape, self.fer2013.shape) == wanted

    def save(self, path: Path) -> None:
        """Write an npz that :meth:`load` reads."""
        np.savez(path, features=self.features, ferplus=self.ferplus, fer2013=self.fer2013)

    @classmethod
    def load(cls, path: Path) -> Linear:
        """Read what :meth:`save` wrote; raises BadSettings where it isn't that."""
        try:
            with np.load(path, allow_pickle=False) as file:
                found = cls(str(file["features"]), file["ferplus"], file["fer2013"])
            fits = found.fits()
        except OSError as error:
            raise BadSettings(
                f"{path}: can't be read ({error.strerror or error}); name a saved baseline"
            ) from None
        except (KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile):
            fits = False
        if not fits:
            raise BadSettings(f"{path}: no baseline; make one with `readroom lab baseline`")
        return found


def train(features: str, pictures: Pictures, held_out: Pictures) -> Linear:
    """Fit to the pictures' majority votes and labels; ``held_out`` chooses the strength.

    Pictures without a majority or a label aren't learned from.
    """
    learned, tried = FEATURES[features](pictures.images), FEATURES[features](held_out.images)
    return Linear(
        features,
        _best(learned, majority(pictures.votes), tried, majority(held_out.votes), len(EXPRESSIONS)),
        _best(learned, pictures.labels, tried, held_out.labels, len(FER2013)),
    )


def _best(
    learned: Features, truth: Labels, tried: Features, tried_truth: Labels, classes: int
) -> Weights:
    """The weights of the strength that gets most of the held-out pictures right."""
    counts = np.bincount(truth[truth >= 0], minlength=classes)
    start = np.zeros((learned.shape[1] + 1, classes), np.float32)
    # A class without a picture stays possible: it counts as half a picture.
    start[-1] = np.log(np.maximum(counts, 0.5) / max(counts.sum(), 1))
    if not learned.shape[1] or not counts.any():
        return start
    mean = learned[truth >= 0].mean(0)
    deviation = np.maximum(learned[truth >= 0].std(0), 1e-6)
    standard = (learned[truth >= 0] - mean) / deviation
    best, most_right, weights = start, -1.0, start
    for strength in STRENGTHS:
        weights = fit(standard, truth[truth >= 0], weights, strength)
        folded = weights.copy()
        folded[:-1] /= deviation[:, None]
        folded[-1] -= mean @ folded[:-1]
        said = _softmax(tried[tried_truth >= 0], folded).argmax(1)
        right = float((said == tried_truth[tried_truth >= 0]).mean()) if len(said) else 0.0
        if right > most_right:
            best, most_right = folded, right
    return best


def fit(features: Features, truth: Labels, start: Weights, strength: float) -> Weights:
    """Multinomial logistic regression from ``start``: weights [d + 1, c], the last row added.

    Minimises the mean negative log-likelihood + strength/2 · Σ weights² (not of the last row) by
    L-BFGS, in at most 60 steps: what they leave undone is a stop, early by the same rule for all.
    """
    size, classes = start.shape
    rows = np.arange(len(truth))

    def loss(flat: NDArray[Any]) -> tuple[float, NDArray[np.float64]]:
        weights = flat.reshape(size, classes).astype(np.float32)
        likely = _softmax(features, weights)
        value = -np.log(np.maximum(likely[rows, truth], 1e-12)).mean()
        value += strength / 2 * float((weights[:-1] ** 2).sum())
        likely[rows, truth] -= 1
        likely /= len(truth)
        slope = np.vstack([features.T @ likely + strength * weights[:-1], likely.sum(0)])
        return float(value), slope.ravel().astype(np.float64)

    found = optimize.minimize(
        loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}
    )
    return np.asarray(found.x, np.float32).reshape(size, classes)


def _softmax(features: Features, weights: Weights) -> NDArray[np.float32]:
    logits = features @ weights[:-1] + weights[-1]
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(raised / raised.sum(1, keepdims=True), np.float32)
