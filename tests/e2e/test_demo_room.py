"""The demo room through the whole program: what the script says is what comes out."""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from readroom.ingest.sources import parse_sources
from tests.e2e.running import run, scrape, store

pytestmark = pytest.mark.slow


def test_people_are_seen_without_any_network_file(tmp_path: Path) -> None:
    with run(tmp_path) as running:
        running.wait_for(r"[23] people · lag")
        assert "haar" in running.output.lower()
        metrics = running.until(
            lambda: (m := running.metrics()).get("readroom_frames_joined_total{camera=left}") and m,
            "joined frames",
        )
        assert metrics["readroom_people_visible{camera=left}"] >= 1
        assert metrics["readroom_expression_share_ratio{expression=not_read}"] == 1
        with urllib.request.urlopen(running.page, timeout=5) as answer:
            assert b"readroom" in answer.read().lower()
        running.interrupt()
    with store(tmp_path) as found:
        assert found.execute("SELECT count(*) FROM sample").fetchone()[0] > 0
        assert found.execute("SELECT state FROM session").fetchone()[0] == "closed"


def test_what_the_metrics_pages_say_passes_promtool(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool (Debian: prometheus), which isn't installed")
    with run(tmp_path) as running:
        running.wait_for(r"\d people · lag")
        for address in box_addresses(running.metrics_address):
            with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
                page = answer.read()
            checked = subprocess.run(
                [promtool, "check", "metrics"], input=page, capture_output=True, check=False
            )
            assert checked.returncode == 0, (address, checked.stdout, checked.stderr)


def box_addresses(metrics_address: str) -> list[str]:
    """Every box's address, as Prometheus would discover it."""
    import json

    with urllib.request.urlopen(
        metrics_address.replace("/metrics", "/targets"), timeout=5
    ) as answer:
        found = json.load(answer)
    return [target for group in found for target in group["targets"]]


def test_every_metric_that_is_exposed_is_documented(tmp_path: Path) -> None:
    documented = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    with run(tmp_path) as running:
        running.wait_for(r"\d people · lag")
        addresses = box_addresses(running.metrics_address)
        assert len(addresses) >= 5
        for address in addresses:
            for sample in scrape(f"http://{address}/metrics"):
                family = sample.split("{")[0]
                for suffix in ("_bucket", "_sum", "_count", "_created"):
                    family = family.removesuffix(suffix)
                assert family in documented, sample


def test_the_scripted_states_are_read(tmp_path: Path, shared_models: Path) -> None:
    """The script's ``read_as`` is the truth: in the middle of each steady segment, the person
    of that camera is said to be in that state."""
    from readroom.ingest.demo.script import LOOP_S, reliable_segments
    from readroom.messages import STATES

    cameras = [camera.name for camera in parse_sources(["demo:"])]
    with run(tmp_path, models=shared_models, READROOM_INGEST__FPS="5") as running:
        running.wait_for(rf"{int(LOOP_S) // 60}:{int(LOOP_S) % 60 + 4:02d} ", LOOP_S + 60)
        running.interrupt()
    with store(tmp_path) as found:
        assert {c for (c,) in found.execute("SELECT DISTINCT camera FROM person")} == set(cameras)
        wrong = []
        for segment in reliable_segments():
            said = [
                STATES[state]
                for (state,) in found.execute(
                    "SELECT state FROM sample JOIN person USING (session, person)"
                    " WHERE camera = ? AND time_s BETWEEN ? AND ?",
                    (segment.camera, segment.start_s + 2.0, segment.end_s - 0.5),
                )
            ]
            if not said or said.count(segment.read_as) < 0.3 * len(said):
                wrong.append((segment, said))
        assert not wrong, wrong
