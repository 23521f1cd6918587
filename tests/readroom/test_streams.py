"""Streams against real servers, of the newest and the oldest version that must do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
from redis.exceptions import OutOfMemoryError, ResponseError

from readroom import streams
from readroom.messages import (
    BoxInfo,
    CameraReport,
    Event,
    Frame,
    Marker,
    Observation,
    encode,
)
from readroom.settings import RedisSettings
from readroom.streams import (
    MAX_DELIVERIES,
    REDIS_AWAY,
    Delivery,
    FrameWriter,
    GroupReader,
    Keys,
    Progress,
    TailReader,
    acknowledged_up_to,
    add,
    connect,
    create_group,
    publish_observation,
    read_boxes,
    read_cameras,
    register_box,
    report_camera,
    trim_acknowledged,
)

from .conftest import Server
from .test_messages import a_frame

KEYS = Keys("room")
STREAM = KEYS.frames("front")
#: So short that a test needn't wait for it, so long that the server's clock sees it pass, s.
IDLE_S = 0.03


@pytest.fixture
def link(server: Server) -> Iterator[redis.Redis]:
    """The program's own client of either server."""
    with connect(server.settings) as client:
        yield client


class Dead(list[str]):
    """The reasons of what was buried."""

    def __call__(self, reason: str, detail: str) -> None:
        self.append(reason)


def reader(
    client: redis.Redis, name: str = "w1", *, group: str = "face", dead: Dead | None = None
) -> GroupReader[Frame]:
    found: GroupReader[Frame] = GroupReader(
        client, KEYS, group, name, Frame, on_dead=Dead() if dead is None else dead
    )
    found.follow([STREAM])
    return found


def writer(client: redis.Redis, **changes: Any) -> FrameWriter:
    given: dict[str, Any] = {"recording": None, "capacity": 4, "lanes": ["face"]}
    found = FrameWriter(client, KEYS, "front", **{**given, **changes})
    found.prepare()
    return found


def publish(to: FrameWriter, *seqs: int) -> None:
    for seq in seqs:
        to.publish(a_frame(seq=seq), b"pixels %d" % seq)


def seqs(deliveries: list[Any]) -> list[int]:
    return [delivery.message.seq for delivery in deliveries]


def pending(client: redis.Redis, group: str = "face") -> int:
    return int(client.xpending(STREAM, group)["pending"])


def idle() -> None:
    threading.Event().wait(IDLE_S * 2)


# --- reading ---------------------------------------------------------------------------------


def test_a_group_reads_from_the_beginning_of_a_stream_that_was_there_before_it(
    link: redis.Redis,
) -> None:
    publish(writer(link, lanes=[]), 1, 2, 3)

    late = reader(link)

    assert seqs(late.read(count=10, block_ms=1)) == [1, 2, 3]


def test_a_payload_arrives_beside_its_message(link: redis.Redis) -> None:
    publish(writer(link), 7)

    (delivery,) = reader(link).read(count=10, block_ms=1)

    assert delivery.message == a_frame(seq=7)
    assert delivery.payload == b"pixels 7"


def test_members_of_a_group_share_the_entries_and_groups_do_not(link: redis.Redis) -> None:
    publish(writer(link), 1, 2, 3)
    first, second, other = reader(link), reader(link, "w2"), reader(link, group="pose")

    assert seqs(first.read(count=2, block_ms=1)) == [1, 2]
    assert seqs(second.read(count=2, block_ms=1)) == [3]
    assert seqs(other.read(count=9, block_ms=1)) == [1, 2, 3]


def test_after_a_restart_under_its_name_a_reader_gets_first_what_it_had_not_acknowledged(
    link: redis.Redis,
) -> None:
    to = writer(link)
    publish(to, 1, 2, 3)
    before = reader(link)
    before.ack(before.read(count=3, block_ms=1)[:1])
    publish(to, 4)

    after = reader(link)
    handed = [after.read(count=9, block_ms=1) for _ in range(3)]

    assert [seqs(each) for each in handed] == [[2], [3], [4]]
    for each in handed:
        after.ack(each)
    assert pending(link) == 0


def test_an_entry_that_was_trimmed_while_its_reader_was_dead_is_acknowledged(
    link: redis.Redis,
) -> None:
    to = writer(link, capacity=2)
    publish(to, 1, 2)
    reader(link).read(count=9, block_ms=1)
    publish(to, 3, 4)

    after = reader(link)
    handed = [seqs(after.read(count=9, block_ms=1)) for _ in range(3)]

    assert handed == [[], [], [3, 4]]
    assert pending(link) == 2


def test_a_reader_follows_cameras_that_come_and_go(link: redis.Redis) -> None:
    found = reader(link)
    side = Keys("room").frames("side")
    found.follow([STREAM, side, side])
    add(link, side, a_frame(camera="side", seq=1))
    publish(writer(link), 2)

    assert sorted(seqs(found.read(count=9, block_ms=1))) == [1, 2]

    found.follow([side])
    publish(writer(link), 3)
    add(link, side, a_frame(camera="side", seq=4))
    assert seqs(found.read(count=9, block_ms=1)) == [4]
    assert list(found.streams) == [side]


def test_a_reader_of_nothing_waits_and_returns_nothing(link: redis.Redis) -> None:
    found = reader(link)
    found.follow([])

    assert found.read(count=9, block_ms=1) == []


# --- live and recording ----------------------------------------------------------------------


def test_a_live_stream_keeps_exactly_its_newest_frames(link: redis.Redis) -> None:
    to = writer(link, capacity=3)
    for seq in range(50):
        publish(to, seq)
        assert link.xlen(STREAM) == min(seq + 1, 3)

    assert seqs(reader(link).read(count=99, block_ms=1)) == [47, 48, 49]


def test_a_recording_is_not_trimmed_before_every_lane_has_acknowledged(
    link: Any,
) -> None:
    to = writer(link, recording="clip", capacity=4, lanes=["face", "pose"])
    publish(to, 0, 1, 2, 3)
    face, pose = reader(link), reader(link, group="pose")

    face.ack(face.read(count=9, block_ms=1))
    assert to.room_left() == 0, "pose hasn't read anything yet"
    handed = pose.read(count=9, block_ms=1)
    assert to.room_left() == 0, "pose has read, and acknowledged nothing"
    pose.ack(handed[1:3])
    assert to.room_left() == 0, "the oldest isn't acknowledged"
    pose.ack(handed[:1])

    assert to.room_left() == 3
    assert [int(i.split(b"-")[0]) > 0 for i, _ in link.xrange(STREAM)] == [True]
    assert seqs(reader(link, group="late").read(count=9, block_ms=1)) == [3]


def test_a_full_stream_makes_a_recording_wait_for_the_slowest_lane(link: redis.Redis) -> None:
    to = writer(link, recording="clip", capacity=3, lanes=["face", "pose"])
    face, pose = reader(link), reader(link, group="pose")
    left = []
    for seq in range(3):
        left.append(to.room_left())
        publish(to, seq)
        face.ack(face.read(count=9, block_ms=1))
    left.append(to.room_left())
    pose.ack(pose.read(count=1, block_ms=1))

    assert left == [3, 2, 1, 0]
    assert to.room_left() == 1


def test_every_frame_of_a_recording_reaches_every_lane_once(link: redis.Redis) -> None:
    to = writer(link, recording="clip", capacity=4, lanes=["face", "pose"])
    lanes = {"face": reader(link), "pose": reader(link, group="pose")}
    got: dict[str, list[int]] = {"face": [], "pose": []}
    seq = turn = 0
    while min(map(len, got.values())) < 40:
        while seq < 40 and to.room_left():
            publish(to, seq)
            seq += 1
        # One lane is three times as slow as the other.
        for name in ("face",) if turn % 3 else ("face", "pose"):
            handed = lanes[name].read(count=3, block_ms=1)
            got[name] += seqs(handed)
            lanes[name].ack(handed)
        turn += 1

    assert got == {"face": list(range(40)), "pose": list(range(40))}
    assert to.room_left() == 4


def test_a_stream_without_any_group_is_not_trimmed(link: redis.Redis) -> None:
    to = writer(link, recording="clip", capacity=2, lanes=[])
    publish(to, 1, 2)

    assert acknowledged_up_to(link, STREAM) is None
    assert trim_acknowledged(link, STREAM) == 2
    assert to.room_left() == 0


def test_a_stream_that_is_gone_has_no_room_but_an_error(link: redis.Redis) -> None:
    to = writer(link, recording="clip")
    link.flushall()

    # A recording's ingest has to know that what it wrote is lost.
    with pytest.raises(ResponseError, match="no such key"):
        to.room_left()


def test_a_frame_and_its_progress_are_written_together(link: redis.Redis) -> None:
    to = writer(link, recording="clip|10 fps", capacity=4)
    assert to.progress() is None

    to.publish(a_frame(epoch=99, seq=5), b"")

    assert to.progress() == Progress("clip|10 fps", epoch=99, seq=5, ended=False)
    to.finish(99, 8)
    assert writer(link).progress() == Progress("clip|10 fps", epoch=99, seq=8, ended=True)


def test_a_live_camera_leaves_no_progress_behind(link: redis.Redis) -> None:
    to = writer(link)
    publish(to, 1)

    assert to.progress() is None


# --- what dies and what kills ----------------------------------------------------------------


def test_entries_of_a_dead_consumer_are_taken_over(link: redis.Redis) -> None:
    publish(writer(link), 1, 2)
    reader(link, "dead").read(count=9, block_ms=1)
    alive = reader(link, "alive")

    assert alive.reclaim(60) == [], "it has not been silent for long enough"
    idle()
    taken = alive.reclaim(IDLE_S)

    assert seqs(taken) == [1, 2]
    alive.ack(taken)
    assert pending(link) == 0


def test_a_dead_consumers_entries_that_were_trimmed_leave_the_pending_list(
    link: redis.Redis,
) -> None:
    to = writer(link, capacity=3)
    publish(to, 1, 2, 3)
    reader(link, "dead").read(count=9, block_ms=1)
    publish(to, 4, 5)
    idle()

    alive = reader(link, "alive")
    taken = alive.reclaim(IDLE_S)

    assert seqs(taken) == [3]
    alive.ack(taken)
    assert pending(link) == 0


def test_pending_returns_to_zero_when_all_was_trimmed(link: redis.Redis) -> None:
    to = writer(link, capacity=2)
    publish(to, 1, 2)
    reader(link, "dead").read(count=9, block_ms=1)
    link.xtrim(STREAM, maxlen=0, approximate=False)
    idle()

    assert reader(link, "alive").reclaim(IDLE_S) == []
    assert pending(link) == 0


def test_reclaiming_works_through_more_than_one_call_takes(link: redis.Redis) -> None:
    to = writer(link, capacity=100)
    publish(to, *range(10))
    reader(link, "dead").read(count=99, block_ms=1)
    idle()
    alive = reader(link, "alive")

    taken: list[int] = []
    for _ in range(5):
        handed = alive.reclaim(IDLE_S, count=3)
        alive.ack(handed)
        taken += seqs(handed)

    assert taken == list(range(10))


def test_an_entry_that_kills_everybody_who_takes_it_over_is_buried(link: redis.Redis) -> None:
    publish(writer(link), 1)
    reader(link, "w0").read(count=9, block_ms=1)
    dead = Dead()
    handed = 1
    for turn in range(1, 10):
        idle()
        handed += len(reader(link, f"w{turn}", dead=dead).reclaim(IDLE_S))

    assert handed == MAX_DELIVERIES
    assert dead == ["poison"]
    assert pending(link) == 0


def test_those_beside_an_entry_that_kills_its_readers_are_not_buried_with_it(
    link: redis.Redis,
) -> None:
    publish(writer(link, capacity=99), *range(6))
    reader(link, "w0").read(count=99, block_ms=1)
    dead = Dead()
    done: list[int] = []
    killed = 1
    for turn in range(1, 14):
        idle()
        found = reader(link, f"w{turn}", dead=dead)
        handed = found.reclaim(IDLE_S)
        if 3 in seqs(handed):
            killed += 1
            continue
        done += seqs(handed)
        found.ack(handed)

    assert killed == MAX_DELIVERIES
    assert dead == ["poison"]
    assert sorted(done) == [0, 1, 2, 4, 5]
    assert pending(link) == 0


@pytest.mark.parametrize("restart", [True, False])
def test_what_others_wait_to_hear_of_a_poisonous_entry_is_said_before_it_is_buried(
    link: redis.Redis, restart: bool
) -> None:
    publish(writer(link), 1)
    said: list[int] = []

    def say(delivery: Delivery[Frame]) -> bool:
        said.append(delivery.message.seq)
        return len(said) > 1  # The first time it can't be said.

    dead = Dead()
    handed = 0
    for turn in range(9):
        found: GroupReader[Frame] = GroupReader(
            link, KEYS, "face", f"w{0 if restart else turn}", Frame, on_dead=dead, on_poison=say
        )
        found.follow([STREAM])
        idle()
        got = found.read(count=9, block_ms=1) if restart or not turn else found.reclaim(IDLE_S)
        handed += len(got)

    assert handed == MAX_DELIVERIES
    assert said == [1, 1]
    assert dead == ["poison"]
    assert pending(link) == 0


def test_two_readers_never_take_over_the_same_entry(link: redis.Redis) -> None:
    publish(writer(link, capacity=99), *range(20))
    reader(link, "dead").read(count=99, block_ms=1)
    idle()

    first, second = reader(link, "a").reclaim(IDLE_S), reader(link, "b").reclaim(IDLE_S)

    assert sorted(seqs(first) + seqs(second)) == list(range(20))


def test_an_entry_that_kills_its_reader_at_every_restart_is_buried_and_nothing_beside_it(
    link: redis.Redis,
) -> None:
    publish(writer(link), 1, 2, 3, 4)
    dead = Dead()
    done: list[int] = []
    killed = 0
    for _start in range(8):
        found = reader(link, dead=dead)
        for _turn in range(6):
            handed = found.read(count=9, block_ms=1)
            if 3 in seqs(handed):
                killed += 1
                break
            done += seqs(handed)
            found.ack(handed)

    assert killed == MAX_DELIVERIES
    assert dead == ["poison"]
    assert sorted(done) == [1, 2, 4]
    assert pending(link) == 0


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({b"v": b"1", b"m": b"\xc1rubbish", b"p": b"secret pixels"}, "undecodable"),
        ({b"v": b"2", b"m": encode(a_frame()), b"p": b"secret pixels"}, "version"),
        ({b"m": encode(a_frame())}, "version"),
        ({b"v": b"1"}, "undecodable"),
        ({b"x": b"y"}, "undecodable"),
        (
            {b"v": b"1", b"m": encode(Marker(room="room", at=1.0, label="slide", id="m"))},
            "undecodable",
        ),
    ],
)
def test_an_entry_nobody_can_read_is_put_aside_counted_and_skipped(
    link: Any, fields: dict[bytes, bytes], reason: str
) -> None:
    to = writer(link)
    publish(to, 1)
    bad = link.xadd(STREAM, fields)
    publish(to, 2)
    dead = Dead()

    handed = reader(link, dead=dead).read(count=9, block_ms=1)

    assert seqs(handed) == [1, 2]
    assert dead == [reason]
    assert pending(link) == 2
    ((_, letter),) = link.xrange(KEYS.dead)
    assert letter[b"reason"] == reason.encode()
    assert letter[b"entry"] == bad
    assert letter[b"stream"] == STREAM.encode()
    assert letter[b"group"] == b"face"
    assert b"secret pixels" not in b"".join(letter.values())


def test_dead_letters_stay_few_and_small(link: Any) -> None:
    count = streams.DEAD_LETTERS + 20
    for _ in range(count):
        link.xadd(STREAM, {b"v": b"1", b"m": b"\xc1" * 5000})
    dead = Dead()

    assert reader(link, dead=dead).read(count=count, block_ms=1) == []

    assert len(dead) == count
    assert link.xlen(KEYS.dead) == streams.DEAD_LETTERS
    largest = max(len(letter[b"body"]) for _, letter in link.xrange(KEYS.dead))
    assert largest == streams.DEAD_LETTER_BYTES


# --- servers that go away --------------------------------------------------------------------


def test_a_server_that_comes_back_empty_is_read_on_from_its_beginning(own_server: Server) -> None:
    with connect(own_server.settings) as link:
        found = reader(link)
        publish(writer(link), 1)
        found.ack(found.read(count=9, block_ms=1))

        own_server.kill()
        with pytest.raises(REDIS_AWAY):
            found.read(count=9, block_ms=1)
        own_server.start()
        assert found.reclaim(IDLE_S) == []
        add(link, STREAM, a_frame(seq=2))
        got = found.read(count=9, block_ms=1) + found.read(count=9, block_ms=1)

        assert seqs(got) == [2]


def test_a_restarted_reader_meets_an_empty_server(own_server: Server) -> None:
    with connect(own_server.settings) as link:
        found = reader(link)
        own_server.kill()
        own_server.start()
        # It still has to look for what it was handed before: there is no group any more.
        assert found.read(count=9, block_ms=1) == []
        publish(writer(link), 1)

        assert seqs(found.read(count=9, block_ms=1)) == [1]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "COMMAND_TIMEOUT_S", 0.3)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(lambda link: reader(link).read(count=1, block_ms=100), id="read"),
        pytest.param(lambda link: publish(FrameWriter(link, KEYS, "front", recording=None,
                     capacity=4, lanes=[]), 1), id="publish"),
        pytest.param(lambda link: TailReader[Event](link, KEYS.events, Event).read(
            count=1, block_ms=100), id="tail"),
    ],
)  # fmt: skip
def test_a_stalled_server_is_noticed_and_its_late_answer_is_not_taken_for_another(
    own_server: Server, command: Callable[[redis.Redis], object]
) -> None:
    with connect(own_server.settings, block_s=0.1) as link:
        own_server.stall()
        with pytest.raises(REDIS_AWAY):
            command(link)
        own_server.go_on()

        assert link.ping() is True
        link.set("k", "v")
        assert link.get("k") == b"v"


@pytest.mark.usefixtures("impatient")
def test_a_frame_whose_answer_is_lost_is_stored_once(own_server: Server) -> None:
    with connect(own_server.settings) as link, connect(own_server.settings) as other:
        to = writer(link, capacity=9)
        own_server.stall()
        with pytest.raises(REDIS_AWAY):
            publish(to, 1)
        own_server.go_on()

        assert other.xlen(STREAM) == 1


@pytest.mark.parametrize("recording", [None, "clip"])
def test_out_of_memory_reaches_the_caller_and_nothing_stored_is_lost(
    link: redis.Redis, recording: str | None
) -> None:
    to = writer(link, recording=recording, capacity=64)
    publish(to, 1, 2)
    used = int(link.info("memory")["used_memory"])
    link.config_set("maxmemory", used + 200_000)

    def fill() -> None:
        for seq in range(3, 64):
            to.publish(a_frame(seq=seq), bytes(50_000))

    with pytest.raises(OutOfMemoryError):
        fill()

    stored = link.xlen(STREAM)
    link.config_set("maxmemory", 0)
    handed = seqs(reader(link).read(count=99, block_ms=1))
    assert handed == list(range(1, stored + 1))
    assert handed[:2] == [1, 2]
    if recording:
        progress = to.progress()
        assert progress is not None
        assert progress.seq == handed[-1]


def test_a_dead_letter_that_finds_no_memory_is_counted_all_the_same(link: redis.Redis) -> None:
    create_group(link, STREAM, "face")
    link.xadd(STREAM, {b"x": b"y"})
    dead = Dead()
    found = reader(link, dead=dead)
    link.config_set("maxmemory", 1)

    assert found.read(count=9, block_ms=1) == []

    assert dead == ["undecodable"]
    assert pending(link) == 0


# --- registries and viewers ------------------------------------------------------------------


def a_report(**changes: Any) -> CameraReport:
    given: dict[str, Any] = {"room": "room", "camera": "front", "epoch": 1, "phase": "streaming"}
    return CameraReport(**{**given, "mode": "live", "source": "demo:", "at": 1.0, **changes})


def test_a_camera_report_is_in_the_registry_and_where_asked_also_in_order(
    link: redis.Redis,
) -> None:
    report_camera(link, KEYS, a_report(frames=1), in_order=False)
    report_camera(link, KEYS, a_report(frames=2, phase="ended"), in_order=True)

    assert read_cameras(link, KEYS) == {"front": a_report(frames=2, phase="ended")}
    found: GroupReader[CameraReport] = GroupReader(
        link, KEYS, "aggregator", "a", Observation | CameraReport, on_dead=Dead()
    )
    found.follow([KEYS.observations])
    assert [d.message.frames for d in found.read(count=9, block_ms=1)] == [2]


def test_an_unreadable_registration_does_not_hide_the_others(link: redis.Redis) -> None:
    info = BoxInfo(kind="work", name="w1", host="h", pid=1, address="a:1", started_at=1.0, at=2.0)
    register_box(link, KEYS, info)
    link.hset(KEYS.boxes, "work/w2", b"\xc1")

    assert read_boxes(link, KEYS) == {"work/w1": info}


def test_observations_are_capped_only_where_no_camera_records(
    link: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "OBSERVATIONS_KEPT", 10)
    frame = msgspec.structs.asdict(a_frame())
    for name in ("encoding", "shared", "previous_time_s"):
        del frame[name]
    observation = Observation(**frame, lane="face", worker="w1")
    for _ in range(500):
        publish_observation(link, KEYS, observation, bounded=False)
    assert link.xlen(KEYS.observations) == 500

    publish_observation(link, KEYS, observation, bounded=True)
    assert link.xlen(KEYS.observations) < 250


def an_event(second: float) -> Event:
    return Event(room="room", session="s", kind="camera", start_s=second, end_s=second)


def test_a_viewer_gets_the_newest_first_and_then_what_comes(link: redis.Redis) -> None:
    for second in range(5):
        add(link, KEYS.events, an_event(second))
    tail: TailReader[Event] = TailReader(link, KEYS.events, Event)

    assert [event.start_s for event in tail.backfill(2)] == [3, 4]
    assert tail.read(count=9, block_ms=1) == []
    add(link, KEYS.events, an_event(5))
    link.xadd(KEYS.events, {b"v": b"1", b"m": b"rubbish"})
    add(link, KEYS.events, an_event(6))
    assert [event.start_s for event in tail.read(count=9, block_ms=1)] == [5, 6]
    assert tail.read(count=9, block_ms=1) == []

    tail.rewind()
    assert [event.start_s for event in tail.read(count=3, block_ms=1)] == [0, 1, 2]


def test_who_follows_a_stream_is_told_what_cannot_be_read(link: redis.Redis) -> None:
    told: list[tuple[str, str]] = []
    tail: TailReader[Event] = TailReader(
        link, KEYS.events, Event, on_dead=lambda reason, detail: told.append((reason, detail))
    )
    link.xadd(KEYS.events, {b"v": b"1", b"m": b"rubbish"})
    link.xadd(KEYS.events, {b"v": b"9", b"m": b""})
    link.xadd(KEYS.events, {b"v": b"1"})
    add(link, KEYS.events, an_event(7))

    assert [event.start_s for event in tail.read(count=9, block_ms=1)] == [7]
    assert [reason for reason, _ in told] == ["undecodable", "version", "undecodable"]
    assert all(detail.startswith(f"{KEYS.events}: ") for _, detail in told)
    # It stays where it is, and what was read isn't told again.
    assert tail.read(count=9, block_ms=1) == []
    assert len(told) == 3
    assert link.xlen(KEYS.events) == 4


def test_a_viewer_of_an_empty_stream_waits_for_its_first_message(link: redis.Redis) -> None:
    tail: TailReader[Event] = TailReader(link, KEYS.events, Event)

    assert tail.backfill(9) == []
    add(link, KEYS.events, an_event(1))
    assert [event.start_s for event in tail.read(count=9, block_ms=1)] == [1]


def test_the_keys_of_a_room_share_one_hash_slot() -> None:
    keys = Keys("lecture-3")
    every = [keys.frames("front"), keys.observations, keys.people, keys.events, keys.dead]
    every += [keys.cameras, keys.boxes, keys.progress("front"), keys.stored]

    assert {key[key.index("{") : key.index("}") + 1] for key in every} == {"{lecture-3}"}
    assert len(set(every)) == len(every)
    assert keys.frames("front") == "rr:{lecture-3}:frames:front"
    assert keys.observations == "rr:{lecture-3}:observations"


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("unix:///tmp/r.sock", True),
        ("redis://127.0.0.1:6379/0", True),
        ("redis://:pw@localhost", True),
        ("redis://[::1]:6379", True),
        ("redis://redis.example:6379", False),
        ("rediss://:127.0.0.1@10.0.0.9", False),
        (None, False),
    ],
)
def test_a_server_on_this_host_is_known_as_such(url: str | None, local: bool) -> None:
    assert streams.is_local(RedisSettings.model_validate({"url": url})) is local


def test_the_folder_of_a_server_stays_empty_of_data(own_server: Server) -> None:
    with connect(own_server.settings) as link:
        publish(writer(link), 1, 2)
    folder = Path(own_server.url.removeprefix("unix://")).parent

    assert [path.name for path in folder.iterdir()] == ["r.sock"]
