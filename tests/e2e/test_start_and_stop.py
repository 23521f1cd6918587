"""Starting, stopping and refusing to start, as a person at a terminal meets them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.e2e.running import ROOT, run


def start(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "readroom", *words],
        cwd=ROOT,
        env={**os.environ, "READROOM_HTTP__PORT": "0", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    with run(tmp_path) as running:
        running.wait_for(r"\d frames/s · \d")
        family = running.processes()
        assert len(family) >= 6  # supervisor, Redis and its keeper, aggregator, page, worker, ...
        running.interrupt()
        assert running.process.returncode == 0, running.output
        assert not [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("delay_s", [0.0, 0.3, 0.8])
def test_ctrl_c_before_anything_runs_ends_it_without_a_traceback(
    tmp_path: Path, delay_s: float
) -> None:
    with run(tmp_path) as running:
        # From here on the program's own modules load.
        running.until(
            lambda: psutil.Process(running.process.pid).cmdline()[:1] == ["readroom"], "title"
        )
        time.sleep(delay_s)
        running.interrupt()
        assert running.process.returncode in (0, 130, -signal.SIGINT)
        assert "Traceback" not in running.output


def test_no_child_survives_a_killed_supervisor(tmp_path: Path) -> None:
    with run(tmp_path) as running:
        running.wait_for(r"\d frames/s")
        family = running.processes()
        running.process.send_signal(signal.SIGKILL)
        _, alive = psutil.wait_procs(family, timeout=15)
        assert not alive, [p.cmdline() for p in alive]


def test_a_line_a_second_says_how_it_goes(tmp_path: Path) -> None:
    with run(tmp_path) as running:
        running.wait_for(r"frames/s · (\d+ people|1 person) · lag \d")
        before = len(running.lines)
        time.sleep(4)
        assert 2 <= len(running.lines) - before <= 8


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "/no/such/clip.mp4"], "/no/such/clip.mp4"),
        (["run", "gopher://example.org/x"], "gopher"),
        (["run", "demo:attic"], "attic"),
        (["run", "--fps", "0"], "ingest.fps"),
        (["run", "--mode", "sometimes"], "ingest.mode"),
        (["run", "--engines", "expression"], "expression needs face"),
        (["work"], "READROOM_REDIS__URL"),
        (["ingest"], "one camera"),
    ],
)
def test_what_cannot_work_is_one_line_and_exit_code_2(words: list[str], says: str) -> None:
    ended = start(*words)
    assert ended.returncode == 2
    assert says in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr


def test_a_taken_port_is_named_with_the_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = start("run", READROOM_HTTP__PORT=str(port))
    assert ended.returncode == 2
    assert str(port) in ended.stderr
    assert "READROOM_HTTP__PORT" in ended.stderr


def test_another_address_needs_a_token() -> None:
    ended = start("run", READROOM_HTTP__HOST="0.0.0.0")
    assert ended.returncode == 2
    assert "READROOM_HTTP__TOKEN" in ended.stderr


def test_an_unreachable_redis_is_named_without_its_password() -> None:
    ended = start("run", READROOM_REDIS__URL="redis://:hunter2@127.0.0.1:1/0")
    assert ended.returncode == 2
    assert "127.0.0.1:1" in ended.stderr
    assert "hunter2" not in ended.stderr + ended.stdout


def test_a_private_redis_that_cannot_start_ends_the_run(tmp_path: Path) -> None:
    broken = tmp_path / "bin" / "valkey-server"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    ended = start("run", PATH=f"{broken.parent}:{os.environ['PATH']}")
    assert ended.returncode == 1
    assert f"{broken} did not start" in ended.stderr
    assert "giving up" in ended.stderr


def test_the_doctor_answers_for_people_and_machines() -> None:
    said = start("doctor")
    assert said.returncode == 0, said.stdout + said.stderr
    assert "everything a run needs is there" in said.stdout
    assert '"would_run"' in start("doctor", "--json").stdout
