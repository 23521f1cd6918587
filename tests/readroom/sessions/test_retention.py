"""What is erased is gone: from the tables, from the file, and from its log."""

from __future__ import annotations

import sqlite3
import struct
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from readroom.aggregator.room_data import RoomData
from readroom.aggregator.rows import SessionRows
from readroom.aggregator.store import Store
from readroom.errors import BadSettings
from readroom.messages import Box
from readroom.sessions import file, retention
from readroom.sessions.file import FILE_NAME, StoreFailed, alone
from readroom.sessions.retention import (
    Retention,
    erase_old,
    erase_person,
    erase_session,
    finish,
)
from readroom.sessions.rows import MeasureRow, PersonRow, Sample
from readroom.sessions.timelines import Timelines
from tests.aggregator.made import START
from tests.aggregator.stored import (
    a_session,
    about,
    damage,
    event,
    measure,
    plain_sample,
    session,
    stored_rows,
    write,
)

DAY_S = 86400.0
#: A box that no other bytes look like.
PLANTED_BOX = Box(1.2345e-7, 7.6543e21, -3.25e-11, 9.875e-5)
PLANTED = {
    "pseudonym": b"Pseudonym-of-the-erased",
    "title": b"Title-of-the-erased",
    "label": b"Label-of-the-erased",
    "box": struct.pack("<4f", *(getattr(PLANTED_BOX, n) for n in ("x", "y", "width", "height"))),
}


def on_disk(folder: Path) -> dict[str, bool]:
    """Which planted bytes are in the file or its log."""
    there = b"".join(path.read_bytes() for path in folder.iterdir())
    return {name: found in there for name, found in PLANTED.items()}


def plant(folder: Path) -> None:
    """Session s1 with a person 2 who can be found by their bytes, among others."""
    rows = a_session(seconds=60)
    rows.session.title = PLANTED["title"].decode()
    rows.samples += [
        Sample(
            person=2,
            time_s=100 + n / 4,
            state="not_read",
            confidence=0.0,
            expression=None,
            coverage=1.0,
            box=PLANTED_BOX,
        )
        for n in range(400)
    ]
    rows.events.append(event("response", 1, 2, state=PLANTED["label"].decode()))
    write(folder, a_session("other", seconds=60), rows, a_session("third", seconds=60))
    with closing(sqlite3.connect(folder / FILE_NAME)) as file, file:
        file.execute(
            "UPDATE person SET pseudonym = ? WHERE person = 2 AND session = "
            "(SELECT id FROM session WHERE name = 's1')",
            (PLANTED["pseudonym"].decode(),),
        )


def test_what_is_planted_is_found_before_it_is_erased(tmp_path: Path) -> None:
    plant(tmp_path)
    assert all(on_disk(tmp_path).values())


def test_an_erased_person_is_gone_from_the_file_and_its_log(tmp_path: Path) -> None:
    plant(tmp_path)
    others = {name: stored_rows(tmp_path, name) for name in ("other", "third")}
    with Store(tmp_path):  # An aggregator has the file open.
        erased = erase_person(tmp_path, "s1", 2)
        assert on_disk(tmp_path) == {**dict.fromkeys(PLANTED, False), "title": True, "label": True}
    assert on_disk(tmp_path) == {**dict.fromkeys(PLANTED, False), "title": True, "label": True}
    assert erased.before == {"sample": 640, "person": 1, "event": 1, "measure": 0, "checkpoint": 0}
    assert erased.complete
    assert [p.person for p in Timelines(tmp_path).people("s1")] == [1, 3]
    assert {s.person for s in Timelines(tmp_path).samples("s1")} == {1, 3}
    assert {name: stored_rows(tmp_path, name) for name in others} == others


def test_an_erased_session_is_gone_from_the_file_and_its_log(tmp_path: Path) -> None:
    plant(tmp_path)
    others = {name: stored_rows(tmp_path, name) for name in ("other", "third")}
    erased = erase_session(tmp_path, "s1")
    assert erased.before["session"] == 1
    assert all(erased.before[t] > 0 for t in ("sample", "event", "person", "measure", "note"))
    assert erased.complete
    assert not any(on_disk(tmp_path).values())
    assert [s.name for s in Timelines(tmp_path).sessions()] == ["other", "third"]
    assert {name: stored_rows(tmp_path, name) for name in others} == others


def test_with_a_person_go_all_who_were_merged_with_them(tmp_path: Path) -> None:
    rows = SessionRows("room", session(closed=True))
    rows.people += [
        PersonRow(1, 1, "front", 0.0, 9.0),
        PersonRow(2, 2, "side", 0.0, 9.0, merged_into=1),
        PersonRow(3, 3, "side", 0.0, 9.0),
    ]
    rows.samples += [plain_sample(person, 1.0) for person in (1, 2, 3)]
    rows.events += [
        about(2, "look_ended", 1, 2, "amused"),
        about(3, "split", 3, 3, "P2", other=2),
        about(3, "look_ended", 1, 2, "amused"),
    ]
    write(tmp_path, rows)
    erased = erase_person(tmp_path, "s1", 2)
    assert (erased.before["person"], erased.before["sample"]) == (2, 2)
    assert [p.person for p in Timelines(tmp_path).people("s1")] == [3]
    assert [e.kind for e in Timelines(tmp_path).events("s1")] == ["look_ended"]


def test_figures_of_the_room_that_rested_on_the_person_alone_go_too(tmp_path: Path) -> None:
    rows = SessionRows("room", session(closed=True))
    rows.people += [PersonRow(1, 1, "front", 100.0, 200.0), PersonRow(2, 2, "front", 400.0, 500.0)]
    for at_s, n in ((150.0, 1), (151.0, 2), (259.0, 1), (262.0, 1), (450.0, 1)):
        rows.measures.append(MeasureRow(at_s, "facing_front", measure(n=n)))
        rows.events.append(event("peak", at_s - 5, at_s, state="valence", measure=measure(n=n)))
    write(tmp_path, rows)
    assert erase_person(tmp_path, "s1", 1).complete
    left = [(151.0, 2), (262.0, 1), (450.0, 1)]
    assert [(m.time_s, m.measure.n) for m in Timelines(tmp_path).measures("s1")] == left
    events = Timelines(tmp_path).events("s1")
    assert [(e.end_s, e.measure.n) for e in events if e.measure] == left


def test_somebody_else_who_had_the_slot_before_is_not_touched(tmp_path: Path) -> None:
    rows = SessionRows("room", session(closed=True))
    rows.people += [PersonRow(1, 1, "front", 0.0, 10.0), PersonRow(2, 1, "front", 10.0, 20.0)]
    rows.events += [
        about(1, "look_ended", 1, 9, "amused", slot=1),
        about(2, "look_ended", 11, 19, "puzzled", slot=1),
        # Of no person, as an older version's may be: whose slot it was then, theirs it is.
        event("look_ended", 1, 9, slot=1, state="attentive"),
        event("look_ended", 12, 13, slot=1, state="displeased"),
    ]
    write(tmp_path, rows)
    erase_person(tmp_path, "s1", 1)
    left = ["puzzled", "displeased"]
    assert [e.state for e in Timelines(tmp_path).events("s1")] == left


def test_a_running_session_is_not_erased(tmp_path: Path) -> None:
    write(tmp_path, a_session(closed=False))
    with Store(tmp_path):
        with alone(tmp_path) as idle:
            assert not idle
        for erase in (
            lambda: erase_session(tmp_path, "s1"),
            lambda: erase_person(tmp_path, "s1", 1),
        ):
            with pytest.raises(BadSettings, match="still running; stop it"):
                erase()
    with alone(tmp_path) as idle:
        assert idle


def test_an_aggregator_that_starts_meanwhile_goes_on_without_who_was_erased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would take up the crashed session from its checkpoint, erased people and all."""
    write(tmp_path, a_session(closed=False))
    found: list[object] = []

    def start() -> None:
        with Store(tmp_path) as store:
            found.append(store.checkpoint("room"))

    aggregator = threading.Thread(target=start)
    within = retention._within

    def slowly(connection: sqlite3.Connection, folder: Path, change: Callable[[], None]) -> None:
        aggregator.start()
        aggregator.join(0.5)
        assert not found
        within(connection, folder, change)

    monkeypatch.setattr(retention, "_within", slowly)
    assert erase_person(tmp_path, "s1", 1).complete
    aggregator.join()
    assert found == [None]


def test_a_crashed_session_is_erased_with_its_checkpoint(tmp_path: Path) -> None:
    write(tmp_path, a_session(closed=False))
    erased = erase_session(tmp_path, "s1")
    assert erased.before["checkpoint"] == 1
    assert erased.complete
    with Store(tmp_path) as store:
        assert store.checkpoint("room") is None


def test_a_person_of_a_crashed_session_is_erased_with_its_checkpoint(tmp_path: Path) -> None:
    write(tmp_path, a_session(closed=False))
    erased = erase_person(tmp_path, "s1", 1)
    assert erased.before["checkpoint"] == 1
    assert erased.complete


def test_a_checkpoint_of_another_session_stays(tmp_path: Path) -> None:
    write(tmp_path, a_session("first"), a_session("second"))
    erase_session(tmp_path, "first")
    with Store(tmp_path) as store:
        assert store.checkpoint("room") is not None


def test_no_such_person_or_session_is_a_clear_error(tmp_path: Path) -> None:
    write(tmp_path, a_session())
    with pytest.raises(BadSettings, match=r"person=9: .* 1 \(P1\), 2 \(P2\), 3 \(P3\)"):
        erase_person(tmp_path, "s1", 9)
    with pytest.raises(BadSettings, match=r"session=s2: no such session .* there are s1"):
        erase_session(tmp_path, "s2")
    with pytest.raises(BadSettings, match="READROOM_DATA"):
        erase_session(tmp_path / "nowhere", "s2")


def test_a_reader_that_holds_the_log_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("readroom.sessions.file.BUSY_S", 0.1)
    write(tmp_path, a_session())
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sample").fetchall()
        with pytest.raises(StoreFailed, match=r"may still hold copies .* then erase again"):
            erase_person(tmp_path, "s1", 1)
    assert [p.person for p in Timelines(tmp_path).people("s1")] == [2, 3]


@pytest.mark.parametrize(
    "by", [finish, lambda folder: erase_old(folder, 9, START)], ids=["hand", "age"]
)
def test_an_erasure_that_was_cut_off_is_finished_later(
    by: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tmp_path)

    def cut_off(connection: sqlite3.Connection, folder: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(retention, "_purge", cut_off)
        with pytest.raises(KeyboardInterrupt):
            erase_session(tmp_path, "s1")
    purged: list[bool] = []
    purge = retention._purge
    monkeypatch.setattr(retention, "_purge", lambda *on: purged.append(True) or purge(*on))
    by(tmp_path)
    assert purged == [True]
    assert not any(on_disk(tmp_path).values())
    by(tmp_path)
    assert purged == [True]


# -- by age ---------------------------------------------------------------------------------------


def test_sessions_that_ended_too_long_ago_are_erased(tmp_path: Path) -> None:
    write(tmp_path, a_session("old"), saved_at=START)
    write(tmp_path, a_session("young"), saved_at=START + 5 * DAY_S)
    now = START + 10.5 * DAY_S
    assert erase_old(tmp_path, 11, now) == []
    assert erase_old(tmp_path, 10, now) == ["old"]
    assert [s.name for s in Timelines(tmp_path).sessions()] == ["young"]
    assert stored_rows(tmp_path) == stored_rows(tmp_path, "young")
    assert erase_old(tmp_path, 10, now) == []


def test_nothing_is_erased_where_sessions_are_kept_for_ever(tmp_path: Path) -> None:
    write(tmp_path, a_session())
    assert erase_old(tmp_path, 0, START + 1e9) == []


def test_where_there_is_no_store_nothing_is_made(tmp_path: Path) -> None:
    assert erase_old(tmp_path / "nowhere", 90, START) == []
    assert not (tmp_path / "nowhere").exists()


def test_a_quiet_session_is_not_taken_for_an_old_one(tmp_path: Path) -> None:
    """Kept for a minute only, nobody in sight for an hour: it may still be running."""
    write(tmp_path, a_session(closed=False), saved_at=START)
    assert erase_old(tmp_path, 1 / 1440, START + 3600) == []
    assert erase_old(tmp_path, 1 / 1440, START + 2 * DAY_S) == ["s1"]


def test_the_file_gets_smaller(tmp_path: Path) -> None:
    write(tmp_path, a_session("old", seconds=600), a_session("young"), saved_at=START)
    before = (tmp_path / FILE_NAME).stat().st_size
    erase_session(tmp_path, "old")
    assert (tmp_path / FILE_NAME).stat().st_size < before / 5


def test_sessions_are_looked_for_once_a_day(tmp_path: Path) -> None:
    said: list[str] = []
    daily = Retention(tmp_path, 10, said.append)
    write(tmp_path, a_session("first"), saved_at=START)
    write(tmp_path, a_session("second"), saved_at=START + DAY_S)
    for day, left in ((10.5, ["second"]), (11.4, ["second"]), (11.5, [])):
        daily.turn(START + day * DAY_S)
        daily.wait()
        assert [s.name for s in Timelines(tmp_path).sessions()] == left
    assert said == [f"erased 1 session(s) older than 10 days: {n}" for n in ("first", "second")]


def test_a_failure_is_told_and_tried_again_within_the_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("readroom.sessions.file.BUSY_S", 0.1)
    said: list[str] = []
    daily = Retention(tmp_path, 10, said.append)
    write(tmp_path, a_session())
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        daily.turn(START + 11 * DAY_S)
        daily.wait()
    assert [("nothing was erased" in line, "again in 60 min" in line) for line in said] == [
        (True, True)
    ]
    daily.turn(START + 11 * DAY_S + 3000)
    daily.wait()
    assert len(Timelines(tmp_path).sessions()) == 1
    daily.turn(START + 11 * DAY_S + 3700)
    daily.wait()
    assert Timelines(tmp_path).sessions() == []


def test_an_aggregator_of_the_same_process_commits_on_while_it_erases(tmp_path: Path) -> None:
    """A commit that meets the erasure fails soon, and what it had is written by the next."""
    many = [a_session(f"old{n}", seconds=300) for n in range(3)]
    write(tmp_path, *many, saved_at=START - 9 * DAY_S)
    said: list[str] = []
    running, waiting, longest_s = session("now"), SessionRows("room", session("now")), 0.0
    with Store(tmp_path) as store:
        daily = Retention(tmp_path, 5, said.append)
        number = 0
        while not said or waiting.samples or number < 5:
            waiting.samples.append(plain_sample(1, float(number)))
            number += 1
            began = time.monotonic()
            with suppress(StoreFailed):
                store.commit([waiting], RoomData(room="room", session=running), START)
                waiting = SessionRows("room", running)
            longest_s = max(longest_s, time.monotonic() - began)
            daily.turn(START)
            time.sleep(0.05)  # Between two commits an aggregator does other things.
        daily.wait()
    found = Timelines(tmp_path)
    assert [s.name for s in found.sessions()] == ["now"]
    assert len(found.samples("now")) == number
    assert said == ["erased 3 session(s) older than 5 days: old0, old1, old2"]
    # Not the patience that others have: the page stands still as long as a commit waits.
    assert longest_s < file.BUSY_S / 2


def test_a_commit_that_meets_another_writer_says_so(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreFailed, match=r"locked.*another program writes .*tried again"):
                store.commit([a_session()], RoomData(room="room"), START)
        store.commit([a_session()], RoomData(room="room"), START)
    assert len(Timelines(tmp_path).sessions()) == 1


def test_a_commit_beside_an_erasure_is_not_lost(tmp_path: Path) -> None:
    write(tmp_path, a_session("old"), saved_at=START - 9 * DAY_S)
    with Store(tmp_path) as store:
        running = a_session("now", closed=False)
        store.commit([running], RoomData(room="room", session=running.session), START)
        assert erase_old(tmp_path, 5, START) == ["old"]
        more = SessionRows("room", running.session, purpose="audience")
        more.samples.append(plain_sample(1, 50.0))
        store.commit([more], RoomData(room="room", session=running.session), START + 1)
    found = Timelines(tmp_path)
    assert [s.name for s in found.sessions()] == ["now"]
    assert len(found.samples("now")) == len(running.samples) + 1


def test_a_damaged_store_is_told_as_such(tmp_path: Path) -> None:
    write(tmp_path, a_session("s1"))
    damage(tmp_path, "sample")
    with pytest.raises(StoreFailed, match=r"file is damaged .* restore"):
        erase_session(tmp_path, "s1")


def test_rows_that_are_erased_from_a_damaged_store_may_have_left_copies(tmp_path: Path) -> None:
    write(tmp_path, a_session("s1"))
    damage(tmp_path, "note")  # Which a person has nothing in.
    with pytest.raises(StoreFailed, match=r"^the rows are erased, but .*file is damaged") as told:
        erase_person(tmp_path, "s1", 2)
    assert "free some space" not in str(told.value)
    assert [p.person for p in Timelines(tmp_path).people("s1")] == [1, 3]


def test_a_daily_turn_over_a_damaged_store_is_told_and_ends(tmp_path: Path) -> None:
    write(tmp_path, a_session("s1"))
    damage(tmp_path, "session")
    told: list[str] = []
    turns = Retention(tmp_path, 90, told.append)
    turns.turn(START + 200 * DAY_S)
    turns.wait()
    assert len(told) == 1
    assert "file is damaged" in told[0]
