"""Writes docs/settings.md, docs/metrics.md and docs/api.md from the code: ``python -m
docs.generate``.

A test compares the files with what this makes, so they can't fall behind.
"""

from __future__ import annotations

import os
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import Collector
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from docs.api_page import api_page
from readroom.metrics import (
    AggregatorMetrics,
    IngestMetrics,
    LiveMetrics,
    ProcessMetrics,
    SupervisorMetrics,
    WorkerMetrics,
)
from readroom.settings import FROM_FILES, Settings, environment_names

FOLDER = Path(__file__).parent

_SETTINGS_HEAD = """\
# Settings

<!-- Written by `python -m docs.generate` from readroom/settings.py: edit that. -->

Sources, strongest first: command line flags, environment variables, secret files, a TOML file, the
defaults. The TOML file is the one that `READROOM_CONFIG` names, else `readroom.toml` in the working
directory; a key such as `ingest.fps` is `fps` in its section `[ingest]`. A list in an environment
variable is separated by white space, with quotes around an item that has some; in the TOML file
it is an array. A bad value, an unknown variable or an unknown key ends the program with exit
code 2 and one line that names it.

A secret may lie in a file of its own, which a variable with `_FILE` behind its name names, as
containers and systemd hand them out:
"""

_METRICS_HEAD = """\
# Metrics

<!-- Written by `python -m docs.generate` from readroom/metrics.py: edit that. -->

Every box answers `/metrics` on an address of its own; only the aggregator knows people. Units are
base units. Every label is bounded: no name, URL or process id is ever one, and a person is a
slot (1 to 32). What a measure is, and its unit: docs/semantics/room.md. A histogram is exposed as
`…_bucket`, `…_sum` and `…_count`; it and a counter also have a `…_created`, the time of their first
value. The boxes are named as on the command line: `ingest`, `work`, `aggregate`, `live`, `run` (the
supervisor).
"""


# --- settings --------------------------------------------------------------------------------


def settings_page() -> str:
    """docs/settings.md."""
    files = [f"- `{variable}_FILE`" for variable in FROM_FILES]
    parts = [_SETTINGS_HEAD, *files, "", *_section("General", "", Settings)]
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            parts += _section(f"`[{name}]`", f"{name}.", section)
    return "\n".join(parts)


def _section(title: str, prefix: str, model: type[BaseModel]) -> Iterator[str]:
    variables = {dotted: variable for variable, dotted in environment_names().items()}
    intro = (model.__doc__ or "").strip() if prefix else ""
    yield f"## {title}\n" + (f"\n{intro}\n" if intro else "")
    rows = [
        [
            f"`{variables[prefix + name]}`",
            f"`{prefix}{name}`",
            spelled_type(field.annotation),
            spelled_default(field.default),
            spelled_bounds(field),
            field.description or "",
        ]
        for name, field in model.model_fields.items()
        if prefix + name in variables
    ]
    yield table(["Variable", "TOML key", "Type", "Default", "Bounds", "What it sets"], rows)


def spelled_type(annotation: Any) -> str:
    """A field's type in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return "one of " + ", ".join(f"`{choice}`" for choice in arguments)
    if origin in (Union, types.UnionType):
        return spelled_type(next(a for a in arguments if a is not type(None)))
    if origin is tuple:
        inner = spelled_type(arguments[0])
        return "list" if inner == "text" else f"list of {inner.removeprefix('one of ')}"
    words = {int: "integer", float: "number", str: "text", Path: "path", SecretStr: "secret text"}
    return words[annotation]


def spelled_default(default: Any) -> str:
    """A default as it is written in the TOML file; home folders as they are elsewhere too."""
    if default is None:
        return "–"
    if isinstance(default, Path):
        return f"`{portable(default, dict(os.environ))}`"
    if isinstance(default, tuple):
        return " ".join(f"`{item}`" for item in default) or "none"
    return f"`{default}`" if str(default) else "empty"


def portable(path: Path, environment: dict[str, str]) -> str:
    """A path under a home folder as it reads on any machine."""
    places = {"XDG_CACHE_HOME": "~/.cache", "XDG_DATA_HOME": "~/.local/share"}
    for variable, usual in places.items():
        here = environment.get(variable)
        if here and path.is_relative_to(here):
            return f"{usual}/{path.relative_to(here)}"
    return f"~/{path.relative_to(Path.home())}"


def spelled_bounds(field: FieldInfo) -> str:
    """What a value has to fulfil."""
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    lengths = {"min_length": "at least {} characters", "max_length": "at most {} characters"}
    found = []
    for rule in field.metadata:
        found += [
            f"{sign} {getattr(rule, name)}" for name, sign in signs.items() if hasattr(rule, name)
        ]
        found += [
            text.format(getattr(rule, name))
            for name, text in lengths.items()
            if hasattr(rule, name)
        ]
        if getattr(rule, "pattern", None):
            found.append(f"matches `{rule.pattern}`")
    return ", ".join(found) or "–"


# --- metrics ---------------------------------------------------------------------------------


class _Listing(CollectorRegistry):
    """A registry that remembers what was registered, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[MetricWrapperBase] = []

    def register(self, collector: Collector) -> None:
        """Remember it too."""
        super().register(collector)
        if isinstance(collector, MetricWrapperBase):
            self.found.append(collector)


def metrics_page() -> str:
    """docs/metrics.md."""
    boxes: dict[str, list[str]] = {}
    metrics: dict[str, MetricWrapperBase] = {}
    for box, listing in registries().items():
        for metric in listing.found:
            name = exposed_name(metric)
            metrics[name] = metric
            boxes.setdefault(name, []).append(f"`{box}`")
    rows = [
        [
            f"`{name}`",
            kind_of(metric),
            ", ".join(f"`{label}`" for label in metric._labelnames),
            unit_of(name, metric),
            ", ".join(boxes[name]),
            describe(metric)[1],
        ]
        for name, metric in metrics.items()
    ]
    heads = ["Name", "Type", "Labels", "Unit", "Box", "What it says"]
    return _METRICS_HEAD + "\n" + table(heads, rows)


def registries() -> dict[str, _Listing]:
    """A registry for every kind of box, with that box's metrics on it."""
    found = {box: _Listing() for box in ("ingest", "work", "aggregate", "live", "run")}
    for registry in found.values():
        ProcessMetrics(registry, "room")
    IngestMetrics(found["ingest"], "room", "camera")
    WorkerMetrics(found["work"], "room")
    AggregatorMetrics(found["aggregate"], "room")
    LiveMetrics(found["live"], "room")
    SupervisorMetrics(found["run"], "room")
    return found


def describe(metric: MetricWrapperBase) -> tuple[str, str, str]:
    """Name, help and type of a metric."""
    (family,) = metric.describe()
    return family.name, family.documentation, family.type


def kind_of(metric: MetricWrapperBase) -> str:
    """``counter``, ``gauge`` or ``histogram``."""
    return describe(metric)[2]


def exposed_name(metric: MetricWrapperBase) -> str:
    """The name by which Prometheus knows it."""
    name, _, kind = describe(metric)
    return f"{name}_total" if kind == "counter" else name


def unit_of(name: str, metric: MetricWrapperBase) -> str:
    """The unit, as the name says it."""
    if name.endswith("_seconds"):
        return "s"
    if name.endswith("_ratio"):
        return "0–1"
    if name.endswith(("_valence", "_arousal")):
        return "−1–1"
    if name.startswith("readroom_measure_") and name.endswith(("_value", "_low", "_high")):
        return "the measure's"
    if name.endswith("_bytes"):
        return "byte"
    without = name.endswith(("_info", "_state", "_up", "_look", "_phase", "_failing"))
    return "–" if kind_of(metric) == "gauge" and without else "count"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; what would end a cell is escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )


def pages() -> dict[Path, str]:
    """Every generated file and what belongs into it."""
    return {
        FOLDER / "settings.md": settings_page(),
        FOLDER / "metrics.md": metrics_page(),
        FOLDER / "api.md": api_page(table),
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, "utf-8")
