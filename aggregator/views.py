"""What one camera sees of a person, and which of several cameras is believed.

Of all cameras that see somebody one speaks: readings of two would be averaged over different
angles and sizes, and what is measured in pixels couldn't be compared. The one that sees best is
taken: it changes only for one that sees clearly better, or when it sees the person no longer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from readroom.aggregator.sight import Keypoints
from readroom.messages import Box, Quality

#: Time constant of how well a camera sees somebody, s: a blink or a glance aside mustn't count.
#: Chosen by reason, not measured.
MERIT_S: Final = 1.0
#: Another camera is taken when it sees this much better, as a ratio and by at least so much of the
#: weight (0..1), and not before this one has spoken so long, s. Chosen by reason, not measured: a
#: change begins what is measured in pixels anew, so it has to be worth it, and rare.
BETTER_RATIO: Final = 1.5
BETTER_BY: Final = 0.1
SPEAKS_S: Final = 3.0
#: Time constant of the head's speed, s, and the fastest that counts, face widths/s: beyond it the
#: box has jumped, not the head.
SPEED_S: Final = 0.5
FASTEST: Final = 4.0


class View(msgspec.Struct):
    """A camera's track of somebody. ``box`` (px) is the newest face's, of ``seen_s``; ``visible``
    stays true for a moment after it. ``quality`` is that of the newest face, ``keypoints`` those of
    the newest frame in which bodies were looked for. ``weight`` (0..1) is what the newest look for
    faces counts, ``merit`` its mean of late; ``speed`` that of the face's centre, face widths/s."""

    camera: str
    track: int
    box: Box
    seen_s: float
    at_s: float
    visible: bool = True
    quality: Quality | None = None
    keypoints: Keypoints | None = None
    weight: float = 0.0
    merit: float = 0.0
    speed: float = 0.0


def look(view: View, box: Box | None, quality: Quality | None, weight: float, at_s: float) -> None:
    """Take a frame in; ``box`` is None where the face wasn't found in it, ``weight`` is what its
    readings count (expression_state.weight)."""
    dt_s = max(0.0, at_s - view.at_s)
    view.at_s = max(view.at_s, at_s)
    view.weight = weight
    view.merit += (1 - math.exp(-dt_s / MERIT_S)) * (weight - view.merit)
    if box is None:
        return
    if dt_s > 0:
        speed = min(FASTEST, _distance(view.box, box) / max(1.0, box.width) / dt_s)
        view.speed += (1 - math.exp(-dt_s / SPEED_S)) * (speed - view.speed)
    view.box, view.quality, view.seen_s = box, quality, max(view.seen_s, at_s)


def best(views: Sequence[View], now: View | None, spoke_s: float) -> View | None:
    """The view that speaks: ``now`` (None: none yet), which has spoken for ``spoke_s``, as long as
    it sees the person and no other sees clearly better. None without any view."""
    if not views:
        return None
    ranked = sorted(views, key=lambda view: (not view.visible, -view.merit, -view.seen_s))
    first = ranked[0]
    if now is None or (first.visible and not now.visible):
        return first
    if not first.visible or spoke_s < SPEAKS_S:
        return now
    return first if first.merit > max(BETTER_RATIO * now.merit, now.merit + BETTER_BY) else now


def _distance(a: Box, b: Box) -> float:
    return math.hypot(
        a.x + a.width / 2 - b.x - b.width / 2, a.y + a.height / 2 - b.y - b.height / 2
    )
