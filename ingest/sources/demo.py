"""The demo room as a source: a live camera on the wall clock, or its script as a recording."""

from __future__ import annotations

import time
from collections.abc import Callable

from readroom.ingest.demo import DemoRoom
from readroom.ingest.sources.base import Captured
from readroom.ingest.sources.libav import fit
from readroom.pixels import Picture


class DemoCamera:
    """Renders ``fps`` pictures a second. The script's time is the wall clock's, so that both
    cameras show the same moment, in whatever process and whenever they were started."""

    def __init__(
        self,
        camera: str,
        fps: float,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.undecodable = 0
        self._camera = camera
        self._fps = fps
        self._clock, self._sleep = clock, sleep
        self._room: DemoRoom | None = None
        self._seq = self._tick = 0

    def open(self) -> None:
        """Build the room."""
        self._room = DemoRoom(self._camera)
        self._seq, self._tick = 0, int(self._clock() * self._fps)

    def read(self) -> Captured:
        """The next picture, at its time; moments that rendering had no time for are left out."""
        if self._room is None:
            self.open()
        now = int(self._clock() * self._fps)
        if self._tick > now + 1:
            self._tick = now  # The clock was set back: waiting until it is there again won't do.
        self._tick = max(self._tick + 1, now)
        at = self._tick / self._fps
        pause_s = at - self._clock()
        if pause_s > 0:
            self._sleep(pause_s)
        self._seq += 1
        return _rendered(self._room, self._seq - 1, at, at, None)

    def close(self) -> None:
        """Nothing is held open."""
        self._room = None


class DemoRecording:
    """The script from its beginning, ``loop`` times (0: for ever), ``fps`` pictures a second."""

    def __init__(self, camera: str, fps: float, loop: int) -> None:
        self.undecodable = 0
        self.flaw = ""
        self._camera = camera
        self._fps = fps
        self._loop = loop
        self._room: DemoRoom | None = None
        self._seq = 0

    def open(self) -> None:
        """Build the room and begin at 0 s."""
        self._room = DemoRoom(self._camera)
        self._seq = 0

    def read(self) -> Captured | None:
        """The next picture, None when the script has run as often as asked."""
        if self._room is None:
            self.open()
        time_s = self._seq / self._fps
        if self._room is None or (self._loop and time_s >= self._loop * self._room.script.loop_s):
            return None
        self._seq += 1
        return _rendered(self._room, self._seq - 1, time_s, time.time(), time_s)

    def skip(self, count: int, turn: Callable[[], None]) -> float | None:
        """Pass over ``count`` pictures; nothing needs to be rendered for that."""
        turn()
        self._seq = count
        return (count - 1) / self._fps if count else None

    def close(self) -> None:
        """Nothing is held open."""
        self._room = None


def _rendered(
    room: DemoRoom | None, seq: int, script_s: float, captured_at: float, media_time_s: float | None
) -> Captured:
    if room is None:
        raise RuntimeError("the demo room is not open")
    picture: Picture = room.render(script_s)
    height, width = picture.shape[:2]
    return Captured(
        seq=seq,
        captured_at=captured_at,
        media_time_s=media_time_s,
        size=(width, height),
        pixels=lambda max_width: fit(picture, max_width),
    )
