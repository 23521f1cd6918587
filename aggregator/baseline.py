"""How one person looks at rest, and what differs from it; off by default (``neutral_s`` 0).

Some faces aren't read as neutral when they rest: a network sees a smile in corners of the mouth
that point upwards by nature, or sadness in brows that hang. Who was seen at rest for a while can
be read against that.

*Calibration.* For the first ``neutral_s`` seconds in which the face is readable, the readings are
taken as they are, and the weighted mean of their logarithms is taken, with probabilities kept
within FLOOR..1 − FLOOR:

    log m_k = Σ w·dt·log p_k / Σ w·dt

*Correction*, from then on, where r is what a network says of a plainly neutral face (RESTING):

    q_k ∝ p_k · c_k,    c_k = r_k / m_k kept within 1/LIMIT..LIMIT

so that a face at rest is read as r, and every later reading is moved by as much in log-odds,
log(q_k / q_j). The same form corrects a classifier for other priors (Saerens, Latinne &
Decaestecker: Adjusting the outputs of a classifier to new a priori probabilities, Neural
Computation 14 (2002) 21-41); here the person's own rest stands in the prior's place.

Whoever laughs in these seconds mustn't be taken for somebody whose laughing face is at rest. A
reading that gives PLAIN or more to another expression isn't taken for rest, and there is no
correction unless at least half of the time was rest, and the mean's p(neutral) is RESTING_LEAST or
more. LIMIT bounds what a wrong baseline can do, too.

What the correction does to recorded faces: docs/semantics/expression.md, measured by ``python -m
tests.aggregator.baseline_figures``.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from readroom.aggregator.expression_state import MAX_STEP_S, READABLE_WEIGHT, clean
from readroom.messages import EXPRESSIONS, Probabilities

#: Probabilities are kept this far from 0 and 1 in the mean: one that is .0001 in one frame and .01
#: in the next says the same, and its logarithm mustn't outweigh the rest.
FLOOR: Final = 0.02
#: What a neutral face is read as, kept above FLOOR: the mean logarithms of six people's.
RESTING: Final[Probabilities] = (0.80, 0.04, 0.02, 0.06, 0.02, 0.02, 0.02, 0.02)
#: Least p(neutral) of a mean, normalised, that is taken for a face at rest. The recorded people
#: have .53 and more at rest; a face that is upset .42 and less.
RESTING_LEAST: Final = 0.45
#: A reading of which another expression has this much is no face at rest.
PLAIN: Final = 0.8
#: Share of the time that has to be rest.
REST_RATIO: Final = 0.5
#: No probability is multiplied or divided by more than this. On the rendered person whose rest is
#: half a smile 1.5 does nearly all that more can do; beyond it, another one's mild sadness is lost.
LIMIT: Final = 1.5


class Baseline(msgspec.Struct):
    """What is known of one person at rest. ``sums`` (in the order of EXPRESSIONS) is the integral
    of weight · log p, ``weight_s`` of the weight, over time at rest; ``readable_s`` and ``rest_s``
    are the times without weight. ``factors`` are c, empty while there are none (yet)."""

    sums: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(EXPRESSIONS))
    weight_s: float = 0.0
    readable_s: float = 0.0
    rest_s: float = 0.0
    last_s: float | None = None
    done: bool = False
    factors: list[float] = []


def begin() -> Baseline:
    """Somebody of whom nothing is known yet."""
    return Baseline()


def step(
    baseline: Baseline,
    probabilities: Probabilities | None,
    weight: float,
    at_s: float,
    neutral_s: float,
) -> Probabilities | None:
    """A reading as it counts against the person's rest: probabilities that sum to 1; as given while
    calibrating, and where ``neutral_s`` is 0 or the calibration failed. None where there is none.

    ``weight`` is the reading's (expression_state.weight); one that isn't readable teaches nothing.
    """
    if probabilities is None or neutral_s <= 0:
        return probabilities
    if not baseline.done and weight >= READABLE_WEIGHT:
        _learn(baseline, probabilities, weight, at_s)
        if baseline.readable_s >= neutral_s:
            baseline.done, baseline.factors = True, factors(baseline)
    return corrected(probabilities, baseline.factors)


def factors(baseline: Baseline) -> list[float]:
    """c for what was learnt; empty where that was no face at rest."""
    if baseline.weight_s <= 0 or baseline.rest_s < REST_RATIO * baseline.readable_s:
        return []
    means = [math.exp(total / baseline.weight_s) for total in baseline.sums]
    scale = sum(means)
    if means[EXPRESSIONS.index("neutral")] < RESTING_LEAST * scale:
        return []
    return [
        min(LIMIT, max(1 / LIMIT, r * scale / mean)) for r, mean in zip(RESTING, means, strict=True)
    ]


def corrected(probabilities: Probabilities, by: list[float]) -> Probabilities:
    """q for p and c; p where there is no c."""
    if not by:
        return probabilities
    moved = tuple(p * c for p, c in zip(probabilities, by, strict=True))
    return clean(moved) or probabilities  # type: ignore[arg-type]  # eight, as there were


def _learn(baseline: Baseline, probabilities: Probabilities, weight: float, at_s: float) -> None:
    before_s = at_s if baseline.last_s is None else baseline.last_s
    baseline.last_s = max(before_s, at_s)
    dt_s = min(baseline.last_s - before_s, MAX_STEP_S)
    baseline.readable_s += dt_s
    others = (p for p, name in zip(probabilities, EXPRESSIONS, strict=True) if name != "neutral")
    if max(others) >= PLAIN:
        return
    baseline.rest_s += dt_s
    baseline.weight_s += weight * dt_s
    baseline.sums = [
        total + weight * dt_s * math.log(min(1 - FLOOR, max(FLOOR, p)))
        for total, p in zip(baseline.sums, probabilities, strict=True)
    ]
