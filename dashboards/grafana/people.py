"""The *People* dashboard: the same panels for each person that is chosen."""

from __future__ import annotations

from readroom.dashboards.grafana.legends import look_words, state_words
from readroom.dashboards.grafana.panels import (
    Board,
    Panel,
    Section,
    Target,
    text,
    timeline,
    timeseries,
)
from readroom.dashboards.grafana.variables import ROOM, SLOT
from readroom.words import vocabulary

_OF = '{room="$room",slot=~"$slot"}'
#: Half as high as where everybody has a line.
_LINE = 4


def people_board(without_emotion: bool) -> Board:
    """The dashboard; without emotion it has no panel, and no word, for one."""
    panels = (_state(without_emotion), _coverage(), _look(without_emotion))
    said = vocabulary(without_emotion).page["honesty"]
    words = text(
        f"**{said}** A person is shown under a pseudonym; nobody's name comes here. P3 is a place "
        "that somebody else may have later."
    )
    return Board(
        uid="readroom-people-plain" if without_emotion else "readroom-people",
        title="readroom: People" + (" (no expressions)" if without_emotion else ""),
        description="Each person of a room over time, by pseudonym.",
        sections=(
            Section("", (words,)),
            Section("P$slot", panels if without_emotion else (*panels, _indices()), repeat="slot"),
        ),
        variables=(ROOM, SLOT),
        annotated=True,
    )


def _state(without_emotion: bool) -> Panel:
    seen = "Whether the face is in view" if without_emotion else "What a viewer would name the face"
    return timeline(
        "Face",
        f"{seen}, as it was read. What can't be told is said so.",
        Target(f"max by (slot) (readroom_person_state{_OF})", "P{{slot}}"),
        state_words(without_emotion),
        width=12,
        height=_LINE,
    )


def _look(without_emotion: bool) -> Panel:
    return timeline(
        "Look",
        "How the person looks all in all, by rules over what is visible "
        "(docs/semantics/looks.md). A name for what is visible, no claim on what goes on inside.",
        Target(f"max by (slot) (readroom_person_look{_OF})", "P{{slot}}"),
        look_words(without_emotion),
        width=12,
        height=_LINE,
    )


def _indices() -> Panel:
    return timeseries(
        "Valence and arousal",
        "Indices from −1 to 1 of how the person looks, derived from the probabilities of the "
        "expressions: how pleased, how excited. How a face looked, not what somebody felt. A gap: "
        "the face wasn't read.",
        Target(f"max by (slot) (readroom_person_valence{_OF})", "P{{slot}} valence"),
        Target(f"max by (slot) (readroom_person_arousal{_OF})", "P{{slot}} arousal"),
        bounds=(-1.0, 1.0),
        height=_LINE,
    )


def _coverage() -> Panel:
    return timeseries(
        "Coverage",
        "Share of the last minute in which the face could be read: beside it, everything else "
        "counts for as much.",
        Target(f"max by (slot) (readroom_person_coverage_ratio{_OF})", "P{{slot}}"),
        unit="percentunit",
        bounds=(0.0, 1.0),
        height=_LINE,
    )
