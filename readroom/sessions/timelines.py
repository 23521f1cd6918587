"""Reading the session store: sessions, their people, and what happened in them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from readroom.errors import BadSettings
from readroom.messages import Event
from readroom.sessions import schema
from readroom.sessions.arrays import Points, joined, points_of
from readroom.sessions.file import BUSY_S, FILE_NAME, NotStored, connect
from readroom.sessions.rows import MarkerRow, MeasureRow, NoteRow, Sample
from readroom.sessions.schema import MIGRATIONS

#: Rows of points that are values one by one at a time: they take ten times what their arrays do.
_CHUNK: Final = 20_000


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as stored. ``state`` is open, closed or abandoned; ``purpose`` None where nobody
    had been asked; ``saved_at`` is when something was last written of it (Unix s). ``models`` maps
    engine to model id."""

    name: str
    room: str
    title: str
    started_at: float
    recording: bool
    state: str
    purpose: str | None
    saved_at: float
    models: dict[str, str]


@dataclass(frozen=True, slots=True)
class StoredPerson:
    """One person of a session; ``left_s`` is None while present. ``cameras`` are all that have
    seen the person; ``merged_into`` is the person that this one turned out to be; ``name`` is what
    somebody calls them (None: nobody does)."""

    person: int
    slot: int
    pseudonym: str
    camera: str
    entered_s: float
    left_s: float | None
    cameras: tuple[str, ...]
    merged_into: int | None
    name: str | None


@dataclass(frozen=True, slots=True)
class StoredCamera:
    """One camera of a session: ``frames`` reached the timelines, ``last_seq`` is the last one's
    (-1: none); ``dropped`` maps reason to frames that were captured and aren't in them."""

    camera: str
    source: str
    mode: str
    frames: int
    last_seq: int
    dropped: dict[str, int]


@dataclass(frozen=True, slots=True)
class Overview:
    """A session with how long it was (the newest session time of which something is stored, s) and
    how many people were in it, those who turned out to be somebody else left out."""

    session: StoredSession
    duration_s: float
    people: int


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
        query = f"SELECT {_SESSION} FROM session WHERE ?1 IS NULL OR room = ?1"  # noqa: S608
        return [_session(row) for row in self._rows(f"{query} ORDER BY started_at, id", room)]

    def count(self, room: str | None = None) -> int:
        """How many sessions there are (of a room)."""
        query = "SELECT count(*) FROM session WHERE ?1 IS NULL OR room = ?1"
        count: int = self._rows(query, room)[0][0]
        return count

    def overviews(self, room: str | None = None, *, limit: int, offset: int = 0) -> list[Overview]:
        """Sessions (of a room), newest first."""
        order = "ORDER BY started_at DESC, id DESC LIMIT ?2 OFFSET ?3"
        rows = self._rows(f"{_OVERVIEW} WHERE ?1 IS NULL OR room = ?1 {order}", room, limit, offset)
        return [_overview(row) for row in rows]

    def overview(self, session: str) -> Overview:
        """One session. Raises NotStored where there is none of that name."""
        rows = self._rows(f"{_OVERVIEW} WHERE name = ?1", session)
        if not rows:
            raise NotStored(f"session={session}: no such session is stored")
        return _overview(rows[0])

    def people(self, session: str) -> list[StoredPerson]:
        """The people of a session, in order of entering."""
        columns = "person, slot, pseudonym, camera, entered_s, left_s, cameras, merged_into, name"
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
                name=row[8],
            )
            for row in self._of_session(session, columns, "person", "person")
        ]

    def samples(self, session: str, person: int | None = None) -> list[Sample]:
        """The points of a session's timelines (of one person), by person and time."""
        rows = self._of_session(session, schema.SAMPLE_COLUMNS, "sample", "person, time_s", person)
        return [schema.sample_of(row) for row in rows]

    def arrays(self, session: str) -> Points:
        """The same points as arrays, for whoever looks through all of them."""
        query = (
            f"SELECT {schema.SAMPLE_COLUMNS} FROM sample "  # noqa: S608
            "WHERE session = (SELECT id FROM session WHERE name = ?1) ORDER BY person, time_s"
        )
        return self._arrays(query, session)

    def point_count(self, session: str) -> int:
        """How many points a session's timelines have."""
        count: int = self._rows(
            "SELECT count(*) FROM sample WHERE session = (SELECT id FROM session WHERE name = ?)",
            session,
        )[0][0]
        return count

    def points(
        self, session: str, person: int | None, from_s: float, to_s: float, most: int
    ) -> Points:
        """The points of ``from_s`` ≤ time < ``to_s``, by person and time (of
        one person), but no more than ``most``."""
        # The people are named so that a range of time is looked up for each in the primary key.
        return self._arrays(
            f"""SELECT {schema.SAMPLE_COLUMNS} FROM sample
            WHERE session = (SELECT id FROM session WHERE name = ?1) AND person IN (
                SELECT person FROM person
                WHERE session = (SELECT id FROM session WHERE name = ?1)
                AND (?2 IS NULL OR person = ?2)
            ) AND time_s >= ?3 AND time_s < ?4 ORDER BY person, time_s LIMIT ?5""",  # noqa: S608
            *(session, person, from_s, to_s, most),
        )

    def coverage(self, session: str) -> dict[int, float]:
        """By person: the mean of the timeline's coverage, 0..1; people without points are left
        out."""
        rows = self._rows(
            "SELECT person, avg(coverage) FROM sample "
            "WHERE session = (SELECT id FROM session WHERE name = ?) GROUP BY person",
            session,
        )
        return {row[0]: row[1] for row in rows}

    def events(self, session: str) -> list[Event]:
        """The events of a session, in the order in which they were found."""
        rooms = self._rows("SELECT room FROM session WHERE name = ?", session)
        rows = self._of_session(session, schema.EVENT_COLUMNS, "event", "id")
        return [schema.event_of(rooms[0][0], session, row) for row in rows]

    def events_between(
        self,
        session: str,
        from_s: float,
        to_s: float,
        *,
        kind: str | None = None,
        limit: int,
        offset: int = 0,
    ) -> tuple[list[Event], int]:
        """The events of a session (of a kind) that go on somewhere in ``from_s`` ≤ time <
        ``to_s``, by beginning; and how many there are besides ``limit`` and ``offset``."""
        where = (
            "FROM event WHERE session = (SELECT id FROM session WHERE name = ?1) "
            "AND end_s >= ?2 AND start_s < ?3 AND (?4 IS NULL OR kind = ?4)"
        )
        asked = (session, from_s, to_s, kind)
        found = self._rows(
            f"SELECT {schema.EVENT_COLUMNS} {where} ORDER BY start_s, id LIMIT ?5 OFFSET ?6",
            *(*asked, limit, offset),
        )
        total: int = self._rows(f"SELECT count(*) {where}", *asked)[0][0]
        room = self._rows("SELECT room FROM session WHERE name = ?", session)
        return [schema.event_of(room[0][0], session, row) for row in found], total

    def measures(self, session: str) -> list[MeasureRow]:
        """What was said of the room, by time."""
        columns = f"time_s, name, {schema.MEASURE_COLUMNS}"
        rows = self._of_session(session, columns, "measure", "time_s, name")
        return [MeasureRow(row[0], row[1], schema.measure_of(row[2:])) for row in rows]

    def measures_between(
        self,
        session: str,
        from_s: float,
        to_s: float,
        *,
        name: str | None = None,
        step_s: float | None = None,
        most: int,
    ) -> list[MeasureRow]:
        """What was said of the room (of one figure) in ``from_s`` ≤ time < ``to_s``, by figure and
        time; ``most`` rows at most. In steps: the last of each k·step_s ≤ time < (k+1)·step_s."""
        where = (
            "FROM measure WHERE session = (SELECT id FROM session WHERE name = ?1) "
            "AND time_s >= ?2 AND time_s < ?3 AND (?4 IS NULL OR name = ?4)"
        )
        asked = (session, from_s, to_s, name)
        columns = f"name, {schema.MEASURE_COLUMNS}"
        if step_s is None:
            query = f"SELECT time_s, {columns} {where} ORDER BY name, time_s LIMIT ?5"
            rows = self._rows(query, *asked, most)
        else:
            # SQLite takes the columns beside max() from the row that has it.
            query = (
                f"SELECT max(time_s), {columns} {where} "
                "GROUP BY name, CAST(time_s / ?6 AS INTEGER) ORDER BY name, time_s LIMIT ?5"
            )
            rows = self._rows(query, *asked, most, step_s)
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

    def cameras(self, session: str) -> list[StoredCamera]:
        """The cameras of a session, by name."""
        columns = "camera, source, mode, frames, last_seq, dropped"
        rows = self._of_session(session, columns, "camera", "camera")
        return [
            StoredCamera(
                camera=row[0],
                source=row[1],
                mode=row[2],
                frames=row[3],
                last_seq=row[4],
                dropped=json.loads(row[5]),
            )
            for row in rows
        ]

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
        with closing(self._connection()) as connection:
            return connection.execute(query, values).fetchall()

    def _arrays(self, query: str, *values: object) -> Points:
        """The points of rows of schema.SAMPLE_COLUMNS, a part after the other."""
        with closing(self._connection()) as connection:
            cursor = connection.execute(query, values)
            parts = [points_of(cursor.fetchmany(_CHUNK))]
            while rows := cursor.fetchmany(_CHUNK):
                parts.append(points_of(rows))
        return joined(parts)

    def _connection(self) -> sqlite3.Connection:
        address = f"{self._path.resolve().as_uri()}?mode=ro"
        return sqlite3.connect(address, uri=True, timeout=BUSY_S)


_SESSION: Final = "name, room, title, started_at, recording, state, purpose, saved_at, models"
# Each maximum is looked up in the table's primary key, or in the index of events.
_OVERVIEW: Final = f"""
SELECT {_SESSION},
    max(
        COALESCE((SELECT max(end_s) FROM event WHERE event.session = session.id
            AND kind = 'session_closed' AND start_s = 0), 0),
        COALESCE((SELECT max(time_s) FROM measure WHERE measure.session = session.id), 0),
        COALESCE((SELECT max((SELECT max(time_s) FROM sample WHERE sample.session = session.id
            AND sample.person = person.person)) FROM person WHERE person.session = session.id), 0)
    ),
    (SELECT count(*) FROM person WHERE person.session = session.id AND merged_into IS NULL)
FROM session"""  # noqa: S608


def _session(row: tuple[Any, ...]) -> StoredSession:
    return StoredSession(
        name=row[0],
        room=row[1],
        title=row[2],
        started_at=row[3],
        recording=bool(row[4]),
        state=row[5],
        purpose=row[6],
        saved_at=row[7],
        models=json.loads(row[8]),
    )


def _overview(row: tuple[Any, ...]) -> Overview:
    return Overview(_session(row), float(row[9]), row[10])


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
