"""Connecting to Redis: every way in which it can go wrong is one line with its remedy."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator

import pytest

from readroom import streams
from readroom.errors import BadSettings, ReadroomError
from readroom.redaction import redact
from readroom.settings import RedisSettings
from readroom.streams import connect, wait_for_redis

from .conftest import Server, server_programs

PASSWORD = "hunter2horse"


def redis_settings(url: str | None) -> RedisSettings:
    return RedisSettings.model_validate({"url": url})


def line_of(kind: type[ReadroomError], url: str | None) -> str:
    """The one line that connecting ends with, as a person sees it."""
    with pytest.raises(ReadroomError) as caught:
        connect(redis_settings(url))
    assert type(caught.value) is kind
    line = redact(str(caught.value))
    assert "\n" not in line
    assert PASSWORD not in str(caught.value)
    return line


def test_a_box_without_an_address_is_told_where_to_put_one() -> None:
    assert "READROOM_REDIS__URL=redis://" in line_of(BadSettings, None)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6379",
        "http://localhost",
        "redis://localhost:port",
        "redis://localhost:99999",
        "redis://[::1",
        "redis://localhost?db=first",
        "redis://localhost?decode_responses=yes",
    ],
)
def test_what_is_no_redis_address_is_refused_before_anybody_is_asked(url: str) -> None:
    line = line_of(BadSettings, url)

    assert line.startswith("redis.url ")


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{PASSWORD}/x@localhost",
        f"redis://:12?{PASSWORD}=x@localhost",
        f"redis://:12#{PASSWORD}@localhost:1",
        f"redis://:{PASSWORD}@localhost:port",
        f"redis://u:{PASSWORD}@localhost:1",
        f"redis://localhost:1?password={PASSWORD}",
        f"redis://localhost:1?{PASSWORD}=1",
        f"unix://:{PASSWORD}@/no/such.sock",
        f"unix:///no/such.sock?password={PASSWORD}",
    ],
)
def test_no_piece_of_a_password_is_told_however_it_was_spelled(url: str) -> None:
    with pytest.raises(ReadroomError) as caught:
        connect(redis_settings(url))

    assert PASSWORD not in str(caught.value)
    assert ":12" not in str(caught.value)


def test_nobody_there_can_be_waited_for(free_port: int) -> None:
    line = line_of(ReadroomError, f"redis://:{PASSWORD}@127.0.0.1:{free_port}/0")

    assert f"127.0.0.1:{free_port}" in line
    assert "is it running" in line


def test_a_host_that_does_not_answer_at_all_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "COMMAND_TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        line = line_of(ReadroomError, f"redis://127.0.0.1:{silent.getsockname()[1]}")

    assert "doesn't answer (TimeoutError)" in line


@pytest.fixture
def locked() -> Iterator[Server]:
    programs = server_programs()
    if not programs:
        pytest.skip("no Redis server is installed here")
    folder = tempfile.mkdtemp(prefix="rr-t-")
    server = Server(next(iter(programs.values())), folder, "--requirepass", PASSWORD)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(folder, ignore_errors=True)


def test_the_right_password_opens(locked: Server) -> None:
    path = locked.url.removeprefix("unix://")
    for url in (f"unix://:{PASSWORD}@{path}", f"{locked.url}?password={PASSWORD}"):
        with connect(redis_settings(url)) as client:
            assert client.ping() is True


def test_a_missing_password_is_asked_for(locked: Server) -> None:
    line = line_of(BadSettings, locked.url)

    assert "wants a password" in line
    assert "READROOM_REDIS__URL" in line


def test_a_wrong_password_is_refused_and_not_told(locked: Server) -> None:
    path = locked.url.removeprefix("unix://")
    line = line_of(BadSettings, f"unix://:wrong-{PASSWORD}@{path}")

    assert "refuses the password" in line
    assert "READROOM_REDIS__URL" in line


def test_a_password_where_none_is_wanted_is_refused_and_not_told(own_server: Server) -> None:
    path = own_server.url.removeprefix("unix://")
    line_of(BadSettings, f"unix://:{PASSWORD}@{path}")


@contextlib.contextmanager
def answering(answers: bytes) -> Iterator[str]:
    """A server that says the same to everything: its address."""

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    while connection.recv(4096):
                        connection.sendall(answers)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}"
        # Closing alone leaves accept() waiting.
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.mark.parametrize("version", ["5.0.7", "6.0.16", "2.8.4"])
def test_a_server_too_old_for_what_is_needed_is_refused(version: str) -> None:
    body = f"# Server\r\nredis_version:{version}\r\nredis_mode:standalone\r\n"
    with answering(f"${len(body)}\r\n{body}\r\n".encode()) as url:
        line = line_of(BadSettings, url)

    assert f"version {version}: 6.2 or newer is needed" in line


@pytest.mark.parametrize("version", ["6.2.0", "7.0.15", "8.0", "10.1.2"])
def test_a_server_new_enough_is_taken(version: str) -> None:
    body = f"redis_version:{version}\r\n"
    with answering(f"${len(body)}\r\n{body}\r\n".encode()) as url:
        connect(redis_settings(url)).close()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", id="a web server"),
        pytest.param(b"-ERR unknown command 'INFO'\r\n", id="something that knows no INFO"),
        pytest.param(b"$5\r\nhello\r\n", id="something that tells no version"),
        pytest.param(b"+OK\r\n", id="something that agrees with everything"),
    ],
)
def test_what_answers_but_is_no_redis_is_one_line(answer: bytes) -> None:
    with answering(answer) as url:
        line = line_of(ReadroomError, url)

    assert url in line


def test_waiting_says_one_line_a_try_and_ends_when_told_to(free_port: int) -> None:
    said: list[str] = []
    pauses: list[float] = []

    def stopping(pause_s: float) -> bool:
        pauses.append(pause_s)
        return len(pauses) == 8

    url = f"redis://:{PASSWORD}@127.0.0.1:{free_port}"
    assert wait_for_redis(redis_settings(url), stopping, said.append) is None

    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
    assert len(said) == 8
    assert not any("\n" in line or PASSWORD in line for line in said)


def test_waiting_ends_when_the_server_comes(own_server: Server) -> None:
    own_server.kill()
    said: list[str] = []

    def start_it(pause_s: float) -> bool:
        own_server.start()
        return False

    client = wait_for_redis(own_server.settings, start_it, said.append)

    assert client is not None
    assert client.ping() is True
    assert len(said) == 1
    client.close()


def test_waiting_does_not_mend_a_wrong_password(locked: Server) -> None:
    with pytest.raises(BadSettings):
        wait_for_redis(locked.settings, lambda pause_s: False, lambda line: None)


def test_the_address_of_a_box_decides_neither_time_outs_nor_protocol(own_server: Server) -> None:
    with connect(own_server.settings, block_s=2.0) as client:
        options = client.connection_pool.connection_kwargs

    assert options["socket_timeout"] == streams.COMMAND_TIMEOUT_S + 2.0
    assert options["retry"].get_retries() == 0
    assert options["protocol"] == 2


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
