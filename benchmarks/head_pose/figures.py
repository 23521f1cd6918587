"""How two ways to tell angles agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from readroom.models.boxes import Floats


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of ``n`` angles. ``correlation`` (Pearson's) and ``slope`` (degrees said per degree of the
    reference, least squares) are NaN where the reference doesn't change; ``mean`` is the mean
    difference and ``absolute`` the mean absolute one, degrees."""

    n: int
    correlation: float
    slope: float
    mean: float
    absolute: float


def agreement(said: Floats, reference: Floats) -> Agreement:
    """Angles [n] against others [n], degrees; what isn't finite is left out."""
    known = np.isfinite(said) & np.isfinite(reference)
    x, y = reference[known].astype(np.float64), said[known].astype(np.float64)
    if not len(x):
        return Agreement(0, np.nan, np.nan, np.nan, np.nan)
    away = y - x
    correlation, slope = _line(x, y)
    return Agreement(len(x), correlation, slope, float(away.mean()), float(np.abs(away).mean()))


def _line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    across, along = x - x.mean(), y - y.mean()
    spread, product = float((across**2).sum()), float((across * along).sum())
    if spread < 1e-9:
        return np.nan, np.nan
    norm = (spread * float((along**2).sum())) ** 0.5
    return product / norm if norm > 0 else np.nan, product / spread
