"""``readroom run``: the whole room on one machine, under one supervisor.

Settings are checked, sources looked at and networks found before anything starts, so that a
mistake is one line and exit code 2. Then: Redis (a private one where no URL is given), the
aggregator, the page, the workers, one ingest per camera; a line a second says how it goes.
"""

from __future__ import annotations

import math
import os
import secrets
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from readroom import __version__
from readroom.box import Box
from readroom.errors import ReadroomError
from readroom.messages import ON_PURPOSE, BoxInfo, RoomState
from readroom.metrics import SupervisorMetrics
from readroom.pixels import remove_orphans, ring_prefix
from readroom.redis_server import socket_path
from readroom.settings import Settings, to_environment
from readroom.streams import (
    REDIS_AWAY,
    Client,
    Keys,
    TailReader,
    read_boxes,
    wait_for_redis,
)
from readroom.supervisor import ChildSpec, Supervisor

#: Room for a JPEG of 4:2:0 at quality 80, bytes per pixel: a noisy picture needs
#: about half of it (`make bench ARGS="--only transport"`).
JPEG_BYTES_PER_PIXEL = 0.5
#: Memory of the private Redis for everything that is no frame, MB.
REDIS_BASE_MB = 128
#: How long the page may take to answer before the run gives up waiting for its address, s.
PAGE_TIMEOUT_S = 30.0

#: Chance in a token that is made for a run, bytes.
TOKEN_BYTES = 24

#: A room state older than this is told as what it is, s.
SILENT_S = 3.0

#: How children are started: -P keeps the working directory, where a user may have a redis.py or
#: the clone itself, out of what they import.
PYTHON = (sys.executable, "-P", "-m")

_ORDER_INGEST, _ORDER_WORK, _ORDER_AGGREGATE, _ORDER_LIVE, _ORDER_REDIS = range(5)


class Camera(Protocol):
    """A checked camera, as readroom.ingest parses it; ``source`` may hold a password."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def source(self) -> str: ...  # noqa: D102
    @property
    def shown(self) -> str: ...  # noqa: D102


def run(box: Box, cameras: Sequence[Camera], networks: str) -> None:
    """Run everything until ``box.stopping``; ``networks`` is a line about what won't be read.

    Raises ReadroomError when a child can't live (its exit code says whether settings are bad).
    """
    given, box.settings = box.settings, with_token(box.settings)
    token = _token_hint(given, box.settings)
    with everything(box, cameras) as (supervisor, client):
        if client is not None:
            _introduce(cameras, networks)
            _watch(box, supervisor, client, token)


@contextmanager
def everything(
    box: Box, cameras: Sequence[Camera], *, live: bool = True
) -> Iterator[tuple[Supervisor, Client | None]]:
    """All boxes of this machine (``live``: the page, too), until the block ends: then they are
    stopped in order. Without a client the box was told to stop before there was a Redis.

    Raises ReadroomError when a child can't live (its exit code says whether settings are bad).
    """
    box.alive()
    settings = box.settings
    metrics = SupervisorMetrics(box.metrics, settings.room)
    supervisor = Supervisor(box.log, metrics.restarted)
    folder = None if settings.redis.url else Path(tempfile.mkdtemp(prefix="readroom-"))
    try:
        settings = _with_room_for_workers(settings)
        settings = _with_redis(supervisor, settings, folder, len(cameras))
        client = wait_for_redis(
            settings.redis, lambda pause_s: _cannot_wait(box, supervisor, pause_s), box.log.debug
        )
        if client is not None:
            box.alive(client)  # refuses a second run of this room before anything is touched
            _forget_cameras(client, box.keys)
            _start_boxes(supervisor, settings, cameras, live=live)
        yield supervisor, client
    finally:
        code = supervisor.stop()
        for camera in cameras:
            remove_orphans(ring_prefix(settings.room, camera.name))
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
    if code:
        failure = ReadroomError("stopped: a box could not go on, see above")
        failure.exit_code = code
        raise failure


def with_token(settings: Settings) -> Settings:
    """The settings with a token: one that is made for this run where none is set. It reaches the
    page through its environment, and is said once, with the page's address."""
    if settings.http.token:
        return settings
    token = SecretStr(secrets.token_urlsafe(TOKEN_BYTES))
    return settings.model_copy(update={"http": settings.http.model_copy(update={"token": token})})


def _token_hint(given: Settings, settings: Settings) -> str:
    """What stands behind the page's address: a token that was made for this run, or that there is
    one, which whoever set it knows."""
    if given.http.token or settings.http.token is None:
        return "   (add ?token=… the first time)"
    return f"?token={settings.http.token.get_secret_value()}"


def _cannot_wait(box: Box, supervisor: Supervisor, pause_s: float) -> bool:
    """Whether waiting for the private server makes no sense any more; looks after it."""
    stopping = box.wait(min(pause_s, 0.2))
    supervisor.turn()
    return stopping or supervisor.failed is not None


def _worker_lanes(settings: Settings) -> list[str]:
    """The lane of each worker: as many as asked for, at least one for every lane."""
    lanes = settings.lane_names
    count = max(settings.workers.count or os.cpu_count() or 1, len(lanes))
    return [lanes[number % len(lanes)] for number in range(count)]


def _with_room_for_workers(settings: Settings) -> Settings:
    """Streams long enough that every worker finds a batch waiting behind the one it works on."""
    waiting = 2 * len(_worker_lanes(settings)) * settings.workers.batch_frames
    frames = max(settings.ingest.stream_frames, waiting)
    ingest = settings.ingest.model_copy(update={"stream_frames": frames})
    return settings.model_copy(update={"ingest": ingest})


def _with_redis(
    supervisor: Supervisor, settings: Settings, folder: Path | None, cameras: int
) -> Settings:
    """Settings with a Redis address: the given one, checked, or a private server's, started."""
    if folder is None:
        return settings
    megabytes = max(settings.redis.maxmemory_mb, _frames_mb(settings, cameras) + REDIS_BASE_MB)
    supervisor.add(
        ChildSpec(
            kind="redis",
            name="private",
            command=[
                *PYTHON,
                "readroom.redis_server",
                str(folder),
                str(megabytes),
            ],
            environment={},
            stop_order=_ORDER_REDIS,
        )
    )
    url = SecretStr(f"unix://{socket_path(folder)}")
    return settings.model_copy(update={"redis": settings.redis.model_copy(update={"url": url})})


def _frames_mb(settings: Settings, cameras: int) -> int:
    """What all frame streams can hold, MB, with a fifth to spare (docs/design.md, "Streams")."""
    frame_bytes = settings.ingest.max_width**2 * 9 / 16 * JPEG_BYTES_PER_PIXEL
    ingest = settings.ingest
    return math.ceil(
        cameras * max(ingest.stream_frames, ingest.live_frames) * frame_bytes * 1.2 / 1e6
    )


def _forget_cameras(client: Client, keys: Keys) -> None:
    """Cameras and boxes of an earlier run against the same Redis are not part of this one."""
    client.delete(keys.cameras, keys.boxes)


def _start_boxes(
    supervisor: Supervisor, settings: Settings, cameras: Sequence[Camera], *, live: bool
) -> None:
    environment = {
        **to_environment(settings),
        # Lanes are said outright: a worker that runs only one of them must know the others.
        "READROOM_LANES": shlex.join(settings.lane_names),
        # The supervisor has the port that was asked for, if any; it can be had only once.
        "READROOM_HTTP__BOX_PORT": "0",
    }

    def add(kind: str, name: str, order: int, *words: str, **extra: str) -> None:
        command = [*PYTHON, "readroom", kind, *words]
        supervisor.add(ChildSpec(kind, name, command, {**environment, **extra}, order))

    add("aggregate", "aggregator", _ORDER_AGGREGATE)
    if live:
        add("live", "live", _ORDER_LIVE)
    for number, lane in enumerate(_worker_lanes(settings), 1):
        add("work", f"w{number}", _ORDER_WORK, "--name", f"w{number}", "--engines", lane)
    for camera in cameras:
        source = shlex.join([f"{camera.name}={camera.source}"])
        add("ingest", camera.name, _ORDER_INGEST, READROOM_SOURCES=source)


def _introduce(cameras: Sequence[Camera], networks: str) -> None:
    shown = ", ".join(f"{camera.name} ({camera.shown})" for camera in cameras)
    _say(f"readroom {__version__} · cameras: {shown}")
    if networks:
        _say(networks)


def _watch(box: Box, supervisor: Supervisor, client: Client, token: str) -> None:
    """Look after the children; say the address once, then a line a second."""
    tail: TailReader[RoomState] = TailReader(client, box.keys.people, RoomState)
    addressed = False
    closed: str | None = None
    started_s = next_line_s = time.monotonic()
    while not box.wait(0.1):
        supervisor.turn()
        if supervisor.failed is not None:
            return
        if time.monotonic() < next_line_s:
            continue
        next_line_s = time.monotonic() + 1.0
        try:
            box.alive(client)
            if not addressed:
                addressed = _say_address(box, client, token)
                if not addressed and time.monotonic() - started_s > PAGE_TIMEOUT_S:
                    raise ReadroomError(
                        "the page and the aggregator did not start within 30 s; see above"
                    )
                continue
            newest = tail.backfill(1)
            boxes = read_boxes(client, box.keys)
        except REDIS_AWAY:
            _say("Redis is away; waiting for it")
            continue
        if not newest:
            _say("waiting for the first frame")
            continue
        silent_s = time.time() - newest[0].at
        if silent_s > SILENT_S:
            _say(f"no news from the aggregator for {silent_s:.0f} s")
        elif newest[0].session != closed:
            _say(progress_line(newest[0]) + _trouble(boxes))
            if newest[0].phase == "closed":
                closed = newest[0].session
                _say(f"the session is closed{_why(newest[0])}. The page stays; Ctrl-C ends.")


def _trouble(boxes: Mapping[str, BoxInfo]) -> str:
    """What the aggregator says while it can't do its work: figures may run on all the same."""
    aggregator = boxes.get("aggregate/aggregator")
    if aggregator is None or aggregator.ready or not aggregator.detail:
        return ""
    return f" · aggregator: {aggregator.detail}"


def _why(state: RoomState) -> str:
    over = all(camera.phase == "ended" for camera in state.cameras)
    return ": every source has ended" if over else ""


def _say_address(box: Box, client: Client, token: str) -> bool:
    boxes = read_boxes(client, box.keys)
    live, aggregator = boxes.get("live/live"), boxes.get("aggregate/aggregator")
    if live is None or not live.ready or aggregator is None:
        return False
    metrics = aggregator.address.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]")  # noqa: S104
    _say(f"open {live.detail}{token}   (metrics: http://{metrics}/metrics)")
    box.set_ready(True)
    return True


def progress_line(state: RoomState) -> str:
    """One line for a terminal: how much is analysed, who is seen, how far behind."""
    rate = sum(camera.fps for camera in state.cameras)
    visible = sum(person.visible for person in state.people)
    people = "1 person" if visible == 1 else f"{visible} people"
    dropped = sum(sum(_lost(camera.dropped)) for camera in state.cameras)
    lost = f" · {dropped} lost" if dropped else ""
    minutes, seconds = divmod(int(state.time_s), 60)
    away = ", ".join(c.camera for c in state.cameras if c.phase in ("retrying", "connecting"))
    waiting = f" · waiting for {away}" if away else ""
    rolling = " · nothing is stored" if state.phase == "rolling" else ""
    return (
        f"{minutes:3d}:{seconds:02d}  {rate:5.1f} frames/s · {people} · "
        f"lag {state.lag_s:.2f} s{lost}{waiting}{rolling}"
    )


def _lost(dropped: dict[str, int]) -> list[int]:
    """Drops that are losses: one that was asked for is none."""
    return [count for reason, count in dropped.items() if reason not in ON_PURPOSE]


def _say(line: str) -> None:
    print(line, flush=True)
