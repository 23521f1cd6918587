"""Erasing: sessions that are older than they may be kept, one session, or one person of one.

Erased means gone from the file and from its log: rows are overwritten with zeros
(``secure_delete``), then the file is built anew (VACUUM), since what SQLite moved from page to page
may have left a copy behind, and the log is emptied. That takes a second or so for each 100 MB, in
which an aggregator keeps what it sees in memory. An erasure that was cut off between the two is
remembered in the file, and finished by the next one.

With a person goes whoever was merged into them, and what was said of the room while it rested on
them alone: a mean over one person is that person. What is said of several people stays; so do
titles, notes and markers, which people write. A backup made before still has everybody.

A session that runs can't be erased: its aggregator would write on. A crashed one can, once nobody
writes to the store; its checkpoint goes with it, so that it isn't continued.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from readroom.errors import ReadroomError
from readroom.sessions.backup import damaged, is_damage, readable
from readroom.sessions.file import (
    FILE_NAME,
    RESUME_RECORDING_S,
    NotStored,
    StillRuns,
    StoreFailed,
    alone,
    connect,
)
from readroom.sessions.schema import SESSION_TABLES
from readroom.sessions.timelines import Timelines, whole_people

#: Seconds in a day: how often sessions that are too old are looked for.
DAY_S: Final = 86400.0
#: After a failure they are looked for again so soon, s.
RETRY_S: Final = 3600.0
#: Figures of the room look back this far (readroom.messages.RoomState): so long after somebody
#: left, they may still rest on them, s.
LOOK_BACK_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure found, and what was left of it: rows by table, before and after."""

    before: dict[str, int]
    after: dict[str, int]

    @property
    def complete(self) -> bool:
        """Whether nothing is left."""
        return not any(self.after.values())


def erase_old(folder: Path, keep_days: float, now_at: float) -> list[str]:
    """Erase the sessions that ended more than ``keep_days`` before ``now_at`` (Unix s); 0: none.
    Returns their names. An open session counts as ended once nothing was written of it for so
    long that no aggregator would go on with it. Raises StoreFailed, BadSettings."""
    if keep_days <= 0 or not (folder / FILE_NAME).is_file():
        return []
    until_at = now_at - keep_days * DAY_S
    with readable(folder):
        sessions = Timelines(folder).sessions()
    old = [
        session.name
        for session in sessions
        if session.saved_at < until_at
        and (session.state != "open" or now_at - session.saved_at > RESUME_RECORDING_S)
    ]
    with readable(folder), closing(_open(folder)) as connection:
        for name in old:  # One at a time: an aggregator can commit in between.
            _within(connection, folder, partial(_delete_session, connection, name))
        if _unfinished(connection):
            _purge(connection, folder)
    return old


def finish(folder: Path) -> bool:
    """Finish an erasure of which the file may still hold copies; whether there was one. Raises
    BadSettings where there is no store, StoreFailed."""
    with readable(folder), closing(_open(folder)) as connection:
        unfinished = _unfinished(connection)
        if unfinished:
            _purge(connection, folder)
    return unfinished


class Retention:
    """Erases, once a day, the sessions that are too old: on a thread of its own, beside the store
    that a running aggregator writes to. Its commits may fail for as long, which they make up for
    (:data:`readroom.aggregator.store.COMMIT_BUSY_MS`). ``say`` is told a line of what was erased,
    or why not, on that thread."""

    def __init__(self, folder: Path, keep_days: float, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._keep_days = keep_days
        self._say = say
        self._due_at = 0.0
        self._thread: threading.Thread | None = None

    def turn(self, now_at: float) -> None:
        """Begin, where it is due at ``now_at`` (Unix s): at the first call, and daily. Doesn't wait
        for it."""
        if now_at < self._due_at or self._running:
            return
        self._due_at = now_at + DAY_S
        # A process that ends needn't wait for it: the next one finishes it.
        self._thread = threading.Thread(target=self._erase, args=(now_at,), daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait for what was begun."""
        if self._thread is not None:
            self._thread.join()

    @property
    def _running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _erase(self, now_at: float) -> None:
        try:
            old = erase_old(self._folder, self._keep_days, now_at)
        except ReadroomError as error:
            self._due_at = now_at + RETRY_S
            self._say(f"{error}; tried again in {RETRY_S / 60:.0f} min")
        else:
            if old:
                kept = f"{self._keep_days:g} days"
                self._say(f"erased {len(old)} session(s) older than {kept}: {', '.join(old)}")


def erase_session(folder: Path, session: str) -> Erased:
    """Erase a session. Raises BadSettings where there is none of that name or it is running,
    StoreFailed where the store can't be written."""
    with readable(folder), closing(_open(folder)) as connection, alone(folder) as idle:
        _refuse_running(folder, session, idle)
        before = _traces(connection, session, idle)
        _within(connection, folder, partial(_delete_session, connection, session))
        _purge(connection, folder)
        return Erased(before, _traces(connection, session, idle))


def erase_person(folder: Path, session: str, person: int) -> Erased:
    """Erase one person of a session (numbers: Timelines.people), with all who were merged with
    them. Raises BadSettings where there is none, or the session is running; StoreFailed."""
    with readable(folder), closing(_open(folder)) as connection, alone(folder) as idle:
        _refuse_running(folder, session, idle)
        who = _Who.of(folder, session, person)
        before = _traces_of(connection, who, idle)
        _within(connection, folder, partial(_delete_person, connection, who))
        _purge(connection, folder)
        return Erased(before, _traces_of(connection, who, idle))


def _traces(connection: sqlite3.Connection, session: str, idle: bool) -> dict[str, int]:
    """Rows that there are of a session, by table."""
    counts = {
        table: _count(connection, f"{table} WHERE {_column(table)} = {_KEY}", session)
        for table in SESSION_TABLES
    }
    return {**counts, "checkpoint": _count_checkpoints(connection, session, idle)}


@dataclass(frozen=True, slots=True)
class _Who:
    """A person to be erased: every number they have in the session, and when they were there as
    whom (slot, entered_s, left_s)."""

    session: str
    numbers: tuple[int, ...]
    stays: tuple[tuple[int, float, float], ...]

    @classmethod
    def of(cls, folder: Path, session: str, person: int) -> _Who:
        """Raises BadSettings where the session has no such person."""
        people = Timelines(folder).people(session)
        whole = whole_people(people)
        if person not in whole:
            raise NotStored(
                f"person={person}: session {session} has no such person; its people are "
                f"{', '.join(f'{p.person} ({p.pseudonym})' for p in people) or 'none'}"
            )
        same = [p for p in people if whole[p.person] == whole[person]]
        stays = tuple((p.slot, p.entered_s, _end(p.left_s)) for p in same)
        return cls(session, tuple(p.person for p in same), stays)


def _end(left_s: float | None) -> float:
    return float("inf") if left_s is None else left_s


#: The key of the session whose name is a query's first value.
_KEY: Final = "(SELECT id FROM session WHERE name = ?1)"


def _column(table: str) -> str:
    return "id" if table == "session" else "session"


def _rows_of(who: _Who) -> list[tuple[str, tuple[Any, ...]]]:
    """Where rows of a person can be: table and condition, with the condition's values."""
    found: list[tuple[str, tuple[Any, ...]]] = []
    for number in who.numbers:
        for table in ("sample", "person"):
            found.append((f"{table} WHERE session = {_KEY} AND person = ?2", (number,)))
        either = "?2 IN (person, other)"
        found.append((f"event WHERE session = {_KEY} AND {either}", (number,)))
    for slot, entered_s, left_s in who.stays:
        unowned = "person IS NULL AND slot = ?2 AND start_s BETWEEN ?3 AND ?4"
        found.append((f"event WHERE session = {_KEY} AND {unowned}", (slot, entered_s, left_s)))
        alone = "n <= 1 AND {} BETWEEN ?2 AND ?3"
        span = (entered_s, left_s + LOOK_BACK_S)
        events = alone.format("end_s") + " AND person IS NULL"
        found.append((f"event WHERE session = {_KEY} AND {events}", span))
        found.append((f"measure WHERE session = {_KEY} AND {alone.format('time_s')}", span))
    return found


def _traces_of(connection: sqlite3.Connection, who: _Who, idle: bool) -> dict[str, int]:
    """Rows that there are of a person, by table."""
    counts: dict[str, int] = {}
    for rows, values in _rows_of(who):
        table = rows.partition(" ")[0]
        counts[table] = counts.get(table, 0) + _count(connection, rows, who.session, *values)
    return {**counts, "checkpoint": _count_checkpoints(connection, who.session, idle)}


def _delete_person(connection: sqlite3.Connection, who: _Who) -> None:
    for rows, values in _rows_of(who):
        _delete(connection, rows, who.session, *values)
    _delete(connection, _CHECKPOINTS, who.session)


def _delete_session(connection: sqlite3.Connection, session: str) -> None:
    _delete(connection, _CHECKPOINTS, session)
    for table in SESSION_TABLES:
        _delete(connection, f"{table} WHERE {_column(table)} = {_KEY}", session)


#: Checkpoints that are of a session: its name stands in them. (One that another version wrote
#: can't be taken apart here.)
_CHECKPOINTS: Final = "checkpoint WHERE instr(data, CAST(?1 AS BLOB)) > 0"


def _count_checkpoints(connection: sqlite3.Connection, session: str, idle: bool) -> int:
    """A running aggregator's isn't counted: it writes the last session's name anew, but nobody
    who was in it."""
    return _count(connection, _CHECKPOINTS, session) if idle else 0


def _within(connection: sqlite3.Connection, folder: Path, change: Callable[[], None]) -> None:
    """Make a change, all of it or nothing; what is left to be done is remembered with it."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        change()
        connection.execute("PRAGMA user_version = 1")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if is_damage(error):
            raise StoreFailed(f"nothing was erased: {damaged(folder, error)}") from None
        raise StoreFailed(
            f"nothing was erased: the session store can't be written ({error})"
        ) from None


def _unfinished(connection: sqlite3.Connection) -> bool:
    """Whether the file may hold copies of what was erased: its ``user_version`` says so."""
    return bool(connection.execute("PRAGMA user_version").fetchone()[0])


def _purge(connection: sqlite3.Connection, folder: Path) -> None:
    """Leave no copy of what was deleted, in the file or its log."""
    try:
        connection.execute("VACUUM")
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if not busy:
            connection.execute("PRAGMA user_version = 0")
    except sqlite3.Error as error:
        if is_damage(error):
            raise StoreFailed(f"{_NOT_PURGED}: {damaged(folder, error)}") from None
        raise StoreFailed(f"{_NOT_PURGED} ({error}); free some space, {_AGAIN}") from None
    if busy:
        raise StoreFailed(f"{_NOT_PURGED} (somebody is reading it); close that, {_AGAIN}")


_NOT_PURGED: Final = "the rows are erased, but the store's file may still hold copies of them"
_AGAIN: Final = "then erase again: `readroom erase` finishes it"


# Table and condition are this module's own; what comes from outside travels as values.
def _count(connection: sqlite3.Connection, rows: str, *values: object) -> int:
    count: int = connection.execute(f"SELECT count(*) FROM {rows}", values).fetchone()[0]  # noqa: S608
    return count


def _delete(connection: sqlite3.Connection, rows: str, *values: object) -> None:
    connection.execute(f"DELETE FROM {rows}", values)  # noqa: S608


def _refuse_running(folder: Path, session: str, idle: bool) -> None:
    states = {found.name: found.state for found in Timelines(folder).sessions()}
    if session not in states:
        raise NotStored(
            f"session={session}: no such session in {folder / FILE_NAME}; "
            f"there are {', '.join(states) or 'none'}"
        )
    if states[session] == "open" and not idle:
        raise StillRuns(
            f"session={session}: still running; stop it first, or stop the aggregator that "
            f"writes to {folder / FILE_NAME}"
        )


def _open(folder: Path) -> sqlite3.Connection:
    Timelines(folder)  # Where there is no store, none is made.
    return connect(folder / FILE_NAME)
