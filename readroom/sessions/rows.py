"""The rows of a session in the store, as values."""

from __future__ import annotations

from dataclasses import dataclass

from readroom.messages import Box, Measure, Probabilities


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
    ``camera``); ``merged_into`` is the person that this one turned out to be; ``name`` is what
    somebody calls them (None: nobody does)."""

    person: int
    slot: int
    camera: str
    entered_s: float
    left_s: float | None = None
    cameras: tuple[str, ...] = ()
    merged_into: int | None = None
    name: str | None = None


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
