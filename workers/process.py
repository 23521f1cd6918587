"""The worker's process: frames in from the cameras' streams, one observation each out.

A worker is a member of its lane's consumer group. An entry is acknowledged after its observation
is in, so a worker that dies leaves its frames pending: it finds them again under its own name, or
another of the lane takes them over. Every frame that was handed out gets an observation, also one
that is stale, broken, or has killed its readers: a recording would wait for it for ever.

One kind of frame is left to others: a recording's, in shared memory that can't be opened here
because ingest runs on another host. This worker then lets go of that camera, and isn't ready.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
from redis.exceptions import OutOfMemoryError, ResponseError

from readroom.box import Box
from readroom.errors import ReadroomError
from readroom.messages import CameraReport, EngineName, Frame, Observation
from readroom.metrics import WorkerMetrics
from readroom.pixels import OutOfReach, Picture, PixelReader, Unreadable
from readroom.settings import lane_name
from readroom.streams import (
    REDIS_AWAY,
    Client,
    Delivery,
    GroupReader,
    acknowledged_up_to,
    consumer_name,
    publish_observation,
    read_cameras,
    wait_for_redis,
)
from readroom.workers.analysis import Analysis
from readroom.workers.assembly import Assembled, assemble
from readroom.workers.lane import (
    KnownFaces,
    due_engines,
    is_running,
    keeps_ring,
    newest_wins,
    observe,
)

#: Longest wait for a frame, ms: also how soon a stop is noticed.
BLOCK_MS = 200
#: How often the camera registry is read, s.
CAMERAS_EVERY_S = 1.0
#: How often other workers' forgotten frames are looked for, as a share of reclaim_idle_s.
RECLAIM_EVERY_RATIO = 0.3
#: Entries of a live camera read at once: the newest is analysed, the rest is stale anyway.
LIVE_COUNT = 64
#: Pause before a full Redis is tried again, s.
FULL_PAUSE_S = 0.5
#: Frames in a row on which an engine fails before the process gives up and is started afresh.
MAX_FAILURES = 20


def main(box: Box) -> None:
    """Run a worker until ``box.stopping``. Raises BadSettings where nothing can run here."""
    cv2.setNumThreads(1)
    metrics = WorkerMetrics(box.metrics, box.settings.room)
    assembled = assemble(box.settings, on_run=metrics.inference)
    _announce(box, assembled, metrics)
    worker = Worker(box, assembled, metrics)
    while not box.stopping.is_set():
        client = wait_for_redis(
            box.settings.redis, box.wait, box.log.warning, block_s=BLOCK_MS / 1000
        )
        if client is None:
            return
        try:
            worker.serve(client)
        except REDIS_AWAY as error:
            metrics.redis_error(error)
            box.set_ready(False, "Redis is away")
            box.log.warning("Redis went away; connecting again", error=type(error).__name__)
        finally:
            client.close()


def _announce(box: Box, assembled: Assembled, metrics: WorkerMetrics) -> None:
    """Say once what runs, what doesn't, and the remedy (under a supervisor that has been said
    for all workers together)."""
    models = assembled.analyser.models
    for engine, model in models.items():
        metrics.model(engine, model)
    runs = ", ".join(f"{engine} ({model})" for engine, model in models.items())
    reasons = [f"{c.engine}: {c.reason}" for c in assembled.choices if c.reason]
    if reasons and not box.supervised:
        box.log.warning("worker runs with less than it could", runs=runs, why="; ".join(reasons))
    else:
        box.log.info("worker runs", runs=runs)


@dataclass(frozen=True, slots=True)
class _Read:
    """A frame whose pixels were read and which is to be analysed."""

    delivery: Delivery[Frame]
    picture: Picture
    due: frozenset[EngineName]
    decode_s: float


class Worker:
    """One worker's loop. What it remembers survives a lost connection."""

    def __init__(self, box: Box, assembled: Assembled, metrics: WorkerMetrics) -> None:
        self._box = box
        self._settings = box.settings.workers
        self._analyser = assembled.analyser
        self._models = {str(engine): model for engine, model in self._analyser.models.items()}
        self._metrics = metrics
        self._lane = lane_name(box.settings.engines)
        self._pixels = PixelReader()
        self._known = KnownFaces()
        self._failures = 0
        self._said: set[str] = set()
        self._recording = False
        self._cameras: dict[str, CameraReport] = {}
        #: Recordings whose shared memory can't be opened here: camera → epoch.
        self._out_of_reach: dict[str, int] = {}

    def serve(self, client: Client) -> None:
        """Work with one connection until told to stop; REDIS_AWAY passes through."""
        box = self._box
        reader: GroupReader[Frame] = GroupReader(
            client,
            box.keys,
            self._lane,
            consumer_name(box.name),
            Frame,
            on_dead=box.put_aside(self._metrics),
            on_poison=lambda delivery: self._skip(client, delivery, "failed"),
        )
        looked_at = reclaimed_at = float("-inf")
        reclaim_every_s = self._settings.reclaim_idle_s * RECLAIM_EVERY_RATIO
        while not box.stopping.is_set():
            now = time.monotonic()
            if now - looked_at >= CAMERAS_EVERY_S:
                looked_at = now
                self._look_around(client, reader)
            if now - reclaimed_at >= reclaim_every_s:
                taken_over = reader.reclaim(self._settings.reclaim_idle_s)
                self._take_over(client, reader, taken_over)
                # More may be left where something was: look again at once.
                reclaimed_at = float("-inf") if taken_over else now
            count = self._settings.batch_frames if self._recording else LIVE_COUNT
            self._handle(client, reader, reader.read(count=count, block_ms=BLOCK_MS))
            box.alive()

    def _look_around(self, client: Client, reader: GroupReader[Frame]) -> None:
        """Say that this worker is there, and follow every camera that has reported, also one that
        has ended: it may have frames left. A full Redis lets neither happen, but frames already
        followed are read all the same."""
        keys, now = self._box.keys, time.time()
        cameras = self._cameras = read_cameras(client, keys)
        self._out_of_reach = {
            name: epoch
            for name, epoch in self._out_of_reach.items()
            if name in cameras and keeps_ring(cameras[name], epoch, now)
        }
        self._say_ready()
        try:
            reader.follow(keys.frames(n) for n in sorted(cameras) if n not in self._out_of_reach)
            self._box.alive(client)
        except OutOfMemoryError as error:
            self._metrics.redis_error(error)
            self._box.log.warning("Redis is full: no new camera is followed")
        self._recording = any(
            is_running(camera, now) or _has_frames(client, keys.frames(name), self._lane)
            for name, camera in cameras.items()
            if camera.mode == "recording"
        )

    def _say_ready(self) -> None:
        if self._out_of_reach:
            self._box.set_ready(False, _remedy(self._out_of_reach))
        else:
            self._box.set_ready(True, "reading frames")

    def _take_over(
        self, client: Client, reader: GroupReader[Frame], taken: Sequence[Delivery[Frame]]
    ) -> None:
        """Frames that another worker was silent about: a recording's are analysed, live ones are
        stale by now."""
        stale = [delivery for delivery in taken if delivery.message.mode == "live"]
        reader.ack(delivery for delivery in stale if self._skip(client, delivery, "stale"))
        self._analyse(client, reader, [d for d in taken if d.message.mode == "recording"])

    def _handle(
        self, client: Client, reader: GroupReader[Frame], deliveries: Sequence[Delivery[Frame]]
    ) -> None:
        kept, stale = newest_wins(deliveries)
        reader.ack(delivery for delivery in stale if self._skip(client, delivery, "stale"))
        self._analyse(client, reader, kept)

    def _analyse(
        self, client: Client, reader: GroupReader[Frame], deliveries: Sequence[Delivery[Frame]]
    ) -> None:
        """Analyse frames in batches; publish each one's observation, then acknowledge it."""
        size = self._settings.batch_frames
        for start in range(0, len(deliveries), size):
            batch: list[_Read] = []
            for delivery in deliveries[start : start + size]:
                try:
                    read = self._read(delivery)
                except OutOfReach as error:
                    self._leave(client, reader, delivery, error)
                    continue
                if isinstance(read, _Read):
                    batch.append(read)
                elif self._skip(client, delivery, read):
                    reader.ack([delivery])
            for read, analysis in zip(batch, self._run(batch), strict=True):
                if self._finish(client, read, analysis):
                    reader.ack([read.delivery])
            self._box.alive()

    def _read(self, delivery: Delivery[Frame]) -> _Read | str:
        """A frame's pixels, or why it is skipped. Raises OutOfReach where others can read it."""
        frame = delivery.message
        due = due_engines(frame, self._settings)
        if not due:
            return "cadence"
        began = time.perf_counter()
        try:
            picture = self._pixels.read(frame, delivery.payload)
        except Unreadable as error:
            if isinstance(error, OutOfReach) and self._is_elsewhere(frame):
                raise
            self._box.log.warning(
                "frame can't be read", camera=frame.camera, seq=frame.seq, error=str(error)
            )
            return error.reason
        return _Read(delivery, picture, due, time.perf_counter() - began)

    def _is_elsewhere(self, frame: Frame) -> bool:
        """Whether shared memory that can't be opened here is there for workers elsewhere."""
        report = self._cameras.get(frame.camera)
        if frame.mode == "live" or report is None:
            return False
        return keeps_ring(report, frame.epoch, time.time())

    def _leave(
        self,
        client: Client,
        reader: GroupReader[Frame],
        delivery: Delivery[Frame],
        error: OutOfReach,
    ) -> None:
        """Let go of a recording's camera, and of this frame, so that others may take it."""
        frame = delivery.message
        if frame.camera not in self._out_of_reach:
            self._box.log.error(_remedy([frame.camera]), error=str(error))
        self._out_of_reach[frame.camera] = frame.epoch
        reader.follow(key for key in reader.streams if key != delivery.key)
        # As if silent for long, so that it is taken over at once, and handed out never: it has
        # killed nobody, and must not be put aside for having come here often.
        client.xclaim(
            delivery.key,
            reader.group,
            reader.consumer,
            0,
            [delivery.entry_id],
            idle=int(self._settings.reclaim_idle_s * 1000),
            retrycount=0,
            justid=True,
        )
        self._say_ready()

    def _run(self, batch: Sequence[_Read]) -> list[Analysis | None]:
        """Analyse a batch, and where that fails, each frame alone: None for those that fail."""
        if not batch:
            return []
        try:
            analyses = self._analyser.analyse(
                [read.picture for read in batch],
                [read.due for read in batch],
                [self._known.at(read.delivery.message) for read in batch],
            )
        except Exception as error:  # Whatever an engine stumbles over, the next frame is another.
            if len(batch) > 1:
                return [self._run([read])[0] for read in batch]
            self._failed(batch[0].delivery.message, error)
            return [None]
        self._failures = 0
        return list(analyses)

    def _failed(self, frame: Frame, error: Exception) -> None:
        cause = f"{type(error).__name__}: {error}"
        # A failure's traceback is worth a line once; its repetitions are counted.
        first = {} if cause in self._said else {"traceback": traceback.format_exc()}
        self._said = {*self._said, cause} if len(self._said) < MAX_FAILURES else {cause}
        self._box.log.warning(
            "analysis failed", camera=frame.camera, seq=frame.seq, error=cause, **first
        )
        self._failures += 1
        if self._failures >= MAX_FAILURES:
            raise ReadroomError(
                f"analysis failed on {self._failures} frames in a row ({cause}): the process ends "
                "to be started afresh; see the traceback above"
            )

    def _finish(self, client: Client, read: _Read, analysis: Analysis | None) -> bool:
        frame = read.delivery.message
        if analysis is None:
            return self._skip(client, read.delivery, "failed")
        if not analysis.engines:  # Of what was due, nothing could: a pose without known faces.
            return self._skip(client, read.delivery, "cadence")
        if "face" in analysis.engines:
            self._known.remember(frame, (face.box for face in analysis.faces))
        stages_s = {"decode": read.decode_s, **analysis.stages_s}
        for stage, seconds in stages_s.items():
            self._metrics.stage(stage, seconds)
        self._metrics.analysed(frame.camera)
        observation = observe(
            frame,
            lane=self._lane,
            worker=self._box.name,
            engines=analysis.engines,
            faces=analysis.faces,
            bodies=analysis.bodies,
            models={name: self._models[name] for name in analysis.engines},
            stages_s=stages_s,
            done_at=time.time(),
        )
        return self._publish(client, observation)

    def _skip(self, client: Client, delivery: Delivery[Frame], reason: str) -> bool:
        """Say that nothing ran on a frame, and why."""
        frame = delivery.message
        self._metrics.skipped(frame.camera, reason)
        observation = observe(
            frame,
            lane=self._lane,
            worker=self._box.name,
            skipped=reason,
            models=self._models,
            done_at=time.time(),
        )
        return self._publish(client, observation)

    def _publish(self, client: Client, observation: Observation) -> bool:
        """Publish; False where it isn't in, so that its frame stays pending. With Redis full, a
        recording's observation waits, a live one is given up and counted."""
        while True:
            try:
                publish_observation(
                    client, self._box.keys, observation, bounded=not self._recording
                )
                return True
            except OutOfMemoryError as error:
                self._metrics.redis_error(error)
                self._box.log.warning("Redis is full", camera=observation.camera)
            if observation.mode == "live":
                self._metrics.skipped(observation.camera, "out_of_memory")
                return True
            if self._box.wait(FULL_PAUSE_S):
                return False


def _has_frames(client: Client, key: str, lane: str) -> bool:
    """Whether a stream holds frames that the lane hasn't acknowledged."""
    try:
        since = acknowledged_up_to(client, key, [lane])
    except ResponseError:  # no such stream
        return False
    return since is not None and bool(client.xrange(key, since.decode(), count=1))


def _remedy(cameras: Iterable[str]) -> str:
    return (
        f"{', '.join(sorted(cameras))}: recorded frames lie in shared memory that can't be opened "
        "here, and are left to workers on ingest's host; set READROOM_INGEST__TRANSPORT=redis "
        "where ingest runs, or run this worker there"
    )
