"""``readroom report`` and ``readroom export`` as somebody types them."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest

from readroom import cli
from readroom.dashboards.report.choose import chosen
from readroom.errors import BadSettings
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
    assert chosen(sessions, "20270115T080000Z-aa") == "20270115T080000Z-aa"
    assert chosen(sessions, "20270115T09") == "20270115T090000Z-bb"
    assert chosen(sessions, "last") == "20270116T-cc"
    with pytest.raises(BadSettings, match="2 sessions begin so"):
        chosen(sessions, "20270115")
    with pytest.raises(BadSettings, match="the newest are 20270116T-cc"):
        chosen(sessions, "nothing")
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


def test_a_session_is_exported_by_its_beginning(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", "20270115T08", "--out", "talk") == 0
    assert "session 20270115T080000Z-aa as csv: talk" in capsys.readouterr().out
    assert len((Path("talk") / "timelines.csv").read_text().splitlines()) == 30 * HZ + 1
    assert run("export", "last", "--out", "talk.json", "--format", "JSON") == 0
    assert run("export", "last", "--out", "talk", "--format", "xlsx") == 2
    assert "there is csv, json, parquet" in capsys.readouterr().err
