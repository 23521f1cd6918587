"""What several folders of tests need: a real Redis, and the shared material where it exists."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import settings

# How long an example takes says more of what else runs on the machine than of the code.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

ROOT = Path(__file__).resolve().parents[1]


def shared_folder(name: str) -> Path:
    """A folder of material that lies beside some checkouts; skips the test where it doesn't."""
    folder = ROOT.parent / "shared" / name
    if not folder.is_dir():
        pytest.skip(f"needs ../shared/{name}, which isn't beside this checkout")
    return folder


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The folder of public third-party networks."""
    return shared_folder("models")


@pytest.fixture(scope="session")
def shared_videos() -> Path:
    """The folder of real clips."""
    return shared_folder("videos")


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests see no settings of whoever runs them, and keep their data to themselves."""
    for name in list(os.environ):
        if name.startswith("READROOM_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("READROOM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("READROOM_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """A real server on a unix socket, for the whole run: its redis-py address."""
    # Not pytest's temporary folder: a unix socket's path has to be short.
    folder = tempfile.mkdtemp(prefix="rr-test-")
    socket = f"{folder}/redis.sock"
    with subprocess.Popen(
        [_server_program(), "--port", "0", "--unixsocket", socket, "--save", ""]
        + ["--appendonly", "no", "--dir", folder, "--loglevel", "warning"],
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            _wait_for(socket)
            yield f"unix://{socket}"
        finally:
            process.terminate()
            process.wait(5)
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The address of a real, empty Redis."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
        client.config_set("maxmemory", 0)
    return redis_server


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """A plain client of the empty Redis, for looking at what the program wrote."""
    with redis.Redis.from_url(redis_url, protocol=2) as found:
        yield found


def _server_program() -> str:
    from readroom.redis_server import server_program

    return str(server_program())


def _wait_for(socket: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            with redis.Redis(unix_socket_path=socket) as client:
                client.ping()
            return
        except redis.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
