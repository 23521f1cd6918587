"""Panels and dashboards as values, and the classic JSON (schema 42) that they are in Grafana.

A panel is what it shows: its queries, its unit, and what its number means. Where it stands follows
from the order: panels flow from left to right in rows of :data:`COLUMNS`.

Builders of our own rather than Grafana's SDK: ``readroom grafana push`` makes dashboards where it
runs, so the SDK would have to be installed there, and its Python package is bound to one version
of Grafana. The JSON is checked against the types of Grafana itself (tests/dashboards/grafana).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import Any, Final, Literal

#: Version of the dashboards' JSON: the newest of the classic ones, which newer Grafanas migrate.
SCHEMA_VERSION: Final = 42
#: Width of a dashboard, in Grafana's grid.
COLUMNS: Final = 24
#: Height of a panel, and of one that holds a single number.
HEIGHT: Final = 8
LOW: Final = 4

#: The data source that is chosen in the dashboard's first variable.
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
#: Where Grafana itself keeps annotations.
OWN_SOURCE: Final = {"type": "grafana", "uid": "-- Grafana --"}

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """One PromQL query of a panel; ``legend`` may hold labels as ``{{slot}}``."""

    expr: str
    legend: str = ""
    form: Literal["time_series", "table", "heatmap"] = "time_series"
    instant: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. ``field`` and ``options`` are Grafana's own, ``looks`` are overrides by series:
    legend → Grafana's properties of it; ``quiet`` leaves series that are always 0 out of the
    legend, since what has not happened is counted, too."""

    kind: Literal["timeseries", "stat", "state-timeline", "heatmap", "table", "text"]
    title: str
    description: str
    targets: tuple[Target, ...]
    width: int
    height: int
    field: JSON
    options: JSON
    looks: Mapping[str, JSON]
    transformations: tuple[JSON, ...] = ()
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A row of panels with a title, shown once for each value of the variable ``repeat``."""

    title: str
    panels: tuple[Panel, ...]
    repeat: str | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice above the dashboard: values of a label, as ``label_values(series, label)``."""

    name: str
    label: str
    series: str
    several: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard; ``annotated`` shows the room's markers and moments on it."""

    uid: str
    title: str
    description: str
    sections: tuple[Section, ...]
    variables: tuple[Variable, ...]
    annotated: bool = False
    since: str = "now-15m"
    refresh: str = "5s"

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels that query something, in their order."""
        return tuple(p for section in self.sections for p in section.panels if p.targets)


# --- kinds of panel --------------------------------------------------------------------------

_LEGEND: Final = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
_TOOLTIP: Final = {"mode": "multi", "sort": "desc"}
_LAST: Final = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def timeseries(
    title: str,
    description: str,
    *targets: Target,
    unit: str = "short",
    bounds: tuple[float | None, float | None] = (0.0, None),
    stacked: bool = False,
    bars: bool = False,
    quiet: bool = False,
    looks: Mapping[str, JSON] | None = None,
    width: int = 12,
    height: int = HEIGHT,
) -> Panel:
    """Lines over time; ``stacked`` fills what they add up to."""
    custom: JSON = {
        "drawStyle": "bars" if bars else "line",
        "lineWidth": 1 if stacked else 2,
        "fillOpacity": 70 if stacked or bars else 0,
        "showPoints": "never",
        # What wasn't read isn't drawn over.
        "spanNulls": False,
    }
    if stacked:
        custom["stacking"] = {"mode": "normal", "group": "A"}
    return Panel(
        "timeseries",
        title,
        description,
        targets,
        width,
        height,
        {"unit": unit, "custom": custom, **_bounds(bounds)},
        {"legend": _LEGEND, "tooltip": _TOOLTIP},
        looks or {},
        quiet=quiet,
    )


def band(title: str, description: str, value: Target, low: Target, high: Target) -> Panel:
    """A line in its interval, for a figure from −1 to 1 or 0 to 1."""
    edge: JSON = {
        "custom.lineWidth": 0,
        "custom.hideFrom": {"legend": True, "tooltip": False, "viz": False},
    }
    looks = {
        low.legend: edge,
        high.legend: {**edge, "custom.fillBelowTo": low.legend, "custom.fillOpacity": 20},
    }
    drawn = timeseries(title, description, value, low, high, bounds=(None, None), looks=looks)
    return replace(drawn, field={**drawn.field, "decimals": 2})


def stat(
    title: str,
    description: str,
    *targets: Target,
    unit: str = "short",
    name: bool = False,
    steps: Sequence[tuple[float | None, str]] = ((None, "text"),),
    width: int = 4,
) -> Panel:
    """The newest number, large; ``name`` shows the series' name in its place. ``steps`` are colours
    from a value on, the first from None."""
    colours = [{"value": value, "color": colour} for value, colour in steps]
    return Panel(
        "stat",
        title,
        description,
        targets,
        width,
        LOW,
        {"unit": unit, "thresholds": {"mode": "absolute", "steps": colours}, "noValue": "–"},
        {
            "colorMode": "value",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "percentChangeColorMode": "standard",
            "reduceOptions": _LAST,
            "showPercentChange": False,
            "textMode": "name" if name else "value_and_name" if len(targets) > 1 else "value",
            "wideLayout": True,
        },
        {},
    )


def timeline(
    title: str,
    description: str,
    target: Target,
    words: Mapping[int, tuple[str, str]],
    *,
    width: int = 24,
    height: int = HEIGHT,
) -> Panel:
    """Which state somebody was in; ``words`` gives each value its name and colour."""
    results = {
        str(value): {"text": text, "color": colour, "index": index}
        for index, (value, (text, colour)) in enumerate(words.items())
    }
    return Panel(
        "state-timeline",
        title,
        description,
        (target,),
        width,
        height,
        {
            "mappings": [{"type": "value", "options": results}],
            "color": {"mode": "fixed", "fixedColor": "text"},
            "custom": {"fillOpacity": 90, "lineWidth": 0},
        },
        {
            "alignValue": "left",
            "legend": _LEGEND,
            "mergeValues": True,
            "rowHeight": 0.85,
            "showValue": "auto",
            "tooltip": {"mode": "single", "sort": "none"},
        },
        {},
    )


def heatmap(title: str, description: str, target: Target, unit: str) -> Panel:
    """How often which value, over time, from a histogram's buckets."""
    return Panel(
        "heatmap",
        title,
        description,
        (target,),
        12,
        HEIGHT,
        {"custom": {"hideFrom": {"legend": False, "tooltip": False, "viz": False}}},
        {
            "calculate": False,
            "cellGap": 1,
            "color": {
                "mode": "scheme",
                "scheme": "Oranges",
                "exponent": 0.5,
                "fill": "dark-orange",
                "reverse": False,
                "steps": 64,
            },
            "exemplars": {"color": "rgba(255,0,255,0.7)"},
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "showValue": "never",
            "tooltip": {"mode": "single", "yHistogram": False},
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
        },
        {},
    )


def table(title: str, description: str, target: Target, columns: Mapping[str, str]) -> Panel:
    """The labels of some series as a table: ``columns`` maps label to head."""
    hidden = {"Time": True, "Value": True}
    organised = {"excludeByName": hidden, "renameByName": dict(columns), "indexByName": {}}
    return Panel(
        "table",
        title,
        description,
        (target,),
        12,
        HEIGHT,
        {"custom": {"align": "auto", "inspect": False, "cellOptions": {"type": "auto"}}},
        {"showHeader": True, "cellHeight": "sm", "frameIndex": 0},
        {},
        ({"id": "organize", "options": organised},),
    )


def text(content: str, height: int = 3) -> Panel:
    """Words over the whole width."""
    options = {"mode": "markdown", "content": content}
    return Panel("text", "", "", (), COLUMNS, height, {}, options, {})


def _bounds(bounds: tuple[float | None, float | None]) -> JSON:
    named = zip(("min", "max"), bounds, strict=True)
    return {name: value for name, value in named if value is not None}


# --- as Grafana has it -----------------------------------------------------------------------


def as_json(board: Board) -> JSON:
    """The dashboard as Grafana's provisioning and its HTTP API take it."""
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.description,
        "tags": ["readroom"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,
        "refresh": board.refresh,
        "time": {"from": board.since, "to": "now"},
        "timezone": "browser",
        "links": [_LINK],
        "templating": {"list": [_SOURCE_VARIABLE, *map(_variable, board.variables)]},
        "annotations": {"list": [_ALERTS, *(_ANNOTATIONS if board.annotated else ())]},
        "panels": list(_placed(board.sections)),
    }


#: From every dashboard to the others, in the same room and time.
_LINK: Final = {
    "title": "readroom",
    "type": "dashboards",
    "tags": ["readroom"],
    "asDropdown": False,
    "icon": "external link",
    "includeVars": True,
    "keepTime": True,
    "targetBlank": False,
    "tooltip": "",
    "url": "",
}

_SOURCE_VARIABLE: Final = {
    "name": "datasource",
    "label": "Prometheus",
    "type": "datasource",
    "query": "prometheus",
    "refresh": 1,
    "hide": 0,
    "includeAll": False,
    "multi": False,
    "options": [],
    "regex": "",
}

#: What every dashboard of Grafana has: its own annotations and alerts.
_ALERTS: Final = {
    "builtIn": 1,
    "datasource": OWN_SOURCE,
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}


def _tagged(name: str, tag: str, colour: str) -> JSON:
    tags = ["readroom", tag, "room:${room}"]
    return {
        "datasource": OWN_SOURCE,
        "enable": True,
        "iconColor": colour,
        "name": name,
        "target": {"type": "tags", "tags": tags, "matchAny": False, "limit": 1000},
    }


#: What ``readroom grafana annotate`` has written of the room that is chosen.
_ANNOTATIONS: Final = (
    _tagged("Markers", "marker", "light-blue"),
    _tagged("Moments", "moment", "light-orange"),
    _tagged("Session", "session", "text"),
)


def _variable(variable: Variable) -> JSON:
    query = f"label_values({variable.series}, {variable.name})"
    every = {"text": ["All"], "value": ["$__all"], "selected": True}
    return {
        "name": variable.name,
        "label": variable.label,
        "description": variable.description,
        "type": "query",
        "datasource": SOURCE,
        "query": {"qryType": 1, "query": query, "refId": f"variable-{variable.name}"},
        "refresh": 2,
        "sort": 7,
        "regex": "",
        "hide": 0,
        "multi": variable.several,
        "includeAll": variable.several,
        "options": [],
        **({"current": every} if variable.several else {}),
    }


def _placed(sections: Sequence[Section]) -> Iterator[JSON]:
    """Rows and panels one below the other, each with its place and a number of its own."""
    number = y = 0
    for section in sections:
        if section.title:
            number += 1
            yield _row(section, number, y)
            y += 1
        x = tallest = 0
        for panel in section.panels:
            if x + panel.width > COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            number += 1
            yield _panel(panel, number, {"x": x, "y": y, "w": panel.width, "h": panel.height})
            x, tallest = x + panel.width, max(tallest, panel.height)
        y += tallest


def _row(section: Section, number: int, y: int) -> JSON:
    return {
        "id": number,
        "type": "row",
        "title": section.title,
        "collapsed": False,
        "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
        "panels": [],
        **({"repeat": section.repeat} if section.repeat else {}),
    }


def _panel(panel: Panel, number: int, place: JSON) -> JSON:
    made: JSON = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "gridPos": place,
        "options": panel.options,
    }
    if not panel.targets:
        return made
    return {
        **made,
        "description": panel.description,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": panel.field, "overrides": _overrides(panel)},
        "targets": [_target(t, ascii_uppercase[i]) for i, t in enumerate(panel.targets)],
        **({"transformations": list(panel.transformations)} if panel.transformations else {}),
    }


#: Series that are 0 all the time, and how they are shown.
_SILENT: Final = {
    "matcher": {"id": "byValue", "options": {"op": "gte", "reducer": "allIsZero", "value": 0}},
    "properties": [
        {"id": "custom.hideFrom", "value": {"legend": True, "tooltip": True, "viz": False}}
    ],
}


def _overrides(panel: Panel) -> list[JSON]:
    named = [
        {
            "matcher": {"id": "byName", "options": name},
            "properties": [{"id": key, "value": value} for key, value in look.items()],
        }
        for name, look in panel.looks.items()
    ]
    return [*named, _SILENT] if panel.quiet else named


def _target(target: Target, reference: str) -> JSON:
    return {
        "refId": reference,
        "datasource": SOURCE,
        "expr": target.expr,
        "legendFormat": target.legend or "__auto",
        "editorMode": "code",
        "format": target.form,
        "instant": target.instant,
        "range": not target.instant,
    }
