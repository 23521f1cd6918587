"""Every metric of every box, in base units, with bounded labels.

Labels are room, camera, slot, engine, stage, reason, expression, look, measure, phase and kind only
(and ``model`` and ``version`` on the info metrics): never a name, a URL, a process id or anything
else without a bound. Each box makes the one class that is its own, on its own registry, beside
ProcessMetrics; docs/metrics.md is generated from this file.

What can be counted under a known label is there from the start, at 0: the first of its kind is an
increase then, which Prometheus sees, and an alert with it.
"""

from __future__ import annotations

import time
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError as RedisConnectionError,
    OutOfMemoryError,
    TimeoutError as RedisTimeoutError,
)

from readroom import __version__
from readroom.messages import (
    EXPRESSIONS,
    LOOKS,
    MEASURES,
    PLAIN_LOOKS,
    PLAIN_MEASURES,
    STATES,
    CameraPhase,
)
from readroom.process_memory import resident_bytes

#: Buckets, s: from a decode to a stalled camera.
_STAGE_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_AGE_BUCKETS = (
    *(0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12, 0.14, 0.16, 0.18, 0.2, 0.225, 0.25),
    *(0.275, 0.3, 0.35, 0.4, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0),
)
_BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64)

#: The value of readroom_person_state for each state (its index in STATES).
STATE_VALUES = {state: value for value, state in enumerate(STATES)}
#: The value of readroom_person_look for each look (its index in LOOKS).
LOOK_VALUES = {look: value for value, look in enumerate(LOOKS)}
#: Every kind of event, as messages.Event lists them.
EVENT_KINDS: Final = (
    *("session_started", "session_closed", "person_entered", "person_left", "camera"),
    *("state_ended", "look_ended", "action_ended", "deviation", "inflection", "peak"),
    *("marker", "response", "merged", "split"),
)
#: Phases of a session and of a camera, each a series of its own: 1 for the one that is, else 0.
SESSION_PHASES: Final = ("waiting", "rolling", "running", "closed")
CAMERA_PHASES: Final[tuple[str, ...]] = get_args(CameraPhase)
#: Kinds of box: those that register themselves, and those that a supervisor starts.
BOX_KINDS: Final = ("ingest", "work", "aggregate", "live", "run")
CHILD_KINDS: Final = ("redis", "aggregate", "live", "work", "ingest")
_DEAD_REASONS: Final = ("version", "undecodable", "poison")
_REDIS_REASONS: Final = ("out_of_memory", "timeout", "loading", "connection", "other")
_INGEST_DROPS: Final = ("rate", "superseded", "decode", "out_of_memory", "redis_away")
LOST_REASONS: Final = (
    *("busy", "closed", "decode", "failed", "forbidden", "hung", "not_found", "refused"),
    *("resolution", "stalled", "unauthorized", "unreachable"),
)
_JOIN_DROPS: Final = ("trimmed", "unreported", "stale", "overwritten", "undecodable", "failed")


class ProcessMetrics:
    """What every process says of itself, whatever it does."""

    def __init__(self, registry: CollectorRegistry, room: str) -> None:
        Gauge(
            "readroom_process_memory_bytes",
            "Memory that the process holds (where there is no /proc: the most it ever held).",
            ["room"],
            registry=registry,
        ).labels(room).set_function(resident_bytes)
        Gauge(
            "readroom_process_start_time_seconds",
            "When the process started, Unix time.",
            ["room"],
            registry=registry,
        ).labels(room).set(time.time())
        Gauge(
            "readroom_build_info",
            "1 for the version that the process runs.",
            ["room", "version"],
            registry=registry,
        ).labels(room, __version__).set(1)


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
        for reason in _DEAD_REASONS:
            self._dead.labels(room, reason)
        for reason in _REDIS_REASONS:
            self.redis_errors.labels(room, reason)

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


def _state_legend(without_emotion: bool) -> str:
    return ", ".join(
        f"{value} {state}"
        for state, value in STATE_VALUES.items()
        if not (without_emotion and state in EXPRESSIONS)
    )


def _look_legend(looks: tuple[str, ...]) -> str:
    return ", ".join(f"{LOOK_VALUES[look]} {look}" for look in looks)


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
        for reason in _INGEST_DROPS:
            self._dropped.labels(room, camera, reason)
        self._reconnects = Counter(
            "readroom_camera_reconnects",
            "Times a camera was lost and tried again, by reason.",
            ["room", "camera", "reason"],
            registry=registry,
        )
        for reason in LOST_REASONS:
            self._reconnects.labels(room, camera, reason)
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
        self.looks = PLAIN_LOOKS if without_emotion else LOOKS
        self.measures = PLAIN_MEASURES if without_emotion else MEASURES
        self._drop_reasons: dict[str, set[str]] = {}
        self._frame_metrics(registry)
        self._room_metrics(registry, emotional)
        self._person_gauges(registry, emotional)
        self._measure_gauges(registry)
        self._session_gauges(registry)
        self._system_gauges(registry)
        self._store_metrics(registry)

    def _frame_metrics(self, registry: CollectorRegistry) -> None:
        """What became of frames and of their observations."""
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

    def _room_metrics(
        self, registry: CollectorRegistry, emotional: CollectorRegistry | None
    ) -> None:
        """How many people are seen, and how they look together. ``emotional``: where what is made
        of expressions is exposed; None: nowhere."""
        self.people_visible = Gauge(
            "readroom_people_visible",
            "People whose face is seen now.",
            ["room", "camera"],
            registry=registry,
        )
        self.overflow = Counter(
            "readroom_people_overflow",
            "People who found no free slot.",
            ["room"],
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
        self.look_share = Gauge(
            "readroom_look_share_ratio",
            "Share of the visible people who look so; NaN for fewer than two people.",
            ["room", "look"],
            registry=registry,
        )

    def _person_gauges(
        self, registry: CollectorRegistry, emotional: CollectorRegistry | None
    ) -> None:
        """How the person in each slot looks; ``emotional`` as above."""
        without_emotion = emotional is None
        self.person_state = Gauge(
            "readroom_person_state",
            f"State of the person in a slot: {_state_legend(without_emotion)}.",
            ["room", "slot"],
            registry=registry,
        )
        self.person_look = Gauge(
            "readroom_person_look",
            f"How the person in a slot looks all in all: {_look_legend(self.looks)}.",
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

    def _measure_gauges(self, registry: CollectorRegistry) -> None:
        """What is said of the room over the last minute, with what it rests on."""
        said = f"of a measure of the room over the last minute ({', '.join(self.measures)})"

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"readroom_measure_{name}", text, ["room", "measure"], registry=registry)

        self.measure_value = gauge("value", f"Value {said}; NaN where too little was seen.")
        self.measure_low = gauge("low", f"Lower end of the 95 % interval {said}.")
        self.measure_high = gauge("high", f"Upper end of the 95 % interval {said}.")
        self.measure_people = gauge("people", f"People behind the value {said}.")
        self.measure_coverage = gauge(
            "coverage_ratio", f"Mean share of the time in which people could be read, {said}."
        )
        self.measure_chance = gauge(
            "chance_ratio",
            f"How likely such a value is by chance alone, {said}; NaN where that isn't computed.",
        )

    def _session_gauges(self, registry: CollectorRegistry) -> None:
        self.session_phase = Gauge(
            "readroom_session_phase",
            "1 for the phase that the room is in (waiting, rolling: nothing is stored, running, "
            "closed), else 0.",
            ["room", "phase"],
            registry=registry,
        )
        self.session_seconds = Gauge(
            "readroom_session_seconds",
            "Session time: how long the session has gone on by the cameras' own clock.",
            ["room"],
            registry=registry,
        )
        self.camera_phase = Gauge(
            "readroom_camera_phase",
            "1 for the phase that the camera is in as the aggregator knows it (connecting, "
            "streaming, retrying, ended, stopped), else 0.",
            ["room", "camera", "phase"],
            registry=registry,
        )
        self.events = Counter(
            "readroom_events", "Events, by kind.", ["room", "kind"], registry=registry
        )
        for kind in EVENT_KINDS:
            self.events.labels(self.room, kind)

    def _system_gauges(self, registry: CollectorRegistry) -> None:
        self.boxes = Gauge(
            "readroom_boxes",
            "Processes of the room that have spoken within 10 s; stage is the kind of box.",
            ["room", "stage"],
            registry=registry,
        )
        self.redis_memory = Gauge(
            "readroom_redis_memory_bytes",
            "Memory that Redis uses.",
            ["room"],
            registry=registry,
        )
        self.redis_maxmemory = Gauge(
            "readroom_redis_maxmemory_bytes",
            "Memory that Redis may use; 0: no limit is set.",
            ["room"],
            registry=registry,
        )

    def _store_metrics(self, registry: CollectorRegistry) -> None:
        self.store_failing = Gauge(
            "readroom_store_failing",
            "1 while the session store can't be written, else 0.",
            ["room"],
            registry=registry,
        ).labels(self.room)
        self.store_errors = Counter(
            "readroom_store_errors",
            "Commits of the session store that failed; what they held is kept and tried again.",
            ["room"],
            registry=registry,
        ).labels(self.room)
        self.store_seconds = Histogram(
            "readroom_store_commit_seconds",
            "Time of one commit of the session store.",
            ["room"],
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )

    def knows(self, camera: str) -> None:
        """A camera is part of the room: what may be counted of it is 0 so far."""
        known = self._drop_reasons.setdefault(camera, set())
        for reason in _JOIN_DROPS:
            known.add(reason)
            self._dropped.labels(self.room, camera, reason)
        self.frames_joined.labels(self.room, camera)

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
        for phase in CAMERA_PHASES:
            self.camera_phase.remove(self.room, camera, phase)

    def forget_person(self, slot: str) -> None:
        """Take away the series of a slot that nobody is in any more."""
        for family in (
            *(self.person_state, self.person_look, self.person_coverage),
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
        for kind in CHILD_KINDS:
            self._restarts.labels(room, kind)

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
