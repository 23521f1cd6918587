"""From the declared operations to answers: routing, validation, and errors as JSON."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from readroom.dashboards.live.api.answers import Done, Problem
from readroom.dashboards.live.api.catalogue import OPERATIONS
from readroom.dashboards.live.api.decoding import (
    LONGEST_BODY,
    decode_body,
    decode_path,
    decode_query,
    require_json,
)
from readroom.dashboards.live.api.document import document
from readroom.dashboards.live.api.operations import BASE, Api, Call, Operation, Refused
from readroom.errors import BadSettings, ReadroomError
from readroom.log import Log
from readroom.redaction import redact
from readroom.sessions.backup import readable
from readroom.sessions.file import NotStored, StillRuns

#: Operations that take seconds of a processor and much memory, at once: streams go on beside them.
MOST_HEAVY: Final = 1
#: Methods that any address is asked with; others than an address has are told to be none of its.
_METHODS: Final = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"
]  # fmt: skip


def api_routes(api: Api, log: Log, *, open_to_read: bool) -> list[BaseRoute]:
    """Routes below BASE, a last one for what there isn't among them."""
    by_path: dict[str, list[Operation]] = {}
    for operation in OPERATIONS:
        by_path.setdefault(operation.path, []).append(operation)
    heavy = asyncio.Semaphore(MOST_HEAVY)
    routes = [
        _Endpoint(api, log, heavy, operations).route(f"{BASE}{path}")
        for path, operations in by_path.items()
    ]
    described = msgspec.json.encode(document(open_to_read=open_to_read))
    return [
        *routes,
        Route(f"{BASE}/openapi.json", _only_get(described), methods=_METHODS),
        Route("/api/{rest:path}", _nothing, methods=_METHODS),
    ]


def problem(status: int, reason: str, **headers: str) -> Response:
    """A refusal as JSON."""
    return _json(Problem(error=reason), status, headers)


class _Endpoint:
    """The operations of one path."""

    def __init__(
        self, api: Api, log: Log, heavy: asyncio.Semaphore, operations: Sequence[Operation]
    ) -> None:
        self._api = api
        self._log = log
        self._heavy = heavy
        self._operations = {operation.method: operation for operation in operations}

    def route(self, path: str) -> Route:
        """All methods: those that there aren't are refused as such."""
        return Route(path, self.answer, methods=_METHODS)

    async def answer(self, request: Request) -> Response:
        """One request."""
        method = "GET" if request.method == "HEAD" else request.method
        operation = self._operations.get(method)
        if operation is None:
            return _not_allowed(request.method, self._operations)
        try:
            return await self._answer(operation, request)
        except Refused as error:
            return problem(error.status, str(error))
        except ReadroomError as error:
            return problem(_status(error), redact(str(error)))
        except ClientDisconnect:
            raise
        except Exception:
            self._log.error(
                "this is a bug in readroom",
                operation=operation.name,
                traceback=traceback.format_exc(),
            )
            return problem(500, "this is a bug in readroom; the server's log says more")

    async def _answer(self, operation: Operation, request: Request) -> Response:
        require_json(request.headers.get("content-type"), operation)
        call: Call[Any, Any] = Call(
            path=decode_path(request.path_params),
            query=decode_query(request.url.query, operation.query),
            body=None
            if operation.body is None
            else decode_body(await _body(request), operation.body),
            may_write=bool(request.scope.get("may_write")),
            head=request.method == "HEAD",
        )
        if inspect.iscoroutinefunction(operation.handle):
            return _encoded(await operation.handle(self._api, call))

        def work() -> Response:
            with readable(self._api.settings.data):
                # Encoded here as well: a long answer would hold up everybody's streams.
                return _encoded(operation.handle(self._api, call))

        async with self._heavy if operation.heavy else contextlib.nullcontext():
            return await run_in_threadpool(work)


def _encoded(answer: Any) -> Response:
    if isinstance(answer, Response):
        return answer
    unheard = isinstance(answer, Done) and answer.done is None
    return _json(answer, 202 if unheard else 200)


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = msgspec.json.encode(value)
    return Response(body, status, media_type="application/json", headers=headers)


async def _body(request: Request) -> bytes:
    """The body, as far as it may be long."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise Refused(413, f"the body is longer than {LONGEST_BODY} bytes; send less")
    return body


def _status(error: ReadroomError) -> int:
    if isinstance(error, NotStored):
        return 404
    if isinstance(error, StillRuns):
        return 409
    return 400 if isinstance(error, BadSettings) else 503


def _not_allowed(method: str, there: Sequence[str] | dict[str, Operation]) -> Response:
    allowed = ", ".join(sorted({*there, *(["HEAD"] if "GET" in there else [])}))
    return problem(405, f"{method}: this address knows {allowed}", Allow=allowed)


def _only_get(body: bytes) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return _not_allowed(request.method, ["GET"])
        return Response(body, media_type="application/json")

    return answer


async def _nothing(request: Request) -> Response:
    return problem(404, f"there is no such address; {BASE}/openapi.json lists what there is")
