"""A Redis that runs out of memory, and gets some again."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from tests.e2e.running import run

pytestmark = pytest.mark.slow


def test_a_full_redis_costs_frames_that_are_counted_and_nothing_else(
    tmp_path: Path, redis_url: str, client: redis.Redis
) -> None:
    words = {"READROOM_REDIS__URL": redis_url, "READROOM_INGEST__TRANSPORT": "redis"}
    with run(tmp_path, "demo:left", **words) as running:
        running.wait_for(r"\d (people|person) · lag")
        client.config_set("maxmemory", "1")
        running.wait_for("Redis is full: the frame is dropped")
        client.config_set("maxmemory", "0")
        joined = "readroom_frames_joined_total{camera=left}"
        before = running.metrics()[joined]
        running.until(lambda: running.metrics()[joined] > before + 10, "frames that come through")
        assert "bug" not in running.output
        assert "starting it again" not in running.output
        running.wait_for(r"\d lost")
        running.interrupt()
        assert running.process.returncode == 0, running.output
