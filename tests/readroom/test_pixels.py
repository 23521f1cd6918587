"""Pixels on their way: through JPEG about the same, through shared memory exactly the same."""

from __future__ import annotations

import os
import struct
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from readroom import pixels
from readroom.messages import SharedBlock
from readroom.pixels import (
    Picture,
    PixelReader,
    SharedRing,
    Unreadable,
    decode_jpeg,
    encode_jpeg,
    lock_ring,
    remove_orphans,
    ring_prefix,
)

from .test_messages import a_frame

needs_tmpfs = pytest.mark.skipif(
    sys.platform != "linux", reason="shared memory files are Linux's; elsewhere streams carry all"
)


def gradient(height: int, width: int) -> Picture:
    """A picture smooth enough that JPEG keeps it, and different in every channel."""
    y, x = np.mgrid[0:height, 0:width]
    channels = [x * 2, y * 2, 40 + (x + y) / 4]
    return np.stack(channels, axis=-1).astype(np.uint8)


def noise(height: int, width: int, seed: int = 0) -> Picture:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90))
def test_a_jpeg_of_any_size_comes_back_about_the_same(height: int, width: int) -> None:
    picture = gradient(height, width)

    back = decode_jpeg(encode_jpeg(picture, 90))

    assert back.shape == picture.shape
    assert back.dtype == np.uint8
    assert np.abs(back.astype(int) - picture).mean() < 4


def test_colours_keep_their_order() -> None:
    picture = np.zeros((16, 16, 3), np.uint8)
    picture[...] = (250, 10, 10)

    blue, green, red = decode_jpeg(encode_jpeg(picture, 90))[8, 8]

    assert blue > 200
    assert max(green, red) < 60


def test_a_picture_that_is_a_view_is_encoded_as_what_it_shows() -> None:
    whole = gradient(60, 80)
    view = whole[10:50:2, 70:10:-1]

    back = decode_jpeg(encode_jpeg(view, 95))

    assert np.abs(back.astype(int) - view).mean() < 8


def test_a_grey_jpeg_becomes_three_equal_channels() -> None:
    written, jpeg = cv2.imencode(".jpg", np.full((33, 17), 77, np.uint8))
    assert written

    back = decode_jpeg(jpeg.tobytes())

    assert back.shape == (33, 17, 3)
    assert np.ptp(back[5, 5]) == 0
    assert abs(int(back[5, 5, 0]) - 77) <= 2


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_rubbish_is_unreadable_and_nothing_else(payload: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        PixelReader().read(a_frame(), payload)

    assert caught.value.reason == "undecodable"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2000))
def test_a_jpeg_cut_off_anywhere_is_unreadable(cut: int) -> None:
    jpeg = encode_jpeg(noise(40, 60), 80)

    with pytest.raises(Unreadable):
        decode_jpeg(jpeg[: min(cut, len(jpeg) - 3)])


def test_a_jpeg_of_another_size_than_its_frame_is_unreadable() -> None:
    jpeg = encode_jpeg(gradient(40, 60), 80)

    assert PixelReader().read(a_frame(width=60, height=40), jpeg).shape == (40, 60, 3)
    with pytest.raises(Unreadable, match="60×40 for a 40×60 frame"):
        PixelReader().read(a_frame(width=40, height=60), jpeg)


def test_a_jpeg_that_claims_gigabytes_is_refused_by_its_header() -> None:
    jpeg = bytearray(encode_jpeg(gradient(8, 8), 80))
    start_of_frame = jpeg.index(b"\xff\xc0\x00\x11")
    jpeg[start_of_frame + 5 : start_of_frame + 9] = struct.pack(">HH", 65500, 65500)

    with pytest.raises(Unreadable):
        PixelReader().read(a_frame(width=8, height=8), bytes(jpeg))


def test_raw_pixels_have_to_be_as_many_as_the_frame_says() -> None:
    picture = noise(2, 4)
    frame = a_frame(encoding="bgr", width=4, height=2)

    assert np.array_equal(PixelReader().read(frame, picture.tobytes()), picture)
    for payload in (b"", picture.tobytes()[:-1], picture.tobytes() + b"\x00"):
        with pytest.raises(Unreadable, match="4×2 BGR"):
            PixelReader().read(frame, payload)


@pytest.mark.parametrize(("width", "height"), [(0, 0), (-1, -1), (4, -2), (0, 5)])
def test_a_frame_of_no_size_is_unreadable(width: int, height: int) -> None:
    payload = bytes(abs(width * height) * 3)

    with pytest.raises(Unreadable):
        PixelReader().read(a_frame(encoding="bgr", width=width, height=height), payload)


# --- shared memory ---------------------------------------------------------------------------


@pytest.fixture
def ring() -> Iterator[SharedRing]:
    found = SharedRing(f"readroom-test-{uuid.uuid4().hex}", 3, 60 * 80 * 3)
    yield found
    found.unlink()


def read(reader: PixelReader, picture: Picture, block: SharedBlock) -> Picture:
    height, width, _ = picture.shape
    frame = a_frame(encoding="bgr", width=width, height=height, shared=block)
    return reader.read(frame, b"")


@needs_tmpfs
def test_shared_pixels_come_back_exactly(ring: SharedRing) -> None:
    reader = PixelReader()
    for turn in range(10):
        picture = noise(60 - turn, 80 - turn, turn)
        assert np.array_equal(read(reader, picture, ring.put(picture)), picture)


@needs_tmpfs
def test_a_picture_read_from_the_ring_is_the_readers_own(ring: SharedRing) -> None:
    picture = noise(60, 80)
    back = read(PixelReader(), picture, ring.put(picture))
    for turn in range(5):
        ring.put(noise(60, 80, turn + 1))

    assert np.array_equal(back, picture)


@needs_tmpfs
def test_a_reader_that_was_overtaken_is_told(ring: SharedRing) -> None:
    reader = PixelReader()
    picture = noise(60, 80)
    block = ring.put(picture)
    for _ in range(2):
        ring.put(picture)
    assert np.array_equal(read(reader, picture, block), picture), "its slot comes next"
    ring.put(picture)

    with pytest.raises(Unreadable) as caught:
        read(reader, picture, block)
    assert caught.value.reason == "overwritten"


@needs_tmpfs
def test_a_write_in_the_middle_of_a_read_is_noticed(ring: SharedRing) -> None:
    picture = noise(60, 80)
    block = ring.put(picture)
    with (pixels.SHARED_FOLDER / ring.name).open("r+b") as file:
        file.seek(block.offset)
        file.write(struct.pack("<Q", 0))  # As put() leaves it while it copies.

    with pytest.raises(Unreadable) as caught:
        read(PixelReader(), picture, block)
    assert caught.value.reason == "overwritten"


@needs_tmpfs
def test_a_ring_that_is_gone_is_unreadable_but_what_is_mapped_stays(ring: SharedRing) -> None:
    early = PixelReader()
    picture = noise(60, 80)
    block = ring.put(picture)
    read(early, picture, block)
    ring.unlink()

    assert np.array_equal(read(early, picture, block), picture)
    with pytest.raises(Unreadable, match="shared memory is gone") as caught:
        read(PixelReader(), picture, block)
    assert caught.value.reason == "overwritten"


def open_rings(prefix: str) -> list[str]:
    """The rings this process has mapped, by what follows ``prefix`` in their names."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return [line.split(prefix)[1].split()[0] for line in lines if prefix in line]


@needs_tmpfs
def test_of_each_camera_only_the_newest_two_rings_stay_open() -> None:
    prefix = f"readroom-{uuid.uuid4().hex}-"
    reader, picture = PixelReader(), noise(60, 80)
    for epoch in range(12):
        for camera in ("left", "left-2"):
            ring = SharedRing(f"{prefix}{camera}-{epoch}", 3, picture.size)
            block = ring.put(picture)
            assert np.array_equal(read(reader, picture, block), picture)
            ring.unlink()
        del ring  # The writer's own map.

    assert sorted(open_rings(prefix)) == ["left-10", "left-11", "left-2-10", "left-2-11"]


@needs_tmpfs
@pytest.mark.parametrize(
    ("offset", "size"), [(1 << 40, 14400), (-64, 14400), (0, 1 << 40), (0, -1), (-(1 << 40), 1)]
)
def test_a_block_outside_its_ring_is_unreadable(ring: SharedRing, offset: int, size: int) -> None:
    picture = noise(60, 80)
    ring.put(picture)
    block = SharedBlock(name=ring.name, offset=offset, size=size, generation=1)

    with pytest.raises(Unreadable) as caught:
        read(PixelReader(), picture, block)
    assert caught.value.reason == "undecodable"


@needs_tmpfs
def test_a_name_leads_nowhere_but_into_the_folder_of_shared_memory(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(struct.pack("<Q", 1) + bytes(1000))
    block = SharedBlock(name=str(secret), offset=0, size=12, generation=1)

    with pytest.raises(Unreadable, match="gone"):
        read(PixelReader(), noise(2, 2), block)


@needs_tmpfs
def test_a_picture_larger_than_a_slot_is_refused_and_spoils_nothing(ring: SharedRing) -> None:
    picture = noise(60, 80)
    block = ring.put(picture)

    with pytest.raises(ValueError, match="don't fit a slot"):
        ring.put(noise(60, 81))

    assert np.array_equal(read(PixelReader(), picture, block), picture)


@needs_tmpfs
def test_a_ring_too_large_for_memory_is_an_error_and_leaves_no_file() -> None:
    name = f"readroom-test-{uuid.uuid4().hex}"

    with pytest.raises(OSError, match=r"No space left|File too large"):
        SharedRing(name, 4, 1 << 45)

    assert not (pixels.SHARED_FOLDER / name).exists()


@needs_tmpfs
def test_a_ring_does_not_take_over_another_ones_file(ring: SharedRing) -> None:
    picture = noise(60, 80)
    block = ring.put(picture)

    with pytest.raises(FileExistsError):
        SharedRing(ring.name, 3, 100)

    assert np.array_equal(read(PixelReader(), picture, block), picture)


@needs_tmpfs
def test_nobody_else_on_the_host_may_look_into_a_ring(ring: SharedRing) -> None:
    assert os.stat(pixels.SHARED_FOLDER / ring.name).st_mode & 0o777 == 0o600


def test_without_a_folder_of_shared_memory_there_is_no_ring(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pixels, "SHARED_FOLDER", tmp_path / "none")

    with pytest.raises(OSError, match="no shared memory"):
        SharedRing("ring", 2, 100)


def test_only_the_rings_of_dead_writers_of_this_camera_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixels, "SHARED_FOLDER", tmp_path)
    shared = tmp_path
    prefix = ring_prefix("room", "cam")
    names = [f"{prefix}1", f"{prefix}2", f"{prefix}x2", ring_prefix("room", "cam-2") + "1"]
    for name in names:
        (shared / name).touch()
    living = lock_ring(shared / names[0])
    assert living is not None
    try:
        remove_orphans(prefix)
    finally:
        os.close(living)
    assert sorted(path.name for path in shared.iterdir()) == sorted([names[0], *names[2:]])
