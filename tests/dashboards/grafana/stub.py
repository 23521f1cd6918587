"""A stand-in for Grafana that takes what its HTTP API takes, and refuses the rest.

Only what ``readroom grafana`` uses. CONTRACT holds the facts of Grafana's published description of
its API; test_stub.py compares them with the description itself, where that lies beside the
checkout. It keeps folders, dashboards with versions, and annotations with tags; it can't show how
any of them looks.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema

TOKEN = "glsa_a-token-of-a-service-account"

_TEXT = {"type": "string"}
_WHOLE = {"type": "integer"}
_ANY = {"type": "object"}
_TEXTS = {"type": "array", "items": _TEXT}


def _of(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """A body's schema: stricter than Grafana's, which lets unknown fields pass."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


@dataclass(frozen=True, slots=True)
class Operation:
    """What one operation of the API takes: the body, and the query's parameters by type."""

    body: dict[str, Any] | None = None
    query: dict[str, str] = field(default_factory=dict)


#: (method, path below /api) → what it takes.
CONTRACT: dict[tuple[str, str], Operation] = {
    ("get", "/folders/{folder_uid}"): Operation(),
    ("post", "/folders"): Operation(
        _of(description=_TEXT, parentUid=_TEXT, title=_TEXT, uid=_TEXT)
    ),
    ("get", "/dashboards/uid/{uid}"): Operation(),
    ("post", "/dashboards/db"): Operation(
        _of(
            dashboard=_ANY,
            folderId=_WHOLE,
            folderUid=_TEXT,
            isFolder={"type": "boolean"},
            message=_TEXT,
            overwrite={"type": "boolean"},
            userId=_WHOLE,
        )
    ),
    ("get", "/annotations"): Operation(
        query={
            **{"from": "integer", "to": "integer", "userId": "integer", "alertId": "integer"},
            **{"dashboardId": "integer", "dashboardUID": "string", "panelId": "integer"},
            **{"limit": "integer", "tags": "array", "type": "string", "matchAny": "boolean"},
        }
    ),
    ("post", "/annotations"): Operation(
        _of(
            ("text",),
            dashboardId=_WHOLE,
            dashboardUID=_TEXT,
            panelId=_WHOLE,
            data=_ANY,
            tags=_TEXTS,
            text=_TEXT,
            time=_WHOLE,
            timeEnd=_WHOLE,
        )
    ),
    ("delete", "/annotations/{annotation_id}"): Operation(),
}


class Refused(Exception):
    """A request that is answered with an error: status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Stub:
    """What it keeps, what it was asked, and how it shall behave."""

    address: str = ""
    token: str = TOKEN
    #: Path prefix that the API is served under.
    prefix: str = ""
    folders: dict[str, dict[str, Any]] = field(default_factory=dict)
    dashboards: dict[str, dict[str, Any]] = field(default_factory=dict)
    annotations: dict[int, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    #: Answers every request with this status, if set.
    broken: int | None = None
    #: Answers every request with this page, if set: something else listens there.
    page: str | None = None
    #: Called before a dashboard is saved: somebody else may do so in between.
    before_saving: Any = None
    #: Whether its dashboards come from files.
    provisioned: bool = False

    def answer(self, method: str, address: str, body: Any, authorization: str) -> Any:
        """What a request is answered with. Raises Refused."""
        parts = urlsplit(address)
        if not parts.path.startswith(f"{self.prefix}/api/"):
            raise Refused(404, "")
        path = parts.path.removeprefix(f"{self.prefix}/api")
        self.asked.append((method, path))
        if self.broken is not None:
            raise Refused(self.broken, "as told")
        if authorization != f"Bearer {self.token}":
            raise Refused(401, "Unauthorized")
        template, words = _match(method, path)
        _check(CONTRACT[method, template], parse_qs(parts.query), body)
        handlers = {
            ("get", "/folders/{folder_uid}"): self._folder,
            ("post", "/folders"): self._make_folder,
            ("get", "/dashboards/uid/{uid}"): self._dashboard,
            ("post", "/dashboards/db"): self._save,
            ("get", "/annotations"): self._find,
            ("post", "/annotations"): self._annotate,
            ("delete", "/annotations/{annotation_id}"): self._forget,
        }
        return handlers[method, template](words, parse_qs(parts.query), body)

    def _folder(self, words: dict[str, str], query: Any, body: Any) -> Any:
        if words["folder_uid"] not in self.folders:
            raise Refused(404, "folder not found")
        return self.folders[words["folder_uid"]]

    def _make_folder(self, words: dict[str, str], query: Any, body: Any) -> Any:
        if body["uid"] in self.folders:
            raise Refused(409, "a folder with the same uid already exists")
        self.folders[body["uid"]] = body
        return body

    def _dashboard(self, words: dict[str, str], query: Any, body: Any) -> Any:
        if words["uid"] not in self.dashboards:
            raise Refused(404, "Dashboard not found")
        return {"dashboard": self.dashboards[words["uid"]], "meta": {}}

    def _save(self, words: dict[str, str], query: Any, body: Any) -> Any:
        board = body["dashboard"]
        if body["folderUid"] not in self.folders:
            raise Refused(400, "folder not found")
        if self.provisioned:
            raise Refused(400, "Cannot save provisioned dashboard")
        if self.before_saving is not None:
            self.before_saving()
        there = self.dashboards.get(board["uid"])
        if there and not body.get("overwrite") and board.get("version") != there["version"]:
            raise Refused(412, "The dashboard has been changed by someone else")
        version = there["version"] + 1 if there else 1
        number = there["id"] if there else len(self.dashboards) + 1
        self.dashboards[board["uid"]] = {**board, "version": version, "id": number}
        url = f"{self.prefix}/d/{board['uid']}/a-title"
        return {"id": number, "uid": board["uid"], "url": url, "version": version}

    def _find(self, words: dict[str, str], query: dict[str, list[str]], body: Any) -> Any:
        wanted = set(query.get("tags", []))
        found = [a for a in self.annotations.values() if wanted <= set(a["tags"])]
        return found[: int(query.get("limit", ["100"])[0])]

    def _annotate(self, words: dict[str, str], query: Any, body: Any) -> Any:
        number = len(self.annotations) + 1
        self.annotations[number] = {**body, "id": number}
        return {"id": number, "message": "Annotation added"}

    def _forget(self, words: dict[str, str], query: Any, body: Any) -> Any:
        del self.annotations[int(words["annotation_id"])]
        return {"message": "Annotation deleted"}


def _match(method: str, path: str) -> tuple[str, dict[str, str]]:
    """The template of CONTRACT that a path is of, and what stands for its names."""
    for known, template in CONTRACT:
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
        found = re.fullmatch(pattern, path)
        if known == method and found:
            return template, found.groupdict()
    raise Refused(404, "Not found")


def _check(operation: Operation, query: dict[str, list[str]], body: Any) -> None:
    """Refuse what the API's description doesn't allow."""
    for name, values in query.items():
        kind = operation.query.get(name)
        if kind is None or (kind != "array" and len(values) > 1):
            raise Refused(400, f"query parameter {name}")
        if kind == "integer" and not values[0].isdigit():
            raise Refused(400, f"query parameter {name} is no number")
    if operation.body is None:
        if body is not None:
            raise Refused(400, "no body is taken here")
        return
    try:
        jsonschema.validate(body, operation.body)
    except jsonschema.ValidationError as error:
        raise Refused(400, error.message) from None


@contextlib.contextmanager
def running(**words: Any) -> Iterator[Stub]:
    """A stub that listens on a free port."""
    stub = Stub(**words)

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            if stub.page is not None:
                self._send(200, "text/html", stub.page.encode())
                return
            try:
                method, sent = self.command.lower(), self.headers.get("Authorization", "")
                status, answer = 200, stub.answer(method, self.path, body, sent)
            except Refused as refused:
                status, answer = refused.status, {"message": str(refused)}
            self._send(status, "application/json", json.dumps(answer).encode())

        def _send(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _any  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    stub.address = f"http://127.0.0.1:{server.server_address[1]}{stub.prefix}"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
