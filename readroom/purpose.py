"""What a room's read-out is for: asked once in words, kept per room, and what follows from it.

In workplaces and education the EU AI Act, Art. 5(1)(f), prohibits inferring emotions. Whoever
points a camera at people there has to say so before anything is read, and then nothing may read
expressions by oversight. So:

- The question comes before the first source that isn't the demo room, whose people are painted.
- Nothing is guessed. Without a terminal to ask at, a start fails and names READROOM_PURPOSE.
- The answer is kept in a small file of the room, with who gave it and when. A file that can't be
  read stops a start: it may have said "workplace".
- A room that runs keeps its purpose. `readroom run` hands it to its processes, which don't look at
  the file again when they are started anew.
- Boxes on several machines agree on it through Redis: one that has none takes over the room's, and
  waits where nobody has said one yet; one that has another refuses to run.

docs/semantics/purpose.md says what each purpose allows.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

import msgspec
from redis.exceptions import OutOfMemoryError

from readroom.box import Box
from readroom.errors import BadSettings
from readroom.messages import PURPOSES, WITHOUT_EMOTION, Purpose
from readroom.settings import Settings
from readroom.streams import (
    NO_PURPOSE,
    REDIS_AWAY,
    Client,
    hold_purpose,
    room_purpose,
    wait_for_redis,
)
from readroom.words import PURPOSE_WORDS

#: Set by the supervisor: this process belongs to a run that has settled its purpose.
_SUPERVISED: Final = "READROOM_PARENT_PID"
#: How often a box looks whether the room has a purpose by now, s.
_LOOK_S: Final = 0.5


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a room: its purpose, who said so (user@host), when (UTC, ISO 8601)."""

    purpose: Purpose
    asked_of: str
    asked_at: str


Ask = Callable[[str], Purpose]


def settle(settings: Settings, *, real_camera: bool, ask: Ask | None) -> Settings:
    """The settings with their purpose, and with what it forbids taken out.

    READROOM_PURPOSE comes first, then what is kept of the room; then, where ``real_camera`` says
    that one will see people, ``ask(room)`` is called and its answer kept. ``ask`` is None where
    there is nobody to ask: BadSettings. Raises BadSettings for a file that can't be read or made.
    """
    found = decided(settings)
    if found is None and real_camera:
        if ask is None:
            raise BadSettings(
                f"purpose (READROOM_PURPOSE): room {settings.room} has none yet, and there is no "
                f"terminal to ask at; set it to one of {', '.join(PURPOSES)}, or say it with "
                f"`readroom purpose{_room_flag(settings.room)}`; workplace and education forbid "
                "expressions (EU AI Act, Art. 5(1)(f))"
            )
        found = ask(settings.room)
        keep(settings.data, settings.room, answered(found, time.time()))
    return allowed(settings.model_copy(update={"purpose": found}))


def decided(settings: Settings) -> Purpose | None:
    """The room's purpose as far as it is known: as set, else as kept. A process below a supervisor
    has been handed it, or there is none. Raises BadSettings for a file that can't be read."""
    if settings.purpose is not None or _SUPERVISED in os.environ:
        return settings.purpose
    found = kept(settings.data, settings.room)
    return found.purpose if found else None


def agree(box: Box, *, leads: bool) -> bool:
    """Settle a box's purpose with those of the room's other boxes before it reads anything; False
    where it was told to stop meanwhile.

    One that has none takes over theirs. Where nobody runs yet it waits, except for one that
    ``leads`` (a camera): what that one has is the room's. Below a supervisor it is settled already.
    Raises BadSettings where theirs is another.
    """
    if box.supervised:
        return True
    while not box.stopping.is_set():
        client = wait_for_redis(box.settings.redis, box.wait, box.log.warning)
        if client is None:
            break
        try:
            with client:
                return _agreed(box, client, leads)
        except (*REDIS_AWAY, OutOfMemoryError) as error:
            box.log.warning("Redis failed, trying again", error=type(error).__name__)
            box.wait(_LOOK_S)
    return False


def _agreed(box: Box, client: Client, leads: bool) -> bool:
    if box.settings.purpose is None:
        while (said := room_purpose(client, box.keys)) is None and not leads:
            box.set_ready(False, "no purpose (READROOM_PURPOSE), and no camera of the room yet")
            if box.wait(_LOOK_S):
                return False
        if said not in (None, NO_PURPOSE):
            taken = box.settings.model_copy(update={"purpose": named(said)})
            box.settings = allowed(taken)
            box.log.info("the room's purpose is taken over", purpose=said)
    hold_purpose(client, box.keys, box.settings.purpose)
    return True


def allowed(settings: Settings) -> Settings:
    """The settings without what their purpose forbids: no worker and no lane reads expressions."""
    if not settings.without_emotion:
        return settings
    return settings.model_copy(
        update={
            "workers": settings.workers.model_copy(update={"engines": settings.engines}),
            # Where none is named, it goes on being that of the engines.
            "lanes": settings.lane_names if settings.lanes else (),
        }
    )


def path_of(data: Path, room: str) -> Path:
    """Where a room's purpose is kept. A room's name is a legal file name."""
    return data / f"purpose.{room}.json"


def kept(data: Path, room: str) -> Kept | None:
    """What is kept of a room, None where nothing is. Raises BadSettings for what can't be read."""
    path = path_of(data, room)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Kept)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BadSettings(
            f"{path}: the purpose of room {room} can't be read from it ({reason}); say it again "
            f"with `readroom purpose PURPOSE{_room_flag(room)}`"
        ) from None


def keep(data: Path, room: str, value: Kept) -> None:
    """Keep a room's purpose, in a file that only this user can read; it is replaced whole, so that
    a crash leaves the old one or the new one. Raises BadSettings where it can't be written."""
    path = path_of(data, room)
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made with mode 0600, under a name that nobody else uses.
        handle, made = tempfile.mkstemp(dir=data, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(value)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(made, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(made)
            raise
    except OSError as error:
        raise BadSettings(
            f"{path}: the purpose of room {room} can't be kept ({error.strerror}); name another "
            "folder in READROOM_DATA"
        ) from None


def answered(purpose: Purpose, at: float) -> Kept:
    """A purpose with who says so and when (``at``: Unix seconds)."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # A user id without a name, as containers have.
        user = str(os.getuid())
    moment = datetime.fromtimestamp(at, UTC)
    return Kept(
        purpose=purpose,
        asked_of=f"{user}@{socket.gethostname()}",
        asked_at=moment.isoformat(timespec="seconds"),
    )


def named(text: str) -> Purpose:
    """The purpose of that name. Raises BadSettings with the names there are."""
    for purpose in PURPOSES:
        if text == purpose:
            return purpose
    raise BadSettings(f"purpose={text!r}: no such purpose; there are {', '.join(PURPOSES)}")


def asker(source: TextIO, sink: TextIO) -> Ask | None:
    """Asks at a terminal; None where ``source`` is none."""
    return (lambda room: _asked(room, source, sink)) if source.isatty() else None


def _asked(room: str, source: TextIO, sink: TextIO) -> Purpose:
    """Ask until one of the choices is named, by number or name."""
    words = PURPOSE_WORDS
    print(words.question.format(room=room), file=sink)
    for number, text in enumerate(words.choices.values(), 1):
        print(f"  {number}  {text}", file=sink)
    print(words.article, file=sink)
    while True:
        print(words.prompt.format(count=len(PURPOSES)), end="", file=sink, flush=True)
        line = source.readline()
        if not line:
            raise BadSettings(
                f"purpose (READROOM_PURPOSE): not answered for room {room}; nothing is read before "
                f"it is one of {', '.join(PURPOSES)}"
            )
        answer = line.strip()
        found = chosen(answer)
        if found is not None:
            print(words.kept.format(room=room), file=sink)
            return found
        print(words.again.format(answer=repr(answer), count=len(PURPOSES)), file=sink)


def chosen(answer: str) -> Purpose | None:
    """The purpose that an answer names, by its number (from 1) or its name; None: neither."""
    if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(PURPOSES):
        return PURPOSES[int(answer) - 1]
    return next((purpose for purpose in PURPOSES if answer.lower() == purpose), None)


def notice(settings: Settings) -> str:
    """What whoever starts a room is told of its purpose; nothing where it forbids nothing."""
    if settings.purpose not in WITHOUT_EMOTION:
        return ""
    return PURPOSE_WORDS.forbids.format(purpose=settings.purpose)


def describe(settings: Settings, running: str | None = None) -> str:
    """A room's purpose in words: which, since when, by whom, what overrules it, and what the room
    runs for now (``running``, as streams.room_purpose; None: it doesn't, as far as is known).

    Raises BadSettings for a file that can't be read.
    """
    words = PURPOSE_WORDS
    found = kept(settings.data, settings.room)
    lines = [words.unknown.format(room=settings.room)]
    if found is not None:
        meaning = words.choices[found.purpose]
        lines = [
            f"Room {settings.room}: {found.purpose} ({meaning})",
            f"said by {found.asked_of} at {found.asked_at}",
        ]
    if settings.purpose is not None:
        lines.append(words.overruled.format(purpose=settings.purpose))
    if running is not None:
        says = words.painted if running == NO_PURPOSE else words.running
        lines.append(says.format(room=settings.room, purpose=running))
    notices = notice(settings.model_copy(update={"purpose": decided(settings)}))
    return "\n".join([*lines, *([notices] if notices else []), words.later])


def _room_flag(room: str) -> str:
    return "" if room == "room" else f" --room {room}"
