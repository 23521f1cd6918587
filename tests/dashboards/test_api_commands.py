"""What somebody asks of a running room over HTTP, with a real aggregator and a real store."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from readroom.sessions.timelines import Timelines
from tests.dashboards.aggregating import aggregator, film
from tests.dashboards.running import ROOT, OwnRedis, live

TOKEN = "a token of 16 or more"
NAME = "Ada <b>Lovelace</b> & ☃"


@dataclass
class Room:
    """A running room: its page, its store, its Redis, its aggregator."""

    address: str
    data: Path
    redis_url: str
    aggregator: subprocess.Popen[bytes]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """A request with the token."""
        own = {"Authorization": f"Bearer {TOKEN}", **headers}
        content = {} if body is None else {"json": body}
        return httpx.request(
            method, f"{self.address}api/v1{path}", headers=own, timeout=20, **content
        )

    def get(self, path: str) -> Any:
        """What an address answers."""
        return self.ask("GET", path).json()

    @property
    def session(self) -> str:
        """The newest session."""
        return str(self.get("/sessions")["sessions"][0]["id"])

    def people(self) -> list[dict[str, Any]]:
        """Who is in the room now."""
        state = self.get("/room")
        return [] if state is None else list(state["people"])

    def command_line(self, *words: str) -> subprocess.CompletedProcess[str]:
        """``readroom …`` beside it."""
        return subprocess.run(
            [sys.executable, "-m", "readroom", *words],
            cwd=ROOT,
            env={**os.environ, "READROOM_REDIS__URL": self.redis_url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def eventually(found: Callable[[], Any], timeout_s: float = 15) -> Any:
    """What ``found`` returns once it is truthy."""
    deadline = time.monotonic() + timeout_s
    while not (value := found()):
        assert time.monotonic() < deadline, f"nothing in {timeout_s} s"
        time.sleep(0.05)
    return value


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    server = OwnRedis()
    server.start()
    data = tmp_path_factory.mktemp("data")
    with (
        aggregator(server.url, data) as process,
        live(server.url, READROOM_DATA=str(data), READROOM_HTTP__TOKEN=TOKEN) as page,
    ):
        page.wait_for("following the room")
        yield Room(page.address, data, server.url, process)
        page.terminate()
        # Neither the token nor what anybody is called is in the log.
        assert TOKEN not in page.output
        assert "Lovelace" not in page.output
    server.remove()


@pytest.fixture
def room(running: Room) -> Room:
    """The room, with a session that two people are in."""
    if len(running.people()) < 2:
        with redis.Redis.from_url(running.redis_url, protocol=2) as client:
            film(client, 0, 60)
        eventually(lambda: len(running.people()) == 2)
        eventually(lambda: running.get("/sessions")["total"])
    return running


def test_a_marker_is_answered_when_it_is_stored(room: Room) -> None:
    answer = room.ask("POST", "/markers", {"label": "pricing\nslide", "id": "m-1", "time_s": 2.0})
    assert (answer.status_code, answer.json()) == (200, {"done": True, "id": "m-1"})
    marker = {"id": "m-1", "time_s": 2.0, "label": "pricing slide"}
    assert marker in room.get(f"/sessions/{room.session}/markers")


def test_one_that_is_sent_twice_is_done_twice_and_counts_once(room: Room) -> None:
    for _ in range(2):
        answer = room.ask("POST", "/markers", {"label": "twice", "id": "m-2"})
        assert answer.json()["done"] is True
    stored = room.get(f"/sessions/{room.session}/markers")
    assert [marker["id"] for marker in stored].count("m-2") == 1


def test_what_can_t_be_done_is_refused_with_the_reason(room: Room) -> None:
    merged = room.ask("POST", "/people/1/merge", {"other": 9})
    assert (merged.status_code, merged.json()) == (
        409,
        {"error": "merge: there is no P9 in the room"},
    )
    for path, body, says in (
        ("/people/1/merge", {"other": 1}, "these are one already"),
        ("/session", {"title": "Another"}, "is running; stop it first"),
        ("/markers", {"label": "x", "time_s": 500}, "not reached yet"),
        ("/people/7/split", {}, "there is no P7"),
    ):
        answer = room.ask("POST", path, body)
        assert answer.status_code == 409, path
        assert says in answer.json()["error"]


def test_a_refusal_that_is_asked_for_again_is_the_same(room: Room) -> None:
    late = {"label": "x", "id": "late", "time_s": 5000}
    first, second = (room.ask("POST", "/markers", late) for _ in range(2))
    assert first.status_code == second.status_code == 409
    assert first.json() == second.json()


def test_a_person_is_called_by_a_name_until_it_is_taken_away(room: Room) -> None:
    def names() -> list[str | None]:
        return [person["name"] for person in room.people()]

    def stored() -> list[str | None]:
        return [person.name for person in Timelines(room.data).people(room.session)]

    assert room.ask("PATCH", "/people/2", {"name": NAME}).json()["done"] is True
    assert stored()[1] == NAME
    eventually(lambda: names() == [None, NAME])
    assert room.ask("PATCH", "/people/2", {"name": "x" * 301}).status_code == 400
    assert room.ask("PATCH", "/people/2", {"name": "x" * 300}).status_code == 200
    assert room.ask("PATCH", "/people/9", {"name": NAME}).status_code == 409
    assert room.ask("PATCH", "/people/2", {"name": None}).json()["done"] is True
    assert stored()[1] is None
    eventually(lambda: names() == [None, None])


def test_a_name_is_in_no_metric(room: Room) -> None:
    assert room.ask("PATCH", "/people/1", {"name": NAME}).status_code == 200
    eventually(lambda: room.people()[0]["name"] == NAME)
    assert "Lovelace" not in httpx.get(f"{room.address}metrics").text
    with redis.Redis.from_url(room.redis_url) as client:
        boxes = b"".join(client.hgetall("rr:{room}:boxes").values())
    assert b"Lovelace" not in boxes


def test_notes_and_titles_belong_to_the_running_session(room: Room) -> None:
    assert room.ask("POST", "/notes", {"text": "the lamp broke"}).json()["done"] is True
    assert room.ask("PATCH", "/session", {"title": "Pitch, day 2"}).json()["done"] is True
    detail = room.get(f"/sessions/{room.session}")
    assert (detail["title"], detail["state"], detail["notes"]) == ("Pitch, day 2", "open", 1)
    assert detail["cameras"][0]["frames"] > 0
    (note,) = room.get(f"/sessions/{room.session}/notes")
    assert note["text"] == "the lamp broke"


def test_a_session_that_runs_is_read_and_isn_t_edited_or_erased(room: Room) -> None:
    session = room.session
    assert room.get(f"/sessions/{session}/timelines")["people"]
    for method, path, body in (
        ("PATCH", f"/sessions/{session}", {"title": "x"}),
        ("PATCH", f"/sessions/{session}/people/1", {"name": "x"}),
        ("DELETE", f"/sessions/{session}", None),
        ("DELETE", f"/sessions/{session}/people/1", None),
    ):
        answer = room.ask(method, path, body)
        assert answer.status_code == 409, (method, path)
        assert "stop it first" in answer.json()["error"]


def test_the_command_line_says_what_became_of_a_command(room: Room) -> None:
    done = room.command_line("session", "rename", "P1", "Grace")
    assert (done.returncode, done.stdout) == (0, "done in room room\n")
    eventually(lambda: room.people()[0]["name"] == "Grace")
    refused = room.command_line("session", "merge", "P1", "P9")
    assert refused.returncode == 1
    assert refused.stderr == "readroom: merge: there is no P9 in the room\n"
    room.command_line("session", "rename", "P1")
    eventually(lambda: room.people()[0]["name"] is None)


def test_an_aggregator_that_says_nothing_in_time_may_do_it_later(room: Room) -> None:
    room.aggregator.send_signal(signal.SIGSTOP)
    try:
        answer = room.ask("POST", "/markers", {"label": "slow", "id": "slow"})
    finally:
        room.aggregator.send_signal(signal.SIGCONT)
    assert (answer.status_code, answer.json()) == (202, {"done": None, "id": "slow"})
    markers = f"/sessions/{room.session}/markers"
    eventually(lambda: "slow" in [marker["id"] for marker in room.get(markers)])


def test_after_a_stop_a_session_is_edited_and_stays_as_it_was_edited(room: Room) -> None:
    session = room.session
    assert room.ask("POST", "/session/stop", {}).json()["done"] is True
    assert room.ask("POST", "/session/stop").status_code == 415  # It has to say that it is JSON.
    assert room.get(f"/sessions/{session}")["state"] == "closed"
    titled = room.ask("PATCH", f"/sessions/{session}", {"title": "As it was"})
    assert titled.json()["title"] == "As it was"
    named = room.ask("PATCH", f"/sessions/{session}/people/1", {"name": NAME})
    assert named.json()["name"] == NAME
    # The aggregator still has the session in mind, and commits once more.
    assert room.ask("POST", "/session/stop", {}).status_code == 409
    assert room.get(f"/sessions/{session}")["title"] == "As it was"
    assert room.get(f"/sessions/{session}/people")[0]["name"] == NAME
    proof = room.ask("DELETE", f"/sessions/{session}").json()
    assert proof["complete"]
    assert proof["before"]["sample"] > 0
    assert room.ask("GET", f"/sessions/{session}").status_code == 404


def test_a_page_without_a_token_shows_everything_and_changes_nothing(running: Room) -> None:
    api = f"{running.address}api/v1"
    assert httpx.get(f"{api}/about").json()["may_write"] is False
    assert httpx.get(f"{api}/room").status_code == 200
    for token in (None, "wrong"):
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = httpx.post(f"{api}/markers", json={"label": "x"}, headers=headers)
        assert answer.status_code == 401
        assert "bearer token" in answer.json()["error"]
    assert running.get("/about")["may_write"] is True


def test_the_cookie_of_the_page_s_address_lets_it_write(running: Room) -> None:
    with httpx.Client() as browser:
        assert "set-cookie" not in browser.get(running.address, params={"token": "wrong"}).headers
        first = browser.get(running.address, params={"token": TOKEN})
        assert "SameSite=Strict" in first.headers["set-cookie"]
        assert browser.get(f"{running.address}api/v1/about").json()["may_write"] is True
        foreign = {"Origin": "http://127.0.0.1:9"}
        noted = f"{running.address}api/v1/notes"
        # A page of another port is of the same site to a browser, which adds the cookie.
        assert browser.post(noted, json={"text": "x"}, headers=foreign).status_code == 403
        plain = {"Content-Type": "text/plain"}
        assert browser.post(noted, content='{"text": "x"}', headers=plain).status_code == 415
