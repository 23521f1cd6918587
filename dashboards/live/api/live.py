"""The running room: what it looks like, and what somebody asks of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from msgspec import UNSET
from starlette.responses import Response, StreamingResponse

from readroom import __version__, commands
from readroom.dashboards.live.api.answers import About, Done
from readroom.dashboards.live.api.asked import (
    MarkerBody,
    MergeBody,
    NameBody,
    NoteBody,
    SplitBody,
    StartBody,
    TitleBody,
)
from readroom.dashboards.live.api.operations import Api, Call, Nothing, Refused
from readroom.dashboards.live.hub import Hub, Mailbox
from readroom.errors import BadSettings
from readroom.messages import Command, Marker, RoomState

#: A silent event stream is sent a comment this often, s: proxies and dead browsers show.
KEEP_ALIVE_S: Final = 15.0
#: A browser that lost the stream tries again after this long, ms.
RETRY_MS: Final = 1000


async def about(api: Api, call: Call[Nothing, None]) -> About:
    """This server, and whether the request may change something."""
    room = api.hub.room
    return About(
        version=__version__,
        room=api.settings.room,
        may_write=call.may_write,
        pictures=api.settings.http.pictures,
        without_emotion=api.without_emotion,
        purpose=api.settings.purpose or (None if room is None else room.purpose),
    )


async def room(api: Api, call: Call[Nothing, None]) -> RoomState | None:
    """The newest room state; None before the first."""
    return api.hub.room


async def stream(api: Api, call: Call[Nothing, None]) -> Response:
    """Everything as it happens."""
    if call.head:
        return Response(media_type="text/event-stream")
    mailbox = api.hub.open()
    if mailbox is None:
        raise Refused(503, "too many open pages; close one and try again")
    return StreamingResponse(
        _messages(api.hub, mailbox),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _messages(hub: Hub, mailbox: Mailbox) -> AsyncIterator[bytes]:
    """A viewer's messages until it leaves (then this is cancelled) or the server stops."""
    try:
        yield b"retry: %d\n\n" % RETRY_MS
        while True:
            try:
                messages = await asyncio.wait_for(mailbox.take(), KEEP_ALIVE_S)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            if messages is None:
                return
            yield messages
    finally:
        hub.leave(mailbox)


def start_session(api: Api, call: Call[Nothing, StartBody]) -> Done:
    """From now on, what is read is stored."""
    return _do(api, "start", text=call.body.title)


def stop_session(api: Api, call: Call[Nothing, Nothing]) -> Done:
    """The running session ends."""
    return _do(api, "stop")


def retitle_running(api: Api, call: Call[Nothing, TitleBody]) -> Done:
    """The running session, or the next, gets another title."""
    return _do(api, "title", text=call.body.title)


def add_note(api: Api, call: Call[Nothing, NoteBody]) -> Done:
    """A note about the running session."""
    return _do(api, "note", text=call.body.text)


def add_marker(api: Api, call: Call[Nothing, MarkerBody]) -> Done:
    """A moment of the session is marked."""
    body = call.body
    marker = commands.marker(
        api.settings.room,
        body.label,
        identity=None if body.id is UNSET else body.id,
        time_s=None if body.time_s is UNSET else body.time_s,
    )
    return _ask(api, marker)


def rename_slot(api: Api, call: Call[Nothing, NameBody]) -> Done:
    """What somebody in the room is called."""
    return _do(api, "rename", slot=call.path["slot"], text=call.body.name or "")


def merge_people(api: Api, call: Call[Nothing, MergeBody]) -> Done:
    """Two people are one."""
    return _do(api, "merge", slot=call.path["slot"], other=call.body.other)


def split_person(api: Api, call: Call[Nothing, SplitBody]) -> Done:
    """Whom a camera sees as a person is somebody else."""
    return _do(api, "split", slot=call.path["slot"], camera=call.body.camera)


def camera_picture(api: Api, call: Call[Nothing, None]) -> Response:
    """The camera's newest picture, as far as the settings let it be seen."""
    camera = call.path["camera"]
    if api.picture is None:
        raise Refused(
            404,
            "pictures are off; READROOM_HTTP__PICTURES=blurred shows them with blurred faces",
        )
    picture = api.picture(camera)
    if picture.jpeg is None:
        raise Refused(404, f"camera={camera}: {picture.reason}")
    return Response(picture.jpeg, media_type="image/jpeg")


def _do(api: Api, verb: commands.Verb, **words: Any) -> Done:
    try:
        command = commands.command(api.settings.room, verb, **words)
    except BadSettings as error:  # Two people who are one already.
        raise Refused(409, str(error)) from None
    return _ask(api, command)


def _ask(api: Api, message: Command | Marker) -> Done:
    outcome = api.room.ask(message)
    if outcome is None:
        return Done(done=None, id=message.id)
    if outcome.refused:
        raise Refused(409, outcome.refused)
    return Done(done=True, id=message.id)
