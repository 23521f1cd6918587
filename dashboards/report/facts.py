"""What can be said of one person over a whole session, in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from readroom.dashboards.report.material import Material, Person
from readroom.dashboards.report.spans import spans, totals
from readroom.messages import ACTIONS, EXPRESSIONS, LOOKS, STATES
from readroom.sessions.arrays import Flags, Floats, Numbers

#: Less than this of somebody is too little to say how they looked: time, s, and share of the time
#: that they were there (as of the room, docs/semantics/room.md).
MIN_READABLE_S: Final = 5.0
MIN_COVERAGE: Final = 0.3
#: A look is named from so long on, s, or this share of the readable time, whichever is more.
MIN_LOOK_S: Final = 1.0
MIN_LOOK_RATIO: Final = 0.02
#: "Most of it after a marker": at least this share of it lies there, and so many times as much as
#: would if it were spread evenly.
MOST_RATIO: Final = 0.5
MOST_TIMES: Final = 1.5
#: A session's course is told if it has at most so many parts, each of this length at least, s.
COURSE_PARTS: Final = 5
COURSE_S: Final = 1.5


class Part(NamedTuple):
    """An expression that somebody's face had from ``start_s`` to ``end_s``; ``last`` up to when
    they were last seen."""

    state: str
    start_s: float
    end_s: float
    last: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """Seconds: ``there`` was told of them at all, ``in_view`` seen, ``readable`` read (where no
    expression may be, seen well enough). ``looks`` and ``states`` by name, without those that
    didn't occur. ``front`` is the share of ``front_known`` in which the front was faced.
    ``actions`` maps to seconds, of ``measured`` seconds in which it could be told."""

    person: Person
    there_s: float
    in_view_s: float
    readable_s: float
    looks: dict[str, float]
    states: dict[str, float]
    front: float | None
    front_known_s: float
    actions: dict[str, float]
    measured: dict[str, float]

    @property
    def coverage(self) -> float:
        """Share of the time there in which the face could be read, 0..1."""
        return self.readable_s / self.there_s if self.there_s > 0 else 0.0

    @property
    def enough(self) -> bool:
        """Whether anything should be said of how they looked."""
        return self.readable_s >= MIN_READABLE_S and self.coverage >= MIN_COVERAGE

    @property
    def least_s(self) -> float:
        """From how long on a look is worth a word, s."""
        return max(MIN_LOOK_S, MIN_LOOK_RATIO * self.readable_s)


def facts(material: Material, person: Person) -> Facts:
    """Everything above, of one person."""
    track = person.track
    readable = track.seen_well if material.without_emotion else track.readable
    known = np.isfinite(track.front)
    known_s = float(track.lasts_s[known].sum())
    front = float(np.average(track.front[known], weights=track.lasts_s[known])) if known_s else None
    return Facts(
        person=person,
        there_s=track.there_s,
        in_view_s=track.in_view_s,
        readable_s=float(track.lasts_s[readable].sum()),
        looks=_named(LOOKS, totals(track.look, track.lasts_s, len(LOOKS)).tolist()),
        states=_named(STATES, totals(track.state, track.lasts_s, len(STATES)).tolist()),
        front=front,
        front_known_s=known_s,
        actions=_bits(person, track.actions & track.measured),
        measured=_bits(person, track.measured),
    )


def most_after(material: Material, found: Facts, look: str) -> tuple[str, str] | None:
    """("after", label) or ("before", label) of the marker after (before the first of) which most
    of a look lies; None where it is spread like the time that could be read."""
    if not material.markers or not found.readable_s:
        return None
    track = found.person.track
    times = [marker.time_s for marker in material.markers]
    stretch = np.searchsorted(times, track.time_s, "right")
    had = track.look == LOOKS.index(look)
    count = len(times) + 1
    time = np.bincount(stretch[had], track.lasts_s[had], minlength=count)
    whole = _by_stretch(found, stretch, track.readable, count)
    best = int(time.argmax())
    share, usual = time[best] / max(time.sum(), 1e-9), whole[best]
    if share < MOST_RATIO or share < MOST_TIMES * usual:
        return None
    if best == 0:
        return "before", material.markers[0].label
    return "after", material.markers[best - 1].label


def course(found: Facts) -> list[Part]:
    """The expressions one after the other, where there are few enough to tell; else none."""
    track = found.person.track
    if not len(track):
        return []
    end_s = float(track.time_s[-1] + track.lasts_s[-1])
    parts: list[Part] = []
    for span in spans(track, track.state):
        if span.value >= len(EXPRESSIONS) or span.end_s - span.start_s < COURSE_S:
            continue
        state = STATES[span.value]
        last = span.end_s >= end_s - 1.0
        if parts and parts[-1].state == state:
            parts[-1] = Part(state, parts[-1].start_s, span.end_s, last)
        else:
            parts.append(Part(state, span.start_s, span.end_s, last))
    return parts if len(parts) <= COURSE_PARTS else []


def _by_stretch(found: Facts, stretch: Numbers, mask: Flags, count: int) -> Floats:
    time = np.bincount(stretch[mask], found.person.track.lasts_s[mask], minlength=count)
    shares: Floats = time / max(time.sum(), 1e-9)
    return shares


def _bits(person: Person, bits: Numbers) -> dict[str, float]:
    lasts = person.track.lasts_s
    sums = [float(lasts[(bits & (1 << n)) > 0].sum()) for n in range(len(ACTIONS))]
    return _named(ACTIONS, sums)


def _named(names: tuple[str, ...], seconds: list[float]) -> dict[str, float]:
    return {name: time for name, time in zip(names, seconds, strict=True) if time > 0}
