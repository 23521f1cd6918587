"""How a picture travels from ingest to the workers: JPEG in the stream, or shared memory.

Measured (benchmarks/transport.py; ratios hold, times don't): a 720p frame as JPEG through Redis
costs 13–15 ms of CPU from array to array, through shared memory 3 ms. So on one host pixels go
through a ring of slots in a file on tmpfs (memory, not disk) and the stream entry only says
where they lie. A tmpfs file rather than ``multiprocessing.shared_memory``: before Python 3.13
its resource tracker unlinks a segment as soon as any *reader* exits.

The ring has more slots than the stream has entries. In a recording an entry is unacknowledged
until it leaves the stream, so its slot is never reused too early; in live mode a slow reader can
be overtaken, and the slot's generation tells.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import re
import struct
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from readroom.messages import Frame, SharedBlock

Picture = NDArray[np.uint8]

#: Where tmpfs is mounted on Linux. Elsewhere there is no shared transport.
SHARED_FOLDER = Path("/dev/shm")  # noqa: S108 - not a temporary file: memory shared by design
#: A slot begins with its generation, written last and read before and after the pixels.
_HEADER = struct.Struct("<Q")
_HEADER_BYTES = 64
#: Rings of one camera that a reader keeps open: its epoch's, and the one before, of which frames
#: may still be waiting. A ring's memory is given back only when no reader has it open any more.
RINGS_KEPT = 2


class Unreadable(Exception):
    """A frame's pixels can't be had; ``reason`` is ``undecodable`` or ``overwritten``."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class OutOfReach(Unreadable):
    """The frame's shared memory can't be opened here: it is gone, or on another host."""

    def __init__(self, detail: str) -> None:
        super().__init__("overwritten", detail)


def encode_jpeg(picture: Picture, quality: int) -> bytes:
    """A uint8 BGR picture [height, width, 3] as JPEG, 4:2:0, quality 1–100."""
    jpeg: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(picture), quality=quality, colorspace="BGR", colorsubsampling="420"
    )
    return jpeg


def decode_jpeg(jpeg: bytes) -> Picture:
    """A JPEG (colour or grey) as uint8 BGR [height, width, 3]; raises :class:`Unreadable`."""
    try:
        picture: Picture = simplejpeg.decode_jpeg(jpeg, colorspace="BGR")
    except ValueError as error:
        raise Unreadable("undecodable", f"broken JPEG: {error}") from None
    return picture


class SharedRing:
    """The writing side: ``slots`` slots of ``slot_bytes`` in one tmpfs file.

    Raises OSError where there is no tmpfs or it hasn't room (then use the stream instead).
    """

    def __init__(self, name: str, slots: int, slot_bytes: int) -> None:
        if not SHARED_FOLDER.is_dir():
            raise OSError("no shared memory folder on this system")
        self.name = name
        self.slot_bytes = slot_bytes
        self._slots = slots
        self._stride = _HEADER_BYTES + slot_bytes
        self._next = 0
        self._path = SHARED_FOLDER / name
        descriptor = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        try:
            # Claims the memory now: a full tmpfs is an error here, not a SIGBUS later.
            os.posix_fallocate(descriptor, 0, self._stride * slots)
            self._map = mmap.mmap(descriptor, self._stride * slots)
        except OSError:
            self._path.unlink()
            raise
        finally:
            os.close(descriptor)

    def put(self, picture: Picture) -> SharedBlock:
        """Copy a uint8 picture of at most ``slot_bytes`` into the next slot.

        Raises ValueError for a larger one, which would run over into its neighbours' slots.
        """
        if picture.size > self.slot_bytes:
            raise ValueError(f"{picture.size} bytes don't fit a slot of {self.slot_bytes}")
        self._next += 1
        offset = (self._next % self._slots) * self._stride
        start = offset + _HEADER_BYTES
        _HEADER.pack_into(self._map, offset, 0)
        flat = np.frombuffer(self._map, np.uint8, picture.size, start)
        flat[:] = picture.reshape(-1)
        _HEADER.pack_into(self._map, offset, self._next)
        return SharedBlock(name=self.name, offset=offset, size=picture.size, generation=self._next)

    def unlink(self) -> None:
        """Give the memory back (readers that have it mapped keep what they see)."""
        self._path.unlink(missing_ok=True)


class PixelReader:
    """The reading side of both ways. Of each camera, the newest :data:`RINGS_KEPT` rings stay
    open."""

    def __init__(self) -> None:
        self._maps: dict[str, mmap.mmap] = {}

    def read(self, frame: Frame, payload: bytes) -> Picture:
        """The frame's pixels, uint8 BGR [height, width, 3]; raises :class:`Unreadable`."""
        if frame.shared is not None:
            return self._shared(frame, frame.shared)
        if frame.encoding == "jpeg":
            return _jpeg_of(frame, payload)
        return _shaped(frame, np.frombuffer(payload, np.uint8))

    def _shared(self, frame: Frame, block: SharedBlock) -> Picture:
        ring = self._open(block.name)
        end = block.offset + _HEADER_BYTES + block.size
        if block.offset < 0 or block.size < 0 or end > len(ring):
            raise Unreadable("undecodable", f"{block.name}: the block lies outside the ring")
        start = block.offset + _HEADER_BYTES
        copied = np.frombuffer(ring, np.uint8, block.size, start).copy()
        # Copied first, checked after: a writer that came in between has changed the header.
        (generation,) = _HEADER.unpack_from(ring, block.offset)
        if generation != block.generation:
            raise Unreadable("overwritten", f"{block.name}: the slot was reused before the read")
        return _shaped(frame, copied)

    def _open(self, name: str) -> mmap.mmap:
        ring = self._maps.get(name)
        if ring is None:
            try:
                with (SHARED_FOLDER / Path(name).name).open("rb") as file:
                    ring = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError) as error:
                raise OutOfReach(f"{name}: shared memory is gone ({error})") from None
            self._maps[name] = ring
            self._close_older(name)
        return ring

    def _close_older(self, name: str) -> None:
        # readroom-<room>-<camera>-<epoch>: all but the epoch names the camera.
        camera = name.rpartition("-")[0]
        opened = [other for other in self._maps if other.rpartition("-")[0] == camera]
        for old in opened[:-RINGS_KEPT]:
            self._maps.pop(old).close()


def _jpeg_of(frame: Frame, payload: bytes) -> Picture:
    # The header first (4 µs): boxes would be off in a picture of another size, and a broken
    # header can ask for gigabytes.
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(payload)
    except ValueError as error:
        raise Unreadable("undecodable", f"broken JPEG: {error}") from None
    if (height, width) != (frame.height, frame.width):
        raise Unreadable(
            "undecodable", f"a JPEG of {width}×{height} for a {frame.width}×{frame.height} frame"
        )
    return decode_jpeg(payload)


def _shaped(frame: Frame, flat: NDArray[np.uint8]) -> Picture:
    if min(frame.height, frame.width) < 1 or flat.size != frame.height * frame.width * 3:
        raise Unreadable(
            "undecodable", f"{flat.size} bytes for a {frame.width}×{frame.height} BGR frame"
        )
    return flat.reshape(frame.height, frame.width, 3)


def ring_prefix(room: str, camera: str) -> str:
    """What the names of a camera's rings begin with; the epoch follows."""
    return f"readroom-{room}-{camera}-"


def orphaned_rings(prefix: str) -> list[Path]:
    """Rings of that prefix whose writer is dead: nobody holds their lock."""
    if not SHARED_FOLDER.is_dir():
        return []
    found: list[Path] = []
    for path in SHARED_FOLDER.glob(f"{prefix}*"):
        # Only digits may follow: camera "a" must not take the rings of camera "a-2".
        if not re.fullmatch(r"\d+", path.name.removeprefix(prefix)):
            continue
        lock = lock_ring(path)
        if lock is not None:
            os.close(lock)
            found.append(path)
    return found


def remove_orphans(prefix: str) -> None:
    """Give the memory of dead writers' rings back."""
    for path in orphaned_rings(prefix):
        path.unlink(missing_ok=True)


def lock_ring(path: Path) -> int | None:
    """A descriptor that holds the ring's lock (close it to let go); None where a living process,
    or another user, has it. The kernel lets go of a dead process's lock."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
