"""The demo room as a user starts it, and a Prometheus that has scraped it for a while."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.e2e.running import run

from .prometheus import Prometheus, started

#: Of this process: commands look for a room by its name, wherever on the machine it runs.
ROOM = f"demo-{os.getpid()}"


@contextlib.contextmanager
def scraped(folder: Path) -> Iterator[Prometheus]:
    """The demo room and Prometheus, once everything that is slow to come has been scraped."""
    with run(folder / "data", READROOM_ROOM=ROOM) as room:
        room.wait_for(r"[2-9] people · lag")
        targets = room.metrics_address.replace("/metrics", "/targets")
        with started(folder, targets) as server:
            _wait(server)
            yield server


def _wait(server: Prometheus) -> None:
    """Wait for what is counted over seconds: the kinds of box, rates, rules, said measures."""
    server.until('count(up{job="readroom"} == 1)', lambda got: _at_least(got, 6), 60)
    server.until("min(count_over_time(up[1m]))", lambda got: _at_least(got, 4), 60)
    server.until("sum(readroom_boxes)", lambda got: _at_least(got, 6), 60)
    server.until("sum(readroom_frames_joined_total)", lambda got: _at_least(got, 50), 60)
    server.until("count(readroom_measure_value > -2)", lambda got: _at_least(got, 1), 60)
    server.until("sum(rate(readroom_store_commit_seconds_count[10s]))", bool, 60)
    server.until('count({__name__=~"room.*:.+"})', lambda got: _at_least(got, 3), 60)


def _at_least(found: list[Any], least: float) -> bool:
    return bool(found) and float(found[0]["value"][1]) >= least
