"""The store's commands as a person gives them: erase, backup, restore, record."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from readroom.aggregator.store import Store
from readroom.cli import main
from readroom.messages import BoxInfo
from readroom.sessions.rows import PersonRow
from readroom.sessions.timelines import Timelines
from readroom.settings import load_settings
from readroom.streams import PEOPLE_KEPT, Keys, add, register_box
from tests.aggregator.made import START
from tests.aggregator.stored import a_session, damage, write
from tests.dashboards.scene import person, room_state

KEYS = Keys("room")


def command(*words: str) -> int:
    """The command line's exit code."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    code = ended.value.code
    return code if isinstance(code, int) else 0


@pytest.fixture
def data() -> Path:
    """Where the store is."""
    return load_settings().data


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


# -- erase ----------------------------------------------------------------------------------------


def test_erase_alone_lists_what_there_is(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(data, a_session("monday"), a_session("tuesday-2", closed=False))
    assert command("erase") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert " ".join(first.split()) == "monday 14 November 2023, 22:13 UTC closed A talk"
    assert second.startswith("tuesday-2  ")
    assert " open " in second


def test_a_session_is_erased_and_the_proof_is_shown(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(data, a_session("monday"), a_session("tuesday"))
    assert command("erase", "monday", "--yes") == 0
    told = [line.rsplit(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    assert ["points of timelines", "120", "0"] in told
    assert ["the session itself", "1", "0"] in told
    assert [s.name for s in Timelines(data).sessions()] == ["tuesday"]


@pytest.mark.parametrize("words", [["--person", "p2"], ["--number", "2"]])
def test_a_person_is_erased_by_name_or_number(
    words: list[str], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(data, a_session("monday"))
    assert command("erase", "monday", *words, "--yes") == 0
    told = [line.rsplit(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    assert ["points of timelines", "40", "0"] in told
    assert [p.person for p in Timelines(data).people("monday")] == [1, 3]


@pytest.mark.parametrize(("typed", "left"), [("y\n", []), ("n\n", ["monday"]), ("\n", ["monday"])])
def test_it_is_asked_before(
    typed: str,
    left: list[str],
    data: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(data, a_session("monday"))
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    assert command("erase", "monday") == (1 if left else 0)
    told = capsys.readouterr().out
    assert (
        "Erase session monday (14 November 2023, 22:13 UTC, 'A talk')? It can't be undone." in told
    )
    assert ("nothing was erased" in told) == bool(left)
    assert [s.name for s in Timelines(data).sessions()] == left


def test_what_is_asked_says_who(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(data, a_session("monday", seconds=75))
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert command("erase", "monday", "--person", "P2") == 1
    assert "Erase P2 (number 2, there 0:00 to 1:15), with all who" in capsys.readouterr().out


def reused(data: Path, *, merged_into: int | None = None) -> None:
    """A session in which two people were P2, one after the other."""
    rows = a_session("monday")
    rows.people.append(PersonRow(4, 2, "side", 70.0, 95.0, merged_into=merged_into))
    write(data, rows)


def test_of_two_who_had_the_name_one_is_named_by_number(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reused(data)
    assert command("erase", "monday", "--person", "P2", "--yes") == 2
    told = capsys.readouterr().err
    assert "2 people of session monday were called so" in told
    assert "--number 2: 0:00 to 0:10; --number 4: 1:10 to 1:35" in told
    assert len(Timelines(data).people("monday")) == 4
    assert command("erase", "monday", "--number", "4", "--yes") == 0
    assert [p.person for p in Timelines(data).people("monday")] == [1, 2, 3]


def test_two_who_turned_out_to_be_one_are_erased_as_one(data: Path) -> None:
    reused(data, merged_into=2)
    assert command("erase", "monday", "--person", "P2", "--yes") == 0
    assert [p.person for p in Timelines(data).people("monday")] == [1, 3]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["sunday", "--yes"], "session 'sunday': no such session is stored; name one in full"),
        (["monday", "--person", "P9", "--yes"], "nobody in session monday was called so; there"),
        (["monday", "--person", "Bob", "--yes"], "'Bob': nobody is called so; people are P1 to"),
        (["monday", "--number", "9", "--yes"], "--number 9: session monday has no such person"),
        (["monday"], "there is no terminal to ask at; to erase without being asked, add --yes"),
    ],
)
def test_what_cannot_be_erased_is_a_clear_error(
    words: list[str],
    told: str,
    data: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    write(data, a_session("monday"))
    assert command("erase", *words) == 2
    assert told in capsys.readouterr().err
    assert len(Timelines(data).people("monday")) == 3


def test_a_running_session_is_not_erased(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(data, a_session("monday", closed=False))
    with Store(data):
        assert command("erase", "monday", "--yes") == 2
    assert "still running; stop it first" in capsys.readouterr().err


def test_where_no_store_is_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("erase") == 2
    assert "no session store there; set READROOM_DATA" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["erase"],
        ["erase", "monday"],
        ["erase", "monday", "--yes"],
        ["erase", "monday", "--person", "P2", "--yes"],
        ["backup", "copy"],
    ],
)
@pytest.mark.parametrize("table", ["session", "sample"])
def test_a_damaged_store_is_told_in_one_line(
    table: str,
    words: list[str],
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    write(data, a_session("monday", seconds=60))
    damage(data, table)
    if words == ["erase"] and table == "sample":  # Nothing of it is needed.
        assert command(*words) == 0
        return
    assert command(*words) == 1
    told = capsys.readouterr().err
    assert "sessions.sqlite3: the session store's file is damaged (" in told
    assert "move it away, then `readroom restore` a backup" in told
    assert "free some space" not in told
    assert len(told.splitlines()) == 1
    assert not (tmp_path / "copy").exists()


# -- backup and restore ---------------------------------------------------------------------------


def test_what_was_erased_comes_back_from_a_backup_made_while_a_room_runs(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(data, a_session("monday"), a_session("tuesday"))
    with Store(data):
        assert command("backup", str(tmp_path / "copy")) == 0
        assert "2 session(s), 0." in capsys.readouterr().out
        assert command("erase", "monday", "--yes") == 0
        capsys.readouterr()
        assert command("restore", str(tmp_path / "copy")) == 0
    assert capsys.readouterr().out.splitlines() == [
        "added monday",
        "kept tuesday: it is there already",
        f"1 session(s) added to {data}",
    ]
    assert {s.name for s in Timelines(data).sessions()} == {"monday", "tuesday"}


def test_a_backup_replaces_no_file_and_needs_a_store(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("backup", str(tmp_path / "copy")) == 2
    assert "no session store there" in capsys.readouterr().err
    write(data, a_session())
    (tmp_path / "copy").write_text("mine")
    assert command("backup", str(tmp_path / "copy")) == 2
    assert "exists already; name a new file" in capsys.readouterr().err
    assert command("restore", str(tmp_path / "copy")) == 2
    assert "no usable backup" in capsys.readouterr().err
    assert command("restore", str(tmp_path / "nowhere")) == 2
    assert "no such file; name one that `readroom backup` made" in capsys.readouterr().err


def test_a_file_that_is_called_like_a_secret_is_told_as_it_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "passwd").write_text("root:x:0:0\n" * 100)
    assert command("restore", str(tmp_path / "passwd")) == 2
    assert f"{tmp_path}/passwd: no usable backup (" in capsys.readouterr().err


# -- record ---------------------------------------------------------------------------------------


@pytest.fixture
def room(client: redis.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> redis.Redis:
    """A Redis in which a room's aggregator has registered."""
    monkeypatch.setenv("READROOM_REDIS__URL", redis_url)
    now = time.time()
    register_box(
        client,
        KEYS,
        BoxInfo(kind="aggregate", name="a", host="h", pid=1, address="", started_at=now, at=now),
    )
    return client


def say(client: redis.Redis, *times: float, session: str = "s1", **changes: object) -> None:
    for time_s in times:
        state = room_state(time_s, [person(1, "happiness")], session=session,
                           started_at=START, **changes)  # fmt: skip
        add(client, KEYS.people, state, maxlen=PEOPLE_KEPT)


def later(does: Callable[[], None], seconds: float = 0.5) -> threading.Timer:
    timer = threading.Timer(seconds, does)
    timer.start()
    return timer


def test_a_session_is_recorded_to_its_end(
    room: redis.Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow (extra record)")
    path = tmp_path / "talk.parquet"
    say(room, 0.25, 0.5)
    ending = later(lambda: say(room, 0.75, 1.0, phase="closed"))
    assert command("record", "--out", str(path)) == 0
    ending.join()
    told = capsys.readouterr().out.splitlines()
    assert told == [f"recording session s1 into {path}", f"2 rows of session s1 in {path}"]
    assert pq.read_table(path).column("time_s").to_pylist() == [0.25, 0.5]


def test_a_session_of_the_last_minutes_is_recorded_by_name(
    room: redis.Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow (extra record)")
    path = tmp_path / "talk.parquet"
    say(room, 0.25, 0.5, session="first")
    say(room, 0.75, session="first", phase="closed")
    say(room, 0.25, session="second")
    assert command("record", "--out", str(path), "--session", "first") == 0
    assert f"2 rows of session first in {path}" in capsys.readouterr().out
    assert set(pq.read_table(path).column("session").to_pylist()) == {"first"}
    other = tmp_path / "other.parquet"
    assert command("record", "--out", str(other), "--session", "third") == 2
    told = capsys.readouterr().err
    assert "session=third: the room's stream" in told
    assert "it has first, second" in told
    assert not list(tmp_path.glob("other*"))


def test_the_purpose_of_the_room_leaves_expressions_out(
    room: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow (extra record)")
    monkeypatch.setenv("READROOM_PURPOSE", "workplace")
    path = tmp_path / "talk.parquet"
    say(room, 0.25)
    say(room, 0.5, phase="closed")
    assert command("record", "--out", str(path), "--session", "s1") == 0
    names = pq.read_schema(path).names
    assert "action_smiling" in names
    assert not {"state", "look", "p_happiness", "valence"} & set(names)


def test_what_a_cut_off_recording_left_is_finished(
    room: redis.Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyarrow", reason="needs pyarrow (extra record)")
    from readroom.dashboards.record.follow import Recording

    path = tmp_path / "talk.parquet"
    cut = Recording(path, without_emotion=False)
    cut.take([room_state(0.25, [person(1, "happiness")])], 0.0)
    cut.take([], 100.0)
    for words in ([], ["--finish"]):
        assert command("record", "--out", str(path), *words) == 2
        assert "still runs; end that one first" in capsys.readouterr().err
    cut.close()
    assert command("record", "--out", str(path)) == 2
    assert f"`readroom record --finish --out {path}`" in capsys.readouterr().err
    assert command("record", "--finish", "--out", str(path)) == 0
    assert f"1 rows in {path}" in capsys.readouterr().out


def test_without_a_room_or_pyarrow_or_a_folder_nothing_is_recorded(
    client: redis.Redis,
    redis_url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("READROOM_REDIS__URL", redis_url)
    path = tmp_path / "talk.parquet"
    with monkeypatch.context() as without:
        without.setitem(__import__("sys").modules, "pyarrow", None)
        assert command("record", "--out", str(path)) == 2
        assert "pip install 'readroom[record]'" in capsys.readouterr().err
    pytest.importorskip("pyarrow", reason="needs pyarrow (extra record)")
    assert command("record", "--out", str(tmp_path / "nowhere" / "talk.parquet")) == 2
    assert "name a file in a folder that is there" in capsys.readouterr().err
    assert command("record", "--out", str(path)) == 1
    assert "room room doesn't run" in capsys.readouterr().err
    assert list(tmp_path.glob("talk*")) == []


@pytest.mark.parametrize("name", ["erase", "backup", "restore", "record"])
def test_help_says_what_each_does(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(name, "--help") == 0
    told = capsys.readouterr().out
    assert f"Usage: readroom {name}" in told
    assert "session" in told
