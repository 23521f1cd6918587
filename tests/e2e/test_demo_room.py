"""The demo room through the whole program: what the script says is what comes out."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import struct
import subprocess
import urllib.request
from pathlib import Path

import pytest

from readroom.ingest.demo import CAMERAS
from readroom.ingest.demo.script import DEFAULT, ReliableSegment, reliable_segments
from readroom.messages import STATES
from tests.e2e.running import Run, play, run, store

pytestmark = pytest.mark.slow

#: From a change of expression until the state says so: change, smoothing and dwell, s.
DELAY_S = 2.0
#: Width of the demo room's pictures, px.
WIDTH = 1280


def test_people_are_read_with_nothing_but_what_the_package_brings(tmp_path: Path) -> None:
    with run(tmp_path) as running:
        running.wait_for(r"[23] people · lag")
        assert "haar" not in running.output.lower()
        running.until(
            lambda: (
                running.metrics().get("readroom_expression_share_ratio{expression=neutral}", 0) > 0
            ),
            "somebody who looks neutral",
        )
        metrics = running.metrics()
        assert metrics["readroom_frames_joined_total{camera=left}"] > 0
        assert metrics["readroom_frames_joined_total{camera=right}"] > 0
        with urllib.request.urlopen(running.page, timeout=5) as answer:
            assert b"Read the Room" in answer.read()
        assert marked(running) == {"done": True, "id": "here"}
        # The token that was made for this run is said once, with the page's address.
        assert running.output.count(running.token) == 1
        assert not any(
            running.token in " ".join(process.cmdline()) for process in running.processes()
        )
        running.interrupt()
    with store(tmp_path) as found:
        assert found.execute("SELECT count(*) FROM sample").fetchone()[0] > 0
        assert found.execute("SELECT state FROM session").fetchone()[0] == "closed"
        assert found.execute("SELECT id, label FROM marker").fetchall() == [("here", "a smile")]


def marked(running: Run) -> object:
    """What the page's server answers to a marker that carries the run's token."""
    asked = urllib.request.Request(
        f"{running.page}api/v1/markers",
        data=b'{"label": "a smile", "id": "here"}',
        headers={
            "Authorization": f"Bearer {running.token}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.load(answer)


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
    with urllib.request.urlopen(
        metrics_address.replace("/metrics", "/targets"), timeout=5
    ) as answer:
        found = json.load(answer)
    return [target for group in found for target in group["targets"]]


def test_the_metrics_that_are_exposed_are_those_that_are_documented(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    documented = set(re.findall(r"^\| `(readroom_\w+)`", page, re.MULTILINE))
    exposed = set()
    with run(tmp_path) as running:
        running.wait_for(r"\d people · lag")
        addresses = box_addresses(running.metrics_address)
        assert len(addresses) >= 5
        for address in addresses:
            with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
                text = answer.read().decode()
            exposed |= set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))
    assert {name for name in exposed if not name.endswith("_created")} == documented


def test_the_scripted_states_are_read(tmp_path: Path) -> None:
    """The script's ``read_as`` is the truth: of each segment, the part after the smoothing's
    delay is mostly said to be in that state, and never in one that the script doesn't have."""
    words = ("--mode", "recording", "--fps", "5")
    with play(tmp_path, "demo:", *words) as found:
        people = found.execute("SELECT camera, count(*) FROM person GROUP BY camera").fetchall()
        assert {camera for camera, _ in people} == set(CAMERAS)
        wrong = []
        for segment in reliable_segments():
            said = states(found, segment.camera, seat_x(segment), segment.start_s, segment.end_s)
            if not said or said.count(segment.read_as) < 0.8 * len(said):
                wrong.append((segment, said))
        assert not wrong, wrong


def seat_x(segment: ReliableSegment) -> float:
    """Where the person sits, share of the picture's width."""
    seats = DEFAULT.view(segment.camera).seats
    return next(seat.x_ratio for seat in seats if seat.person == segment.person)


def states(
    found: sqlite3.Connection, camera: str, x_ratio: float, start_s: float, end_s: float
) -> list[str]:
    """What was said of whoever sat there, from the smoothing's delay after the segment's start."""
    rows = found.execute(
        "SELECT state, box FROM sample JOIN person USING (session, person)"
        " WHERE sample.camera = ? AND time_s BETWEEN ? AND ?",
        (camera, start_s + DELAY_S, end_s),
    )
    said = []
    for state, box in rows:
        x, _, width, _ = struct.unpack("<4f", box)
        if abs((x + width / 2) / WIDTH - x_ratio) < 0.15:
            said.append(STATES[state])
    return said
