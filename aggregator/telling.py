"""Puts an event into a session's rows: the one place where the room's events are made."""

from __future__ import annotations

from typing import Protocol

from readroom.aggregator.rows import SessionRows
from readroom.messages import Event, Measure


class Who(Protocol):
    """Whom an event is about: the person's number in the session, where they are shown, and the
    camera that sees them best."""

    @property
    def number(self) -> int:
        """By which nobody else is ever known."""

    @property
    def slot(self) -> int | None:
        """Where they are shown."""

    @property
    def camera(self) -> str:
        """The one that sees them best."""


def tell(
    rows: SessionRows,
    kind: str,
    start_s: float,
    end_s: float,
    who: Who | None = None,
    *,
    camera: str | None = None,
    state: str | None = None,
    confidence: float = 0.0,
    measure: Measure | None = None,
    figure: str | None = None,
    other: int | None = None,
) -> None:
    """Add an event; see messages.Event for what each kind carries."""
    rows.events.append(
        Event(
            room=rows.room,
            session=rows.session.id,
            kind=kind,
            start_s=start_s,
            end_s=end_s,
            slot=None if who is None else who.slot,
            person=None if who is None else who.number,
            camera=camera if who is None else who.camera,
            state=state,
            confidence=confidence,
            measure=measure,
            figure=figure,
            other=other,
        )
    )
