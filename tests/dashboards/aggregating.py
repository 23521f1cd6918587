"""A real aggregator beside the page, with a room that two people are in."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import redis

from readroom.streams import Keys, add, read_boxes
from tests.aggregator.made import LANE, observation, two_people
from tests.dashboards.running import ROOT

KEYS = Keys("room")


@contextlib.contextmanager
def aggregator(redis_url: str, data: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``readroom aggregate`` as an operator starts it, once it says that it is ready."""
    environment = {
        **os.environ,
        "READROOM_REDIS__URL": redis_url,
        "READROOM_DATA": str(data),
        "READROOM_LANES": LANE,
        "READROOM_PURPOSE": "audience",
        "READROOM_HTTP__METRICS_PORT": "0",
    }
    with (
        redis.Redis.from_url(redis_url, protocol=2) as client,
        subprocess.Popen(
            [sys.executable, "-m", "readroom", "aggregate"],
            cwd=ROOT,
            env=environment,
            stderr=subprocess.DEVNULL,
        ) as process,
    ):
        try:
            deadline = time.monotonic() + 30
            while not any(box.ready for box in read_boxes(client, KEYS).values()):
                assert process.poll() is None, "the aggregator ended"
                assert time.monotonic() < deadline, "no aggregator in 30 s"
                time.sleep(0.05)
            yield process
        finally:
            process.kill()


def film(client: redis.Redis, first: int, count: int) -> None:
    """So many frames of a recording with two people, ten a second."""
    for seq in range(first, first + count):
        seen = observation(seq, epoch=1000, mode="recording", faces=two_people(seq))
        add(client, KEYS.observations, seen)
