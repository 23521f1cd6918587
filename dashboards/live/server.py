"""The live page's process: the reader in the main thread, the web server in another.

So the box's own signals stay in the main thread, and uvicorn, which takes signals only there,
leaves them alone.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from readroom.box import Box
from readroom.dashboards.live.api.operations import Api, Picture
from readroom.dashboards.live.api.room import RunningRoom
from readroom.dashboards.live.app import build_app
from readroom.dashboards.live.follow import BLOCK_MS, Follower
from readroom.dashboards.live.hub import Hub
from readroom.errors import BadSettings, ReadroomError
from readroom.guard import Guard
from readroom.metrics import LiveMetrics
from readroom.settings import Settings
from readroom.streams import wait_for_redis

#: Time that open connections get to end by themselves when the box stops, s.
GRACE_S: Final = 0.4
#: Time after which a server that doesn't come up or go down is given up, s.
GIVE_UP_S: Final = 5.0


def main(box: Box) -> None:
    """Serve the live page until the box stops. Raises BadSettings where the port is taken.

    The box's detail (BoxInfo.detail) is the page's address.
    """
    settings = box.settings
    metrics = LiveMetrics(box.metrics, settings.room)
    hub = Hub(time.time, metrics.viewers.set, silent=settings.without_emotion)
    with listen(settings.http.host, settings.http.port) as listening:
        port = int(listening.getsockname()[1])
        address = page_address(settings.http.host, port)
        guard = Guard.of(settings.http)
        api = Api(settings, hub, RunningRoom(settings), time.time, pictures_of(settings))
        with PageServer(build_app(box, api, guard, port), hub, listening) as server:
            box.set_ready(False, "waiting for Redis")
            box.log.info("the live page is open", address=address)
            if guard.token is None:
                box.log.info("READROOM_HTTP__TOKEN isn't set: the page changes nothing")
            client = wait_for_redis(
                settings.redis, box.wait, box.log.warning, block_s=BLOCK_MS / 1000
            )
            if client is not None:
                with client:
                    Follower(box, client, hub, server.post, metrics, address).run()


def pictures_of(settings: Settings) -> Callable[[str], Picture] | None:
    """What gives a camera's newest picture; None where pictures are off."""
    if settings.http.pictures == "off":
        return None
    # Decoders are loaded where they are wanted.
    from readroom.dashboards.live.pictures import Pictures  # noqa: PLC0415

    return Pictures(settings).newest


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; BadSettings names the port and the remedy where that fails."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(where)
            listening.listen(128)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise BadSettings(
            f"the live page can't listen on {host}:{port} ({error.strerror}): stop what uses "
            "that port, or choose another with READROOM_HTTP__PORT (0: any free one)"
        ) from None
    return listening


def page_address(host: str, port: int) -> str:
    """The address to open: loopback where the server listens on every address."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{reached}]:{port}/" if ":" in reached else f"http://{reached}:{port}/"


class PageServer:
    """uvicorn in a thread of its own: open inside ``with``, gone soon after it."""

    def __init__(self, app: ASGIApp, hub: Hub, listening: socket.socket) -> None:
        self._hub = hub
        self._listening = listening
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,  # Addresses may carry a token.
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(target=self._run, daemon=True, name="live-page")
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> PageServer:
        self._thread.start()
        deadline = time.monotonic() + GIVE_UP_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise ReadroomError("the live page's web server didn't start; see the log above")
            time.sleep(0.01)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._thread.is_alive():
            self.post(self._hub.close)
        self._server.should_exit = True
        self._thread.join(GRACE_S)
        # What is left is a browser that doesn't read: it isn't waited for.
        self._server.force_exit = True
        self._thread.join(GIVE_UP_S)

    def post(self, call: Callable[..., None], *arguments: object) -> None:
        """Call a function of the hub in the web server's thread, without waiting for it."""
        if self._loop is None or self._loop.is_closed():
            raise ReadroomError("the live page's web server has ended; see the log above")
        self._loop.call_soon_threadsafe(call, *arguments)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve(sockets=[self._listening])
