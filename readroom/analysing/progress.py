"""How far the analysis of a recording has come: how fast it goes, how long it still takes, and
showing that: as a bar at a terminal, as a line every few seconds elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from readroom.words import clock

#: The speed is that of the last so many seconds.
WINDOW_S: Final = 15.0
#: No speed is told of less, s: the first frames have queued up while the workers loaded.
LEAST_S: Final = 1.0
#: How often a line is written where there is no terminal, s.
LINE_EVERY_S: Final = 5.0
_STDERR: Final = 2


@dataclass(slots=True)
class Pace:
    """How fast media time passes; times are seconds, passed in."""

    _points: deque[tuple[float, float]] = field(default_factory=deque)

    def reached(self, media_s: float, now_s: float) -> None:
        """At ``now_s`` (monotonic) the analysis has come to ``media_s``."""
        self._points.append((now_s, media_s))
        while now_s - self._points[0][0] > WINDOW_S:
            self._points.popleft()

    @property
    def speed(self) -> float | None:
        """Seconds of media a second; None before anything can be told."""
        if not self._points:
            return None
        (first_s, from_s), (last_s, to_s) = self._points[0], self._points[-1]
        return (to_s - from_s) / (last_s - first_s) if last_s - first_s >= LEAST_S else None

    def left_s(self, total_s: float | None) -> float | None:
        """How long the rest takes at this speed, s; None where that can't be told."""
        speed = self.speed
        if total_s is None or not speed or not self._points:
            return None
        return max(0.0, total_s - self._points[-1][1]) / speed


def words(media_s: float, total_s: float | None, pace: Pace, people: int) -> str:
    """``0:12 of 1:05 · 4.2 × real time · 0:13 left · 2 people in view``."""
    parts = [f"{clock(media_s)} of {clock(total_s)}" if total_s is not None else clock(media_s)]
    speed, left_s = pace.speed, pace.left_s(total_s)
    if speed is not None:
        parts.append(f"{speed:.1f} × real time")
    if left_s is not None:
        parts.append(f"{clock(left_s)} left")
    parts.append("1 person in view" if people == 1 else f"{people} people in view")
    return " · ".join(parts)


class Shown(Protocol):
    """Where progress is shown."""

    def show(self, media_s: float, total_s: float | None, line: str, now_s: float) -> None:
        """Media time reached, and in all (None: nobody knows); ``line`` says it in words."""


@contextlib.contextmanager
def shown(stream: TextIO) -> Iterator[Shown]:
    """Progress on ``stream`` (standard error) for as long as the block runs."""
    if not stream.isatty():
        yield _Lines(stream)
        return
    with _lines_above() as terminal:
        console = Console(file=terminal)
        bar = _Bar(console)
        with bar.progress, _pumped(bar):
            # A second Ctrl-C ends the process at once, and would leave no cursor behind.
            console.show_cursor(True)
            yield bar


class _Lines:
    """A line every few seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._next_s = float("-inf")

    def show(self, media_s: float, total_s: float | None, line: str, now_s: float) -> None:
        if now_s >= self._next_s:
            self._next_s = now_s + LINE_EVERY_S
            print(line, file=self._stream, flush=True)


class _Bar:
    """A bar that stays in its place."""

    def __init__(self, console: Console) -> None:
        self.progress = Progress(
            BarColumn(bar_width=24),
            TextColumn("{task.description}", markup=False),
            console=console,
            refresh_per_second=4,
            transient=True,
            redirect_stderr=False,
            redirect_stdout=False,
        )
        self._task = self.progress.add_task("starting", total=None)

    def show(self, media_s: float, total_s: float | None, line: str, now_s: float) -> None:
        done = None if total_s is None else min(media_s, total_s)
        self.progress.update(self._task, description=line, total=total_s, completed=done)

    def above(self, line: str) -> None:
        """A line of somebody else's, in the bar's place, which moves down."""
        self.progress.console.print(Text(line), soft_wrap=True)


@contextlib.contextmanager
def _lines_above() -> Iterator[TextIO]:
    """The terminal; standard error of this process and its children leads into a pipe meanwhile,
    since what they write would be overwritten by the bar."""
    sys.stderr.flush()
    terminal = os.dup(_STDERR)
    try:
        with os.fdopen(terminal, "w", encoding="utf-8", closefd=False) as stream:
            yield stream
    finally:
        os.dup2(terminal, _STDERR)
        os.close(terminal)


@contextlib.contextmanager
def _pumped(bar: _Bar) -> Iterator[None]:
    """Everything written to standard error appears above the bar."""
    reading, writing = os.pipe()
    os.dup2(writing, _STDERR)
    os.close(writing)

    def pump() -> None:
        with os.fdopen(reading, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                bar.above(line.rstrip("\n"))

    thread = threading.Thread(target=pump, daemon=True, name="lines")
    thread.start()
    try:
        yield
    finally:
        sys.stderr.flush()
        # The last holder of the writing end; children have been stopped by now.
        os.dup2(bar.progress.console.file.fileno(), _STDERR)
        thread.join(1.0)
