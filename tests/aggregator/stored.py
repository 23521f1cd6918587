"""Sessions made by hand and written to a store, for tests."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

from readroom.aggregator.room_data import RoomData
from readroom.aggregator.rows import SessionRows
from readroom.aggregator.session import Session
from readroom.aggregator.store import Store
from readroom.messages import (
    ACTIONS,
    LOOKS,
    MEASURES,
    NOT_READ,
    STATES,
    Box,
    Event,
    Measure,
    Probabilities,
)
from readroom.sessions.file import FILE_NAME
from readroom.sessions.rows import MarkerRow, MeasureRow, NoteRow, PersonRow, Sample
from readroom.sessions.schema import SESSION_TABLES
from tests.aggregator.made import START


def session(name: str = "s1", *, title: str = "A talk", closed: bool = False) -> Session:
    return Session(id=name, title=title, started_at=START, recording=False, closed=closed)


def probabilities(dice: random.Random) -> Probabilities:
    drawn = [dice.random() ** 3 for _ in range(8)]
    a, b, c, d, e, f, g, h = (value / sum(drawn) for value in drawn)
    return a, b, c, d, e, f, g, h


def sample(person: int, time_s: float, dice: random.Random) -> Sample:
    """A point of which no column is empty, and none the same as the last."""
    measured = frozenset(action for action in ACTIONS if dice.random() < 0.9)
    return Sample(
        person=person,
        time_s=time_s,
        state=dice.choice(STATES[:9]),
        confidence=dice.random(),
        expression=probabilities(dice),
        coverage=dice.random(),
        box=Box(*(dice.random() * 1000 for _ in range(4))),
        look=dice.choice(LOOKS),
        actions=frozenset(action for action in measured if dice.random() < 0.3),
        measured=measured,
        camera="front-left",
    )


def plain_sample(person: int, time_s: float) -> Sample:
    """A point that says no more than where somebody was."""
    return Sample(person, time_s, NOT_READ, 0.0, None, 1.0, Box(1, 2, 3, 4))


def measure(value: float | None = 0.5, n: int = 12, p: float | None = None) -> Measure:
    return Measure(value=value, low=0.4, high=0.6, n=n, coverage=0.9, p=p)


def event(kind: str, start_s: float, end_s: float, **fields: object) -> Event:
    return Event(room="room", session="s1", kind=kind, start_s=start_s, end_s=end_s, **fields)  # type: ignore[arg-type]


def about(
    person: int, kind: str, start_s: float, end_s: float, state: str | None = None, **fields: object
) -> Event:
    """An event of somebody; in slot ``person`` where no other is given."""
    return event(kind, start_s, end_s, **{"slot": person, **fields}, person=person, state=state)


def a_session(
    name: str = "s1", *, people: int = 3, seconds: int = 10, closed: bool = True
) -> SessionRows:
    """A session with something in every table."""
    dice = random.Random(name)
    rows = SessionRows("room", session(name, closed=closed), purpose="audience")
    for person in range(1, people + 1):
        cameras = ("front-left", "side")
        rows.people.append(PersonRow(person, person, "front-left", 0.0, float(seconds), cameras))
        rows.events.append(about(person, "look_ended", 1.0, 3.0, "amused", confidence=0.75))
        rows.samples += [sample(person, tick / 4, dice) for tick in range(4 * seconds)]
    for second in range(seconds):
        rows.measures += [
            MeasureRow(float(second), name, measure(p=0.03 if name == "synchrony" else None))
            for name in MEASURES
        ]
    rows.markers.append(MarkerRow("m1", 2.0, "pricing slide"))
    rows.notes.append(NoteRow("n1", 3.0, "the beamer failed"))
    for figure in ("valence", "expressiveness", "facing_front"):
        answer = event(
            "response", 2.0, 7.0, state="pricing slide", figure=figure, measure=measure()
        )
        rows.events.append(answer)
    return rows


def write(folder: Path, *sessions: SessionRows, saved_at: float = START) -> None:
    """Commit them one after the other, as a room would that then ended."""
    with Store(folder) as store:
        for rows in sessions:
            store.commit([rows], RoomData(room=rows.room, session=rows.session), saved_at)


def stored_rows(folder: Path, name: str | None = None) -> dict[str, int]:
    """How many rows of sessions each table has: of the named one, else of all, also of none that is
    there. Counted apart from what erases them."""
    of_one = "WHERE {} = (SELECT id FROM session WHERE name = :name)" if name else ""
    with closing(sqlite3.connect(folder / FILE_NAME)) as file:
        counted = {}
        for table in SESSION_TABLES:
            rows = f"{table} {of_one.format('id' if table == 'session' else 'session')}"
            found = file.execute(f"SELECT count(*) FROM {rows}", {"name": name})
            counted[table] = found.fetchone()[0]
    return counted


def damage(folder: Path, table: str) -> None:
    """Spoil the first page of a table, as a bad disk would."""
    path = folder / FILE_NAME
    with closing(sqlite3.connect(path)) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,))
        number = page.fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((number - 1) * size)
        file.write(b"\xff" * size)
