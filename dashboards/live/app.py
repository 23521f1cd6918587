"""The live page's addresses: guarded, with headers that leave nothing to the browser's guess."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote, unquote

import msgspec
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from readroom.box import Box
from readroom.dashboards.live.hub import Hub, Mailbox
from readroom.dashboards.live.words import page_words
from readroom.guard import Guard

#: A silent event stream is sent a comment this often, s: proxies and dead browsers show.
KEEP_ALIVE_S: Final = 15.0
#: A browser that lost the stream tries again after this long, ms.
RETRY_MS: Final = 1000

_STATIC = Path(__file__).resolve().parent / "static"
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

#: Nothing but this server's own files is loaded or run, and no text can become markup.
_CONTENT_POLICY: Final = (
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "object-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_SECURITY_HEADERS: Final = {
    "Content-Security-Policy": _CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


def build_app(box: Box, hub: Hub, guard: Guard, port: int) -> ASGIApp:
    """The application. ``port`` is the one it is reached by (it names the token's cookie)."""
    page = _Page(box, hub)
    files = {path.name: _file(path) for path in sorted(_STATIC.iterdir()) if path.suffix in _TYPES}

    async def index(request: Request) -> Response:
        return files["index.html"]

    async def static(request: Request) -> Response:
        found = files.get(request.path_params["name"])
        return found if found is not None else PlainTextResponse("no such file\n", 404)

    app = Starlette(
        routes=[
            Route("/", index),
            Route("/static/{name}", static),
            Route("/words", page.words),
            Route("/state", page.state),
            Route("/events", page.events),
            Route("/healthz", page.healthz),
            Route("/readyz", page.readyz),
            Route("/metrics", page.metrics),
        ]
    )
    return Guarded(app, guard, f"readroom_token_{port}")


def _file(path: Path) -> Response:
    return Response(path.read_bytes(), media_type=_TYPES[path.suffix])


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


class _Page:
    """The handlers that need the box or the hub."""

    def __init__(self, box: Box, hub: Hub) -> None:
        self._box = box
        self._hub = hub

    async def words(self, request: Request) -> Response:
        return _json(page_words(self._hub.without_emotion))

    async def state(self, request: Request) -> Response:
        """The newest room state; null before the first."""
        return _json(self._hub.room)

    async def events(self, request: Request) -> Response:
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        mailbox = self._hub.open()
        if mailbox is None:
            return PlainTextResponse("too many open pages; close one and try again\n", 503)
        return StreamingResponse(
            _stream(self._hub, mailbox),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    async def healthz(self, request: Request) -> Response:
        return _health(*self._box.healthy())

    async def readyz(self, request: Request) -> Response:
        return _health(*self._box.ready())

    async def metrics(self, request: Request) -> Response:
        return Response(
            generate_latest(self._box.metrics), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )


def _health(good: bool, detail: str) -> Response:
    return PlainTextResponse(f"{detail}\n", 200 if good else 503)


async def _stream(hub: Hub, mailbox: Mailbox) -> AsyncIterator[bytes]:
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


class Guarded:
    """Refuses what the guard refuses, and adds the headers that every answer carries.

    A token given once as ``/?token=…`` is kept in a cookie that scripts can't read and other
    sites can't send. The page is answered at once instead of by a redirect: a redirect that
    began on another site wouldn't carry the cookie. Its script then takes the token out of the
    address bar.
    """

    def __init__(self, app: ASGIApp, guard: Guard, cookie: str) -> None:
        self._app = app
        self._guard = guard
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        in_address = parse_qs(scope["query_string"].decode("latin-1")).get("token", [None])[0]
        in_cookie = cookie_parser(headers.get("cookie", "")).get(self._cookie)
        token = in_address or (unquote(in_cookie) if in_cookie else None)
        refusal = self._guard.check(headers, token)
        keep = None
        if self._guard.token is not None and in_address and refusal is None:
            secure = "; Secure" if scope.get("scheme") == "https" else ""
            keep = f"{self._cookie}={quote(in_address, safe='')}; Path=/; HttpOnly; SameSite=Strict"
            keep += secure
        answer = self._app
        if refusal is not None:
            answer = PlainTextResponse(_refused(refusal.status, refusal.reason), refusal.status)
        await answer(scope, receive, _with_headers(send, keep))


def _refused(status: int, reason: str) -> str:
    hint = "; in a browser, open /?token=… once" if status == 401 else ""
    return f"{reason}{hint}\n"


def _with_headers(send: Send, cookie: str | None) -> Callable[[Message], Awaitable[None]]:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(_SECURITY_HEADERS)
            if cookie is not None:
                headers.append("Set-Cookie", cookie)
        await send(message)

    return sending
