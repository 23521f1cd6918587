"""Redis Streams as the boxes use them: keys, connections, groups, exact trimming, dead letters.

What the design rests on, and where it was measured (docs/design.md, "Streams"):

- Keys carry the room as hash tag, so a Redis Cluster keeps a room in one slot.
- redis-py's own retries are off. Retrying an XADD whose answer was lost stores the entry twice;
  here the caller decides, and every message has a key that makes a repetition harmless.
- A blocking read gets a socket time-out above its BLOCK, or it would never notice a dead server.
- A recording's frames are trimmed by XTRIM MINID up to what every group has acknowledged; so the
  stream's length *is* the backlog of the slowest group, and "full" needs no group lag, which
  Redis computes wrongly on trimmed streams.
- A dead reader's entries are taken over with XPENDING and XCLAIM rather than XAUTOCLAIM: only so
  an entry that has killed its readers can be told from those beside it, and one that was trimmed
  while it was pending (which stays pending for ever on 6.2) can be acknowledged.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast
from urllib.parse import parse_qs, urlsplit

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError as RedisConnectionError,
    NoPermissionError,
    OutOfMemoryError,
    RedisError,
    ResponseError,
    TimeoutError as RedisTimeoutError,
)
from redis.retry import Retry

from readroom.errors import BadSettings, ReadroomError
from readroom.messages import (
    MAJOR,
    BadMessage,
    BoxInfo,
    CameraReport,
    Frame,
    Observation,
    Outcome,
    decode,
    encode,
)
from readroom.redaction import redact_source
from readroom.settings import RedisSettings

#: Oldest server that has XTRIM MINID and XPENDING IDLE.
OLDEST_REDIS = (6, 2)
#: A plain command that takes longer than this has failed, s. Blocking reads add their BLOCK.
COMMAND_TIMEOUT_S = 5.0
#: What the address may say after its ``?``. Everything else that redis-py would take from there
#: (decode_responses, socket_timeout, protocol, ...) is this module's to decide.
URL_OPTIONS = ("db", "username", "password", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
#: Entries kept in the dead-letter stream.
DEAD_LETTERS = 100
#: Bytes of a broken entry's body kept there; never a payload.
DEAD_LETTER_BYTES = 512
#: Room states kept for a page that opens late: 10 minutes at 4 a second.
PEOPLE_KEPT = 2400
EVENTS_KEPT = 5000
#: Observations kept while no camera records and no aggregator reads.
OBSERVATIONS_KEPT = 20000
#: A room's purpose is forgotten this long after the last of its boxes, s (each says it every 1 s).
PURPOSE_HELD_S = 15
#: What became of a command is told for this long, s: whoever waits for it does so for a few.
OUTCOME_HELD_S = 60
#: Stands for a room whose people are painted: it needs none.
NO_PURPOSE = "none"
#: An entry handed out this often without an acknowledgement has killed its readers: skip it.
MAX_DELIVERIES = 3

#: What a command may raise when the server is gone, restarting or stalled; wait and try again.
REDIS_AWAY = (RedisConnectionError, RedisTimeoutError, BusyLoadingError)

_BODY = b"m"
_VERSION = b"v"
_PAYLOAD = b"p"
_VERSION_VALUE = b"%d" % MAJOR

T = TypeVar("T", bound=msgspec.Struct)
Client = redis.Redis


@dataclass(frozen=True, slots=True)
class Keys:
    """The Redis keys of one room."""

    room: str

    def _key(self, name: str) -> str:
        return f"rr:{{{self.room}}}:{name}"

    def frames(self, camera: str) -> str:
        """Stream of a camera's frames."""
        return self._key(f"frames:{camera}")

    @property
    def observations(self) -> str:
        """Stream of observations and camera reports, read by the aggregator."""
        return self._key("observations")

    @property
    def people(self) -> str:
        """Stream of room states."""
        return self._key("people")

    @property
    def events(self) -> str:
        """Stream of events."""
        return self._key("events")

    @property
    def commands(self) -> str:
        """Stream of commands and markers, read by the aggregator."""
        return self._key("commands")

    def answer(self, command: str) -> str:
        """String, for a short while: the Outcome of the command or marker with that id."""
        return self._key(f"answer:{command}")

    @property
    def dead(self) -> str:
        """Stream of entries nobody could read."""
        return self._key("dead")

    @property
    def cameras(self) -> str:
        """Hash: camera → its newest CameraReport."""
        return self._key("cameras")

    @property
    def boxes(self) -> str:
        """Hash: kind/name → BoxInfo."""
        return self._key("boxes")

    @property
    def purpose(self) -> str:
        """String: what the room's boxes run for; see :func:`hold_purpose`."""
        return self._key("purpose")

    def progress(self, camera: str) -> str:
        """Hash: where a recording stands (written by ingest with each frame; see FrameWriter)."""
        return self._key(f"progress:{camera}")

    @property
    def stored(self) -> str:
        """Hash: camera → last seq whose outcome the aggregator has on disk (recordings)."""
        return self._key("stored")


def address(settings: RedisSettings) -> str:
    """The server's address, with its password. Raises BadSettings where none is set."""
    if settings.url is None:
        raise BadSettings(
            "redis.url is not set: this box needs the Redis that the others use; set "
            "READROOM_REDIS__URL=redis://HOST:6379/0 (password in front of the host as "
            "`:PASSWORD@`), or use `readroom run`, which starts one of its own"
        )
    return settings.url.get_secret_value()


def connect(settings: RedisSettings, *, block_s: float = 0.0) -> Client:
    """A client for ``settings.url``, checked: reachable, right password, 6.2 or newer.

    ``block_s``: the longest BLOCK this client will be used with. Raises BadSettings for what
    waiting can't mend (address, password, version), ReadroomError where nobody answers.
    """
    url = address(settings)
    shown = redact_source(url)
    # A unix socket has no keep-alive, and redis-py refuses the word there.
    keepalive = {} if url.startswith("unix://") else {"socket_keepalive": True}
    try:
        options = parse_qs(urlsplit(url).query)
        client = redis.Redis.from_url(
            url,
            protocol=2,
            socket_timeout=COMMAND_TIMEOUT_S + block_s,
            socket_connect_timeout=COMMAND_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            retry_on_error=[],
            health_check_interval=0,
            **cast(Any, keepalive),
        )
    except ValueError:
        # The reason isn't told: redis-py's quotes what it took for the port, and that may be a
        # piece of the password.
        raise BadSettings(
            f"redis.url {shown}: not a Redis address; use redis://, rediss:// or unix://, and "
            "percent-encode what is special in the password"
        ) from None
    if not options.keys() <= set(URL_OPTIONS):
        # Which one isn't told: behind a '?' in a password that nobody encoded it's a piece of it.
        raise BadSettings(
            f"redis.url {shown}: behind its ? the address may only give {', '.join(URL_OPTIONS)}"
        )
    try:
        check_server(client, shown)
    except BaseException:
        client.close()
        raise
    return client


def check_server(client: Client, shown: str) -> None:
    """Raise one clear line when the server can't serve; ``shown`` is its redacted address."""
    try:
        version = str(client.info("server").get("redis_version", ""))
    except (AuthenticationError, NoPermissionError) as error:
        if "required" in str(error):
            raise BadSettings(
                f"Redis at {shown} wants a password; put it into READROOM_REDIS__URL, before the "
                "host and followed by @"
            ) from None
        raise BadSettings(
            f"Redis at {shown} refuses the password or the user; put the right ones into "
            "READROOM_REDIS__URL"
        ) from None
    except ResponseError as error:
        raise ReadroomError(f"Redis at {shown}: {error}") from None
    except REDIS_AWAY as error:
        raise ReadroomError(
            f"Redis at {shown} doesn't answer ({type(error).__name__}): is it running, and is the "
            "address right?"
        ) from None
    except RedisError:
        version = ""
    if not version:
        raise ReadroomError(f"{shown} answers, but not as a Redis does: is the address right?")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < OLDEST_REDIS:
        raise BadSettings(f"Redis at {shown} is version {version}: 6.2 or newer is needed")


def eviction_advice(client: Client) -> str:
    """One line where the server would evict whole streams when it is full, else nothing (also
    where it doesn't let its configuration be read)."""
    try:
        policy = client.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction")
    except ResponseError:
        return ""
    if policy == "noeviction":
        return ""
    return (
        f"Redis evicts when it is full (maxmemory-policy {policy}), whole streams with their "
        "groups: set maxmemory-policy noeviction"
    )


def wait_for_redis(
    settings: RedisSettings,
    stopping: Callable[[float], bool],
    say: Callable[[str], None],
    *,
    block_s: float = 0.0,
) -> Client | None:
    """Connect, retrying for as long as nobody answers; None when ``stopping(pause_s)`` is true.

    ``say`` gets one line a try. BadSettings goes through: waiting doesn't mend a password.
    """
    pause_s = 0.2
    while True:
        try:
            return connect(settings, block_s=block_s)
        except BadSettings:
            raise
        except ReadroomError as error:
            say(f"{error}; trying again in {pause_s:.1f} s")
        if stopping(pause_s):
            return None
        pause_s = min(pause_s * 2, 5.0)


def consumer_name(box: str) -> str:
    """A consumer's name: the box's own name and its host, so that a box that comes back under
    its old name finds at once what it had been handed before."""
    return f"{box}@{socket.gethostname()}"


def add(client: Client, key: str, message: msgspec.Struct, *, maxlen: int | None = None) -> bytes:
    """Append a message; ``maxlen`` trims to about that many entries. Returns the entry's id."""
    fields: dict[bytes, bytes] = {_VERSION: _VERSION_VALUE, _BODY: encode(message)}
    return cast(bytes, client.xadd(key, cast(Any, fields), maxlen=maxlen, approximate=True))


@dataclass(frozen=True, slots=True)
class Delivery(Generic[T]):
    """One stream entry, decoded. ``payload`` is empty where the entry carries none."""

    key: str
    entry_id: bytes
    message: T
    payload: bytes = b""


def _decode_entry(
    key: str, entry_id: bytes, fields: Mapping[bytes, bytes], kind: Any
) -> Delivery[Any]:
    if _BODY not in fields:
        raise BadMessage("undecodable", "the entry has no body field")
    message: Any = decode(fields[_BODY], fields.get(_VERSION), kind)
    return Delivery(key, entry_id, message, fields.get(_PAYLOAD, b""))


class GroupReader(Generic[T]):
    """Reads one or many streams as a member of a consumer group.

    Entries are handed out at least once: acknowledge them when their outcome is safe. An entry
    that can't be decoded is put into the dead-letter stream, acknowledged, and counted through
    ``on_dead(reason, detail)``; it never reaches the caller.

    An entry that was handed out :data:`MAX_DELIVERIES` times without being acknowledged seems to
    kill whoever reads it. It is given to ``on_poison``, which says what others wait to hear of
    it, and then put aside like an undecodable one; where ``on_poison`` returns False, it stays.
    """

    def __init__(
        self,
        client: Client,
        keys: Keys,
        group: str,
        consumer: str,
        kind: Any,
        *,
        on_dead: Callable[[str, str], None],
        on_poison: Callable[[Delivery[T]], bool] | None = None,
    ) -> None:
        self._client = client
        self._keys = keys
        self._on_poison = on_poison
        self.group = group
        self.consumer = consumer
        self._kind = kind
        self._on_dead = on_dead
        self._streams: list[str] = []
        self._own_cursor: dict[str, bytes] = {}

    @property
    def streams(self) -> Sequence[str]:
        """The streams being read."""
        return tuple(self._streams)

    def follow(self, streams: Iterable[str]) -> None:
        """Read these streams from now on (as a whole set); creates stream and group at need."""
        wanted = list(dict.fromkeys(streams))
        for key in wanted:
            if key not in self._streams:
                create_group(self._client, key, self.group)
                # What this consumer was handed before it died comes first: see read().
                self._own_cursor[key] = b"0"
        self._streams = wanted
        self._own_cursor = {k: v for k, v in self._own_cursor.items() if k in wanted}

    def read(self, *, count: int, block_ms: int) -> list[Delivery[T]]:
        """Up to ``count`` entries of each stream, in order; waits at most ``block_ms`` for one.

        After a restart under the same consumer name, what was handed out before and never
        acknowledged comes first, one entry a call. Raises one of REDIS_AWAY when the server is
        gone.
        """
        if not self._streams:
            time.sleep(block_ms / 1000)
            return []
        if self._own_cursor:
            mine = self._read_own()
            if mine:
                return self._decode(mine)
        fresh = self._read(dict.fromkeys(self._streams, b">"), count, max(1, block_ms))
        return self._decode(fresh)

    def _read_own(self) -> _Raw:
        """The next entry that was handed out before this consumer died. One alone: where an
        entry kills its reader, those beside it would look as guilty, and be buried with it."""
        while self._own_cursor:
            key, cursor = next(iter(self._own_cursor.items()))
            mine = self._read({key: cursor}, 1, None)
            entries = mine[0][1] if mine else []
            if not entries:
                del self._own_cursor[key]
                continue
            entry_id = entries[0][0]
            self._own_cursor[key] = entry_id
            # Counted with the delivery that was just made.
            if self._times_delivered(key, entry_id) <= MAX_DELIVERIES:
                return mine
            self._give_up(key, entry_id)
        return []

    def _give_up(self, key: str, entry_id: bytes) -> None:
        """Put a poisonous entry aside, once its owner has said what is to be said about it.
        Never handed out again, also where that couldn't be said now."""
        found = cast(list[Any], self._client.xrange(key, entry_id, entry_id))
        if found and self._on_poison is not None:
            with contextlib.suppress(BadMessage):
                if not self._on_poison(_decode_entry(key, entry_id, found[0][1], self._kind)):
                    return
        self.bury(key, entry_id, "poison", f"handed out {MAX_DELIVERIES} times")

    def _times_delivered(self, key: str, entry_id: bytes) -> int:
        found = self._client.xpending_range(
            key, self.group, cast(Any, entry_id), cast(Any, entry_id), 1
        )
        return int(cast(Any, found)[0]["times_delivered"]) if found else 0

    def _read(self, positions: dict[str, bytes], count: int, block_ms: int | None) -> _Raw:
        try:
            answer = self._client.xreadgroup(
                self.group, self.consumer, cast(Any, positions), count=count, block=block_ms
            )
        except ResponseError as error:
            # UNBLOCKED: the stream was deleted (FLUSHALL) during the blocking read itself.
            if not str(error).startswith(("NOGROUP", "UNBLOCKED")):
                raise
            # The server came back empty: make stream and group again, and go on.
            for key in positions:
                create_group(self._client, key, self.group)
            return []
        return [(_text(key), entries) for key, entries in cast(Any, answer)]

    def _decode(self, raw: _Raw) -> list[Delivery[T]]:
        deliveries: list[Delivery[T]] = []
        for key, entries in raw:
            for entry_id, fields in entries:
                if not fields:  # Trimmed while it was pending: nothing is left to do.
                    self._client.xack(key, self.group, entry_id)
                    continue
                try:
                    deliveries.append(_decode_entry(key, entry_id, fields, self._kind))
                except BadMessage as error:
                    self.bury(key, entry_id, error.reason, str(error), fields.get(_BODY, b""))
        return deliveries

    def bury(self, key: str, entry_id: bytes, reason: str, detail: str, body: bytes = b"") -> None:
        """Give an entry up: into the dead-letter stream, acknowledged, counted."""
        fields: dict[str, bytes | str] = {
            "stream": key,
            "entry": entry_id,
            "group": self.group,
            "reason": reason,
            "detail": detail[:DEAD_LETTER_BYTES],
            "body": body[:DEAD_LETTER_BYTES],
        }
        with contextlib.suppress(OutOfMemoryError):  # Counting it is what matters.
            self._client.xadd(
                self._keys.dead, cast(Any, fields), maxlen=DEAD_LETTERS, approximate=False
            )
        self._client.xack(key, self.group, entry_id)
        self._on_dead(reason, f"{key}: {detail}")

    def ack(self, deliveries: Iterable[Delivery[Any]]) -> None:
        """Say that these entries' outcome is safe."""
        by_key: dict[str, list[bytes]] = {}
        for delivery in deliveries:
            by_key.setdefault(delivery.key, []).append(delivery.entry_id)
        if not by_key:
            return
        with self._client.pipeline(transaction=False) as pipe:
            for key, ids in by_key.items():
                pipe.xack(key, self.group, *ids)
            pipe.execute()

    def reclaim(self, min_idle_s: float, *, count: int = 16) -> list[Delivery[T]]:
        """Take over what other consumers were handed and have been silent about for
        ``min_idle_s``; acknowledge what was trimmed meanwhile; bury what has been handed out
        :data:`MAX_DELIVERIES` times, since it seems to kill whoever reads it."""
        taken: list[Delivery[T]] = []
        for key in self._streams:
            try:
                taken += self._reclaim_stream(key, int(min_idle_s * 1000), count)
            except ResponseError as error:
                if "NOGROUP" not in str(error):
                    raise
        return taken

    def _reclaim_stream(self, key: str, min_idle_ms: int, count: int) -> list[Delivery[T]]:
        pending = cast(
            list[dict[str, Any]],
            self._client.xpending_range(
                key, self.group, "-", "+", count, idle=cast(Any, min_idle_ms)
            ),
        )
        if not pending:
            return []
        first = cast(list[Any], self._client.xrange(key, count=1))
        oldest = _id_pair(first[0][0]) if first else None
        once: list[bytes] = []
        suspects: list[bytes] = []
        for entry in pending:
            entry_id = entry["message_id"]
            times = int(entry["times_delivered"])
            if oldest is None or _id_pair(entry_id) < oldest:
                self._client.xack(key, self.group, entry_id)
            elif times >= MAX_DELIVERIES:
                self._give_up(key, entry_id)
            else:
                (once if times < 2 else suspects).append(entry_id)
        # What has been silent twice is taken alone, as in read(): one entry that kills its
        # readers mustn't get those beside it buried.
        return self._claim(key, suspects[:1] or once, min_idle_ms)

    def _claim(self, key: str, ids: Sequence[bytes], min_idle_ms: int) -> list[Delivery[T]]:
        if not ids:
            return []
        claimed = cast(
            list[Any],
            self._client.xclaim(key, self.group, self.consumer, min_idle_ms, cast(Any, list(ids))),
        )
        # What was trimmed in between comes as nothing on 6.2; the next call acknowledges it.
        entries = [(found[0], found[1]) for found in claimed if found and found[0] and found[1]]
        return self._decode([(key, entries)])


_Raw = list[tuple[str, list[tuple[bytes, dict[bytes, bytes]]]]]


def create_group(client: Client, key: str, group: str) -> None:
    """Make the group (and the stream), reading from the stream's beginning; no-op if it is.

    A full server refuses even a group that is there already. Its readers are who will empty it,
    so that is looked at before OutOfMemoryError goes through.
    """
    try:
        client.xgroup_create(key, group, id="0", mkstream=True)
    except OutOfMemoryError:
        if group not in _groups(client, key):
            raise
    except ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


def _groups(client: Client, key: str) -> set[str]:
    try:
        return {_text(group["name"]) for group in client.xinfo_groups(key)}
    except ResponseError:  # no such stream
        return set()


def acknowledged_up_to(
    client: Client, key: str, groups: Sequence[str] | None = None
) -> bytes | None:
    """The id below which every one of ``groups`` (default: all) has acknowledged everything; None
    without any. A group that others left behind must not hold up those that are named.

    For each group that is its oldest pending id, else the id after its last delivered one.
    Raises redis.exceptions.ResponseError ("no such key") where the stream isn't there.
    """
    lowest: tuple[int, int] | None = None
    for group in client.xinfo_groups(key):
        if groups is not None and _text(group["name"]) not in groups:
            continue
        summary = client.xpending(key, group["name"])
        if summary["pending"]:
            safe = _id_pair(summary["min"])
        else:
            milliseconds, sequence = _id_pair(group["last-delivered-id"])
            safe = (milliseconds, sequence + 1)
        lowest = safe if lowest is None else min(lowest, safe)
    return None if lowest is None else b"%d-%d" % lowest


def trim_acknowledged(client: Client, key: str, groups: Sequence[str] | None = None) -> int:
    """Remove what every one of ``groups`` (default: all) has acknowledged; returns how many
    entries are left, which is the backlog of the slowest."""
    safe = acknowledged_up_to(client, key, groups)
    if safe is not None:
        client.xtrim(key, minid=cast(Any, safe), approximate=False)
    return client.xlen(key)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a recording stands: enough to go on after ingest was killed.

    ``recording`` names what is played (source and settings); ``seq`` and ``epoch`` are those of
    the last frame in the stream. ``ended`` says that nothing follows.
    """

    recording: str
    epoch: int
    seq: int
    ended: bool


class FrameWriter:
    """Puts one camera's frames into its stream, as its mode promises.

    ``live``: an exact MAXLEN; what falls out unread was dropped (the readers account for it).
    ``recording``: nothing is trimmed before every lane has acknowledged it; each frame is
    written together with the progress record (one transaction), so that a successor knows
    exactly which frame comes next.
    """

    def __init__(
        self,
        client: Client,
        keys: Keys,
        camera: str,
        *,
        recording: str | None,
        capacity: int,
        lanes: Sequence[str],
    ) -> None:
        self._client = client
        self._stream = keys.frames(camera)
        self._progress = keys.progress(camera)
        self._recording = recording
        self._capacity = capacity
        self._lanes = tuple(lanes)

    def prepare(self) -> None:
        """Make the stream with a group per lane, so that no lane can come too late."""
        for lane in self._lanes:
            create_group(self._client, self._stream, lane)

    def progress(self) -> Progress | None:
        """What a predecessor left behind, if anything."""
        raw = cast(dict[bytes, bytes], self._client.hgetall(self._progress))
        if not raw:
            return None
        return Progress(
            recording=raw[b"recording"].decode(),
            epoch=int(raw[b"epoch"]),
            seq=int(raw[b"seq"]),
            ended=raw[b"ended"] == b"1",
        )

    def room_left(self) -> int:
        """How many frames may be published before a recording has to wait (0: full)."""
        return max(0, self._capacity - trim_acknowledged(self._client, self._stream, self._lanes))

    def publish(self, frame: Frame, payload: bytes) -> None:
        """Append the frame. For a recording, ask :meth:`room_left` first.

        Raises one of REDIS_AWAY, or redis.exceptions.OutOfMemoryError: then it is not in, or,
        where the answer was lost, perhaps is: publishing it again is harmless.
        """
        fields: dict[bytes, bytes] = {
            _VERSION: _VERSION_VALUE,
            _BODY: encode(frame),
            _PAYLOAD: payload,
        }
        if self._recording is None:
            self._client.xadd(
                self._stream, cast(Any, fields), maxlen=self._capacity, approximate=False
            )
            return
        with self._client.pipeline(transaction=True) as pipe:
            pipe.xadd(self._stream, cast(Any, fields))
            pipe.hset(self._progress, mapping=self._progress_fields(frame.epoch, frame.seq, False))
            pipe.execute()

    def finish(self, epoch: int, seq: int) -> None:
        """Record that the recording is over: a later start begins anew."""
        self._client.hset(self._progress, mapping=self._progress_fields(epoch, seq, True))

    def _progress_fields(self, epoch: int, seq: int, ended: bool) -> dict[Any, Any]:
        return {
            "recording": self._recording or "",
            "epoch": epoch,
            "seq": seq,
            "ended": int(ended),
        }


def report_camera(client: Client, keys: Keys, report: CameraReport, *, in_order: bool) -> None:
    """Update the camera registry; ``in_order`` puts the report into the observations stream
    too, behind everything seen so far."""
    client.hset(keys.cameras, report.camera, cast(Any, encode(report)))
    if in_order:
        add(client, keys.observations, report)


def read_cameras(client: Client, keys: Keys) -> dict[str, CameraReport]:
    """Every camera that has reported, by name; unreadable reports are left out."""
    return _read_hash(client, keys.cameras, CameraReport)


def register_box(client: Client, keys: Keys, info: BoxInfo) -> None:
    """Say that this process is running."""
    client.hset(keys.boxes, f"{info.kind}/{info.name}", cast(Any, encode(info)))


def read_boxes(client: Client, keys: Keys) -> dict[str, BoxInfo]:
    """Every process that has registered, by ``kind/name``. Look at ``at``: some may be dead."""
    return _read_hash(client, keys.boxes, BoxInfo)


def room_purpose(client: Client, keys: Keys) -> str | None:
    """What the room's boxes run for: a purpose, or :data:`NO_PURPOSE`; None where none runs."""
    found = cast(bytes | None, client.get(keys.purpose))
    return None if found is None else found.decode(errors="replace")


def hold_purpose(client: Client, keys: Keys, purpose: str | None) -> None:
    """Say what a box runs for, as every box does once a second: so all that run, wherever they
    run, have one purpose, and another can be given when the last of them is gone.

    Raises BadSettings where others run for another.
    """
    mine = purpose or NO_PURPOSE
    said = room_purpose(client, keys)
    if said is None:
        client.set(keys.purpose, mine, nx=True, ex=PURPOSE_HELD_S)
        said = room_purpose(client, keys) or mine
    if said != mine:
        given = (
            f"start this one with READROOM_PURPOSE={said}, or stop them"
            if said != NO_PURPOSE
            else "stop them (they read the demo room, whose people are painted)"
        )
        raise BadSettings(
            f"purpose: room {keys.room} runs for {said}, and this box is for {mine}: {given}; "
            f"{PURPOSE_HELD_S} s after the last box of the room another can be given"
        )
    client.expire(keys.purpose, PURPOSE_HELD_S)


def _read_hash(client: Client, key: str, kind: type[T]) -> dict[str, T]:
    found: dict[str, T] = {}
    for name, body in cast(dict[bytes, bytes], client.hgetall(key)).items():
        try:
            found[name.decode()] = decode(body, _VERSION_VALUE, kind)
        except BadMessage:
            continue
    return found


def publish_observation(
    client: Client, keys: Keys, observation: Observation, *, bounded: bool
) -> None:
    """Append an observation. ``bounded`` (no camera of the room records) caps the stream, so
    that a room without an aggregator doesn't fill the memory."""
    add(
        client,
        keys.observations,
        observation,
        maxlen=OBSERVATIONS_KEPT if bounded else None,
    )


def newest(client: Client, key: str, kind: Any) -> Delivery[Any] | None:
    """A stream's newest entry as a ``kind``, for who only looks; None where it has none. Raises
    BadMessage where the entry can't be decoded."""
    found = cast(list[Any], client.xrevrange(key, count=1))
    return _decode_entry(key, found[0][0], found[0][1], kind) if found else None


def tell_outcomes(client: Client, keys: Keys, outcomes: Iterable[Outcome]) -> None:
    """Say what became of commands, for as long as somebody may be waiting to hear it."""
    with client.pipeline(transaction=False) as pipe:
        for outcome in outcomes:
            pipe.set(keys.answer(outcome.id), encode(outcome), ex=OUTCOME_HELD_S)
        pipe.execute()


def read_outcome(client: Client, keys: Keys, command: str) -> Outcome | None:
    """What became of a command; None while nobody has said it, or nobody can read it."""
    body = cast(bytes | None, client.get(keys.answer(command)))
    try:
        return None if body is None else decode(body, _VERSION_VALUE, Outcome)
    except BadMessage:
        return None


def newest_id(client: Client, key: str) -> str:
    """The id of a stream's newest entry; that of its beginning where it has none."""
    newest = cast(list[Any], client.xrevrange(key, count=1))
    return _text(newest[0][0]) if newest else "0-0"


class TailReader(Generic[T]):
    """Follows a stream without a group: for viewers, from its newest entries on, and for who keeps
    their ``position`` themselves (an entry's id, empty for the beginning).

    An entry that can't be decoded is left where it is and never reaches the caller; ``on_dead(
    reason, detail)`` is told of it, as a GroupReader's is, each time that it is read.
    """

    def __init__(
        self,
        client: Client,
        key: str,
        kind: Any,
        position: str = "",
        *,
        on_dead: Callable[[str, str], None] | None = None,
    ) -> None:
        self._client = client
        self._key = key
        self._kind = kind
        self._on_dead = on_dead
        self._last: bytes = position.encode() or b"0-0"

    @property
    def position(self) -> str:
        """The entry that was read last."""
        return self._last.decode()

    def rewind_if_replaced(self) -> None:
        """Start again at the stream's beginning where the server has come back empty since the
        position was taken, and counts its entries anew."""
        if _id_pair(newest_id(self._client, self._key)) < _id_pair(self._last):
            self.rewind()

    def backfill(self, count: int) -> list[T]:
        """The newest ``count`` messages, oldest first; reading goes on behind them."""
        raw = cast(list[Any], self._client.xrevrange(self._key, count=count))
        if raw:
            self._last = raw[0][0]
        return self._decode(reversed(raw))

    def read(self, *, count: int, block_ms: int) -> list[T]:
        """What has come since, waiting at most ``block_ms`` for it (0: not at all)."""
        answer = cast(
            Any, self._client.xread({self._key: self._last}, count=count, block=block_ms or None)
        )
        entries = [entry for _, found in answer for entry in found]
        if entries:
            self._last = entries[-1][0]
        return self._decode(entries)

    def rewind(self) -> None:
        """Start again at the stream's beginning: the server came back empty."""
        self._last = b"0-0"

    def _decode(self, entries: Iterable[Any]) -> list[T]:
        messages: list[T] = []
        for entry_id, fields in entries:
            try:
                messages.append(_decode_entry(self._key, entry_id, fields, self._kind).message)
            except BadMessage as error:
                # Any program may write here; a viewer needn't care, who obeys commands should.
                if self._on_dead is not None:
                    self._on_dead(error.reason, f"{self._key}: {error}")
        return messages


def is_local(settings: RedisSettings) -> bool:
    """Whether the server runs on this host, so that shared memory can reach everybody."""
    url = settings.url.get_secret_value() if settings.url else ""
    host = urlsplit(url).hostname
    return url.startswith("unix://") or host in ("127.0.0.1", "localhost", "::1")


def _id_pair(entry_id: bytes | str) -> tuple[int, int]:
    milliseconds, _, sequence = _text(entry_id).partition("-")
    return int(milliseconds), int(sequence or 0)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
