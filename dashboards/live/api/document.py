"""The OpenAPI 3.1 document, and docs/api.md's table, of the declared operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from readroom import __version__
from readroom.dashboards.live.api.answers import Problem
from readroom.dashboards.live.api.asked import IN_PATH
from readroom.dashboards.live.api.catalogue import OPERATIONS
from readroom.dashboards.live.api.operations import BASE, Nothing, Operation
from readroom.dashboards.live.hub import HistoryMessage, RoomMessage, Status

_REFERENCE: Final = "#/components/schemas/{name}"
#: What the stream's text names.
_STREAMED: Final = (HistoryMessage, RoomMessage, Status)

_ABOUT: Final = (
    "What the live page does and shows. Times are session time in seconds, but `…_at`: Unix "
    "seconds. Every request has to name this server in its Host header, and where a browser sends "
    "an Origin, that has to be this server, too (421, 403). Whatever changes something needs the "
    "token, as `Authorization: Bearer …`; so does every other request where the server listens "
    "beyond loopback, or is reached by the name of a proxy. A browser that has opened `/?token=…` "
    "once sends it as a cookie."
)
_EVERYWHERE: Final = {
    400: "Something that was given is no such thing; the error names it.",
    403: "A request from another site, or one that this server never does.",
    421: "The server isn't reached by that Host.",
    500: "A bug in readroom.",
    503: "The session store, or another part that is needed, can't be used now.",
}


def document(*, open_to_read: bool) -> dict[str, Any]:
    """The document of a server; ``open_to_read``: what changes nothing needs no token."""
    kinds = [*_types(), *IN_PATH.values(), Problem, *_STREAMED]
    described, schemas = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    schema_of = dict(zip((id(kind) for kind in kinds), described, strict=True))
    paths: dict[str, dict[str, Any]] = {
        f"{BASE}/openapi.json": {"get": _own(open_to_read)},
    }
    for operation in OPERATIONS:
        methods = paths.setdefault(f"{BASE}{operation.path}", {})
        methods[operation.method.lower()] = {
            "operationId": operation.name,
            "summary": operation.summary,
            **({"description": operation.text} if operation.text else {}),
            "security": _security(operation.writes, open_to_read),
            "parameters": [
                *(_in_path(name, schema_of) for name in operation.parameters),
                *_in_query(schemas.get(operation.query.__name__, {})),
            ],
            **_request(operation, schema_of),
            "responses": _responses(operation, schema_of, open_to_read),
        }
    for operation in OPERATIONS:  # Their fields stand at the operations as parameters.
        schemas.pop(operation.query.__name__, None) if operation.query is not Nothing else None
    return {
        "openapi": "3.1.0",
        "info": {"title": "readroom", "version": __version__, "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def table() -> Iterator[tuple[str, str, str]]:
    """For people: address, what it is asked, what it does."""
    for operation in OPERATIONS:
        fields = [*_fields(operation.query), *_fields(operation.body)]
        yield f"{operation.method} {BASE}{operation.path}", ", ".join(fields), operation.summary


def _fields(kind: type[msgspec.Struct] | None) -> list[str]:
    if kind is None:
        return []
    return [
        field.encode_name if field.required else f"{field.encode_name}?"
        for field in msgspec.structs.fields(kind)
    ]


def _types() -> Iterator[Any]:
    for operation in OPERATIONS:
        yield operation.query
        if operation.body is not None:
            yield operation.body
        if not isinstance(operation.answer, str):
            yield operation.answer


def _security(writes: bool, open_to_read: bool) -> list[dict[str, list[str]]]:
    token: dict[str, list[str]] = {"token": []}
    return [token] if writes or not open_to_read else [{}, token]


def _in_path(name: str, schema_of: dict[int, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema_of[id(IN_PATH[name])]}


def _in_query(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, value in schema.get("properties", {}).items():
        required = name in schema.get("required", ())
        yield {"name": name, "in": "query", "required": required, "schema": value}


def _request(operation: Operation, schema_of: dict[int, Any]) -> dict[str, Any]:
    if operation.body is None:
        return {}
    schema = schema_of[id(operation.body)]
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _responses(
    operation: Operation, schema_of: dict[int, Any], open_to_read: bool
) -> dict[str, Any]:
    if isinstance(operation.answer, str):
        text = operation.answer.startswith("text/")
        content = {operation.answer: {"schema": {"type": "string"} if text else {}}}
    else:
        content = {"application/json": {"schema": schema_of[id(operation.answer)]}}
    found = {"200": {"description": operation.summary + ".", "content": content}}
    if operation.accepted:
        found["202"] = {"description": operation.accepted, "content": content}
    refusals = {**_EVERYWHERE, **_for_its_kind(operation, open_to_read), **operation.refusals}
    for status, meaning in sorted(refusals.items()):
        found[str(status)] = _refusal(meaning, schema_of)
    return found


def _for_its_kind(operation: Operation, open_to_read: bool) -> dict[int, str]:
    found = {}
    if operation.writes or not open_to_read:
        found[401] = "The token is missing or wrong."
    if operation.body is not None:
        found[413] = "The body is too long."
        found[415] = "The body has to be JSON, and say so."
    return found


def _refusal(meaning: str, schema_of: dict[int, Any]) -> dict[str, Any]:
    return {
        "description": meaning,
        "content": {"application/json": {"schema": schema_of[id(Problem)]}},
    }


def _own(open_to_read: bool) -> dict[str, Any]:
    return {
        "operationId": "openapi",
        "summary": "This document",
        "security": _security(False, open_to_read),
        "responses": {
            "200": {
                "description": "OpenAPI 3.1.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            }
        },
    }
