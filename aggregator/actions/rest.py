"""How a person is when nothing happens: own resting levels, learnt while watching.

People's mouths, eyelids and seats differ; what an action changes is measured against the person.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

#: How fast a lower level is taken on as the resting one, s, and how slowly a higher one: a smile or
#: closed eyes last seconds, and must not become the rest.
FALL_S: Final = 2.0
RISE_S: Final = 60.0
#: Memory of the usual level, s: who leans for longer than about a minute sits like that now.
USUAL_S: Final = 60.0
#: A level is known after so much time of readings, s.
ENOUGH_S: Final = 10.0
#: Longest time that one reading may speak for, s.
MAX_STEP_S: Final = 0.5


class Level(msgspec.Struct, array_like=True):
    """A level, when it was last read, and for how long in all, s."""

    value: float = 0.0
    at_s: float | None = None
    read_s: float = 0.0


def low(level: Level, value: float, at_s: float) -> None:
    """Follow the low readings: down within :data:`FALL_S`, up within :data:`RISE_S`."""
    dt_s = _pass(level, value, at_s)
    tau_s = FALL_S if value < level.value else RISE_S
    level.value += (1 - math.exp(-dt_s / tau_s)) * (value - level.value)


def usual(level: Level, value: float, at_s: float) -> None:
    """Follow the mean of the last :data:`USUAL_S`; of all readings while they are fewer."""
    dt_s = _pass(level, value, at_s)
    if level.read_s > 0:
        level.value += dt_s / max(dt_s, min(level.read_s, USUAL_S)) * (value - level.value)


def known(level: Level) -> bool:
    """Whether there were enough readings to compare with."""
    return level.read_s >= ENOUGH_S


def _pass(level: Level, value: float, at_s: float) -> float:
    """Time that this reading speaks for, s; the first one sets the level."""
    if level.at_s is None:
        level.value, level.at_s = value, at_s
    dt_s = min(max(0.0, at_s - level.at_s), MAX_STEP_S)
    level.at_s = max(level.at_s, at_s)
    level.read_s += dt_s
    return dt_s
