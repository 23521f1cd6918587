"""Changing what a session and its people are called, once it is over."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from readroom.aggregator.room_data import RoomData
from readroom.aggregator.store import Store
from readroom.sessions.editing import set_name, set_title
from readroom.sessions.file import FILE_NAME, NotStored, StillRuns, StoreFailed
from readroom.sessions.rows import PersonRow
from readroom.sessions.timelines import Timelines
from tests.aggregator.made import START
from tests.aggregator.stored import a_session, write


def names(folder: Path) -> list[str | None]:
    return [person.name for person in Timelines(folder).people("s1")]


def test_a_session_and_its_people_get_other_names(tmp_path: Path) -> None:
    write(tmp_path, a_session())
    set_title(tmp_path, "s1", "The pitch")
    assert set_name(tmp_path, "s1", 2, "Ada") == 2
    assert Timelines(tmp_path).sessions()[0].title == "The pitch"
    assert names(tmp_path) == [None, "Ada", None]
    set_name(tmp_path, "s1", 2, None)
    assert names(tmp_path) == [None, None, None]


def test_who_turned_out_to_be_somebody_else_is_called_as_that_one(tmp_path: Path) -> None:
    rows = a_session()
    rows.people.append(PersonRow(3, 3, "front", 0.0, 5.0, merged_into=1))
    write(tmp_path, rows)
    assert set_name(tmp_path, "s1", 3, "Ada") == 1
    assert names(tmp_path) == ["Ada", None, None]


def test_a_session_that_runs_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path, a_session(closed=False))
    with pytest.raises(StillRuns, match="stop it first"):
        set_title(tmp_path, "s1", "The pitch")
    with pytest.raises(StillRuns):
        set_name(tmp_path, "s1", 1, "Ada")
    assert Timelines(tmp_path).sessions()[0].title == "A talk"
    assert names(tmp_path) == [None, None, None]


def test_who_isn_t_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotStored, match="session=s1"):
        set_title(tmp_path, "s1", "x")
    assert list(tmp_path.iterdir()) == []
    write(tmp_path, a_session())
    with pytest.raises(NotStored, match="session=s2"):
        set_title(tmp_path, "s2", "x")
    with pytest.raises(NotStored, match="person=9"):
        set_name(tmp_path, "s1", 9, "x")


def test_a_store_that_is_being_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, a_session())
    monkeypatch.setattr("readroom.sessions.file.BUSY_S", 0.05)
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreFailed, match="try again"):
            set_title(tmp_path, "s1", "x")


def test_an_aggregator_that_commits_once_more_doesn_t_undo_it(tmp_path: Path) -> None:
    rows = a_session()
    write(tmp_path, rows)
    set_title(tmp_path, "s1", "The pitch")
    with Store(tmp_path) as store:  # It still has the session in mind.
        store.commit([], RoomData(room="room", session=rows.session, models={"face": "x"}), START)
    (found,) = Timelines(tmp_path).sessions()
    assert (found.title, found.models) == ("The pitch", {"face": "x"})


def test_the_title_of_a_session_that_runs_is_its_aggregator_s(tmp_path: Path) -> None:
    rows = a_session(closed=False)
    write(tmp_path, rows)
    rows.session.title = "Another"
    with Store(tmp_path) as store:
        store.commit([], RoomData(room="room", session=rows.session), START)
    assert Timelines(tmp_path).sessions()[0].title == "Another"
