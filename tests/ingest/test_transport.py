from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from readroom.ingest.sources import Captured
from readroom.ingest.transport import Rings, Transport
from readroom.pixels import PixelReader, decode_jpeg, encode_jpeg
from readroom.settings import Settings, load_settings

PICTURE = np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3)


def settings(url: str = "redis://127.0.0.1:1/0", **ingest: object) -> Settings:
    return load_settings(redis={"url": url}, ingest=ingest)


def captured(jpeg: bytes | None = None) -> Captured:
    return Captured(0, 0.0, None, (64, 48), lambda _: PICTURE, jpeg)


def transport(given: Settings, warnings: list[str] | None = None) -> Transport:
    said = [] if warnings is None else warnings
    return Transport(given, "cam", slots=18, warn=said.append)


def ring_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_pixels_go_through_shared_memory_where_redis_is_on_this_host(shared_folder: Path) -> None:
    chosen = transport(settings())
    packed = chosen.pack(captured(), PICTURE, 7)
    assert packed.payload == b""
    assert ring_names(shared_folder) == ["readroom-room-cam-7"]
    frame = chosen.frame(captured(), packed, epoch=7, previous_seq=-1, mode="live")
    assert (frame.room, frame.camera, frame.width, frame.height) == ("room", "cam", 64, 48)
    assert np.array_equal(PixelReader().read(frame, packed.payload), PICTURE)
    chosen.rings.close()
    assert ring_names(shared_folder) == []


def test_pixels_travel_as_jpeg_where_redis_is_elsewhere(shared_folder: Path) -> None:
    packed = transport(settings("redis://10.1.2.3:6379/0")).pack(captured(), PICTURE, 7)
    assert (packed.encoding, packed.shared) == ("jpeg", None)
    assert decode_jpeg(packed.payload).shape == PICTURE.shape
    assert ring_names(shared_folder) == []


def test_without_shared_memory_jpeg_takes_over_with_one_warning(
    shared_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*unused: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("readroom.pixels.os.posix_fallocate", full)
    warnings: list[str] = []
    chosen = transport(settings(transport="shared"), warnings)
    for _ in range(3):
        assert chosen.pack(captured(), PICTURE, 7).encoding == "jpeg"
    assert len(warnings) == 1
    assert "No space left" in warnings[0]
    assert "READROOM_INGEST__TRANSPORT=redis" in warnings[0]
    assert ring_names(shared_folder) == []


def test_a_picture_too_big_for_the_ring_travels_as_jpeg(shared_folder: Path) -> None:
    chosen = transport(settings())
    assert chosen.pack(captured(), PICTURE[:20], 7).shared is not None
    assert chosen.pack(captured(), PICTURE, 7).encoding == "jpeg"
    assert chosen.pack(captured(), PICTURE[:10], 7).shared is not None
    chosen.rings.close()


def test_a_cameras_own_jpeg_passes_only_where_nothing_has_to_be_done_to_it() -> None:
    own = encode_jpeg(PICTURE, 80)
    over_redis = transport(settings(transport="redis"))
    assert over_redis.passes_through(captured(own))
    assert over_redis.pack(captured(own), None, 7).payload == own
    assert not over_redis.passes_through(captured())
    assert not over_redis.passes_through(captured(own.replace(b"\xff\xc4", b"\xff\xfe")))
    assert not transport(settings(transport="redis", max_width=32)).passes_through(captured(own))
    assert not transport(settings(transport="shared")).passes_through(captured(own))


def test_an_old_epochs_ring_stays_until_it_is_unlinked(shared_folder: Path) -> None:
    rings = Rings("room", "cam", 3)
    rings.put(PICTURE, 1)
    rings.retire()
    rings.put(PICTURE, 2)
    assert ring_names(shared_folder) == ["readroom-room-cam-1", "readroom-room-cam-2"]
    rings.unlink_old()
    assert ring_names(shared_folder) == ["readroom-room-cam-2"]
    rings.close()


def test_a_dead_writers_ring_is_found_and_other_cameras_are_left_alone(shared_folder: Path) -> None:
    for name in ("cam-1", "cam-2-5", "cam2-7", "cam-x"):
        (shared_folder / f"readroom-room-{name}").write_bytes(b"")
    rings = Rings("room", "cam", 3)
    assert rings.has_old
    rings.unlink_old()
    assert ring_names(shared_folder) == [
        "readroom-room-cam-2-5",
        "readroom-room-cam-x",
        "readroom-room-cam2-7",
    ]


def test_a_living_writers_ring_is_left_alone(shared_folder: Path) -> None:
    ring = shared_folder / "readroom-room-cam-1"
    ring.write_bytes(b"")
    holder = (
        "import fcntl, os, sys; f = os.open(sys.argv[1], os.O_RDONLY); "
        "fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(ring)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"held\n"
        assert not Rings("room", "cam", 3).has_old
        writer.kill()
        writer.wait()
    assert Rings("room", "cam", 3).has_old


def test_two_rooms_of_one_name_that_begin_together_have_rings_of_their_own(
    shared_folder: Path,
) -> None:
    first, second = (Rings("room", "cam", slots=2) for _ in range(2))
    assert first.put(PICTURE, 7) is not None
    assert second.put(PICTURE, 7) is not None
    assert ring_names(shared_folder) == ["readroom-room-cam-7", "readroom-room-cam-8"]
    second.close()
    assert ring_names(shared_folder) == ["readroom-room-cam-7"]
    first.close()
