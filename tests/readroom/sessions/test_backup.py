"""A store is copied while it is written to, and sessions come back from the copy."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from readroom.aggregator.room_data import RoomData
from readroom.aggregator.rows import SessionRows
from readroom.aggregator.store import Store
from readroom.errors import BadSettings
from readroom.sessions import schema
from readroom.sessions.backup import backup, restore
from readroom.sessions.file import FILE_NAME, StoreFailed
from readroom.sessions.timelines import Timelines
from tests.aggregator.made import START
from tests.aggregator.stored import a_session, plain_sample, session, stored_rows, write
from tests.readroom.sessions.test_migration import version_1


def everything(folder: Path, name: str) -> list[object]:
    found = Timelines(folder)
    return [
        found.people(name),
        found.samples(name),
        found.events(name),
        found.measures(name),
        found.markers(name),
        found.notes(name),
        found.frames(name),
        [s for s in found.sessions() if s.name == name],
    ]


def test_a_session_comes_back_as_it_was(tmp_path: Path) -> None:
    store, copy = tmp_path / "store", tmp_path / "copy.sqlite3"
    write(store, a_session("s1"), a_session("s2", people=2))
    made = backup(store, copy)
    assert (made.sessions, made.size) == (2, copy.stat().st_size)
    # Into a store in which other sessions have those keys.
    other = tmp_path / "other"
    write(other, a_session("x"), a_session("y"), a_session("z"))
    before = everything(other, "y")
    assert restore(other, copy).added == ("s1", "s2")
    for name in ("s1", "s2"):
        assert everything(other, name) == everything(store, name)
        assert stored_rows(other, name) == stored_rows(store, name)
    assert everything(other, "y") == before


def test_a_backup_is_for_its_owner_only_and_one_file(tmp_path: Path) -> None:
    write(tmp_path / "store", a_session())
    (tmp_path / "kept").mkdir()
    old = os.umask(0)
    try:
        backup(tmp_path / "store", tmp_path / "kept/copy")
    finally:
        os.umask(old)
    (only,) = (tmp_path / "kept").iterdir()
    assert stat.S_IMODE(only.stat().st_mode) == 0o600


def test_a_backup_holds_no_checkpoint_and_no_session_that_runs(tmp_path: Path) -> None:
    write(tmp_path / "store", a_session(closed=False))
    backup(tmp_path / "store", tmp_path / "copy")
    with closing(sqlite3.connect(tmp_path / "copy")) as copy:
        assert copy.execute("SELECT count(*) FROM checkpoint").fetchone() == (0,)
        assert copy.execute("SELECT state FROM session").fetchall() == [("abandoned",)]
    assert Timelines(tmp_path / "store").sessions()[0].state == "open"


def test_backup_and_restore_while_an_aggregator_commits(tmp_path: Path) -> None:
    """Every backup is one moment of the session: all rows of a commit, or none."""
    folder = tmp_path / "store"
    write(tmp_path / "other", a_session("restored", seconds=60))
    backup(tmp_path / "other", tmp_path / "offered")
    stop, commits = threading.Event(), 0
    of = session()

    def run() -> None:
        nonlocal commits
        with Store(folder) as store:
            while not stop.is_set():
                rows = SessionRows("room", of)
                rows.samples += [plain_sample(person, commits / 4) for person in range(1, 11)]
                store.commit([rows], RoomData(room="room", session=of), START)
                commits += 1

    write(folder, SessionRows("room", of, samples=[]))
    aggregator = threading.Thread(target=run)
    aggregator.start()
    try:
        while commits < 5:
            assert aggregator.is_alive()
        counts = []
        for number in range(5):
            copy = tmp_path / f"copy{number}"
            backup(folder, copy)
            with closing(sqlite3.connect(copy)) as file:
                assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                counts.append(file.execute("SELECT count(*) FROM sample").fetchone()[0])
        assert restore(folder, tmp_path / "offered").added == ("restored",)
        seen = commits
        while commits < seen + 5:
            assert aggregator.is_alive()
    finally:
        stop.set()
        aggregator.join()
    assert all(count % 10 == 0 for count in counts)
    assert counts == sorted(counts)
    assert counts[-1] > 0
    assert len(Timelines(folder).samples("s1")) == 10 * commits
    assert everything(folder, "restored") == everything(tmp_path / "other", "restored")


def test_a_session_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    write(folder, a_session("s1"), a_session("s2"))
    backup(folder, tmp_path / "copy")
    more = SessionRows("room", session(), purpose="audience", samples=[plain_sample(1, 500.0)])
    write(folder, more)
    before = everything(folder, "s1")
    result = restore(folder, tmp_path / "copy")
    assert (result.added, result.kept) == ((), ("s1", "s2"))
    assert everything(folder, "s1") == before


def test_a_store_that_is_gone_is_made_anew(tmp_path: Path) -> None:
    write(tmp_path / "store", a_session())
    backup(tmp_path / "store", tmp_path / "copy")
    assert restore(tmp_path / "new", tmp_path / "copy").added == ("s1",)
    assert stat.S_IMODE((tmp_path / "new" / FILE_NAME).stat().st_mode) == 0o600
    # Nothing is left of the restoring but the store.
    assert {p.name.split(".")[0] for p in (tmp_path / "new").iterdir()} == {"sessions"}
    assert everything(tmp_path / "new", "s1") == everything(tmp_path / "store", "s1")


def test_a_backup_of_an_older_version_is_restored_and_stays_as_it_is(tmp_path: Path) -> None:
    version_1(tmp_path / "old")
    source = tmp_path / "old" / FILE_NAME
    before = source.read_bytes()
    assert restore(tmp_path / "new", source).added == ("old",)
    assert source.read_bytes() == before
    assert len(Timelines(tmp_path / "new").events("old")) == 6


def test_a_backup_of_a_newer_version_is_a_clear_error(tmp_path: Path) -> None:
    write(tmp_path / "store", a_session())
    backup(tmp_path / "store", tmp_path / "copy")
    with closing(sqlite3.connect(tmp_path / "copy")) as copy, copy:
        copy.execute("INSERT INTO schema_version VALUES (?)", (len(schema.MIGRATIONS) + 1,))
    with pytest.raises(BadSettings, match="made by a newer readroom"):
        restore(tmp_path / "new", tmp_path / "copy")


@pytest.mark.parametrize("content", [b"", b"This is a text file. " * 100])
def test_what_is_no_backup_is_a_clear_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes(content)
    with pytest.raises(BadSettings, match=r"copy: no usable backup .*readroom backup"):
        restore(tmp_path / "store", tmp_path / "copy")


def test_a_damaged_backup_is_a_clear_error(tmp_path: Path) -> None:
    write(tmp_path / "store", a_session(seconds=60))
    backup(tmp_path / "store", tmp_path / "copy")
    whole = (tmp_path / "copy").read_bytes()
    (tmp_path / "copy").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadSettings, match="no usable backup"):
        restore(tmp_path / "new", tmp_path / "copy")


def test_files_that_are_there_or_not_are_clear_errors(tmp_path: Path) -> None:
    write(tmp_path / "store", a_session())
    (tmp_path / "there").write_text("mine")
    with pytest.raises(BadSettings, match="exists already"):
        backup(tmp_path / "store", tmp_path / "there")
    assert (tmp_path / "there").read_text() == "mine"
    with pytest.raises(BadSettings, match="can't be made"):
        backup(tmp_path / "store", tmp_path / "nowhere/copy")
    with pytest.raises(BadSettings, match="READROOM_DATA"):
        backup(tmp_path / "nowhere", tmp_path / "copy")
    with pytest.raises(BadSettings, match="no such file"):
        restore(tmp_path / "store", tmp_path / "nowhere")


def test_a_full_disk_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "store", a_session("s1", seconds=60))
    backup(tmp_path / "store", tmp_path / "copy")
    write(tmp_path / "other", a_session("x"))

    from readroom.sessions import backup as backups

    connect = backups.connect

    def small(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 1}")
        return connection

    monkeypatch.setattr(backups, "connect", small)
    with pytest.raises(StoreFailed, match=r"full.*free some space"):
        restore(tmp_path / "other", tmp_path / "copy")
    assert [s.name for s in Timelines(tmp_path / "other").sessions()] == ["x"]
    assert stored_rows(tmp_path / "other") == stored_rows(tmp_path / "other", "x")


def test_purposes_come_back_too(tmp_path: Path) -> None:
    rows = replace(SessionRows("room", session()), purpose="workplace")
    rows.samples.append(plain_sample(1, 0.0))
    write(tmp_path / "store", rows)
    backup(tmp_path / "store", tmp_path / "copy")
    restore(tmp_path / "new", tmp_path / "copy")
    assert Timelines(tmp_path / "new").sessions()[0].purpose == "workplace"
