"""A recording played like a camera: at its own speed, in ``live`` mode."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from readroom.ingest.pacing import Playback
from readroom.ingest.sources.base import Captured, Recording


class Paced:
    """Hands out a recording's pictures when their media time has come."""

    def __init__(
        self,
        recording: Recording,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._recording = recording
        # Somebody sets the clock on the wall while a recording plays: its pace must not notice.
        self._clock, self._wall_clock, self._sleep = clock, wall_clock, sleep
        self._playback = Playback()

    @property
    def undecodable(self) -> int:
        """Pictures that couldn't be decoded."""
        return self._recording.undecodable

    def open(self) -> None:
        """Begin at the first picture."""
        self._recording.open()
        self._playback = Playback()

    def read(self) -> Captured | None:
        """The next picture, at its time; None after the last."""
        captured = self._recording.read()
        if captured is None:
            return None
        pause_s = self._playback.pause_s(captured.media_time_s or 0.0, self._clock())
        if pause_s > 0:
            self._sleep(pause_s)
        return replace(captured, captured_at=self._wall_clock(), media_time_s=None)

    def close(self) -> None:
        """Close the recording."""
        self._recording.close()
