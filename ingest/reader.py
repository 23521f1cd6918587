"""The thread that drains a live camera, so that the newest picture is always the next one out.

A camera can't be asked to wait: what isn't read piles up in its driver or its socket and grows
old there. So one thread reads at the camera's own rate, picks by the analysis rate, and leaves
the newest picked picture in a place that holds one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from prometheus_client import Histogram

from readroom.ingest.pacing import LiveRate
from readroom.ingest.sources import Captured, Lost, Source

#: Counts ``count`` drops for ``reason``.
OnDrop = Callable[[str, int], None]


class Newest:
    """A place for one picture. Putting a newer one in drops the older, counted."""

    def __init__(self, on_drop: OnDrop) -> None:
        #: What it means when nobody fetched a picture in time.
        self.drop_reason = "superseded"
        self._on_drop = on_drop
        self._changed = threading.Condition()
        self._picture: Captured | None = None
        self._outcome: Lost | None = None
        self._ended = False

    def put(self, captured: Captured) -> None:
        """Leave the newest picture."""
        with self._changed:
            if self._picture is not None:
                self._on_drop(self.drop_reason, 1)
            self._picture = captured
            self._changed.notify()

    def end(self, outcome: Lost | None) -> None:
        """Nothing follows: the camera is lost, or (None) the recording is over."""
        with self._changed:
            self._outcome, self._ended = outcome, True
            self._changed.notify()

    def take(self, timeout_s: float) -> Captured | None:
        """The newest picture, waiting for one; None when there is none in time, or no more.

        Raises the :class:`Lost` the camera ended with, once the last picture is out.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._picture is not None or self._ended, timeout_s)
            picture, self._picture = self._picture, None
            if picture is None and self._outcome is not None:
                raise self._outcome
            return picture

    @property
    def over(self) -> bool:
        """Whether the source has come to its end and every picture has been taken."""
        with self._changed:
            return self._ended and self._picture is None and self._outcome is None


class Reader(threading.Thread):
    """Opens and reads one source until it ends, is lost, or nobody wants it any more.

    ``fps`` limits the rate (None: the source paces itself). ``read_seconds`` gets how long each
    picture took to come and be decoded; a camera's own pace is in it.
    """

    def __init__(
        self, source: Source, fps: float | None, on_drop: OnDrop, read_seconds: Histogram
    ) -> None:
        super().__init__(daemon=True, name="camera")
        self.newest = Newest(on_drop)
        #: When the source last showed a sign of life (monotonic s).
        self.last_sign_s = time.monotonic()
        self._source = source
        self._rate = LiveRate(fps) if fps is not None else None
        self._on_drop = on_drop
        self._read_seconds = read_seconds
        self._unwanted = threading.Event()
        self._undecodable = 0

    def give_up(self) -> None:
        """Let go of the camera as soon as its driver gives the thread back."""
        self._unwanted.set()

    def run(self) -> None:
        """The thread."""
        outcome: Lost | None = None
        try:
            self._source.open()
            self._read_all()
        except Lost as lost:
            outcome = lost
        except Exception as error:  # A bug in a codec or driver binding: retried like the rest.
            outcome = Lost("failed", f"{type(error).__name__}: {error}")
        finally:
            self._count_undecodable()
            # Said before closing: taking leave of a camera that hangs takes another time-out.
            self.newest.end(outcome)
            self._source.close()

    def _read_all(self) -> None:
        while not self._unwanted.is_set():
            with self._read_seconds.time():
                captured = self._source.read()
            self.last_sign_s = time.monotonic()
            self._count_undecodable()
            if captured is None:
                return
            if self._rate is None or self._rate.wants(self.last_sign_s):
                self.newest.put(captured)
            else:
                self._on_drop("rate", 1)

    def _count_undecodable(self) -> None:
        total = self._source.undecodable
        self._on_drop("decode", total - self._undecodable)
        self._undecodable = total
