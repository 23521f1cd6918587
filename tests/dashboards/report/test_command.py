"""``readroom report`` and ``readroom export`` as somebody types them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import pytest

from readroom import cli
from readroom.dashboards.report.files import LOOKED_AT, check
from readroom.errors import BadSettings
from readroom.sessions.choosing import chosen, named
from readroom.sessions.timelines import Timelines
from tests.dashboards.report.made import HZ, START, Made, walk


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three sessions; the current folder is another one."""
    folder = tmp_path / "data"
    for number, name in enumerate(("20270115T080000Z-aa", "20270115T090000Z-bb", "20270116T-cc")):
        made = Made(name=name)
        made.rows.session.started_at = START + 3600 * number
        made.person(walk(np.random.default_rng(number), 30))
        made.into(folder)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return folder


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(words))
    return int(ended.value.code or 0)


def test_a_session_is_named_in_full_by_its_beginning_or_as_the_last(data: Path) -> None:
    sessions = Timelines(data).sessions()
    assert chosen(sessions, "20270115T080000Z-aa").name == "20270115T080000Z-aa"
    assert chosen(sessions, "20270115T09").name == "20270115T090000Z-bb"
    assert chosen(sessions, "last").name == "20270116T-cc"
    with pytest.raises(BadSettings, match="2 sessions begin so"):
        chosen(sessions, "20270115")
    with pytest.raises(BadSettings, match="the newest are 20270116T-cc"):
        chosen(sessions, "nothing")
    for unsure in ("last", "20270115T09"):
        with pytest.raises(BadSettings, match="name one in full"):
            named(sessions, unsure)
    with pytest.raises(BadSettings, match="no such session"):
        chosen(sessions, "")
    with pytest.raises(BadSettings, match="no session is stored"):
        chosen([], "last")


def test_the_report_goes_where_it_says(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("report", "last") == 0
    target = Path("readroom-20270116T-cc.html")
    assert f"report of session 20270116T-cc: {target}" in capsys.readouterr().out
    assert target.read_text().startswith("<!DOCTYPE html>")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    # An own report is written over; a file that isn't one stays.
    assert run("report", "last", "--compare", "20270115T08") == 0
    assert "Beside the other session" in target.read_text()
    target.write_text("my own page")
    assert run("report", "last") == 2
    assert "wasn't made by this command" in capsys.readouterr().err
    assert target.read_text() == "my own page"


def test_what_is_no_ordinary_file_is_neither_read_nor_written(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo("pipe")  # Whoever opened it would wait for somebody who writes.
    for target in ("pipe", os.devnull):
        assert run("report", "last", "--out", target) == 2
        assert "no ordinary file" in capsys.readouterr().err


def test_of_a_long_file_the_beginning_is_looked_at(data: Path) -> None:
    seen: list[int] = []

    def ours(content: bytes) -> bool:
        seen.append(len(content))
        return False

    film = Path("talk.mp4")
    with film.open("wb") as file:
        file.truncate(10**9)  # Takes no disk.
    with pytest.raises(BadSettings, match="wasn't made by this command"):
        check(film, ours)
    assert seen == [LOOKED_AT]


def test_an_unknown_session_is_one_line_with_the_newest_there_are(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("report", "nothing") == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "20270116T-cc (15 January 2027, 10:00 UTC)" in said
    assert list(Path.cwd().iterdir()) == []


def test_another_store_may_be_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("report", "last", "--data", str(tmp_path / "nowhere")) == 2
    assert "no session store there" in capsys.readouterr().err
    assert run("report", "last", "--data", str(data), "--out", "a.html") == 0
    assert run("report", "last", "--out", "nowhere/a.html") == 2
    assert "make it first" in capsys.readouterr().err


def test_without_a_chromium_nothing_is_written_at_all(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("READROOM_CHROMIUM", str(tmp_path / "none"))
    assert run("report", "last", "--pdf", "a.pdf") == 2
    assert "READROOM_CHROMIUM" in capsys.readouterr().err
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize("command", [["report"], ["export", "--out", "talk"]])
def test_where_no_emotion_may_be_named_a_session_of_another_purpose_is_refused(
    command: list[str],
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = Made(name="20270117T-dd", purpose="workplace")
    made.rows.session.started_at = START + 3600 * 9
    made.person(walk(np.random.default_rng(9), 30))
    made.into(data)
    monkeypatch.setenv("READROOM_PURPOSE", "workplace")
    assert run(*command, "20270116") == 2
    assert "20270116T-cc: it was read for research" in capsys.readouterr().err
    assert list(Path.cwd().iterdir()) == []
    if command == ["report"]:
        assert run("report", "last", "--compare", "20270116") == 2
        assert list(Path.cwd().iterdir()) == []
    assert run(*command, "last") == 0


def test_what_a_room_was_said_to_be_for_is_kept_to_by_the_report(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("purpose", "education") == 0
    assert run("report", "last") == 2
    assert "EU AI Act" in capsys.readouterr().err


def test_a_session_is_exported_by_its_beginning(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", "20270115T08", "--out", "talk") == 0
    assert "session 20270115T080000Z-aa as csv: talk" in capsys.readouterr().out
    assert len((Path("talk") / "timelines.csv").read_text().splitlines()) == 30 * HZ + 1
    assert run("export", "last", "--out", "talk.json", "--format", "JSON") == 0
    assert run("export", "last", "--out", "talk", "--format", "xlsx") == 2
    assert "there is csv, json, parquet" in capsys.readouterr().err
