"""What a 720p frame costs from ingest to worker: JPEG through Redis, and shared memory.

CPU time of both sides and of the server, alternating, medians.
"""

from __future__ import annotations

import functools
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import redis

from readroom.messages import Frame
from readroom.pixels import Picture, PixelReader, SharedRing, encode_jpeg
from readroom.redis_server import socket_path, start
from readroom.streams import FrameWriter, GroupReader, Keys

FRAMES_A_ROUND = 50
ROUNDS = 9


def measure() -> dict[str, float]:
    """Median CPU milliseconds per frame, ``jpeg_ms`` and ``shared_ms``, and the JPEG's size."""
    picture = _picture()
    with tempfile.TemporaryDirectory(prefix="rr-bench-") as name:
        server = start(Path(name), 256)
        try:
            client = redis.Redis(unix_socket_path=str(socket_path(Path(name))), protocol=2)
            ring = SharedRing(f"readroom-bench-{server.pid}", 8, picture.size)
            try:
                return _rounds(client, server, picture, ring)
            finally:
                ring.unlink()
        finally:
            server.kill()
            server.wait()


def _rounds(
    client: redis.Redis, server: subprocess.Popen[bytes], picture: Picture, ring: SharedRing
) -> dict[str, float]:
    keys = Keys("bench")
    writer = FrameWriter(client, keys, "a", recording=None, capacity=4, lanes=())
    reader: GroupReader[Frame] = GroupReader(
        client, keys, "bench", "bench", Frame, on_dead=lambda reason, detail: None
    )
    reader.follow([keys.frames("a")])
    pixels = PixelReader()

    def one(seq: int, shared: bool) -> None:
        block = ring.put(picture) if shared else None
        payload = b"" if shared else encode_jpeg(picture, 80)
        frame = Frame(
            room="bench",
            camera="a",
            epoch=1,
            seq=seq,
            previous_seq=seq - 1,
            captured_at=time.time(),
            width=picture.shape[1],
            height=picture.shape[0],
            mode="live",
            encoding="bgr" if shared else "jpeg",
            shared=block,
        )
        writer.publish(frame, payload)
        for delivery in reader.read(count=1, block_ms=100):
            pixels.read(delivery.message, delivery.payload)
            reader.ack([delivery])

    cost: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(ROUNDS):
        for shared in (False, True):
            cost[shared].append(_cpu_ms(server.pid, functools.partial(one, shared=shared)))
    return {
        "jpeg_bytes_per_pixel": len(encode_jpeg(picture, 80)) / (picture.size / 3),
        "jpeg_ms": statistics.median(cost[False]),
        "shared_ms": statistics.median(cost[True]),
    }


def _cpu_ms(server_pid: int, one: Callable[[int], None]) -> float:
    server = psutil.Process(server_pid)

    def spent_s() -> float:
        return time.process_time() + float(sum(server.cpu_times()[:2]))

    before = spent_s()
    for seq in range(FRAMES_A_ROUND):
        one(seq)
    return (spent_s() - before) / FRAMES_A_ROUND * 1e3


def _picture() -> Picture:
    """A 720p picture with as much detail as a room has: smooth shapes and some noise."""
    rng = np.random.default_rng(7)
    coarse = rng.integers(0, 255, (18, 32, 3), dtype=np.uint8)
    smooth = np.kron(coarse, np.ones((40, 40, 1), np.uint8))
    noisy = smooth + rng.normal(0, 4, smooth.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)
