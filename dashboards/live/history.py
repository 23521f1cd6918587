"""The last minutes of one session, thinned and bounded: what a page needs to draw its strips.

Pure: no clock, no Redis.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from operator import itemgetter
from typing import Final

import msgspec
from msgspec.structs import replace

from readroom.messages import STATES, Event, Measure, PersonState, RoomState

#: Session time between two samples kept, s. The state machine's dwell is longer, and a
#: sample's ``since_s`` keeps the true moment of each change.
SAMPLE_EVERY_S: Final = 0.5
#: Session time kept, s.
KEPT_S: Final = 600.0
SAMPLES_KEPT: Final = int(KEPT_S / SAMPLE_EVERY_S)
#: Events kept for a page's list.
EVENTS_KEPT: Final = 60
#: Marked moments kept for a page's curve: a busy room's other events push them out of the list.
MARKS_KEPT: Final = 200
_MARKER: Final = "marker"
_MERGED: Final = "merged"
#: What the list leaves out, by kind and what ended (None: whatever it was): a person has dozens of
#: actions a minute, and what goes on stands beside their name; that nothing could be told of
#: somebody's look is what their state says, too.
UNLISTED: Final = frozenset({("action_ended", None), ("look_ended", "cant_tell")})

_STATE_NUMBERS: Final = {state: number for number, state in enumerate(STATES)}
#: Stands for a state that this version doesn't know.
UNKNOWN_STATE: Final = -1


#: What tells whether somebody faces the front: going on, not going on, or not measured.
_FACING: Final = "facing_front"


class PersonSample(msgspec.Struct, frozen=True, array_like=True):
    """One person at one moment. ``state`` is an index into messages.STATES, or -1 for one that
    this version doesn't know; ``since_s`` is the session time when it began. ``person`` is their
    number in the session, 0 from an aggregator that doesn't say it. ``valence`` (-1..1) and
    ``facing`` (0 or 1) are None where they can't be told."""

    slot: int
    state: int
    since_s: float
    person: int = 0
    valence: float | None = None
    facing: int | None = None


class Figure(msgspec.Struct, frozen=True, array_like=True):
    """A measure of the room at one moment, as far as its curve is drawn from it."""

    value: float | None
    low: float | None
    high: float | None


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """Everyone at one moment: ``time_s`` in session time, ``at`` in Unix seconds. ``measures`` are
    the room's, by messages.MEASURES."""

    time_s: float
    at: float
    people: tuple[PersonSample, ...]
    measures: dict[str, Figure] = {}


def sample_of(room: RoomState) -> Sample:
    """The part of a room state that strips and curves are drawn from, rounded to what can be
    seen."""
    return Sample(
        round(room.time_s, 2),
        round(room.at, 2),
        tuple(_person_sample(person) for person in room.people),
        {name: _figure(measure) for name, measure in room.measures.items()},
    )


def _person_sample(person: PersonState) -> PersonSample:
    return PersonSample(
        person.slot,
        _STATE_NUMBERS.get(person.state, UNKNOWN_STATE),
        round(person.since_s, 2),
        person.person,
        _rounded(person.valence),
        _facing(person),
    )


def _facing(person: PersonState) -> int | None:
    if _FACING in person.actions:
        return 1
    return 0 if _FACING in person.measured else None


def _figure(measure: Measure) -> Figure:
    return Figure(_rounded(measure.value), _rounded(measure.low), _rounded(measure.high))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _with_one(sample: Sample, kept: int, other: int) -> Sample:
    """The sample with ``other`` being ``kept``; who is there as both is there once."""
    numbers = {each.person for each in sample.people}
    if other not in numbers:
        return sample
    if kept in numbers:
        people = [each for each in sample.people if each.person != other]
    else:
        people = [
            replace(each, person=kept) if each.person == other else each for each in sample.people
        ]
    return replace(sample, people=tuple(people))


def key_of(person: PersonState) -> int:
    """What somebody's strip is kept by: their number in the session, which is never anybody
    else's; from an aggregator that gives none, the slot, as a negative number."""
    return person.person if person.person > 0 else -person.slot


#: An event, and the how manieth it was.
_Numbered = tuple[int, Event]


class History:
    """The newest session's samples and names. Room states may be added again (after a
    reconnect the streams are read anew): what isn't newer than the last sample is left out."""

    def __init__(self) -> None:
        self._session: str | None = None
        self._samples: deque[Sample] = deque(maxlen=SAMPLES_KEPT)
        self._names: dict[int, str] = {}
        self._events: deque[_Numbered] = deque(maxlen=EVENTS_KEPT)
        self._marks: deque[_Numbered] = deque(maxlen=MARKS_KEPT)
        self._numbers = count()
        #: Who turned out to be somebody else: session and number of that one, to the number that
        #: counts. In the order in which they were told, and maybe ahead of the samples.
        self._merged: dict[tuple[str, int], int] = {}

    def add(self, room: RoomState) -> None:
        """Take a room state in; another session begins a new history."""
        if room.session != self._session:
            # Without a session (rolling) the name is the same each time, and the clock isn't.
            gone, self._session = self._session, room.session
            self._events = _without(self._events, gone)
            self._marks = _without(self._marks, gone)
            self._merged = {key: kept for key, kept in self._merged.items() if key[0] != gone}
            self._samples.clear()
            self._names.clear()
        self._names.update(room.away)
        self._names.update({key_of(each): each.name or each.pseudonym for each in room.people})
        for _, other in self._merges():
            self._names.pop(other, None)
        if self._samples and room.time_s - self._samples[-1].time_s < SAMPLE_EVERY_S:
            return
        sample = sample_of(room)
        for kept, other in self._merges():
            sample = _with_one(sample, kept, other)
        self._samples.append(sample)

    def _merges(self) -> list[tuple[int, int]]:
        """Of this session: whom is kept, and who turned out to be them; in the order told."""
        return [
            (kept, other)
            for (session, other), kept in self._merged.items()
            if session == self._session
        ]

    def add_event(self, event: Event) -> bool:
        """Take an event in; False where it was there already, or isn't for the list."""
        if not UNLISTED.isdisjoint({(event.kind, None), (event.kind, event.state)}):
            return False
        kept = self._marks if event.kind == _MARKER else self._events
        if any(event == known for _, known in kept):
            return False
        kept.append((next(self._numbers), event))
        if event.kind == _MERGED:
            self._merge(event)
        return True

    def _merge(self, event: Event) -> None:
        """Two turned out to be one: what was told of the other is told of whom is kept."""
        if event.person is None or event.other is None:
            return
        self._merged[event.session, event.other] = event.person
        if event.session != self._session:
            return
        self._names.pop(event.other, None)
        for number, sample in enumerate(self._samples):
            self._samples[number] = _with_one(sample, event.person, event.other)

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Oldest first."""
        return tuple(self._samples)

    @property
    def names(self) -> dict[int, str]:
        """Name, or else pseudonym, of everyone who was in the session, by :func:`key_of`."""
        return dict(self._names)

    @property
    def events(self) -> tuple[Event, ...]:
        """The newest session's events, oldest first."""
        told = sorted((*self._events, *self._marks), key=itemgetter(0))
        return tuple(event for _, event in told if event.session == self._session)


def _without(events: deque[_Numbered], session: str | None) -> deque[_Numbered]:
    return deque((each for each in events if each[1].session != session), maxlen=events.maxlen)
