"""Writing annotations: of a session in the store, or of the one that runs, as it goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from readroom.dashboards.grafana.annotations import annotations_of, remove, write, written
from readroom.dashboards.grafana.connection import Away, Grafana
from readroom.errors import BadSettings, ReadroomError
from readroom.messages import WITHOUT_EMOTION, Event, RoomState
from readroom.sessions.choosing import LAST, chosen
from readroom.sessions.timelines import StoredSession, Timelines
from readroom.streams import REDIS_AWAY, Client, Keys, TailReader
from readroom.words import vocabulary

#: Longest wait for news of the room, ms: a stop is noticed as quickly.
BLOCK_MS: Final = 200
#: Pause between two tries at a Redis or a Grafana that is away, s.
RETRY_S: Final = 2.0
#: Either being away for longer ends it, s; what is missing then can be written from the store.
AWAY_S: Final = 120.0
#: Entries read at once.
CHUNK: Final = 256

Say = Callable[[str], None]


def session_meant(timelines: Timelines, room: str, wanted: str | None) -> StoredSession:
    """The session that is meant (readroom.sessions.choosing); None: the room's newest. Raises
    BadSettings where there is none."""
    if wanted is not None:
        return chosen(timelines.sessions(), wanted)
    found = timelines.sessions(room)
    if not found:
        raise BadSettings(f"room {room} has no session in the store yet; name a session")
    return chosen(found, LAST)


def annotate_stored(
    grafana: Grafana, folder: Path, room: str, name: str | None, *, without_emotion: bool
) -> str:
    """Write a stored session's annotations; a line on what became of it. Raises ReadroomError."""
    timelines = Timelines(folder)
    session = session_meant(timelines, room, name)
    words = vocabulary(without_emotion or session.purpose in WITHOUT_EMOTION)
    names = {p.name: p.pseudonym for p in timelines.people(session.name) if p.name}
    made = annotations_of(timelines.events(session.name), session.started_at, words, names)
    known = set(written(grafana, session.name))
    before = len(known)
    new = write(grafana, made, known)
    return f"session {session.name}: {new} annotations written, {before} were there already"


def remove_session(grafana: Grafana, session: str) -> str:
    """Remove a session's annotations; a line. Raises ReadroomError."""
    return f"session {session}: {remove(grafana, session)} annotations removed"


@dataclass(slots=True)
class _Running:
    """The session that is followed, and what is still to be written of it."""

    session: str
    started_at: float
    without_emotion: bool
    known: set[str] = field(default_factory=set)
    waiting: list[Event] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    new: int = 0


class _Patience:
    """How long somebody may be away."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._since: float | None = None

    def back(self) -> None:
        self._since = None

    def bear(self, error: str, now: float) -> None:
        """Raises ReadroomError once it has taken too long."""
        if self._since is None:
            self._since = now
            self._say(f"{error}; trying again")
        if now - self._since > AWAY_S:
            raise ReadroomError(
                f"{error}; gave up after {AWAY_S:.0f} s. `readroom grafana annotate` writes what "
                "is missing from the store"
            )


def follow(
    grafana: Grafana,
    client: Client,
    keys: Keys,
    *,
    stopping: threading.Event,
    without_emotion: bool,
    say: Say,
) -> str:
    """Write the running session's annotations (or those of the next to start) as they come, until
    it ends or ``stopping`` is set; a line on what became of it. Raises ReadroomError."""
    rooms: TailReader[RoomState] = TailReader(client, keys.people, RoomState)
    events: TailReader[Event] = TailReader(client, keys.events, Event)
    running: _Running | None = None
    redis, patience = _Patience(say), _Patience(say)
    while not stopping.is_set():
        try:
            states = rooms.backfill(1) if running is None else _newest(rooms)
            found = events.read(count=CHUNK, block_ms=BLOCK_MS)
            redis.back()
        except REDIS_AWAY as error:
            redis.bear(f"Redis is away ({type(error).__name__})", time.monotonic())
            rooms.rewind()
            events.rewind()
            stopping.wait(RETRY_S)
            continue
        if running is None and states and states[-1].phase == "running":
            running = _begin(states[-1], without_emotion, say)
            events.rewind()  # What it said before counts, too.
            continue
        if running is None:
            continue
        over = _take(running, states, found)
        try:
            _write(grafana, running)
            patience.back()
        except Away as error:
            patience.bear(str(error), time.monotonic())
            stopping.wait(RETRY_S)
            continue
        if over:
            return _outcome(running)
    return _outcome(running) if running else "no session started"


def _newest(rooms: TailReader[RoomState]) -> list[RoomState]:
    """What has been said of the room since, all of it: names change seldom, ends are near."""
    return rooms.read(count=CHUNK, block_ms=0)


def _begin(state: RoomState, without_emotion: bool, say: Say) -> _Running:
    say(f"annotating session {state.session}")
    forbidden = without_emotion or state.purpose in WITHOUT_EMOTION
    return _Running(state.session, state.started_at, forbidden, names=_names(state))


def _names(state: RoomState) -> dict[str, str]:
    """What people are called now → their pseudonyms."""
    return {person.name: person.pseudonym for person in state.people if person.name}


def _take(running: _Running, states: list[RoomState], events: list[Event]) -> bool:
    """Take news in; whether the session is over."""
    running.waiting += [event for event in events if event.session == running.session]
    for state in states:
        running.names |= _names(state)
    ended = any(event.kind == "session_closed" for event in running.waiting)
    return ended or any(state.session not in ("", running.session) for state in states)


def _write(grafana: Grafana, running: _Running) -> None:
    if not running.waiting:
        return
    if not running.known:
        running.known |= set(written(grafana, running.session))
    words = vocabulary(running.without_emotion)
    made = annotations_of(running.waiting, running.started_at, words, running.names)
    running.new += write(grafana, made, running.known)
    running.waiting.clear()


def _outcome(running: _Running) -> str:
    return f"session {running.session}: {running.new} annotations written"
