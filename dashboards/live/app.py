"""The live page's addresses: guarded, with headers that leave nothing to the browser's guess."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import resources
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote, unquote

import msgspec
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from readroom.box import Box
from readroom.dashboards.live.api.operations import Api
from readroom.dashboards.live.api.routes import api_routes, problem
from readroom.dashboards.live.hub import Hub
from readroom.dashboards.live.words import page_words
from readroom.guard import Guard, Refusal
from readroom.messages import ENGINES, PLAIN_ENGINES

#: Methods that change nothing, whatever they are sent to.
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

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


def build_app(box: Box, api: Api, guard: Guard, port: int) -> ASGIApp:
    """The application. ``port`` is the one it is reached by (it names the token's cookie)."""
    page = _Page(box, api.hub)
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
            Route("/cards/{engine}", page.card),
            Route("/healthz", page.healthz),
            Route("/readyz", page.readyz),
            Route("/metrics", page.metrics),
            *api_routes(api, box.log, open_to_read=guard.open_to_read),
        ]
    )
    return Guarded(app, guard, f"readroom_token_{port}")


def _file(path: Path) -> Response:
    return Response(path.read_bytes(), media_type=_TYPES[path.suffix])


class _Page:
    """The handlers that need the box or the hub."""

    def __init__(self, box: Box, hub: Hub) -> None:
        self._box = box
        self._hub = hub

    async def words(self, request: Request) -> Response:
        said = msgspec.json.encode(page_words(self._hub.without_emotion))
        return Response(said, media_type="application/json")

    async def card(self, request: Request) -> Response:
        """The card of the network that is shipped for an engine: what it can, and what it can't."""
        engine = request.path_params["engine"]
        told = PLAIN_ENGINES if self._hub.without_emotion else ENGINES
        text = _card(engine) if engine in told else None
        if text is None:
            return PlainTextResponse(f"no network with a card is shipped for {engine!r}\n", 404)
        return PlainTextResponse(text)

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


def _card(engine: str) -> str | None:
    """Markdown; None where no network is shipped for that engine. It is read where it is installed:
    a page needs no networks."""
    card = resources.files("readroom").joinpath("models", "weights", f"{engine}.md")
    return card.read_text("utf-8") if card.is_file() else None


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
        refusal = self._guard.check(headers, token, writes=scope["method"] not in _READS)
        may_write = refusal is None and self._guard.carries_token(headers, token)
        scope["may_write"] = may_write
        keep = None
        if in_address and may_write:
            secure = "; Secure" if scope.get("scheme") == "https" else ""
            keep = f"{self._cookie}={quote(in_address, safe='')}; Path=/; HttpOnly; SameSite=Strict"
            keep += secure
        answer = self._app
        if refusal is not None:
            answer = _refusal(scope["path"], refusal)
        await answer(scope, receive, _with_headers(send, keep))


def _refusal(path: str, refusal: Refusal) -> Response:
    asks = refusal.status == 401
    reason = refusal.reason + ("; in a browser, open /?token=… once" if asks else "")
    headers = {"WWW-Authenticate": "Bearer"} if asks else {}
    if path.startswith("/api/"):
        return problem(refusal.status, reason, **headers)
    return PlainTextResponse(f"{reason}\n", refusal.status, headers)


def _with_headers(send: Send, cookie: str | None) -> Callable[[Message], Awaitable[None]]:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            if cookie is not None:
                headers.append("Set-Cookie", cookie)
        await send(message)

    return sending
