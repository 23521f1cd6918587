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
    Event,
)
from readroom.sessions.rows import MarkerRow, MeasureRow, NoteRow, PersonRow, Sample

#: Figures of an event that no expression goes into.
PLAIN_FIGURES: Final = frozenset((*PLAIN_MEASURES, *PLAIN_DEVIATIONS))


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
