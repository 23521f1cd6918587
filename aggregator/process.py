"""The aggregator as a running box: observations in, timelines, room states and metrics out.

The loop blocks on the observations stream for at most :data:`BLOCK_MS`, so a complete frame is in
the metrics as soon as its last lane has reported. What it reads is acknowledged only after the
commit that covers it. Commands are read from a place that is part of the same commit: what they
changed, and that they were obeyed, is on disk together. While Redis is away the state is kept and
the store goes on being written; while the store can't be written, rows are kept and nothing is
acknowledged, up to a limit: then the process ends, and what isn't acknowledged comes again to the
next one.
"""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, cast

from redis.exceptions import NoPermissionError, OutOfMemoryError, ResponseError

from readroom.aggregator.gauges import Gauges
from readroom.aggregator.joining import JoinRules
from readroom.aggregator.room import Room
from readroom.aggregator.room_data import Changes, RoomRules, carry_over, let_in_seq
from readroom.aggregator.rows import SessionRows
from readroom.aggregator.session import RESUME_LIVE_S, goes_on
from readroom.aggregator.store import Store, only_aggregator
from readroom.box import Box
from readroom.errors import BadSettings
from readroom.messages import BoxInfo, CameraReport, Command, Marker, Observation, Outcome
from readroom.metrics import AggregatorMetrics
from readroom.redaction import redact_source
from readroom.sessions.file import StoreFailed
from readroom.sessions.retention import Retention
from readroom.settings import Settings
from readroom.streams import (
    EVENTS_KEPT,
    PEOPLE_KEPT,
    REDIS_AWAY,
    Client,
    Delivery,
    GroupReader,
    TailReader,
    add,
    consumer_name,
    newest_id,
    read_boxes,
    read_cameras,
    tell_outcomes,
    trim_acknowledged,
    wait_for_redis,
)

#: The consumer group that reads the observations.
GROUP: Final = "aggregator"
#: Longest wait for an observation, ms: also the grain of live frames' time-outs.
BLOCK_MS: Final = 50
#: How often commands are looked for, s, and how many are taken at once.
COMMANDS_S: Final = 0.1
COMMANDS_COUNT: Final = 64
#: Observations taken at once.
READ_COUNT: Final = 64
#: How often the registry is read, the stream trimmed and ``stored`` written again, s.
UPKEEP_S: Final = 1.0
#: How often the metrics learn of Redis's memory and of which boxes run, s.
SYSTEM_S: Final = 5.0
#: Longest time spent on reading the rest when told to stop, s.
DRAIN_S: Final = 0.5
#: Observations that another aggregator (of another name or host) was handed are taken over
#: after, s.
RECLAIM_S: Final = 5.0
#: Longest time for which the store may fail, s, and most observations kept meanwhile (each is
#: also still in Redis): beyond either the process ends.
UNSTORED_S: Final = 600.0
UNSTORED: Final = 200_000
#: Another aggregator whose last word is older isn't running any more, s (they speak every 1 s).
RIVAL_FRESH_S: Final = 5.0
#: Cameras that ended this long ago leave the registry, s.
ENDED_KEPT_S: Final = 3600.0
#: A box that said nothing for this long isn't scraped, s.
TARGET_FRESH_S: Final = 10.0
#: A recorded frame is given up after this many takeovers by a worker that passed it over.
TAKEOVERS: Final = 6
#: What a command may raise while the service goes on.
SURVIVED: Final = (*REDIS_AWAY, OutOfMemoryError)


def main(box: Box) -> None:
    """Run the aggregator until the box is told to stop. Raises BadSettings where the store or
    the Redis address can't be used."""
    metrics = AggregatorMetrics(
        box.metrics, box.settings.room, without_emotion=box.settings.without_emotion
    )
    with Store(box.settings.data) as store, only_aggregator(box.settings.data, box.settings.room):
        Aggregator(box, store, metrics).run()


def rules_of(settings: Settings) -> RoomRules:
    """The pure core's rules, as the settings say."""
    return RoomRules(
        room=settings.room,
        title=settings.title,
        # Kept on disk: without anybody's password.
        sources=tuple(redact_source(source) for source in settings.sources),
        join=JoinRules(
            lanes=settings.lane_names,
            reorder_s=settings.aggregator.reorder_s,
            lane_timeout_s=settings.aggregator.lane_timeout_s,
            patience_s=TAKEOVERS * settings.workers.reclaim_idle_s,
        ),
        sample_hz=settings.aggregator.sample_hz,
        min_face_px=settings.workers.min_face_px,
        purpose=settings.purpose,
        by_command=settings.aggregator.session == "command",
        neutral_s=settings.aggregator.neutral_s,
        markers=settings.moments,
    )


class Aggregator:
    """The loop and what it keeps between turns."""

    def __init__(self, box: Box, store: Store, metrics: AggregatorMetrics) -> None:
        self._box = box
        self._store = store
        self._metrics = metrics
        self._gauges = Gauges(metrics, box.settings.room)
        self._rows: dict[str, SessionRows] = {}
        #: What isn't acknowledged yet: entries, each with its frame's camera and seq.
        self._unacknowledged: list[Delivery[Any]] = []
        self._dirty = False
        self._stored: dict[str, int] = {}
        self._failing_since: float | None = None
        self._targets = b"[]"
        self._due: dict[str, float] = {}
        self._clock = _steady_clock()
        self._retention = Retention(
            box.settings.data, box.settings.aggregator.keep_days, box.log.info
        )
        self._room: Room | None = None
        self._commands: TailReader[Command | Marker] | None = None
        #: What became of commands, and isn't told yet: only what is on disk is.
        self._outcomes: list[Outcome] = []
        #: The newest command of before this run: what was asked of an earlier one is over.
        self._before: str | None = None
        box.routes["/targets"] = lambda: ("application/json", self._targets)

    def run(self) -> None:
        """Serve until told to stop, whatever Redis does meanwhile; then close the session."""
        settings = self._box.settings
        while not self._box.stopping.is_set():
            client = wait_for_redis(
                settings.redis, self._pause, self._say_away, block_s=BLOCK_MS / 1000
            )
            if client is None:
                break
            with client:
                try:
                    self._serve(client)
                    self._close(client)
                except SURVIVED as error:
                    self._metrics.redis_error(error)
                    self._box.set_ready(False, f"Redis: {type(error).__name__}")
                    self._box.log.warning("Redis failed, going on", error=type(error).__name__)
                    self._pause(0.2)
        self._close(None)

    # -- one connection -----------------------------------------------------------------------

    def _serve(self, client: Client) -> None:
        keys, box = self._box.keys, self._box
        if self._before is None:
            self._before = newest_id(client, keys.commands)
        if self._room is None:
            self._refuse_rival(client)
            if box.stopping.is_set():
                return
            self._room = self._begin(client)
        reader: GroupReader[Any] = GroupReader(
            client,
            keys,
            GROUP,
            consumer_name(box.name),
            Observation | CameraReport,
            on_dead=box.put_aside(self._metrics),
        )
        reader.follow([keys.observations])
        if not self._room.data.commands:
            self._room.data.commands = self._before
        self._commands = TailReader(
            client,
            keys.commands,
            Command | Marker,
            self._room.data.commands,
            on_dead=box.put_aside(self._metrics),
        )
        self._commands.rewind_if_replaced()
        self._due.clear()
        box.log.info("reading observations", room=box.settings.room)
        while not box.stopping.is_set():
            self._turn(client, reader, self._room)
        self._read_the_rest(reader, self._room)

    def _turn(self, client: Client, reader: GroupReader[Any], room: Room) -> None:
        with self._short_of_memory():
            self._box.alive(client)
        deliveries = reader.read(count=READ_COUNT, block_ms=BLOCK_MS)
        now = self._clock()
        self._take(room, deliveries, now)
        if self._is_due("commands", COMMANDS_S, now):
            self._obey(room, now)
        self._advance(room, now, client)
        if self._is_due("upkeep", UPKEEP_S, now):
            self._upkeep(client, room, now)
        if self._is_due("commit", self._box.settings.aggregator.commit_s, now):
            self._commit(room)
            self._answer(client)
            self._acknowledge(client, reader)
            self._take_over(client, reader, room, now)
        storing = self._failing_since is None
        self._box.set_ready(storing, "" if storing else "the store can't be written")

    def _take(self, room: Room, deliveries: list[Delivery[Any]], now: float) -> None:
        for delivery in deliveries:
            room.take(delivery.message, now)
            said = delivery.message
            frame: Any = (said.camera, said.seq) if isinstance(said, Observation) else None
            self._unacknowledged.append(Delivery(delivery.key, delivery.entry_id, frame))

    def _read_the_rest(self, reader: GroupReader[Any], room: Room) -> None:
        """Told to stop: take in what the workers have said already."""
        until = self._clock() + DRAIN_S
        while self._clock() < until:
            deliveries = reader.read(count=READ_COUNT, block_ms=1)
            if not deliveries:
                return
            self._take(room, deliveries, self._clock())

    def _advance(self, room: Room, now: float, client: Client | None) -> None:
        """Let time pass, and say what came of it."""
        room.salt = secrets.token_hex(2)
        room.tick(now)
        changes = room.drain()
        self._keep(changes)
        self._gauges.count(changes)
        publish = self._is_due("publish", 1 / self._box.settings.aggregator.publish_hz, now)
        if not (publish or changes.joined or changes.events):
            return
        state = room.state(now, time.time())
        self._gauges.show(state)
        self._gauges.joined(changes, time.time())
        if client is None:
            return
        # In one round trip: many people's spans end at the same moment.
        with self._short_of_memory(), client.pipeline(transaction=False) as pipe:
            for event in changes.events:
                add(pipe, self._box.keys.events, event, maxlen=EVENTS_KEPT)
            if publish or any(event.kind == "session_closed" for event in changes.events):
                add(pipe, self._box.keys.people, state, maxlen=PEOPLE_KEPT)
            pipe.execute()

    def _keep(self, changes: Changes) -> None:
        for name, rows in changes.rows.items():
            if rows.session.rolling:
                continue
            known = self._rows.setdefault(
                name, SessionRows(rows.room, rows.session, purpose=rows.purpose)
            )
            known.add(rows)
        self._outcomes += changes.outcomes
        for line in changes.refused:
            self._box.log.warning(line)
        self._dirty = self._dirty or bool(changes.rows or changes.joined)
        for event in changes.events:
            if event.kind in ("session_started", "session_closed"):
                self._box.log.info(event.kind.replace("_", " "), session=event.session)

    def _obey(self, room: Room, now: float) -> None:
        """Do what was asked for since the last look."""
        reader = self._commands
        if reader is None:
            return
        for message in reader.read(count=COMMANDS_COUNT, block_ms=0):
            room.command(message, now)
        if reader.position != room.data.commands:
            room.data.commands, self._dirty = reader.position, True
            self._due.pop("commit", None)  # Somebody waits to hear what became of it.

    def _answer(self, client: Client) -> None:
        """Say what became of the commands whose effect is on disk."""
        if not self._committed or not self._outcomes:
            return
        with self._short_of_memory():
            tell_outcomes(client, self._box.keys, self._outcomes)
        self._outcomes.clear()

    def _take_over(self, client: Client, reader: GroupReader[Any], room: Room, now: float) -> None:
        """Go on with what an aggregator of another name or host was handed and left behind.

        Our own entries would be taken for a dead reader's, those of before a restart that are
        still being read again among them: so only right after everything was acknowledged.
        """
        try:
            pending: Any = client.xpending(self._box.keys.observations, GROUP)
        except ResponseError as error:
            if "NOGROUP" not in str(error):  # Redis came back empty: the next read mends it.
                raise
            return
        holders = {holder["name"] for holder in pending["consumers"]}
        if holders and reader.consumer.encode() not in holders:
            self._take(room, reader.reclaim(RECLAIM_S, count=READ_COUNT), now)

    # -- another aggregator -------------------------------------------------------------------

    def _refuse_rival(self, client: Client) -> None:
        """Two aggregators would share the observations, and both tell half of what was seen.

        One that crashed leaves a last word as fresh as a running one's, but says no other: so
        it is watched until it speaks again, or has been silent for too long. Raises BadSettings.
        """
        known = self._rivals(client)
        watched_until = self._clock() + RIVAL_FRESH_S
        while known and self._clock() < watched_until:
            self._box.set_ready(False, "looking whether another aggregator of the room runs")
            if self._box.wait(0.2):
                return
            found = self._rivals(client)
            for name, rival in found.items():
                if rival != known.get(name):
                    raise BadSettings(
                        f"room {self._box.settings.room} has an aggregator already on "
                        f"{rival.host} (process {rival.pid}); stop it, or use another "
                        "READROOM_ROOM"
                    )
            known = found

    def _rivals(self, client: Client) -> dict[str, BoxInfo]:
        """The room's other aggregators that may be running, by name."""
        return {
            name: info
            for name, info in read_boxes(client, self._box.keys).items()
            if info.kind == self._box.kind
            and time.time() - info.at <= RIVAL_FRESH_S
            and not (info.host == socket.gethostname() and _dead(info.pid))
        }

    # -- the store ----------------------------------------------------------------------------

    def _begin(self, client: Client) -> Room:
        """The room as the last run left it: in the middle of its session, or a new one."""
        box, settings = self._box, self._box.settings
        rules = rules_of(settings)
        last = self._store.checkpoint(settings.room)
        job = (rules.sources, rules.purpose)
        if last is not None and (last.data.sources, last.data.purpose) != job:
            last = None  # Another job.
        if last is not None and last.data.ended:  # This run starts as its settings say.
            last.data.asked, last.data.title, last.data.ended = None, None, False
        silent_s = time.time() - last.saved_at if last is not None else 0.0
        if last is not None and goes_on(last.data.session, silent_s):
            room = Room(rules, last.data)
            session = room.data.session
            box.log.info("going on with a session", session=session.id if session else "")
        else:
            self._store.abandon(settings.room)
            stored = _read_stored(client, box.keys.stored)
            recent = silent_s <= RESUME_LIVE_S
            room = Room(rules, carry_over(last.data, stored, recent=recent) if last else None)
            for gone in stored.keys() - _positions(room).keys():
                client.hdel(box.keys.stored, gone)
        room.salt = secrets.token_hex(2)
        room.resume(self._clock())
        self._stored = _positions(room)
        return room

    def _commit(self, room: Room) -> None:
        if not self._dirty and not self._unacknowledged:
            return
        started = time.perf_counter()
        try:
            self._store.commit(self._rows.values(), room.checkpoint(), time.time())
        except StoreFailed as error:
            self._gauges.not_stored()
            self._bear(error)
            return
        self._gauges.stored(time.perf_counter() - started)
        self._failing_since, self._dirty = None, False
        self._rows.clear()
        self._stored = _positions(room)

    def _bear(self, error: StoreFailed) -> None:
        """Go on without the store, but not for ever: memory fills up, here and in Redis."""
        now = self._clock()
        if self._failing_since is None:
            self._failing_since = now
        failing_s = now - self._failing_since
        if failing_s < UNSTORED_S and len(self._unacknowledged) < UNSTORED:
            self._box.log.warning(f"{error}: what was seen meanwhile is kept in memory")
            return
        raise StoreFailed(
            f"{error}: {len(self._unacknowledged)} observations in {failing_s:.0f} s could not be "
            "stored, giving up; Redis hands them out again at the next start"
        ) from None

    def _acknowledge(self, client: Client, reader: GroupReader[Any]) -> None:
        """What has been committed needs no second reading; frames in line are in no commit."""
        if not self._committed or not self._unacknowledged or self._room is None:
            return
        # Said first: ingest may take it up from here as soon as the observations are gone.
        self._write_stored(client)
        waiting = self._room.waiting()
        reader.ack(one for one in self._unacknowledged if one.message not in waiting)
        self._unacknowledged = [one for one in self._unacknowledged if one.message in waiting]

    @property
    def _committed(self) -> bool:
        """Whether everything that was taken in is on disk."""
        return self._failing_since is None and not self._dirty

    def _write_stored(self, client: Client) -> None:
        if self._stored:
            with self._short_of_memory():
                client.hset(self._box.keys.stored, mapping=cast(Any, self._stored))

    def _close(self, client: Client | None) -> None:
        """The box stops: the session ends here."""
        room = self._room
        if room is None:
            return
        room.close(self._clock())
        room.data.ended = self._dirty = True
        self._advance(room, self._clock(), client)
        self._commit(room)
        if self._failing_since is not None:
            raise StoreFailed(
                f"the session store can't be written: {len(self._unacknowledged)} observations "
                "since the last commit are lost, unless Redis is still there at the next start; "
                "free some space, or make the file writable"
            )
        if client is not None:
            self._write_stored(client)
            self._answer(client)
            if self._unacknowledged and self._committed:
                ids = [delivery.entry_id for delivery in self._unacknowledged]
                client.xack(self._box.keys.observations, GROUP, *ids)
                self._unacknowledged.clear()
        self._room = None

    # -- upkeep -------------------------------------------------------------------------------

    def _upkeep(self, client: Client, room: Room, now: float) -> None:
        keys, wall_at = self._box.keys, time.time()
        reports = read_cameras(client, keys)
        room.registry(reports, now, wall_at)
        for name, said in reports.items():
            if said.phase in ("ended", "stopped") and wall_at - said.at > ENDED_KEPT_S:
                client.hdel(keys.cameras, name)
        self._write_stored(client)
        self._retention.turn(wall_at)
        self._targets = targets_page(self._box, client)
        if self._is_due("system", SYSTEM_S, now):
            self._gauges.running(read_boxes(client, keys).values(), wall_at)
            with suppress(NoPermissionError):  # A user that may not ask sees no figure.
                self._gauges.redis(client.info("memory"))
        try:
            trim_acknowledged(client, keys.observations)
        except ResponseError as error:
            if "no such key" not in str(error):  # Redis came back empty: the next read mends it.
                raise

    def _pause(self, seconds: float) -> bool:
        """Wait without Redis; time passes for the room, and the store goes on being written."""
        if self._room is not None:
            now = self._clock()
            self._advance(self._room, now, None)
            if self._is_due("commit", self._box.settings.aggregator.commit_s, now):
                self._commit(self._room)
        return self._box.wait(seconds)

    def _say_away(self, line: str) -> None:
        self._box.set_ready(False, line)
        self._box.log.warning(line)

    def _is_due(self, what: str, every_s: float, now: float) -> bool:
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every_s
        return True

    @contextmanager
    def _short_of_memory(self) -> Iterator[None]:
        """A Redis without memory takes nothing in; what it would have shown is lost, no more."""
        try:
            yield
        except OutOfMemoryError as error:
            self._metrics.redis_error(error)
            self._box.log.warning("Redis is out of memory: raise its maxmemory")


def targets_page(box: Box, client: Client) -> bytes:
    """Prometheus HTTP service discovery: every box that registered lately, this one included."""
    now = time.time()
    boxes = read_boxes(client, box.keys)
    groups = [
        {
            "targets": [_reachable(info)],
            # Not the room: every metric has that label of its own.
            "labels": {"box": info.kind},
        }
        for _, info in sorted(boxes.items())
        if info.address and now - info.at <= TARGET_FRESH_S
    ]
    return json.dumps(groups).encode()


def _reachable(info: BoxInfo) -> str:
    """A box's address as another host can use it: one that listens on every address is found
    under its host's name."""
    host, _, port = info.address.rpartition(":")
    try:
        anywhere = ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:  # A name.
        anywhere = False
    return f"{info.host}:{port}" if anywhere else info.address


def _dead(pid: int) -> bool:
    """Whether no process of this host has that id."""
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, ProcessLookupError)
    return False


def _positions(room: Room) -> dict[str, int]:
    """By recording camera that is still being read: the last seq that is in the timelines."""
    return {
        name: seq
        for name, camera in room.data.cameras.items()
        if camera.mode == "recording"
        and not camera.over
        and (seq := let_in_seq(camera)) is not None
    }


def _read_stored(client: Client, key: str) -> dict[str, int]:
    raw = cast(dict[bytes, bytes], client.hgetall(key))
    return {name.decode(): int(seq) for name, seq in raw.items() if seq.lstrip(b"-").isdigit()}


def _steady_clock() -> Callable[[], float]:
    """Unix time that doesn't jump when somebody sets the clock."""
    base = time.time() - time.monotonic()
    return lambda: base + time.monotonic()
