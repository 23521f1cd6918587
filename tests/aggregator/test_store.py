"""The session store: what it gives back, and what it says when it can't be used."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from readroom.aggregator.room import Room
from readroom.aggregator.room_data import RoomData
from readroom.aggregator.rows import SessionRows
from readroom.aggregator.store import Store, only_aggregator
from readroom.errors import BadSettings
from readroom.messages import EXPRESSIONS, WITHOUT_EMOTION, Marker
from readroom.sessions import file
from readroom.sessions.file import FILE_NAME, StoreFailed, connect
from readroom.sessions.timelines import Timelines
from tests.aggregator.made import START, face, looks, observation, room, two_people
from tests.aggregator.stored import plain_sample, session as a_session


def a_room(frames: int = 60) -> Room:
    there = room()
    for n in range(frames):
        seen = (face(100.5, expression=looks("happiness", 0.8)), face(400, width=15))
        there.take(observation(n, mode="recording", faces=seen), 0.0)
    return there


def commit(store: Store, there: Room) -> None:
    store.commit(there.drain().rows.values(), there.data, 1000.0)


def test_timelines_come_back_as_they_were(tmp_path: Path) -> None:
    there = a_room()
    changes = there.drain()
    (rows,) = changes.rows.values()
    with Store(tmp_path) as store:
        store.commit(changes.rows.values(), there.data, 1000.0)
    timelines = Timelines(tmp_path)
    (session,) = timelines.sessions("room")
    assert (session.title, session.recording, session.state) == ("A talk", True, "open")
    assert timelines.sessions("another-room") == []
    people = timelines.people(session.name)
    assert [(p.pseudonym, p.camera, p.left_s) for p in people] == [
        ("P1", "front", None),
        ("P2", "front", None),
    ]
    samples = timelines.samples(session.name, 1)
    wanted = [sample for sample in rows.samples if sample.person == 1]
    assert [(s.time_s, s.state, s.confidence, s.coverage) for s in samples] == [
        (s.time_s, s.state, s.confidence, s.coverage) for s in wanted
    ]
    last, true = samples[-1].expression, wanted[-1].expression
    assert last is not None
    assert true is not None
    assert last == pytest.approx(true, abs=1 / 255)
    assert max(last) == last[EXPRESSIONS.index("happiness")]
    assert samples[-1].box == wanted[-1].box
    assert {s.state for s in timelines.samples(session.name, 2)} == {"too_small"}
    assert timelines.events(session.name) == rows.events
    assert timelines.frames(session.name) == {"front": (60, 59)}


@pytest.mark.parametrize("purpose", sorted(WITHOUT_EMOTION))
def test_what_a_room_without_emotion_makes_is_taken(purpose: str, tmp_path: Path) -> None:
    """Though its workers read expressions by mistake, and people come, go and are marked."""
    there = room(purpose=purpose)
    with Store(tmp_path) as store:
        for n in range(1200):
            seen = two_people(n) if n % 500 < 400 else ()
            there.take(observation(n, mode="recording", faces=seen), 0.0)
            if n == 300:
                there.command(Marker(room="room", at=0.0, label="a slide", id="m1"), 0.0)
            if n % 50 == 0:
                commit(store, there)
        there.close(0.0)
        commit(store, there)
    timelines = Timelines(tmp_path)
    (session,) = timelines.sessions()
    assert (session.purpose, session.state) == (purpose, "closed")
    kinds = {event.kind for event in timelines.events(session.name)}
    assert {"person_entered", "person_left", "state_ended", "marker", "response"} <= kinds
    assert {row.name for row in timelines.measures(session.name)} == {"facing_front"}
    assert {s.expression for s in timelines.samples(session.name)} == {None}


def test_the_checkpoint_is_the_whole_state(tmp_path: Path) -> None:
    there = a_room()
    with Store(tmp_path) as store:
        commit(store, there)
    with Store(tmp_path) as store:
        found = store.checkpoint("room")
        assert found is not None
        assert (found.data, found.saved_at) == (there.data, 1000.0)
        assert store.checkpoint("another-room") is None


def test_nobody_else_can_read_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with Store(folder) as store:
        commit(store, a_room())
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
        assert modes == {0o600}


def test_every_commit_is_synced_to_disk(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_sessions_left_open_by_a_crash_are_marked_when_they_are_not_continued(
    tmp_path: Path,
) -> None:
    with Store(tmp_path) as store:
        commit(store, a_room())
        store.abandon("room")
    assert Timelines(tmp_path).sessions()[0].state == "abandoned"


def test_a_checkpoint_of_another_layout_is_not_continued(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        commit(store, a_room())
        store._connection.execute("UPDATE checkpoint SET version = 99")
        assert store.checkpoint("room") is None
        store._connection.execute("UPDATE checkpoint SET version = 1, data = x'c1'")
        assert store.checkpoint("room") is None


def test_a_full_disk_is_one_clear_line_and_nothing_is_lost(tmp_path: Path) -> None:
    there = a_room()
    changes = there.drain()
    with Store(tmp_path) as store:
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreFailed, match=r"full.*free some space"):
            store.commit(changes.rows.values(), there.data, 1000.0)
        store._connection.execute("PRAGMA max_page_count = 100000")
        store.commit(changes.rows.values(), there.data, 1000.0)
    (session,) = Timelines(tmp_path).sessions()
    (rows,) = changes.rows.values()
    assert len(Timelines(tmp_path).samples(session.name)) == len(rows.samples)
    assert len(Timelines(tmp_path).events(session.name)) == len(rows.events)


def test_a_file_that_is_no_database_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"This is a text file. " * 100)
    with pytest.raises(BadSettings, match=r"sessions\.sqlite3: not usable .*READROOM_DATA"):
        Store(tmp_path)


def test_a_store_of_a_newer_version_is_a_clear_error(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store._connection.execute("INSERT INTO schema_version VALUES (99)")
    with pytest.raises(BadSettings, match="schema 99"):
        Store(tmp_path)


def test_an_older_store_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(tmp_path) as store:
        commit(store, a_room())

    def second(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE session ADD COLUMN place TEXT NOT NULL DEFAULT ''")

    monkeypatch.setattr(file, "MIGRATIONS", (*file.MIGRATIONS, second))
    with Store(tmp_path) as store:
        assert store._connection.execute("SELECT place FROM session").fetchall() == [("",)]
    with Store(tmp_path):
        assert len(Timelines(tmp_path).sessions()) == 1


def test_no_store_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="READROOM_DATA"):
        Timelines(tmp_path)


def test_opening_the_file_again_takes_no_lock_of_the_store_away(tmp_path: Path) -> None:
    """POSIX locks belong to a process and go with the first descriptor of the file that it closes:
    a reader would take itself for the last one then, and the log away with it."""
    look = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); "
        "print(c.execute('SELECT count(*) FROM sample').fetchone()[0]); c.close()"
    )

    def seen() -> int:
        found = subprocess.run(
            [sys.executable, "-c", look, str(tmp_path / FILE_NAME)],
            capture_output=True,
            text=True,
            check=True,
        )
        return int(found.stdout)

    running = a_session("now")
    with Store(tmp_path) as store:
        for number in (1, 2):
            connect(tmp_path / FILE_NAME).close()
            rows = SessionRows("room", running, samples=[plain_sample(1, float(number))])
            store.commit([rows], RoomData(room="room", session=running), START)
            assert seen() == number


def test_a_room_may_be_called_like_the_store_itself(tmp_path: Path) -> None:
    with Store(tmp_path), only_aggregator(tmp_path, "sessions"):
        pass


def test_networks_and_the_session_s_own_drops_come_back(tmp_path: Path) -> None:
    there = a_room()
    camera = there.data.cameras["front"]
    camera.reported_before, camera.reported_drops = {"full": 3}, {"full": 5, "rate": 2}
    camera.dropped = {"stale": 1}
    there.data.models = {"face": "yunet"}
    with Store(tmp_path) as store:
        commit(store, there)
    timelines = Timelines(tmp_path)
    (session,) = timelines.sessions()
    (stored,) = timelines.cameras(session.name)
    assert session.models == {"face": "yunet"}
    assert stored.dropped == {"full": 2, "rate": 2, "stale": 1}
    camera.reported_drops = {"full": 1}  # Its ingest has started anew, and counts from 0.
    assert camera.drops(of_session=True) == {"full": 1, "stale": 1}
