"""A sample clip is fetched once, whole, and named with its authors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from readroom.errors import BadSettings, ReadroomError
from readroom.models import clips
from readroom.models.clips import CLIPS, SampleClip, fetch_clip
from readroom.settings import load_settings


@pytest.fixture
def missing_bytes() -> list[int]:
    """How many bytes the server keeps back."""
    return [0]


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch, missing_bytes: list[int]) -> Iterator[list[str]]:
    """A server that has the clip; the requests it got."""
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"x" * (1000 - missing_bytes[0]))

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{http.server_address[1]}/classroom.mp4"
        monkeypatch.setattr(clips, "CLIPS", {"classroom": SampleClip(url, "by somebody")})
        yield requests
        http.shutdown()


def test_a_clip_is_fetched_once(served: list[str]) -> None:
    path, attribution = fetch_clip(load_settings(), "classroom")
    assert path.read_bytes() == b"x" * 1000
    assert attribution == "by somebody"
    assert fetch_clip(load_settings(), "classroom")[0] == path
    assert len(served) == 1


def test_a_clip_that_broke_off_is_not_kept(missing_bytes: list[int]) -> None:
    missing_bytes[0] = 300
    with pytest.raises(ReadroomError, match=r"classroom\.mp4: can't be fetched"):
        fetch_clip(load_settings(), "classroom")
    missing_bytes[0] = 0
    assert fetch_clip(load_settings(), "classroom")[0].stat().st_size == 1000


def test_a_clip_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "LONGEST_BYTES", 999)
    with pytest.raises(ReadroomError, match="longer than"):
        fetch_clip(load_settings(), "classroom")


def test_an_unknown_clip_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadSettings, match="kitchen: no such clip; known are classroom"):
        fetch_clip(load_settings(), "kitchen")


def test_the_real_clip_names_its_source_and_licence() -> None:
    assert CLIPS["classroom"].url.startswith("https://")
    assert "CC BY 4.0" in CLIPS["classroom"].attribution
