"""Stands where the aggregator stands: hears every command that a page gives, and answers."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import redis

from readroom.messages import BoxInfo, Command, Marker, Outcome
from readroom.streams import Keys, TailReader, register_box, tell_outcomes

#: Whoever writes this asks to be refused.
REFUSED = "refuse this"


class Answering:
    """What was heard, oldest first: (verb, text, slot, other, camera), "mark" being a marker's."""

    def __init__(self, client: redis.Redis) -> None:
        self.heard: list[tuple[str, str, int | None, int | None, str | None]] = []
        self._client = client
        self._keys = Keys("room")
        self._stopping = threading.Event()

    def run(self) -> None:
        """Until it is stopped."""
        reader: TailReader[Command | Marker] = TailReader(
            self._client, self._keys.commands, Command | Marker
        )
        while not self._stopping.wait(0.02):
            self._register()
            for message in reader.read(count=10, block_ms=1):
                self.heard.append(_said(message))
                refused = f"no {REFUSED}" if REFUSED in _said(message)[1] else ""
                outcome = Outcome(id=message.id, refused=refused)
                tell_outcomes(self._client, self._keys, [outcome])

    def _register(self) -> None:
        now = time.time()
        info = BoxInfo(
            kind="aggregate", name="a", host="h", pid=1, address="", started_at=now, at=now
        )
        register_box(self._client, self._keys, info)

    def stop(self) -> None:
        """End it."""
        self._stopping.set()

    def wait_for(self, count: int) -> None:
        """Until so many commands were heard."""
        deadline = time.monotonic() + 15
        while len(self.heard) < count:
            assert time.monotonic() < deadline, self.heard
            time.sleep(0.02)


def _said(message: Command | Marker) -> tuple[str, str, int | None, int | None, str | None]:
    if isinstance(message, Marker):
        return "mark", message.label, None, None, None
    return message.verb, message.text, message.slot, message.other, message.camera


@contextlib.contextmanager
def answering(client: redis.Redis) -> Iterator[Answering]:
    """Somebody who answers, in a thread."""
    aggregator = Answering(client)
    thread = threading.Thread(target=aggregator.run, daemon=True)
    thread.start()
    try:
        yield aggregator
    finally:
        aggregator.stop()
        thread.join(5)
