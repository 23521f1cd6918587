"""What the room's state is in the metrics, and that nothing stays of who or what is gone."""

from __future__ import annotations

import math
import time

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, generate_latest

from readroom.aggregator.gauges import Gauges
from readroom.aggregator.room_data import Changes
from readroom.aggregator.rows import SessionRows
from readroom.messages import LOOKS, BoxInfo, Measure, RoomState
from readroom.metrics import EVENT_KINDS, LOOK_VALUES, AggregatorMetrics
from tests.aggregator.stored import event, session
from tests.dashboards.scene import camera, person, room_state


class Shown:
    """Gauges on a registry of their own."""

    def __init__(self, *, without_emotion: bool = False) -> None:
        self.registry = CollectorRegistry()
        metrics = AggregatorMetrics(self.registry, "room", without_emotion=without_emotion)
        self.gauges = Gauges(metrics, "room")

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"readroom_{name}", {"room": "room", **labels})

    @property
    def page(self) -> str:
        return generate_latest(self.registry).decode()


@pytest.fixture
def shown() -> Shown:
    return Shown()


def measure(value: float | None, **fields: float) -> Measure:
    given: dict[str, float] = {"low": 0.1, "high": 0.5, "coverage": 0.8, **fields}
    return Measure(value=value, n=4, **given)


def state(**changes: object) -> RoomState:
    people = [person(1, "happiness", affect=(0.6, 0.2)), person(2, "not_visible")]
    return room_state(10.0, people, **changes)


def test_a_measure_is_there_with_its_interval_and_what_it_rests_on(shown: Shown) -> None:
    shown.gauges.show(state(measures={"valence": measure(0.3), "synchrony": measure(0.2, p=0.04)}))

    assert shown.value("measure_value", measure="valence") == 0.3
    assert shown.value("measure_low", measure="valence") == 0.1
    assert shown.value("measure_high", measure="valence") == 0.5
    assert shown.value("measure_people", measure="valence") == 4
    assert shown.value("measure_coverage_ratio", measure="valence") == 0.8
    assert shown.value("measure_chance_ratio", measure="synchrony") == 0.04


def test_a_measure_that_is_not_said_is_no_number(shown: Shown) -> None:
    shown.gauges.show(state(measures={"valence": measure(None)}))

    for name in ("valence", "synchrony"):
        assert math.isnan(shown.value("measure_value", measure=name) or 0.0)
    assert math.isnan(shown.value("measure_chance_ratio", measure="valence") or 0.0)


def test_a_measure_that_is_no_longer_said_is_not_left_as_it_was(shown: Shown) -> None:
    shown.gauges.show(state(measures={"valence": measure(0.3)}))
    shown.gauges.show(state(measures={}))

    assert math.isnan(shown.value("measure_value", measure="valence") or 0.0)
    assert shown.value("measure_people", measure="valence") == 0


def test_looks_are_shares_and_a_number_for_each_person(shown: Shown) -> None:
    shares = {"amused": measure(0.75), "cant_tell": measure(0.25)}
    people = (replace(person(1, "happiness"), look="amused"), person(2, "neutral"))
    shown.gauges.show(room_state(1.0, people, look_shares=shares))

    assert shown.value("look_share_ratio", look="amused") == 0.75
    assert shown.value("look_share_ratio", look="puzzled") == 0
    assert shown.value("person_look", slot="1") == LOOK_VALUES["amused"]
    assert shown.value("person_look", slot="2") == LOOK_VALUES["cant_tell"]


def test_shares_of_too_few_people_are_no_numbers(shown: Shown) -> None:
    shown.gauges.show(state(look_shares={}))

    assert all(math.isnan(shown.value("look_share_ratio", look=look) or 0.0) for look in LOOKS)


def test_the_session_and_each_camera_are_in_one_phase(shown: Shown) -> None:
    shown.gauges.show(state(cameras=(camera("front"), camera("side", phase="retrying"))))

    assert shown.value("session_phase", phase="running") == 1
    assert shown.value("session_phase", phase="closed") == 0
    assert shown.value("session_seconds") == 10
    assert shown.value("camera_phase", camera="front", phase="streaming") == 1
    assert shown.value("camera_phase", camera="side", phase="streaming") == 0
    assert shown.value("camera_phase", camera="side", phase="retrying") == 1


def test_nothing_stays_of_who_left_and_of_a_camera_that_is_gone(shown: Shown) -> None:
    shown.gauges.show(state(cameras=(camera("front"), camera("side"))))
    shown.gauges.show(room_state(11.0, [person(1, "neutral")]))

    assert 'slot="2"' not in shown.page
    assert 'camera="side"' not in shown.page
    assert 'slot="1"' in shown.page


def test_a_camera_is_0_of_everything_that_may_be_counted_of_it(shown: Shown) -> None:
    shown.gauges.show(state())

    assert shown.value("frames_dropped_total", camera="front", reason="stale") == 0
    assert shown.value("frames_joined_total", camera="front") == 0


def test_events_are_counted_by_kind(shown: Shown) -> None:
    rows = SessionRows("room", session())
    rows.events += [event(kind, 0.0, 0.0) for kind in ("marker", "marker", "peak")]
    shown.gauges.count(Changes(rows={"s1": rows}))

    assert shown.value("events_total", kind="marker") == 2
    assert shown.value("events_total", kind="peak") == 1
    assert sum(shown.value("events_total", kind=kind) or 0 for kind in EVENT_KINDS) == 3


def test_boxes_that_have_fallen_silent_count_no_more(shown: Shown) -> None:
    now = time.time()

    def box(kind: str, name: str, said: float) -> BoxInfo:
        return BoxInfo(
            kind=kind, name=name, host="h", pid=1, address="a:1", started_at=now, at=now - said
        )

    boxes = [box("work", "w1", 1.0), box("work", "w2", 30.0), box("live", "live", 1.0)]
    shown.gauges.running(boxes, now)

    assert shown.value("boxes", stage="work") == 1
    assert shown.value("boxes", stage="live") == 1
    assert shown.value("boxes", stage="ingest") == 0


def test_redis_says_what_it_uses_and_may_use(shown: Shown) -> None:
    shown.gauges.redis({"used_memory": 300, "maxmemory": 500})

    assert shown.value("redis_memory_bytes") == 300
    assert shown.value("redis_maxmemory_bytes") == 500


def test_a_store_that_fails_says_so_until_it_is_written_again(shown: Shown) -> None:
    shown.gauges.not_stored()
    assert shown.value("store_failing") == 1
    assert shown.value("store_errors_total") == 1

    shown.gauges.stored(0.02)
    assert shown.value("store_failing") == 0
    assert shown.value("store_errors_total") == 1
    assert shown.value("store_commit_seconds_count") == 1


def test_without_emotion_no_series_tells_of_one_whatever_the_state_says() -> None:
    shown = Shown(without_emotion=True)
    told = {name: measure(0.5) for name in ("valence", "expressiveness", "facing_front")}
    looks = {"amused": measure(0.5), "turned_away": measure(0.5)}
    people = (replace(person(1, "not_read"), look="amused"),)
    shown.gauges.show(room_state(1.0, people, measures=told, look_shares=looks))

    assert shown.value("measure_value", measure="facing_front") == 0.5
    assert shown.value("person_look", slot="1") == LOOK_VALUES["cant_tell"]
    for word in ("valence", "expressi", "synchrony", "amused", "attentive"):
        assert word not in shown.page
