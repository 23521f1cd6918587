"""The session store's file: where it lies, how it is opened for writing, and who may write to it.

An aggregator writes rows to it (readroom.aggregator.store), and everyone reads it
(readroom.sessions.timelines); erasing, restoring and renaming write to it, too.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from readroom.errors import BadSettings, ReadroomError
from readroom.sessions.schema import MIGRATIONS

#: Name of the file in ``settings.data``.
FILE_NAME: Final = "sessions.sqlite3"
#: Locked (shared) by every running aggregator that writes to the file beside it.
LOCK_NAME: Final = "sessions.lock"
#: Another aggregator (of another room) may be writing; wait this long for it, s.
BUSY_S: Final = 3.0
#: A recording's session that was left open goes on if that was at most this long ago, s: long, so
#: that an unfinished one is finished. So long, nobody else may take it for over.
RESUME_RECORDING_S: Final = 86400.0


class StoreFailed(ReadroomError):
    """The store can't be written now: disk full, file system read-only, or locked."""


class NotStored(BadSettings):
    """There is no such session, or no such person in it."""


class StillRuns(BadSettings):
    """The session runs, so that only its aggregator may change it."""


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


def _make(path: Path) -> None:
    """Make an empty file that only this user can read, where there is none.

    One that is there isn't so much as opened: closing it would take away every lock that this
    process has on it (POSIX), those of SQLite's open connections among them.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


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
