"""The one reader of Redis behind every open page: runs until the box stops, outlives Redis."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

from redis.exceptions import OutOfMemoryError

from readroom.box import Box
from readroom.dashboards.live.hub import Hub, Status
from readroom.messages import Event, RoomState
from readroom.metrics import LiveMetrics
from readroom.streams import REDIS_AWAY, Client, TailReader

#: Longest wait for a room state, ms: events and a stop are noticed as quickly.
BLOCK_MS: Final = 200
#: Entries read at once: bounds the memory that catching up takes.
CHUNK: Final = 128
#: Pause between two tries at a Redis that is away, s.
RETRY_S: Final = 0.5


class Post(Protocol):
    """Calls a function of the hub in the thread that the hub belongs to."""

    def __call__(self, call: Callable[..., None], *arguments: object) -> None:
        """Don't wait for it."""


class Follower:
    """Reads the ``people`` and the ``events`` stream from their oldest entry on."""

    def __init__(
        self, box: Box, client: Client, hub: Hub, post: Post, metrics: LiveMetrics, ready: str
    ) -> None:
        self._box = box
        self._client = client
        self._hub = hub
        self._post = post
        self._metrics = metrics
        self._ready = ready
        self._rooms: TailReader[RoomState] = TailReader(client, box.keys.people, RoomState)
        self._events: TailReader[Event] = TailReader(client, box.keys.events, Event)
        self._away = True

    def run(self) -> None:
        """Until the box stops."""
        while not self._box.stopping.is_set():
            try:
                self._turn()
            except REDIS_AWAY as error:
                self._lost(error)
                self._box.wait(RETRY_S)

    def _turn(self) -> None:
        self._register()
        events = self._events.read(count=CHUNK, block_ms=1)
        states = self._rooms.read(count=CHUNK, block_ms=BLOCK_MS)
        if self._away:
            self._found()
        if states or events:
            self._post(self._hub.take, states, events)

    def _register(self) -> None:
        try:
            self._box.alive(self._client)
        except OutOfMemoryError as error:  # The page can still be read.
            self._metrics.redis_error(error)

    def _lost(self, error: BaseException) -> None:
        self._metrics.redis_error(error)
        if self._away:
            return
        self._away = True
        self._box.set_ready(False, "Redis doesn't answer")
        self._box.log.warning("Redis is away; trying again", error=type(error).__name__)
        self._post(self._hub.set_status, Status(redis=False, away_since=time.time()))
        # It may come back empty, or as another server: what is read twice does no harm.
        self._rooms.rewind()
        self._events.rewind()

    def _found(self) -> None:
        self._away = False
        self._box.set_ready(True, self._ready)
        self._box.log.info("following the room", room=self._box.keys.room)
        self._post(self._hub.set_status, Status(redis=True))
