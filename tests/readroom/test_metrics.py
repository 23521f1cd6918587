"""Metrics: named as Prometheus wants them, labels with a bound, nothing else."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError as RedisConnectionError,
    OutOfMemoryError,
    ResponseError,
    TimeoutError as RedisTimeoutError,
)

from readroom import metrics
from readroom.messages import EXPRESSIONS, STATES
from readroom.metrics import (
    STATE_VALUES,
    AggregatorMetrics,
    BoxMetrics,
    IngestMetrics,
    LiveMetrics,
    SupervisorMetrics,
    WorkerMetrics,
)

ALLOWED_LABELS = {"room", "camera", "slot", "engine", "stage", "reason", "expression"}


def in_trouble(box: BoxMetrics) -> None:
    box.dead("version")
    box.redis_error(RedisConnectionError())


def used_box(registry: CollectorRegistry) -> None:
    in_trouble(BoxMetrics(registry, "room"))


def used_ingest(registry: CollectorRegistry) -> None:
    ingest = IngestMetrics(registry, "room", "front")
    in_trouble(ingest)
    ingest.ingested.inc()
    ingest.dropped("rate", 3)
    ingest.reconnected("stall")
    ingest.up.set(1)
    ingest.stages["read"].observe(0.003)


def used_worker(registry: CollectorRegistry) -> None:
    worker = WorkerMetrics(registry, "room")
    in_trouble(worker)
    worker.analysed("front")
    worker.skipped("front", "stale")
    worker.stage("decode", 0.004)
    worker.inference("face", 4, 0.02)
    worker.model("face", "yunet-2023mar")


def used_aggregator(registry: CollectorRegistry) -> None:
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


def used_supervisor(registry: CollectorRegistry) -> None:
    SupervisorMetrics(registry, "room").restarted("work")


def used_live(registry: CollectorRegistry) -> None:
    live = LiveMetrics(registry, "room")
    in_trouble(live)
    live.viewers.inc()


USED: dict[str, Callable[[CollectorRegistry], None]] = {
    "BoxMetrics": used_box,
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
            extra = {"model"} if family.name == "readroom_model_info" else {"le"}
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


def test_without_emotion_no_expression_and_no_figure_of_one_is_exposed() -> None:
    registry = CollectorRegistry()
    metrics = AggregatorMetrics(registry, "room", without_emotion=True)
    metrics.share.labels("room", "anger").set(0.5)
    metrics.person_state.labels("room", "1").set(STATE_VALUES["not_read"])
    metrics.person_valence.labels("room", "1").set(0.4)
    metrics.person_arousal.labels("room", "1").set(0.4)
    text = generate_latest(registry).decode()
    assert f'readroom_person_state{{room="room",slot="1"}} {STATE_VALUES["not_read"]}' in text
    for word in (*EXPRESSIONS, "expression", "valence", "arousal"):
        assert word not in text
    metrics.forget_person("1")
