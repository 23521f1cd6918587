"""Rhythms of one value: nods and shakes in degrees, a speaking jaw.

A curve is cut into half-cycles at its reversals (a zigzag: a reversal counts once the curve has
come back from its furthest point by ``least``). Half-cycles that follow each other, each neither
too short nor too long, are a rhythm. Nothing has to be filtered first: what drifts slowly makes
half-cycles that are too long, what trembles makes none that is large enough.

Only the reversals are kept, never the curve: the state is small at any frame rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

#: Half-cycles that are kept, besides the one going on: as many as any rule asks for.
MOST_KEPT: Final = 4


@dataclass(frozen=True, slots=True)
class Beat:
    """What counts as a half-cycle: at least ``least`` from end to end (in the value's unit), from
    ``shortest_s`` to ``longest_s`` long."""

    least: float
    shortest_s: float
    longest_s: float


class Half(msgspec.Struct, array_like=True):
    """One half-cycle: from reversal to reversal, how far, and its largest step between two frames
    as a share of that (1: it was one jump)."""

    start_s: float
    end_s: float
    size: float
    jump: float


class Zigzag(msgspec.Struct, array_like=True):
    """Where a curve stands. ``direction`` is 1 (rising) or −1; the leg began at ``start``, its
    furthest point so far is ``far``. ``step`` is the leg's largest step, ``back`` the largest since
    its furthest point. ``halves`` are the last half-cycles that counted."""

    direction: int = 1
    start: float = 0.0
    start_s: float = 0.0
    far: float = 0.0
    far_s: float = 0.0
    last: float = 0.0
    last_s: float | None = None
    step: float = 0.0
    back: float = 0.0
    halves: list[Half] = msgspec.field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Half-cycles in a row, the last one still going on: how many, their mean size and mean jump,
    the smallest as a share of the largest, from when to when."""

    count: int
    size: float
    evenness: float
    jump: float
    start_s: float
    end_s: float


def follow(zigzag: Zigzag, beat: Beat, value: float, at_s: float) -> None:
    """Take the curve's next value in. ``at_s`` never goes back; a value for no time counts only
    where it is the first. A gap longer than a half-cycle may be breaks the curve off."""
    if zigzag.last_s is None or at_s - zigzag.last_s > beat.longest_s:
        _restart(zigzag, value, at_s)
        return
    if at_s == zigzag.last_s:
        return
    step = abs(value - zigzag.last)
    zigzag.last, zigzag.last_s = value, at_s
    zigzag.back = max(zigzag.back, step)
    beyond = (value - zigzag.far) * zigzag.direction
    if beyond > 0:
        zigzag.far, zigzag.far_s = value, at_s
        zigzag.step, zigzag.back = max(zigzag.step, zigzag.back), 0.0
    elif -beyond >= beat.least:
        _reverse(zigzag, beat, value, at_s)


def rhythm(zigzag: Zigzag, beat: Beat, at_s: float) -> Rhythm | None:
    """The half-cycles that followed each other up to now; None where there are none, or where the
    last reversal is longer ago than a half-cycle may last."""
    going = _leg(zigzag)
    if not _within(going, beat):
        return None
    row = [going] if _counts(going, beat) else []
    start_s = going.start_s
    for half in reversed(zigzag.halves):
        if half.end_s != start_s:
            break
        row.append(half)
        start_s = half.start_s
    if not row or at_s - row[0].end_s > beat.longest_s:
        return None
    count = len(row)
    sizes = [half.size for half in row]
    return Rhythm(
        count,
        size=sum(sizes) / count,
        evenness=min(sizes) / max(sizes),
        jump=sum(half.jump for half in row) / count,
        start_s=start_s,
        end_s=row[0].end_s,
    )


def recent(zigzag: Zigzag, beat: Beat, since_s: float) -> int:
    """How many half-cycles ended after ``since_s``, in a row or not."""
    going = _leg(zigzag)
    halves = [*zigzag.halves, going] if _counts(going, beat) else zigzag.halves
    return sum(half.end_s > since_s for half in halves)


def widest(zigzag: Zigzag, since_s: float) -> float:
    """The largest half-cycle that ended after ``since_s``, the one going on included."""
    going = _leg(zigzag)
    return max((h.size for h in (*zigzag.halves, going) if h.end_s > since_s), default=0.0)


def _restart(zigzag: Zigzag, value: float, at_s: float) -> None:
    zigzag.start = zigzag.far = zigzag.last = value
    zigzag.start_s = zigzag.far_s = zigzag.last_s = at_s
    zigzag.step = zigzag.back = 0.0
    zigzag.halves = []


def _reverse(zigzag: Zigzag, beat: Beat, value: float, at_s: float) -> None:
    leg = _leg(zigzag)
    if _counts(leg, beat):
        zigzag.halves = [*zigzag.halves, leg][-MOST_KEPT:]
    zigzag.start, zigzag.start_s = zigzag.far, zigzag.far_s
    zigzag.far, zigzag.far_s = value, at_s
    zigzag.step, zigzag.back = zigzag.back, 0.0
    zigzag.direction = -zigzag.direction


def _leg(zigzag: Zigzag) -> Half:
    size = abs(zigzag.far - zigzag.start)
    jump = zigzag.step / size if size > 0 else 1.0
    return Half(zigzag.start_s, zigzag.far_s, size, min(1.0, jump))


def _counts(half: Half, beat: Beat) -> bool:
    long_enough = half.end_s - half.start_s >= beat.shortest_s
    return half.size >= beat.least and long_enough and _within(half, beat)


def _within(half: Half, beat: Beat) -> bool:
    return half.end_s - half.start_s <= beat.longest_s
