"""A real Prometheus with the configuration that deploy/ ships."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import ROOT, run

pytestmark = pytest.mark.slow

CONFIG = ROOT / "deploy" / "prometheus.yml"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def query(address: str, expression: str) -> list[Any]:
    """What Prometheus answers to an instant query; nothing while it starts."""
    words = urllib.parse.urlencode({"query": expression})
    try:
        with urllib.request.urlopen(f"{address}/api/v1/query?{words}", timeout=5) as answer:
            found: list[Any] = json.load(answer)["data"]["result"]
            return found
    except OSError:
        return []


def test_prometheus_finds_every_box_and_sees_people(tmp_path: Path) -> None:
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        pytest.skip("needs prometheus (Debian: prometheus), which isn't installed")
    with run(tmp_path / "data") as running:
        running.wait_for(r"\d people · lag")
        shipped = CONFIG.read_text()
        assert "http://127.0.0.1:9310/targets" in shipped
        targets = running.metrics_address.replace("/metrics", "/targets")
        config = tmp_path / "prometheus.yml"
        config.write_text(shipped.replace("http://127.0.0.1:9310/targets", targets))
        listen = f"127.0.0.1:{free_port()}"
        with subprocess.Popen(
            [prometheus, f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}"]
            + [f"--web.listen-address={listen}", "--log.level=error"]
        ) as server:
            try:
                running.until(
                    lambda: (
                        sum(
                            float(found["value"][1])
                            for found in query(f"http://{listen}", "readroom_people_visible")
                        )
                        >= 2
                    ),
                    "two people in Prometheus",
                )
                up = running.until(
                    lambda: (
                        (found := query(f"http://{listen}", "up")) and len(found) >= 6 and found
                    ),
                    "six targets",
                )
                assert all(target["value"][1] == "1" for target in up), up
            finally:
                server.terminate()
