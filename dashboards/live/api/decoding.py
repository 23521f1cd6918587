"""From a request's text to checked values; every refusal names the field and what it may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec

from readroom.dashboards.live.api.asked import IN_PATH
from readroom.dashboards.live.api.operations import BASE, Operation, Refused

#: Bytes of a body: more than any of them needs.
LONGEST_BODY: Final = 16_384

S = TypeVar("S", bound=msgspec.Struct)

#: Query parameters that are the guard's.
_NOT_OURS: Final = frozenset({"token"})
_PLACE: Final = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<field>[^`]*)`)?$", re.DOTALL)


def decode_path(found: Mapping[str, str]) -> dict[str, Any]:
    """The parameters in a path. Raises Refused."""
    values: dict[str, Any] = {}
    for name, text in found.items():
        try:
            values[name] = msgspec.convert(text, IN_PATH[name], strict=False)
        except msgspec.ValidationError as error:
            raise Refused(400, f"{name} (in the path): {_lower(str(error))}") from None
    return values


def decode_query(query: str, kind: type[S]) -> S:
    """The query parameters. Raises Refused."""
    pairs = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in _NOT_OURS]
    values = dict(pairs)
    for name in values:
        if sum(given == name for given, _ in pairs) > 1:
            raise Refused(400, f"{name} (in the query): given more than once; give it once")
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Refused(400, _told("in the query", error)) from None


def decode_body(body: bytes, kind: type[S]) -> S:
    """A body of JSON; an empty one has no fields. Raises Refused."""
    try:
        return msgspec.convert(_whole(msgspec.json.decode(body or b"{}")), kind)
    except msgspec.ValidationError as error:
        raise Refused(400, _told("in the body", error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, f"the body is no JSON ({error}); send an object") from None


def _whole(value: Any) -> Any:
    """Fields with whole numbers as such: to JSON, 2.0 is one."""
    if not isinstance(value, dict):
        return value
    return {
        name: int(field) if isinstance(field, float) and field.is_integer() else field
        for name, field in value.items()
    }


def require_json(content_type: str | None, operation: Operation) -> None:
    """Whatever changes something comes as JSON: that is what a page of another site can't send
    without asking first. Raises Refused."""
    given = (content_type or "").partition(";")[0].strip().lower()
    if operation.body is not None and given != "application/json":
        raise Refused(
            415,
            f"Content-Type: {given[:100] or 'none is given'}; send JSON, with Content-Type: "
            "application/json",
        )


def _told(where: str, error: msgspec.ValidationError) -> str:
    match = _PLACE.match(str(error))
    what, field = (match["what"], match["field"]) if match else (str(error), None)
    named = f"{field} ({where})" if field else where
    return f"{named}: {_lower(what)}; {BASE}/openapi.json says what may be given"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
