"""Commands and markers, from the command line into the room's stream."""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from readroom import commands
from readroom.cli import main
from readroom.errors import BadSettings, ReadroomError
from readroom.messages import BoxInfo, Command, Marker, Outcome
from readroom.redis_server import socket_path
from readroom.settings import load_settings
from readroom.streams import Keys, TailReader, register_box, tell_outcomes

KEYS = Keys("room")


def aggregator(client: redis.Redis, *, at: float | None = None, room: str = "room") -> None:
    """An aggregator that has registered, now or at ``at``."""
    now = time.time()
    info = BoxInfo(
        kind="aggregate",
        name="aggregator",
        host="h",
        pid=1,
        address="",
        started_at=now,
        at=at or now,
    )
    register_box(client, Keys(room), info)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers here, unless a test says so."""
    monkeypatch.setattr(commands, "ANSWER_S", 0.05)


def sent(client: redis.Redis, room: str = "room") -> list[Any]:
    reader: TailReader[Any] = TailReader(client, Keys(room).commands, Command | Marker)
    return reader.backfill(100)


@pytest.fixture
def room(client: redis.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> redis.Redis:
    """A Redis in which a room runs."""
    monkeypatch.setenv("READROOM_REDIS__URL", redis_url)
    aggregator(client)
    return client


def command(*words: str) -> int:
    """The command line's exit code."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    code = ended.value.code
    return code if isinstance(code, int) else 0


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        (["session", "start"], {"verb": "start", "text": ""}),
        (["session", "start", "Board meeting"], {"verb": "start", "text": "Board meeting"}),
        (["session", "stop"], {"verb": "stop"}),
        (["session", "title", "Pitch, day 2"], {"verb": "title", "text": "Pitch, day 2"}),
        (["session", "note", "the lamp\nbroke"], {"verb": "note", "text": "the lamp broke"}),
        (["session", "merge", "P1", "p12"], {"verb": "merge", "slot": 1, "other": 12}),
        (
            ["session", "split", "P3", "--camera", "left"],
            {"verb": "split", "slot": 3, "camera": "left", "other": None},
        ),
        (
            ["session", "rename", "P2", " Ada\tLovelace "],
            {"verb": "rename", "slot": 2, "text": "Ada Lovelace"},
        ),
        (["session", "rename", "P2"], {"verb": "rename", "slot": 2, "text": ""}),
    ],
)
def test_a_command_is_in_the_stream(
    words: list[str], fields: dict[str, object], room: redis.Redis
) -> None:
    before = time.time()
    assert command(*words) == 0
    (found,) = sent(room)
    assert isinstance(found, Command)
    assert {name: getattr(found, name) for name in fields} == fields
    assert found.room == "room"
    assert before <= found.at <= time.time()
    assert re.fullmatch("[0-9a-f]{32}", found.id)


def answered(client: redis.Redis, refused: str) -> threading.Thread:
    """Somebody who answers the next command so."""

    def answer() -> None:
        while not (found := sent(client)):
            time.sleep(0.01)
        tell_outcomes(client, KEYS, [Outcome(id=found[-1].id, refused=refused)])

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("refused", "code", "says"),
    [("", 0, "done in room room\n"), ("stop: no session runs", 1, "readroom: stop: no session")],
)
def test_what_became_of_a_command_is_said(
    refused: str,
    code: int,
    says: str,
    room: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(commands, "ANSWER_S", 10.0)
    thread = answered(room, refused)
    assert command("session", "stop") == code
    thread.join(10)
    told = capsys.readouterr()
    assert says in told.out + told.err


def test_that_nobody_answered_in_time_is_said(
    room: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("session", "stop") == 0
    assert "hasn't said within 0.05 s" in capsys.readouterr().out


def test_an_answer_that_nobody_can_read_is_none(room: redis.Redis) -> None:
    asked = commands.command("room", "stop")
    room.set(KEYS.answer(asked.id), b"\xc1rubbish")
    assert commands.ask(room, KEYS, asked) is None


def test_a_marker_is_in_the_stream(room: redis.Redis) -> None:
    assert command("mark", "pricing slide") == 0
    assert command("mark", "pricing slide") == 0
    first, second = sent(room)
    assert isinstance(first, Marker)
    assert first.label == "pricing slide"
    assert first.id != second.id


def test_commands_go_to_the_room_that_is_named(room: redis.Redis) -> None:
    aggregator(room, room="stage")
    assert command("session", "stop", "--room", "stage") == 0
    assert [found.room for found in sent(room, "stage")] == ["stage"]
    assert sent(room) == []


def test_commands_that_nobody_reads_are_bounded(room: redis.Redis) -> None:
    for _ in range(commands.COMMANDS_KEPT + 300):
        commands.send(room, KEYS, commands.command("room", "stop"))
    assert room.xlen(KEYS.commands) < commands.COMMANDS_KEPT + 250


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["session", "note", " \t "], "note: the text is empty"),
        (["mark", ""], "mark: the text is empty"),
        (["session", "title", "x" * 301], "title: 301 characters; 300 at most"),
        (["session", "rename", "P1", "x" * 301], "rename: 301 characters; 300 at most"),
        (["session", "merge", "P1", "P1"], "merge P1 P1"),
        (["session", "merge", "P1", "P33"], "'P33'"),
        (["session", "merge", "P0", "P3"], "'P0'"),
        (["session", "split", "Anna", "--camera", "left"], "'Anna'"),
    ],
)
def test_what_makes_no_sense_is_refused_and_not_sent(
    words: list[str], says: str, room: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(*words) == 2
    assert says in capsys.readouterr().err
    assert sent(room) == []


def test_without_an_aggregator_it_is_said_that_nothing_runs(
    client: redis.Redis,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("READROOM_REDIS__URL", redis_url)
    assert command("mark", "x") == 1
    assert "room room doesn't run: no aggregator" in capsys.readouterr().err
    aggregator(client, room="stage")
    assert command("mark", "x") == 1
    aggregator(client, at=time.time() - 60)
    assert command("session", "stop") == 1
    assert re.search(r"last heard of \d\d s ago", capsys.readouterr().err)
    assert client.exists(KEYS.commands) == 0


def test_a_full_redis_is_said(room: redis.Redis) -> None:
    room.config_set("maxmemory", "1")
    with pytest.raises(ReadroomError, match="out of memory"):
        commands.send(room, KEYS, commands.command("room", "stop"))


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files, with a path that is short enough for a socket's."""
    folder = Path(tempfile.mkdtemp(prefix="rr-"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    shutil.rmtree(folder)


def private(temporary: Path, name: str, redis_url: str) -> Path:
    """The folder of a run whose private server is the tests' own."""
    folder = temporary / f"readroom-{name}"
    folder.mkdir()
    os.link(redis_url.removeprefix("unix://"), socket_path(folder))
    return folder


def test_a_run_with_a_private_redis_is_found(
    temporary: Path, client: redis.Redis, redis_url: str
) -> None:
    (temporary / "readroom-left-behind").mkdir()
    killed = temporary / "readroom-killed"
    killed.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(socket_path(killed)))
    private(temporary, "mine", redis_url)
    aggregator(client)
    with commands.running_room(load_settings()) as found:
        commands.send(found, KEYS, commands.marker("room", "here"))
    assert [each.label for each in sent(client)] == ["here"]


def test_a_run_of_another_room_or_user_is_left_alone(
    temporary: Path, client: redis.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    private(temporary, "mine", redis_url)
    aggregator(client, room="stage")
    with (
        pytest.raises(ReadroomError, match="doesn't run on this machine"),
        commands.running_room(load_settings()),
    ):
        pass
    assert len(commands.private_sockets(temporary)) == 1
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert commands.private_sockets(temporary) == []


def test_people_are_named_as_on_the_page() -> None:
    assert [commands.slot_of(name) for name in ("P1", "p32", "7")] == [1, 32, 7]
    for name in ("", "P", "P0", "P33", "P1 ", "-1", "P٣"):
        with pytest.raises(BadSettings):
            commands.slot_of(name)
