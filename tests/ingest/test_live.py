from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import redis
from av.video.frame import VideoFrame

from readroom.errors import BadSettings
from readroom.ingest import live
from readroom.ingest.process import mode_of
from readroom.ingest.sources import Lost, camera_spec
from readroom.ingest.sources.libav import Converter
from readroom.messages import CameraReport, Frame, Observation
from readroom.pixels import Picture, encode_jpeg
from readroom.settings import IngestSettings
from readroom.streams import GroupReader
from tests.ingest.clips import write_clip
from tests.ingest.conftest import (
    KEYS,
    LANE,
    RunningIngest,
    Server,
    StartIngest,
    phase,
    report,
    settings_for,
    until,
)
from tests.ingest.mjpeg_server import MjpegServer
from tests.ingest.rtsp_server import RtspServer

SMALL = encode_jpeg(np.full((48, 64, 3), 80, np.uint8), 80)
LARGE = encode_jpeg(np.full((96, 128, 3), 80, np.uint8), 80)


def frames_in(client: redis.Redis, camera: str = "cam") -> list[tuple[Frame, bytes]]:
    reader: GroupReader[Frame] = GroupReader(
        client, KEYS, LANE, "test", Frame, on_dead=lambda *_: None
    )
    reader.follow([KEYS.frames(camera)])
    found: list[tuple[Frame, bytes]] = []
    while deliveries := reader.read(count=100, block_ms=1):
        found += [(delivery.message, delivery.payload) for delivery in deliveries]
    return found


def reports_in_order(client: redis.Redis) -> list[CameraReport]:
    reader: GroupReader[CameraReport | Observation] = GroupReader(
        client, KEYS, "aggregator", "test", CameraReport | Observation, on_dead=lambda *_: None
    )
    reader.follow([KEYS.observations])
    found: list[CameraReport] = []
    while deliveries := reader.read(count=100, block_ms=1):
        for delivery in deliveries:
            if isinstance(delivery.message, CameraReport):
                found.append(delivery.message)
    return found


def test_an_mjpeg_cameras_frames_reach_the_stream_undecoded(
    start_ingest: StartIngest, client: redis.Redis
) -> None:
    with MjpegServer([SMALL]) as server:
        ingest = start_ingest(server.url(), fps=100, live_frames=1000)
        until(lambda: client.xlen(KEYS.frames("cam")) >= 5)
        ready, _ = ingest.box.ready()
        ingest.stop()
    assert ready
    found = frames_in(client)
    assert all(payload == SMALL for _, payload in found)
    first = found[0][0]
    assert (first.width, first.height, first.encoding, first.mode) == (64, 48, "jpeg", "live")
    assert first.media_time_s is None
    assert [report.phase for report in reports_in_order(client)] == [
        "connecting",
        "streaming",
        "stopped",
    ]


def test_the_stream_holds_the_newest_frames_and_no_more(
    start_ingest: StartIngest, client: redis.Redis
) -> None:
    with MjpegServer([SMALL], interval_s=0.005) as server:
        ingest = start_ingest(server.url(), fps=240, live_frames=4)
        until(lambda: ingest.published() > 30)
        ingest.stop()
    found = [frame for frame, _ in frames_in(client)]
    assert len(found) == 4
    said = report(client)
    assert said is not None
    assert found[-1].seq == said.last_seq


def test_every_frame_the_camera_delivered_is_published_or_a_counted_drop(
    start_ingest: StartIngest, client: redis.Redis
) -> None:
    with MjpegServer([SMALL], interval_s=0.005) as server:
        ingest = start_ingest(server.url(), fps=20, live_frames=1000)
        until(lambda: client.xlen(KEYS.frames("cam")) > 20)
        ingest.stop()
    found = [frame for frame, _ in frames_in(client)]
    # Each frame names the one published before it, so the gaps are exactly what was dropped.
    assert found[0].previous_seq == -1
    assert all(after.previous_seq == before.seq for before, after in pairwise(found))
    gaps = found[-1].seq + 1 - len(found)
    dropped = ingest.dropped("rate") + ingest.dropped("superseded")
    # What came after the last published frame is counted too, and is in no gap.
    assert gaps <= dropped <= gaps + 60
    assert ingest.dropped("rate") > 0


def test_another_resolution_begins_a_new_epoch(
    start_ingest: StartIngest, client: redis.Redis
) -> None:
    with MjpegServer([SMALL]) as server:
        ingest = start_ingest(server.url(), fps=100, live_frames=1000)
        until(lambda: client.xlen(KEYS.frames("cam")) >= 3)
        server.jpegs = [LARGE]
        until(lambda: ingest.reconnects("resolution") == 1)
        count = client.xlen(KEYS.frames("cam"))
        until(lambda: client.xlen(KEYS.frames("cam")) > count)
        ingest.stop()
    found = [frame for frame, _ in frames_in(client)]
    sizes = {frame.epoch: (frame.width, frame.height) for frame in found}
    assert list(sizes.values()) == [(64, 48), (128, 96)]
    first_of_second = next(frame for frame in found if frame.width == 128)
    assert first_of_second.previous_seq == -1
    last = [said for said in reports_in_order(client) if said.phase == "streaming"][-1]
    assert (last.reason, last.epoch) == ("resolution", first_of_second.epoch)


def test_a_camera_that_is_killed_and_comes_back_goes_on_in_a_new_epoch(
    start_ingest: StartIngest, client: redis.Redis, rtsp_camera: RtspServer
) -> None:
    ingest = start_ingest(
        rtsp_camera.url, fps=100, backoff_max_s=0.5, stall_timeout_s=3, live_frames=1000
    )
    until(lambda: client.xlen(KEYS.frames("cam")) >= 3)
    rtsp_camera.kill()
    until(lambda: phase(client) == "retrying")
    ready, why = ingest.box.ready()
    assert (ready, "tried again" in why) == (False, True)
    assert ingest.sample("readroom_camera_up", camera="cam") == 0
    until(lambda: ingest.reconnects("refused") >= 1)
    rtsp_camera.start()
    until(lambda: phase(client) == "streaming")
    ingest.stop()
    epochs = {frame.epoch: frame.previous_seq for frame, _ in reversed(frames_in(client))}
    assert len(epochs) == 2
    assert set(epochs.values()) == {-1}
    assert ingest.reconnects("closed") == 1


def test_a_camera_that_hangs_is_stalled_and_tried_again(
    start_ingest: StartIngest, client: redis.Redis, rtsp_camera: RtspServer
) -> None:
    ingest = start_ingest(rtsp_camera.url, backoff_max_s=0.5, stall_timeout_s=1.5)
    until(lambda: phase(client) == "streaming")
    rtsp_camera.freeze()
    until(lambda: ingest.reconnects("stalled") >= 1)
    said = until(lambda: report(client) if phase(client) == "retrying" else None)
    assert said.reason == "stalled"
    rtsp_camera.thaw()
    until(lambda: phase(client) == "streaming")


def test_a_video_played_live_keeps_its_pace_drops_and_ends(
    start_ingest: StartIngest, client: redis.Redis, tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "a.mp4", frames=30, fps=30)
    ingest = start_ingest(str(clip), mode="live", fps=10, live_frames=1000)
    until(lambda: phase(client) == "ended")
    found = [frame for frame, _ in frames_in(client)]
    # About one second: as long as it is, thinned to the rate.
    assert found[-1].captured_at - found[0].captured_at > 0.6
    assert ingest.dropped("rate") >= 15
    assert all(frame.mode == "live" and frame.media_time_s is None for frame in found)
    assert ingest.box.ready()[0]


def test_while_redis_is_full_frames_are_dropped_and_counted(
    start_ingest: StartIngest, client: redis.Redis
) -> None:
    with MjpegServer([SMALL]) as server:
        ingest = start_ingest(server.url(), fps=100)
        until(lambda: client.xlen(KEYS.frames("cam")) >= 2)
        client.config_set("maxmemory", 1)
        until(lambda: ingest.dropped("out_of_memory") >= 2)
        client.config_set("maxmemory", 0)
        before = ingest.published()
        until(lambda: ingest.published() > before)
        assert ingest.error is None


def test_a_camera_cannot_be_told_to_wait() -> None:
    with pytest.raises(BadSettings, match="can't wait"):
        mode_of(camera_spec("cam", "rtsp://h/a"), IngestSettings(mode="recording"))


@pytest.mark.parametrize(
    ("source", "mode"),
    [("rtsp://h/a", "live"), ("0", "live"), ("demo:left", "live"), ("/a.mp4", "recording")],
)
def test_by_default_cameras_are_live_and_files_are_recordings(source: str, mode: str) -> None:
    assert mode_of(camera_spec("cam", source), IngestSettings()) == mode


def test_the_demo_room_is_a_live_camera_on_the_wall_clock(
    start_ingest: StartIngest, client: redis.Redis
) -> None:
    start_ingest("demo:left", fps=5)
    until(lambda: client.xlen(KEYS.frames("cam")) >= 3)
    found = [frame for frame, _ in frames_in(client)]
    assert (found[0].width, found[0].height) == (1280, 720)
    ticks = [frame.captured_at * 5 for frame in found]
    assert ticks == pytest.approx([round(tick) for tick in ticks], abs=0.01)


def test_while_redis_is_away_frames_are_dropped_and_counted(server: Server) -> None:
    with MjpegServer([SMALL]) as camera:
        ingest = RunningIngest(settings_for(server.url, fps=50), camera.url(), "cam")
        try:
            until(lambda: ingest.published() >= 3)
            server.kill()
            until(lambda: ingest.dropped("redis_away") >= 3)
            assert ingest.box.ready() == (False, "Redis is away: frames are dropped")
            before = ingest.published()
            server.start()
            until(lambda: ingest.published() > before + 3)
            assert ingest.box.ready()[0]
        finally:
            ingest.stop()
    assert ingest.error is None


def test_the_classroom_clip_served_over_rtsp_is_killed_and_comes_back(
    start_ingest: StartIngest, client: redis.Redis, shared_videos: Path, rtsp_available: None
) -> None:
    with RtspServer(clip=shared_videos / "classroom_4_people.mp4") as camera:
        ingest = start_ingest(camera.url, backoff_max_s=0.5, live_frames=1000, fps=60)
        until(lambda: client.xlen(KEYS.frames("cam")) >= 5)
        camera.kill()
        until(lambda: phase(client) == "retrying")
        count = client.xlen(KEYS.frames("cam"))
        camera.start()
        until(lambda: client.xlen(KEYS.frames("cam")) > count)
        ingest.stop()
    found = [frame for frame, _ in frames_in(client)]
    assert {(frame.width, frame.height) for frame in found} == {(480, 270)}
    assert len({frame.epoch for frame in found}) >= 2


class HungCamera:
    """Stands for a webcam whose driver never comes back."""

    undecodable = 0

    def __init__(self) -> None:
        self.released = threading.Event()

    def open(self) -> None:
        self.released.wait(30)
        raise Lost("failed", "released")

    def read(self) -> None:
        raise AssertionError("never opened")

    def close(self) -> None:
        pass


def test_a_driver_that_hangs_is_given_up_and_only_a_new_process_tries_again(
    start_ingest: StartIngest, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = HungCamera()
    monkeypatch.setattr(live, "live_source", lambda *unused: camera)
    monkeypatch.setattr(live, "GRACE_S", 0.1)
    monkeypatch.setattr(live, "HUNG_S", 0.3)
    ingest = start_ingest("rtsp://127.0.0.1/a", stall_timeout_s=0.1, backoff_max_s=0.1)
    until(lambda: ingest.error)
    assert "its driver hangs" in str(ingest.error)
    assert ingest.reconnects("hung") == 1
    camera.released.set()


def fail_to_convert(monkeypatch: pytest.MonkeyPatch, first: int, end: int) -> None:
    """Pictures ``first`` up to ``end`` of a 30 fps clip can't be converted."""
    convert = Converter.bgr

    def failing(converter: Converter, frame: VideoFrame, max_width: int) -> Picture:
        if frame.time is not None and first <= round(frame.time * 30) < end:
            raise ValueError("no such format")
        return convert(converter, frame, max_width)

    monkeypatch.setattr(Converter, "bgr", failing)


def test_pictures_that_cannot_be_converted_are_counted_drops_and_no_loss(
    start_ingest: StartIngest,
    client: redis.Redis,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fail_to_convert(monkeypatch, 5, 15)
    clip = write_clip(tmp_path / "a.mp4", frames=30, fps=30)
    ingest = start_ingest(str(clip), mode="live", fps=60, live_frames=1000)
    until(lambda: phase(client) == "ended")
    found = [frame for frame, _ in frames_in(client)]
    assert 1 <= ingest.dropped("decode") <= 10
    assert not {frame.seq for frame in found} & set(range(5, 15))
    assert found[-1].seq > 15
    assert all(after.previous_seq == before.seq for before, after in pairwise(found))
    assert ingest.reconnects("decode") == 0


def test_a_camera_none_of_whose_pictures_can_be_converted_is_lost_and_tried_again(
    start_ingest: StartIngest,
    client: redis.Redis,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "BROKEN_IN_A_ROW", 3)
    fail_to_convert(monkeypatch, 0, 1000)
    clip = write_clip(tmp_path / "a.mp4", frames=60, fps=30)
    ingest = start_ingest(str(clip), mode="live", fps=60, backoff_max_s=0.2)
    until(lambda: ingest.reconnects("decode") >= 2)
    assert ingest.error is None
    assert "streaming" not in [said.phase for said in reports_in_order(client)]


def test_the_stages_of_a_live_frame_are_timed_as_those_of_a_recording(
    start_ingest: StartIngest, client: redis.Redis
) -> None:
    with MjpegServer([SMALL]) as server:
        ingest = start_ingest(server.url(), fps=100, live_frames=1000)
        until(lambda: ingest.published() >= 5)
        ingest.stop()
    counts = {
        stage: ingest.sample("readroom_stage_seconds_count", stage=stage)
        for stage in ("read", "encode", "publish")
    }
    # This camera's JPEGs pass through, and still each was read and packed.
    assert counts["read"] >= counts["encode"] == counts["publish"] == ingest.published()
