"""The session store: one SQLite file that holds every session's timelines, and how to go on.

One transaction writes the new rows *and* the checkpoint (the room's whole state), so that the
two never disagree. Only then is what it covers acknowledged in Redis. Killed at any moment, the
aggregator finds the last checkpoint, is handed again what came after it, and makes the same rows.

WAL with ``synchronous=FULL``: in WAL mode NORMAL survives a killed process but may lose the last
transactions when the machine dies; FULL syncs the log at each commit, so that at most
``commit_s`` (≤ 1 s) is lost. At two commits a second that costs a few milliseconds each
(metric ``readroom_store_commit_seconds``).

``secure_delete`` writes zeros over whatever is replaced or deleted: a checkpoint holds people's
keypoints, and what a later one replaced shouldn't linger in free pages.

The tables and what their columns hold: readroom.aggregator.schema.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import msgspec

from readroom.aggregator import schema
from readroom.aggregator.room_data import DATA_VERSION, RoomData
from readroom.aggregator.rows import (
    MarkerRow,
    MeasureRow,
    NoteRow,
    Sample,
    SessionRows,
    refuse_emotion,
)
from readroom.aggregator.schema import MIGRATIONS
from readroom.errors import BadSettings, ReadroomError
from readroom.messages import Event

#: Name of the file in ``settings.data``.
FILE_NAME: Final = "sessions.sqlite3"
#: Locked (shared) by every running aggregator that writes to the file beside it.
LOCK_NAME: Final = "sessions.lock"
#: Another aggregator (of another room) may be writing; wait this long for it, s.
BUSY_S: Final = 3.0
#: The same for a commit, ms: other commits take a few, while an erasure takes seconds. Nobody sees
#: anything as long as a commit waits, whereas rows that wait for the next one cost some memory.
COMMIT_BUSY_MS: Final = 250


class StoreFailed(ReadroomError):
    """The store can't be written now: disk full, file system read-only, or locked."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A room's state as last committed, at ``saved_at`` (Unix s)."""

    data: RoomData
    saved_at: float


def connect(path: Path) -> sqlite3.Connection:
    """The store's file for writing, made or brought to this version's schema where need be.
    Raises BadSettings where it can't be used."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path)
        connection = sqlite3.connect(
            path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA secure_delete=ON")
            _migrate(connection, path)
        except BaseException:
            connection.close()
            raise
    except OSError as error:
        raise BadSettings(
            f"data={path.parent} (READROOM_DATA): the session store can't be made there "
            f"({error.strerror}); name a folder that this user may write"
        ) from None
    except sqlite3.DatabaseError as error:
        raise BadSettings(
            f"{path}: not usable as session store ({error}); move the file away, or set "
            "READROOM_DATA to another folder"
        ) from None
    return connection


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Whether no aggregator writes to the store of that folder; if so, one that starts meanwhile
    waits until this is left."""
    try:
        lock = os.open(folder / LOCK_NAME, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:  # No folder, or not ours: no aggregator of ours either.
        yield True
        return
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(lock)


@contextmanager
def only_aggregator(folder: Path, room: str) -> Iterator[None]:
    """Hold a room for as long as its aggregator runs: two that wrote its session into one file
    would tell everything twice, whether or not they share a Redis. Raises BadSettings."""
    # Not just the room's name: a room called "sessions" would meet the store's own lock.
    lock = os.open(folder / f"aggregator.{room}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise BadSettings(
            f"room={room} (READROOM_ROOM): an aggregator of this room is writing to "
            f"{folder / FILE_NAME} already; stop it, or name another room or READROOM_DATA"
        ) from None
    try:
        yield
    finally:
        os.close(lock)


def _make(path: Path) -> None:
    """Make an empty file that only this user can read, where there is none.

    One that is there isn't so much as opened: closing it would take away every lock that this
    process has on it (POSIX), those of SQLite's open connections among them.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


class Store:
    """The writing side: one per aggregator. Raises BadSettings where the file can't be used."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self._connection = connect(self.path)
        self._connection.execute(f"PRAGMA busy_timeout = {COMMIT_BUSY_MS}")
        # The kernel gives it back when the process ends, however it ends.
        self._lock = os.open(folder / LOCK_NAME, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_SH)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()
        os.close(self._lock)

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
        """Write new rows and the checkpoint, all or nothing. Raises :class:`StoreFailed`, and
        RuntimeError where rows of a purpose without emotion say something of one."""
        rows = list(rows)
        for of_session in rows:
            refuse_emotion(of_session)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for of_session in rows:
                self._write_session(of_session, saved_at)
            self._write_cameras(data)
            self._connection.execute(
                "INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?, ?)",
                (data.room, DATA_VERSION, saved_at, msgspec.msgpack.encode(data)),
            )
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise StoreFailed(
                f"{self.path}: the session store can't be written ({error}); {_remedy(error)}"
            ) from None
        except BaseException:
            self._roll_back()
            raise

    def abandon(self, room: str) -> None:
        """Sessions of the room that were left open and aren't continued. Raises StoreFailed."""
        left = "UPDATE session SET state = 'abandoned' WHERE room = ? AND state = 'open'"
        try:
            with closing(connect(self.path)) as connection:  # More patient than a commit.
                connection.execute(left, (room,))
        except sqlite3.Error as error:
            raise StoreFailed(
                f"{self.path}: the session store can't be written ({error}); {_remedy(error)}"
            ) from None

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _session_key(self, rows: SessionRows, saved_at: float) -> int:
        """The session's key; its row is made, or brought up to date."""
        session = rows.session
        self._connection.execute(
            "INSERT INTO session (name, room, title, started_at, recording, state, purpose, "
            "saved_at) VALUES (?, ?, ?, ?, ?, 'open', ?, ?) ON CONFLICT (name) DO UPDATE SET "
            "title = excluded.title, saved_at = excluded.saved_at, "
            "purpose = COALESCE(session.purpose, excluded.purpose)",
            (
                *(session.id, rows.room, session.title, session.started_at, session.recording),
                *(rows.purpose, saved_at),
            ),
        )
        key, purpose = self._connection.execute(
            "SELECT id, purpose FROM session WHERE name = ?", (session.id,)
        ).fetchone()
        if purpose != rows.purpose:
            raise RuntimeError(
                f"session {session.id} was begun for {purpose}, not for {rows.purpose}: "
                "another purpose needs a session of its own"
            )
        if session.closed:
            self._connection.execute("UPDATE session SET state = 'closed' WHERE id = ?", (key,))
        return int(key)

    def _write_session(self, rows: SessionRows, saved_at: float) -> None:
        if rows.empty:
            return
        key = self._session_key(rows, saved_at)
        people = [schema.person_values(key, person) for person in rows.people]
        self._insert("REPLACE INTO person", people)
        samples = [schema.sample_values(key, sample) for sample in rows.samples]
        self._insert(f"REPLACE INTO sample (session, {schema.SAMPLE_COLUMNS})", samples)
        events = [schema.event_values(key, event) for event in rows.events]
        self._insert(f"INSERT INTO event (session, {schema.EVENT_COLUMNS})", events)
        measures = [
            (key, row.time_s, row.name, *schema.measure_values(row.measure))
            for row in rows.measures
        ]
        self._insert("REPLACE INTO measure", measures)
        markers = [(key, row.id, row.time_s, row.label) for row in rows.markers]
        self._insert("INSERT OR IGNORE INTO marker", markers)
        notes = [(key, row.id, row.time_s, row.text) for row in rows.notes]
        self._insert("INSERT OR IGNORE INTO note", notes)

    def _insert(self, into: str, rows: Sequence[tuple[object, ...]]) -> None:
        if rows:
            places = ", ".join("?" * len(rows[0]))
            self._connection.executemany(f"{into} VALUES ({places})", rows)

    def _write_cameras(self, data: RoomData) -> None:
        """How far the cameras of the room's session have come, and what it is called now. A
        session that was erased after its end doesn't come back by this."""
        session = data.session
        if session is None:
            return
        found = self._connection.execute(
            "SELECT id, title FROM session WHERE name = ?", (session.id,)
        ).fetchone()
        if found is None:
            return
        if found[1] != session.title:
            self._connection.execute(
                "UPDATE session SET title = ? WHERE id = ?", (session.title, found[0])
            )
        cameras: list[tuple[object, ...]] = [
            (
                *(found[0], camera.name, camera.source, camera.mode, camera.frames),
                -1 if camera.join.released_seq is None else camera.join.released_seq,
            )
            for camera in data.cameras.values()
        ]
        self._insert("REPLACE INTO camera", cameras)


def _remedy(error: sqlite3.Error) -> str:
    if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
        return "another program writes to it, or erases; it is tried again"
    return "free some space or make the file writable"


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the file to this version's schema; one that has it already isn't locked."""
    tables = "SELECT count(*) FROM sqlite_master WHERE name = 'schema_version'"
    if connection.execute(tables).fetchone()[0]:
        row = connection.execute("SELECT max(version) FROM schema_version").fetchone()
        if row[0] == len(MIGRATIONS):
            return
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER)")
    row = connection.execute("SELECT max(version) FROM schema_version").fetchone()
    version = row[0] or 0
    if version > len(MIGRATIONS):
        connection.execute("ROLLBACK")
        raise BadSettings(
            f"{path}: made by a newer readroom (schema {version}, this one knows "
            f"{len(MIGRATIONS)}); upgrade readroom, or set READROOM_DATA to another folder"
        )
    for number, migrate in enumerate(MIGRATIONS[version:], start=version + 1):
        migrate(connection)
        connection.execute("INSERT INTO schema_version VALUES (?)", (number,))
    connection.execute("COMMIT")


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as stored. ``state`` is open, closed or abandoned; ``purpose`` None where nobody
    had been asked; ``saved_at`` is when something was last written of it (Unix s)."""

    name: str
    room: str
    title: str
    started_at: float
    recording: bool
    state: str
    purpose: str | None
    saved_at: float


@dataclass(frozen=True, slots=True)
class StoredPerson:
    """One person of a session; ``left_s`` is None while present. ``cameras`` are all that have
    seen the person; ``merged_into`` is the person that this one turned out to be."""

    person: int
    slot: int
    pseudonym: str
    camera: str
    entered_s: float
    left_s: float | None
    cameras: tuple[str, ...]
    merged_into: int | None


class Timelines:
    """The reading side: sessions and what happened in them. Reads the file without writing to
    it, so it may be used beside a running aggregator; only a file of an older version is brought
    to this one's first."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        if not self._path.is_file():
            raise BadSettings(
                f"{self._path}: no session store there; set READROOM_DATA to the aggregator's"
            )
        if self._version() != len(MIGRATIONS):
            connect(self._path).close()

    def sessions(self, room: str | None = None) -> list[StoredSession]:
        """All sessions (of a room), oldest first."""
        rows = self._rows(
            "SELECT name, room, title, started_at, recording, state, purpose, saved_at "
            "FROM session WHERE ?1 IS NULL OR room = ?1 ORDER BY started_at, id",
            room,
        )
        return [
            StoredSession(
                name=row[0],
                room=row[1],
                title=row[2],
                started_at=row[3],
                recording=bool(row[4]),
                state=row[5],
                purpose=row[6],
                saved_at=row[7],
            )
            for row in rows
        ]

    def people(self, session: str) -> list[StoredPerson]:
        """The people of a session, in order of entering."""
        columns = "person, slot, pseudonym, camera, entered_s, left_s, cameras, merged_into"
        return [
            StoredPerson(
                person=row[0],
                slot=row[1],
                pseudonym=row[2],
                camera=row[3],
                entered_s=row[4],
                left_s=row[5],
                cameras=tuple(json.loads(row[6])),
                merged_into=row[7],
            )
            for row in self._of_session(session, columns, "person", "person")
        ]

    def samples(self, session: str, person: int | None = None) -> list[Sample]:
        """The points of a session's timelines (of one person), by person and time."""
        rows = self._of_session(session, schema.SAMPLE_COLUMNS, "sample", "person, time_s", person)
        return [schema.sample_of(row) for row in rows]

    def events(self, session: str) -> list[Event]:
        """The events of a session, in the order in which they were found."""
        rooms = self._rows("SELECT room FROM session WHERE name = ?", session)
        rows = self._of_session(session, schema.EVENT_COLUMNS, "event", "id")
        return [schema.event_of(rooms[0][0], session, row) for row in rows]

    def measures(self, session: str) -> list[MeasureRow]:
        """What was said of the room, by time."""
        columns = f"time_s, name, {schema.MEASURE_COLUMNS}"
        rows = self._of_session(session, columns, "measure", "time_s, name")
        return [MeasureRow(row[0], row[1], schema.measure_of(row[2:])) for row in rows]

    def markers(self, session: str) -> list[MarkerRow]:
        """The marked moments of a session, by time."""
        rows = self._of_session(session, "id, time_s, label", "marker", "time_s, id")
        return [MarkerRow(*row) for row in rows]

    def notes(self, session: str) -> list[NoteRow]:
        """What was noted of a session, by time."""
        rows = self._of_session(session, "id, time_s, text", "note", "time_s, id")
        return [NoteRow(*row) for row in rows]

    def frames(self, session: str) -> dict[str, tuple[int, int]]:
        """By camera: frames that reached the timelines, and the last one's seq."""
        rows = self._of_session(session, "camera, frames, last_seq", "camera", "camera")
        return {row[0]: (row[1], row[2]) for row in rows}

    def _version(self) -> int | None:
        """The file's schema; None where it has none, or can't be read without mending."""
        try:
            rows = self._rows("SELECT max(version) FROM schema_version")
        except sqlite3.DatabaseError:
            return None
        version: int | None = rows[0][0]
        return version

    def _of_session(
        self, session: str, columns: str, table: str, order: str, person: int | None = None
    ) -> list[tuple[Any, ...]]:
        """Rows of a table of one session (of one person: only of tables that know people)."""
        # The names are this program's own; what comes from outside travels as values.
        query = (
            f"SELECT {columns} FROM {table} "  # noqa: S608
            "WHERE session = (SELECT id FROM session WHERE name = ?1)"
        )
        if person is None:
            return self._rows(f"{query} ORDER BY {order}", session)
        return self._rows(f"{query} AND person = ?2 ORDER BY {order}", session, person)

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        address = f"{self._path.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_S)) as connection:
            return connection.execute(query, values).fetchall()


def whole_people(people: Iterable[StoredPerson]) -> dict[int, int]:
    """Person → the person they are after all merges (themselves where nobody was merged)."""
    into = {row.person: row.merged_into for row in people}

    def last(person: int) -> int:
        seen = {person}
        while (following := into.get(person)) is not None and following not in seen:
            person = following
            seen.add(person)
        return person

    return {person: last(person) for person in into}
