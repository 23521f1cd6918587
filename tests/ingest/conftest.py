"""An ingest in a thread or as a process of its own, and workers that read what it publishes."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from readroom import pixels
from readroom.box import Box
from readroom.ingest.process import main
from readroom.log import Log
from readroom.messages import CameraReport, Frame
from readroom.pixels import PixelReader
from readroom.redis_server import server_program
from readroom.settings import Settings, load_settings
from readroom.streams import Client, Delivery, GroupReader, Keys, read_cameras
from tests.ingest.rtsp_server import RtspServer, available

LANE = "face+expression+pose"
KEYS = Keys("room")
_PROCESS = (
    "import sys; from readroom.box import run_box; from readroom.settings import load_settings; "
    "from readroom.ingest.process import main; "
    "sys.exit(run_box('ingest', sys.argv[1], load_settings(), "
    "lambda box: main(box, sys.argv[1], sys.stdin.readline().strip()), port=0))"
)


def until(condition: Callable[[], Any], timeout_s: float = 20.0) -> Any:
    """Wait for something to become true; its value. Fails after ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen within {timeout_s} s")
        time.sleep(0.02)


def settings_for(url: str, **ingest: Any) -> Settings:
    """Settings with that Redis, JPEG in the stream unless asked otherwise."""
    return load_settings(redis={"url": url}, ingest={"transport": "redis", **ingest})


class RunningIngest:
    """An ingest in a thread of the test."""

    def __init__(self, settings: Settings, source: str, camera: str) -> None:
        self.box = Box("ingest", camera, settings, Log(logging.getLogger(f"test-{camera}")))
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(camera, source), daemon=True)
        self._thread.start()

    def _run(self, camera: str, source: str) -> None:
        try:
            main(self.box, camera, source)
        except BaseException as error:
            self.error = error

    def stop(self) -> None:
        self.box.stopping.set()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def sample(self, name: str, **labels: str) -> float:
        """A metric's value; 0 where it has never been counted."""
        return self.box.metrics.get_sample_value(name, {"room": "room", **labels}) or 0.0

    def published(self) -> float:
        return self.sample("readroom_frames_ingested_total", camera=self.box.name)

    def dropped(self, reason: str) -> float:
        return self.sample("readroom_frames_dropped_total", camera=self.box.name, reason=reason)

    def reconnects(self, reason: str) -> float:
        return self.sample("readroom_camera_reconnects_total", camera=self.box.name, reason=reason)


StartIngest = Callable[..., RunningIngest]


@pytest.fixture
def start_ingest(redis_url: str) -> Iterator[StartIngest]:
    """Starts ingests in threads; they are stopped after the test."""
    running: list[RunningIngest] = []

    def start(source: str, camera: str = "cam", **ingest: Any) -> RunningIngest:
        running.append(RunningIngest(settings_for(redis_url, **ingest), source, camera))
        return running[-1]

    yield start
    for ingest in running:
        ingest.stop()


class IngestProcess:
    """An ingest as a process of its own."""

    def __init__(self, source: str, camera: str, log: Path, environment: dict[str, str]) -> None:
        self.log = log
        with log.open("ab") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _PROCESS, camera],
                stdin=subprocess.PIPE,
                stdout=stderr,
                stderr=stderr,
                env={**os.environ, **environment},
            )
        if self.process.stdin is None:
            raise RuntimeError("no standard input")
        # Not an argument: a source may carry a password, and arguments are seen by everybody.
        self.process.stdin.write(f"{source}\n".encode())
        self.process.stdin.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)


StartProcess = Callable[..., IngestProcess]


@pytest.fixture
def start_process(redis_url: str, tmp_path: Path) -> Iterator[StartProcess]:
    """Starts ingests as processes; what is left of them is killed after the test."""
    started: list[IngestProcess] = []

    def start(source: str, camera: str = "cam", **variables: str) -> IngestProcess:
        environment = {"READROOM_REDIS__URL": redis_url, "READROOM_INGEST__TRANSPORT": "redis"}
        log = tmp_path / "ingest.log"
        started.append(IngestProcess(source, camera, log, environment | variables))
        return started[-1]

    yield start
    for ingest in started:
        if ingest.process.poll() is None:
            ingest.kill()


class Lane(threading.Thread):
    """A worker that only looks: reads a camera's frames, notes them, acknowledges them."""

    def __init__(self, url: str, camera: str = "cam", *, delay_s: float = 0.0) -> None:
        super().__init__(daemon=True)
        self.frames: list[Frame] = []
        self.sizes: list[tuple[int, ...]] = []
        self.levels: list[float] = []
        self.unreadable: list[str] = []
        self._client = redis.Redis.from_url(url, protocol=2)
        self._camera = camera
        self._delay_s = delay_s
        self._stop_it = threading.Event()

    def run(self) -> None:
        reader: GroupReader[Frame] = GroupReader(
            self._client,
            KEYS,
            LANE,
            "test",
            Frame,
            on_dead=lambda reason, _: self.unreadable.append(reason),
        )
        pixel_reader = PixelReader()
        while not self._stop_it.is_set():
            with contextlib.suppress(redis.ConnectionError):
                reader.follow([KEYS.frames(self._camera)])
                deliveries = reader.read(count=4, block_ms=50)
                for delivery in deliveries:
                    self._look(pixel_reader, delivery)
                reader.ack(deliveries)

    def _look(self, pixel_reader: PixelReader, delivery: Delivery[Frame]) -> None:
        self._stop_it.wait(self._delay_s)
        self.frames.append(delivery.message)
        try:
            picture = pixel_reader.read(delivery.message, delivery.payload)
        except pixels.Unreadable as error:
            self.unreadable.append(error.reason)
            return
        self.sizes.append(picture.shape)
        self.levels.append(float(picture.mean()))

    def stop(self) -> None:
        self._stop_it.set()
        self.join(10)
        self._client.close()

    @property
    def seqs(self) -> list[int]:
        return [frame.seq for frame in self.frames]


@pytest.fixture
def start_lane(redis_url: str) -> Iterator[Callable[..., Lane]]:
    """Starts lanes; they are stopped after the test."""
    lanes: list[Lane] = []

    def start(camera: str = "cam", delay_s: float = 0.0) -> Lane:
        lanes.append(Lane(redis_url, camera, delay_s=delay_s))
        lanes[-1].start()
        return lanes[-1]

    yield start
    for lane in lanes:
        lane.stop()


class Server:
    """A Redis of the test's own, to be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [str(server_program()), "--port", "0", "--unixsocket", str(self.socket), "--save", ""],
            stdout=subprocess.DEVNULL,
        )
        until(self.answers)

    def answers(self) -> bool:
        try:
            return bool(redis.Redis.from_url(self.url).ping())
        except redis.ConnectionError:
            return False

    def freeze(self) -> None:
        """It keeps its connections and answers nothing; :meth:`kill` ends that."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)


@pytest.fixture
def server() -> Iterator[Server]:
    """A running Redis of the test's own."""
    folder = Path(tempfile.mkdtemp(prefix="rr-"))
    found = Server(folder)
    found.start()
    yield found
    found.kill()
    shutil.rmtree(folder)


def report(client: Client, camera: str = "cam") -> CameraReport | None:
    """What the camera's ingest last said."""
    return read_cameras(client, KEYS).get(camera)


def phase(client: Client, camera: str = "cam") -> str:
    """The phase it last said."""
    found = report(client, camera)
    return found.phase if found else ""


@pytest.fixture
def shared_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private folder in place of /dev/shm."""
    folder = tmp_path / "shm"
    folder.mkdir()
    monkeypatch.setattr(pixels, "SHARED_FOLDER", folder)
    return folder


@pytest.fixture(scope="session")
def rtsp_available() -> None:
    """Skips where there is no GStreamer RTSP server to serve a camera."""
    if not available():
        pytest.skip("needs Debian's python3-gi and gir1.2-gst-rtsp-server-1.0 to serve RTSP")


@pytest.fixture
def rtsp_camera(rtsp_available: None) -> Iterator[RtspServer]:
    """A running RTSP camera without a password."""
    with RtspServer() as server:
        yield server
