"""Starts the boxes as processes, restarts what dies, gives up loudly on a crash loop, drains.

The rules, as pure as can be (:class:`RestartPolicy` takes the time as an argument):

- A child that dies is started again after a pause that doubles from :data:`BACKOFF_MIN_S` to
  :data:`BACKOFF_MAX_S`; one that ran for :data:`STABLE_S` starts from the shortest pause again.
- More than :data:`MAX_RESTARTS` deaths within :data:`RESTART_WINDOW_S` is a crash loop: the
  supervisor says so, stops everything and ends with exit code 1. One box that can't live is no
  reason to show a room that is half true.
- A child that ends with exit code 2 was given bad settings: starting it again changes nothing.
  Everything stops, exit code 2.
- Stopping goes along the data's way (``stop_order``): cameras first, then workers, then the
  aggregator with everything in its hands, the page, Redis last; each group gets
  :data:`DRAIN_S` after SIGTERM, then SIGKILL; all together get :data:`STOP_S`.

Children run in sessions of their own, so that Ctrl-C reaches only the supervisor; they watch
their parent (READROOM_PARENT_PID) and end with it even when it is killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from readroom.errors import EXIT_BAD_SETTINGS, EXIT_FAILED, EXIT_OK
from readroom.log import Log

#: More deaths than this within the window are a crash loop.
MAX_RESTARTS = 5
RESTART_WINDOW_S = 60.0
#: Pauses before a restart, s.
BACKOFF_MIN_S = 0.2
BACKOFF_MAX_S = 10.0
#: A child that has run for this long is well again, s.
STABLE_S = 30.0
#: What a group of children gets between SIGTERM and SIGKILL, s, as long as STOP_S isn't used up.
DRAIN_S = 1.5
#: What all groups together get, s: Ctrl-C must end everything within 5 s, whatever hangs.
STOP_S = 3.5
#: What a group gets even then, s: on an idle machine the aggregator and the page need 0.3. With the
#: two longest drains before them, everything has ended after 1.5 + 1.5 + 3 · 0.5 s.
LEAST_DRAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What is started, and when it is stopped (lowest ``stop_order`` first)."""

    kind: str
    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    stop_order: int


def signal_name(number: int) -> str:
    """``SIGKILL`` for 9; some real-time signals have a number only."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class RestartPolicy:
    """Decides over one child's restarts; times are monotonic seconds, passed in."""

    def __init__(self) -> None:
        self._deaths: deque[float] = deque()
        self._pause_s = BACKOFF_MIN_S

    def died(self, started_s: float, now_s: float) -> float | None:
        """The pause before the next start, s, or None: this is a crash loop."""
        if now_s - started_s >= STABLE_S:
            self._pause_s = BACKOFF_MIN_S
        self._deaths.append(now_s)
        while self._deaths and now_s - self._deaths[0] > RESTART_WINDOW_S:
            self._deaths.popleft()
        if len(self._deaths) > MAX_RESTARTS:
            return None
        pause_s = self._pause_s
        self._pause_s = min(self._pause_s * 2, BACKOFF_MAX_S)
        return pause_s


@dataclass(slots=True)
class _Child:
    spec: ChildSpec
    policy: RestartPolicy = field(default_factory=RestartPolicy)
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    start_at_s: float = 0.0


class Supervisor:
    """Keeps a set of children running. Call :meth:`turn` often, :meth:`stop` once."""

    def __init__(self, log: Log, on_restart: Callable[[str], None]) -> None:
        self._log = log
        self._on_restart = on_restart
        self._children: list[_Child] = []
        #: Set once nothing can go on: the exit code to end with.
        self.failed: int | None = None

    def add(self, spec: ChildSpec) -> None:
        """Start a child and keep it running."""
        child = _Child(spec)
        self._children.append(child)
        self._start(child)

    def pids(self) -> dict[str, int]:
        """Process ids of the running children, by ``kind/name``."""
        return {
            f"{child.spec.kind}/{child.spec.name}": child.process.pid
            for child in self._children
            if child.process is not None
        }

    def turn(self) -> None:
        """Look after every child once; sets ``failed`` when it has to give up."""
        now_s = time.monotonic()
        for child in self._children:
            if child.process is None:
                if now_s >= child.start_at_s:
                    self._on_restart(child.spec.kind)
                    self._start(child)
            elif child.process.poll() is not None:
                self._bury(child, child.process.returncode, now_s)

    def stop(self) -> int:
        """Stop every child in order; returns the exit code to end with."""
        until_s = time.monotonic() + STOP_S
        for order in sorted({child.spec.stop_order for child in self._children}):
            self._stop_group([c for c in self._children if c.spec.stop_order == order], until_s)
        return EXIT_OK if self.failed is None else self.failed

    def _start(self, child: _Child) -> None:
        spec = child.spec
        child.process = subprocess.Popen(
            list(spec.command),
            env={**os.environ, **spec.environment, "READROOM_PARENT_PID": str(os.getpid())},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        child.started_s = time.monotonic()

    def _bury(self, child: _Child, code: int, now_s: float) -> None:
        spec = child.spec
        child.process = None
        how = signal_name(-code) if code < 0 else f"exit code {code}"
        if code == EXIT_BAD_SETTINGS:
            self._log.error(
                "a box can't run with these settings; stopping", box=f"{spec.kind}/{spec.name}"
            )
            self.failed = EXIT_BAD_SETTINGS
            return
        pause_s = child.policy.died(child.started_s, now_s)
        if pause_s is None:
            self._log.error(
                f"{spec.kind}/{spec.name} died {MAX_RESTARTS + 1} times within "
                f"{RESTART_WINDOW_S:.0f} s, last with {how}: giving up, stopping everything; its "
                "own log lines above say why"
            )
            self.failed = EXIT_FAILED
            return
        self._log.warning(
            "a box died; starting it again",
            box=f"{spec.kind}/{spec.name}",
            how=how,
            pause_s=pause_s,
        )
        child.start_at_s = now_s + pause_s

    def _stop_group(self, group: Sequence[_Child], until_s: float) -> None:
        running = [(c.spec, c.process) for c in group if c.process is not None]
        for _, process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        now_s = time.monotonic()
        deadline_s = min(now_s + DRAIN_S, max(until_s, now_s + LEAST_DRAIN_S))
        for spec, process in running:
            try:
                process.wait(max(0.0, deadline_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._log.warning(
                    "a box didn't stop in time and was killed", box=f"{spec.kind}/{spec.name}"
                )
                process.kill()
                process.wait()
