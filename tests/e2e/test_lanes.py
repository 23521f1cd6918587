"""Two lanes side by side: faces with expressions, and poses, joined per frame."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from readroom.messages import RoomState
from readroom.streams import Keys, TailReader
from tests.e2e.running import run, store

pytestmark = pytest.mark.slow


def test_two_lanes_are_joined_frame_by_frame(
    tmp_path: Path, redis_url: str, client: redis.Redis, shared_models: Path, shared_videos: Path
) -> None:
    clip = shared_videos / "neutral_to_smile_1_person.mp4"
    lanes = {"READROOM_LANES": "face+expression pose", "READROOM_REDIS__URL": redis_url}
    with run(tmp_path, str(clip), "--pace", "fast", models=shared_models, **lanes) as running:
        running.child("readroom: work w2")
        running.wait_for("the session is closed", 120)
        seen = boxes_of(client)
        rooms = TailReader[RoomState](client, Keys("room").people, RoomState).backfill(2400)
        running.interrupt()
        assert running.process.returncode == 0, running.output
    with store(tmp_path) as found:
        ((frames, last_seq),) = found.execute("SELECT frames, last_seq FROM camera").fetchall()
        assert frames >= 20
        assert last_seq >= 60
        assert found.execute("SELECT count(*) FROM person").fetchone()[0] == 1
    assert seen == {"work/w1", "work/w2"}
    assert set(rooms[-1].engines) == {"face", "expression", "pose"}
    people = [person for room in rooms for person in room.people]
    assert any(person.expression and person.keypoints for person in people)


def boxes_of(client: redis.Redis) -> set[str]:
    """The workers that registered."""
    return {name.decode() for name in client.hkeys("rr:{room}:boxes") if name.startswith(b"work/")}
