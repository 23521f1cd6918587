"""Metrics: named as Prometheus wants them, labels with a bound, nothing else."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import psutil
import pytest
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError as RedisConnectionError,
    OutOfMemoryError,
    ResponseError,
    TimeoutError as RedisTimeoutError,
)

from readroom import __version__, metrics
from readroom.ingest.sources.base import Reason
from readroom.messages import EXPRESSIONS, LOOKS, MEASURES, PLAIN_LOOKS, PLAIN_MEASURES, STATES
from readroom.metrics import (
    BOX_KINDS,
    CAMERA_PHASES,
    CHILD_KINDS,
    EVENT_KINDS,
    LOOK_VALUES,
    LOST_REASONS,
    SESSION_PHASES,
    STATE_VALUES,
    AggregatorMetrics,
    BoxMetrics,
    IngestMetrics,
    LiveMetrics,
    ProcessMetrics,
    SupervisorMetrics,
    WorkerMetrics,
)
from readroom.process_memory import resident_bytes
from readroom.words import vocabulary

ALLOWED_LABELS = {
    *("room", "camera", "slot", "engine", "stage", "reason", "expression"),
    *("look", "measure", "phase", "kind"),
}
#: Info metrics say one thing more; a histogram's bucket its bound.
EXTRA_LABELS = {"readroom_model_info": {"model"}, "readroom_build_info": {"version"}}


def in_trouble(box: BoxMetrics) -> None:
    box.dead("version")
    box.redis_error(RedisConnectionError())


def used_box(registry: CollectorRegistry) -> None:
    in_trouble(BoxMetrics(registry, "room"))


def used_process(registry: CollectorRegistry) -> None:
    ProcessMetrics(registry, "room")


def used_ingest(registry: CollectorRegistry) -> None:
    used_process(registry)
    ingest = IngestMetrics(registry, "room", "front")
    in_trouble(ingest)
    ingest.ingested.inc()
    ingest.dropped("rate", 3)
    ingest.reconnected("stall")
    ingest.up.set(1)
    ingest.stages["read"].observe(0.003)


def used_worker(registry: CollectorRegistry) -> None:
    used_process(registry)
    worker = WorkerMetrics(registry, "room")
    in_trouble(worker)
    worker.analysed("front")
    worker.skipped("front", "stale")
    worker.stage("decode", 0.004)
    worker.inference("face", 4, 0.02)
    worker.model("face", "yunet-2023mar")


def used_aggregator(registry: CollectorRegistry) -> None:
    used_process(registry)
    aggregator = AggregatorMetrics(registry, "room")
    in_trouble(aggregator)
    aggregator.frames_joined.labels("room", "front").inc()
    aggregator.dropped("front", "trimmed")
    aggregator.frame_age.labels("room", "front").observe(0.1)
    aggregator.lag.labels("room", "front").set(0.1)
    aggregator.people_visible.labels("room", "front").set(3)
    aggregator.coverage.labels("room").set(0.8)
    for state in STATES:
        aggregator.share.labels("room", state).set(0.1)
    aggregator.person_state.labels("room", "1").set(STATE_VALUES["happiness"])
    aggregator.person_coverage.labels("room", "1").set(0.7)
    aggregator.person_valence.labels("room", "1").set(-0.3)
    aggregator.person_arousal.labels("room", "1").set(0.2)
    for counter in (aggregator.overflow, aggregator.duplicates, aggregator.late):
        counter.labels("room").inc()
    aggregator.store_seconds.labels("room").observe(0.01)
    aggregator.store_errors.inc()
    aggregator.knows("front")
    for look in LOOKS:
        aggregator.look_share.labels("room", look).set(0.1)
    aggregator.person_look.labels("room", "1").set(LOOK_VALUES["amused"])
    for family in measure_gauges(aggregator):
        for measure in MEASURES:
            family.labels("room", measure).set(0.5)
    for phase in SESSION_PHASES:
        aggregator.session_phase.labels("room", phase).set(phase == "running")
    aggregator.session_seconds.labels("room").set(17.5)
    for phase in CAMERA_PHASES:
        aggregator.camera_phase.labels("room", "front", phase).set(phase == "streaming")
    for kind in BOX_KINDS:
        aggregator.boxes.labels("room", kind).set(1)
    aggregator.redis_memory.labels("room").set(3e6)
    aggregator.redis_maxmemory.labels("room").set(5e8)


def measure_gauges(aggregator: AggregatorMetrics) -> tuple[Gauge, ...]:
    return (
        *(aggregator.measure_value, aggregator.measure_low, aggregator.measure_high),
        *(aggregator.measure_people, aggregator.measure_coverage, aggregator.measure_chance),
    )


def used_supervisor(registry: CollectorRegistry) -> None:
    used_process(registry)
    SupervisorMetrics(registry, "room").restarted("work")


def used_live(registry: CollectorRegistry) -> None:
    used_process(registry)
    live = LiveMetrics(registry, "room")
    in_trouble(live)
    live.viewers.inc()


USED: dict[str, Callable[[CollectorRegistry], None]] = {
    "BoxMetrics": used_box,
    "ProcessMetrics": used_process,
    "IngestMetrics": used_ingest,
    "WorkerMetrics": used_worker,
    "AggregatorMetrics": used_aggregator,
    "SupervisorMetrics": used_supervisor,
    "LiveMetrics": used_live,
}
every_box = pytest.mark.parametrize("use", USED.values(), ids=USED)


def page(use: Callable[[CollectorRegistry], None]) -> str:
    registry = CollectorRegistry()
    use(registry)
    return generate_latest(registry).decode()


def test_every_class_of_metrics_is_looked_at_here() -> None:
    classes = {
        name for name, _ in inspect.getmembers(metrics, inspect.isclass) if name.endswith("Metrics")
    }

    assert classes == set(USED)


@every_box
def test_promtool_finds_nothing_to_complain_about(
    use: Callable[[CollectorRegistry], None],
) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool isn't installed here")

    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=page(use),
        text=True,
        capture_output=True,
        timeout=30,
        check=False,
    )

    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


@every_box
def test_names_and_labels_follow_the_rules(use: Callable[[CollectorRegistry], None]) -> None:
    families = list(text_string_to_metric_families(page(use)))
    assert families
    for family in families:
        assert re.fullmatch(r"readroom_[a-z]+(_[a-z]+)*", family.name), family.name
        assert family.documentation.endswith("."), family.name
        assert family.samples, family.name
        if family.type == "histogram":
            assert family.name.endswith(("_seconds", "_size")), family.name
        for sample in family.samples:
            assert ("_total" in sample.name) == (family.type == "counter"), sample.name
            extra = EXTRA_LABELS.get(family.name, {"le"})
            assert set(sample.labels) <= ALLOWED_LABELS | extra, sample


@every_box
def test_every_series_says_its_room(use: Callable[[CollectorRegistry], None]) -> None:
    for family in text_string_to_metric_families(page(use)):
        if not family.name.endswith("_created"):
            assert {sample.labels["room"] for sample in family.samples} == {"room"}


def test_no_two_boxes_mean_different_things_by_one_name() -> None:
    meant: dict[str, tuple[str, str]] = {}
    for use in USED.values():
        for family in text_string_to_metric_families(page(use)):
            kind = (family.type, family.documentation)
            assert meant.setdefault(family.name, kind) == kind


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RedisConnectionError(), "connection"),
        (RedisTimeoutError(), "timeout"),
        (BusyLoadingError(), "loading"),
        (OutOfMemoryError(), "out_of_memory"),
        (ResponseError(), "other"),
    ],
)
def test_a_redis_error_is_counted_by_its_kind(error: Exception, reason: str) -> None:
    registry = CollectorRegistry()
    BoxMetrics(registry, "room").redis_error(error)

    labels = {"room": "room", "reason": reason}
    assert registry.get_sample_value("readroom_redis_errors_total", labels) == 1


def test_the_number_of_a_state_is_told_in_the_help() -> None:
    text = page(used_aggregator)

    assert len(set(STATE_VALUES.values())) == len(STATES)
    for state, value in STATE_VALUES.items():
        assert re.search(rf"HELP readroom_person_state .*\b{value} {state}\b", text)


def test_the_number_of_a_look_is_told_in_the_help() -> None:
    text = page(used_aggregator)

    assert list(LOOK_VALUES) == list(LOOKS)
    for look, value in LOOK_VALUES.items():
        assert re.search(rf"HELP readroom_person_look .*\b{value} {look}\b", text)


def test_events_are_counted_by_every_kind_that_has_words() -> None:
    said = {re.sub(r"_(sure|bare|changed|unclear)$", "", kind) for kind in vocabulary(False).events}

    assert set(EVENT_KINDS) == said


def test_a_camera_can_be_lost_for_every_reason_that_is_counted() -> None:
    assert set(LOST_REASONS) == set(get_args(Reason))


@pytest.mark.parametrize(
    ("use", "name", "labels"),
    [
        (lambda registry: BoxMetrics(registry, "room"), "dead_letters_total", {"reason": "poison"}),
        (
            lambda registry: BoxMetrics(registry, "room"),
            "redis_errors_total",
            {"reason": "timeout"},
        ),
        (
            lambda registry: IngestMetrics(registry, "room", "front"),
            "frames_dropped_total",
            {"camera": "front", "reason": "superseded"},
        ),
        (
            lambda registry: IngestMetrics(registry, "room", "front"),
            "camera_reconnects_total",
            {"camera": "front", "reason": "stalled"},
        ),
        (
            lambda registry: AggregatorMetrics(registry, "room").knows("front"),
            "frames_dropped_total",
            {"camera": "front", "reason": "trimmed"},
        ),
        (lambda registry: AggregatorMetrics(registry, "room"), "events_total", {"kind": "marker"}),
        (lambda registry: AggregatorMetrics(registry, "room"), "store_errors_total", {}),
        (lambda registry: SupervisorMetrics(registry, "room"), "restarts_total", {"stage": "work"}),
    ],
)
def test_what_has_not_happened_yet_is_there_at_0(
    use: Callable[[CollectorRegistry], None], name: str, labels: dict[str, str]
) -> None:
    registry = CollectorRegistry()
    use(registry)

    assert registry.get_sample_value(f"readroom_{name}", {"room": "room", **labels}) == 0


def test_a_process_tells_its_memory_its_start_and_its_version() -> None:
    registry = CollectorRegistry()
    ProcessMetrics(registry, "room")

    def told(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"readroom_{name}", {"room": "room", **labels})

    held = told("process_memory_bytes")
    assert held == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)
    assert time.time() - 60 < (told("process_start_time_seconds") or 0) <= time.time()
    assert told("build_info", version=__version__) == 1


def test_without_proc_the_most_memory_that_was_held_stands_in(tmp_path: Path) -> None:
    assert resident_bytes(tmp_path / "nothing") >= resident_bytes() // 2 > 0


def test_every_kind_of_child_is_a_kind_of_box_or_the_redis_server() -> None:
    assert set(CHILD_KINDS) - {"redis"} <= set(BOX_KINDS)


def test_a_camera_that_is_forgotten_leaves_no_series() -> None:
    registry = CollectorRegistry()
    metrics = AggregatorMetrics(registry, "room")
    metrics.knows("front")
    for phase in CAMERA_PHASES:
        metrics.camera_phase.labels("room", "front", phase).set(0)
    metrics.dropped("front", "cadence")
    assert 'camera="front"' in generate_latest(registry).decode()

    metrics.forget("front")

    assert 'camera="front"' not in generate_latest(registry).decode()


def test_without_emotion_no_expression_and_no_figure_of_one_is_exposed() -> None:
    registry = CollectorRegistry()
    metrics = AggregatorMetrics(registry, "room", without_emotion=True)
    metrics.share.labels("room", "anger").set(0.5)
    metrics.person_state.labels("room", "1").set(STATE_VALUES["not_read"])
    metrics.person_valence.labels("room", "1").set(0.4)
    metrics.person_arousal.labels("room", "1").set(0.4)
    metrics.person_look.labels("room", "1").set(LOOK_VALUES["cant_tell"])
    assert (metrics.looks, metrics.measures) == (PLAIN_LOOKS, PLAIN_MEASURES)
    for look in metrics.looks:
        metrics.look_share.labels("room", look).set(0.5)
    for family in measure_gauges(metrics):
        for measure in metrics.measures:
            family.labels("room", measure).set(0.5)
    text = generate_latest(registry).decode()
    assert f'readroom_person_state{{room="room",slot="1"}} {STATE_VALUES["not_read"]}' in text
    silent = {*LOOKS, *MEASURES} - {*PLAIN_LOOKS, *PLAIN_MEASURES}
    for word in (*EXPRESSIONS, *silent, "expression", "valence", "arousal"):
        assert word not in text, word
    metrics.forget_person("1")
