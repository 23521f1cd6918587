"""A store that an older version made: what is in it is kept, and what it lacked is filled in."""

from __future__ import annotations

import hashlib
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest

from readroom.aggregator.store import Store
from readroom.messages import ACTIONS, EXPRESSIONS, LOOKS, STATES, Box
from readroom.sessions import schema
from readroom.sessions.file import FILE_NAME
from readroom.sessions.rows import Sample
from readroom.sessions.timelines import Timelines
from tests.aggregator.made import START
from tests.aggregator.stored import a_session, write


def version_1(folder: Path) -> None:
    """A file as version 1 wrote it: two people one after the other in slot 1, one in slot 2."""
    folder.mkdir(exist_ok=True)
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as file:
        file.execute("PRAGMA journal_mode=WAL")
        file.executescript(schema._SCHEMA_1)
        file.execute("CREATE TABLE schema_version (version INTEGER)")
        file.execute("INSERT INTO schema_version VALUES (1)")
        file.execute(
            "INSERT INTO session VALUES (7, 'old', 'room', 'A talk', ?, 0, 'closed')", (START,)
        )
        file.executemany(
            "INSERT INTO person VALUES (7, ?, ?, ?, 'front', ?, ?)",
            [(1, 1, "P1", 0.0, 8.0), (2, 2, "P2", 1.0, None), (3, 1, "P1", 8.0, 20.0)],
        )
        box = struct.pack("<4f", 1.0, 2.0, 3.0, 4.0)
        file.execute(
            "INSERT INTO sample VALUES (7, 1, 0.25, 1, 0.75, ?, 0.5, ?)", (bytes(range(8)), box)
        )
        file.execute("INSERT INTO sample VALUES (7, 2, 30.5, 10, 0.0, NULL, 0.25, ?)", (box,))
        happened = [
            ("person_entered", 0.0, 0.0, 1),
            ("state_ended", 2.0, 8.0, 1),
            ("person_left", 8.0, 8.0, 1),
            ("person_entered", 8.0, 8.0, 1),
            ("state_ended", 9.0, 19.0, 1),
            ("camera", 3.0, 3.0, None),
        ]
        file.executemany(
            "INSERT INTO event (session, kind, start_s, end_s, slot, confidence) "
            "VALUES (7, ?, ?, ?, ?, 0)",
            happened,
        )
        file.execute("INSERT INTO camera VALUES (7, 'front', 'clip.mp4', 'recording', 5, 4)")
        file.execute("INSERT INTO checkpoint VALUES ('room', 1, ?, x'80')", (START,))


def test_what_version_1_stored_is_read_as_before(tmp_path: Path) -> None:
    version_1(tmp_path)
    timelines = Timelines(tmp_path)
    (session,) = timelines.sessions()
    assert (session.name, session.title, session.state) == ("old", "A talk", "closed")
    assert [(p.person, p.pseudonym, p.left_s) for p in timelines.people("old")] == [
        (1, "P1", 8.0),
        (2, "P2", None),
        (3, "P1", 20.0),
    ]
    first, second = timelines.samples("old")
    probabilities = tuple(value / 255 for value in range(8))
    assert first == Sample(1, 0.25, "happiness", 0.75, probabilities, 0.5, Box(1, 2, 3, 4))  # type: ignore[arg-type]
    assert (second.state, second.expression) == ("too_small", None)
    assert len(timelines.events("old")) == 6
    assert timelines.frames("old") == {"front": (5, 4)}


def test_what_version_1_lacked_is_filled_in_where_it_is_known(tmp_path: Path) -> None:
    version_1(tmp_path)
    timelines = Timelines(tmp_path)
    (session,) = timelines.sessions()
    assert session.purpose is None
    assert session.saved_at == START + 30.5
    assert [(p.cameras, p.merged_into) for p in timelines.people("old")] == [(("front",), None)] * 3
    assert timelines.samples("old")[0].look == "cant_tell"
    assert timelines.samples("old")[0].measured == frozenset()
    assert timelines.events("old")[0].measure is None
    # One who enters a slot at the instant at which another one leaves it is the later one.
    assert [e.person for e in timelines.events("old")] == [1, 1, 1, 3, 3, None]
    assert {(e.other, e.figure) for e in timelines.events("old")} == {(None, None)}


def test_a_migrated_store_goes_on_being_written(tmp_path: Path) -> None:
    version_1(tmp_path)
    write(tmp_path, a_session("new"))
    assert [s.name for s in Timelines(tmp_path).sessions()] == ["old", "new"]
    with Store(tmp_path) as store:
        versions = store._connection.execute("SELECT version FROM schema_version").fetchall()
        assert versions == [(1,), (2,), (3,)]


def test_a_migrated_store_has_the_same_tables_as_a_new_one(tmp_path: Path) -> None:
    version_1(tmp_path / "old")
    write(tmp_path / "new", a_session())
    assert columns(tmp_path / "old") == columns(tmp_path / "new")


def columns(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    with Store(folder) as store:
        tables = store._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            name: store._connection.execute(f"PRAGMA table_info({name})").fetchall()
            for (name,) in tables.fetchall()
        }


def test_a_migration_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version_1(tmp_path)

    def broken(connection: sqlite3.Connection) -> None:
        schema.MIGRATIONS[1](connection)
        raise KeyboardInterrupt

    monkeypatch.setattr("readroom.sessions.file.MIGRATIONS", (schema.MIGRATIONS[0], broken))
    with pytest.raises(KeyboardInterrupt):
        Store(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as file:
        assert file.execute("SELECT max(version) FROM schema_version").fetchone() == (1,)
        assert len(file.execute("PRAGMA table_info(sample)").fetchall()) == 8


def test_published_schemas_and_the_numbers_in_them_never_change() -> None:
    """Files made by them are out there. Tuples of words may grow at their end only."""
    assert digest(schema._SCHEMA_1) == "90aca52891b62ab5"
    assert digest(schema._SCHEMA_2) == "1a68748c0445c949"
    words = [*EXPRESSIONS, *STATES[8:12], *LOOKS[:6], *ACTIONS[:18]]
    assert digest(" ".join(words)) == "080993bda363248d"
    assert schema.to_bits(["smiling", "nodding"]) == 1 + 256


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
