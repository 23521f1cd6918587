"""The stand-in for Grafana says what Grafana's own description of its API says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import shared_folder

from .stub import CONTRACT, Operation


@pytest.fixture(scope="module")
def description() -> Any:
    """Grafana's published description (Swagger 2)."""
    return json.loads((shared_folder("grafana") / "http_api_11.4.swagger2.json").read_text())


def operation_of(description: Any, method: str, path: str) -> Any:
    found = description["paths"][path][method]
    references = [p["$ref"].rpartition("/")[2] for p in found.get("parameters", []) if "$ref" in p]
    assert not references
    return found


@pytest.mark.parametrize(
    ("key", "ours"), CONTRACT.items(), ids=map("{0[0]} {0[1]}".format, CONTRACT)
)
def test_an_operation_takes_what_the_description_says(
    description: Any, key: tuple[str, str], ours: Operation
) -> None:
    parameters = operation_of(description, *key).get("parameters", [])

    query = {p["name"]: p["type"] for p in parameters if p["in"] == "query"}
    assert ours.query == query
    bodies = [p["schema"]["$ref"] for p in parameters if p["in"] == "body"]
    assert bool(bodies) == (ours.body is not None)
    for reference in bodies:
        theirs = description["definitions"][reference.rpartition("/")[2]]
        assert ours.body is not None
        assert ours.body["required"] == theirs.get("required", [])
        for name, schema in ours.body["properties"].items():
            wanted = theirs["properties"][name]
            if "$ref" not in wanted:  # Json: anything.
                assert schema["type"] == wanted["type"], name


def test_statuses_that_readroom_tells_of_are_described(description: Any) -> None:
    statuses = operation_of(description, "post", "/dashboards/db")["responses"]

    assert {"401", "403", "404", "412"} <= set(statuses)
