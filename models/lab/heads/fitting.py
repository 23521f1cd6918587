"""The linear function of models/head_pose.py, fitted to FSA-Net's angles."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from readroom.models.head_pose import LEAST_SCORE, MOST_APART, Linear, features, in_spreads
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


def usable(heads: Heads) -> NDArray[np.bool_]:
    """Of which heads the product would read the pose with the linear function: [n]."""
    if not len(heads):
        return np.zeros(0, bool)
    seen = features(heads.landmarks, heads.keypoints)
    known = np.isfinite(seen.even).all(axis=1) & np.isfinite(seen.odd).all(axis=1)
    sure = heads.keypoints[:, :3, 2].min(axis=1) >= LEAST_SCORE
    return np.asarray(known & sure & (seen.apart <= MOST_APART), bool)


def fit(heads: Heads) -> Linear:
    """The function that is nearest to the mean of the two FSA-Nets on these heads, all usable."""
    seen = features(heads.landmarks, heads.keypoints)
    yaw, pitch, roll = heads.angles.astype(np.float64).mean(axis=1).T
    weights = np.minimum(heads.sizes.astype(np.float64), FULL_WEIGHT_PX)
    middles = _rounded(np.median(seen.even, axis=0))
    even_spreads = _spreads(seen.even - np.array(middles))
    odd_spreads = _spreads(seen.odd)
    even, odd = in_spreads(seen, middles, even_spreads, odd_spreads)
    tilt = (roll - np.degrees(seen.roll) + 180) % 360 - 180
    constant = np.ones((len(even), 1))
    pitched = _robust(np.hstack([even, constant]), pitch, weights, TOLERANCE_DEG["pitch"], free=1)
    return Linear(
        even_middles=middles,
        even_spreads=even_spreads,
        odd_spreads=odd_spreads,
        yaw=_rounded(_robust(odd, yaw, weights, TOLERANCE_DEG["yaw"])),
        pitch_middle=_rounded(pitched[-1:])[0],
        pitch=_rounded(pitched[:-1]),
        roll=_rounded(_robust(odd, tilt, weights, TOLERANCE_DEG["roll"])),
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
