"""The real process over HTTP, without a browser."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from readroom.streams import Keys, read_boxes
from tests.dashboards.running import Live, OwnRedis, live as running_live
from tests.dashboards.scene import Publisher, camera, person, room_state

TOKEN = "a token with spaces; and = signs"  # Whatever an operator may think of.
EVERYWHERE = "0.0.0.0"


def eventually(found: Callable[[], Any], timeout_s: float = 15) -> Any:
    """What ``found`` returns once it is truthy."""
    deadline = time.monotonic() + timeout_s
    while not (value := found()):
        assert time.monotonic() < deadline, f"nothing in {timeout_s} s"
        time.sleep(0.02)
    return value


def follow(response: httpx.Response) -> Iterator[tuple[str, Any]]:
    """Kind and data of each server-sent event."""
    kind = ""
    for line in response.iter_lines():
        name, _, value = line.partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            yield kind, json.loads(value)


def next_of(events: Iterator[tuple[str, Any]], wanted: str) -> Any:
    return next(data for kind, data in events if kind == wanted)


def viewers(address: str) -> float:
    text = httpx.get(f"{address}metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    return families["readroom_live_viewers"].samples[0].value


def test_the_stream_begins_with_the_history_and_goes_on(live: Live, publisher: Publisher) -> None:
    publisher.say(*(room_state(second, [person(1, "neutral")]) for second in range(20)))
    eventually(lambda: (httpx.get(f"{live.address}api/v1/room").json() or {}).get("time_s") == 19)
    with httpx.stream("GET", f"{live.address}api/v1/stream", timeout=10) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        events = follow(response)
        history = next_of(events, "history")
        assert [sample[0] for sample in history["samples"]] == list(range(20))
        publisher.say(room_state(20.0, [person(1, "happiness")]))
        assert next_of(events, "room")["room"]["people"][0]["state"] == "happiness"
        publisher.happen("person_left", slot=1)
        assert next_of(events, "event")["kind"] == "person_left"


def test_a_server_that_starts_late_knows_the_last_minutes(
    redis_url: str, publisher: Publisher
) -> None:
    publisher.say(*(room_state(half / 2, [person(1, "neutral")]) for half in range(500)))
    with running_live(redis_url) as live:
        eventually(
            lambda: (httpx.get(f"{live.address}api/v1/room").json() or {}).get("time_s") == 249.5
        )
        with httpx.stream("GET", f"{live.address}api/v1/stream", timeout=10) as response:
            assert len(next_of(follow(response), "history")["samples"]) == 500


def test_every_answer_carries_the_security_headers(live: Live) -> None:
    for path in ("", "static/main.js", "static/none", "words", "api/v1/room", "healthz", "metrics"):
        headers = httpx.get(f"{live.address}{path}").headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy, path
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["", "api/v1/room", "api/v1/stream", "static/main.js", "metrics", "nothing"]
)
def test_foreign_hosts_and_origins_are_refused_everywhere(live: Live, path: str) -> None:
    address = f"{live.address}{path}"
    assert httpx.get(address, headers={"Host": "evil.example"}).status_code == 421
    assert httpx.get(address, headers={"Origin": "http://evil.example"}).status_code == 403
    assert httpx.get(address, headers={"Origin": "null"}).status_code == 403


@pytest.mark.parametrize("name", ["..%2fapp.py", "../app.py", "%2e%2e/words.py", "app.py"])
def test_only_the_pages_own_files_are_served(live: Live, name: str) -> None:
    assert httpx.get(f"{live.address}static/{name}").status_code == 404


def test_health_readiness_and_metrics_are_answered(live: Live) -> None:
    live.wait_for("following the room")
    assert httpx.get(f"{live.address}healthz").status_code == 200
    ready = httpx.get(f"{live.address}readyz")
    assert ready.status_code == 200
    assert ready.text.strip() == live.address
    eventually(lambda: viewers(live.address) == 0)


def test_open_streams_are_counted_as_viewers(live: Live) -> None:
    with httpx.stream("GET", f"{live.address}api/v1/stream", timeout=10) as response:
        events = follow(response)
        next_of(events, "history")
        assert viewers(live.address) == 1
    eventually(lambda: viewers(live.address) == 0)


def test_the_box_tells_the_others_where_its_page_is(live: Live, client: redis.Redis) -> None:
    def registered() -> bool:
        info = read_boxes(client, Keys("room")).get("live/live")
        return info is not None and info.ready and info.detail == live.address

    assert eventually(registered)


def test_a_stop_ends_open_streams_and_the_process(redis_url: str) -> None:
    with (
        running_live(redis_url) as live,
        httpx.stream("GET", f"{live.address}api/v1/stream", timeout=10) as response,
    ):
        events = follow(response)
        next_of(events, "history")
        live.process.send_signal(signal.SIGTERM)
        assert [kind for kind, _ in events if kind != "status"] == []  # Ended, not cut off.
        assert live.process.wait(10) == 0


def test_a_viewer_that_never_reads_holds_up_neither_the_others_nor_the_end(
    redis_url: str, publisher: Publisher
) -> None:
    crowd = [person(slot + 1, "neutral") for slot in range(32)]
    publisher.say(*(room_state(half / 2, crowd) for half in range(1000)))
    with running_live(redis_url) as live, socket.socket() as stuck:
        eventually(
            lambda: (httpx.get(f"{live.address}api/v1/room").json() or {}).get("time_s") == 499.5
        )
        port = int(live.address.rstrip("/").rpartition(":")[2])
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.connect(("127.0.0.1", port))
        stuck.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        eventually(lambda: viewers(live.address) == 1)
        with httpx.stream("GET", f"{live.address}api/v1/stream", timeout=10) as response:
            events = follow(response)
            next_of(events, "history")
            for second in range(500, 600):
                publisher.say(room_state(second, crowd))
            # A burst may come as single states or as a new history.
            assert any((data.get("room") or {}).get("time_s") == 599 for _, data in events)
        live.process.send_signal(signal.SIGTERM)
        assert live.process.wait(10) == 0


def test_asking_for_the_head_of_the_stream_opens_none(live: Live) -> None:
    assert httpx.head(f"{live.address}api/v1/stream", timeout=5).status_code == 200


def test_a_taken_port_is_one_line_with_the_remedy(redis_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with running_live(redis_url, READROOM_HTTP__PORT=str(port)) as live:
            assert live.process.wait(20) == 2
            said = eventually(lambda: [line for line in live.lines if str(port) in line])
    assert len(said) == 1
    assert "READROOM_HTTP__PORT" in said[0]


def test_a_wrong_redis_password_is_one_line_without_it(own_redis: OwnRedis) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("requirepass", "right")
    address = own_redis.url.replace("unix://", "unix://:hunter2@")
    with running_live(address) as live:
        assert live.process.wait(20) == 2
        eventually(lambda: "READROOM_REDIS__URL" in live.output)
    assert "hunter2" not in live.output


def test_without_redis_the_page_is_served_and_waits(own_redis: OwnRedis) -> None:
    own_redis.stop()
    with running_live(own_redis.url) as live:
        assert httpx.get(live.address).status_code == 200
        assert httpx.get(f"{live.address}readyz").status_code == 503
        assert httpx.get(f"{live.address}api/v1/room").json() is None
        own_redis.start()
        eventually(lambda: httpx.get(f"{live.address}readyz").status_code == 200)


def test_a_redis_that_comes_back_empty_is_followed_again(own_redis: OwnRedis) -> None:
    with running_live(own_redis.url) as live:
        live.wait_for("following the room")
        with httpx.stream("GET", f"{live.address}api/v1/stream", timeout=20) as response:
            events = follow(response)
            with redis.Redis.from_url(own_redis.url) as client:
                Publisher(client, mark="a").say(room_state(1.0, [person(1, "neutral")]))
            assert next_of(events, "history") is not None
            state = f"{live.address}api/v1/room"
            eventually(lambda: (httpx.get(state).json() or {}).get("time_s") == 1)
            own_redis.stop()
            away = next(data for kind, data in events if kind == "status" and not data["redis"])
            assert away["away_since"] is not None
            assert httpx.get(f"{live.address}readyz").status_code == 503
            own_redis.start()
            with redis.Redis.from_url(own_redis.url) as client:
                Publisher(client, mark="a").say(room_state(9.0, [person(1, "happiness")]))
            assert next_of(events, "status")["redis"]
            assert next_of(events, "room")["room"]["time_s"] == 9.0
        with httpx.stream("GET", f"{live.address}api/v1/stream", timeout=20) as response:
            history = next_of(follow(response), "history")
            assert [sample[0] for sample in history["samples"]] == [1.0, 9.0]


def test_a_broken_entry_in_the_stream_is_passed_over(live: Live, publisher: Publisher) -> None:
    publisher.client.xadd(publisher.keys.people, {"m": b"\xff\x00", "v": b"1"})
    publisher.client.xadd(publisher.keys.people, {"nothing": b""})
    publisher.say(room_state(3.0))
    eventually(lambda: (httpx.get(f"{live.address}api/v1/room").json() or {}).get("time_s") == 3)


def test_a_source_with_a_password_is_shown_without_it(live: Live, publisher: Publisher) -> None:
    leaky = camera(source="rtsp://admin:hunter2@cam/1?token=abc")
    publisher.say(room_state(1.0, cameras=(leaky,)))
    text = eventually(
        lambda: (t := httpx.get(f"{live.address}api/v1/room").text) and "@cam" in t and t
    )
    assert "rtsp://***@cam/1?***" in text
    assert "hunter2" not in text


def beyond_loopback(redis_url: str) -> Any:
    return running_live(redis_url, READROOM_HTTP__HOST=EVERYWHERE, READROOM_HTTP__TOKEN=TOKEN)


def test_beyond_loopback_nothing_is_answered_without_the_token(redis_url: str) -> None:
    with beyond_loopback(redis_url) as live:
        for path in ("", "api/v1/room", "api/v1/stream", "static/main.js", "metrics"):
            assert httpx.get(f"{live.address}{path}").status_code == 401, path
            wrong = {"Authorization": "Bearer wrong"}
            assert httpx.get(f"{live.address}{path}", headers=wrong).status_code == 401, path
        right = {"Authorization": f"Bearer {TOKEN}"}
        assert httpx.get(f"{live.address}api/v1/room", headers=right).status_code == 200


def test_a_token_in_the_address_is_kept_where_scripts_can_t_read_it(redis_url: str) -> None:
    with beyond_loopback(redis_url) as live, httpx.Client() as browser:
        first = browser.get(live.address, params={"token": TOKEN})
        assert first.status_code == 200
        cookie = first.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert browser.get(f"{live.address}api/v1/room").status_code == 200
        assert "set-cookie" not in browser.get(live.address, params={"token": "wrong"}).headers
        live.terminate()
        assert TOKEN not in live.output


def test_on_loopback_no_cookie_is_set(live: Live) -> None:
    assert "set-cookie" not in httpx.get(live.address, params={"token": "anything"}).headers


def test_another_address_without_a_token_is_refused_at_start(redis_url: str) -> None:
    with running_live(redis_url, READROOM_HTTP__HOST=EVERYWHERE) as live:
        assert live.process.wait(20) == 2
        eventually(lambda: "READROOM_HTTP__TOKEN" in live.output)
