from __future__ import annotations

import threading

import numpy as np
import pytest

from readroom.ingest.sources import Captured, Lost, Source, camera_spec, check, live_source, probe
from readroom.pixels import decode_jpeg, encode_jpeg
from readroom.settings import IngestSettings
from tests.ingest.mjpeg_server import MjpegServer
from tests.ingest.rtsp_server import RtspServer, free_port

PASSWORD = "hunter2"


def opened(url: str, **settings: object) -> Source:
    source = live_source(camera_spec("cam", url), IngestSettings(stall_timeout_s=2, **settings))  # type: ignore[arg-type]
    source.open()
    return source


def next_picture(source: Source) -> Captured:
    captured = source.read()
    assert captured is not None
    return captured


def lost_while(source: Source) -> Lost:
    try:
        for _ in range(500):
            source.read()
    except Lost as lost:
        return lost
    finally:
        source.close()
    raise AssertionError("the camera was never lost")


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_an_rtsp_camera_is_read(rtsp_camera: RtspServer, transport: str) -> None:
    source = opened(rtsp_camera.url, rtsp_transport=transport)
    found = [next_picture(source) for _ in range(5)]
    source.close()
    assert [captured.seq for captured in found] == [0, 1, 2, 3, 4]
    assert found[0].pixels(1280).shape == (240, 320, 3)
    assert found[0].media_time_s is None


def test_a_killed_camera_is_closed_not_awaited(rtsp_camera: RtspServer) -> None:
    source = opened(rtsp_camera.url)
    source.read()
    rtsp_camera.kill()
    assert lost_while(source).reason == "closed"


def test_a_camera_that_hangs_has_stalled(rtsp_camera: RtspServer) -> None:
    source = opened(rtsp_camera.url)
    source.read()
    rtsp_camera.freeze()
    assert lost_while(source).reason == "stalled"


def test_nobody_at_the_address_is_refused() -> None:
    with pytest.raises(Lost) as caught:
        opened(f"rtsp://admin:{PASSWORD}@127.0.0.1:{free_port()}/camera")
    assert caught.value.reason == "refused"
    assert PASSWORD not in str(caught.value)


def test_a_wrong_rtsp_password_is_unauthorized_and_never_shown(rtsp_available: None) -> None:
    with RtspServer(user="admin", password="right") as server:
        with pytest.raises(Lost) as caught:
            opened(server.url_for("admin", PASSWORD))
        assert caught.value.reason == "unauthorized"
        assert PASSWORD not in str(caught.value)
        answer = probe(camera_spec("cam", server.url_for("admin", PASSWORD)), 3.0)
        assert answer.startswith("no answer: unauthorized")
        assert PASSWORD not in answer
        assert "320×240" in probe(camera_spec("cam", server.url), 3.0)


@pytest.fixture
def jpegs() -> list[bytes]:
    return [encode_jpeg(np.full((48, 64, 3), level, np.uint8), 80) for level in (50, 100, 150)]


def test_an_mjpeg_cameras_own_jpegs_come_through_byte_for_byte(jpegs: list[bytes]) -> None:
    with MjpegServer(jpegs) as server:
        source = opened(server.url())
        found = [next_picture(source) for _ in range(6)]
        source.close()
    assert {captured.jpeg for captured in found} <= set(jpegs)
    assert all(captured.size == (64, 48) for captured in found)
    assert found[0].pixels(1280).shape == (48, 64, 3)
    assert found[0].pixels(32).shape == (24, 32, 3)


def test_an_http_camera_with_a_password(jpegs: list[bytes]) -> None:
    with MjpegServer(jpegs, login="admin:right") as server:
        source = opened(server.url("admin:right"))
        assert decode_jpeg(next_picture(source).jpeg or b"").shape == (48, 64, 3)
        source.close()
        with pytest.raises(Lost) as caught:
            opened(server.url(f"admin:{PASSWORD}"))
    assert caught.value.reason == "unauthorized"
    assert PASSWORD not in str(caught.value)


def test_an_http_camera_that_hangs_or_drops_is_told_apart(jpegs: list[bytes]) -> None:
    with MjpegServer(jpegs) as server:
        source = opened(server.url())
        source.read()
        server.hanging.set()
        assert lost_while(source).reason == "stalled"
        server.hanging.clear()
        source = opened(server.url())
        source.read()
        server.dropping.set()
        assert lost_while(source).reason == "closed"


def test_broken_jpegs_are_counted_and_passed_over(jpegs: list[bytes]) -> None:
    with MjpegServer([jpegs[0], b"\xff\xd8\xff\xe0 no picture \xff\xd9"]) as server:
        source = opened(server.url())
        found = [next_picture(source) for _ in range(5)]
        source.close()
    assert [captured.seq for captured in found] == [0, 1, 2, 3, 4]
    assert source.undecodable >= 4


def test_a_probe_leaves_a_driver_that_hangs_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    released, left = threading.Event(), threading.Event()

    class HangingCamera:
        def open(self) -> None:
            released.wait()
            left.set()

        def read(self) -> None:
            pass

        def close(self) -> None:
            pass

    monkeypatch.setattr(check, "live_source", lambda *unused: HangingCamera())
    answer = probe(camera_spec("cam", f"rtsp://admin:{PASSWORD}@127.0.0.1/a"), 0.1)
    assert answer.startswith("no answer: hung")
    assert PASSWORD not in answer
    assert not left.is_set()
    released.set()
