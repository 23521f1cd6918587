"""A clone alone: no network to fetch anything from, no READROOM_MODELS."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.offline import beside, lacking
from tests.e2e.running import Run, parsed, run

pytestmark = pytest.mark.slow


def stages(running: Run) -> dict[str, float]:
    """How many frames went through each stage of the workers."""
    targets = json.loads(running.fetch(running.metrics_address.replace("/metrics", "/targets")))
    pages = [
        parsed(running.fetch(f"http://{target}/metrics"))
        for group in targets
        for target in group["targets"]
    ]
    return {
        stage: sum(page.get(f"readroom_stage_seconds_count{{stage={stage}}}", 0) for page in pages)
        for stage in ("face", "expression", "pose")
    }


def test_faces_expressions_and_poses_are_read_with_the_network_off(tmp_path: Path) -> None:
    if reason := lacking():
        pytest.skip(reason)
    with run(tmp_path, cut_off=True) as running:
        running.wait_for(r"[23] people · lag")
        look = "import socket; print([name for _, name in socket.if_nameindex()])"
        reachable = beside(running.process.pid, [sys.executable, "-c", look])
        assert subprocess.check_output(reachable, text=True).strip() == "['lo']"
        running.until(
            lambda: (
                running.metrics().get("readroom_expression_share_ratio{expression=neutral}", 0) > 0
            ),
            "somebody who looks neutral",
        )
        running.until(lambda: min(stages(running).values()) > 0, "all three networks at work")
        assert "haar" not in running.output.lower()
        running.interrupt()
        assert running.process.returncode == 0
