"""One program and one Prometheus for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import prometheus as servers
from .prometheus import Prometheus
from .scraping import scraped


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has scraped the demo room for a while."""
    if servers.program() is None:
        pytest.skip("needs prometheus (Debian: prometheus), which isn't installed")
    with scraped(tmp_path_factory.mktemp("scraped")) as server:
        yield server
