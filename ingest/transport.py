"""How a picture leaves ingest: into shared memory, or as JPEG with its stream entry.

Shared memory where it reaches everybody (Redis on this host) and can be had, else JPEG; a camera's
own JPEG goes through as it is. The rings of this camera that earlier epochs left behind, also
those of a predecessor that was killed, are removed once no entry can point into them any more.

A ring's file is locked (flock) for as long as its writer lives, and the kernel lets go of the
lock when the writer dies, however it dies. So two rooms of one name on one host (two servers,
one laptop) never take each other's rings for leftovers.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from readroom import pixels
from readroom.ingest.sources import Captured
from readroom.messages import Frame, Mode, SharedBlock
from readroom.pixels import Picture, SharedRing, encode_jpeg
from readroom.settings import Settings
from readroom.streams import is_local

#: Slots beyond the stream's length. Live: batches that workers still hold when their entries
#: have fallen out of the stream. Recording: the frame that is being written, and one to spare.
LIVE_SPARE_SLOTS = 4
RECORDING_SPARE_SLOTS = 2
#: After the box was told to stop its rings are gone within this, s, whatever it waits for: the
#: supervisor kills it after 1.5 s. A recording's drain comes first.
LEAST_STAY_S = 1.0
#: A Huffman table: a JPEG without one (some webcams leave it out) is not a whole JFIF file.
_HUFFMAN_TABLE = b"\xff\xc4"


@dataclass(frozen=True, slots=True)
class Packed:
    """A picture ready to be published: exactly one of ``shared`` and ``payload`` carries it."""

    width: int
    height: int
    encoding: Literal["jpeg", "bgr"]
    shared: SharedBlock | None
    payload: bytes


class Rings:
    """This camera's ring, and the older ones that readers may still need."""

    def __init__(self, room: str, camera: str, slots: int) -> None:
        self._prefix = pixels.ring_prefix(room, camera)
        self._slots = slots
        self._current: SharedRing | None = None
        self._lock: int | None = None
        self._old = pixels.orphaned_rings(self._prefix)

    @property
    def has_old(self) -> bool:
        """Whether a ring of an earlier epoch is still there."""
        return bool(self._old)

    def retire(self) -> None:
        """The epoch is over: its ring becomes an old one."""
        if self._current is not None:
            self._old.append(pixels.SHARED_FOLDER / self._current.name)
            self._current = None
        self._unlock()

    def put(self, picture: Picture, epoch: int) -> SharedBlock | None:
        """Copy the picture into this epoch's ring, which the first one makes to its measure;
        None for a picture that is too big for it. Raises OSError where no ring can be made."""
        if self._current is None:
            self._current = self._make(picture.size, epoch)
            self._lock = pixels.lock_ring(pixels.SHARED_FOLDER / self._current.name)
        if picture.size > self._current.slot_bytes:
            return None
        return self._current.put(picture)

    def _make(self, slot_bytes: int, number: int) -> SharedRing:
        while True:
            try:
                return SharedRing(f"{self._prefix}{number}", self._slots, slot_bytes)
            except FileExistsError:  # Another room of this name began in the same millisecond.
                number += 1

    def unlink_old(self) -> None:
        """Give the old rings' memory back."""
        for path in self._old:
            path.unlink(missing_ok=True)
        self._old.clear()

    def close(self) -> None:
        """Give all memory back."""
        self.retire()
        self.unlink_old()

    def unlink_after(self, stopping: threading.Event) -> None:
        """Give all memory back :data:`LEAST_STAY_S` after ``stopping``, also while the loop that
        should do it waits for a Redis that hangs, and is going to be killed there."""

        def wait() -> None:
            stopping.wait()
            time.sleep(LEAST_STAY_S)
            current = self._current
            here = [] if current is None else [pixels.SHARED_FOLDER / current.name]
            for path in [*self._old, *here]:
                path.unlink(missing_ok=True)

        threading.Thread(target=wait, daemon=True, name="rings").start()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class Transport:
    """Packs pictures the way the settings ask for. ``warn`` gets one line, once, where shared
    memory was asked for or fitting and can't be had."""

    def __init__(
        self, settings: Settings, camera: str, *, slots: int, warn: Callable[[str], None]
    ) -> None:
        ingest = settings.ingest
        self.rings = Rings(settings.room, camera, slots)
        self._room = settings.room
        self._camera = camera
        self._wanted = ingest.transport
        self._shared = ingest.transport == "shared" or (
            ingest.transport == "auto"
            and is_local(settings.redis)
            and pixels.SHARED_FOLDER.is_dir()
        )
        self._max_width = ingest.max_width
        self._quality = ingest.jpeg_quality
        self._warn = warn

    @property
    def shared(self) -> bool:
        """Whether pictures go through shared memory."""
        return self._shared

    def passes_through(self, captured: Captured) -> bool:
        """Whether the camera's own JPEG can travel as it is."""
        return (
            not self._shared
            and captured.jpeg is not None
            and captured.size[0] <= self._max_width
            and _HUFFMAN_TABLE in captured.jpeg
        )

    def pack(self, captured: Captured, picture: Picture | None, epoch: int) -> Packed:
        """``picture`` as it travels; without one, the camera's own JPEG."""
        if picture is None:
            width, height = captured.size
            return Packed(width, height, "jpeg", None, captured.jpeg or b"")
        height, width = picture.shape[:2]
        block = self._put(picture, epoch) if self._shared else None
        if block is not None:
            return Packed(width, height, "bgr", block, b"")
        return Packed(width, height, "jpeg", None, encode_jpeg(picture, self._quality))

    def frame(
        self,
        captured: Captured,
        packed: Packed,
        *,
        epoch: int,
        previous_seq: int,
        mode: Mode,
        previous_time_s: float | None = None,
    ) -> Frame:
        """The message that says where ``packed`` is and what it shows."""
        return Frame(
            room=self._room,
            camera=self._camera,
            epoch=epoch,
            seq=captured.seq,
            previous_seq=previous_seq,
            captured_at=captured.captured_at,
            width=packed.width,
            height=packed.height,
            mode=mode,
            encoding=packed.encoding,
            media_time_s=captured.media_time_s,
            previous_time_s=previous_time_s,
            shared=packed.shared,
        )

    def _put(self, picture: Picture, epoch: int) -> SharedBlock | None:
        try:
            return self.rings.put(picture, epoch)
        except OSError as error:
            self._shared = False
            self._warn(
                f"no shared memory for the frames ({error.strerror or error}): they travel as "
                "JPEG; make /dev/shm larger, or set READROOM_INGEST__TRANSPORT=redis"
            )
            return None
