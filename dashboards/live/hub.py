"""From one reader to every open page: messages encoded once, mailboxes that can't grow.

Everything here belongs to the event loop's thread. Wall-clock time is passed in.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from readroom.dashboards.live.history import History, Sample
from readroom.dashboards.live.visible import is_visible, visible_only
from readroom.messages import WITHOUT_EMOTION, CameraState, Event, RoomState
from readroom.redaction import redact, redact_source

#: Messages a viewer may be behind by before it is sent a new history instead: 16 s of them.
MAILBOX_MESSAGES: Final = 64
#: Pages open at once; each holds a connection.
MOST_VIEWERS: Final = 100
#: A history made so long ago, or less, is everybody's who begins now, s.
SNAPSHOT_S: Final = 0.25
#: Sessions that were erased and may still be told of: Redis has the last minutes.
FORGOTTEN_KEPT: Final = 100
#: More states than this at once are old ones being read again: everyone gets a new history.
BURST_STATES: Final = 8


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Whether Redis answers; ``away_since`` is in Unix seconds."""

    redis: bool
    away_since: float | None = None


class RoomMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A room state; ``age_s`` is how old it was when it was sent, by this machine's clock."""

    room: RoomState
    age_s: float


class HistoryMessage(msgspec.Struct, frozen=True, kw_only=True):
    """All that a page needs to begin, or to begin again. ``names`` are by the person's number."""

    room: RoomState | None
    age_s: float
    samples: tuple[Sample, ...]
    names: dict[int, str]
    events: tuple[Event, ...]
    status: Status


def server_sent(kind: str, message: Any) -> bytes:
    """One server-sent event. JSON holds no line breaks, so one data line is enough."""
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), msgspec.json.encode(message))


def for_the_page(room: RoomState, without_emotion: bool) -> RoomState:
    """The state without what the page doesn't draw (keypoints are most of its bytes) or may not,
    and with sources and reasons redacted once more, since here they leave the machine."""
    room = visible_only(room) if without_emotion else room
    return replace(
        room,
        people=tuple(replace(person, keypoints=None) for person in room.people),
        cameras=tuple(_shown_camera(camera) for camera in room.cameras),
    )


def _shown_camera(camera: CameraState) -> CameraState:
    return replace(camera, source=redact_source(camera.source), reason=redact(camera.reason))


class Mailbox:
    """What one viewer has still to be sent: at most :data:`MAILBOX_MESSAGES`."""

    def __init__(self, snapshot: Callable[[], bytes]) -> None:
        self._snapshot = snapshot
        self._waiting: deque[bytes] = deque()
        self._behind = True  # So that the first message is the history.
        self._closed = False
        self._something = asyncio.Event()
        self._something.set()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: bytes) -> None:
        """Add a message, or note that this viewer is too slow for single ones."""
        if self._behind:
            return
        if len(self._waiting) >= MAILBOX_MESSAGES:
            self.begin_again()
            return
        self._waiting.append(message)
        self._something.set()

    def begin_again(self) -> None:
        """Let a new history stand for everything that waits."""
        self._waiting.clear()
        self._behind = True
        self._something.set()

    def close(self) -> None:
        """Nothing follows."""
        self._closed = True
        self._something.set()

    async def take(self) -> bytes | None:
        """All that waits, as soon as something does; None at the end."""
        await self._something.wait()
        self._something.clear()
        if self._closed:
            return None
        if self._behind:
            self._behind = False
            return self._snapshot()
        messages = b"".join(self._waiting)
        self._waiting.clear()
        return messages


class Hub:
    """The newest of everything, and the mailboxes of whoever watches.

    ``now`` gives Unix seconds; ``count_viewers`` is told how many pages are open. With
    ``silent``, or while the room's purpose forbids it, nothing that names an emotion is passed on.
    """

    def __init__(
        self,
        now: Callable[[], float],
        count_viewers: Callable[[int], None],
        *,
        silent: bool = False,
    ) -> None:
        self._silent = silent
        #: Whether nothing may name an emotion: that was said at the start, or says the room.
        self.without_emotion = silent
        self._now = now
        self._count_viewers = count_viewers
        self._history = History()
        self._viewers: set[Mailbox] = set()
        self._status = Status(redis=False)
        self._closed = False
        #: The newest history as it is sent, until anything changes; and when it was made.
        self._made: bytes | None = None
        self._made_at = 0.0
        self._forgotten: deque[str] = deque(maxlen=FORGOTTEN_KEPT)
        self.room: RoomState | None = None

    def open(self) -> Mailbox | None:
        """A new viewer's mailbox; None where there are too many, or the server is stopping."""
        if self._closed or len(self._viewers) >= MOST_VIEWERS:
            return None
        mailbox = Mailbox(self.snapshot)
        self._viewers.add(mailbox)
        self._count_viewers(len(self._viewers))
        return mailbox

    def leave(self, mailbox: Mailbox) -> None:
        """The viewer is gone."""
        self._viewers.discard(mailbox)
        self._count_viewers(len(self._viewers))

    def close(self) -> None:
        """End every viewer's stream; no new ones."""
        self._closed = True
        for mailbox in self._viewers:
            mailbox.close()

    def take(self, states: Sequence[RoomState], events: Sequence[Event]) -> None:
        """What the reader found, oldest first."""
        self._made = None
        states = [state for state in states if state.session not in self._forgotten]
        events = [event for event in events if event.session not in self._forgotten]
        if states:
            self._obey(states[-1])
        rooms = [for_the_page(state, self.without_emotion) for state in states]
        for room in rooms:
            self._history.add(room)
            self.room = room
        told = events if not self.without_emotion else [e for e in events if is_visible(e)]
        fresh = [event for event in told if self._history.add_event(event)]
        if max(len(states), len(fresh)) > BURST_STATES:
            self._begin_again()
            return
        for room in rooms:
            self._send("room", RoomMessage(room=room, age_s=self._age_s(room)))
        for event in fresh:
            self._send("event", event)

    def forget(self, session: str) -> None:
        """The session, or somebody of it, was erased: nothing of it is told any more, whatever
        still comes. What is told of a room rests on everybody, so it goes as a whole."""
        self._forgotten.append(session)
        if self.room is not None and self.room.session == session:
            self.room, self._made, self._history = None, None, History()
            self._begin_again()

    def _obey(self, room: RoomState) -> None:
        """What was there before a room was for another purpose is forgotten."""
        without_emotion = self._silent or room.purpose in WITHOUT_EMOTION
        if without_emotion != self.without_emotion:
            self.without_emotion = without_emotion
            self._history = History()
            self._begin_again()

    def _begin_again(self) -> None:
        for mailbox in self._viewers:
            mailbox.begin_again()

    def set_status(self, status: Status) -> None:
        """Whether Redis answers."""
        if status != self._status:
            self._status, self._made = status, None
            self._send("status", status)

    def snapshot(self) -> bytes:
        """The ``history`` message as of now, made once for all who begin at that moment."""
        now = self._now()
        if self._made is None or not 0 <= now - self._made_at <= SNAPSHOT_S:
            self._made, self._made_at = self._snapshot(), now
        return self._made

    def _snapshot(self) -> bytes:
        return server_sent(
            "history",
            HistoryMessage(
                room=self.room,
                age_s=self._age_s(self.room) if self.room else 0.0,
                samples=self._history.samples,
                names=self._history.names,
                events=self._history.events,
                status=self._status,
            ),
        )

    def _age_s(self, room: RoomState) -> float:
        return round(max(0.0, self._now() - room.at), 3)

    def _send(self, kind: str, message: Any) -> None:
        if not self._viewers:
            return
        encoded = server_sent(kind, message)
        for mailbox in self._viewers:
            mailbox.put(encoded)
