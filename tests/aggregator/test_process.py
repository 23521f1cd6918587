"""The aggregator as a real process against a real Redis: killed, starved, fed with rubbish."""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from readroom.aggregator.process import targets_page
from readroom.box import Box
from readroom.log import set_up_logging
from readroom.messages import (
    BoxInfo,
    Command,
    Event,
    Marker,
    Observation,
    Outcome,
    RoomState,
    decode,
    encode,
)
from readroom.sessions.file import FILE_NAME
from readroom.sessions.timelines import Timelines
from readroom.settings import Settings
from readroom.streams import (
    Keys,
    add,
    consumer_name,
    read_outcome,
    register_box,
    report_camera,
)
from tests.aggregator.made import LANE, START, face, looks, observation, report, two_people

KEYS = Keys("room")
RUN = """
import sys
from readroom.aggregator import process
from readroom.box import run_box
from readroom.settings import load_settings
process.UNSTORED = int(sys.argv[2])
sys.exit(run_box("aggregate", "main", load_settings(), process.main, port=int(sys.argv[1])))
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def box(kind: str, at: float, *, name: str = "x", address: str = "127.0.0.1:1") -> BoxInfo:
    """What a process on another host says of itself."""
    return BoxInfo(
        kind=kind, name=name, host="elsewhere", pid=1, address=address, started_at=at, at=at
    )


class Running:
    """One aggregator process."""

    def __init__(self, redis_url: str, data: Path, lanes: str, unstored: int = 1000) -> None:
        self.port = free_port()
        environment = {
            **os.environ,
            "READROOM_REDIS__URL": redis_url,
            "READROOM_DATA": str(data),
            "READROOM_LANES": lanes,
            "READROOM_LOG_FORMAT": "json",
            "READROOM_AGGREGATOR__COMMIT_S": "0.1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(self.port), str(unstored)],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )

    def page(self, path: str) -> str:
        address = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(address, timeout=5) as answer:
            return str(answer.read().decode())

    def metric(self, line: str) -> float | None:
        """The value of the series whose line begins so; None without it."""
        for row in self.page("/metrics").splitlines():
            if row.startswith(line):
                return float(row.rsplit(" ", 1)[1])
        return None

    def ready(self) -> bool:
        try:
            return self.page("/readyz") == "ready\n"
        except OSError:
            return False

    def stop(self, how: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(how)
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said


@contextmanager
def running(
    redis_url: str, data: Path, lanes: str = LANE, unstored: int = 1000
) -> Iterator[Running]:
    aggregator = Running(redis_url, data, lanes, unstored)
    try:
        wait_for(aggregator.ready)
        yield aggregator
    finally:
        if aggregator.process.poll() is None:
            aggregator.stop(signal.SIGKILL)


def wait_for(condition: Callable[[], Any], patience_s: float = 20.0) -> Any:
    """Poll until something true comes back; fails the test where it never does."""
    deadline = time.monotonic() + patience_s
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def recorded(count: int, epoch: int = 1000) -> list[Observation]:
    return [
        observation(seq, epoch=epoch, mode="recording", faces=two_people(seq))
        for seq in range(count)
    ]


def ended(count: int, epoch: int = 1000) -> Any:
    return report("ended", mode="recording", epoch=epoch, last_seq=count - 1, at=START + 99)


def stored_seq(client: redis.Redis) -> int:
    raw: Any = client.hget(KEYS.stored, "front")
    return -1 if raw is None else int(raw)


def timeline(data: Path) -> dict[str, list[Any]]:
    """All that a run left behind, without what names the run itself."""
    with closing(sqlite3.connect(data / FILE_NAME)) as connection:
        return {
            "session": connection.execute(
                "SELECT title, started_at, state FROM session"
            ).fetchall(),
            "sample": connection.execute("SELECT * FROM sample").fetchall(),
            "event": connection.execute("SELECT * FROM event ORDER BY id").fetchall(),
            "person": connection.execute("SELECT * FROM person").fetchall(),
            "camera": connection.execute("SELECT * FROM camera").fetchall(),
            "measure": connection.execute("SELECT * FROM measure").fetchall(),
        }


def closed(data: Path) -> bool:
    sessions = Timelines(data).sessions("room")
    return bool(sessions) and sessions[-1].state == "closed"


#: What an undisturbed run of so many frames leaves behind; made once.
_undisturbed: dict[int, dict[str, list[Any]]] = {}


def undisturbed(
    redis_url: str, data: Path, client: redis.Redis, count: int
) -> dict[str, list[Any]]:
    if count not in _undisturbed:
        with running(redis_url, data):
            for seen in recorded(count):
                add(client, KEYS.observations, seen)
            add(client, KEYS.observations, ended(count))
            wait_for(lambda: closed(data))
        client.flushall()
        _undisturbed[count] = timeline(data)
    return _undisturbed[count]


def test_killed_again_and_again_it_makes_the_same_timeline_as_undisturbed(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    count = 300
    expected = undisturbed(redis_url, tmp_path / "undisturbed", client, count)
    assert len(expected["sample"]) > 180
    data = tmp_path / "killed"
    frames = recorded(count)
    for round_, kill_after in enumerate((100, 200)):
        with running(redis_url, data) as aggregator:
            begin = (0, 100)[round_]
            for seen in frames[begin:kill_after]:
                add(client, KEYS.observations, seen)
                time.sleep(0.001)  # So that commits fall between the frames.
            wait_for(lambda: stored_seq(client) > begin + 20)  # noqa: B023
            aggregator.stop(signal.SIGKILL)
    with running(redis_url, data):
        for seen in frames[200:]:
            add(client, KEYS.observations, seen)
        add(client, KEYS.observations, ended(count))
        wait_for(lambda: closed(data))
    assert timeline(data) == expected
    assert Timelines(data).frames(Timelines(data).sessions()[0].name)["front"] == (count, count - 1)


def test_a_recording_goes_on_after_redis_lost_everything(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    count = 300
    expected = undisturbed(redis_url, tmp_path / "undisturbed", client, count)
    data = tmp_path / "disturbed"
    with running(redis_url, data) as aggregator:
        for seen in recorded(70):
            add(client, KEYS.observations, seen)
        wait_for(lambda: stored_seq(client) >= 40)
        client.flushall()
        again = wait_for(lambda: stored_seq(client) + 1)  # It writes down again what is stored.
        for seen in recorded(count)[again - 10 :]:  # Ingest plays again, with some overlap.
            add(client, KEYS.observations, seen)
        add(client, KEYS.observations, ended(count))
        wait_for(lambda: closed(data))
        assert (aggregator.metric("readroom_observations_duplicate_total") or 0) >= 10
    assert timeline(data) == expected


def test_nothing_stays_pending_and_the_stream_is_trimmed(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    with running(redis_url, tmp_path):
        for seen in recorded(50):
            add(client, KEYS.observations, seen)
        wait_for(lambda: stored_seq(client) == 49)
        wait_for(lambda: client.xlen(KEYS.observations) == 0)
        pending: Any = client.xpending(KEYS.observations, "aggregator")
        assert pending["pending"] == 0


def test_sigterm_closes_the_session_and_a_recording_goes_on_in_a_new_one(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    frames = recorded(60)
    with running(redis_url, tmp_path) as aggregator:
        for seen in frames[:30]:
            add(client, KEYS.observations, seen)
        wait_for(lambda: stored_seq(client) == 29)
        code, said = aggregator.stop()
        assert code == 0, said
        assert closed(tmp_path)
    with running(redis_url, tmp_path):
        for seen in frames[30:]:
            add(client, KEYS.observations, seen)
        add(client, KEYS.observations, ended(60))
        wait_for(lambda: len(Timelines(tmp_path).sessions()) == 2 and closed(tmp_path))
    first, second = (s.name for s in Timelines(tmp_path).sessions())
    assert Timelines(tmp_path).frames(first)["front"] == (30, 29)
    assert Timelines(tmp_path).frames(second)["front"] == (30, 59)
    kinds = [event.kind for event in Timelines(tmp_path).events(first)]
    assert kinds[0] == "session_started"
    assert kinds[-1] == "session_closed"


def test_a_finished_run_leaves_nothing_that_would_shorten_the_next(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    for run in (1, 2):
        with running(redis_url, tmp_path):
            assert stored_seq(client) == -1
            for seen in recorded(20, epoch=run):
                add(client, KEYS.observations, seen)
            add(client, KEYS.observations, ended(20, epoch=run))
            wait_for(lambda: len(Timelines(tmp_path).sessions()) == run and closed(tmp_path))  # noqa: B023
    for session in Timelines(tmp_path).sessions():
        assert Timelines(tmp_path).frames(session.name)["front"] == (20, 19)


def test_live_results_are_in_metrics_and_on_the_people_stream(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    now = time.time()
    with running(redis_url, tmp_path) as aggregator:
        for seq in range(30):
            smiling = (face(100, expression=looks("happiness")), face(300, width=15))
            seen = observation(seq, captured_at=now - 3 + seq / 10, faces=smiling)
            add(client, KEYS.observations, seen)
        assert wait_for(lambda: aggregator.metric("readroom_frames_joined_total") == 30)
        assert aggregator.metric('readroom_people_visible{camera="front",room="room"}') == 2
        assert aggregator.metric('readroom_person_state{room="room",slot="1"}') == 1  # happiness
        valence, arousal = (
            aggregator.metric(f'readroom_person_{index}{{room="room",slot="1"}}')
            for index in ("valence", "arousal")
        )
        assert valence == pytest.approx(0.7, abs=0.05)
        assert arousal == pytest.approx(0.5, abs=0.05)
        unread = aggregator.metric('readroom_person_valence{room="room",slot="2"}')
        assert unread is not None
        assert math.isnan(unread)
        share = 'readroom_expression_share_ratio{expression="too_small",room="room"}'
        assert aggregator.metric(share) == 0.5
        states = wait_for(
            lambda: [
                decode(fields[b"m"], fields[b"v"], RoomState)
                for _, fields in client.xrevrange(KEYS.people, count=1)  # type: ignore[union-attr]
                if decode(fields[b"m"], fields[b"v"], RoomState).people
            ]
        )
        assert [person.state for person in states[0].people] == ["happiness", "too_small"]
        assert abs(sum(states[0].shares.values()) - 1) < 1e-9
        kinds = [
            decode(fields[b"m"], fields[b"v"], Event).kind
            for _, fields in client.xrange(KEYS.events)  # type: ignore[union-attr]
        ]
        assert kinds[:3] == ["session_started", "person_entered", "person_entered"]
        # The camera ends: the session closes, and nobody's slot stays in the metrics.
        report_camera(
            client, KEYS, report("ended", last_seq=29, at=now, captured_at=now), in_order=True
        )
        wait_for(lambda: closed(tmp_path))
        wait_for(lambda: aggregator.metric("readroom_person_state{") is None)
        wait_for(lambda: aggregator.metric("readroom_person_valence{") is None)


def test_commands_are_obeyed_once_and_what_came_of_them_is_stored(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    def told(verb: Any, **changes: Any) -> Command:
        named = f"{verb} {changes}"
        return Command(room="room", at=time.time(), verb=verb, id=named, **changes)

    before = Command(room="room", at=time.time() - 60, verb="stop", id="of an earlier run")
    add(client, KEYS.commands, before)
    with running(redis_url, tmp_path) as aggregator:
        for seen in recorded(40):
            add(client, KEYS.observations, seen)
        wait_for(lambda: stored_seq(client) == 39)
        note = told("note", text="Door open")
        for message in (told("title", text="The pitch"), note, note):
            add(client, KEYS.commands, message)
        add(client, KEYS.commands, Marker(room="room", at=time.time(), label="Price", id="m"))
        merged = told("merge", slot=1, other=9)
        add(client, KEYS.commands, merged)
        outcome = wait_for(lambda: read_outcome(client, KEYS, merged.id))
        assert outcome.refused == "merge: there is no P9 in the room"
        # What is answered is on disk.
        assert read_outcome(client, KEYS, "m") == Outcome(id="m")
        assert _count(tmp_path, "marker") == 1
        assert 0 < client.ttl(KEYS.answer("m")) <= 60
        aggregator.stop(signal.SIGKILL)
    add(client, KEYS.commands, told("note", text="Said while nobody listened"))
    with running(redis_url, tmp_path) as again:
        add(client, KEYS.commands, note)
        add(client, KEYS.commands, told("stop"))
        wait_for(lambda: closed(tmp_path))
        for seen in recorded(80)[40:]:
            add(client, KEYS.observations, seen)
        wait_for(lambda: again.metric("readroom_frames_joined_total") == 40)
        _, said = again.stop()
    assert [found.title for found in Timelines(tmp_path).sessions("room")] == ["The pitch"]
    assert (_count(tmp_path, "note"), _count(tmp_path, "marker")) == (2, 1)
    assert "no session is running" not in said


def _count(data: Path, table: str) -> int:
    with closing(sqlite3.connect(data / FILE_NAME)) as connection:
        found: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return found


def test_entries_nobody_can_read_are_counted_and_survived(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    with running(redis_url, tmp_path) as aggregator:
        client.xadd(KEYS.observations, {"m": b"\xc1rubbish", "v": b"1"})
        client.xadd(KEYS.observations, {"nothing": b"here"})
        client.xadd(KEYS.observations, {"m": encode(observation(0)), "v": b"99"})
        add(client, KEYS.observations, observation(1, captured_at=float("nan")))
        add(client, KEYS.observations, observation(2))
        assert wait_for(lambda: aggregator.metric("readroom_frames_joined_total") == 1)
        dead = 'readroom_dead_letters_total{reason="undecodable",room="room"}'
        assert aggregator.metric(dead) == 3
        assert aggregator.metric('readroom_dead_letters_total{reason="version"') == 1


def test_a_redis_without_memory_is_survived(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    with running(redis_url, tmp_path) as aggregator:
        for seen in recorded(20):
            add(client, KEYS.observations, seen)
        wait_for(lambda: stored_seq(client) == 19)
        try:
            client.config_set("maxmemory", 1)
            failed = 'readroom_redis_errors_total{reason="out_of_memory",room="room"}'
            wait_for(lambda: aggregator.metric(failed))
        finally:
            client.config_set("maxmemory", 0)
        for seen in recorded(40)[20:]:
            add(client, KEYS.observations, seen)
        wait_for(lambda: stored_seq(client) == 39)


def test_prometheus_finds_every_box_that_runs(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    register_box(client, KEYS, box("work", time.time() + 5, address="127.0.0.1:1234"))
    register_box(client, KEYS, box("ingest", time.time() - 60, address="127.0.0.1:999"))
    with running(redis_url, tmp_path) as aggregator:
        found = wait_for(
            lambda: [g for g in [json.loads(aggregator.page("/targets"))] if len(g) == 2]
        )[0]
        assert found[0]["labels"] == {"box": "aggregate"}
        assert found[1] == {
            "targets": ["127.0.0.1:1234"],
            "labels": {"box": "work"},
        }


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("0.0.0.0:9000", "elsewhere:9000"),
        ("[::]:9000", "elsewhere:9000"),
        ("10.0.0.7:9000", "10.0.0.7:9000"),
        ("[fd00::7]:9000", "[fd00::7]:9000"),
        ("cellar:9000", "cellar:9000"),
    ],
)
def test_prometheus_is_told_an_address_that_it_can_reach(
    client: redis.Redis, address: str, target: str
) -> None:
    register_box(client, KEYS, box("work", time.time(), address=address))
    here = Box("aggregate", "main", Settings(room="room"), set_up_logging("x", "json", "info"))
    assert json.loads(targets_page(here, client))[0]["targets"] == [target]


def test_what_an_aggregator_of_another_name_was_handed_is_taken_over_while_frames_flow(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    frames = iter(recorded(2000))
    entry = add(client, KEYS.observations, next(frames))
    client.xgroup_create(KEYS.observations, "aggregator", id="0")
    client.xreadgroup("aggregator", "elsewhere", {KEYS.observations: ">"})
    with running(redis_url, tmp_path) as aggregator:
        for number, seen in enumerate(frames):
            add(client, KEYS.observations, seen)
            time.sleep(0.01)
            if number == 20:  # From now on it has been silent for long.
                client.xclaim(KEYS.observations, "aggregator", "elsewhere", 0, [entry], idle=60000)
            if number % 50 == 49 and aggregator.metric("readroom_frames_joined_total"):
                break
        else:
            pytest.fail("the frames wait for one that nobody takes over")
        wait_for(lambda: aggregator.metric("readroom_frames_joined_total") == number + 2)


def test_its_own_unfinished_entries_are_not_taken_for_a_dead_readers(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    count = 200
    entries: list[Any] = [add(client, KEYS.observations, seen) for seen in recorded(count)]
    client.xgroup_create(KEYS.observations, "aggregator", id="0")
    me = consumer_name("main")
    client.xreadgroup("aggregator", me, {KEYS.observations: ">"})
    # Handed out twice already: once more is the last time.
    client.xclaim(KEYS.observations, "aggregator", me, 0, entries, idle=60000, retrycount=2)
    with running(redis_url, tmp_path) as aggregator:
        wait_for(lambda: aggregator.metric("readroom_frames_joined_total") == count)
        assert not aggregator.metric("readroom_observations_duplicate_total")
        assert client.xlen(KEYS.dead) == 0


def test_a_store_that_cannot_be_written_for_long_ends_it_and_nothing_is_lost(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    count = 40
    with (
        running(redis_url, tmp_path, unstored=count) as aggregator,
        closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")  # Somebody holds the file.
        for seen in recorded(count):
            add(client, KEYS.observations, seen)
        _, said = aggregator.process.communicate(timeout=30)
        assert aggregator.process.returncode == 1
        last = json.loads(said.splitlines()[-1])["event"]
        assert f"{FILE_NAME}: the session store can't be written (database is locked)" in last
        assert f"{count} observations" in last
    with running(redis_url, tmp_path):
        add(client, KEYS.observations, ended(count))
        wait_for(lambda: closed(tmp_path))
    assert Timelines(tmp_path).frames(Timelines(tmp_path).sessions()[0].name)["front"] == (
        count,
        count - 1,
    )


def test_the_metrics_tell_of_a_store_that_cannot_be_written_and_of_redis_and_the_boxes(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    with (
        running(redis_url, tmp_path) as aggregator,
        closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other,
    ):
        assert wait_for(lambda: aggregator.metric("readroom_redis_memory_bytes"))
        wait_for(lambda: aggregator.metric('readroom_boxes{room="room",stage="aggregate"}') == 1)
        assert aggregator.metric("readroom_store_failing") == 0
        other.execute("BEGIN IMMEDIATE")
        for seen in recorded(20):
            add(client, KEYS.observations, seen)
        wait_for(lambda: aggregator.metric("readroom_store_failing") == 1)
        assert aggregator.metric("readroom_store_errors_total")
        other.execute("ROLLBACK")
        wait_for(lambda: aggregator.metric("readroom_store_failing") == 0)


def test_one_that_is_stopped_while_its_store_cannot_be_written_says_what_is_lost(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    with (
        running(redis_url, tmp_path) as aggregator,
        closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        for seen in recorded(20):
            add(client, KEYS.observations, seen)
        wait_for(lambda: not aggregator.ready())
        code, said = aggregator.stop()
    assert code == 1
    last = json.loads(said.splitlines()[-1])
    assert last["level"] == "error"
    assert "20 observations since the last commit are lost" in last["event"]


def test_a_second_aggregator_of_the_room_on_another_host_is_refused(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    aggregator = Running(redis_url, tmp_path, LANE)

    def refused() -> bool:
        register_box(client, KEYS, box("aggregate", time.time(), name="main"))
        return aggregator.process.poll() is not None

    try:
        wait_for(refused)
    finally:
        aggregator.process.kill()
        _, said = aggregator.process.communicate(timeout=20)
    assert aggregator.process.returncode == 2
    last = json.loads(said.splitlines()[-1])["event"]
    assert "room room has an aggregator already on elsewhere (process 1); stop it" in last
    assert client.exists(KEYS.observations) == 0


def test_a_second_aggregator_that_writes_to_the_same_folder_is_refused(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    """Also where the two don't share a Redis, and so don't know of each other."""
    with running(redis_url, tmp_path):
        second = Running("redis://127.0.0.1:1/0", tmp_path, LANE, 1000)
        _, said = second.process.communicate(timeout=30)
    assert second.process.returncode == 2
    assert "is writing to" in said


def test_a_stop_holds_for_the_run_that_it_was_given_to(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    with running(redis_url, tmp_path) as aggregator:
        add(client, KEYS.observations, observation(0, captured_at=time.time()))
        wait_for(lambda: len(Timelines(tmp_path).sessions()) == 1)
        stop = Command(room="room", at=time.time(), verb="stop", id="stop")
        add(client, KEYS.commands, stop)
        wait_for(lambda: closed(tmp_path))
        aggregator.stop()
    with running(redis_url, tmp_path):
        for seq in range(1, 10):
            add(client, KEYS.observations, observation(seq, captured_at=time.time()))
        assert wait_for(lambda: len(Timelines(tmp_path).sessions()) == 2)


def test_an_aggregator_that_crashed_on_another_host_only_delays_its_successor(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    register_box(client, KEYS, box("aggregate", time.time(), name="main"))
    with running(redis_url, tmp_path) as aggregator:
        assert aggregator.process.poll() is None


def test_a_camera_that_is_over_leaves_the_metrics_when_the_next_session_begins(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    with running(redis_url, tmp_path) as aggregator:
        for seen in recorded(5):
            add(client, KEYS.observations, seen)
        add(client, KEYS.observations, ended(5))
        wait_for(lambda: closed(tmp_path))
        assert 'camera="front"' in aggregator.page("/metrics")
        for n in range(5):
            add(client, KEYS.observations, observation(n, camera="back", mode="recording"))
        wait_for(lambda: aggregator.metric('readroom_frames_joined_total{camera="back"') == 5)
        wait_for(lambda: 'camera="front"' not in aggregator.page("/metrics"))


def test_a_camera_that_ended_long_ago_leaves_the_registry(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    for name, phase, ago_s in (
        ("over", "ended", 4000),
        ("off", "stopped", 4000),
        ("fresh", "ended", 60),
        ("lost", "streaming", 4000),
    ):
        said = report(phase, camera=name, at=time.time() - ago_s)
        report_camera(client, KEYS, said, in_order=False)
    with running(redis_url, tmp_path):
        wait_for(lambda: set(client.hkeys(KEYS.cameras)) == {b"fresh", b"lost"})


def test_a_folder_that_cannot_be_written_is_a_clear_error(redis_url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    aggregator = Running(redis_url, tmp_path / "file" / "data", LANE)
    _, said = aggregator.process.communicate(timeout=20)
    assert aggregator.process.returncode == 2
    lines = [json.loads(line) for line in said.splitlines()]
    assert "READROOM_DATA" in lines[-1]["event"]
    assert len(lines) == 1


def test_it_waits_for_a_redis_that_is_not_there_yet(tmp_path: Path) -> None:
    aggregator = Running(f"unix://{tmp_path}/none.sock", tmp_path / "data", LANE)
    try:
        wait_for((tmp_path / "data" / FILE_NAME).exists)
        assert aggregator.process.poll() is None
    finally:
        code, said = aggregator.stop()
    assert code == 0
    assert "Traceback" not in said


def test_it_stops_with_a_session_open_and_redis_gone(
    redis_url: str, client: redis.Redis, tmp_path: Path
) -> None:
    with running(redis_url, tmp_path) as aggregator:
        add(client, KEYS.observations, observation(0, captured_at=time.time()))
        wait_for(lambda: aggregator.metric("readroom_frames_joined_total") == 1)
        client.execute_command("CLIENT", "PAUSE", "1500", "ALL")
        code, said = aggregator.stop()
        assert code == 0, said
        assert closed(tmp_path)
