"""The session store's tables, how each version is reached from the one before, and how values
lie in their columns.

A published version's script is never changed: files made by it are out there. Numbers that stand
for words count the tuples of :mod:`readroom.messages`, which grow at their end only:

- ``sample.state`` is an index in STATES, ``sample.look`` one in LOOKS;
- ``sample.actions`` and ``sample.measured`` are sets of bits, bit *i* (of value 2**i) for the
  *i*-th of ACTIONS: ``actions & 1`` is "smiling", ``actions & 256`` "nodding". An action whose
  bit is set in neither is unknown; set in ``measured`` only, it wasn't going on;
- ``sample.expression`` holds one byte for each of EXPRESSIONS, in that order.

Valence and arousal aren't stored: they follow from the expression (readroom.affect).
"""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Callable, Iterable
from typing import Any, Final

from readroom.messages import ACTIONS, LOOKS, STATES, Box, Event, Measure, Probabilities, pseudonym
from readroom.sessions.rows import PersonRow, Sample

_SCHEMA_1 = """
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    room TEXT NOT NULL,
    title TEXT NOT NULL,
    started_at REAL NOT NULL,        -- Unix s
    recording INTEGER NOT NULL,      -- 1: times are media time
    state TEXT NOT NULL              -- open, closed, or abandoned (it never got to its end)
);
CREATE TABLE person (
    session INTEGER NOT NULL REFERENCES session(id),
    person INTEGER NOT NULL,         -- counts the session's people from 1
    slot INTEGER NOT NULL,
    pseudonym TEXT NOT NULL,
    camera TEXT NOT NULL,
    entered_s REAL NOT NULL,
    left_s REAL,                     -- NULL while present
    PRIMARY KEY (session, person)
) WITHOUT ROWID;
CREATE TABLE sample (
    session INTEGER NOT NULL REFERENCES session(id),
    person INTEGER NOT NULL,
    time_s REAL NOT NULL,            -- session time
    state INTEGER NOT NULL,          -- index in readroom.messages.STATES
    confidence REAL NOT NULL,
    expression BLOB,                 -- 8 bytes: probabilities of EXPRESSIONS × 255
    coverage REAL NOT NULL,
    box BLOB NOT NULL,               -- 4 float32: x, y, width, height in px
    PRIMARY KEY (session, person, time_s)
) WITHOUT ROWID;
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES session(id),
    kind TEXT NOT NULL,
    start_s REAL NOT NULL,
    end_s REAL NOT NULL,
    slot INTEGER,
    camera TEXT,
    state TEXT,
    confidence REAL NOT NULL
);
CREATE INDEX event_of_session ON event (session, start_s);
CREATE TABLE camera (
    session INTEGER NOT NULL REFERENCES session(id),
    camera TEXT NOT NULL,
    source TEXT NOT NULL,            -- redacted
    mode TEXT NOT NULL,
    frames INTEGER NOT NULL,         -- let into the timelines
    last_seq INTEGER NOT NULL,       -- -1: none
    PRIMARY KEY (session, camera)
) WITHOUT ROWID;
CREATE TABLE checkpoint (
    room TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    saved_at REAL NOT NULL,
    data BLOB NOT NULL
);
"""

_SCHEMA_2 = """
-- NULL: nobody had been asked
ALTER TABLE session ADD COLUMN purpose TEXT;
-- Unix s: when something was last written of it
ALTER TABLE session ADD COLUMN saved_at REAL;
-- JSON: all that saw them
ALTER TABLE person ADD COLUMN cameras TEXT NOT NULL DEFAULT '[]';
-- the person this one is
ALTER TABLE person ADD COLUMN merged_into INTEGER;
-- index in LOOKS (cant_tell)
ALTER TABLE sample ADD COLUMN look INTEGER NOT NULL DEFAULT 5;
-- bits: ACTIONS going on
ALTER TABLE sample ADD COLUMN actions INTEGER NOT NULL DEFAULT 0;
-- bits: ACTIONS that can be told
ALTER TABLE sample ADD COLUMN measured INTEGER NOT NULL DEFAULT 0;
-- whose frame the box is in; NULL: the person's
ALTER TABLE sample ADD COLUMN camera TEXT;
-- whom it is about; NULL: nobody, or nobody knew
ALTER TABLE event ADD COLUMN person INTEGER;
-- the other one of two (merged, split)
ALTER TABLE event ADD COLUMN other INTEGER;
-- what the measure is of: one of MEASURES, or of a deviation's measurements
ALTER TABLE event ADD COLUMN figure TEXT;
-- the event's measure, with its 95 % interval
ALTER TABLE event ADD COLUMN value REAL;
ALTER TABLE event ADD COLUMN low REAL;
ALTER TABLE event ADD COLUMN high REAL;
-- NULL: no measure
ALTER TABLE event ADD COLUMN n INTEGER;
ALTER TABLE event ADD COLUMN coverage REAL;
-- how likely by chance alone
ALTER TABLE event ADD COLUMN p REAL;
CREATE TABLE measure (
    session INTEGER NOT NULL REFERENCES session(id),
    time_s REAL NOT NULL,            -- session time
    name TEXT NOT NULL,              -- one of readroom.messages.MEASURES
    value REAL,                      -- NULL: too little to say
    low REAL,                        -- 95 % interval
    high REAL,
    n INTEGER NOT NULL,              -- people it rests on
    coverage REAL NOT NULL,
    p REAL,                          -- how likely by chance alone; NULL: not computed
    PRIMARY KEY (session, time_s, name)
) WITHOUT ROWID;
CREATE TABLE marker (
    session INTEGER NOT NULL REFERENCES session(id),
    id TEXT NOT NULL,                -- sent twice counts once
    time_s REAL NOT NULL,
    label TEXT NOT NULL,
    PRIMARY KEY (session, id)
) WITHOUT ROWID;
CREATE TABLE note (
    session INTEGER NOT NULL REFERENCES session(id),
    id TEXT NOT NULL,
    time_s REAL NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (session, id)
) WITHOUT ROWID;
UPDATE person SET cameras = '["' || camera || '"]';
UPDATE session SET saved_at = started_at + max(
    COALESCE((SELECT max(time_s) FROM sample WHERE sample.session = session.id), 0.0),
    COALESCE((SELECT max(end_s) FROM event WHERE event.session = session.id), 0.0)
);
-- Who had the slot when the event began: at the instant at which one person's slot is given to
-- the next, the one who enters is the later, everything else is the earlier's.
UPDATE event SET person = (
    SELECT CASE event.kind WHEN 'person_entered' THEN max(person) ELSE min(person) END
    FROM person WHERE person.session = event.session AND person.slot = event.slot
    AND entered_s <= event.start_s AND COALESCE(left_s, event.start_s) >= event.start_s
) WHERE slot IS NOT NULL;
"""

_SCHEMA_3 = """
-- what somebody calls them in this session; NULL: nobody does
ALTER TABLE person ADD COLUMN name TEXT;
-- JSON: engine → model id
ALTER TABLE session ADD COLUMN models TEXT NOT NULL DEFAULT '{}';
-- JSON: reason → frames
ALTER TABLE camera ADD COLUMN dropped TEXT NOT NULL DEFAULT '{}';
"""

#: How to get from each schema version to the next; the first makes an empty file's schema.
MIGRATIONS: Final[tuple[Callable[[sqlite3.Connection], None], ...]] = (
    lambda connection: _run_script(connection, _SCHEMA_1),
    lambda connection: _run_script(connection, _SCHEMA_2),
    lambda connection: _run_script(connection, _SCHEMA_3),
)

#: Tables whose rows belong to a session, the session's own last.
SESSION_TABLES: Final = (
    "sample", "event", "person", "camera", "measure", "marker", "note", "session"
)  # fmt: skip

_BOX = struct.Struct("<4f")
_BITS: Final = {action: 1 << number for number, action in enumerate(ACTIONS)}


def _run_script(connection: sqlite3.Connection, script: str) -> None:
    """Run statements within the open transaction (executescript would commit it)."""
    for statement in script.split(";\n"):
        if statement.strip():
            connection.execute(statement)


def to_bits(actions: Iterable[str]) -> int:
    """A set of ACTIONS as one number."""
    return sum(_BITS[action] for action in actions)


def from_bits(bits: int) -> frozenset[str]:
    """The set of ACTIONS that a number stands for; bits that this version doesn't know are
    left out."""
    return frozenset(action for action, bit in _BITS.items() if bits & bit)


def person_values(key: int, row: PersonRow) -> tuple[object, ...]:
    """A row of ``person``."""
    name = pseudonym(row.slot)
    cameras = json.dumps(row.cameras or (row.camera,))
    return (
        *(key, row.person, row.slot, name, row.camera, row.entered_s, row.left_s),
        *(cameras, row.merged_into, row.name),
    )


SAMPLE_COLUMNS: Final = (
    "person, time_s, state, confidence, expression, coverage, box, look, actions, measured, camera"
)


def sample_values(key: int, sample: Sample) -> tuple[object, ...]:
    """A row of ``sample``: the session's key, then SAMPLE_COLUMNS."""
    expression = (
        None
        if sample.expression is None
        else bytes(min(255, max(0, round(255 * value))) for value in sample.expression)
    )
    box = _BOX.pack(sample.box.x, sample.box.y, sample.box.width, sample.box.height)
    return (
        *(key, sample.person, sample.time_s, STATES.index(sample.state), sample.confidence),
        *(expression, sample.coverage, box, LOOKS.index(sample.look)),
        *(to_bits(sample.actions), to_bits(sample.measured), sample.camera),
    )


def sample_of(row: tuple[Any, ...]) -> Sample:
    """The sample that a row of SAMPLE_COLUMNS stands for."""
    expression: Probabilities | None = None
    if row[4] is not None:
        a, b, c, d, e, f, g, h = (value / 255 for value in row[4])
        expression = (a, b, c, d, e, f, g, h)
    return Sample(
        person=row[0],
        time_s=row[1],
        state=STATES[row[2]],
        confidence=row[3],
        expression=expression,
        coverage=row[5],
        box=Box(*_BOX.unpack(row[6])),
        look=LOOKS[row[7]],
        actions=from_bits(row[8]),
        measured=from_bits(row[9]),
        camera=row[10],
    )


#: How a measure lies in its columns, in ``event`` and in ``measure``.
MEASURE_COLUMNS: Final = "value, low, high, n, coverage, p"
EVENT_COLUMNS: Final = (
    "kind, start_s, end_s, slot, camera, state, confidence, person, other, figure, "
    + MEASURE_COLUMNS
)


def event_values(key: int, event: Event) -> tuple[object, ...]:
    """A row of ``event``: the session's key, then EVENT_COLUMNS."""
    measure = (None,) * 6 if event.measure is None else measure_values(event.measure)
    return (
        *(key, event.kind, event.start_s, event.end_s, event.slot, event.camera, event.state),
        *(event.confidence, event.person, event.other, event.figure, *measure),
    )


def event_of(room: str, session: str, row: tuple[Any, ...]) -> Event:
    """The event that a row of EVENT_COLUMNS stands for."""
    measure = row[10:]
    return Event(
        room=room,
        session=session,
        kind=row[0],
        start_s=row[1],
        end_s=row[2],
        slot=row[3],
        camera=row[4],
        state=row[5],
        confidence=row[6],
        person=row[7],
        other=row[8],
        figure=row[9],
        # A measure always says how many people it rests on.
        measure=None if measure[3] is None else measure_of(measure),
    )


def measure_values(measure: Measure) -> tuple[object, ...]:
    """A measure's MEASURE_COLUMNS."""
    return measure.value, measure.low, measure.high, measure.n, measure.coverage, measure.p


def measure_of(row: tuple[Any, ...]) -> Measure:
    """The measure that MEASURE_COLUMNS stand for."""
    value, low, high, n, coverage, p = row
    return Measure(value=value, low=low, high=high, n=n, coverage=coverage, p=p)
