from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av.error
import cv2
import numpy as np
import pytest
import redis
from av.video.frame import VideoFrame

from readroom import streams, supervisor
from readroom.errors import BadSettings
from readroom.ingest import recording, transport
from readroom.ingest.recording import fingerprint
from readroom.ingest.sources import camera_spec
from readroom.ingest.sources.libav import Converter
from readroom.messages import Frame
from readroom.pixels import Picture
from readroom.settings import IngestSettings, load_settings
from readroom.streams import FrameWriter, GroupReader
from tests.ingest.clips import cut, write_clip, write_picture
from tests.ingest.conftest import (
    KEYS,
    Lane,
    RunningIngest,
    Server,
    StartIngest,
    StartProcess,
    phase,
    report,
    settings_for,
    until,
)

StartLane = Callable[..., Lane]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", frames=60, fps=30)


def test_every_picked_frame_arrives_exactly_once_in_order(
    start_ingest: StartIngest, start_lane: StartLane, clip: Path, client: redis.Redis
) -> None:
    lane = start_lane()
    ingest = start_ingest(str(clip), pace="fast", fps=10, loop=2, stream_frames=4)
    until(lambda: len(lane.frames) == 40)
    assert lane.seqs == list(range(0, 120, 3))
    assert [frame.media_time_s for frame in lane.frames] == pytest.approx(
        [index / 10 for index in range(40)]
    )
    assert all(after.previous_seq == before.seq for before, after in pairwise(lane.frames))
    assert all(frame.mode == "recording" for frame in lane.frames)
    until(lambda: phase(client) == "ended")
    said = report(client)
    assert said is not None
    assert (said.last_seq, said.dropped, said.frames) == (117, {"rate": 80}, 40)
    assert ingest.box.ready()[0]


def test_a_full_stream_makes_a_recording_wait(
    start_ingest: StartIngest, start_lane: StartLane, clip: Path, client: redis.Redis
) -> None:
    start_ingest(str(clip), pace="fast", fps=30, stream_frames=5)
    until(lambda: client.xlen(KEYS.frames("cam")) == 5)
    time.sleep(0.3)
    assert client.xlen(KEYS.frames("cam")) == 5
    lane = start_lane()
    until(lambda: len(lane.frames) == 60)
    assert lane.seqs == list(range(60))


def test_a_recording_is_played_at_its_own_speed(
    start_ingest: StartIngest, start_lane: StartLane, clip: Path
) -> None:
    lane = start_lane()
    start_ingest(str(clip), pace="realtime", fps=10)
    until(lambda: len(lane.frames) == 20)
    first, last = lane.frames[0], lane.frames[-1]
    assert last.captured_at - first.captured_at >= 1.85


def test_a_folder_gives_every_readable_picture_and_counts_the_others(
    start_ingest: StartIngest, start_lane: StartLane, tmp_path: Path, client: redis.Redis
) -> None:
    for index in range(4):
        write_picture(tmp_path / f"{index}.png", np.full((20, 30 + index), 40 * index, np.uint8))
    (tmp_path / "1-broken.jpg").write_bytes(b"no picture")
    lane = start_lane()
    ingest = start_ingest(str(tmp_path), pace="fast", fps=1, folder_fps=50)
    until(lambda: phase(client) == "ended")
    until(lambda: len(lane.frames) == 4)
    assert lane.sizes == [(20, 30 + index, 3) for index in range(4)]
    assert ingest.dropped("decode") == 1


def test_a_truncated_video_is_played_to_where_it_breaks_off(
    start_ingest: StartIngest, start_lane: StartLane, tmp_path: Path, client: redis.Redis
) -> None:
    whole = write_clip(tmp_path / "a.mp4", frames=90, fps=30, size=(160, 120), faststart=True)
    lane = start_lane()
    ingest = start_ingest(str(cut(whole, 0.6)), pace="fast", fps=30)
    until(lambda: phase(client) == "ended")
    said = report(client)
    assert said is not None
    until(lambda: lane.seqs and lane.seqs[-1] == said.last_seq)
    assert lane.seqs == list(range(said.last_seq + 1))
    assert 10 < len(lane.seqs) < 85
    # Every picture it has was published: none was dropped.
    assert ingest.dropped("decode") == 0


def test_a_recording_that_vanishes_between_two_loops_ends_without_a_drop(
    start_ingest: StartIngest, start_lane: StartLane, clip: Path, client: redis.Redis
) -> None:
    ingest = start_ingest(str(clip), pace="fast", fps=30, loop=2, stream_frames=5)
    until(lambda: client.xlen(KEYS.frames("cam")) == 5)
    clip.unlink()
    lane = start_lane()
    until(lambda: phase(client) == "ended")
    until(lambda: len(lane.frames) == 60)
    assert ingest.dropped("decode") == 0


@pytest.mark.parametrize(
    "error",
    [ValueError("no such format"), cv2.error("no memory"), av.error.InvalidDataError(1, "broken")],
)
def test_a_picture_that_cannot_be_converted_is_one_counted_drop_and_the_recording_goes_on(
    start_ingest: StartIngest,
    start_lane: StartLane,
    clip: Path,
    client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    convert = Converter.bgr

    def failing(converter: Converter, frame: VideoFrame, max_width: int) -> Picture:
        if frame.time == pytest.approx(0.7):
            raise error
        return convert(converter, frame, max_width)

    monkeypatch.setattr(Converter, "bgr", failing)
    lane = start_lane()
    ingest = start_ingest(str(clip), pace="fast", fps=30)
    until(lambda: phase(client) == "ended")
    until(lambda: len(lane.frames) == 59)
    assert lane.seqs == [seq for seq in range(60) if seq != 21]
    assert all(after.previous_seq == before.seq for before, after in pairwise(lane.frames))
    assert ingest.dropped("decode") == 1
    assert ingest.error is None


def test_shared_memory_frames_are_all_readable_and_given_back(
    start_ingest: StartIngest, start_lane: StartLane, clip: Path, shared_folder: Path
) -> None:
    lane = start_lane()
    ingest = start_ingest(str(clip), pace="fast", fps=30, stream_frames=3, transport="shared")
    until(lambda: len(lane.frames) == 60)
    assert lane.unreadable == []
    assert {frame.encoding for frame in lane.frames} == {"bgr"}
    assert [path.name for path in shared_folder.iterdir()] == [
        f"readroom-room-cam-{lane.frames[0].epoch}"
    ]
    ingest.stop()
    assert list(shared_folder.iterdir()) == []


def test_a_stopped_recording_that_nobody_reads_leaves_no_shared_memory_behind(
    start_ingest: StartIngest, clip: Path, shared_folder: Path, client: redis.Redis
) -> None:
    ingest = start_ingest(str(clip), pace="fast", fps=30, stream_frames=3, transport="shared")
    until(lambda: client.xlen(KEYS.frames("cam")) == 3)
    assert len(list(shared_folder.iterdir())) == 1
    ingest.stop()
    assert list(shared_folder.iterdir()) == []
    assert ingest.error is None


def test_shared_memory_is_given_back_also_while_a_redis_that_hangs_is_waited_for(
    server: Server, clip: Path, shared_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "COMMAND_TIMEOUT_S", 60.0)
    ingest = RunningIngest(
        settings_for(server.url, pace="fast", fps=30, stream_frames=3, transport="shared"),
        str(clip),
        "cam",
    )
    until(lambda: ingest.published() == 3)
    server.freeze()
    ingest.box.stopping.set()
    until(lambda: list(shared_folder.iterdir()) == [])
    server.kill()
    ingest.stop()


def test_ingest_is_through_with_stopping_before_the_supervisor_kills_it() -> None:
    assert recording.DRAIN_S < transport.LEAST_STAY_S < supervisor.DRAIN_S


def test_a_stream_that_stays_full_names_the_lane_that_holds_it_up(
    client: redis.Redis,
    redis_url: str,
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(recording, "FULL_WARN_S", 0.2)
    settings = load_settings(
        redis={"url": redis_url},
        ingest={"transport": "redis", "pace": "fast", "stream_frames": 4},
        lanes=("face+expression", "pose"),
    )
    ingest = RunningIngest(settings, str(clip), "cam")
    reader: GroupReader[Frame] = GroupReader(
        client, KEYS, "pose", "w1", Frame, on_dead=lambda *_: None
    )
    reader.follow([KEYS.frames("cam")])

    def said() -> str:
        reader.ack(reader.read(count=10, block_ms=1))
        return " ".join(record.message for record in caplog.records)

    until(lambda: "`readroom work --engines face,expression`" in said())
    ingest.stop()
    # It read all there was, in time or at once after an early line.
    last = [record.message for record in caplog.records if "is full" in record.message][-1]
    assert "lane face+expression has no worker" in last


def test_a_killed_ingest_goes_on_without_losing_or_repeating_a_frame(
    start_process: StartProcess, start_lane: StartLane, tmp_path: Path, client: redis.Redis
) -> None:
    clip = write_clip(tmp_path / "long.mp4", frames=200, fps=30)
    lane = start_lane(delay_s=0.002)
    variables = {
        "READROOM_INGEST__PACE": "fast",
        "READROOM_INGEST__FPS": "30",
        "READROOM_INGEST__LOOP": "3",
        "READROOM_INGEST__TRANSPORT": "shared",
    }
    for kill_at in (60, 250):
        process = start_process(str(clip), **variables)
        until(lambda kill_at=kill_at: len(lane.frames) >= kill_at)
        process.kill()
    last = start_process(str(clip), **variables)
    until(lambda: phase(client) == "ended", 30)
    until(lambda: len(lane.frames) >= 600)
    assert lane.seqs == list(range(600))
    assert lane.unreadable == []
    assert [frame.media_time_s for frame in lane.frames] == pytest.approx(
        [index / 30 for index in range(600)]
    )
    assert len({frame.epoch for frame in lane.frames}) == 3
    assert lane.frames[-1].previous_seq == 598
    assert last.terminate() == 0
    assert not list(Path("/dev/shm").glob("readroom-room-cam-*"))


def test_a_stopped_recording_begins_anew_the_next_time(
    start_ingest: StartIngest, start_lane: StartLane, clip: Path, client: redis.Redis
) -> None:
    lane = start_lane()
    first = start_ingest(str(clip), pace="fast", fps=30)
    until(lambda: len(lane.frames) == 60)
    first.stop()
    assert phase(client) == "stopped"
    start_ingest(str(clip), pace="fast", fps=30)
    until(lambda: len(lane.frames) == 120)
    assert lane.seqs == [*range(60), *range(60)]


def test_an_ingest_killed_after_the_end_does_not_play_the_file_again(
    start_process: StartProcess, start_lane: StartLane, clip: Path, client: redis.Redis
) -> None:
    lane = start_lane()
    process = start_process(str(clip), READROOM_INGEST__PACE="fast", READROOM_INGEST__FPS="30")
    until(lambda: phase(client) == "ended")
    until(lambda: len(lane.frames) == 60)
    process.kill()
    client.delete(KEYS.cameras)
    start_process(str(clip), READROOM_INGEST__PACE="fast", READROOM_INGEST__FPS="30")
    until(lambda: phase(client) == "ended")
    assert lane.seqs == list(range(60))


def test_a_changed_file_or_setting_is_another_recording(clip: Path) -> None:
    spec = camera_spec("cam", str(clip))
    settings = IngestSettings()
    before = fingerprint(spec, settings)
    assert fingerprint(spec, settings) == before
    assert fingerprint(spec, IngestSettings(fps=5)) != before
    assert fingerprint(spec, IngestSettings(loop=2)) != before
    assert fingerprint(spec, IngestSettings(max_width=640)) != before
    clip.write_bytes(clip.read_bytes() + b"\0")
    assert fingerprint(spec, settings) != before


def test_a_full_redis_makes_a_recording_wait_and_loses_nothing(
    start_ingest: StartIngest, start_lane: StartLane, clip: Path, client: redis.Redis
) -> None:
    lane = start_lane(delay_s=0.02)
    ingest = start_ingest(str(clip), pace="fast", fps=30, stream_frames=4)
    until(lambda: len(lane.frames) >= 5)
    client.config_set("maxmemory", 1)
    until(lambda: ingest.sample("readroom_redis_errors_total", reason="out_of_memory") >= 1)
    client.config_set("maxmemory", 0)
    until(lambda: len(lane.frames) == 60)
    assert lane.seqs == list(range(60))
    assert ingest.dropped("out_of_memory") == 0


def test_a_frame_whose_answer_was_lost_is_not_published_twice(
    start_ingest: StartIngest,
    start_lane: StartLane,
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish = FrameWriter.publish
    lost: list[int] = []

    def losing(writer: FrameWriter, frame: object, payload: bytes) -> None:
        publish(writer, frame, payload)  # type: ignore[arg-type]
        if len(lost) < 3 and frame.seq % 20 == 7:  # type: ignore[attr-defined]
            lost.append(frame.seq)  # type: ignore[attr-defined]
            raise redis.TimeoutError("the answer is lost")

    monkeypatch.setattr(FrameWriter, "publish", losing)
    lane = start_lane()
    start_ingest(str(clip), pace="fast", fps=30)
    until(lambda: len(lane.frames) >= 60)
    assert lost == [7, 27, 47]
    assert lane.seqs == list(range(60))


def test_after_redis_came_back_empty_a_recording_goes_back_to_what_is_on_disk(
    server: Server, tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=100, fps=30)
    lane = Lane(server.url, delay_s=0.02)
    lane.start()
    ingest = RunningIngest(settings_for(server.url, pace="fast", fps=30), str(clip), "cam")
    try:
        until(lambda: len(lane.frames) >= 30)
        server.kill()
        # The aggregator had the first ten on disk, and says so again when Redis is back.
        server.start()
        with redis.Redis.from_url(server.url) as client:
            client.hset(KEYS.stored, "cam", 9)
        until(lambda: lane.seqs[-1:] == [99], 30)
    finally:
        ingest.stop()
        lane.stop()
    second = lane.seqs[lane.seqs.index(10, 11) :] if 10 in lane.seqs[11:] else []
    assert second == list(range(10, 100))
    again = [frame for frame in lane.frames if frame.seq == 10][-1]
    assert again.previous_seq == 9
    assert again.epoch > lane.frames[0].epoch


def test_a_wrong_redis_password_ends_ingest_with_one_line(tmp_path: Path, redis_url: str) -> None:
    clip = write_clip(tmp_path / "clip.mp4")
    settings = load_settings(redis={"url": redis_url.replace("unix://", "unix://:hunter2@")})
    ingest = RunningIngest(settings, str(clip), "cam")
    until(lambda: ingest.error)
    assert isinstance(ingest.error, BadSettings)
    assert "hunter2" not in str(ingest.error)
    ingest.stop()


def test_the_demo_rooms_script_can_be_played_as_a_recording(
    start_ingest: StartIngest, start_lane: StartLane
) -> None:
    lane = start_lane()
    start_ingest("demo:right", mode="recording", pace="fast", fps=2, max_width=320)
    until(lambda: len(lane.sizes) == 120, 40)  # A frame is noted before its size.
    assert lane.sizes == [(180, 320, 3)] * 120
    assert lane.frames[-1].media_time_s == 59.5


def test_a_real_clip_arrives_whole(
    start_ingest: StartIngest, start_lane: StartLane, shared_videos: Path, client: redis.Redis
) -> None:
    lane = start_lane()
    start_ingest(str(shared_videos / "classroom_4_people.mp4"), pace="fast", fps=15, loop=3)
    until(lambda: phase(client) == "ended")
    until(lambda: len(lane.sizes) == 135)
    assert lane.seqs == list(range(135))
    assert set(lane.sizes) == {(270, 480, 3)}
