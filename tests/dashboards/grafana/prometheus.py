"""A real Prometheus, with the rules that deploy/ ships, and what one asks it."""

from __future__ import annotations

import contextlib
import json
import math
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.running import ROOT

RULES = ROOT / "deploy" / "prometheus" / "rules"
#: Quicker than what is shipped, so that a minute shows what takes five there.
SCRAPE_S = 1

_CONFIG = """\
global:
  scrape_interval: {scrape_s}s
  scrape_timeout: {scrape_s}s
  evaluation_interval: {scrape_s}s
rule_files: ["{rules}/*.yml"]
scrape_configs:
  - job_name: readroom
    http_sd_configs: [{{url: "{targets}", refresh_interval: 1s}}]
"""


class Refused(Exception):
    """Prometheus can't answer a query: its reason."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running server."""

    address: str

    def ask(self, path: str, **words: str) -> Any:
        """What ``/api/v1/<path>`` answers. Raises Refused with its reason."""
        address = f"{self.address}/api/v1/{path}?{urllib.parse.urlencode(words)}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise Refused(json.load(error)["error"]) from None

    def instant(self, expression: str) -> list[Any]:
        """The result of a query now."""
        found: list[Any] = self.ask("query", query=expression)["result"]
        return found

    def lately(self, expression: str, seconds: float) -> list[Any]:
        """The result of a query over the last seconds, a point a second."""
        now = time.time()
        words = {"start": f"{now - seconds}", "end": f"{now}", "step": f"{SCRAPE_S}"}
        found: list[Any] = self.ask("query_range", query=expression, **words)["result"]
        return found

    def label_values(self, label: str, series: str) -> list[str]:
        """What a dashboard's variable would offer."""
        found: list[str] = self.ask(f"label/{label}/values", **{"match[]": series})
        return found

    def until(self, expression: str, enough: Callable[[list[Any]], bool], timeout_s: float) -> None:
        """Wait until a query's result is as it should be."""
        deadline = time.monotonic() + timeout_s
        found: list[Any] = []
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                found = self.instant(expression)
                if enough(found):
                    return
            time.sleep(0.2)
        raise AssertionError(f"{expression} after {timeout_s} s: {found}")


def program() -> str | None:
    """The server's program, where it is installed."""
    return shutil.which("prometheus")


@contextlib.contextmanager
def started(folder: Path, targets: str) -> Iterator[Prometheus]:
    """A server that finds its targets at an address, with our rules, and ends with the context."""
    config = folder / "prometheus.yml"
    config.write_text(_CONFIG.format(scrape_s=SCRAPE_S, rules=RULES, targets=targets))
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    words = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    words += [f"--web.listen-address={listen}", "--log.level=error"]
    with subprocess.Popen([program() or "prometheus", *words]) as server:
        try:
            yield Prometheus(f"http://{listen}")
        finally:
            server.terminate()


def newest(series: dict[str, Any]) -> float:
    """A result's newest number."""
    points = series.get("values") or [series["value"]]
    return float(points[-1][1])


def shown(value: float) -> str:
    """A number as a person reads it."""
    return "NaN" if math.isnan(value) else f"{value:.3g}"
