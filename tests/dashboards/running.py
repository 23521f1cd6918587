"""Real processes for these tests: ``readroom live``, and a Redis that can be stopped."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import redis

from readroom.redis_server import server_program

ROOT = Path(__file__).resolve().parents[2]


class Live:
    """A running ``readroom live``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)

    @property
    def output(self) -> str:
        """The log so far."""
        return "".join(self.lines)

    def wait_for(self, pattern: str, timeout_s: float = 20) -> re.Match[str]:
        """The first match in the log, waiting for it."""
        deadline = time.monotonic() + timeout_s
        while (found := re.search(pattern, self.output)) is None:
            assert time.monotonic() < deadline, f"no {pattern!r} in:\n{self.output}"
            assert self.process.poll() is None, f"ended early:\n{self.output}"
            time.sleep(0.02)
        return found

    @property
    def address(self) -> str:
        """The page's address."""
        return self.wait_for(r"address=(http://\S+)")[1]

    def terminate(self) -> float:
        """SIGTERM; returns the seconds until the end."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(15)
        return time.monotonic() - started


@contextlib.contextmanager
def live(redis_url: str, **environment: str) -> Iterator[Live]:
    """The live page's server as an operator starts it."""
    variables = {
        **os.environ,
        "READROOM_REDIS__URL": redis_url,
        "READROOM_HTTP__PORT": "0",
        "READROOM_LOG_FORMAT": "text",
        "PYTHONUNBUFFERED": "1",
        **environment,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "readroom", "live"],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield Live(process)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()


class OwnRedis:
    """A Redis on a unix socket that a test may stop and start."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="rr-live-")
        self._socket = f"{self._folder}/redis.sock"
        self.url = f"unix://{self._socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty."""
        options = ["--port", "0", "--appendonly", "no", "--loglevel", "warning"]
        paths = ["--unixsocket", self._socket, "--dir", self._folder]
        self._process = subprocess.Popen(
            [str(server_program()), *options, *paths, "--save", ""], stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 10
        while True:
            try:
                with redis.Redis(unix_socket_path=self._socket) as client:
                    client.ping()
                return
            except redis.ConnectionError:
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(5)
            self._process = None

    def remove(self) -> None:
        """Stop it and leave nothing behind."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
