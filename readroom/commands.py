"""Saying something to a room that runs: commands and markers, into its ``commands`` stream.

The aggregator reads them in order with a stored position; each has an id of its own, so that one
that is sent twice counts once. What became of one it says once that is on disk: :func:`ask` waits
for it.

A room that ``readroom run`` started has a private Redis, whose address nobody else is told. It
lies in a folder that only its user can enter, so a command of that user finds it by looking there.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from pydantic import SecretStr
from redis.exceptions import OutOfMemoryError

from readroom.errors import BadSettings, ReadroomError
from readroom.messages import MAX_SLOTS, BoxInfo, Command, Marker, Outcome
from readroom.redis_server import socket_path
from readroom.settings import RedisSettings, Settings
from readroom.streams import (
    REDIS_AWAY,
    Client,
    Keys,
    add,
    connect,
    read_boxes,
    read_outcome,
    room_purpose,
)

#: Commands kept while nobody reads them: far more than a person gives in a session.
COMMANDS_KEPT: Final = 1000
#: Longest title, note or label, characters: as settings.title.
LONGEST_TEXT: Final = 300
#: A registration older than this is of an aggregator that is gone, s (they register every second).
ALIVE_S: Final = 10.0
#: Folders of private servers, as readroom.run makes them.
_PRIVATE: Final = "readroom-*"

#: How long somebody waits to hear what became of their command, s. The aggregator looks for
#: commands ten times a second, and commits at once what they changed.
ANSWER_S: Final = 2.0
#: How often it is looked for an answer, s.
_LOOK_S: Final = 0.02

Verb = Literal["start", "stop", "title", "note", "merge", "split", "rename"]


def command(
    room: str,
    verb: Verb,
    *,
    text: str = "",
    slot: int | None = None,
    other: int | None = None,
    camera: str | None = None,
) -> Command:
    """A command to give now, with an id that no other has. Raises BadSettings for a text that is
    too long, missing where the verb is about one, or a person merged with themselves."""
    if verb == "merge" and slot == other:
        raise BadSettings(f"merge P{slot} P{other}: name two people; these are one already")
    return Command(
        room=room,
        at=time.time(),
        verb=verb,
        id=uuid.uuid4().hex,
        text=one_line(verb, text, needed=verb in ("title", "note")),
        slot=slot,
        other=other,
        camera=camera,
    )


def marker(
    room: str, label: str, *, identity: str | None = None, time_s: float | None = None
) -> Marker:
    """A marker of this moment, or of ``time_s`` (session time), with the id ``identity`` or one
    that no other has. Raises BadSettings for a label that is empty or too long."""
    label = one_line("mark", label, needed=True)
    named = identity or uuid.uuid4().hex
    return Marker(room=room, at=time.time(), label=label, id=named, time_s=time_s)


def one_line(what: str, text: str, *, needed: bool) -> str:
    """One line without control characters, of at most LONGEST_TEXT. Raises BadSettings, which names
    ``what`` but not the text: it may be somebody's name."""
    line = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text).split())
    if needed and not line:
        raise BadSettings(f"{what}: the text is empty; write some words behind it, in quotes")
    if len(line) > LONGEST_TEXT:
        raise BadSettings(f"{what}: {len(line)} characters; {LONGEST_TEXT} at most")
    return line


def slot_of(pseudonym: str) -> int:
    """The slot of a person as they are called on the page: 3 for "P3", "p3" or "3".

    Raises BadSettings for anything else.
    """
    found = re.fullmatch(r"[Pp]?([0-9]{1,3})", pseudonym)
    if found is None or not 1 <= int(found[1]) <= MAX_SLOTS:
        raise BadSettings(f"{pseudonym!r}: nobody is called so; people are P1 to P{MAX_SLOTS}")
    return int(found[1])


def send(client: Client, keys: Keys, message: Command | Marker) -> None:
    """Put it into the room's commands. Raises ReadroomError where the server can't take it."""
    try:
        add(client, keys.commands, message, maxlen=COMMANDS_KEPT)
    except OutOfMemoryError:
        raise ReadroomError("Redis is out of memory and takes no command; try again") from None


def ask(client: Client, keys: Keys, message: Command | Marker) -> Outcome | None:
    """Send it, and wait at most ANSWER_S to hear what became of it; None where nobody has said it
    by then: it may still be done. Raises ReadroomError where the server can't take it."""
    send(client, keys, message)
    until = time.monotonic() + ANSWER_S
    while (outcome := read_outcome(client, keys, message.id)) is None:
        if time.monotonic() >= until:
            return None
        time.sleep(_LOOK_S)
    return outcome


@contextlib.contextmanager
def running_room(settings: Settings) -> Iterator[Client]:
    """A client of the Redis in which the room's aggregator runs, closed afterwards.

    Raises ReadroomError where none does, BadSettings for an address or password that is wrong.
    """
    with contextlib.closing(_connected(settings)) as client:
        try:
            require_aggregator(client, settings.room, time.time())
            yield client
        except REDIS_AWAY as error:
            raise ReadroomError(
                f"Redis went away ({type(error).__name__}): is the server up?"
            ) from None


def running_purpose(settings: Settings) -> str | None:
    """What the room runs for now, as streams.room_purpose; None where none runs that this machine
    can reach. Who asks for a purpose is answered also where Redis doesn't."""
    try:
        with contextlib.closing(_connected(settings)) as client:
            return room_purpose(client, Keys(settings.room))
    except (ReadroomError, *REDIS_AWAY):
        return None


def require_aggregator(client: Client, room: str, now: float) -> None:
    """Raise ReadroomError where no aggregator of the room has registered lately (``now``: Unix
    seconds)."""
    found = _aggregators(client, room)
    if not found:
        raise ReadroomError(
            f"room {room} doesn't run: no aggregator is registered; start it with `readroom run` "
            "(or `readroom aggregate`), or name another with --room"
        )
    newest = max(box.at for box in found)
    if now - newest > ALIVE_S:
        raise ReadroomError(
            f"room {room} doesn't run any more: its aggregator was last heard of "
            f"{now - newest:.0f} s ago; start it again"
        )


def _aggregators(client: Client, room: str) -> list[BoxInfo]:
    return [box for box in read_boxes(client, Keys(room)).values() if box.kind == "aggregate"]


def _connected(settings: Settings) -> Client:
    if settings.redis.url is not None:
        return connect(settings.redis)
    for path in private_sockets(Path(tempfile.gettempdir())):
        client = _answering(path)
        if client is None:
            continue
        if _aggregators(client, settings.room):
            return client
        client.close()
    raise ReadroomError(
        f"room {settings.room} doesn't run on this machine: start it with `readroom run`, name "
        "another with --room, or set READROOM_REDIS__URL where it runs against a Redis of its own"
    )


def private_sockets(folder: Path) -> list[Path]:
    """Sockets of the private servers that runs of this user have started below ``folder`` (where
    temporary files lie), newest first. Other users' folders are left alone."""
    found = []
    for made in folder.glob(_PRIVATE):
        with contextlib.suppress(OSError):  # Gone meanwhile, or not ours to enter.
            status = made.lstat()
            if status.st_uid == os.getuid() and socket_path(made).is_socket():
                found.append((status.st_mtime, socket_path(made)))
    return [path for _, path in sorted(found, reverse=True)]


def _answering(path: Path) -> Client | None:
    try:
        return connect(RedisSettings(url=SecretStr(f"unix://{path}")))
    except ReadroomError:  # What a run that was killed left behind.
        return None
