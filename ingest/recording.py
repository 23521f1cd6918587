"""``recording``: every picked frame reaches the stream exactly once, whatever dies meanwhile.

Three things make that true.

- Ingest waits while the stream is full, and the stream is trimmed only up to what every lane has
  acknowledged.
- Each frame is written together with the progress record, in one transaction. So after a lost
  answer the record tells whether the frame is in, and a successor of a killed process knows which
  frame comes next; it decodes up to there, since a seek isn't exact.
- Where Redis comes back empty, the mark that each epoch begins with is gone. What the aggregator
  has on disk is safe; ingest goes back to the frame after that.

The progress record is marked as ended when the process is stopped, not when the file ends: until
then a crash must not play the file again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar, cast

from redis.exceptions import OutOfMemoryError, ResponseError

from readroom.box import Box
from readroom.ingest.lanes import laggards
from readroom.ingest.pacing import MediaRate, Playback
from readroom.ingest.reporting import Reporter, next_epoch
from readroom.ingest.sources import CameraSpec, Captured, Lost, Recording, recording_source
from readroom.ingest.sources.folder import pictures_in
from readroom.ingest.transport import RECORDING_SPARE_SLOTS, Packed, Transport
from readroom.messages import Frame
from readroom.settings import IngestSettings
from readroom.streams import REDIS_AWAY, Client, FrameWriter

#: Pause between two looks at a full stream, s, per frame that it holds: only a pipeline that does
#: 400 frames a second could empty the stream in one pause. (Measured: for the default stream of 16
#: frames, a look every 40 ms takes 2 % of a core, which the workers need.)
LOOK_PER_FRAME_S = 0.0025
#: The longest such pause, s.
LONGEST_LOOK_S = 0.1
#: A stream full for this long is worth a line that names the lane it waits for, s.
FULL_WARN_S = 15.0
#: Pause before a Redis that is away, or full, is tried again, s.
AWAY_S = 0.25
#: How often it is looked at what the aggregator has on disk, and whether Redis is the same, s.
LOOK_EVERY_S = 1.0
#: After Redis came back empty the aggregator gets this long to say again what it has, s.
STORED_WAIT_S = 3.0
#: At exit the workers get this long to fetch what lies in shared memory, s: well below what the
#: supervisor gives a box before it kills it (1.5 s).
DRAIN_S = 0.8

T = TypeVar("T")


class _Stopped(Exception):
    """The box stops."""


class _Emptied(Exception):
    """Redis has lost what it held."""


@dataclass(frozen=True, slots=True)
class _Start:
    """Where to go on: ``next_seq`` is the first picture not to pass over."""

    next_seq: int
    previous_seq: int


class RecordingIngest:
    """One recording, played once through all its loops."""

    def __init__(self, box: Box, client: Client, spec: CameraSpec) -> None:
        settings = box.settings.ingest
        self._box = box
        self._client = client
        self._spec = spec
        self._settings = settings
        fps = settings.folder_fps if spec.kind == "folder" else settings.fps
        self._reporter = Reporter(box, spec, "recording", fps)
        self._transport = Transport(
            box.settings,
            spec.name,
            slots=settings.stream_frames + RECORDING_SPARE_SLOTS,
            warn=box.log.warning,
        )
        self._fingerprint = fingerprint(spec, settings)
        self._lanes = box.settings.lane_names
        self._writer = FrameWriter(
            client,
            box.keys,
            spec.name,
            recording=self._fingerprint,
            capacity=settings.stream_frames,
            lanes=self._lanes,
        )
        #: Holds the epoch for as long as Redis is the one this epoch began with.
        self._mark = f"{box.keys.progress(spec.name)}:epoch"
        self._suspect = False
        self._in_doubt = False
        self._stored = -1
        self._looked = float("-inf")
        self._room = 0
        self._published_in_epoch = 0
        self._undecodable = 0

    def run(self) -> None:
        """Until the box stops."""
        self._transport.rings.unlink_after(self._box.stopping)
        try:
            start = self._insist(self._resume, verify=False)
            while True:
                try:
                    self._play(start)
                    self._stay()
                except _Emptied:
                    start = self._insist(self._go_back, verify=False)
        except _Stopped:
            self._stop()
        finally:
            self._transport.rings.close()

    # Where to begin.

    def _resume(self) -> _Start:
        """After a predecessor that was killed: behind its last frame. Else the beginning."""
        self._writer.prepare()
        found = self._writer.progress()
        if found is None or found.ended or found.recording != self._fingerprint:
            # What is on disk for this camera's name belongs to what was played before.
            self._client.hdel(self._box.keys.stored, self._spec.name)
            self._begin_epoch(next_epoch(found.epoch if found else 0), -1)
            return _Start(0, -1)
        self._stored = self._read_stored(found.seq)
        self._begin_epoch(next_epoch(found.epoch), found.seq)
        self._box.log.info("recording goes on", camera=self._spec.name, seq=found.seq + 1)
        return _Start(found.seq + 1, found.seq)

    def _go_back(self) -> _Start:
        """After Redis came back empty: behind the last frame that the aggregator has on disk."""
        self._writer.prepare()
        deadline_s = time.monotonic() + STORED_WAIT_S
        stored = -1
        while stored < max(self._stored, 0) and time.monotonic() < deadline_s:
            if self._box.wait(0.1):
                raise _Stopped
            stored = self._read_stored(self._reporter.last_seq)
        self._stored = max(self._stored, stored)
        self._begin_epoch(next_epoch(self._reporter.epoch), self._stored)
        self._box.log.warning(
            "Redis came back empty: the recording goes back to what is on disk",
            camera=self._spec.name,
            seq=self._stored + 1,
        )
        return _Start(self._stored + 1, self._stored)

    def _begin_epoch(self, epoch: int, last_seq: int) -> None:
        self._client.set(self._mark, epoch)
        self._suspect = self._in_doubt = False
        self._transport.rings.retire()
        self._reporter.begin(epoch, last_seq)
        self._room, self._published_in_epoch = 0, 0
        self._reporter.enter("connecting")

    def _read_stored(self, limit: int) -> int:
        """What the aggregator says it has on disk; -1 where it says nothing that can be true
        (more than was published belongs to something else)."""
        raw = self._client.hget(self._box.keys.stored, self._spec.name)
        value = -1 if raw is None else int(cast(bytes, raw))
        return value if value <= limit else -1

    # Playing.

    def _play(self, start: _Start) -> None:
        """Publish every picked picture from ``start`` on."""
        source = recording_source(self._spec, self._settings)
        self._undecodable = 0
        try:
            source.open()
            self._publish_all(source, start)
        except Lost as lost:
            self._box.log.warning("recording breaks off", source=self._spec.shown, why=str(lost))
        finally:
            source.close()
        if source.flaw:
            self._box.log.warning("recording is damaged", source=self._spec.shown, why=source.flaw)
        self._reporter.enter("ended")
        self._box.log.info("source ended", camera=self._spec.name, last_seq=self._reporter.last_seq)

    def _publish_all(self, source: Recording, start: _Start) -> None:
        rate = None if self._spec.kind == "folder" else MediaRate(self._settings.fps)
        playback = Playback() if self._settings.pace == "realtime" else None
        passed_s = source.skip(start.next_seq, self._turn)
        if rate is not None and passed_s is not None:
            rate.wants(passed_s)
        self._undecodable = source.undecodable
        previous_seq, previous_time_s = start.previous_seq, passed_s
        self._reporter.enter("streaming")
        self._box.set_ready(True)
        while (captured := self._read(source)) is not None:
            media_time_s = captured.media_time_s or 0.0
            if rate is not None and not rate.wants(media_time_s):
                self._reporter.drop("rate")
                self._turn()
                continue
            if playback is not None:
                self._pause(playback.pause_s(media_time_s, time.monotonic()))
                captured = replace(captured, captured_at=time.time())
            self._wait_for_room()
            try:
                frame, packed = self._frame(captured, previous_seq, previous_time_s)
            except Lost as broken:  # One picture, and the same one each time it is played.
                self._reporter.drop(broken.reason)
                self._box.log.warning("a picture is left out", why=str(broken), seq=captured.seq)
                self._turn()
                continue
            self._publish(frame, packed)
            previous_seq, previous_time_s = captured.seq, frame.time_s

    def _read(self, source: Recording) -> Captured | None:
        with self._reporter.metrics.stages["read"].time():
            captured = source.read()
        self._reporter.drop("decode", source.undecodable - self._undecodable)
        self._undecodable = source.undecodable
        return captured

    def _frame(
        self, captured: Captured, previous_seq: int, previous_time_s: float | None
    ) -> tuple[Frame, Packed]:
        epoch = self._reporter.epoch
        with self._reporter.metrics.stages["encode"].time():
            picture = captured.pixels(self._settings.max_width)
            packed = self._transport.pack(captured, picture, epoch)
        frame = self._transport.frame(
            captured,
            packed,
            epoch=epoch,
            previous_seq=previous_seq,
            previous_time_s=previous_time_s,
            mode="recording",
        )
        return frame, packed

    def _publish(self, frame: Frame, packed: Packed) -> None:
        with self._reporter.metrics.stages["publish"].time():
            self._insist(lambda: self._publish_once(frame, packed.payload))
        self._room -= 1
        self._published_in_epoch += 1
        self._reporter.published(frame)
        self._turn()

    def _publish_once(self, frame: Frame, payload: bytes) -> None:
        """Publish, unless an earlier try got through though its answer was lost."""
        if self._suspect:
            self._check_mark()
        if self._in_doubt:
            written = self._writer.progress()
            if written is not None and (written.epoch, written.seq) == (frame.epoch, frame.seq):
                self._in_doubt = False
                return
        self._in_doubt = True
        self._writer.publish(frame, payload)
        self._in_doubt = False

    def _wait_for_room(self) -> None:
        """Until the slowest lane has left room for one more frame."""
        pause_s = min(LOOK_PER_FRAME_S * self._settings.stream_frames, LONGEST_LOOK_S)
        since_s = time.monotonic()
        while self._room <= 0:
            self._look_at_backlog()
            if self._room > 0:
                return
            self._pause(pause_s)
            if time.monotonic() - since_s > FULL_WARN_S:
                since_s = time.monotonic()
                self._name_laggards()

    def _name_laggards(self) -> None:
        stream = self._box.keys.frames(self._spec.name)
        for line in self._insist(lambda: laggards(self._client, stream, self._lanes)):
            self._box.log.warning(
                f"the recording waits, its stream is full: {line}", camera=self._spec.name
            )

    def _look_at_backlog(self) -> None:
        self._room = self._insist(self._writer.room_left)
        backlog = self._settings.stream_frames - self._room
        # Entries leave in order: so few can only be of this epoch.
        if self._room > 0 and backlog <= self._published_in_epoch:
            self._transport.rings.unlink_old()

    def _stay(self) -> None:
        """At the end: stay, so that nobody starts it again, and keep what isn't analysed yet."""
        while True:
            self._pause(0.2)
            self._look_at_backlog()

    # Redis, and time passing.

    def _turn(self) -> None:
        """One turn of the loop: reports, the box's health, a look at Redis."""
        if self._box.stopping.is_set():
            raise _Stopped
        if not self._reporter.tick(self._client):
            self._suspect = True
        elif time.monotonic() - self._looked >= LOOK_EVERY_S:
            self._insist(self._look)

    def _look(self) -> None:
        self._looked = time.monotonic()
        self._check_mark()
        self._stored = max(self._stored, self._read_stored(self._reporter.last_seq))

    def _check_mark(self) -> None:
        """Raise _Emptied where Redis has lost what this epoch wrote."""
        mark = self._client.get(self._mark)
        if mark is None or int(cast(bytes, mark)) != self._reporter.epoch:
            raise _Emptied
        self._suspect = False

    def _insist(self, action: Callable[[], T], *, verify: bool = True) -> T:
        """Do it, however long Redis is away or full. Raises _Stopped, and (``verify``) _Emptied
        where Redis comes back without what it held."""
        troubled = False
        while True:
            try:
                if troubled and verify:
                    self._check_mark()
                result = action()
            except REDIS_AWAY as error:
                troubled = True
                self._note(error, "Redis is away: the recording waits")
            except OutOfMemoryError as error:
                troubled = True
                self._note(error, "Redis is full: the recording waits; raise its maxmemory")
            except ResponseError as error:
                if "no such key" not in str(error):
                    raise
                raise _Emptied from None
            else:
                if troubled:
                    self._box.set_ready(True)
                return result
            if self._box.wait(AWAY_S):
                raise _Stopped

    def _note(self, error: Exception, line: str) -> None:
        self._reporter.metrics.redis_error(error)
        self._box.set_ready(False, line)
        self._box.log.warning(line, camera=self._spec.name, error=type(error).__name__)

    def _pause(self, seconds: float) -> None:
        """Wait, with the loop turning."""
        until_s = time.monotonic() + seconds
        while True:
            self._turn()
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                return
            if self._box.wait(min(left_s, 0.2)):
                raise _Stopped

    def _stop(self) -> None:
        """Say that nothing follows; let the workers fetch what lies in shared memory."""
        self._reporter.enter("stopped")
        if not self._reporter.tick(self._client):
            return
        try:
            self._writer.finish(self._reporter.epoch, self._reporter.last_seq)
            until_s = time.monotonic() + (DRAIN_S if self._transport.shared else 0.0)
            while time.monotonic() < until_s:
                if self._writer.room_left() >= self._settings.stream_frames:
                    return
                time.sleep(LONGEST_LOOK_S)
                self._box.alive()
        except (*REDIS_AWAY, OutOfMemoryError) as error:
            self._reporter.metrics.redis_error(error)


def fingerprint(spec: CameraSpec, settings: IngestSettings) -> str:
    """What is played and how: two equal fingerprints give the same frames with the same seq.

    A digest over path, size and time of change, and the settings that pick frames.
    """
    parts: list[object] = [spec.kind, settings.fps, settings.max_width, settings.loop]
    if spec.kind == "demo":
        parts.append(spec.source)
    else:
        path = Path(spec.source).resolve()
        parts += [settings.folder_fps] if spec.kind == "folder" else []
        for file in pictures_in(path) if spec.kind == "folder" else [path]:
            status = file.stat()
            parts += [str(file), status.st_size, status.st_mtime_ns]
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:32]
