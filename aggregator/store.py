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

The file and its tables: readroom.sessions.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

import msgspec

from readroom.aggregator.room_data import DATA_VERSION, RoomData
from readroom.aggregator.rows import SessionRows, refuse_emotion
from readroom.errors import BadSettings
from readroom.sessions import schema
from readroom.sessions.file import FILE_NAME, LOCK_NAME, StoreFailed, connect

#: The same for a commit, ms: other commits take a few, while an erasure takes seconds. Nobody sees
#: anything as long as a commit waits, whereas rows that wait for the next one cost some memory.
COMMIT_BUSY_MS: Final = 250


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A room's state as last committed, at ``saved_at`` (Unix s)."""

    data: RoomData
    saved_at: float


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
        """How far the cameras of the room's session have come, and what it is called now: until it
        is closed, then others may call it otherwise. A session that was erased after its end
        doesn't come back by this."""
        session = data.session
        if session is None:
            return
        found = self._connection.execute(
            "SELECT id, title, models, state FROM session WHERE name = ?", (session.id,)
        ).fetchone()
        if found is None:
            return
        title = session.title if found[3] == "open" else found[1]
        models = json.dumps(data.models, sort_keys=True)
        if found[1:3] != (title, models):
            self._connection.execute(
                "UPDATE session SET title = ?, models = ? WHERE id = ?",
                (title, models, found[0]),
            )
        cameras: list[tuple[object, ...]] = [
            (
                *(found[0], camera.name, camera.source, camera.mode, camera.frames),
                -1 if camera.join.released_seq is None else camera.join.released_seq,
                json.dumps(camera.drops(of_session=True), sort_keys=True),
            )
            for camera in data.cameras.values()
        ]
        self._insert("REPLACE INTO camera", cameras)


def _remedy(error: sqlite3.Error) -> str:
    if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
        return "another program writes to it, or erases; it is tried again"
    return "free some space or make the file writable"
