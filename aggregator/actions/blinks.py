"""Blinks: eyes that were closed for a moment, counted over the last minute.

A blink closes the eyes for 0.1 to 0.4 s (Schiffman 2001); what lasts longer is ``eyes_closed``,
an action. People blink 10 to 20 times a minute at rest, fewer while reading (Bentivoglio et al.
1997: 17 at rest, 26 in conversation, 4.5 reading).
"""

from __future__ import annotations

from typing import Final

import msgspec

#: A closure counts as a blink between these, s. At 10 frames a second a closure is known to
#: ±0.1 s, so the limits are wider than the literature's.
SHORTEST_S: Final = 0.05
LONGEST_S: Final = 0.5
#: How closed the eyes are (geometry.closure) when a closure begins, and when it is over: further
#: apart than noise, which was ±.05 on the clips.
CLOSED: Final = 0.4
OPEN: Final = 0.3
#: The last minute is kept in slices of this length, s.
SLICE_S: Final = 10.0
SLICES: Final = 6
#: Nothing is said before the eyes were seen for this long within the minute, s: at 15 blinks a
#: minute that is five blinks.
ENOUGH_S: Final = 20.0
#: Longest time between two looks that can still tell blinks apart, s: a blink of 0.15 s is then
#: seen at least once.
LONGEST_PACE_S: Final = 0.135


class Slice(msgspec.Struct, array_like=True):
    """A part of the minute: its number, for how long the eyes were seen, s, and blinks ended."""

    number: int
    seen_s: float = 0.0
    blinks: int = 0


class Blinks(msgspec.Struct, array_like=True):
    """The eyes. ``closed_s`` is since when they have been closed, None while they are open."""

    last_s: float | None = None
    closed_s: float | None = None
    slices: list[Slice] = msgspec.field(default_factory=list)


def look(blinks: Blinks, closure: float, at_s: float) -> None:
    """Take in how closed the eyes are (0..1). A closure begins and ends half way between the two
    looks that differ. A gap longer than a blink interrupts it uncounted."""
    if blinks.last_s is None or at_s - blinks.last_s > LONGEST_S:
        blinks.last_s, blinks.closed_s = at_s, None
        return
    if at_s <= blinks.last_s:
        return
    half_way_s = (blinks.last_s + at_s) / 2
    now = _slice(blinks, at_s)
    now.seen_s += at_s - blinks.last_s
    blinks.last_s = at_s
    if blinks.closed_s is None:
        if closure >= CLOSED:
            blinks.closed_s = half_way_s
    elif closure < OPEN:
        if SHORTEST_S <= half_way_s - blinks.closed_s <= LONGEST_S:
            now.blinks += 1
        blinks.closed_s = None


def per_minute(blinks: Blinks, at_s: float) -> float | None:
    """Blinks a minute of the time in which the eyes were seen, over the last minute; None where
    that is too short."""
    first = int(at_s // SLICE_S) - SLICES + 1
    slices = [part for part in blinks.slices if part.number >= first]
    seen_s = sum(part.seen_s for part in slices)
    return 60.0 * sum(part.blinks for part in slices) / seen_s if seen_s >= ENOUGH_S else None


def _slice(blinks: Blinks, at_s: float) -> Slice:
    number = int(at_s // SLICE_S)
    if not blinks.slices or blinks.slices[-1].number != number:
        blinks.slices = [*blinks.slices, Slice(number)][-SLICES:]
    return blinks.slices[-1]
