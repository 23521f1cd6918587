"""``readroom run`` as a user starts it: a real process with everything below it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.offline import beside, lacking, offline

ROOT = Path(__file__).resolve().parents[2]
#: Reads an address where this process can't reach it itself.
_READER = (
    "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=10).read().decode())"
)


class Run:
    """A running program: its output so far, its addresses, its processes."""

    def __init__(self, process: subprocess.Popen[str], cut_off: bool = False) -> None:
        self.process = process
        self._cut_off = cut_off
        self.lines: list[str] = []
        self._pump = threading.Thread(target=self._read, daemon=True)
        self._pump.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self.lines.append(line.rstrip("\n"))

    @property
    def output(self) -> str:
        """Everything printed so far, log included."""
        return "\n".join(self.lines)

    def wait_for(self, pattern: str, timeout_s: float = 60) -> re.Match[str]:
        """The first line that matches, waiting for it."""
        return self.until(
            lambda: next((m for x in list(self.lines) if (m := re.search(pattern, x))), None),
            f"a line like {pattern!r}",
            timeout_s,
        )

    def until(self, found: Callable[[], Any], what: str, timeout_s: float = 60) -> Any:
        """What ``found`` returns once it is truthy; fails with the output otherwise."""
        deadline = time.monotonic() + timeout_s
        while not (value := found()):
            assert self.process.poll() is None, f"ended while waiting for {what}:\n{self.output}"
            assert time.monotonic() < deadline, f"no {what} in {timeout_s} s:\n{self.output}"
            time.sleep(0.1)
        return value

    @property
    def page(self) -> str:
        """The live page's address, without the token."""
        return self.wait_for(r"open (http://[^\s?]+)")[1]

    @property
    def token(self) -> str:
        """The token that was made for this run."""
        return self.wait_for(r"open http://\S+\?token=(\S+)")[1]

    @property
    def metrics_address(self) -> str:
        """The aggregator's metrics page."""
        return self.wait_for(r"metrics: (http://[^\s)]+)")[1]

    def metrics(self) -> dict[str, float]:
        """Samples of the aggregator: ``name{label=value,…}`` (sorted labels, no room) → value."""
        return parsed(self.fetch(self.metrics_address))

    def fetch(self, address: str) -> str:
        """What an address of the program answers, from where it can be reached."""
        if not self._cut_off:
            return fetch(address)
        reader = [sys.executable, "-c", _READER, address]
        return subprocess.check_output(beside(self.process.pid, reader), text=True, timeout=20)

    def processes(self) -> list[psutil.Process]:
        """The program's processes, itself included."""
        me = psutil.Process(self.process.pid)
        return [me, *me.children(recursive=True)]

    def child(self, title: str) -> psutil.Process:
        """The child whose title is ``readroom: <title>``, or the Redis server."""

        def find() -> psutil.Process | None:
            for process in self.processes():
                with contextlib.suppress(psutil.Error):
                    words = " ".join(process.cmdline())
                    if title in words or (title == "redis" and "redis-server" in words):
                        return process
            return None

        return self.until(find, f"process {title!r}")

    def interrupt(self) -> None:
        """Ctrl-C, and its end; the limit is for what hangs."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        self._pump.join(5)


def fetch(address: str) -> str:
    """What an address answers."""
    with urllib.request.urlopen(address, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def parsed(text: str) -> dict[str, float]:
    """The text of a metrics page as a dictionary, see :meth:`Run.metrics`."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = sorted((k, v) for k, v in sample.labels.items() if k != "room")
            words = ",".join(f"{key}={value}" for key, value in labels)
            found[f"{sample.name}{{{words}}}" if words else sample.name] = sample.value
    return found


@contextlib.contextmanager
def run(
    data: Path, *words: str, models: Path | None = None, cut_off: bool = False, **environment: str
) -> Iterator[Run]:
    """``readroom run`` with any free ports, ``cut_off``: without any network; whatever is left at
    the end is killed."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("READROOM_")}
    variables |= {
        "READROOM_DATA": str(data),
        "READROOM_CACHE": str(data / "cache"),
        "READROOM_HTTP__PORT": "0",
        "READROOM_HTTP__METRICS_PORT": "0",
        # Recordings see people, and nobody is there to be asked what for.
        "READROOM_PURPOSE": "research",
        "PYTHONUNBUFFERED": "1",
        **environment,
    }
    if models is not None:
        variables["READROOM_MODELS"] = str(models)
    command = [sys.executable, "-m", "readroom", "run", *words]
    process = subprocess.Popen(
        offline(command) if cut_off else command,
        cwd=ROOT,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    running = Run(process, cut_off)
    family = {process.pid: psutil.Process(process.pid)}
    try:
        yield running
        with contextlib.suppress(psutil.Error):
            family |= {found.pid: found for found in running.processes()}
    finally:
        with contextlib.suppress(psutil.Error):
            family |= {found.pid: found for found in running.processes()}
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
        for left in family.values():
            with contextlib.suppress(psutil.Error):
                left.kill()
        process.wait()


def play(
    data: Path, source: Path | str, *words: str, models: Path | None = None, **environment: str
) -> sqlite3.Connection:
    """Run a recording to its end, as fast as it goes, with the network off where that can be done;
    returns the closed session's store."""
    cut_off = not lacking()
    options = ("--pace", "fast", *words)
    with run(data, str(source), *options, models=models, cut_off=cut_off, **environment) as running:
        running.wait_for("the session is closed", 180)
        running.interrupt()
        assert running.process.returncode == 0, running.output
    return store(data)


def store(data: Path) -> sqlite3.Connection:
    """The session store that a run left in ``data``."""
    return sqlite3.connect(f"file:{data / 'sessions.sqlite3'}?mode=ro", uri=True)
