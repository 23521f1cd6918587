"""The OpenAPI document: it says what the server does, and the server does what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from readroom.dashboards.live.api.catalogue import OPERATIONS
from readroom.dashboards.live.api.document import document
from readroom.dashboards.live.api.operations import BASE
from tests.aggregator.stored import a_session, write
from tests.dashboards.answering import answering
from tests.dashboards.running import ROOT, OwnRedis, live

TOKEN = "a-token-of-16-or-more"
#: What is read is a session that there is; what is changed may be any.
KNOWN = """
[[operations]]
include-method = "GET"
parameters = { "path.id" = "s1" }
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with stored sessions, and with somebody who answers commands."""
    server = OwnRedis()
    server.start()
    data = tmp_path_factory.mktemp("data")
    write(data, a_session("s1"), a_session("s2", people=1))
    with (
        redis.Redis.from_url(server.url, protocol=2) as client,
        answering(client),
        live(server.url, READROOM_DATA=str(data), READROOM_HTTP__TOKEN=TOKEN) as page,
    ):
        yield page.address
        page.terminate()
        assert "bug" not in page.output
    server.remove()


@pytest.fixture(scope="module")
def served(address: str) -> dict[str, Any]:
    """The document as it is served."""
    return dict(httpx.get(f"{address}{BASE[1:]}/openapi.json").json())


def test_every_operation_is_described(served: dict[str, Any]) -> None:
    assert served["openapi"] == "3.1.0"
    told = {
        (method.upper(), path)
        for path, methods in served["paths"].items()
        for method in methods
        if not path.endswith("openapi.json")
    }
    assert told == {(each.method, f"{BASE}{each.path}") for each in OPERATIONS}
    names = [each.name for each in OPERATIONS]
    assert len(set(names)) == len(names)


def test_whatever_changes_something_says_that_it_needs_the_token(served: dict[str, Any]) -> None:
    beyond = document(open_to_read=False)
    for each in OPERATIONS:
        here = served["paths"][f"{BASE}{each.path}"][each.method.lower()]
        there = beyond["paths"][f"{BASE}{each.path}"][each.method.lower()]
        assert ({} in here["security"]) is not each.writes
        assert there["security"] == [{"token": []}]
        assert "401" in there["responses"]


def test_a_parameter_is_described_by_what_checks_it(served: dict[str, Any]) -> None:
    parameters = served["paths"][f"{BASE}/sessions/{{id}}/timelines"]["get"]["parameters"]
    step = next(each for each in parameters if each["name"] == "step_s")
    assert (step["in"], step["required"]) == ("query", False)
    assert step["schema"]["minimum"] == 0.05
    assert step["schema"]["description"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("token", "phases"), [(TOKEN, "coverage,fuzzing,stateful"), (None, "fuzzing")]
)
def test_schemathesis_finds_nothing(
    token: str | None, phases: str, address: str, tmp_path: Path
) -> None:
    known = tmp_path / "known.toml"
    known.write_text(KNOWN)
    words = ["--config-file", str(known), "run", f"{address}{BASE[1:]}/openapi.json"]
    words += ["--phases", phases, "--max-examples", "25", "--seed", "7"]
    # A stream has no end.
    words += ["--exclude-operation-id", "stream", "--continue-on-failure", "--no-shrink"]
    if token is not None:
        words += ["--header", f"Authorization: Bearer {token}"]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.dashboards.fuzzing", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    tested = re.search(r"Tested:\s+(\d+)", ran.stdout)
    assert tested is not None
    assert int(tested[1]) == len(OPERATIONS)  # With the document's own, without the stream.
