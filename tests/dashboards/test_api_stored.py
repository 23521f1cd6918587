"""Stored sessions over HTTP: a real server, above a store that was written by hand."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from msgspec.structs import replace

from readroom.aggregator.rows import SessionRows
from readroom.dashboards.live.api.operations import Api, Call, Nothing
from readroom.dashboards.live.api.room import RunningRoom
from readroom.dashboards.live.api.stored import erase_session
from readroom.dashboards.live.hub import Hub
from readroom.messages import EXPRESSIONS, LOOKS
from readroom.sessions.file import FILE_NAME, StoreFailed
from readroom.sessions.rows import MarkerRow, PersonRow
from readroom.sessions.timelines import Timelines
from readroom.settings import load_settings
from readroom.streams import Keys, add
from tests.aggregator.made import START
from tests.aggregator.stored import a_session, damage, plain_sample, session, write
from tests.dashboards.running import OwnRedis, live
from tests.dashboards.scene import person, room_state

TOKEN = "a token of 16 or more"
MARKUP = "<script>alert('&')</script>"


@dataclass
class Served:
    """A page's server and its store."""

    address: str
    data: Path

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """A request with the token."""
        own = {"Authorization": f"Bearer {TOKEN}"}
        content = {} if body is None else {"json": body}
        return httpx.request(
            method, f"{self.address}api/v1{path}", headers=own, timeout=20, **content
        )

    def get(self, path: str) -> Any:
        """What an address answers."""
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()


def empty(name: str) -> SessionRows:
    """A session in which nobody was."""
    rows = SessionRows("hall", session(name, title=MARKUP, closed=True), purpose="audience")
    rows.markers += [MarkerRow(f"m{n:04}", n / 10, f"label {n}") for n in range(1000)]
    return rows


def plain(name: str) -> SessionRows:
    """A session of a workplace."""
    rows = SessionRows("room", session(name, closed=True), purpose="workplace")
    rows.people.append(PersonRow(1, 1, "front", 0.0, 5.0))
    rows.samples += [plain_sample(1, tick / 4) for tick in range(20)]
    return rows


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    server = OwnRedis()
    server.start()
    yield server.url
    server.remove()


@pytest.fixture(scope="module")
def served(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("data")
    write(data, a_session("s1"), a_session("s2", people=1), empty("s3"), plain("s4"))
    with live(redis_url, READROOM_DATA=str(data), READROOM_HTTP__TOKEN=TOKEN) as page:
        yield Served(page.address, data)
        page.terminate()
        assert "bug" not in page.output
        assert "Lovelace" not in page.output


@pytest.fixture(scope="module")
def silent(redis_url: str, served: Served) -> Iterator[Served]:
    """A server of the same store that may name no emotion."""
    environment = {"READROOM_PURPOSE": "workplace", "READROOM_DATA": str(served.data)}
    with live(redis_url, **environment) as page:
        yield Served(page.address, served.data)


@pytest.fixture(scope="module")
def storeless(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server where nothing was ever stored."""
    data = tmp_path_factory.mktemp("nothing")
    with live(redis_url, READROOM_DATA=str(data), READROOM_HTTP__TOKEN=TOKEN) as page:
        yield Served(page.address, data)


def test_sessions_are_listed_newest_first_in_pages(served: Served) -> None:
    found = served.get("/sessions")
    assert [each["id"] for each in found["sessions"]] == ["s4", "s3", "s2", "s1"]
    assert found["total"] == 4
    assert found["sessions"][3] == {
        "id": "s1",
        "title": "A talk",
        "room": "room",
        "started_at": START,
        "duration_s": 9.75,
        "recording": False,
        "state": "closed",
        "purpose": "audience",
        "people": 3,
    }
    page = served.get("/sessions?limit=1&offset=2")
    assert ([each["id"] for each in page["sessions"]], page["total"]) == (["s2"], 4)
    assert [each["id"] for each in served.get("/sessions?room=hall")["sessions"]] == ["s3"]
    assert served.get("/sessions?room=nowhere") == {"sessions": [], "total": 0}


def test_an_unknown_session_is_404_everywhere(served: Served) -> None:
    for below in ("", *(f"/{name}" for name in PARTS)):
        answer = served.ask("GET", f"/sessions/nothing{below}")
        assert answer.status_code == 404
        assert answer.json() == {"error": "session=nothing: no such session is stored"}
    changes = ("PATCH", "", {"title": "x"}), ("PATCH", "/people/1", {"name": "x"})
    for method, below, body in (*changes, ("DELETE", "", None), ("DELETE", "/people/1", None)):
        assert served.ask(method, f"/sessions/nothing{below}", body).status_code == 404


PARTS = ("people", "timelines", "measures", "events", "markers", "notes", "report")


def test_an_empty_session_gives_empty_lists(served: Served) -> None:
    found = served.get("/sessions/s3")
    assert (found["people"], found["duration_s"], found["markers"]) == (0, 0, 1000)
    assert found["title"] == MARKUP
    assert served.get("/sessions/s3/people") == []
    assert served.get("/sessions/s3/timelines?step_s=1")["people"] == []
    assert served.get("/sessions/s3/measures")["measures"] == []
    assert served.get("/sessions/s3/events") == {"events": [], "total": 0}
    assert len(served.get("/sessions/s3/markers")) == 1000
    assert served.get("/sessions/s3/notes") == []


def test_where_nothing_was_stored_there_is_no_session(storeless: Served) -> None:
    assert storeless.get("/sessions") == {"sessions": [], "total": 0}
    assert storeless.ask("GET", "/sessions/s1").status_code == 404
    assert storeless.ask("PATCH", "/sessions/s1", {"title": "x"}).status_code == 404
    assert storeless.ask("DELETE", "/sessions/s1").status_code == 404
    assert list(storeless.data.iterdir()) == []  # Nor is a store made by asking.


def test_a_command_without_an_aggregator_is_503(storeless: Served) -> None:
    answer = storeless.ask("POST", "/markers", {"label": "x"})
    assert answer.status_code == 503
    assert "room room doesn't run" in answer.json()["error"]


def test_every_point_is_as_it_was_stored(served: Served) -> None:
    (_, second, _) = served.get("/sessions/s1/timelines")["people"]
    stored = Timelines(served.data).samples("s1", 2)
    assert (second["person"], second["pseudonym"]) == (2, "P2")
    assert second["time_s"] == [sample.time_s for sample in stored]
    assert second["state"] == [sample.state for sample in stored]
    assert second["look"] == [sample.look for sample in stored]
    assert [set(each or ()) for each in second["actions"]] == [set(s.actions) for s in stored]
    assert second["coverage"] == pytest.approx([s.coverage for s in stored], abs=1e-4)


def test_a_part_of_the_timelines_can_be_asked_for(served: Served) -> None:
    found = served.get("/sessions/s1/timelines?person=3&from_s=2&to_s=3")
    (only,) = found["people"]
    assert only["person"] == 3
    assert only["time_s"] == [2.0, 2.25, 2.5, 2.75]
    (stepped,) = served.get("/sessions/s1/timelines?person=3&step_s=4")["people"]
    assert stepped["time_s"] == [0.0, 4.0, 8.0]
    assert served.ask("GET", "/sessions/s1/timelines?person=9").status_code == 404


def test_figures_of_the_room_are_columns(served: Served) -> None:
    found = served.get("/sessions/s1/measures?name=valence&from_s=1&to_s=8&step_s=3")
    (valence,) = found["measures"]
    assert valence["time_s"] == [0.0, 3.0, 6.0]
    assert valence["value"] == [0.5, 0.5, 0.5]
    assert served.get("/sessions/s1/measures?name=none")["measures"] == []
    assert len(served.get("/sessions/s1/measures")["measures"]) == 4


def test_events_are_filtered_and_come_in_pages(served: Served) -> None:
    found = served.get("/sessions/s1/events?kind=response&limit=2")
    assert (found["total"], len(found["events"])) == (3, 2)
    assert {event["kind"] for event in found["events"]} == {"response"}
    assert served.get("/sessions/s1/events?from_s=6&to_s=9")["total"] == 3
    assert served.get("/sessions/s1/events?from_s=0&to_s=1")["total"] == 0
    whole = served.get("/sessions/s1/events")["events"]
    starts = [event["start_s"] for event in whole]
    assert starts == sorted(starts)
    assert len(whole) == 6


def test_markers_and_notes_are_told(served: Served) -> None:
    assert served.get("/sessions/s1/markers") == [
        {"id": "m1", "time_s": 2.0, "label": "pricing slide"}
    ]
    assert served.get("/sessions/s1/notes")[0]["text"] == "the beamer failed"


def test_a_damaged_store_is_503_and_says_what_helps(redis_url: str, tmp_path: Path) -> None:
    write(tmp_path, a_session("s1"))
    damage(tmp_path, "sample")
    environment = {"READROOM_DATA": str(tmp_path), "READROOM_HTTP__TOKEN": TOKEN}
    with live(redis_url, **environment) as page:
        answer = Served(page.address, tmp_path).ask("GET", "/sessions/s1/timelines")
    assert answer.status_code == 503
    assert "restore" in answer.json()["error"]


def test_a_report_is_a_page_that_can_do_nothing(served: Served) -> None:
    answer = served.ask("GET", "/sessions/s1/report?compare=s2")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert MARKUP not in served.ask("GET", "/sessions/s3/report").text
    assert served.ask("GET", "/sessions/s1/report?compare=no").status_code == 404


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/sessions?limit=0", "limit (in the query): expected `int` >= 1"),
        ("/sessions?limit=many", "limit (in the query): expected `int`"),
        ("/sessions?offset=-1", "offset (in the query)"),
        ("/sessions?sort=title", "unknown field `sort`"),
        ("/sessions?limit=1&limit=2", "limit (in the query): given more than once"),
        ("/sessions/s1/timelines?step_s=0", "step_s (in the query)"),
        ("/sessions/s1/timelines?from_s=inf", "from_s (in the query)"),
        ("/sessions/s1/timelines?from_s=nan", "from_s (in the query)"),
        ("/sessions/s1/timelines?person=null", "person (in the query)"),
        ("/sessions/s1/events?limit=99999", "limit (in the query): expected `int` <= 10000"),
    ],
)
def test_a_parameter_that_is_none_is_named(path: str, names: str, served: Served) -> None:
    answer = served.ask("GET", path)
    assert answer.status_code == 400
    assert names in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b"", "missing required field `label`"),
        (b"{", "the body is no JSON"),
        (b"[]", "expected `object`, got `array`"),
        (b'{"label": ""}', "label (in the body)"),
        (b'{"label": " \\n\\t "}', "label (in the body)"),
        (b'{"label": 1}', "label (in the body): expected `str`, got `int`"),
        (b'{"label": "x", "id": "a/b"}', "id (in the body)"),
        (b'{"label": "x", "time_s": -1}', "time_s (in the body)"),
        (b'{"label": "x", "color": "red"}', "unknown field `color`"),
        (b'{"label": "\xff"}', "the body is no JSON"),
        (b"[" * 5000, "the body is no JSON"),
    ],
)
def test_a_body_that_is_none_is_refused(body: bytes, names: str, served: Served) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    answer = httpx.post(f"{served.address}api/v1/markers", content=body, headers=headers)
    assert answer.status_code == 400
    assert names in answer.json()["error"]


def test_a_body_without_end_is_refused(served: Served) -> None:
    answer = served.ask("POST", "/markers", {"label": "x" * 100_000})
    assert answer.status_code == 413


def test_other_methods_and_addresses_are_told_as_json(served: Served) -> None:
    answer = served.ask("PUT", "/sessions/s1", {})
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, HEAD, PATCH")
    assert "error" in answer.json()
    answer = served.ask("GET", "/nothing")
    assert answer.status_code == 404
    assert "openapi.json" in answer.json()["error"]
    assert served.ask("HEAD", "/sessions").status_code == 200


def test_refusals_of_the_guard_are_json_too(served: Served) -> None:
    about = f"{served.address}api/v1/about"
    for headers, status in (({"Host": "evil.example"}, 421), ({"Origin": "null"}, 403)):
        answer = httpx.get(about, headers=headers)
        assert answer.status_code == status
        assert list(answer.json()) == ["error"]


def test_a_name_and_a_title_are_kept_as_text(served: Served) -> None:
    title = served.ask("PATCH", "/sessions/s2", {"title": f" {MARKUP}\n"}).json()
    assert title["title"] == MARKUP
    person = served.ask("PATCH", "/sessions/s2/people/1", {"name": "Ada\tLovelace"}).json()
    assert person["name"] == "Ada Lovelace"
    assert served.get("/sessions/s2/timelines")["people"][0]["name"] == "Ada Lovelace"
    assert served.ask("PATCH", "/sessions/s2/people/1", {"name": " "}).json()["name"] is None
    assert served.ask("PATCH", "/sessions/s2/people/9", {"name": "x"}).status_code == 404
    assert served.ask("PATCH", "/sessions/s2", {"title": "x" * 301}).status_code == 400
    assert served.ask("PATCH", "/sessions/s2", {"title": ""}).json()["title"] == ""


def test_erasing_a_person_and_a_session_proves_it(served: Served) -> None:
    write(served.data, a_session("gone"))
    proof = served.ask("DELETE", "/sessions/gone/people/2").json()
    assert (proof["before"]["sample"], proof["complete"]) == (40, True)
    assert [person["person"] for person in served.get("/sessions/gone/people")] == [1, 3]
    assert served.ask("DELETE", "/sessions/gone/people/2").status_code == 404
    proof = served.ask("DELETE", "/sessions/gone").json()
    assert proof["complete"]
    assert not any(proof["after"].values())
    assert served.ask("DELETE", "/sessions/gone").status_code == 404


@pytest.mark.parametrize("below", ["", "/people/1"])
def test_what_was_erased_is_told_by_the_page_s_server_no_more(
    below: str, served: Served, redis_url: str
) -> None:
    name = f"seen{len(below)}"
    write(served.data, a_session(name))
    with redis.from_url(redis_url) as client:
        anna = replace(person(1, "neutral"), name="Anna")
        over = room_state(9.0, [anna], session=name, phase="closed")
        add(client, Keys("room").people, over)
        deadline = time.monotonic() + 15
        while (served.get("/room") or {}).get("session") != name:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert served.ask("DELETE", f"/sessions/{name}{below}").json()["complete"]
        assert served.get("/room") is None
        add(client, Keys("room").people, over)
        add(client, Keys("room").people, room_state(1.0, session="next"))
        while served.get("/room") is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    with httpx.stream("GET", f"{served.address}api/v1/stream") as stream:
        history = next(line for line in stream.iter_lines() if line.startswith("data: "))
    assert name not in history
    assert "Anna" not in history


def test_an_erasure_that_leaves_copies_in_the_file_is_told_no_more_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("readroom.sessions.file.BUSY_S", 0.1)
    write(tmp_path, a_session("held"))
    settings = load_settings(data=tmp_path)
    hub = Hub(lambda: START, lambda count: None)
    hub.take([room_state(9.0, session="held", phase="closed")], [])
    api = Api(settings, hub, RunningRoom(settings), lambda: START)
    call: Call[Nothing, None] = Call({"id": "held"}, Nothing(), None, may_write=True, head=False)
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sample").fetchall()
        with pytest.raises(StoreFailed, match="may still hold copies"):
            asyncio.run(erase_session(api, call))
    assert hub.room is None


def test_where_no_emotion_may_be_named_none_of_another_purpose_is(silent: Served) -> None:
    assert silent.get("/about")["without_emotion"] is True
    for part in ("timelines", "measures", "events", "report"):
        answer = silent.ask("GET", f"/sessions/s1/{part}")
        assert answer.status_code == 403
        assert "EU AI Act" in answer.json()["error"]
    told = "".join(
        silent.ask("GET", f"/sessions{path}").text
        for path in ("", "/s1", "/s1/people", "/s1/markers", "/s1/notes", "/s4/timelines")
    )
    assert not [word for word in (*EXPRESSIONS, *LOOKS[:4]) if word in told]
    (only,) = silent.get("/sessions/s4/timelines?step_s=1")["people"]
    assert set(only["state"]) == {"not_read"}
    assert set(only["valence"]) == {None}
    assert silent.ask("GET", "/sessions/s4/report").status_code == 200
    assert httpx.get(f"{silent.address}cards/expression").status_code == 404


def test_a_server_without_a_token_changes_nothing(silent: Served) -> None:
    answer = silent.ask("PATCH", "/sessions/s1", {"title": "x"})
    assert answer.status_code == 403
    assert "READROOM_HTTP__TOKEN" in answer.json()["error"]
    assert silent.get("/about")["may_write"] is False


@pytest.mark.parametrize("engine", ["face", "expression", "pose"])
def test_the_card_of_a_network_is_plain_text(engine: str, served: Served) -> None:
    answer = httpx.get(f"{served.address}cards/{engine}")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith("# ")


@pytest.mark.parametrize("engine", ["mesh", "..%2fexpression", "SHA256SUMS", "none"])
def test_there_is_no_other_card(engine: str, served: Served) -> None:
    assert httpx.get(f"{served.address}cards/{engine}").status_code == 404


def test_pictures_are_off_unless_asked_for(served: Served) -> None:
    answer = served.ask("GET", "/cameras/front/picture")
    assert answer.status_code == 404
    assert "READROOM_HTTP__PICTURES" in answer.json()["error"]
    assert served.get("/about")["pictures"] == "off"
