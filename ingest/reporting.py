"""What an ingest process says of its camera: counts, and reports that arrive in order."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque

from redis.exceptions import OutOfMemoryError

from readroom.box import Box
from readroom.ingest.sources import CameraSpec
from readroom.messages import CameraPhase, CameraReport, Frame, Mode
from readroom.metrics import IngestMetrics
from readroom.streams import REDIS_AWAY, Client, report_camera

#: How often the camera registry is updated, s.
REPORT_EVERY_S = 1.0
#: Phase changes kept for a Redis that is away; the oldest fall out.
UNSENT_KEPT = 64


class Reporter:
    """One camera's counters and its phase. ``drop`` may be called from any thread."""

    def __init__(self, box: Box, spec: CameraSpec, mode: Mode, fps: float) -> None:
        self.metrics = IngestMetrics(box.metrics, box.settings.room, spec.name)
        self.epoch = 0
        self.last_seq = -1
        self._box = box
        self._spec = spec
        self._mode: Mode = mode
        self._fps = fps
        self._phase: CameraPhase = "connecting"
        self._reason = ""
        self._captured_at = 0.0
        self._size = (0, 0)
        self._frames = 0
        self._dropped: Counter[str] = Counter()
        self._reconnects = 0
        self._lock = threading.Lock()
        self._unsent: deque[CameraReport] = deque(maxlen=UNSENT_KEPT)
        self._reported = float("-inf")

    def begin(self, epoch: int, last_seq: int = -1) -> None:
        """A new epoch: what is counted per epoch begins anew."""
        with self._lock:
            self.epoch, self.last_seq, self._frames = epoch, last_seq, 0
            self._dropped.clear()

    def drop(self, reason: str, count: int = 1) -> None:
        """Count frames that the camera delivered and nobody will see."""
        if count <= 0:
            return
        self.metrics.dropped(reason, count)
        with self._lock:
            self._dropped[reason] += count

    def published(self, frame: Frame) -> None:
        """Count a frame that is in the stream."""
        self.metrics.ingested.inc()
        self.last_seq, self._captured_at = frame.seq, frame.captured_at
        self._size = (frame.width, frame.height)
        self._frames += 1

    def lost(self, reason: str) -> None:
        """Count a lost camera."""
        self.metrics.reconnected(reason)
        self._reconnects += 1

    def enter(self, phase: CameraPhase, reason: str = "") -> None:
        """Change the phase; the report goes out in order with the frames' results."""
        self._phase, self._reason = phase, reason
        self.metrics.up.set(phase == "streaming")
        self._unsent.append(self.report())

    def report(self) -> CameraReport:
        """The camera as it is now."""
        with self._lock:
            dropped = dict(self._dropped)
        return CameraReport(
            room=self._box.settings.room,
            camera=self._spec.name,
            epoch=self.epoch,
            phase=self._phase,
            mode=self._mode,
            source=self._spec.shown,
            at=time.time(),
            captured_at=self._captured_at,
            last_seq=self.last_seq,
            reason=self._reason,
            width=self._size[0],
            height=self._size[1],
            analysis_fps=self._fps,
            frames=self._frames,
            dropped=dropped,
            reconnects=self._reconnects,
        )

    def tick(self, client: Client) -> bool:
        """Send what is due and register the box; False where Redis is away (counted)."""
        try:
            self._send(client)
            self._box.alive(client)
        except (*REDIS_AWAY, OutOfMemoryError) as error:
            self.metrics.redis_error(error)
            self._box.alive()
            return False
        return True

    def _send(self, client: Client) -> None:
        while self._unsent:
            report_camera(client, self._box.keys, self._unsent[0], in_order=True)
            self._unsent.popleft()
        now = time.monotonic()
        if now - self._reported >= REPORT_EVERY_S:
            report_camera(client, self._box.keys, self.report(), in_order=False)
            self._reported = now


def next_epoch(previous: int) -> int:
    """A new epoch: Unix milliseconds, and more than ``previous`` also if the clock went back."""
    return max(int(time.time() * 1000), previous + 1)
