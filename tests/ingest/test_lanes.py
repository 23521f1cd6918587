from __future__ import annotations

import pytest
import redis

from readroom.ingest import lanes
from readroom.ingest.lanes import laggards
from readroom.messages import Frame
from readroom.streams import GroupReader, create_group
from tests.ingest.conftest import KEYS

STREAM = KEYS.frames("cam")
LANES = ("face", "pose")


@pytest.fixture
def full_stream(client: redis.Redis) -> redis.Redis:
    """Four frames that no lane has read."""
    for lane in LANES:
        create_group(client, STREAM, lane)
    for _ in range(4):
        client.xadd(STREAM, {"m": b"no frame"})
    return client


def read(client: redis.Redis, lane: str, count: int, *, ack: bool = True) -> None:
    """A worker of the lane reads ``count`` frames; undecodable, they are put aside at once."""
    if not ack:
        client.xreadgroup(lane, "w1", {STREAM: ">"}, count=count)
        return
    reader: GroupReader[Frame] = GroupReader(
        client, KEYS, lane, "w1", Frame, on_dead=lambda *_: None
    )
    reader.follow([STREAM])
    reader.read(count=count, block_ms=1)


def test_every_lane_without_a_worker_is_named_with_its_command(full_stream: redis.Redis) -> None:
    face, pose = laggards(full_stream, STREAM, LANES)
    assert "lane face has no worker" in face
    assert "`readroom work --engines pose`" in pose


def test_a_lane_that_reads_is_not_named(full_stream: redis.Redis) -> None:
    read(full_stream, "pose", 1)
    [line] = laggards(full_stream, STREAM, LANES)
    assert "lane face " in line


def test_a_worker_that_reads_and_does_not_answer_is_too_slow(full_stream: redis.Redis) -> None:
    read(full_stream, "pose", 4)
    read(full_stream, "face", 2, ack=False)
    [line] = laggards(full_stream, STREAM, LANES)
    assert "lane face is too slow" in line


def test_a_worker_that_fell_silent_is_none(
    full_stream: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "SILENT_S", 0.0)
    read(full_stream, "pose", 4)
    read(full_stream, "face", 4, ack=False)
    [line] = laggards(full_stream, STREAM, LANES)
    assert "lane face has no worker" in line


def test_a_lane_whose_group_was_removed_has_no_worker(full_stream: redis.Redis) -> None:
    read(full_stream, "pose", 4)
    full_stream.xgroup_destroy(STREAM, "face")
    [line] = laggards(full_stream, STREAM, LANES)
    assert "lane face has no worker" in line
