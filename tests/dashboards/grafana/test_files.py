"""What deploy/ ships is what the code makes, and is what Grafana and Prometheus take."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from readroom.dashboards.grafana.boards import boards
from readroom.dashboards.grafana.colours import of_look, of_state
from readroom.dashboards.grafana.files import SOURCE_UID, files, write
from readroom.dashboards.grafana.panels import COLUMNS, Board, as_json
from readroom.dashboards.grafana.rules import ALERTS, RECORDINGS, Alert
from readroom.messages import EXPRESSIONS, LOOKS, MEASURES, PLAIN_LOOKS, PLAIN_MEASURES, STATES
from readroom.words import vocabulary
from tests.dashboards.test_colours import schemes
from tests.e2e.running import ROOT

from .schema import make

DEPLOY = ROOT / "deploy"
MADE = files()
SCHEMAS = json.loads(make.FILE.read_text("utf-8"))
FULL = {board.uid: board for board in boards(False)}
PLAIN = {board.uid: board for board in boards(True)}
EVERY = {**FULL, **PLAIN}
every_board = pytest.mark.parametrize("board", EVERY.values(), ids=EVERY)
every_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
TYPES = {
    "row": "RowPanel",
    "text": "TextPanel",
    "timeseries": "TimeseriesPanel",
    "stat": "StatPanel",
    "state-timeline": "StateTimelinePanel",
    "heatmap": "HeatmapPanel",
    "table": "TablePanel",
}


# --- the files -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", MADE)
def test_the_file_in_the_repository_is_what_the_code_makes(path: str) -> None:
    assert (DEPLOY / path).read_text("utf-8") == MADE[path], (
        f"deploy/{path} is behind the code: run `python -m readroom.dashboards.grafana`"
    )


def test_no_dashboard_lies_there_that_the_code_does_not_make() -> None:
    there = {str(path.relative_to(DEPLOY)) for path in (DEPLOY / "grafana").rglob("*.*")}

    assert there <= set(MADE)


def test_a_dashboard_that_is_no_more_is_removed(tmp_path: Path) -> None:
    write(tmp_path)
    old = tmp_path / "grafana/dashboards/old.json"
    old.write_text("{}")

    write(tmp_path)

    assert not old.exists()
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.*")} == set(MADE)


# --- dashboards ------------------------------------------------------------------------------


def of_type(name: str, value: Any) -> None:
    """Check a value against the schema that Grafana's type of that name has."""
    jsonschema.Draft7Validator(SCHEMAS[name]).validate(value)


@every_board
def test_a_dashboard_is_what_grafanas_types_say(board: Board) -> None:
    made = as_json(board)
    assert made["schemaVersion"] == 42
    of_type("Board", made)
    for panel in made["panels"]:
        of_type(TYPES[panel["type"]], panel)


def changed(value: Any, path: str, new: Any) -> Any:
    """A copy of a JSON value with another value at a path such as ``options/legend``."""
    copy = json.loads(json.dumps(value))
    *above, last = path.split("/")
    inner = copy
    for part in above:
        inner = inner[int(part) if part.isdigit() else part]
    inner[last] = new
    return copy


@pytest.mark.parametrize(
    ("kind", "path", "new"),
    [
        ("timeseries", "options/legend", "below"),
        ("timeseries", "options/colour", "red"),
        ("timeseries", "fieldConfig/defaults/custom/drawStyle", "curve"),
        ("timeseries", "targets/0/expression", "up"),
        ("stat", "options/textMode", "largest"),
        ("state-timeline", "options/rowHeight", "tall"),
        ("heatmap", "options/color/mode", "rainbow"),
        ("table", "options/showHeader", "yes"),
        ("row", "collapsed", "no"),
        ("text", "options/mode", "prose"),
    ],
)
def test_what_grafana_would_not_know_is_found(kind: str, path: str, new: Any) -> None:
    panels = [p for board in FULL.values() for p in as_json(board)["panels"] if p["type"] == kind]
    of_type(TYPES[kind], panels[0])

    with pytest.raises(jsonschema.ValidationError):
        of_type(TYPES[kind], changed(panels[0], path, new))


def test_the_schemas_say_where_they_are_from() -> None:
    assert "Apache License 2.0" in SCHEMAS["notice"]
    assert set(TYPES.values()) | {"Board"} == set(make.TYPES) == set(SCHEMAS) - {"notice"}


@every_board
def test_panels_have_a_place_and_a_number_of_their_own(board: Board) -> None:
    panels = as_json(board)["panels"]

    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= COLUMNS
        assert not cells & taken, panel["title"]
        taken |= cells


@every_board
def test_every_panel_says_what_it_means(board: Board) -> None:
    titles = [(panel.kind, panel.title) for panel in board.panels]
    for panel in board.panels:
        assert panel.description.endswith("."), panel.title
        assert len(panel.description) > 20, panel.title
    assert len({*titles}) == len(titles)


@pytest.mark.parametrize("uid", ["readroom-room", "readroom-people"])
def test_what_is_said_of_faces_is_said_to_be_looks_and_has_coverage_beside_it(uid: str) -> None:
    text = json.dumps(as_json(FULL[uid]), ensure_ascii=False)

    assert vocabulary(False).page["honesty"] in text
    assert "Coverage" in {panel.title for panel in FULL[uid].panels}


def test_states_and_looks_have_the_pages_words_and_colours() -> None:
    page = schemes()["dark"]
    mappings = {
        panel["title"]: panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
        for panel in as_json(FULL["readroom-room"])["panels"]
        if panel["type"] == "state-timeline"
    }
    said = vocabulary(False)
    for value, state in enumerate(STATES):
        shown = mappings["People"][str(value)]
        assert (shown["text"], shown["color"]) == (said.states[state]["label"], of_state(state))
        if state in EXPRESSIONS:
            assert shown["color"] == page[f"state-{value}"]
    for value, look in enumerate(LOOKS):
        shown = mappings["Looks"][str(value)]
        assert (shown["text"], shown["color"]) == (said.looks[look]["label"], of_look(look))
    for options in mappings.values():
        colours = [shown["color"] for shown in options.values()]
        assert len(set(colours)) == len(colours)


@pytest.mark.parametrize("board", PLAIN.values(), ids=PLAIN)
def test_without_emotion_no_dashboard_names_one(board: Board) -> None:
    made = as_json(board)
    if board.uid == "readroom-operations":  # Of machines; the same everywhere.
        assert board == FULL[board.uid]
    text = json.dumps(made, ensure_ascii=False).lower()
    full = vocabulary(False)
    silent = {*LOOKS, *MEASURES} - {*PLAIN_LOOKS, *PLAIN_MEASURES}
    labels = {full.states[state]["label"] for state in EXPRESSIONS}
    for word in (*EXPRESSIONS, *silent, *labels, "valence", "arousal", "expression_share", "felt"):
        assert not re.search(rf"\b{re.escape(word)}", text), word


def test_dashboards_of_either_kind_are_not_mistaken_for_each_other() -> None:
    assert set(FULL) & set(PLAIN) == {"readroom-operations"}


# --- rules -----------------------------------------------------------------------------------


def promtool(*words: str) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("needs promtool (Debian: prometheus), which isn't installed")
    done = subprocess.run(
        [program, *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_the_configuration_and_its_rules() -> None:
    promtool("check", "config", "deploy/prometheus.yml")


def test_promtool_takes_the_containers_configuration() -> None:
    # Without its token, which is a secret of the containers.
    promtool("check", "config", "--syntax-only", "deploy/prometheus/prometheus.yml")
    promtool("check", "rules", *map(str, (DEPLOY / "prometheus/rules").glob("*.yml")))


def test_rules_do_on_made_up_series_what_they_should() -> None:
    promtool("test", "rules", "tests/dashboards/grafana/rules.test.yml")


@every_alert
def test_every_alert_is_tested_on_made_up_series(alert: Alert) -> None:
    text = (Path(__file__).parent / "rules.test.yml").read_text("utf-8")

    assert re.search(rf"\b{alert.name}\b", text)


@every_alert
def test_an_alert_says_where_it_is_and_what_to_do(alert: Alert) -> None:
    assert alert.name.startswith("Readroom")
    assert "{{ $labels." in alert.summary
    assert alert.description.endswith(".")
    assert len(alert.description) > 60


def test_every_recording_is_tested_on_made_up_series() -> None:
    text = (Path(__file__).parent / "rules.test.yml").read_text("utf-8")
    for rule in RECORDINGS:
        assert rule.name in text


# --- provisioning ----------------------------------------------------------------------------

KEYS = {
    "datasources": {"name", "type", "uid", "access", "url", "isDefault", "jsonData", "editable"},
    "providers": set(
        ("name", "orgId", "folder", "folderUid", "type", "disableDeletion")
        + ("updateIntervalSeconds", "allowUiUpdates", "options")
    ),
    "groups": {"orgId", "name", "folder", "interval", "rules"},
}
RULE_KEYS = set(
    ("uid", "title", "condition", "data", "noDataState", "execErrState", "for", "annotations")
    + ("labels",)
)


def provisioned(what: str) -> Any:
    (content,) = (
        yaml.safe_load(path.read_text("utf-8"))
        for path in (DEPLOY / "grafana/provisioning" / what).iterdir()
    )
    assert content["apiVersion"] == 1
    return content


def alert_rules() -> Iterator[Any]:
    (group,) = provisioned("alerting")["groups"]
    assert set(group) == KEYS["groups"]
    yield from group["rules"]


def test_the_data_source_is_the_one_that_alerts_ask() -> None:
    (source,) = provisioned("datasources")["datasources"]

    assert set(source) == KEYS["datasources"]
    assert source["uid"] == SOURCE_UID
    config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text("utf-8"))
    assert source["jsonData"]["timeInterval"] == config["global"]["scrape_interval"]


def test_dashboards_are_looked_for_where_compose_mounts_them() -> None:
    (provider,) = provisioned("dashboards")["providers"]

    assert set(provider) == KEYS["providers"]
    mounts = yaml.safe_load((DEPLOY / "compose.yml").read_text("utf-8"))["services"]["grafana"]
    where = f":{provider['options']['path']}:ro"
    assert any(v.startswith("./grafana/") and v.endswith(where) for v in mounts["volumes"])
    assert "./grafana/provisioning:/etc/grafana/provisioning:ro" in mounts["volumes"]


def test_grafana_evaluates_the_same_alerts() -> None:
    made = list(alert_rules())

    assert len({rule["uid"] for rule in made}) == len(ALERTS)
    for rule, alert in zip(made, ALERTS, strict=True):
        assert set(rule) == RULE_KEYS
        assert (rule["uid"], rule["title"]) == (alert.uid, alert.title)
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", rule["uid"])
        query, threshold = rule["data"]
        assert rule["condition"] == threshold["refId"]
        assert query["datasourceUid"] == SOURCE_UID
        assert alert.expr in query["model"]["expr"]
        assert rule["labels"] == {"severity": alert.severity}


def test_no_single_dollar_is_taken_for_a_variable_of_the_environment() -> None:
    for path in (DEPLOY / "grafana/provisioning").rglob("*.yml"):
        assert not re.search(r"(?<!\$)\$(?!\$)", path.read_text("utf-8").replace("$$", ""))
    (rule, *_) = alert_rules()
    assert "{{ $$labels.camera }}" in rule["annotations"]["summary"]
