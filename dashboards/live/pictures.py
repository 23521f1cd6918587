"""The newest picture of a camera, for the live page's tile: off unless asked for, never kept.

A picture lives in this process's memory for a few seconds and nowhere else: it is written to no
disk and to no log. In mode ``blurred`` faces are hidden before it is handed out, and whoever can't
be sure of all faces hides the whole picture. To be sure takes two things:

- what a worker found in this very frame. The picture is taken first, and then waited for until the
  worker has spoken of it: so somebody who has just come in is in a box already;
- where the room's people were in the last second: a face that the detector missed in this frame
  is hidden where it was.

What no detector has found at all, in no frame of that second, isn't hidden: mode ``off`` is for
rooms where that isn't good enough.

Pixels are in the frame's stream entry (JPEG), or in shared memory on the host of the camera's
ingest. On another host there are none, and the reason says so.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from readroom.dashboards.live.blurring import blur_all, blur_boxes, scaled
from readroom.errors import ReadroomError
from readroom.messages import BadMessage, Box, EngineName, Frame, FrameKey, RoomState
from readroom.pixels import OutOfReach, Picture, PixelReader, Unreadable, encode_jpeg
from readroom.settings import NAME_PATTERN, Settings
from readroom.streams import REDIS_AWAY, Client, Delivery, Keys, TailReader, connect, newest

#: Widest picture that is handed out, px, and its JPEG quality.
MAX_WIDTH: Final = 640
QUALITY: Final = 70
#: At most one picture of a camera is made in this time, s.
EVERY_S: Final = 1.0
#: While one is being made, the one before is handed out if it isn't older, s.
STALE_S: Final = 5.0
#: A frame that was captured longer ago isn't the present, s.
FRESH_S: Final = 5.0
#: People's places older than this aren't where people are, s.
PEOPLE_FRESH_S: Final = 1.0
#: Longest wait for a worker's word on a frame, s (a recording's frames wait in line), and how long
#: one read of it lasts, ms.
WAIT_S: Final = 2.5
BLOCK_MS: Final = 200
#: Observations read at once: they are large.
CHUNK: Final = 16


@dataclass(frozen=True, slots=True)
class Shot:
    """A JPEG of at most :data:`MAX_WIDTH` px, made at ``made_at`` (Unix s); without one, why."""

    made_at: float
    jpeg: bytes | None = None
    reason: str = ""


class _Found(msgspec.Struct, frozen=True):
    """Where a face is: all that is taken of it."""

    box: Box


class _Word(msgspec.Struct, frozen=True, tag="observation"):
    """Of an Observation what hiding faces takes. The rest, embeddings among it, is passed over
    undecoded."""

    camera: str
    epoch: int
    seq: int
    lane: str
    engines: tuple[EngineName, ...] = ()
    skipped: str | None = None
    faces: tuple[_Found, ...] = ()

    @property
    def key(self) -> FrameKey:
        """The frame that it is of."""
        return FrameKey(self.camera, self.epoch, self.seq)

    @property
    def is_of_faces(self) -> bool:
        """Whether it comes from a lane that looks for faces."""
        return "face" in self.lane.split("+")


class _Nothing(Exception):
    """There is no picture; the text says why."""


@dataclass(slots=True)
class _Camera:
    """The newest shot of a camera, and who is making the next."""

    making: threading.Lock = field(default_factory=threading.Lock)
    shot: Shot | None = None


class Pictures:
    """Pictures of a room's cameras, as the setting ``http.pictures`` allows. Call it from any
    thread; a call may take :data:`WAIT_S`."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._mode = settings.http.pictures
        self._clock = clock
        self._keys = Keys(settings.room)
        self._client: Client | None = None
        self._connecting = threading.Lock()
        self._cameras: dict[str, _Camera] = {}

    def jpeg(self, camera: str) -> bytes | None:
        """The newest picture; None where there is none to be handed out."""
        return self.newest(camera).jpeg

    def newest(self, camera: str) -> Shot:
        """The same with when it was made, or with the reason why there is none."""
        if self._mode == "off":
            return self._without("pictures are off; READROOM_HTTP__PICTURES=blurred shows them")
        try:
            client = self._connected()
            if not self._is_known(client, camera):
                return self._without("no such camera")
            return self._of(client, camera)
        except REDIS_AWAY:
            return self._without("Redis doesn't answer")
        except ReadroomError as error:
            return self._without(str(error))

    def _of(self, client: Client, camera: str) -> Shot:
        held = self._cameras.setdefault(camera, _Camera())
        before = held.shot
        if before is not None and self._age_s(before) < EVERY_S:
            return before
        nobody_makes_it = held.making.acquire(blocking=False)
        if not nobody_makes_it:
            if before is not None and self._age_s(before) < STALE_S:
                return before
            held.making.acquire()
        try:
            if held.shot is None or self._age_s(held.shot) >= EVERY_S:
                held.shot = self._make(client, camera)
            return held.shot
        finally:
            held.making.release()

    def _make(self, client: Client, camera: str) -> Shot:
        try:
            if self._mode == "plain":
                _, picture = self._frame(client, camera)
                return self._encoded(scaled(picture, MAX_WIDTH)[0])
            return self._encoded(self._hidden(client, camera))
        except (Unreadable, BadMessage, _Nothing) as error:
            return self._without(_why(error))

    def _frame(self, client: Client, camera: str) -> tuple[Delivery[Frame], Picture]:
        """The camera's newest frame and its pixels, which may be gone a moment later."""
        delivery = newest(client, self._keys.frames(camera), Frame)
        if delivery is None:
            raise _Nothing("no picture of the camera is under way")
        frame: Frame = delivery.message
        silent_s = self._clock() - frame.captured_at
        if silent_s > FRESH_S:
            raise _Nothing(f"the camera has sent no picture for {silent_s:.0f} s")
        # A reader for each picture: one that is kept would hold a dead camera's memory.
        return delivery, PixelReader().read(frame, delivery.payload)

    def _hidden(self, client: Client, camera: str) -> Picture:
        """The newest frame of whose faces one can be sure, blurred there; else the newest one,
        blurred whole."""
        until = self._clock() + WAIT_S
        while True:
            delivery, picture = self._frame(client, camera)
            small, factor = scaled(picture, MAX_WIDTH)
            word = self._word_on(client, delivery, until)
            if word is not None and "face" in word.engines:
                room = newest(client, self._keys.people, RoomState)
                boxes = self._boxes(word, None if room is None else room.message)
                return blur_all(small) if boxes is None else blur_boxes(small, boxes, factor)
            if self._clock() >= until:
                return blur_all(small)

    def _word_on(self, client: Client, frame: Delivery[Frame], until: float) -> _Word | None:
        """What was said of a frame by who looks for faces, waiting for it; None: nobody did."""
        # Entries of all streams are numbered by the server's clock, and the worker speaks later.
        since_ms = int(frame.entry_id.partition(b"-")[0]) - 1
        words: TailReader[_Word] = TailReader(
            client, self._keys.observations, _Word, f"{since_ms}-0"
        )
        while True:
            left_s = until - self._clock()
            block_ms = max(1, min(BLOCK_MS, round(left_s * 1e3)))
            for word in words.read(count=CHUNK, block_ms=block_ms):
                if word.key == frame.message.key and word.is_of_faces:
                    return word
            if left_s <= 0:
                return None

    def _boxes(self, word: _Word, room: RoomState | None) -> list[Box] | None:
        """Everything to hide in a frame; None where that can't be told."""
        if room is None or abs(self._clock() - room.at) > PEOPLE_FRESH_S:
            return None
        faces = [face.box for face in word.faces]
        if len(faces) >= self._settings.workers.max_people:
            return None  # There may be more of them: a worker looks at so many.
        here = [p for p in room.people if word.camera in (p.camera, *p.cameras)]
        placed = [person.box for person in here if person.camera == word.camera]
        # Whom another camera sees better has a place in that one's pictures only: here they must
        # be among the faces.
        elsewhere = [person for person in here if person.camera != word.camera and person.visible]
        unclaimed = [face for face in faces if not any(_holds(box, face) for box in placed)]
        return None if len(unclaimed) < len(elsewhere) else [*faces, *placed]

    def _encoded(self, picture: Picture) -> Shot:
        return Shot(self._clock(), encode_jpeg(picture, QUALITY))

    def _without(self, reason: str) -> Shot:
        return Shot(self._clock(), None, reason)

    def _age_s(self, shot: Shot) -> float:
        # A clock that was set back makes nothing last for ever.
        return abs(self._clock() - shot.made_at)

    def _is_known(self, client: Client, camera: str) -> bool:
        """Whether a camera of that name has ever reported: names that anybody asks for cost no
        memory."""
        if not re.match(NAME_PATTERN, camera):
            return False
        return bool(client.hexists(self._keys.cameras, camera))

    def _connected(self) -> Client:
        with self._connecting:
            if self._client is None:
                self._client = connect(self._settings.redis, block_s=BLOCK_MS / 1e3)
            return self._client


def _holds(box: Box, face: Box) -> bool:
    """Whether the middle of a face lies in a box."""
    x, y = face.x + face.width / 2 - box.x, face.y + face.height / 2 - box.y
    return 0 <= x <= box.width and 0 <= y <= box.height


def _why(error: Exception) -> str:
    if isinstance(error, OutOfReach):
        return (
            "the picture lies in shared memory that this process can't open: its camera has ended, "
            "or is on another host (READROOM_INGEST__TRANSPORT=redis on that host)"
        )
    return str(error)
