"""Whether a face can be read, how much a reading of it counts, and if not, why: pure functions.

The aggregator weighs every reading by it, ``readroom check`` says with it what is in the way, and
``readroom analyse`` of a photograph reads no face that wouldn't count in a room.
"""

from __future__ import annotations

import math
from typing import Final, Literal

from readroom.messages import Face, Probabilities, Quality

#: Readings of less weight don't count: what isn't readable isn't read.
READABLE_WEIGHT: Final = 0.15
#: Probability from which an expression is named.
ENTER: Final = 0.55
#: A head that points further aside counts for half of what it would (weight: 35° to 65°).
TURNED_DEG: Final = 50.0
#: A head that is bowed or raised further hides mouth or brows. By reason, not measured.
BOWED_DEG: Final = 30.0
#: Variance of the Laplacian (messages.Quality) below which a face is blurred, grey levels².
BLURRED: Final = 30.0
#: Mean grey level of a face, 0..255, below which it is dark, and above which light eats it up. By
#: reason, not measured: beyond either less than half of the levels are left for brows and mouth.
DARK: Final = 50.0
OVERLIT: Final = 215.0

#: What keeps a face from being read; ``doubtful``: the detector is in doubt whether it is one.
Why = Literal["too_small", "turned", "bowed", "raised", "dark", "overlit", "blurred", "doubtful"]


def weight(quality: Quality, score: float, min_face_px: float) -> float:
    """How much a reading counts, 0..1: the product of four ramps (width, sharpness, detector
    score, yaw). Unknown yaw counts as frontal.

    A detection that is good enough to follow somebody needn't be a face that can be read: in 384
    annotated photographs the packaged detector finds .055 things a picture that are no face with a
    score of .7, and .016 with .8, where it still finds 95 % of the faces of 32 px and wider.
    """
    width = _ramp(quality.width_px, 0.7 * min_face_px, 2.0 * min_face_px)
    sharp = 0.2 + 0.8 * _ramp(quality.sharpness, 5.0, 60.0)
    sure = _ramp(score, 0.7, 0.9)
    frontal = 1.0 if quality.yaw_deg is None else 1 - _ramp(abs(quality.yaw_deg), 35.0, 65.0)
    return width * sharp * sure * frontal


def face_weight(face: Face, min_face_px: float) -> float:
    """How much what is read of a face counts, 0..1: :func:`weight`. The score of a detector
    without landmarks (Haar) is a rank and no probability, and counts for nothing."""
    score = face.score if face.landmarks else 1.0
    return weight(face.quality, score, min_face_px)


def clean(probabilities: Probabilities | None) -> Probabilities | None:
    """Probabilities that sum to 1, or None where they are none (NaN, negative, all zero)."""
    if probabilities is None or not all(math.isfinite(p) and p >= 0 for p in probabilities):
        return None
    total = sum(probabilities)
    if not 0 < total < math.inf:
        return None
    a, b, c, d, e, f, g, h = (p / total for p in probabilities)
    return a, b, c, d, e, f, g, h


def why_unreadable(face: Face, min_face_px: float) -> Why | None:
    """The first thing that keeps a single face from being read; None where it can be."""
    if face.box.width < min_face_px:
        return "too_small"
    if face_weight(face, min_face_px) >= READABLE_WEIGHT:
        return None
    return flaw(face.quality) or "doubtful"


def flaw(quality: Quality) -> Why | None:
    """The first thing wrong with a face that is large enough, as far as it is measured."""
    yaw, pitch, light = quality.yaw_deg, quality.pitch_deg, quality.brightness
    if yaw is not None and abs(yaw) > TURNED_DEG:
        return "turned"
    if pitch is not None and abs(pitch) > BOWED_DEG:
        return "bowed" if pitch < 0 else "raised"
    if light is not None and light < DARK:
        return "dark"
    if light is not None and light > OVERLIT:
        return "overlit"
    return "blurred" if quality.sharpness < BLURRED else None


def _ramp(value: float, low: float, high: float) -> float:
    """0 up to ``low``, 1 from ``high`` on, straight between; NaN is 0."""
    if not value > low:
        return 0.0
    return min(1.0, (value - low) / (high - low))
