"""What would make ``readroom run`` end with exit code 2, looked at before anything starts.

A port that is taken, a folder that can't be written, a network with a wrong hash: found by a
child, each would cost some seconds, several lines and a start of everything else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from readroom.box import bind
from readroom.errors import BadSettings, ReadroomError
from readroom.redis_server import NoServer, server_program
from readroom.settings import Settings
from readroom.streams import connect


def check(settings: Settings) -> None:
    """Raise BadSettings for the first thing that a run would stumble over."""
    for problem in problems(settings):
        raise BadSettings(problem)


def problems(settings: Settings) -> Iterator[str]:
    """One line for each thing in the way of a run, with its remedy."""
    http = settings.http
    for port in (http.port, http.metrics_port):
        try:
            bind(http.host, port, BaseHTTPRequestHandler).server_close()
        except BadSettings as error:
            yield str(error)
    yield from _data_folder(settings.data)
    try:
        if settings.redis.url is None:
            server_program()
        else:
            connect(settings.redis).close()
    except (ReadroomError, NoServer) as error:
        yield str(error)


def _data_folder(folder: Path) -> Iterator[str]:
    """The session store's folder is made if it isn't there; nothing is written into it here."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        yield f"data={folder} (READROOM_DATA): can't be made ({error.strerror}); name another"
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield f"data={folder} (READROOM_DATA): can't be written; name another"
