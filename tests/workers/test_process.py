"""The worker as a box on a real Redis: every frame handed out gets an observation.

No network files are needed: with the Haar cascade a worker is a worker.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import redis

from readroom.box import Box
from readroom.errors import BadSettings, ReadroomError
from readroom.log import set_up_logging
from readroom.messages import (
    WITHOUT_EMOTION,
    CameraReport,
    EngineName,
    Frame,
    Mode,
    Observation,
    Purpose,
    SharedBlock,
    decode,
    encode,
)
from readroom.metrics import WorkerMetrics
from readroom.pixels import SHARED_FOLDER, SharedRing, encode_jpeg
from readroom.redis_server import server_program
from readroom.settings import Settings, load_settings
from readroom.streams import MAX_DELIVERIES, FrameWriter, Keys, consumer_name, report_camera
from readroom.workers.analysis import Analyser, Analysis
from readroom.workers.assembly import Assembled
from readroom.workers.process import MAX_FAILURES, Worker, main

KEYS = Keys("room")
LANE = "face+expression+pose"
WAIT_S = 60.0
Client = redis.Redis


def settings_for(url: str, **workers: Any) -> Settings:
    return load_settings(room="room", redis={"url": url}, workers={"reclaim_idle_s": 1, **workers})


def box_for(url: str, name: str = "w1", **workers: Any) -> Box:
    settings = settings_for(url, **workers)
    return Box("work", name, settings, set_up_logging(f"work/{name}", "text", "error"))


@contextmanager
def working(box: Box) -> Iterator[None]:
    """A worker that runs meanwhile; what it raises comes out here."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            main(box)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        box.stopping.set()
        thread.join(WAIT_S)
    assert not thread.is_alive()
    if raised:
        raise raised[0]


def camera(client: Client, mode: Mode = "recording", name: str = "left", **changes: Any) -> None:
    fields: dict[str, Any] = {
        "room": "room",
        "camera": name,
        "epoch": 1,
        "phase": "streaming",
        "source": "a test",
        "mode": mode,
        "at": time.time(),
    }
    report_camera(client, KEYS, CameraReport(**{**fields, **changes}), in_order=False)


def frame(seq: int, **changes: Any) -> Frame:
    fields: dict[str, Any] = {
        "room": "room",
        "camera": "left",
        "epoch": 1,
        "seq": seq,
        "previous_seq": seq - 1,
        "captured_at": time.time(),
        "width": 96,
        "height": 64,
        "mode": "recording",
        "media_time_s": seq / 10,
    }
    return Frame(**{**fields, **changes})


JPEG = encode_jpeg(np.random.default_rng(3).integers(0, 255, (64, 96, 3), np.uint8), 80)


def publish(client: Client, *frames: Frame, payload: bytes = JPEG) -> None:
    recording = "a test" if frames[0].mode == "recording" else None
    writer = FrameWriter(client, KEYS, "left", recording=recording, capacity=1000, lanes=[LANE])
    writer.prepare()
    for one in frames:
        writer.publish(one, payload)


def observations(client: Client) -> list[Observation]:
    entries = cast(list[Any], client.xrange(KEYS.observations))
    return [decode(fields[b"m"], fields[b"v"], Observation) for _, fields in entries]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "it didn't happen"
        time.sleep(0.02)


def wait_for(client: Client, count: int) -> list[Observation]:
    wait_until(lambda: client.xlen(KEYS.observations) >= count)
    return observations(client)


def pending(client: Client, group: str = LANE) -> int:
    return int(cast(Any, client.xpending(KEYS.frames("left"), group))["pending"])


@pytest.mark.usefixtures("no_packaged_weights")
def test_every_frame_of_a_recording_gets_one_observation(redis_url: str, client: Client) -> None:
    camera(client)
    publish(client, *(frame(seq) for seq in range(10)))
    with working(box_for(redis_url)):
        said = wait_for(client, 10)
        wait_until(lambda: pending(client) == 0)
    assert [one.seq for one in said] == list(range(10))
    for one in said:
        assert one.engines == ("face",)
        assert one.models == {"face": "haar_frontalface_default"}
        assert set(one.stages_s) == {"decode", "face"}
        assert (one.lane, one.worker, one.skipped) == (LANE, "w1", None)
        assert one.done_at >= one.captured_at


@pytest.mark.usefixtures("no_packaged_weights")
@pytest.mark.parametrize("purpose", sorted(WITHOUT_EMOTION))
def test_without_emotion_a_worker_that_was_asked_for_expressions_runs_in_a_lane_without(
    redis_url: str, client: Client, purpose: Purpose
) -> None:
    """Also where nothing but the purpose says so: its lane is the one that ingest waits for."""
    box = box_for(redis_url)
    box.settings = box.settings.model_copy(update={"purpose": purpose})
    assert "expression" in box.settings.workers.engines
    camera(client)
    publish(client, *(frame(seq) for seq in range(3)))
    with working(box):
        said = wait_for(client, 3)
    for one in said:
        assert (one.lane,) == box.settings.lane_names == ("face+pose",)
        assert {*one.engines, *one.models, *one.stages_s} == {"face", "decode"}


def test_a_camera_that_appears_later_is_followed(redis_url: str, client: Client) -> None:
    with working(box_for(redis_url)):
        camera(client)
        publish(client, frame(0))
        assert wait_for(client, 1)[0].seq == 0


def test_frames_of_a_camera_that_has_ended_are_drained(redis_url: str, client: Client) -> None:
    publish(client, frame(0), frame(1))
    camera(client, phase="ended", last_seq=1)
    with working(box_for(redis_url)):
        assert [one.seq for one in wait_for(client, 2)] == [0, 1]


def test_of_waiting_live_frames_only_the_newest_is_analysed(redis_url: str, client: Client) -> None:
    camera(client, "live")
    publish(client, *(frame(seq, mode="live", media_time_s=None) for seq in range(12)))
    with working(box_for(redis_url)):
        said = wait_for(client, 12)
    assert sorted(one.seq for one in said if one.skipped == "stale") == list(range(11))
    assert [one.seq for one in said if one.skipped is None] == [11]


@pytest.mark.parametrize(("phase", "age_s"), [("ended", 0.0), ("streaming", 3600.0)])
def test_a_recording_that_is_over_does_not_slow_live_cameras_down(
    redis_url: str, client: Client, phase: str, age_s: float
) -> None:
    camera(client, "recording", "right", phase=phase, at=time.time() - age_s)
    camera(client, "live")
    publish(client, *(frame(seq, mode="live", media_time_s=None) for seq in range(12)))
    with working(box_for(redis_url)):
        said = wait_for(client, 12)
    assert [one.seq for one in said if one.skipped is None] == [11]


def test_observations_are_capped_again_once_a_recording_is_drained(
    redis_url: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Trimming is approximate, in steps of 100 entries.
    monkeypatch.setattr("readroom.streams.OBSERVATIONS_KEPT", 1)
    for _ in range(250):
        client.xadd(KEYS.observations, {b"v": b"1", b"m": b"said before"})
    camera(client, phase="ended")
    publish(client, frame(0), frame(1))
    live = FrameWriter(client, KEYS, "right", recording=None, capacity=10, lanes=[LANE])
    live.prepare()
    seqs = itertools.count()

    def is_capped() -> bool:
        seen = frame(next(seqs), camera="right", mode="live", media_time_s=None)
        live.publish(seen, JPEG)
        return client.xlen(KEYS.observations) < 250

    with working(box_for(redis_url)):
        wait_until(lambda: pending(client) == 0 and client.xlen(KEYS.observations) >= 252)
        camera(client, "live", "right")
        wait_until(is_capped)


def test_a_payload_that_is_no_picture_is_said_to_be_undecodable(
    redis_url: str, client: Client
) -> None:
    camera(client)
    publish(client, frame(0), payload=b"\xff\xd8 no jpeg")
    publish(client, frame(1), payload=JPEG[: len(JPEG) // 3])
    publish(client, frame(2))
    with working(box_for(redis_url)):
        said = wait_for(client, 3)
    assert said[0].skipped == "undecodable"
    assert said[2].skipped is None


@pytest.mark.parametrize("changes", [{"mode": "live", "media_time_s": None}, {"epoch": 0}])
def test_a_frame_whose_shared_memory_is_gone_is_said_to_be_overwritten(
    redis_url: str, client: Client, changes: dict[str, Any]
) -> None:
    block = SharedBlock(name="readroom-gone", offset=0, size=96 * 64 * 3, generation=1)
    gone = frame(0, encoding="bgr", shared=block, **changes)
    camera(client, gone.mode)
    publish(client, gone, payload=b"")
    with working(box_for(redis_url)):
        assert wait_for(client, 1)[0].skipped == "overwritten"


@pytest.fixture
def hidden_ring() -> Iterator[tuple[SharedBlock, Path, Path]]:
    """A picture in shared memory as a worker on another host sees it: not at all. Also where the
    ring is hidden, and where it belongs."""
    if not SHARED_FOLDER.is_dir():
        pytest.skip("shared memory files are Linux's; elsewhere streams carry all")
    ring = SharedRing(f"readroom-{uuid.uuid4().hex}-left-1", 4, 96 * 64 * 3)
    block = ring.put(np.zeros((64, 96, 3), np.uint8))
    place = SHARED_FOLDER / ring.name
    away = place.with_suffix(".away")
    place.rename(away)
    yield block, away, place
    away.unlink(missing_ok=True)
    ring.unlink()


def has_let_go(box: Box) -> bool:
    ready, detail = box.ready()
    return not ready and "left: " in detail and "READROOM_INGEST__TRANSPORT=redis" in detail


def test_a_recording_in_another_hosts_memory_is_left_to_the_workers_there(
    redis_url: str, client: Client, hidden_ring: tuple[SharedBlock, Path, Path]
) -> None:
    block, away, place = hidden_ring
    camera(client)
    publish(client, *(frame(seq, encoding="bgr", shared=block) for seq in range(2)), payload=b"")
    # However often it is started again, it neither says anything of them nor has them buried.
    for _ in range(MAX_DELIVERIES + 1):
        box = box_for(redis_url, "far", reclaim_idle_s=600)
        with working(box):
            wait_until(lambda box=box: has_let_go(box))  # type: ignore[misc]
    assert client.xlen(KEYS.observations) == client.xlen(KEYS.dead) == 0
    assert pending(client) == 2
    away.rename(place)
    with working(box_for(redis_url, "near", reclaim_idle_s=600)):
        said = wait_for(client, 2)
        wait_until(lambda: pending(client) == 0)
    assert {(one.seq, one.worker, one.skipped) for one in said} == {
        (0, "near", None),
        (1, "near", None),
    }


def test_a_recording_that_comes_into_reach_is_followed_again(
    redis_url: str, client: Client, hidden_ring: tuple[SharedBlock, Path, Path]
) -> None:
    camera(client)
    publish(client, frame(0, encoding="bgr", shared=hidden_ring[0]), payload=b"")
    box = box_for(redis_url)
    with working(box):
        wait_until(lambda: has_let_go(box))
        camera(client, epoch=2)
        publish(client, frame(0, epoch=2))
        said = {one.epoch: one.skipped for one in wait_for(client, 2)}
        wait_until(lambda: box.ready()[0])
    assert said == {1: "overwritten", 2: None}


def test_a_frame_on_which_nothing_is_due_is_skipped_without_being_decoded(
    redis_url: str, client: Client
) -> None:
    camera(client)
    publish(client, frame(0))
    publish(client, frame(1), payload=b"this would not decode")
    publish(client, frame(2))
    with working(box_for(redis_url, face_every=2, expression_every=2, pose_every=2)):
        said = {one.seq: one.skipped for one in wait_for(client, 3)}
    assert said == {0: None, 1: "cadence", 2: None}


def test_a_frame_on_which_nothing_that_was_due_could_run_is_said_to_be_skipped(
    redis_url: str, client: Client
) -> None:
    camera(client)
    publish(client, *(frame(seq) for seq in range(3)))
    with working(box_for(redis_url, face_every=2, expression_every=2, pose_every=1)):
        said = {one.seq: one.skipped for one in wait_for(client, 3)}
    assert said == {0: None, 1: "cadence", 2: None}


def test_a_corrupt_entry_goes_to_the_dead_letters_and_work_goes_on(
    redis_url: str, client: Client
) -> None:
    camera(client)
    publish(client, frame(0))
    stream = KEYS.frames("left")
    client.xadd(stream, {b"v": b"1", b"m": b"\xc1garbage"})
    client.xadd(stream, {b"v": b"99", b"m": encode(frame(7))})
    client.xadd(stream, {b"something": b"else"})
    publish(client, frame(1))
    box = box_for(redis_url)
    with working(box):
        assert [one.seq for one in wait_for(client, 2)] == [0, 1]
        wait_until(lambda: pending(client) == 0)
    reasons = [fields[b"reason"] for _, fields in cast(list[Any], client.xrange(KEYS.dead))]
    assert reasons == [b"undecodable", b"version", b"undecodable"]
    labels = {"room": "room", "reason": "undecodable"}
    assert box.metrics.get_sample_value("readroom_dead_letters_total", labels) == 2


def test_a_frame_that_killed_its_readers_is_said_to_have_failed(
    redis_url: str, client: Client
) -> None:
    camera(client)
    publish(client, frame(0), frame(1))
    stream = KEYS.frames("left")
    client.xreadgroup(LANE, consumer_name("w1"), {stream: ">"}, count=1)
    for _ in range(2):
        client.xreadgroup(LANE, consumer_name("w1"), {stream: "0"}, count=1)
    with working(box_for(redis_url)):
        said = {one.seq: one.skipped for one in wait_for(client, 2)}
        wait_until(lambda: pending(client) == 0)
    assert said == {0: "failed", 1: None}
    assert client.xlen(KEYS.dead) == 1


def test_a_dead_workers_live_frames_are_stale_and_its_recorded_ones_analysed(
    redis_url: str, client: Client
) -> None:
    camera(client)
    publish(client, frame(0))
    publish(client, frame(1, mode="live", media_time_s=None))
    client.xreadgroup(LANE, "dead@elsewhere", {KEYS.frames("left"): ">"})
    with working(box_for(redis_url)):
        said = {one.seq: one.skipped for one in wait_for(client, 2)}
    assert said == {0: None, 1: "stale"}


class Stumbling(Analyser):
    """Engines that fail on some pictures."""

    def __init__(self, fails: Callable[[int], bool]) -> None:
        super().__init__(min_face_px=24)
        self._fails = fails

    @property
    def models(self) -> dict[EngineName, str]:
        return {"face": "stumbling"}

    def analyse(self, pictures: Any, due: Any = None, known_faces: Any = None) -> list[Analysis]:
        if any(self._fails(picture.shape[1]) for picture in pictures):
            raise ValueError("an engine stumbled")
        return [Analysis(engines=("face",)) for _ in pictures]


def worker_with(box: Box, analyser: Analyser) -> Worker:
    return Worker(box, Assembled(analyser, ()), WorkerMetrics(box.metrics, "room"))


def picture_of(width: int) -> bytes:
    return encode_jpeg(np.zeros((64, width, 3), np.uint8), 80)


def test_a_frame_on_which_an_engine_fails_does_not_take_others_along(
    redis_url: str, client: Client
) -> None:
    camera(client)
    for seq, width in enumerate((96, 96, 32, 96)):
        publish(client, frame(seq, width=width), payload=picture_of(width))
    box = box_for(redis_url)
    worker = worker_with(box, Stumbling(lambda width: width == 32))
    thread = threading.Thread(target=worker.serve, args=(client,))
    thread.start()
    with redis.Redis.from_url(redis_url, protocol=2) as looking:
        wait_until(lambda: looking.xlen(KEYS.observations) == 4)
    box.stopping.set()
    thread.join(WAIT_S)
    said = {one.seq: one.skipped for one in observations(client)}
    assert said == {0: None, 1: None, 2: "failed", 3: None}


def test_engines_that_always_fail_end_the_process_with_one_line(
    redis_url: str, client: Client
) -> None:
    camera(client)
    publish(client, *(frame(seq) for seq in range(MAX_FAILURES + 5)))
    with pytest.raises(ReadroomError, match=f"{MAX_FAILURES} frames in a row .*stumbled"):
        worker_with(box_for(redis_url), Stumbling(lambda width: True)).serve(client)
    assert pending(client) > 0


def test_a_full_redis_makes_a_recording_wait_and_loses_nothing(
    redis_url: str, client: Client
) -> None:
    camera(client)
    publish(client, *(frame(seq) for seq in range(6)))
    client.config_set("maxmemory", 1)
    box = box_for(redis_url)
    labels = {"room": "room", "reason": "out_of_memory"}
    with working(box):
        wait_until(
            lambda: (box.metrics.get_sample_value("readroom_redis_errors_total", labels) or 0) >= 2
        )
        assert client.xlen(KEYS.observations) == 0
        client.config_set("maxmemory", 0)
        assert sorted(one.seq for one in wait_for(client, 6)) == list(range(6))


def test_a_full_redis_makes_live_frames_be_counted_and_given_up(
    redis_url: str, client: Client
) -> None:
    camera(client, "live")
    publish(client, frame(0, mode="live", media_time_s=None))
    box = box_for(redis_url)
    with working(box):
        wait_for(client, 1)
        last = frame(1, mode="live", media_time_s=None)
        with client.pipeline(transaction=True) as pipe:
            pipe.xadd(KEYS.frames("left"), {b"v": b"1", b"m": encode(last), b"p": JPEG})
            pipe.config_set("maxmemory", 1)
            pipe.execute()
        labels = {"room": "room", "camera": "left", "reason": "out_of_memory"}
        wait_until(
            lambda: box.metrics.get_sample_value("readroom_frames_skipped_total", labels) == 1
        )
        wait_until(lambda: pending(client) == 0)
    assert [one.seq for one in observations(client)] == [0]


@contextmanager
def private_redis(folder: Path) -> Iterator[str]:
    socket = f"{folder}/r.sock"
    with subprocess.Popen(
        [str(server_program()), "--port", "0", "--unixsocket", socket, "--save", ""],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            wait_until(lambda: answers(socket))
            yield f"unix://{socket}"
        finally:
            process.kill()


def answers(socket: str) -> bool:
    try:
        with redis.Redis(unix_socket_path=socket) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_a_worker_outlives_its_redis(tmp_path_factory: pytest.TempPathFactory) -> None:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="rr-") as name:
        folder = Path(name)
        box = box_for(f"unix://{folder}/r.sock")
        with working(box):
            for _ in range(2):
                with private_redis(folder) as url, redis.Redis.from_url(url, protocol=2) as client:
                    camera(client)
                    publish(client, frame(0), frame(1))
                    assert [one.seq for one in wait_for(client, 2)] == [0, 1]
                wait_until(lambda: not box.ready()[0])
    reasons = ("connection", "timeout", "loading")
    values = [
        box.metrics.get_sample_value(
            "readroom_redis_errors_total", {"room": "room", "reason": reason}
        )
        for reason in reasons
    ]
    assert sum(value or 0 for value in values) >= 2


def test_without_a_redis_address_a_worker_refuses_to_start() -> None:
    settings = load_settings(room="room")
    box = Box("work", "w1", settings, set_up_logging("work/w1", "text", "error"))
    with pytest.raises(BadSettings, match=r"redis\.url is not set"):
        main(box)


@contextmanager
def started_worker(url: str, name: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "readroom", "work", "--name", name, "--room", "room"],
        env={
            **os.environ,
            "READROOM_REDIS__URL": url,
            "READROOM_PURPOSE": "research",
            "READROOM_WORKERS__RECLAIM_IDLE_S": "1",
        },
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_worker_killed_in_the_middle_of_a_recording_loses_no_frame(
    redis_url: str, client: Client
) -> None:
    camera(client)
    picture = np.full((240, 320, 3), 90, np.uint8)
    frames = [frame(seq, width=320, height=240) for seq in range(300)]
    publish(client, *frames, payload=encode_jpeg(picture, 80))
    with started_worker(redis_url, "w1") as first:
        wait_for(client, 5)
        first.send_signal(signal.SIGKILL)
    assert client.xlen(KEYS.observations) < 300
    with started_worker(redis_url, "w2") as second:
        wait_until(lambda: {one.seq for one in observations(client)} == set(range(300)))
        wait_until(lambda: pending(client) == 0)
        second.send_signal(signal.SIGTERM)
        assert second.wait(WAIT_S) == 0
    said = observations(client)
    assert all(one.skipped is None for one in said)
    first_of_each = {one.key: one for one in reversed(said)}
    assert len(first_of_each) == 300
    # Of what was in flight at the kill, at most one was published and not yet acknowledged.
    assert len(said) <= 301


def test_a_worker_that_comes_back_under_its_name_goes_on_at_once(
    redis_url: str, client: Client
) -> None:
    camera(client)
    publish(client, frame(0), frame(1))
    client.xreadgroup(LANE, consumer_name("w1"), {KEYS.frames("left"): ">"})
    with working(box_for(redis_url, reclaim_idle_s=600)):
        assert [one.seq for one in wait_for(client, 2)] == [0, 1]
