"""A box as a process: exit codes, signals, its pages, and that it never outlives its parent."""

from __future__ import annotations

import http.client
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import msgspec
import psutil
import pytest
import redis

from readroom import box as box_module
from readroom.box import Box, bind, serve
from readroom.errors import BadSettings
from readroom.log import Log
from readroom.messages import BoxInfo
from readroom.settings import Settings, load_settings
from readroom.streams import Keys, connect, read_boxes, register_box

from ..conftest import ROOT
from .processes import gone, wait_until
from .test_connect import redis_settings

SECRET = "hunter2horse"
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a small box that acts as told; ended with the test."""
    with ExitStack() as stack:

        def started(act: str, *words: str, **environment: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.readroom.small_box", act, *words],
                env={**os.environ, "READROOM_LOG_FORMAT": "json", **environment},
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield started


def first_line(process: subprocess.Popen[str]) -> tuple[str, int]:
    """The address and process id that a small box prints once it runs."""
    assert process.stdout is not None
    line = process.stdout.readline().split()
    assert line, process.stderr.read() if process.stderr else ""
    return line[0], int(line[1])


def get(address: str, path: str, **headers: str) -> tuple[int, str]:
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


# --- as a process ----------------------------------------------------------------------------


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_box_well(start: Start, signum: int) -> None:
    process = start("loop")
    address, _ = first_line(process)
    assert get(address, "/healthz")[0] == 200

    process.send_signal(signum)
    _, written = process.communicate(timeout=30)

    assert process.returncode == 0
    assert written == ""


@pytest.mark.parametrize(
    ("act", "code", "said"),
    [
        ("fail", 1, "plug it in"),
        ("refuse", 2, "room='': name it"),
        ("lose_redis", 1, "Redis went away while running: ConnectionError; is the server up?"),
        ("break_down", 1, "this is a bug in readroom"),
    ],
)
def test_a_failure_is_one_line_and_its_exit_code(
    start: Start, act: str, code: int, said: str
) -> None:
    process = start(act)
    _, written = process.communicate(timeout=60)

    (line,) = written.splitlines()
    entry = json.loads(line)
    assert said in entry["event"]
    assert entry["box"] == "ingest/front"
    assert ("traceback" in entry) == (act == "break_down")
    assert SECRET not in written
    assert process.returncode == code


def test_a_box_that_has_not_begun_its_work_ends_at_the_first_signal(start: Start) -> None:
    process = start("load")
    first_line(process)
    process.terminate()
    assert process.wait(30) == 0


def test_a_second_signal_ends_a_box_at_once(start: Start) -> None:
    process = start("deaf")
    first_line(process)
    process.terminate()
    assert process.stdout is not None
    assert process.stdout.readline() == "stopping\n"
    assert process.poll() is None

    process.terminate()

    assert process.wait(30) == 128 + signal.SIGTERM


def test_a_port_that_is_taken_is_one_line_and_exit_code_2(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start("loop", READROOM_HTTP__BOX_PORT=str(port))
        _, written = process.communicate(timeout=60)

    (line,) = written.splitlines()
    assert f"127.0.0.1:{port} can't be listened on" in json.loads(line)["event"]
    assert process.returncode == 2


def test_the_title_of_a_process_says_what_it_is_and_no_password(start: Start) -> None:
    process = start("loop", f"front=rtsp://admin:{SECRET}@cam/1")
    _, pid = first_line(process)

    title = " ".join(psutil.Process(pid).cmdline())

    assert "readroom: ingest front" in title
    assert SECRET not in title


PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen(
    [sys.executable, "-m", "tests.readroom.small_box", sys.argv[1]],
    env={**os.environ, "READROOM_PARENT_PID": str(os.getpid())},
    start_new_session=True,
)
time.sleep(600)
"""


@pytest.mark.parametrize("act", ["loop", "deaf"])
def test_a_box_ends_with_its_parent_even_when_that_was_killed(act: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, act], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        _, pid = first_line(parent)
        assert not gone(pid)
        parent.kill()
        try:
            wait_until(lambda: gone(pid), f"the box that is {act} ends")
        finally:
            if not gone(pid):
                os.kill(pid, signal.SIGKILL)


# --- its pages -------------------------------------------------------------------------------


class Served:
    """A box with its server, in this process."""

    def __init__(self, settings: Settings) -> None:
        self.box = Box("work", "w1", settings, Log(_quiet()))
        self.server = serve(self.box, settings, 0)

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        return get(self.box.address, path, **headers)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def _quiet() -> Any:
    import logging

    return logging.getLogger("test")


@pytest.fixture
def served() -> Iterator[Served]:
    found = Served(load_settings())
    yield found
    found.close()


def test_a_loop_that_hangs_is_unhealthy(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    served.box.alive()
    assert served.get("/healthz")[0] == 200

    monkeypatch.setattr(box_module, "STALE_S", 0.0)
    status, body = served.get("/healthz")

    assert status == 503
    assert body.startswith("last turn ")


def test_readiness_says_what_is_missing_without_its_password(served: Served) -> None:
    assert served.get("/readyz") == (503, "starting\n")

    served.box.set_ready(False, f"waiting for redis://:{SECRET}@host")
    status, body = served.get("/readyz")
    assert (status, SECRET in body) == (503, False)

    served.box.set_ready(True)
    assert served.get("/readyz") == (200, "ready\n")


def test_metrics_are_those_of_the_box(served: Served) -> None:
    from readroom.metrics import BoxMetrics

    BoxMetrics(served.box.metrics, "room").dead("version")

    status, body = served.get("/metrics")

    assert status == 200
    assert 'readroom_dead_letters_total{reason="version",room="room"} 1.0' in body


def test_a_box_may_have_pages_of_its_own(served: Served) -> None:
    served.box.routes["/targets"] = lambda: ("application/json", b"[]")

    assert served.get("/targets?x=1") == (200, "[]")
    status, body = served.get("/nothing")
    assert status == 404
    assert body == "no such page; there are /metrics, /healthz, /readyz, /targets\n"


def test_a_strange_host_or_origin_is_refused_on_every_page(served: Served) -> None:
    for path in ("/metrics", "/healthz", "/readyz", "/nothing"):
        assert served.get(path, Host="evil.example")[0] == 421
        assert served.get(path, Origin="http://evil.example")[0] == 403


def test_beyond_loopback_every_page_asks_for_the_token() -> None:
    token = "0123456789abcdef"
    served = Served(load_settings(http={"host": "0.0.0.0", "token": token}))
    try:
        assert served.get("/metrics")[0] == 401
        assert served.get("/metrics", Authorization=f"Bearer {token}")[0] == 200
        assert served.get(f"/metrics?token={token}")[0] == 200
    finally:
        served.close()


def test_an_address_of_ip_version_6_can_be_put_into_a_url() -> None:
    if not socket.has_ipv6 or not _has_loopback_6():
        pytest.skip("this machine has no IPv6 loopback")
    served = Served(load_settings(http={"host": "::1"}))
    try:
        assert served.box.address.startswith("[::1]:")
        assert served.get("/healthz")[0] == 200
    finally:
        served.close()


def _has_loopback_6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.parametrize(
    "request_line", ["GET //[ HTTP/1.1", "GET /%ff?token=%ff HTTP/1.0", "GET * HTTP/1.1"]
)
def test_a_strange_request_gets_an_answer(
    served: Served, request_line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    host, _, port = served.box.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(
            f"{request_line}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        answer = connection.recv(4096)

    assert answer.split()[1] == b"404"
    assert capsys.readouterr().err == ""


def test_a_scraper_that_hangs_up_is_no_event(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    answering, hung_up = threading.Event(), threading.Event()

    def slow() -> tuple[str, bytes]:
        answering.set()
        hung_up.wait(10)
        return "text/plain", bytes(1 << 24)

    served.box.routes["/slow"] = slow
    host, _, port = served.box.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answering.wait(10)
    hung_up.set()

    assert served.get("/healthz")[0] == 200
    served.close()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("host", ["192.0.2.7", "no-such-host.invalid"])
def test_an_address_that_is_not_this_machines_is_refused(host: str) -> None:
    from http.server import BaseHTTPRequestHandler

    with pytest.raises(BadSettings, match=f"{host}:9310 can't be listened on"):
        bind(host, 9310, BaseHTTPRequestHandler)


# --- what it says of itself ------------------------------------------------------------------


def test_a_box_registers_itself_at_most_once_a_second(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 1000.0
    monkeypatch.setattr("readroom.box.time.monotonic", lambda: now_s)
    box = Box("work", "w1", load_settings(), Log(_quiet()))
    with connect(redis_settings(redis_url)) as client:

        def detail() -> str:
            info: BoxInfo = read_boxes(client, box.keys)["work/w1"]
            assert (info.kind, info.name, info.pid) == ("work", "w1", os.getpid())
            return info.detail

        box.alive(client)
        box.set_ready(True, f"redis://:{SECRET}@host")
        box.alive(client)
        assert detail() == "starting"
        now_s += box_module.REGISTER_EVERY_S
        box.alive(client)
        assert detail() == "redis://***@host"


def test_a_redis_that_is_away_is_the_loops_to_handle(own_server: Any) -> None:
    box = Box("work", "w1", load_settings(), Log(_quiet()))
    with connect(own_server.settings) as client:
        own_server.kill()
        with pytest.raises(redis.ConnectionError):
            box.alive(client)


def test_a_second_box_of_one_name_is_refused_while_the_first_lives(redis_url: str) -> None:
    settings = load_settings(redis={"url": redis_url})
    log = Log(logging.getLogger("test"))
    with connect(settings.redis) as client:
        mine = Box("work", "w1", settings, log)
        register_box(client, mine.keys, msgspec.structs.replace(mine.info(), pid=os.getppid()))
        with pytest.raises(BadSettings, match=r"work w1 already runs on this host"):
            mine.alive(client)
        Box("work", "w2", settings, log).alive(client)
        register_box(client, mine.keys, Box("live", "live", settings, log).info())
        Box("live", "live", settings, log).alive(client)


def test_a_dead_namesake_is_no_reason_to_refuse(redis_url: str) -> None:
    settings = load_settings(redis={"url": redis_url})
    with connect(settings.redis) as client, subprocess.Popen(["true"]) as ended:
        ended.wait()
        mine = Box("work", "w1", settings, Log(logging.getLogger("test")))
        register_box(client, mine.keys, msgspec.structs.replace(mine.info(), pid=ended.pid))
        mine.alive(client)
        assert read_boxes(client, mine.keys)["work/w1"].pid == os.getpid()


def test_an_old_registration_is_no_reason_to_refuse(redis_url: str) -> None:
    settings = load_settings(redis={"url": redis_url})
    with connect(settings.redis) as client:
        mine = Box("work", "w1", settings, Log(logging.getLogger("test")))
        old = msgspec.structs.replace(mine.info(), pid=os.getppid(), at=mine.info().at - 60)
        register_box(client, mine.keys, old)
        mine.alive(client)


def test_a_server_that_evicts_is_told_of(
    redis_url: str, client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    settings = load_settings(redis={"url": redis_url})
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with connect(settings.redis) as link:
            Box("aggregate", "aggregator", settings, Log(logging.getLogger("test"))).alive(link)
    finally:
        client.config_set("maxmemory-policy", "noeviction")
    assert "allkeys-lru" in caplog.text


def test_a_full_redis_does_not_end_a_box_that_registers(
    redis_url: str, client: redis.Redis
) -> None:
    settings = load_settings(redis={"url": redis_url})
    with connect(settings.redis) as link:
        client.config_set("maxmemory", "1")
        try:
            Box("live", "live", settings, Log(logging.getLogger("test"))).alive(link)
        finally:
            client.config_set("maxmemory", "0")
        assert "live/live" not in read_boxes(link, Keys(settings.room))
