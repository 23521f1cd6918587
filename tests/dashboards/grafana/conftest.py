"""A stand-in for Grafana; one program and one Prometheus for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import prometheus as servers, stub as stand_in
from .prometheus import Prometheus
from .scraping import scraped
from .stub import TOKEN, Stub


@pytest.fixture(scope="package")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has scraped the demo room for a while."""
    if servers.program() is None:
        pytest.skip("needs prometheus (Debian: prometheus), which isn't installed")
    with scraped(tmp_path_factory.mktemp("scraped")) as server:
        yield server


@pytest.fixture
def grafana(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """A stand-in, named in the environment."""
    with stand_in.running() as stub:
        monkeypatch.setenv("READROOM_GRAFANA__URL", stub.address)
        monkeypatch.setenv("READROOM_GRAFANA__TOKEN", TOKEN)
        yield stub
