"""Follows the ``people`` and the ``events`` stream of one session, and fills its table.

The session is the one that is named, else the one that runs, else the next to start; from as far
back as the stream remembers it (ten minutes). Its end ends the recording, as does being told to
stop, or a Redis that is away for too long.

Events are read after the room states, to their end: the aggregator writes an event before the room
states that follow it, so a marker is always there before the rows that it labels are made.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from readroom.dashboards.record.rows import Markers, rows_of
from readroom.dashboards.record.table import Table, arrow, check_place
from readroom.errors import BadSettings
from readroom.messages import WITHOUT_EMOTION, Event, RoomState
from readroom.streams import PEOPLE_KEPT, REDIS_AWAY, Client, Keys, TailReader

#: A group of rows is put on disk this often, s: as much is lost in a crash at most.
GROUP_S: Final = 30.0
#: Longest wait for a room state, ms: a stop is noticed as quickly.
BLOCK_MS: Final = 200
#: Entries read at once: bounds the memory that catching up takes.
CHUNK: Final = 128
#: Pause between two tries at a Redis that is away, s.
RETRY_S: Final = 0.5
#: A Redis that is away for longer won't come back with the same session, s: no aggregator goes on
#: with a live one that it left so long ago. The same as aggregator.session.RESUME_LIVE_S, which no
#: dashboard may import; a test holds the two together.
AWAY_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording came to: its session ("": none had started), rows, and whether the
    session's end ended it."""

    path: Path
    session: str
    rows: int
    ended: bool


def record(
    client: Client,
    keys: Keys,
    path: Path,
    *,
    stopping: threading.Event,
    session: str | None = None,
    without_emotion: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Recorded:
    """Record one session into the new file ``path``, until it ends or ``stopping`` is set.

    ``session`` names one that the stream remembers; None: the one that runs, or comes.
    ``without_emotion`` leaves out what holds or names an emotion, as the room's own purpose may
    in any case. ``say`` is told a line when something changes. While Redis is away it is tried
    again, for AWAY_S. Ctrl-C ends it like ``stopping``; anything worse leaves the parts, to be
    finished later (:func:`readroom.dashboards.record.table.finish`). Raises BadSettings where
    pyarrow is missing, the file can't be made or there is no such session, NotWritten where the
    file can't be written.
    """
    arrow()
    check_place(path)
    rooms: TailReader[RoomState] = TailReader(client, keys.people, RoomState)
    events: TailReader[Event] = TailReader(client, keys.events, Event)
    with closing(Recording(path, without_emotion=without_emotion)) as recording:
        try:
            _follow(rooms, events, recording, stopping=stopping, session=session, say=say)
        except KeyboardInterrupt:
            say("stopped")
        recording.finish()
    return Recorded(path, recording.session, recording.rows, recording.ended)


def _follow(
    rooms: TailReader[RoomState],
    events: TailReader[Event],
    recording: Recording,
    *,
    stopping: threading.Event,
    session: str | None,
    say: Callable[[str], None],
) -> None:
    """Take in what comes, until the session ends, ``stopping`` is set or Redis stays away."""
    started = False
    away_since: float | None = None
    while not (stopping.is_set() or recording.ended):
        try:
            if not started:
                _find_session(rooms, recording, session)
                started = True
                say(_beginning(recording))
            _turn(rooms, events, recording)
            away_since = None
        except REDIS_AWAY:
            now = time.monotonic()
            if away_since is None:
                away_since = now
                say("Redis is away; trying again")
            if now - away_since > AWAY_S:
                say("Redis stays away: the recording ends here")
                break
            # It may come back empty: what is read twice is known as old.
            rooms.rewind()
            events.rewind()
            recording.take([], now)
            stopping.wait(RETRY_S)


def _find_session(rooms: TailReader[RoomState], recording: Recording, session: str | None) -> None:
    """The session that is named or runs, to be read from its oldest room state; else those that
    come. Raises BadSettings for a name that the stream doesn't know."""
    if session is not None:
        known = {state.session: state for state in rooms.backfill(PEOPLE_KEPT) if state.session}
        if session not in known:
            raise BadSettings(
                f"session={session}: the room's stream, which goes back ten minutes, has no such "
                f"session; it has {', '.join(known) or 'none'}. Without --session the one that "
                "runs is recorded, or the next to start"
            )
        recording.begin(known[session])
        rooms.rewind()
        return
    newest = rooms.backfill(1)
    if newest and newest[0].phase == "running":
        recording.begin(newest[0])
        rooms.rewind()


def _beginning(recording: Recording) -> str:
    if recording.session:
        return f"recording session {recording.session} into {recording.path}"
    return f"waiting for a session to start; it will be recorded into {recording.path}"


def _turn(rooms: TailReader[RoomState], events: TailReader[Event], recording: Recording) -> None:
    states = rooms.read(count=CHUNK, block_ms=BLOCK_MS)
    while found := events.read(count=CHUNK, block_ms=1):
        recording.happened(found)
    recording.take(states, time.monotonic())


class Recording:
    """What is being recorded: the session, its markers, and the room states that aren't on disk
    yet. Rows are made when they are written, so that a marker that comes a little late still
    labels what it is about."""

    def __init__(self, path: Path, *, without_emotion: bool) -> None:
        self.session = ""
        self.ended = False
        self.path = path
        self._without_emotion = without_emotion
        self._started_at = 0.0
        self._time_s = -1.0
        self._markers = Markers("")
        self._events: list[Event] = []
        self._states: list[RoomState] = []
        self._since: float | None = None
        self._table: Table | None = None

    @property
    def rows(self) -> int:
        """Rows on disk."""
        return 0 if self._table is None else self._table.rows

    def begin(self, state: RoomState) -> None:
        """This session is the one. Raises BadSettings where the file can't be made."""
        self.session, self._started_at = state.session, state.started_at
        self._without_emotion = self._without_emotion or state.purpose in WITHOUT_EMOTION
        self._table = Table(self.path, without_emotion=self._without_emotion)
        self._markers = Markers(self.session)
        self.happened(self._events)
        self._events.clear()

    def happened(self, events: list[Event]) -> None:
        """Take events in: the markers among them count."""
        if not self.session:
            # The session's first events come before its first room state.
            self._events = [*self._events, *(e for e in events if e.kind == "marker")][-CHUNK:]
            return
        for event in events:
            self._markers.add(event)

    def take(self, states: list[RoomState], now: float) -> None:
        """Take room states in, in their order; ``now`` is a clock that doesn't jump, s. Those
        that are told again, and other sessions', are passed over. Raises NotWritten."""
        for state in states:
            if not self.session and state.phase == "running":
                self.begin(state)
            if self.ended or not self.session:
                continue
            if state.session != self.session:
                self.ended = bool(state.session) and state.started_at > self._started_at
            elif state.phase == "closed" or self._forbidden(state):
                self.ended = True
            elif state.time_s > self._time_s:
                self._time_s = state.time_s
                self._states.append(state)
        if self._states and self._since is None:
            self._since = now
        if self.ended or (self._since is not None and now - self._since >= GROUP_S):
            self._write()

    def finish(self) -> None:
        """Put the rest on disk and make the one file of it. Raises NotWritten."""
        if self._table is not None:
            self._write()
            self._table.finish()

    def close(self) -> None:
        """Let go of the parts, which stay where they weren't finished."""
        if self._table is not None:
            self._table.close()

    def _forbidden(self, state: RoomState) -> bool:
        """Whether the room's purpose has come to forbid what the table has columns for."""
        return state.purpose in WITHOUT_EMOTION and not self._without_emotion

    def _write(self) -> None:
        if self._table is None:
            return
        states, self._states, self._since = self._states, [], None
        self._table.write(
            [
                row
                for state in states
                for row in rows_of(state, self._markers, without_emotion=self._without_emotion)
            ]
        )
