"""Killed in the middle of a commit, or with half of its log written: all of a commit is there, or
nothing of it."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from readroom.aggregator.room_data import RoomData
from readroom.aggregator.rows import SessionRows
from readroom.aggregator.store import Store
from readroom.sessions.backup import backup
from readroom.sessions.file import FILE_NAME
from readroom.sessions.timelines import Timelines
from tests.aggregator.made import START
from tests.aggregator.stored import plain_sample, session

#: Samples of one commit: several pages of the file.
ROWS = 400


def commit(store: Store, number: int) -> None:
    """The ``number``-th commit: ROWS samples, and a checkpoint that says how many there were."""
    of = session()
    rows = SessionRows("room", of)
    rows.samples += [plain_sample(1, number * 1000 + n / 4) for n in range(ROWS)]
    store.commit([rows], RoomData(room="room", session=of, commands=str(number)), START)


def commits_in(folder: Path) -> int:
    """How many commits the file holds. Fails where rows and checkpoint disagree."""
    with Store(folder) as store:
        assert store._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert store._connection.execute("PRAGMA foreign_key_check").fetchall() == []
        found = store.checkpoint("room")
        commits = 0 if found is None else int(found.data.commands)
    assert len(Timelines(folder).samples("s1")) == ROWS * commits
    return commits


def die_in(folder: Path, statement: str, nth: int) -> None:
    """Commit once, and die in the second commit, as ``statement`` begins for the ``nth`` time."""
    with Store(folder) as store:
        commit(store, 1)
        left = iter(range(nth - 1))

        def watch(running: str) -> None:
            if running.startswith(statement) and next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        store._connection.set_trace_callback(watch)
        commit(store, 2)


@pytest.mark.parametrize(
    ("statement", "nth"),
    [
        ("BEGIN", 1),
        ("REPLACE INTO sample", 1),
        ("REPLACE INTO sample", ROWS),
        ("INSERT OR REPLACE INTO checkpoint", 1),
        ("COMMIT", 1),
    ],
)
def test_a_commit_that_is_cut_by_a_kill_leaves_nothing(
    statement: str, nth: int, tmp_path: Path
) -> None:
    child = os.fork()
    if child == 0:  # Never returns to pytest.
        with suppress(BaseException):
            die_in(tmp_path, statement, nth)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert commits_in(tmp_path) == 1
    with Store(tmp_path) as store:  # What was lost is handed out again, and written.
        commit(store, 2)
    assert commits_in(tmp_path) == 2


def test_a_log_that_is_cut_anywhere_holds_whole_commits(tmp_path: Path) -> None:
    """A machine that dies has written any part of the log."""
    whole = tmp_path / "whole"
    with Store(whole) as store:
        commit(store, 1)
        # All of it into the file itself, so that the log that follows is the second and third.
        store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        commit(store, 2)
        between = log(whole).stat().st_size
        commit(store, 3)
        size = log(whole).stat().st_size
        cuts = {*range(0, size, size // 12), between - 1, between, size - 1, size}
        for number, cut in enumerate(sorted(cuts)):
            copy = tmp_path / f"cut{number}"
            copy.mkdir()
            shutil.copy(whole / FILE_NAME, copy)
            log(copy).write_bytes(log(whole).read_bytes()[:cut])
            assert commits_in(copy) == (1 if cut < between else 2 if cut < size else 3)


def log(folder: Path) -> Path:
    return folder / f"{FILE_NAME}-wal"


def test_a_backup_of_what_a_crash_left_is_whole(tmp_path: Path) -> None:
    with Store(tmp_path / "running") as store:
        commit(store, 1)
        shutil.copytree(tmp_path / "running", tmp_path / "left")
    backup(tmp_path / "left", tmp_path / "copy")
    with closing(sqlite3.connect(tmp_path / "copy")) as copy:
        assert copy.execute("SELECT count(*) FROM sample").fetchone() == (ROWS,)
