"""What may be changed of a session that is over: its title, and what its people are called.

A session that runs is its aggregator's to write; so is one that was cut off, which goes on when its
aggregator starts again, with what it knew. Both are changed through the running room
(:mod:`readroom.commands`), or once they are closed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from readroom.sessions.backup import readable
from readroom.sessions.file import FILE_NAME, NotStored, StillRuns, StoreFailed, connect
from readroom.sessions.timelines import Timelines, whole_people


def set_title(folder: Path, session: str, title: str) -> None:
    """Call a session otherwise. Raises NotStored, StillRuns, StoreFailed."""
    with _changing(folder, session) as (connection, key):
        connection.execute("UPDATE session SET title = ? WHERE id = ?", (title, key))


def set_name(folder: Path, session: str, person: int, name: str | None) -> int:
    """Call a person of a session ``name``; None: nothing any more. Who turned out to be somebody
    else is that one, whose number is returned. Raises NotStored, StillRuns, StoreFailed."""
    with _changing(folder, session) as (connection, key):
        whole = whole_people(Timelines(folder).people(session))
        if person not in whole:
            raise NotStored(f"person={person}: session {session} has no such person")
        connection.execute(
            "UPDATE person SET name = ? WHERE session = ? AND person = ?",
            (name, key, whole[person]),
        )
    return whole[person]


@contextmanager
def _changing(folder: Path, session: str) -> Iterator[tuple[sqlite3.Connection, int]]:
    """A transaction on a session that is over, with its key."""
    if not (folder / FILE_NAME).is_file():
        raise NotStored(f"session={session}: no such session is stored")
    with readable(folder), closing(connect(folder / FILE_NAME)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise StoreFailed(
                f"{folder / FILE_NAME}: the session store can't be written now ({error}); try again"
            ) from None
        try:
            yield connection, _key(connection, session)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def _key(connection: sqlite3.Connection, session: str) -> int:
    found = connection.execute("SELECT id, state FROM session WHERE name = ?", (session,))
    row = found.fetchone()
    if row is None:
        raise NotStored(f"session={session}: no such session is stored")
    if row[1] == "open":
        raise StillRuns(
            f"session={session}: it runs, or was cut off; change it through the running room, or "
            "stop it first"
        )
    return int(row[0])
