"""The session store: one SQLite file that holds every session's timelines, and how to go on.

One transaction writes the new rows *and* the checkpoint (the room's whole state), so that the
two never disagree. Only then is what it covers acknowledged in Redis. Killed at any moment, the
aggregator finds the last checkpoint, is handed again what came after it, and makes the same rows.

WAL with ``synchronous=FULL``: in WAL mode NORMAL survives a killed process but may lose the last
transactions when the machine dies; FULL syncs the log at each commit, so that at most
``commit_s`` (≤ 1 s) is lost. At two commits a second that costs a few milliseconds each
(metric ``readroom_store_commit_seconds``).
"""

from __future__ import annotations

import os
import sqlite3
import struct
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import msgspec

from readroom.aggregator.room import DATA_VERSION, PersonRow, RoomData, Sample, SessionRows
from readroom.aggregator.session import Session
from readroom.aggregator.slots import pseudonym
from readroom.errors import BadSettings, ReadroomError
from readroom.messages import STATES, Box, Event, Probabilities

#: Name of the file in ``settings.data``.
FILE_NAME: Final = "sessions.sqlite3"
#: Another aggregator (of another room) may be writing; wait this long for it, s.
BUSY_S: Final = 3.0

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

#: How to get from each schema version to the next; the first makes an empty file's schema.
MIGRATIONS: Final[tuple[Callable[[sqlite3.Connection], None], ...]] = (
    lambda connection: _run_script(connection, _SCHEMA_1),
)

_BOX = struct.Struct("<4f")


class StoreFailed(ReadroomError):
    """The store can't be written now: disk full, file system read-only, or locked."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A room's state as last committed, at ``saved_at`` (Unix s)."""

    data: RoomData
    saved_at: float


class Store:
    """The writing side: one per aggregator. Raises BadSettings where the file can't be used."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(
                self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.execute("PRAGMA foreign_keys=ON")
            self._migrate()
        except OSError as error:
            raise BadSettings(
                f"data={folder} (READROOM_DATA): the session store can't be made there "
                f"({error.strerror}); name a folder that this user may write"
            ) from None
        except sqlite3.DatabaseError as error:
            raise BadSettings(
                f"{self.path}: not usable as session store ({error}); move the file away, or set "
                "READROOM_DATA to another folder"
            ) from None
        self._keys: dict[str, int] = {}

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def checkpoint(self, room: str) -> Checkpoint | None:
        """How the room stood at the last commit; None where it never ran, or where another
        program version wrote a layout that this one can't continue."""
        row = self._connection.execute(
            "SELECT version, saved_at, data FROM checkpoint WHERE room = ?", (room,)
        ).fetchone()
        if row is None or row[0] != DATA_VERSION:
            return None
        try:
            return Checkpoint(msgspec.msgpack.decode(row[2], type=RoomData), row[1])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def commit(self, rows: Iterable[SessionRows], data: RoomData, saved_at: float) -> None:
        """Write new rows and the checkpoint, all or nothing. Raises :class:`StoreFailed`."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for of_session in rows:
                self._write_session(of_session)
            self._write_cameras(data)
            self._connection.execute(
                "INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?, ?)",
                (data.room, DATA_VERSION, saved_at, msgspec.msgpack.encode(data)),
            )
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._keys.clear()
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise StoreFailed(
                f"{self.path}: the session store can't be written ({error}); free some space or "
                "make the file writable"
            ) from None

    def abandon(self, room: str) -> None:
        """Sessions of the room that were left open and aren't continued."""
        self._connection.execute(
            "UPDATE session SET state = 'abandoned' WHERE room = ? AND state = 'open'", (room,)
        )

    def _migrate(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER)")
        row = self._connection.execute("SELECT max(version) FROM schema_version").fetchone()
        version = row[0] or 0
        if version > len(MIGRATIONS):
            self._connection.execute("ROLLBACK")
            raise BadSettings(
                f"{self.path}: made by a newer readroom (schema {version}, this one knows "
                f"{len(MIGRATIONS)}); upgrade readroom, or set READROOM_DATA to another folder"
            )
        for number, migrate in enumerate(MIGRATIONS[version:], start=version + 1):
            migrate(self._connection)
            self._connection.execute("INSERT INTO schema_version VALUES (?)", (number,))
        self._connection.execute("COMMIT")

    def _session_key(self, session: Session, room: str) -> int:
        key = self._keys.get(session.id)
        if key is None:
            self._connection.execute(
                "INSERT OR IGNORE INTO session (name, room, title, started_at, recording, state) "
                "VALUES (?, ?, ?, ?, ?, 'open')",
                (session.id, room, session.title, session.started_at, session.recording),
            )
            found = self._connection.execute(
                "SELECT id FROM session WHERE name = ?", (session.id,)
            ).fetchone()
            key = self._keys[session.id] = int(found[0])
        return key

    def _write_session(self, rows: SessionRows) -> None:
        if not rows.events and not rows.samples and not rows.people:
            return
        key = self._session_key(rows.session, rows.room)
        if rows.session.closed:
            self._connection.execute("UPDATE session SET state = 'closed' WHERE id = ?", (key,))
        self._connection.executemany(
            "INSERT OR REPLACE INTO person VALUES (?, ?, ?, ?, ?, ?, ?)",
            [_person_values(key, person) for person in rows.people],
        )
        self._connection.executemany(
            "INSERT OR REPLACE INTO sample VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [_sample_values(key, sample) for sample in rows.samples],
        )
        self._connection.executemany(
            "INSERT INTO event (session, kind, start_s, end_s, slot, camera, state, confidence) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [_event_values(key, event) for event in rows.events],
        )

    def _write_cameras(self, data: RoomData) -> None:
        if data.session is None:
            return
        key = self._session_key(data.session, data.room)
        self._connection.executemany(
            "INSERT OR REPLACE INTO camera VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    key,
                    camera.name,
                    camera.source,
                    camera.mode,
                    camera.frames,
                    -1 if camera.join.released_seq is None else camera.join.released_seq,
                )
                for camera in data.cameras.values()
            ],
        )


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as stored. ``state`` is open, closed or abandoned."""

    name: str
    room: str
    title: str
    started_at: float
    recording: bool
    state: str


@dataclass(frozen=True, slots=True)
class StoredPerson:
    """One person of a session; ``left_s`` is None while present."""

    person: int
    slot: int
    pseudonym: str
    camera: str
    entered_s: float
    left_s: float | None


class Timelines:
    """The reading side: sessions and what happened in them. Opens the file read-only, so it may
    be used beside a running aggregator."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        if not self._path.is_file():
            raise BadSettings(
                f"{self._path}: no session store there; set READROOM_DATA to the aggregator's"
            )

    def sessions(self, room: str | None = None) -> list[StoredSession]:
        """All sessions (of a room), oldest first."""
        rows = self._rows(
            "SELECT name, room, title, started_at, recording, state FROM session "
            "WHERE ?1 IS NULL OR room = ?1 ORDER BY started_at, id",
            room,
        )
        return [StoredSession(r[0], r[1], r[2], r[3], bool(r[4]), r[5]) for r in rows]

    def people(self, session: str) -> list[StoredPerson]:
        """The people of a session, in order of entering."""
        return [
            StoredPerson(*row)
            for row in self._rows(
                "SELECT person, slot, pseudonym, camera, entered_s, left_s FROM person WHERE "
                "session = (SELECT id FROM session WHERE name = ?) ORDER BY person",
                session,
            )
        ]

    def samples(self, session: str, person: int | None = None) -> list[Sample]:
        """The points of a session's timelines (of one person), by person and time."""
        rows = self._rows(
            "SELECT person, time_s, state, confidence, expression, coverage, box FROM sample "
            "WHERE session = (SELECT id FROM session WHERE name = ?1) "
            "AND (?2 IS NULL OR person = ?2) ORDER BY person, time_s",
            session,
            person,
        )
        return [_sample_of(row) for row in rows]

    def events(self, session: str) -> list[Event]:
        """The events of a session, in the order in which they were found."""
        rows = self._rows(
            "SELECT s.room, s.name, e.kind, e.start_s, e.end_s, e.slot, e.camera, e.state, "
            "e.confidence FROM event e JOIN session s ON s.id = e.session WHERE s.name = ? "
            "ORDER BY e.id",
            session,
        )
        names = ("room", "session", "kind", "start_s", "end_s", "slot", "camera", "state")
        return [Event(**dict(zip((*names, "confidence"), row, strict=True))) for row in rows]

    def frames(self, session: str) -> dict[str, tuple[int, int]]:
        """By camera: frames that reached the timelines, and the last one's seq."""
        rows = self._rows(
            "SELECT camera, frames, last_seq FROM camera WHERE "
            "session = (SELECT id FROM session WHERE name = ?)",
            session,
        )
        return {row[0]: (row[1], row[2]) for row in rows}

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        address = f"{self._path.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_S)) as connection:
            return connection.execute(query, values).fetchall()


def _run_script(connection: sqlite3.Connection, script: str) -> None:
    """Run statements within the open transaction (executescript would commit it)."""
    for statement in script.split(";\n"):
        if statement.strip():
            connection.execute(statement)


def _person_values(key: int, row: PersonRow) -> tuple[object, ...]:
    name = pseudonym(row.slot)
    return key, row.person, row.slot, name, row.camera, row.entered_s, row.left_s


def _sample_values(key: int, sample: Sample) -> tuple[object, ...]:
    expression = (
        None
        if sample.expression is None
        else bytes(min(255, max(0, round(255 * value))) for value in sample.expression)
    )
    box = _BOX.pack(sample.box.x, sample.box.y, sample.box.width, sample.box.height)
    state = STATES.index(sample.state)
    return (
        key,
        sample.person,
        sample.time_s,
        state,
        sample.confidence,
        expression,
        sample.coverage,
        box,
    )


def _event_values(key: int, event: Event) -> tuple[object, ...]:
    return (
        key,
        event.kind,
        event.start_s,
        event.end_s,
        event.slot,
        event.camera,
        event.state,
        event.confidence,
    )


def _sample_of(row: tuple[Any, ...]) -> Sample:
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
    )
