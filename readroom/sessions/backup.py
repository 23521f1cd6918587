"""Backups of the session store, made and taken back while an aggregator writes to it.

A backup is one file, a session store like any other, as of one moment: SQLite's online backup
copies every page under one snapshot, which blocks no writer. It holds no checkpoints: going on from
an old one would be going on with a room that was.

Restoring adds the backup's sessions to the store, each in one transaction. It never takes anything
away: a session that is there already stays as it is, since the store may know more of it by now. So
whoever wants the store as it was moves its folder away and restores into an empty one. A session
that was open when the backup was made is "abandoned" in it: it never got to its end there.

What was erased comes back with a backup made before: erase there, or throw the backup away.

A store whose file is damaged can't be mended here: a backup takes its place (:func:`damaged`).
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from readroom.errors import BadSettings
from readroom.sessions.file import BUSY_S, FILE_NAME, StoreFailed, connect
from readroom.sessions.schema import SESSION_TABLES
from readroom.sessions.timelines import Timelines

#: How the attached backup is called.
_ATTACHED: Final = "backup"
#: What SQLite answers where a file isn't, or isn't any more, what it wrote.
_DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made: the sessions in it, and its size in bytes."""

    path: Path
    sessions: int
    size: int


@dataclass(frozen=True, slots=True)
class Restored:
    """Names of the sessions that a backup added, and of those that were there already."""

    added: tuple[str, ...]
    kept: tuple[str, ...]


def backup(folder: Path, target: Path) -> Backup:
    """Write the store of ``folder`` to the new file ``target``, which only its owner may read.

    Raises BadSettings where there is no store or the file can't be made; StoreFailed where it
    can't be written to its end: then there is no file.
    """
    with readable(folder):
        sessions = len(Timelines(folder).sessions())
    if target.exists():
        raise BadSettings(f"{target}: exists already; name a new file for the backup")
    try:
        # Readable by nobody else from its first byte on.
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise BadSettings(
            f"{target}: can't be made ({error.strerror}); name a file in a folder that this user "
            "may write"
        ) from None
    made = Path(name)
    try:
        _copy(folder / FILE_NAME, made)
        _sync(made)
        os.link(made, target)  # Unlike renaming, this replaces nothing.
        _sync(target.parent)
    except FileExistsError:
        raise BadSettings(f"{target}: exists already; name a new file for the backup") from None
    except (OSError, sqlite3.Error) as error:
        # The copy has every page of the store, and what is wrong with it.
        if is_damage(error):
            raise damaged(folder, error) from None
        raise StoreFailed(
            f"{target}: the backup can't be written ({error}); free some space"
        ) from None
    finally:
        with suppress(FileNotFoundError):
            made.unlink()
    return Backup(target, sessions, target.stat().st_size)


def restore(folder: Path, source: Path) -> Restored:
    """Add the sessions of the backup ``source`` to the store of ``folder``, which is made where
    there is none. Raises BadSettings where either can't be used; StoreFailed where the store
    can't be written: the sessions added until then stay."""
    if not source.is_file():
        raise BadSettings(f"{source}: no such file; name one that `readroom backup` made")
    with (
        closing(connect(folder / FILE_NAME)) as connection,
        # Brought to this version's schema in a copy: the backup stays as it is.
        tempfile.TemporaryDirectory(dir=folder, prefix=".restore.") as scratch,
    ):
        copy = Path(scratch) / FILE_NAME
        _take(source, copy)
        connection.execute(f"ATTACH ? AS {_ATTACHED}", (str(copy),))
        try:
            return _add_all(connection)
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if is_damage(error):
                raise damaged(folder, error) from None
            raise StoreFailed(
                f"{folder / FILE_NAME}: can't be written ({error}); free some space, or "
                "wait until others have written, then restore again"
            ) from None
        finally:
            connection.execute(f"DETACH {_ATTACHED}")


def is_damage(error: Exception) -> bool:
    """Whether an error says that a store's file is damaged."""
    # The low byte is the code, what is above says more of it.
    return isinstance(error, sqlite3.Error) and (
        getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE
    )


def damaged(folder: Path, error: Exception) -> StoreFailed:
    """What is told where the file of that folder's store is damaged."""
    return StoreFailed(
        f"{folder / FILE_NAME}: the session store's file is damaged ({error}); move it away, then "
        "`readroom restore` a backup, or begin with an empty store"
    )


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """While a store is read: raises StoreFailed in place of SQLite's own errors."""
    try:
        yield
    except sqlite3.Error as error:
        if is_damage(error):
            raise damaged(folder, error) from None
        raise StoreFailed(
            f"{folder / FILE_NAME}: the session store can't be read ({error}); look whether this "
            "user may read it and whether others are writing, then try again"
        ) from None


def _copy(source: Path, target: Path) -> None:
    """A consistent copy without checkpoints, and without a log beside it."""
    address = f"{source.resolve().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(address, uri=True, timeout=BUSY_S)) as reading,
        closing(sqlite3.connect(target, isolation_level=None)) as writing,
    ):
        reading.backup(writing)
        writing.execute("PRAGMA journal_mode=DELETE")
        writing.execute("PRAGMA secure_delete=ON")
        writing.execute("DELETE FROM checkpoint")
        writing.execute("UPDATE session SET state = 'abandoned' WHERE state = 'open'")
        writing.execute("VACUUM")


def _take(source: Path, copy: Path) -> None:
    """Copy a backup and bring the copy to this version's schema. Raises BadSettings."""
    try:
        with (
            closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as reading,
            closing(sqlite3.connect(copy)) as writing,
        ):
            known = reading.execute(
                "SELECT count(*) FROM sqlite_master WHERE name IN ('schema_version', 'session')"
            ).fetchone()[0]
            if known != 2 or reading.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("damaged, or no session store")
            reading.backup(writing)
    except sqlite3.Error as error:
        raise BadSettings(
            f"{source}: no usable backup ({error}); name a file that `readroom backup` made"
        ) from None
    connect(copy).close()


def _add_all(connection: sqlite3.Connection) -> Restored:
    there = {name for (name,) in connection.execute("SELECT name FROM main.session")}
    offered = connection.execute(f"SELECT id, name FROM {_ATTACHED}.session ORDER BY id").fetchall()  # noqa: S608
    columns = {
        table: [row[1] for row in connection.execute(f"PRAGMA main.table_info({table})")]
        for table in SESSION_TABLES
    }
    for key, name in offered:
        if name not in there:
            _add(connection, key, columns)
    return Restored(
        added=tuple(name for _, name in offered if name not in there),
        kept=tuple(name for _, name in offered if name in there),
    )


def _add(connection: sqlite3.Connection, key: int, columns: dict[str, list[str]]) -> None:
    """One session of the backup, all or nothing, under a key of this store."""
    connection.execute("BEGIN IMMEDIATE")
    new: int = connection.execute("SELECT COALESCE(max(id), 0) + 1 FROM main.session").fetchone()[0]
    for table in reversed(SESSION_TABLES):  # The session's own row first.
        # Names of columns are this version's own, from the schema.
        own = [name for name in columns[table] if not (name == "id" and table == "event")]
        of = "id" if table == "session" else "session"
        taken = ", ".join("?1" if name == of else name for name in own)
        connection.execute(
            f"INSERT INTO main.{table} ({', '.join(own)}) "  # noqa: S608
            f"SELECT {taken} FROM {_ATTACHED}.{table} WHERE {of} = ?2"
            + (" ORDER BY id" if table == "event" else ""),
            (new, key),
        )
    connection.execute(
        "UPDATE main.session SET state = 'abandoned' WHERE id = ? AND state = 'open'", (new,)
    )
    connection.execute("COMMIT")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
