"""The linear function of models/head_pose.py, fitted to FSA-Net's angles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from readroom.models.head_pose import Features, Linear, features, inputs
from readroom.models.lab.heads.gathering import Heads

Doubles = NDArray[np.float64]

#: Ridge penalty, in units of the heads' total weight: the features come in units of their spread.
#: From 0.02 to 0.1 the errors in cross-validation differ by 0.2° or less.
RIDGE: Final = 0.02
#: Differences beyond these count less, degrees (Huber 1964): FSA-Net errs, too.
TOLERANCE_DEG: Final = {"yaw": 10.0, "pitch": 8.0, "roll": 6.0}
_ROUNDS: Final = 8
#: A face of this size counts in full, smaller ones in proportion, px.
FULL_WEIGHT_PX: Final = 64.0
#: A normal distribution's standard deviation in median absolute deviations.
_SPREADS_PER_MAD: Final = 1.4826


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """Heads to learn from: their features as the product computes them, FSA-Net's ``angles`` [n,
    3], degrees, and how much each counts, ``weights`` [n]."""

    seen: tuple[Features, ...]
    angles: Doubles
    weights: Doubles


def lesson(heads: Heads) -> Lesson:
    """Of those heads that the product would read with the linear function."""
    pairs = zip(heads.landmarks, heads.keypoints, strict=True)
    seen = [features(landmarks, keypoints) for landmarks, keypoints in pairs]
    used = heads.of(np.array([one is not None for one in seen], bool))
    return Lesson(
        tuple(one for one in seen if one is not None),
        used.angles.astype(np.float64).mean(axis=1),
        np.minimum(used.sizes.astype(np.float64), FULL_WEIGHT_PX),
    )


def fit(taught: Lesson) -> Linear:
    """The function that is nearest to FSA-Net's angles."""
    yaw, pitch, roll = taught.angles.T
    even, odd = np.array([one.even for one in taught.seen]), np.array([o.odd for o in taught.seen])
    middles = _rounded(np.median(even, axis=0))
    even_spreads, odd_spreads = _spreads(even - np.array(middles)), _spreads(odd)
    rows = [inputs(one, middles, even_spreads, odd_spreads) for one in taught.seen]
    raised, turned = (np.array(column) for column in zip(*rows, strict=True))
    tilt = (roll - np.array([one.roll_deg for one in taught.seen]) + 180) % 360 - 180
    with_middle = np.hstack([raised, np.ones((len(raised), 1))])
    pitched = _robust(with_middle, pitch, taught.weights, TOLERANCE_DEG["pitch"], free=1)
    return Linear(
        even_middles=middles,
        even_spreads=even_spreads,
        odd_spreads=odd_spreads,
        yaw=_rounded(_robust(turned, yaw, taught.weights, TOLERANCE_DEG["yaw"])),
        pitch_middle=_rounded(pitched[-1:])[0],
        pitch=_rounded(pitched[:-1]),
        roll=_rounded(_robust(turned, tilt, taught.weights, TOLERANCE_DEG["roll"])),
    )


def _robust(
    inputs: Doubles, wanted: Doubles, weights: Doubles, tolerance: float, free: int = 0
) -> Doubles:
    """Ridge regression [k] of inputs [n, k], Huber's weights by repetition; the last ``free``
    coefficients aren't penalised."""
    penalty = np.full(inputs.shape[1], RIDGE)
    penalty[len(penalty) - free :] = 0
    counted = weights
    found = np.zeros(inputs.shape[1])
    for _ in range(_ROUNDS):
        weighted = inputs * counted[:, None]
        system = weighted.T @ inputs + np.diag(penalty) * counted.sum()
        found = np.linalg.solve(system, weighted.T @ wanted)
        away = np.abs(inputs @ found - wanted)
        counted = weights / np.maximum(1.0, away / tolerance)
    return found


def _spreads(deviations: Doubles) -> tuple[float, ...]:
    spreads = _SPREADS_PER_MAD * np.median(np.abs(deviations), axis=0)
    return _rounded(np.maximum(spreads, 1e-3))


def _rounded(values: Doubles) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in values)
