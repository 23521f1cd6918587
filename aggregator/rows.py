"""What a session has newly got for the store: the rows that one commit writes.

Values only. The room makes them, the store takes them; under a purpose without emotion
:func:`refuse_emotion` stands between the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from readroom.aggregator.session import Session
from readroom.messages import (
    PLAIN_DEVIATIONS,
    PLAIN_LOOKS,
    PLAIN_MEASURES,
    PLAIN_STATES,
    WITHOUT_EMOTION,
    Box,
    Event,
    Measure,
    Probabilities,
)

#: Figures of an event that no expression goes into.
PLAIN_FIGURES: Final = frozenset((*PLAIN_MEASURES, *PLAIN_DEVIATIONS))


@dataclass(frozen=True, slots=True)
class Sample:
    """One point of one person's timeline.

    ``state`` is one of STATES, ``look`` of LOOKS. ``actions`` are those of ACTIONS that are going
    on, ``measured`` those that can be told at all: what is in neither is unknown. ``box`` is px
    of the frame of ``camera`` (None: the person's own camera).
    """

    person: int
    time_s: float
    state: str
    confidence: float
    expression: Probabilities | None
    coverage: float
    box: Box
    look: str = "cant_tell"
    actions: frozenset[str] = frozenset()
    measured: frozenset[str] = frozenset()
    camera: str | None = None


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody entered (``left_s`` None), left, or is known better now: the newest row of a
    person replaces those before. ``cameras`` are all that have seen the person (none given:
    ``camera``); ``merged_into`` is the person that this one turned out to be."""

    person: int
    slot: int
    camera: str
    entered_s: float
    left_s: float | None = None
    cameras: tuple[str, ...] = ()
    merged_into: int | None = None


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """What is said of the room at ``time_s``; ``name`` is one of MEASURES."""

    time_s: float
    name: str
    measure: Measure


@dataclass(frozen=True, slots=True)
class MarkerRow:
    """A moment that somebody marked; one ``id`` counts once in a session."""

    id: str
    time_s: float
    label: str


@dataclass(frozen=True, slots=True)
class NoteRow:
    """What somebody noted about the session; one ``id`` counts once in it."""

    id: str
    time_s: float
    text: str


@dataclass(slots=True)
class SessionRows:
    """What one session has newly got for the store. ``purpose`` is what it is read for (None:
    nobody was asked)."""

    room: str
    session: Session
    people: list[PersonRow] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    measures: list[MeasureRow] = field(default_factory=list)
    markers: list[MarkerRow] = field(default_factory=list)
    notes: list[NoteRow] = field(default_factory=list)
    purpose: str | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        lists = (self.people, self.samples, self.events, self.measures, self.markers, self.notes)
        return not any(lists)

    def add(self, later: SessionRows) -> None:
        """Take in what the same session has got since."""
        self.people += later.people
        self.samples += later.samples
        self.events += later.events
        self.measures += later.measures
        self.markers += later.markers
        self.notes += later.notes


def refuse_emotion(rows: SessionRows) -> None:
    """Raises RuntimeError where rows of a purpose without emotion say something of one: whoever
    made them has a mistake in the program, and nothing of them may reach a disk."""
    if rows.purpose not in WITHOUT_EMOTION:
        return
    for found in _emotional(rows):
        raise RuntimeError(
            f"purpose {rows.purpose}: no emotion may be stored, but session {rows.session.id} "
            f"has {found}"
        )


def _emotional(rows: SessionRows) -> Iterator[str]:
    """What of the rows names or measures an emotion, in words that don't repeat it."""
    for sample in rows.samples:
        if sample.expression is not None:
            yield f"an expression of person {sample.person}"
        if sample.state not in PLAIN_STATES:
            yield f"a state that names one, of person {sample.person}"
        if sample.look not in PLAIN_LOOKS:
            yield f"a look that names one, of person {sample.person}"
    for event in rows.events:
        if _says_emotion(event):
            yield f"an event of kind {event.kind} that names one"
    for row in rows.measures:
        if row.name not in PLAIN_MEASURES:
            yield "a measure of the room that rests on expressions"


def _says_emotion(event: Event) -> bool:
    """What isn't known to be plain counts as an emotion: a figure that a later version measures,
    and a measure that doesn't say of what."""
    if event.kind == "state_ended":
        return event.state not in PLAIN_STATES
    if event.kind == "look_ended":
        return event.state not in PLAIN_LOOKS
    if event.kind in ("deviation", "inflection", "peak") and event.state not in PLAIN_FIGURES:
        return True
    if event.figure is None and event.measure is None:
        return False
    return event.figure not in PLAIN_FIGURES
