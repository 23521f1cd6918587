"""Every metric of every box, in base units, with bounded labels.

Labels are room, camera, slot, engine, stage, reason and expression only (and ``model`` on the
info metric): never a name, a URL, a process id or anything else without a bound. Each box makes
the one class that is its own, on its own registry; docs/metrics.md is generated from this file.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError as RedisConnectionError,
    OutOfMemoryError,
    TimeoutError as RedisTimeoutError,
)

from readroom.messages import EXPRESSIONS, STATES

#: Buckets, s: from a decode to a stalled camera.
_STAGE_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_AGE_BUCKETS = (
    *(0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12, 0.14, 0.16, 0.18, 0.2, 0.225, 0.25),
    *(0.275, 0.3, 0.35, 0.4, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0),
)
_BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64)

#: The value of readroom_person_state for each state (its index in STATES).
STATE_VALUES = {state: value for value, state in enumerate(STATES)}


class BoxMetrics:
    """What every box counts: entries nobody could read."""

    def __init__(self, registry: CollectorRegistry, room: str) -> None:
        self.room = room
        self._dead = Counter(
            "readroom_dead_letters",
            "Stream entries that could not be read and were put aside, by reason.",
            ["room", "reason"],
            registry=registry,
        )
        self.redis_errors = Counter(
            "readroom_redis_errors",
            "Redis commands that failed and were survived, by reason.",
            ["room", "reason"],
            registry=registry,
        )

    def dead(self, reason: str) -> None:
        """Count a dead letter (``version``, ``undecodable``, ``poison``)."""
        self._dead.labels(self.room, reason).inc()

    def redis_error(self, error: BaseException) -> None:
        """Count a Redis error that was survived, by the kind of error."""
        reasons: tuple[tuple[type[BaseException], str], ...] = (
            (OutOfMemoryError, "out_of_memory"),
            (RedisTimeoutError, "timeout"),
            (BusyLoadingError, "loading"),  # Is a ConnectionError too, so it comes first.
            (RedisConnectionError, "connection"),
        )
        reason = next((name for kind, name in reasons if isinstance(error, kind)), "other")
        self.redis_errors.labels(self.room, reason).inc()


def _legend(without_emotion: bool) -> str:
    return ", ".join(
        f"{value} {state}"
        for state, value in STATE_VALUES.items()
        if not (without_emotion and state in EXPRESSIONS)
    )


def _stage_histogram(registry: CollectorRegistry) -> Histogram:
    return Histogram(
        "readroom_stage_seconds",
        "Time spent on one frame in a stage (ingest: read, with the wait for a live camera, "
        "encode, publish; worker: decode, face, expression, pose).",
        ["room", "stage"],
        buckets=_STAGE_BUCKETS,
        registry=registry,
    )


def _dropped_counter(registry: CollectorRegistry) -> Counter:
    return Counter(
        "readroom_frames_dropped",
        "Frames that were captured and not analysed, by reason.",
        ["room", "camera", "reason"],
        registry=registry,
    )


class IngestMetrics(BoxMetrics):
    """One camera's ingest."""

    def __init__(self, registry: CollectorRegistry, room: str, camera: str) -> None:
        super().__init__(registry, room)
        self._camera = camera
        self.ingested = Counter(
            "readroom_frames_ingested",
            "Frames published to the workers.",
            ["room", "camera"],
            registry=registry,
        ).labels(room, camera)
        self._dropped = _dropped_counter(registry)
        self._reconnects = Counter(
            "readroom_camera_reconnects",
            "Times a camera was lost and tried again, by reason.",
            ["room", "camera", "reason"],
            registry=registry,
        )
        self.up = Gauge(
            "readroom_camera_up",
            "1 while the camera delivers, else 0.",
            ["room", "camera"],
            registry=registry,
        ).labels(room, camera)
        stages = _stage_histogram(registry)
        self.stages = {name: stages.labels(room, name) for name in ("read", "encode", "publish")}

    def dropped(self, reason: str, count: int = 1) -> None:
        """Count frames that ingest dropped."""
        self._dropped.labels(self.room, self._camera, reason).inc(count)

    def reconnected(self, reason: str) -> None:
        """Count a lost camera."""
        self._reconnects.labels(self.room, self._camera, reason).inc()


class WorkerMetrics(BoxMetrics):
    """One worker."""

    def __init__(self, registry: CollectorRegistry, room: str) -> None:
        super().__init__(registry, room)
        self._analysed = Counter(
            "readroom_frames_analysed",
            "Frames a worker has finished.",
            ["room", "camera"],
            registry=registry,
        )
        self._skipped = Counter(
            "readroom_frames_skipped",
            "Frames a worker was handed and ran nothing on, by reason.",
            ["room", "camera", "reason"],
            registry=registry,
        )
        self._stages = _stage_histogram(registry)
        self._inference = Histogram(
            "readroom_inference_seconds",
            "Time of one network run, by engine.",
            ["room", "engine"],
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )
        self._batch = Histogram(
            "readroom_batch_size",
            "Items in one network run, by engine.",
            ["room", "engine"],
            buckets=_BATCH_BUCKETS,
            registry=registry,
        )
        self._model = Gauge(
            "readroom_model_info",
            "1 for the network an engine runs.",
            ["room", "engine", "model"],
            registry=registry,
        )

    def analysed(self, camera: str) -> None:
        """Count a finished frame."""
        self._analysed.labels(self.room, camera).inc()

    def skipped(self, camera: str, reason: str) -> None:
        """Count a frame that nothing ran on."""
        self._skipped.labels(self.room, camera, reason).inc()

    def stage(self, stage: str, seconds: float) -> None:
        """Time spent on one frame in a stage, s."""
        self._stages.labels(self.room, stage).observe(seconds)

    def inference(self, engine: str, batch: int, seconds: float) -> None:
        """One network run: items in it and s."""
        self._inference.labels(self.room, engine).observe(seconds)
        self._batch.labels(self.room, engine).observe(batch)

    def model(self, engine: str, model: str) -> None:
        """Say which network an engine runs."""
        self._model.labels(self.room, engine, model).set(1)


class AggregatorMetrics(BoxMetrics):
    """The aggregator: the only box that knows people. ``without_emotion``: what is made of
    expressions isn't exposed, also where it is set, and no expression is named."""

    def __init__(
        self, registry: CollectorRegistry, room: str, *, without_emotion: bool = False
    ) -> None:
        super().__init__(registry, room)
        emotional = None if without_emotion else registry
        self.frames_joined = Counter(
            "readroom_frames_joined",
            "Frames whose results reached the timelines.",
            ["room", "camera"],
            registry=registry,
        )
        self._dropped = _dropped_counter(registry)
        self.frame_age = Histogram(
            "readroom_frame_age_seconds",
            "From capture until the frame's results are in the metrics.",
            ["room", "camera"],
            buckets=_AGE_BUCKETS,
            registry=registry,
        )
        self.lag = Gauge(
            "readroom_lag_seconds",
            "Newest captured-at minus last processed captured-at.",
            ["room", "camera"],
            registry=registry,
        )
        self.people_visible = Gauge(
            "readroom_people_visible",
            "People whose face is seen now.",
            ["room", "camera"],
            registry=registry,
        )
        self.coverage = Gauge(
            "readroom_coverage_ratio",
            "Mean share of the last minute in which the present people's faces were readable.",
            ["room"],
            registry=registry,
        )
        self.share = Gauge(
            "readroom_expression_share_ratio",
            "Share of the visible people in each state.",
            ["room", "expression"],
            registry=emotional,
        )
        self.person_state = Gauge(
            "readroom_person_state",
            f"State of the person in a slot: {_legend(without_emotion)}.",
            ["room", "slot"],
            registry=registry,
        )
        self.person_coverage = Gauge(
            "readroom_person_coverage_ratio",
            "Share of the last minute in which the person's face was readable.",
            ["room", "slot"],
            registry=registry,
        )
        self.person_valence = Gauge(
            "readroom_person_valence",
            "Index from -1 (unpleasant) to 1 (pleasant) of how the person in a slot looks, derived "
            "from the expression probabilities; NaN while the face is not read.",
            ["room", "slot"],
            registry=emotional,
        )
        self.person_arousal = Gauge(
            "readroom_person_arousal",
            "Index from -1 (quiet) to 1 (excited) of how the person in a slot looks, derived from "
            "the expression probabilities; NaN while the face is not read.",
            ["room", "slot"],
            registry=emotional,
        )
        self.overflow = Counter(
            "readroom_people_overflow",
            "People who found no free slot.",
            ["room"],
            registry=registry,
        )
        self.duplicates = Counter(
            "readroom_observations_duplicate",
            "Observations that had arrived before.",
            ["room"],
            registry=registry,
        )
        self.late = Counter(
            "readroom_observations_late",
            "Observations that came after their frame's turn.",
            ["room"],
            registry=registry,
        )
        self.store_seconds = Histogram(
            "readroom_store_commit_seconds",
            "Time of one commit of the session store.",
            ["room"],
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )

        self._drop_reasons: dict[str, set[str]] = {}

    def dropped(self, camera: str, reason: str, count: int = 1) -> None:
        """Count frames that no lane analysed (``trimmed``, ``stale``, ...)."""
        self._drop_reasons.setdefault(camera, set()).add(reason)
        self._dropped.labels(self.room, camera, reason).inc(count)

    def forget(self, camera: str) -> None:
        """Take away the series of a camera that is no longer part of the room."""
        for family in (self.lag, self.people_visible, self.frames_joined, self.frame_age):
            family.remove(self.room, camera)
        for reason in self._drop_reasons.pop(camera, ()):
            self._dropped.remove(self.room, camera, reason)

    def forget_person(self, slot: str) -> None:
        """Take away the series of a slot that nobody is in any more."""
        for family in (
            *(self.person_state, self.person_coverage),
            *(self.person_valence, self.person_arousal),
        ):
            family.remove(self.room, slot)


class SupervisorMetrics:
    """The supervisor."""

    def __init__(self, registry: CollectorRegistry, room: str) -> None:
        self._room = room
        self._restarts = Counter(
            "readroom_restarts",
            "Child processes started again after they died; stage is the kind of box.",
            ["room", "stage"],
            registry=registry,
        )

    def restarted(self, kind: str) -> None:
        """Count a restart of a box of that kind."""
        self._restarts.labels(self._room, kind).inc()


class LiveMetrics(BoxMetrics):
    """The live page's server."""

    def __init__(self, registry: CollectorRegistry, room: str) -> None:
        super().__init__(registry, room)
        self.viewers = Gauge(
            "readroom_live_viewers", "Open live pages.", ["room"], registry=registry
        ).labels(room)
