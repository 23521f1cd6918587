"""Every query, asked of a real Prometheus that has scraped the real program."""

from __future__ import annotations

import re
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from readroom.dashboards.grafana.boards import boards
from readroom.dashboards.grafana.panels import Board
from readroom.dashboards.grafana.rules import ALERTS, RECORDINGS
from tests.readroom.test_metrics import USED

from .asking import asked, choices_of
from .prometheus import Prometheus, Refused
from .scraping import ROOM

pytestmark = pytest.mark.slow

ALL_BOARDS = {board.uid: board for emotion in (False, True) for board in boards(emotion)}
#: Alerts that a machine with other work may bring about, in however healthy a room.
OF_SPEED = ("ReadroomLag", "ReadroomFramesLost")
every_board = pytest.mark.parametrize("board", ALL_BOARDS.values(), ids=ALL_BOARDS)


@every_board
def test_every_query_of_every_panel_has_a_result(prometheus: Prometheus, board: Board) -> None:
    empty: list[str] = []
    for one in asked(board, choices_of(board, prometheus, ROOM)):
        found = (
            prometheus.instant(one.expression)
            if one.target.instant
            else prometheus.lately(one.expression, 15)
        )
        if not found:
            empty.append(f"{one.name}: {one.expression}")
    assert not empty, "\n".join(empty)


@pytest.mark.parametrize("rule", [*RECORDINGS, *ALERTS], ids=lambda rule: rule.name)
def test_prometheus_evaluates_every_rule_without_an_error(
    prometheus: Prometheus, rule: Any
) -> None:
    loaded = {
        one["name"]: one for group in prometheus.ask("rules")["groups"] for one in group["rules"]
    }
    assert loaded[rule.name]["health"] == "ok", loaded[rule.name].get("lastError")


@pytest.mark.parametrize("rule", RECORDINGS, ids=lambda rule: rule.name)
def test_every_recording_rule_has_a_result(prometheus: Prometheus, rule: Any) -> None:
    assert prometheus.instant(rule.name)


@pytest.mark.parametrize(
    "rule", [rule for rule in ALERTS if rule.name not in OF_SPEED], ids=lambda rule: rule.name
)
def test_no_alert_has_a_reason_to_fire_in_a_healthy_room(prometheus: Prometheus, rule: Any) -> None:
    assert prometheus.instant(rule.expr) == []


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule.name)
def test_every_series_that_an_alert_looks_at_is_there(prometheus: Prometheus, rule: Any) -> None:
    """In a healthy room no alert has a result; what it compares has one all the same."""
    looked_at = re.findall(r"\b(?:readroom_\w+|room\w*:[\w:]+|up\b)", rule.expr)
    assert looked_at
    for name in looked_at:
        assert prometheus.instant(name), name


def test_a_query_that_is_wrong_is_refused(prometheus: Prometheus) -> None:
    with pytest.raises(Refused, match="parse error"):
        prometheus.instant("sum by (")


def known_series() -> set[str]:
    """Every series that some box of this program exposes."""
    names: set[str] = set()
    for use in USED.values():
        registry = CollectorRegistry()
        use(registry)
        for family in text_string_to_metric_families(generate_latest(registry).decode()):
            names |= {sample.name for sample in family.samples}
    return names


def named_series() -> dict[str, set[str]]:
    """Series that a dashboard or a rule names → where."""
    expressions = [
        (f"{board.title} · {panel.title}", target.expr)
        for board in ALL_BOARDS.values()
        for panel in board.panels
        for target in panel.targets
    ]
    expressions += [(board.uid, v.series) for board in ALL_BOARDS.values() for v in board.variables]
    expressions += [(rule.name, rule.expr) for rule in (*RECORDINGS, *ALERTS)]
    found: dict[str, set[str]] = {}
    for where, expression in expressions:
        for name in re.findall(r"(?<![:\w])readroom_[a-z_]+", expression):
            found.setdefault(name, set()).add(where)
    return found


def test_dashboards_and_rules_name_no_metric_that_no_box_has() -> None:
    known = known_series()
    assert len(known) > 50
    named = named_series()
    assert len(named) > 30
    for name, where in named.items():
        assert name in known, f"{name} in {', '.join(sorted(where))}"


def test_dashboards_without_emotion_ask_nothing_else_than_the_others() -> None:
    def queries(without_emotion: bool) -> set[str]:
        every = (panel for board in boards(without_emotion) for panel in board.panels)
        return {target.expr for panel in every for target in panel.targets}

    assert queries(True) < queries(False)


def test_dashboards_show_every_metric_there_is() -> None:
    """But those that are there for who writes queries of their own."""
    others = {"readroom_camera_up", "readroom_process_start_time_seconds"}
    named = set(named_series())
    shown = {re.sub(r"_(sum|count|bucket|total)$", "", name) for name in named} | others
    for name in known_series():
        if not name.endswith("_created"):
            assert re.sub(r"_(sum|count|bucket|total)$", "", name) in shown, name


def test_recordings_that_are_named_are_there() -> None:
    recorded = {rule.name for rule in RECORDINGS}
    named = {
        name
        for board in ALL_BOARDS.values()
        for panel in board.panels
        for target in panel.targets
        for name in re.findall(r"\broom\w*:[\w:]+", target.expr)
    }
    assert named == recorded
