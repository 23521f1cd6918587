"""Networks are fetched over HTTP: resumed, verified, and never half there."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from readroom.errors import BadSettings, ReadroomError
from readroom.models.files import cache_folder
from readroom.models.pull import fetch, pull
from readroom.models.registry import REGISTRY, Entry
from readroom.settings import load_settings

BODY = bytes(range(256)) * 1000


@dataclass
class Server:
    """A file server that can be told to misbehave."""

    url: str = ""
    body: bytes = BODY
    ranges: bool = True
    status: int | None = None
    #: Bytes after which a connection breaks off, once.
    break_after: int | None = None
    seen: list[str | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.seen.append(wanted)
            if state.status is not None:
                self.send_error(state.status)
                return
            start = int(wanted[6:-1]) if wanted and state.ranges else 0
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(state.body) - start))
            self.end_headers()
            part = state.body[start:]
            if state.break_after is not None:
                part, state.break_after = part[: state.break_after], None
            self.wfile.write(part)

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        state.url = f"http://127.0.0.1:{http.server_address[1]}/net.onnx"
        yield state
        http.shutdown()


def entry_for(server: Server, **changes: Any) -> Entry:
    return replace(
        REGISTRY["yunet_n_dynamic"],
        **{
            "url": server.url,
            "file": "net.onnx",
            "sha256": hashlib.sha256(BODY).hexdigest(),
            "size_bytes": len(BODY),
            **changes,
        },
    )


def fetched(entry: Entry, folder: Path) -> tuple[Path, list[int]]:
    progress: list[int] = []
    return fetch(entry, folder, progress.append), progress


def test_a_file_is_fetched_verified_and_reported(server: Server, tmp_path: Path) -> None:
    path, progress = fetched(entry_for(server), tmp_path / "new" / "folder")
    assert path.read_bytes() == BODY
    assert progress[-1] == len(BODY)
    assert progress == sorted(progress)
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_is_there_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    fetched(entry_for(server), tmp_path)
    _, progress = fetched(entry_for(server), tmp_path)
    assert len(server.seen) == 1
    assert progress == [len(BODY)]


def test_a_file_that_was_damaged_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"damaged")
    path, _ = fetched(entry_for(server), tmp_path)
    assert path.read_bytes() == BODY


def test_a_broken_connection_leaves_a_part_from_which_it_goes_on(
    server: Server, tmp_path: Path
) -> None:
    server.break_after = 100_000
    path, _ = fetched(entry_for(server), tmp_path)
    assert path.read_bytes() == BODY
    assert server.seen == [None, "bytes=100000-"]


def test_a_later_run_goes_on_where_an_earlier_one_stopped(server: Server, tmp_path: Path) -> None:
    (tmp_path / "net.onnx.part").write_bytes(BODY[:50_000])
    path, progress = fetched(entry_for(server), tmp_path)
    assert path.read_bytes() == BODY
    assert server.seen == ["bytes=50000-"]
    assert progress[0] > 50_000


def test_a_server_without_ranges_sends_it_all_again(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    (tmp_path / "net.onnx.part").write_bytes(b"x" * 50_000)
    path, _ = fetched(entry_for(server), tmp_path)
    assert path.read_bytes() == BODY


def test_a_part_longer_than_the_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "net.onnx.part").write_bytes(b"x" * (len(BODY) + 1))
    path, _ = fetched(entry_for(server), tmp_path)
    assert path.read_bytes() == BODY


def test_a_wrong_hash_is_an_error_and_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    server.body = BODY[::-1]
    with pytest.raises(ReadroomError, match="wrong SHA-256"):
        fetched(entry_for(server), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_sends_too_much_is_cut_off(server: Server, tmp_path: Path) -> None:
    server.body = BODY * 3
    path, progress = fetched(entry_for(server), tmp_path)
    assert path.read_bytes() == BODY
    assert progress[-1] == len(BODY)


def test_a_server_that_sends_nothing_is_given_up(server: Server, tmp_path: Path) -> None:
    server.body = b""
    with pytest.raises(ReadroomError, match="the server sent nothing"):
        fetched(entry_for(server), tmp_path)


def test_a_missing_file_is_one_line_with_the_address(server: Server, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(ReadroomError, match=r"net\.onnx: the server answers 404"):
        fetched(entry_for(server), tmp_path)


def test_no_network_is_one_line_with_the_remedy(server: Server, tmp_path: Path) -> None:
    unreachable = entry_for(server, url="http://127.0.0.1:1/net.onnx")
    with pytest.raises(ReadroomError) as caught:
        fetched(unreachable, tmp_path)
    assert "is this machine online?" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_password_in_an_address_is_not_shown(server: Server, tmp_path: Path) -> None:
    secret = server.url.replace("http://", "http://user:hunter2@").replace("127.0.0.1:", "[::1]:1")
    with pytest.raises(ReadroomError) as caught:
        fetched(entry_for(server, url=secret), tmp_path)
    assert "hunter2" not in str(caught.value)


def test_a_folder_that_can_not_be_written_is_a_clear_error(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ReadroomError, match="can't be written"):
        fetched(entry_for(server), tmp_path / "file")


def test_two_pulls_of_one_file_do_not_mix(server: Server, tmp_path: Path) -> None:
    import fcntl

    with (tmp_path / "net.onnx.part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ReadroomError, match="another `readroom models pull`"):
            fetched(entry_for(server), tmp_path)


def test_pull_fetches_what_is_offered_and_says_what_is_not(server: Server) -> None:
    settings = load_settings()
    registry = {
        "offered": entry_for(server),
        "converted": replace(REGISTRY["faceapi_expression"], name="converted"),
    }
    outcomes = pull(settings, registry=registry, console=Console(quiet=True))
    assert [outcome.path for outcome in outcomes] == [cache_folder(settings) / "net.onnx", None]
    assert "not offered in this form at a public address" in outcomes[1].line
    assert "READROOM_MODELS" in outcomes[1].line


def test_pull_refuses_a_name_that_is_unknown_or_not_offered() -> None:
    with pytest.raises(BadSettings, match="nothing: no such network"):
        pull(load_settings(), ["nothing"])
    with pytest.raises(BadSettings, match="not offered in this form"):
        pull(load_settings(), ["faceapi_expression"])


def test_a_pulled_network_that_would_not_run_by_itself_says_how_it_does(
    server: Server, tmp_path: Path
) -> None:
    entry = entry_for(server)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "face.onnx").write_bytes(b"a network of ones own")
    lines = {
        named: pull(
            load_settings(models=tmp_path / "own", workers={"networks": named}),
            registry={entry.name: entry},
            console=Console(quiet=True),
        )[0].line
        for named in ((), (entry.name,))
    }
    preferred = f"face.onnx is preferred to it unless READROOM_WORKERS__NETWORKS={entry.name}"
    assert lines[()].endswith(preferred)
    assert lines[entry.name,].endswith("net.onnx")
