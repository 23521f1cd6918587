from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from readroom.streams import read_boxes
from tests.ingest.clips import write_clip
from tests.ingest.conftest import KEYS, RunningIngest, StartProcess, phase, settings_for, until
from tests.ingest.rtsp_server import RtspServer, free_port

PASSWORD = "hunter2"


def everything_in(client: redis.Redis) -> Iterator[bytes]:
    for key in client.keys("*"):
        yield key
        kind = client.type(key)
        if kind == b"hash":
            yield from client.hgetall(key).values()
        elif kind == b"stream":
            for _, fields in client.xrange(key):
                yield from fields.values()
        elif kind == b"string":
            yield client.get(key)


def test_a_password_is_shown_nowhere(
    start_process: StartProcess, client: redis.Redis, rtsp_available: None
) -> None:
    with RtspServer(user="admin", password="right") as camera:
        url = camera.url_for("admin", PASSWORD) + f"?token={PASSWORD}"
        ingest = start_process(url, READROOM_INGEST__BACKOFF_MAX_S="0.2")
        until(lambda: phase(client) == "retrying")
        box = until(lambda: read_boxes(client, KEYS).get("ingest/cam"))
        until(lambda: "camera lost" in ingest.log.read_text())
        pages = []
        for page in ("metrics", "readyz", "healthz", "nothing"):
            try:
                with urllib.request.urlopen(f"http://{box.address}/{page}") as answer:
                    pages.append(answer.read().decode())
            except urllib.error.HTTPError as error:
                pages.append(error.read().decode())
        command_line = " ".join(psutil.Process(ingest.process.pid).cmdline())
        assert ingest.terminate() == 0
    assert PASSWORD not in ingest.log.read_text()
    assert "unauthorized" in ingest.log.read_text()
    assert PASSWORD not in "".join(pages)
    assert 'readroom_camera_reconnects_total{camera="cam",reason="unauthorized"' in pages[0]
    assert PASSWORD not in command_line
    assert all(PASSWORD.encode() not in value for value in everything_in(client))


@pytest.mark.parametrize("bad", ["gone.mp4", "text.mp4", "ftp://h/a"])
def test_a_source_that_cannot_work_ends_the_process_with_exit_code_2(
    start_process: StartProcess, tmp_path: Path, bad: str
) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    ingest = start_process(bad if "://" in bad else str(tmp_path / bad))
    assert ingest.process.wait(20) == 2
    lines = ingest.log.read_text().strip().splitlines()
    assert len(lines) == 1
    assert bad in lines[0]


def test_sigterm_ends_an_ingest_that_waits_for_a_hung_camera(
    start_process: StartProcess, client: redis.Redis, rtsp_camera: RtspServer
) -> None:
    ingest = start_process(rtsp_camera.url, READROOM_INGEST__STALL_TIMEOUT_S="60")
    until(lambda: phase(client) == "streaming")
    rtsp_camera.freeze()
    time.sleep(0.3)
    assert ingest.terminate() == 0
    assert phase(client) == "stopped"


def test_ingest_waits_for_a_redis_that_is_not_there_yet(tmp_path: Path) -> None:
    settings = settings_for(f"redis://:{PASSWORD}@127.0.0.1:{free_port()}/0")
    ingest = RunningIngest(settings, str(write_clip(tmp_path / "a.mp4")), "cam")
    time.sleep(0.5)
    assert ingest.error is None
    assert ingest.box.healthy()[0]
    assert not ingest.box.ready()[0]
    ingest.stop()
    assert ingest.error is None


def test_the_demo_camera_ends_cleanly_while_it_renders(
    start_process: StartProcess, client: redis.Redis
) -> None:
    ingest = start_process("demo:left", READROOM_INGEST__FPS="30")
    until(lambda: phase(client) == "streaming")
    assert ingest.terminate() == 0
