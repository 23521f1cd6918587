"""The room's bounded slots: who is P1, P2, … and what happens when all are taken.

At most 32 people have a slot, so that no metric label is unbounded. A slot that somebody left is
given away again as late as possible (first the slots nobody had, then the one free longest): a
"P3" on the page shouldn't become somebody else while the first P3's strip is still in sight.
"""

from __future__ import annotations

import msgspec

from readroom.messages import MAX_SLOTS


class Slots(msgspec.Struct):
    """Which slots are taken: ``free`` are those given back, the longest free first; ``used`` is
    the highest slot ever given; ``overflow`` counts people who found none."""

    free: list[int] = []
    used: int = 0
    overflow: int = 0


def take(slots: Slots) -> int | None:
    """A free slot, 1..32; None when all are taken (the caller counts a person once)."""
    if slots.used < MAX_SLOTS:
        slots.used += 1
        return slots.used
    return slots.free.pop(0) if slots.free else None


def take_back(slots: Slots, slot: int) -> bool:
    """Take the slot that somebody had before; False where it is taken."""
    if slot not in slots.free:
        return False
    slots.free.remove(slot)
    return True


def give_back(slots: Slots, slot: int) -> None:
    """The person in ``slot`` has left."""
    if slot not in slots.free:
        slots.free.append(slot)
