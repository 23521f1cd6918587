"""For a workplace no emotion leaves any box: no word for one, and no number that is one.

The demo room's people smile and frown, so that there is something to be kept silent about; the
same search finds it where it may be said.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import redis

from readroom.messages import RoomState
from readroom.streams import Keys, TailReader
from tests.e2e.leaks import in_json, in_message, in_store, in_text
from tests.e2e.running import ROOT, Run, run

pytestmark = pytest.mark.slow

KEYS = Keys("room")
STREAMS = (KEYS.observations, KEYS.people, KEYS.events, KEYS.commands, KEYS.dead)
#: How long the room is listened to, s: two changes of the demo room's script.
LISTEN_S = 12.0

Leaks = dict[str, list[str]]


class Tap:
    """Takes what passes through the room's streams, from their beginning on, before it is trimmed;
    of frames everything but the picture."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._last: dict[str, bytes] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow)
        self.bodies: dict[str, list[bytes]] = defaultdict(list)

    def __enter__(self) -> Tap:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._over.is_set():
            found = self._client.scan_iter(match="rr:{room}:frames:*", _type="stream")
            for key in (*STREAMS, *(each.decode() for each in found)):
                self._last.setdefault(key, b"0-0")
            answer = cast(
                Any, self._client.xread(cast(Any, dict(self._last)), count=500, block=100)
            )
            for key, entries in answer:
                self._last[key.decode()] = entries[-1][0]
                self.bodies[key.decode()] += [fields.get(b"m", b"\xc0") for _, fields in entries]


def test_for_a_workplace_no_emotion_leaves_any_box(
    tmp_path: Path, redis_url: str, client: redis.Redis
) -> None:
    found, seen = leaks(tmp_path, redis_url, client, "workplace")
    assert not found, json.dumps(found, indent=1)
    # It was no empty room, and people were told about.
    newest = seen[-1]
    assert newest.purpose == "workplace"
    assert len(newest.people) >= 2
    # Synchrony is that of valence.
    assert {name for room in seen for name in room.measures} <= {"facing_front"}
    assert any(person.actions for room in seen for person in room.people)
    assert {person.state for room in seen for person in room.people} >= {"not_read"}


def test_where_it_may_be_told_the_same_search_finds_it(
    tmp_path: Path, redis_url: str, client: redis.Redis
) -> None:
    found, _ = leaks(tmp_path, redis_url, client, "research")
    assert set(found) >= {
        KEYS.observations,
        KEYS.people,
        KEYS.events,
        "metrics of the aggregator",
        "page /words",
        "page /api/v1/room",
        "page /api/v1/stream",
        "store",
    }


def leaks(
    data: Path, redis_url: str, client: redis.Redis, purpose: str
) -> tuple[Leaks, list[RoomState]]:
    """Where which emotions were told in a run of the demo room, and the states of that room."""
    found: Leaks = defaultdict(list)
    with (
        run(data, READROOM_REDIS__URL=redis_url, READROOM_PURPOSE=purpose) as running,
        Tap(client) as tap,
    ):
        running.wait_for(r"[2-9] people · lag")
        page = running.page
        mark(redis_url, "the second half")
        found["page /api/v1/stream"] += in_stream(page, LISTEN_S)
        for path, search in PAGES.items():
            found[f"page {path}"] += search(httpx.get(f"{page}{path.lstrip('/')}").text)
        for name, text in metrics(running):
            found[f"metrics of the {name}"] += in_text(text)
        for key in (KEYS.cameras, KEYS.boxes):
            for body in cast(dict[bytes, bytes], client.hgetall(key)).values():
                found[key] += in_message(body)
        found["check"] += in_text(checked(redis_url))
        rooms = TailReader[RoomState](client, KEYS.people, RoomState).backfill(2400)
        running.interrupt()
        assert running.process.returncode == 0, running.output
    assert {KEYS.observations, KEYS.people, KEYS.events, KEYS.frames("left")} <= set(tap.bodies)
    for key, bodies in tap.bodies.items():
        for body in bodies:
            found[key] += in_message(body)
    found["store"] += in_store(data / "sessions.sqlite3")
    found["log"] += in_text(running.output)
    # What somebody wrote themselves is theirs.
    return {place: sorted(set(said))[:5] for place, said in found.items() if said}, rooms


PAGES = {
    "/": in_text,
    "/words": in_json,
    "/api/v1/room": in_json,
    "/api/v1/sessions": in_json,
    "/cards/face": in_text,
    "/cards/expression": in_text,
    **{
        f"/static/{path.name}": in_text
        for path in sorted((ROOT / "dashboards" / "live" / "static").iterdir())
    },
}


def in_stream(page: str, length_s: float) -> list[str]:
    """What a browser is sent within ``length_s``."""
    said: list[str] = []
    until_s = time.monotonic() + length_s
    with httpx.stream("GET", f"{page}api/v1/stream", timeout=10) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                said += in_json(line.removeprefix("data: "))
            if time.monotonic() > until_s:
                return said
    raise AssertionError("the page's stream ended")


def metrics(running: Run) -> Iterator[tuple[str, str]]:
    """Every box's metrics page, by the kind of box."""
    targets = json.loads(running.fetch(running.metrics_address.replace("/metrics", "/targets")))
    assert len(targets) >= 5
    for group in targets:
        kind = {"aggregate": "aggregator"}.get(group["labels"]["box"], group["labels"]["box"])
        for address in group["targets"]:
            yield kind, running.fetch(f"http://{address}/metrics")


def command(redis_url: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "readroom", *words],
        cwd=ROOT,
        env={**os.environ, "READROOM_REDIS__URL": redis_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def mark(redis_url: str, label: str) -> None:
    assert command(redis_url, "mark", label).returncode == 0


def checked(redis_url: str) -> str:
    """What `readroom check` says, to people and to machines."""
    said = [command(redis_url, "check", "--seconds", "1", *words) for words in ((), ("--json",))]
    assert all("in view" in each.stdout or "in_view" in each.stdout for each in said)
    return "".join(each.stdout + each.stderr for each in said)


def test_a_recorded_table_for_a_workplace_has_no_emotion(
    tmp_path: Path, redis_url: str, client: redis.Redis
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra `record`")
    out = tmp_path / "room.parquet"
    with run(tmp_path, READROOM_REDIS__URL=redis_url, READROOM_PURPOSE="workplace") as running:
        running.wait_for(r"[2-9] people · lag")
        recorder = subprocess.Popen(
            [sys.executable, "-m", "readroom", "record", "--out", str(out)],
            cwd=ROOT,
            env={**os.environ, "READROOM_REDIS__URL": redis_url},
        )
        time.sleep(8)
        recorder.send_signal(signal.SIGINT)
        assert recorder.wait(20) == 0
        running.interrupt()
    table = parquet.read_table(out)
    assert table.num_rows > 20
    assert list(in_text(" ".join(table.column_names))) == []
    assert list(in_json(json.dumps(table.to_pylist(), default=repr))) == []
