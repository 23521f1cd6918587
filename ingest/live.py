"""``live``: the newest frame wins, every drop is counted, a lost camera is tried for ever."""

from __future__ import annotations

import random
import time

from redis.exceptions import OutOfMemoryError

from readroom.box import Box
from readroom.errors import ReadroomError
from readroom.ingest.pacing import Backoff
from readroom.ingest.reader import Reader
from readroom.ingest.reporting import Reporter, next_epoch
from readroom.ingest.sources import CameraSpec, Captured, Lost, live_source
from readroom.ingest.transport import LIVE_SPARE_SLOTS, Packed, Transport
from readroom.streams import REDIS_AWAY, Client, FrameWriter

#: Longest wait for a picture before the loop turns, s.
TURN_S = 0.2
#: Beyond the camera's own time-out its thread gets this long to say so, s.
GRACE_S = 2.0
#: A reader that isn't wanted any more gets this long to notice, s.
LEAVE_S = 0.5
#: Pictures in a row that can't be converted before the connection is given up: a new one may
#: begin with a sound key frame, and its tries are spaced by the back-off.
BROKEN_IN_A_ROW = 30
#: A thread that hangs in a driver for this long can only be ended with its process, s.
HUNG_S = 60.0


class LiveIngest:
    """One live camera, until the box stops."""

    def __init__(self, box: Box, client: Client, spec: CameraSpec) -> None:
        settings = box.settings
        self._box = box
        self._client = client
        self._spec = spec
        self._settings = settings.ingest
        self._reporter = Reporter(box, spec, "live", settings.ingest.fps)
        self._transport = Transport(
            settings,
            spec.name,
            slots=settings.ingest.live_frames + LIVE_SPARE_SLOTS,
            warn=box.log.warning,
        )
        self._writer = FrameWriter(
            client,
            box.keys,
            spec.name,
            recording=None,
            capacity=settings.ingest.live_frames,
            lanes=(),
        )
        # Jitter needs no unguessable numbers.
        self._backoff = Backoff(settings.ingest.backoff_max_s, random.Random().uniform)  # noqa: S311
        self._previous_seq = -1
        self._previous_time_s: float | None = None
        self._broken_in_a_row = 0
        self._size: tuple[int, int] | None = None
        self._fresh = True
        self._redis_there = True
        self._hung: Reader | None = None

    def run(self) -> None:
        """Until the box stops, or (a recording played live) the end."""
        # A live frame may be lost to its readers: no older ring is worth keeping.
        self._transport.rings.unlink_old()
        self._transport.rings.unlink_after(self._box.stopping)
        self._reporter.begin(next_epoch(0))
        self._reporter.enter("connecting")
        self._box.set_ready(False, f"{self._spec.name}: connecting")
        try:
            while not self._box.stopping.is_set():
                if self._stream():
                    self._stay()
            self._reporter.enter("stopped")
            self._reporter.tick(self._client)
        finally:
            self._transport.rings.close()

    def _stream(self) -> bool:
        """One connection, from opening to its loss; True at the end of a recording."""
        self._fresh = True
        started_s: float | None = None
        self._broken_in_a_row = 0
        reader = Reader(
            live_source(self._spec, self._settings),
            self._rate(),
            self._reporter.drop,
            self._reporter.metrics.stages["read"],
        )
        reader.start()
        try:
            while not self._box.stopping.is_set():
                self._reporter.tick(self._client)
                captured = reader.newest.take(TURN_S)
                if captured is not None:
                    self._publish(captured)
                    if started_s is None and not self._fresh:
                        started_s = time.monotonic()
                    # While a try at a Redis that is away lasts, pictures pile up for that reason.
                    reader.newest.drop_reason = "superseded" if self._redis_there else "redis_away"
                elif reader.newest.over:
                    return True
                elif self._spec.kind in ("rtsp", "http", "webcam"):
                    self._notice_silence(reader)
        except Lost as lost:
            self._lose(lost, 0.0 if started_s is None else time.monotonic() - started_s)
        finally:
            reader.give_up()
            # A thread that still computes while the interpreter goes down may abort the process;
            # one that waits for a camera may go on waiting.
            reader.join(LEAVE_S)
        return False

    def _rate(self) -> float | None:
        """The analysis rate to pick by; a folder's pictures and the demo room's are all meant."""
        return None if self._spec.kind in ("folder", "demo") else self._settings.fps

    def _publish(self, captured: Captured) -> None:
        try:
            packed = self._packed(captured)
        except Lost as broken:  # One picture, not the camera.
            self._reporter.drop(broken.reason)
            self._broken_in_a_row += 1
            if self._broken_in_a_row >= BROKEN_IN_A_ROW:
                raise
            return
        self._broken_in_a_row = 0
        frame = self._transport.frame(
            captured,
            packed,
            epoch=self._reporter.epoch,
            previous_seq=self._previous_seq,
            previous_time_s=self._previous_time_s,
            mode="live",
        )
        try:
            with self._reporter.metrics.stages["publish"].time():
                self._writer.publish(frame, packed.payload)
        except OutOfMemoryError as error:
            self._reporter.metrics.redis_error(error)
            self._reporter.drop("out_of_memory")
            self._box.log.warning("Redis is full: the frame is dropped; raise its maxmemory")
        except REDIS_AWAY as error:
            self._reporter.metrics.redis_error(error)
            self._reporter.drop("redis_away")
            self._redis_there = False
            self._box.set_ready(False, "Redis is away: frames are dropped")
            self._box.log.warning("Redis is away: frames are dropped", error=type(error).__name__)
        else:
            self._previous_seq, self._previous_time_s = frame.seq, frame.time_s
            self._reporter.published(frame)
            self._redis_there = True
            self._box.set_ready(True)

    def _packed(self, captured: Captured) -> Packed:
        """The picture as it travels, in its epoch, which begins once one could be converted.
        Raises Lost where it can't be."""
        picture = None
        with self._reporter.metrics.stages["encode"].time():
            if not self._transport.passes_through(captured):
                picture = captured.pixels(self._settings.max_width)
            if self._fresh or (captured.size != self._size and self._spec.kind != "folder"):
                self._begin_epoch(captured)
            return self._transport.pack(captured, picture, self._reporter.epoch)

    def _begin_epoch(self, captured: Captured) -> None:
        """The first picture of a connection, or of another size: nobody may track across."""
        reason = ""
        if not self._fresh:
            reason = "resolution"
            self._reporter.lost(reason)
        self._reporter.begin(next_epoch(self._reporter.epoch))
        self._transport.rings.retire()
        self._transport.rings.unlink_old()
        self._previous_seq, self._previous_time_s = -1, None
        self._size, self._fresh = captured.size, False
        self._reporter.enter("streaming", reason)
        width, height = captured.size
        self._box.log.info(
            "camera streams", camera=self._spec.name, size=f"{width}x{height}", reason=reason
        )

    def _notice_silence(self, reader: Reader) -> None:
        """A camera's own time-out should have fired; where the driver hangs, it can't."""
        silent_s = time.monotonic() - reader.last_sign_s
        # Opening may take a time-out for each of its steps.
        if silent_s > 3 * self._settings.stall_timeout_s + GRACE_S:
            self._hung = reader
            raise Lost(
                "hung", f"{self._spec.shown}: its driver hasn't answered for {silent_s:.0f} s"
            )

    def _lose(self, lost: Lost, streamed_s: float) -> None:
        """Count it, say it, and wait before the next try."""
        pause_s = self._backoff.pause_s(streamed_s)
        self._reporter.lost(lost.reason)
        self._reporter.enter("retrying", lost.reason)
        self._box.set_ready(False, f"{self._spec.name}: {lost.reason}, tried again")
        self._box.log.warning(
            "camera lost",
            camera=self._spec.name,
            reason=lost.reason,
            detail=str(lost),
            again_in_s=round(pause_s, 1),
        )
        again_s = time.monotonic() + pause_s
        while not self._box.stopping.is_set():
            self._reporter.tick(self._client)
            left_s = again_s - time.monotonic()
            if left_s <= 0 and not self._still_hangs(-left_s):
                return
            self._box.wait(min(max(left_s, 0.01), TURN_S))

    def _still_hangs(self, waited_s: float) -> bool:
        """Whether the thread of a hung driver still has the camera; a second one would only hang
        beside it."""
        if self._hung is None or not self._hung.is_alive():
            self._hung = None
            return False
        if waited_s > HUNG_S:
            raise ReadroomError(
                f"{self._spec.shown}: its driver hangs; only a new process can try it again"
            )
        return True

    def _stay(self) -> None:
        """The recording is over: stay, so that nobody starts it again."""
        self._reporter.enter("ended")
        self._box.log.info("source ended", camera=self._spec.name)
        while not self._box.stopping.is_set():
            self._reporter.tick(self._client)
            self._box.wait(TURN_S)
