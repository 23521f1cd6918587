"""The session store's data dictionary: what each table and column means.

Names and types come from the schema itself, so that the page can't fall behind it; a test holds
that every column is explained here.
"""

from __future__ import annotations

import sqlite3
import textwrap
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from readroom.sessions.schema import MIGRATIONS


@dataclass(frozen=True, slots=True)
class Explained:
    """What a table is (``text``), and of each column what its values mean. ``emotion`` are the
    columns that hold or name one, and are plain or NULL where none may be inferred."""

    text: str
    columns: dict[str, str]
    emotion: frozenset[str] = frozenset()


_SESSION: Final = "the session: `session.id`"
_INTERVAL: Final = {
    "low": "lower end of the 95 % interval",
    "high": "upper end of the 95 % interval",
}
_BASIS: Final = {
    "coverage": "0..1: mean share of the time in which they could be read",
    "p": "0..1: how likely such a value is by chance alone; NULL: not computed",
}

#: Every table with its columns, in the order in which somebody would read them.
TABLES: Final = {
    "session": Explained(
        "One row for each session.",
        {
            "id": "key; the other tables' `session`",
            "name": "start in UTC and four letters: `20261121T093000Z-4f1c`",
            "room": "name of the room",
            "title": "what somebody called it; may be empty",
            "started_at": "Unix s at which session time is 0",
            "recording": "1: times are a recording's own; 0: the wall clock's",
            "state": "`open`, `closed`, or `abandoned`: it never got to its end",
            "purpose": "what it was read for (docs/semantics/purpose.md); NULL: nobody was asked",
            "saved_at": "Unix s at which something was last written of it",
            "models": "JSON: engine → id of the network that ran",
        },
    ),
    "person": Explained(
        "One row for each person of a session. No face is known, and no name but what somebody "
        "typed. Somebody who comes back is known again where the engine `identity` runs "
        "(docs/semantics/identity.md), and a new person where it doesn't.",
        {
            "session": _SESSION,
            "person": "number of the person in the session, from 1; never given away again",
            "slot": "1..32: where they were shown; may be another's later",
            "pseudonym": "what they were called on the page: `P3` for slot 3",
            "camera": "the camera that saw them best",
            "entered_s": "session time, s",
            "left_s": "session time, s; NULL: still there when last written",
            "cameras": "JSON list: all cameras that saw them",
            "merged_into": "the person that this one turned out to be; NULL: nobody else",
            "name": "what somebody calls them in this session; NULL: nobody does",
        },
    ),
    "sample": Explained(
        "Points of people's timelines, 4 a second (setting `sample_hz`). Valence and arousal "
        "aren't stored: they follow from `expression` (readroom.affect).",
        {
            "session": _SESSION,
            "person": "whose: `person.person`",
            "time_s": "session time, s",
            "state": "index in STATES (above): what a viewer would name the expression",
            "confidence": "0..1: smoothed probability of the state",
            "expression": "8 bytes: smoothed probabilities of EXPRESSIONS × 255; NULL: not read",
            "coverage": "0..1: share of the last minute in which the face was readable",
            "box": "4 float32, little-endian: x, y, width, height of the face, px of the frame",
            "look": "index in LOOKS (above): how the person looks all in all",
            "actions": "set of bits: ACTIONS (above) that are going on",
            "measured": "set of bits: ACTIONS that can be told at all; in neither: unknown",
            "camera": "whose frame the box is in; NULL: `person.camera`",
        },
        frozenset({"state", "confidence", "expression", "look"}),
    ),
    "event": Explained(
        "What happened, in the order in which it was found: the same events as on the stream, "
        "whose kinds readroom.messages.Event lists.",
        {
            "id": "key; grows in the order of being found",
            "session": _SESSION,
            "kind": "`state_ended`, `action_ended`, `response`, …",
            "start_s": "session time, s",
            "end_s": "session time, s; of a moment: the same",
            "slot": "slot of whom it is about, then; NULL: of nobody",
            "camera": "the camera it is about; NULL: of none",
            "state": "which state, look, action or measurement, or a marker's label",
            "confidence": "0..1: mean over the span; 0 where it means nothing",
            "person": "number of whom it is about; NULL: of nobody",
            "other": "number of the other one of two who were merged or split",
            "figure": "what the measure is of: one of MEASURES or of a deviation's measurements",
            "value": "the measure, in its unit (docs/semantics/room.md); NULL: none, or too little",
            **_INTERVAL,
            "n": "people that it rests on; NULL: the event has no measure",
            **_BASIS,
        },
        frozenset({"state", "confidence", "figure", "value", "low", "high", "p"}),
    ),
    "measure": Explained(
        "What is said of the room over the last minute, once a second.",
        {
            "session": _SESSION,
            "time_s": "session time, s",
            "name": "one of MEASURES (above)",
            "value": "the figure, in its unit (docs/semantics/room.md); NULL: too little to say",
            **_INTERVAL,
            "n": "people that it rests on",
            **_BASIS,
        },
        frozenset({"name", "value", "low", "high", "p"}),
    ),
    "marker": Explained(
        "Moments that somebody marked.",
        {
            "session": _SESSION,
            "id": "of the message: one that is sent twice counts once",
            "time_s": "session time, s",
            "label": "what was said of it: `pricing slide`",
        },
    ),
    "note": Explained(
        "What somebody noted about a session.",
        {
            "session": _SESSION,
            "id": "of the message: one that is sent twice counts once",
            "time_s": "session time, s, at which it was noted",
            "text": "the note",
        },
    ),
    "camera": Explained(
        "The cameras of a session.",
        {
            "session": _SESSION,
            "camera": "name of the camera",
            "source": "its address, without anybody's password",
            "mode": "`live` or `recording`",
            "frames": "frames that went into the timelines",
            "last_seq": "number of the last of them; -1: none",
            "dropped": "JSON: reason → frames that were captured and aren't in the timelines",
        },
    ),
    "checkpoint": Explained(
        "How a room goes on after a crash: one row for each room, replaced at every commit. Not in "
        "backups.",
        {
            "room": "name of the room",
            "version": "layout of `data`; one that this program doesn't know isn't gone on with",
            "saved_at": "Unix s",
            "data": "MessagePack: the room's whole state, without embeddings",
        },
        frozenset({"data"}),
    ),
    "schema_version": Explained(
        "Versions of these tables that the file has been through.",
        {"version": "1, 2, …; the largest is the file's"},
    ),
}


def dictionary() -> str:
    """A Markdown section for each table. Columns with ‡ hold or name an emotion, except where none
    may be inferred."""
    types = column_types()
    return "\n".join(_section(name, TABLES[name], types[name]) for name in TABLES)


def column_types() -> dict[str, dict[str, str]]:
    """By table and column: its SQLite type, as a new store has it."""
    with closing(sqlite3.connect(":memory:")) as file:
        file.execute("CREATE TABLE schema_version (version INTEGER)")
        for migrate in MIGRATIONS:
            migrate(file)
        tables = file.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            table: {row[1]: row[2] for row in file.execute(f"PRAGMA table_info({table})")}
            for (table,) in tables
        }


def _section(name: str, table: Explained, types: dict[str, str]) -> str:
    text = textwrap.fill(table.text, 100)
    lines = [f"### `{name}`", text, "", "| column | type | meaning |", "|---|---|---|"]
    for column, meaning in table.columns.items():
        mark = " ‡" if column in table.emotion else ""
        lines.append(f"| `{column}`{mark} | {types[column].lower()} | {meaning} |")
    return "\n".join(lines) + "\n"
