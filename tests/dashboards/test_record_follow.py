"""Following a room's streams into a table: which session, which markers, and when it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from msgspec.structs import replace

from readroom.aggregator.session import RESUME_LIVE_S
from readroom.dashboards.record import follow
from readroom.dashboards.record.follow import Recorded, Recording, record
from readroom.dashboards.record.table import finish, parts_of
from readroom.errors import BadSettings
from readroom.messages import Event, RoomState
from readroom.streams import EVENTS_KEPT, PEOPLE_KEPT, Keys, add
from tests.dashboards.running import OwnRedis
from tests.dashboards.scene import person, room_state

pq = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow (extra record)")

KEYS = Keys("room")
STARTED_AT = 1.7e9


def state(time_s: float, session: str = "s1", **changes: object) -> RoomState:
    started_at = STARTED_AT + 1000 * int(session.removeprefix("s") or 1)
    return replace(
        room_state(time_s, [person(1, "neutral"), person(2, "happiness")]),
        session=session,
        **{"started_at": started_at, **changes},  # type: ignore[arg-type]
    )


class Room:
    """Stands where the aggregator stands."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def say(self, *states: RoomState) -> None:
        for each in states:
            add(self._client, KEYS.people, each, maxlen=PEOPLE_KEPT)

    def mark(self, at_s: float, label: str, session: str = "s1") -> None:
        event = Event(
            room="room", session=session, kind="marker", start_s=at_s, end_s=at_s, state=label
        )
        add(self._client, KEYS.events, event, maxlen=EVENTS_KEPT)


class Running:
    """A recording that runs in a thread."""

    def __init__(self, url: str, path: Path, **options: Any) -> None:
        self.path = path
        self.stopping = threading.Event()
        self.said: list[str] = []
        self._client = redis.Redis.from_url(url, protocol=2, socket_timeout=5)
        self._result: Recorded | BaseException | None = None
        self._thread = threading.Thread(target=self._run, kwargs=options)
        self._thread.start()

    def _run(self, **options: Any) -> None:
        try:
            self._result = record(
                self._client,
                KEYS,
                self.path,
                stopping=self.stopping,
                say=self.said.append,
                **options,
            )
        except BaseException as error:
            self._result = error

    def ended(self) -> Recorded:
        """What came of it, once it has ended by itself."""
        self._thread.join(60)
        self._client.close()
        assert isinstance(self._result, Recorded), self._result
        return self._result

    def stop(self) -> Recorded:
        self.stopping.set()
        return self.ended()

    def wait_for_line(self, words: str) -> None:
        wait(lambda: any(words in line for line in self.said))


def wait(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def room(client: redis.Redis) -> Room:
    return Room(client)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "talk.parquet"


def times(path: Path) -> list[float]:
    return [row["time_s"] for row in pq.read_table(path).to_pylist() if row["slot"] == 1]


def test_the_running_session_is_recorded_from_as_far_back_as_is_known(
    room: Room, redis_url: str, path: Path
) -> None:
    room.say(state(3.0, "s0"), state(4.0, "s0", phase="closed"))
    room.say(state(0.25), state(0.5))
    running = Running(redis_url, path)
    running.wait_for_line("recording session s1")
    room.say(state(0.75), state(1.0, phase="closed"))
    assert running.ended() == Recorded(path, "s1", 6, True)
    assert times(path) == [0.25, 0.5, 0.75]
    assert set(pq.read_table(path).column("session").to_pylist()) == {"s1"}


def test_where_none_runs_the_next_to_start_is_recorded(
    room: Room, redis_url: str, path: Path
) -> None:
    room.say(state(4.0, "s0", phase="closed"))
    running = Running(redis_url, path)
    running.wait_for_line("waiting for a session")
    room.say(state(0.0, "", phase="rolling"), state(0.25), state(0.5, phase="closed"))
    assert running.ended() == Recorded(path, "s1", 2, True)
    assert times(path) == [0.25]


def test_the_next_sessions_start_ends_it_too(room: Room, redis_url: str, path: Path) -> None:
    room.say(state(0.25))
    running = Running(redis_url, path)
    running.wait_for_line("recording session s1")
    room.say(state(0.5), state(0.25, "s2"))
    assert running.ended() == Recorded(path, "s1", 4, True)


def test_being_told_to_stop_keeps_what_there_is(room: Room, redis_url: str, path: Path) -> None:
    room.say(state(0.25), state(0.5))
    running = Running(redis_url, path)
    running.wait_for_line("recording session s1")
    time.sleep(0.5)
    assert running.stop() == Recorded(path, "s1", 4, False)
    assert times(path) == [0.25, 0.5]


def test_stopped_before_anything_came_there_is_no_file(redis_url: str, path: Path) -> None:
    running = Running(redis_url, path)
    running.wait_for_line("waiting for a session")
    assert running.stop() == Recorded(path, "", 0, False)
    assert list(path.parent.glob("talk*")) == []


def test_markers_label_the_rows_behind_them(room: Room, redis_url: str, path: Path) -> None:
    room.mark(0.0, "of another", "s0")
    room.mark(0.4, "pricing")
    room.say(state(0.25), state(0.5))
    running = Running(redis_url, path)
    running.wait_for_line("recording session s1")
    # Told after the rows that it is about, but before they are on disk.
    room.mark(0.3, "late")
    room.say(state(1.0), state(1.25, phase="closed"))
    running.ended()
    rows = [row for row in pq.read_table(path).to_pylist() if row["slot"] == 1]
    assert [row["marker"] for row in rows] == [None, "pricing", "pricing"]
    assert [row["marker_s"] for row in rows] == [None, pytest.approx(0.1), pytest.approx(0.6)]


def test_groups_are_on_disk_while_it_runs(
    room: Room, redis_url: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "GROUP_S", 0.2)
    room.say(state(0.25))
    running = Running(redis_url, path)
    wait(lambda: len(list(parts_of(path).glob("0*.parquet"))) == 1)
    room.say(state(0.5))
    wait(lambda: len(list(parts_of(path).glob("0*.parquet"))) == 2)
    assert len(pq.read_table(parts_of(path))) == 4
    running.stop()
    assert times(path) == [0.25, 0.5]


@pytest.mark.parametrize("by", ["the room's purpose", "an option"])
def test_where_no_emotion_may_be_inferred_none_is_recorded(
    by: str, room: Room, redis_url: str, path: Path
) -> None:
    purpose = "workplace" if by == "the room's purpose" else "audience"
    room.say(state(0.25, purpose=purpose), state(0.5, purpose=purpose))
    running = Running(redis_url, path, without_emotion=by == "an option")
    running.wait_for_line("recording session s1")
    room.say(state(0.75, purpose=purpose, phase="closed"))
    running.ended()
    found = pq.read_table(path)
    assert "action_smiling" in found.column_names
    assert not {"state", "look", "valence", "p_happiness"} & set(found.column_names)
    assert "happiness" not in str(found.to_pylist())


def test_a_purpose_that_comes_to_forbid_it_ends_it(room: Room, redis_url: str, path: Path) -> None:
    room.say(state(0.25))
    running = Running(redis_url, path)
    running.wait_for_line("recording session s1")
    room.say(state(0.5, purpose="education"))
    assert running.ended().rows == 2
    assert times(path) == [0.25]


def test_a_redis_that_was_away_costs_no_row_twice(
    own_redis: OwnRedis, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "GROUP_S", 0.0)
    with redis.Redis.from_url(own_redis.url, protocol=2) as client:
        Room(client).say(state(0.25), state(0.5))
    running = Running(own_redis.url, path)
    wait(lambda: any(parts_of(path).glob("0*.parquet")))
    own_redis.stop()
    running.wait_for_line("Redis is away")
    own_redis.start()
    with redis.Redis.from_url(own_redis.url, protocol=2) as client:
        again = Room(client)
        again.say(state(0.5), state(0.75), state(1.0, phase="closed"))
    assert running.ended() == Recorded(path, "s1", 6, True)
    assert times(path) == [0.25, 0.5, 0.75]


def test_redis_is_waited_for_as_long_as_an_aggregator_would_go_on() -> None:
    assert follow.AWAY_S == RESUME_LIVE_S


def test_a_redis_that_stays_away_ends_it(
    own_redis: OwnRedis, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "AWAY_S", 1.0)
    with redis.Redis.from_url(own_redis.url, protocol=2) as client:
        Room(client).say(state(0.25), state(0.5))
    running = Running(own_redis.url, path)
    running.wait_for_line("recording session s1")
    time.sleep(0.5)
    own_redis.stop()
    assert running.ended() == Recorded(path, "s1", 4, False)
    assert running.said[1:] == [
        "Redis is away; trying again",
        "Redis stays away: the recording ends here",
    ]
    assert times(path) == [0.25, 0.5]


def test_a_session_that_is_named_is_recorded_also_when_another_runs(
    room: Room, redis_url: str, path: Path
) -> None:
    room.mark(0.3, "pricing")
    room.say(state(0.25), state(0.5), state(0.5, phase="closed"))
    room.say(state(0.0, "", phase="rolling"), state(0.25, "s2"))
    assert Running(redis_url, path, session="s1").ended() == Recorded(path, "s1", 4, True)
    assert pq.read_table(path).column("marker").to_pylist() == [None, None, "pricing", "pricing"]


def test_a_recording_that_was_cut_off_stands_in_the_way_until_it_is_finished(
    room: Room, redis_url: str, path: Path, client: redis.Redis
) -> None:
    cut = Recording(path, without_emotion=False)
    cut.take([state(0.25)], 0.0)
    cut.take([], 100.0)  # On disk; then the process dies, and its lock with it.
    with pytest.raises(BadSettings, match="still runs"):
        record(client, KEYS, path, stopping=threading.Event())
    cut.close()
    with pytest.raises(BadSettings, match="--finish"):
        record(client, KEYS, path, stopping=threading.Event())
    assert finish(path) == 2
    with pytest.raises(BadSettings, match="exists already"):
        record(client, KEYS, path, stopping=threading.Event())


def test_ctrl_c_finishes_the_file(
    room: Room, client: redis.Redis, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.say(state(0.25))
    turn, turns = follow._turn, iter(range(2))

    def interrupted(*arguments: Any) -> None:
        if next(turns, None) is None:
            raise KeyboardInterrupt
        turn(*arguments)

    monkeypatch.setattr(follow, "_turn", interrupted)
    found = record(client, KEYS, path, stopping=threading.Event())
    assert found == Recorded(path, "s1", 2, False)
    assert times(path) == [0.25]
