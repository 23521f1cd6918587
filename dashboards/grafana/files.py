"""The files that deploy/ ships for Prometheus and Grafana, as they follow from the code.

Needs PyYAML, which the running service doesn't: only who changes a dashboard or a rule writes them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import yaml

from readroom.dashboards.grafana.boards import boards
from readroom.dashboards.grafana.panels import as_json
from readroom.dashboards.grafana.rules import ALERTS, RECORDINGS, Alert

#: How Grafana knows the Prometheus that deploy/ describes.
SOURCE_UID: Final = "readroom-prometheus"
#: Where Prometheus is found in deploy/'s compose file, and how often it scrapes.
SOURCE_URL: Final = "http://prometheus:9090"
SCRAPE_INTERVAL: Final = "5s"
#: Where the folder of dashboards is mounted.
MOUNTED: Final = "/var/lib/grafana/dashboards"
FOLDER: Final = "readroom"
_HEAD: Final = "# Written by `python -m readroom.dashboards.grafana` from dashboards/grafana/{}.\n"


def files() -> dict[str, str]:
    """Path below deploy/ → text."""
    return {
        **_boards("grafana/dashboards", without_emotion=False),
        **_boards("grafana/dashboards-without-emotion", without_emotion=True),
        "grafana/provisioning/datasources/readroom.yml": _yaml("files.py", _sources()),
        "grafana/provisioning/dashboards/readroom.yml": _yaml("files.py", _providers()),
        "grafana/provisioning/alerting/readroom.yml": _yaml("rules.py", grafana_alerts()),
        "prometheus/rules/readroom.yml": _yaml("rules.py", prometheus_rules()),
    }


def write(deploy: Path) -> None:
    """Write them below ``deploy``; a dashboard that is no more is removed."""
    made = files()
    for folder in {str(Path(path).parent) for path in made if path.endswith(".json")}:
        for old in (deploy / folder).glob("*.json"):
            if str(old.relative_to(deploy)) not in made:
                old.unlink()
    for path, text in made.items():
        (deploy / path).parent.mkdir(parents=True, exist_ok=True)
        (deploy / path).write_text(text, "utf-8")


def prometheus_rules() -> dict[str, Any]:
    """Recording and alert rules, as Prometheus takes them."""
    recordings = [{"record": rule.name, "expr": rule.expr} for rule in RECORDINGS]
    alerts = [
        {
            "alert": rule.name,
            "expr": rule.expr,
            **({"for": f"{rule.for_s}s"} if rule.for_s else {}),
            "labels": {"severity": rule.severity},
            "annotations": {"summary": rule.summary, "description": rule.description},
        }
        for rule in ALERTS
    ]
    return {
        "groups": [
            {"name": "readroom-recordings", "rules": recordings},
            {"name": "readroom-alerts", "rules": alerts},
        ]
    }


def grafana_alerts() -> dict[str, Any]:
    """The same alerts, evaluated by Grafana: it can notify people without an Alertmanager."""
    group = {
        "orgId": 1,
        "name": "readroom",
        "folder": FOLDER,
        "interval": "15s",
        "rules": [_grafana_alert(rule) for rule in ALERTS],
    }
    return {"apiVersion": 1, "groups": [group]}


def _grafana_alert(rule: Alert) -> dict[str, Any]:
    # A rule's result may be 0, as that of `up == 0` is: what counts is that there is one.
    found = {
        "refId": "A",
        "expr": f"0 * ({rule.expr}) + 1",
        "instant": True,
        "range": False,
        "editorMode": "code",
    }
    threshold = {
        "refId": "B",
        "type": "threshold",
        "expression": "A",
        "datasource": {"type": "__expr__", "uid": "__expr__"},
        "conditions": [{"evaluator": {"type": "gt", "params": [0]}}],
    }
    return {
        "uid": rule.uid,
        "title": rule.title,
        "condition": "B",
        "for": f"{rule.for_s}s",
        "data": [_query("A", SOURCE_UID, found), _query("B", "__expr__", threshold)],
        # No result is how a healthy room looks.
        "noDataState": "OK",
        "execErrState": "Error",
        # In these files a single $ would be taken for a variable of the environment.
        "annotations": {
            "summary": rule.summary.replace("$", "$$"),
            "description": rule.description.replace("$", "$$"),
        },
        "labels": {"severity": rule.severity},
    }


def _query(reference: str, source: str, model: dict[str, Any]) -> dict[str, Any]:
    return {
        "refId": reference,
        "datasourceUid": source,
        "relativeTimeRange": {"from": 600, "to": 0},
        "model": model,
    }


def _sources() -> dict[str, Any]:
    source = {
        "name": "readroom",
        "type": "prometheus",
        "uid": SOURCE_UID,
        "access": "proxy",
        "url": SOURCE_URL,
        "isDefault": True,
        "jsonData": {"timeInterval": SCRAPE_INTERVAL, "httpMethod": "POST"},
        "editable": False,
    }
    return {"apiVersion": 1, "datasources": [source]}


def _providers() -> dict[str, Any]:
    provider = {
        "name": "readroom",
        "orgId": 1,
        "folder": FOLDER,
        "folderUid": FOLDER,
        "type": "file",
        "disableDeletion": False,
        "updateIntervalSeconds": 30,
        "allowUiUpdates": False,
        "options": {"path": MOUNTED, "foldersFromFilesStructure": False},
    }
    return {"apiVersion": 1, "providers": [provider]}


def _boards(folder: str, *, without_emotion: bool) -> dict[str, str]:
    return {
        f"{folder}/{board.uid.removeprefix('readroom-').removesuffix('-plain')}.json": json.dumps(
            as_json(board), indent=2, ensure_ascii=False
        )
        + "\n"
        for board in boards(without_emotion)
    }


def _yaml(source: str, content: dict[str, Any]) -> str:
    dumped: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    return _HEAD.format(source) + dumped
