"""The generated references say what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from docs import generate
from readroom.settings import environment_names

from .test_metrics import USED

BOX_OF = {
    "IngestMetrics": "ingest",
    "WorkerMetrics": "work",
    "AggregatorMetrics": "aggregate",
    "LiveMetrics": "live",
    "SupervisorMetrics": "run",
}


@pytest.mark.parametrize("path", generate.pages(), ids=lambda path: path.name)
def test_the_file_in_the_repository_is_what_the_code_makes(path: Path) -> None:
    assert path.read_text("utf-8") == generate.pages()[path], (
        f"docs/{path.name} is behind the code: run `python -m docs.generate`"
    )


def rows(page: str) -> list[list[str]]:
    """The cells of every row of a page's tables, without the heads."""
    found = [
        line.replace("\\|", "/")[2:-2].split(" | ")
        for line in page.splitlines()
        if line[:3] == "| `"
    ]
    assert found
    return found


def test_every_setting_is_there_once_with_a_description() -> None:
    found = rows(generate.settings_page())

    assert {row[0].strip("`"): row[1].strip("`") for row in found} == environment_names()
    assert len(found) == len(environment_names())
    assert all(len(row) == 6 and len(row[5]) > 10 for row in found)


def test_no_page_names_a_place_on_this_machine() -> None:
    for page in generate.pages().values():
        assert str(Path.home()) + "/" not in page or str(Path.home()) == "/"
        assert str(Path(__file__).resolve().parents[2]) not in page


@pytest.mark.parametrize(
    ("path", "environment", "shown"),
    [
        (Path.home() / ".cache/readroom", {}, "~/.cache/readroom"),
        (Path("/elsewhere/readroom"), {"XDG_CACHE_HOME": "/elsewhere"}, "~/.cache/readroom"),
        (Path("/data/readroom"), {"XDG_DATA_HOME": "/data"}, "~/.local/share/readroom"),
    ],
)
def test_a_default_place_reads_the_same_on_every_machine(
    path: Path, environment: dict[str, str], shown: str
) -> None:
    assert generate.portable(path, environment) == shown


@pytest.mark.parametrize("name", BOX_OF)
def test_the_metrics_of_a_box_are_those_of_its_metrics_page(name: str) -> None:
    registry = CollectorRegistry()
    USED[name](registry)
    exposed = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        if not family.name.endswith("_created"):
            suffix = "_total" if family.type == "counter" else ""
            labels = set(family.samples[0].labels) - {"le"}
            exposed[f"`{family.name}{suffix}`"] = (family.type, labels, family.documentation)

    told = {
        row[0]: (row[1], {label.strip("`") for label in row[2].split(", ")}, row[5])
        for row in rows(generate.metrics_page())
        if f"`{BOX_OF[name]}`" in row[4].split(", ")
    }
    assert told == exposed
