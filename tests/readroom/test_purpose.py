"""What a room is for: asked once, kept, overruled, and obeyed."""

from __future__ import annotations

import io
import json
import logging
import os
import pty
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import redis

from readroom import cli, purpose as purposes
from readroom.box import Box
from readroom.cli import main
from readroom.doctor import examine, render
from readroom.errors import BadSettings
from readroom.ingest.sources import parse_sources
from readroom.log import Log
from readroom.messages import PURPOSES, Purpose
from readroom.settings import Settings, load_settings, to_environment
from readroom.streams import NO_PURPOSE, PURPOSE_HELD_S, Keys, room_purpose

from ..conftest import ROOT


class Terminal(io.StringIO):
    """Somebody at a keyboard, who types these lines and then leaves."""

    def isatty(self) -> bool:
        return True


def nobody(room: str) -> Purpose:
    raise AssertionError(f"asked for room {room}")


def audience(room: str) -> Purpose:
    return "audience"


def workplace(room: str) -> Purpose:
    return "workplace"


def settled(ask: purposes.Ask | None = None, *, real: bool = True, **given: object) -> Settings:
    return purposes.settle(load_settings(**given), real_camera=real, ask=ask)


def kept_file(room: str = "room") -> Path:
    return purposes.path_of(load_settings().data, room)


def test_the_answer_is_asked_once_and_kept() -> None:
    assert settled(workplace).purpose == "workplace"
    assert settled(nobody).purpose == "workplace"
    assert settled(None, real=False).purpose == "workplace"


def test_the_file_is_small_and_readable_by_its_user_alone() -> None:
    settled(workplace)
    path = kept_file()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert set(json.loads(path.read_text())) == {"purpose", "asked_of", "asked_at"}
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_it_says_who_was_asked_and_when() -> None:
    found = purposes.answered("research", 1_700_000_000.0)
    assert found.asked_at == "2023-11-14T22:13:20+00:00"
    assert found.asked_of.endswith(f"@{socket.gethostname()}")
    assert len(found.asked_of) > len(socket.gethostname()) + 1


def test_every_room_has_its_own() -> None:
    settled(workplace, room="office")
    assert settled(audience, room="stage").purpose == "audience"
    assert settled(nobody, room="office").purpose == "workplace"


def test_the_environment_overrules_what_is_kept_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settled(workplace)
    monkeypatch.setenv("READROOM_PURPOSE", "research")
    assert settled(nobody).purpose == "research"
    monkeypatch.delenv("READROOM_PURPOSE")
    assert settled(nobody).purpose == "workplace"


def test_the_demo_room_is_not_asked_for() -> None:
    assert settled(nobody, real=False).purpose is None
    assert not kept_file().exists()


def test_with_nobody_to_ask_the_variable_and_the_choices_are_named() -> None:
    with pytest.raises(BadSettings) as refused:
        settled(None)
    for word in ("READROOM_PURPOSE", "room room", *PURPOSES):
        assert word in str(refused.value)


def test_a_file_that_cannot_be_read_is_never_taken_for_permission() -> None:
    settled(workplace)
    for broken in ("", "{", '{"purpose": "fun", "asked_of": "x", "asked_at": "y"}', "\xff"):
        kept_file().write_text(broken, "latin-1")
        with pytest.raises(BadSettings, match="can't be read"):
            settled(nobody)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSettings, match="READROOM_DATA"):
        settled(workplace, data=tmp_path / "file" / "below")


def test_a_process_below_a_supervisor_keeps_what_it_was_handed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settled(workplace)
    monkeypatch.setenv("READROOM_PARENT_PID", "1")
    assert settled(None, real=False).purpose is None
    monkeypatch.setenv("READROOM_PURPOSE", "safety")
    assert settled(None).purpose == "safety"


def test_children_are_handed_the_purpose() -> None:
    assert to_environment(settled(workplace))["READROOM_PURPOSE"] == "workplace"


@pytest.mark.parametrize("purpose", ["workplace", "education"])
def test_where_it_is_forbidden_no_worker_and_no_lane_reads_expressions(purpose: str) -> None:
    found = settled(nobody, purpose=purpose, workers={"engines": "face,expression,pose"}, lanes=())
    assert found.workers.engines == ("face", "pose")
    assert found.lane_names == ("face+pose",)
    lanes = ("face+expression", "face", "pose")
    assert settled(nobody, purpose=purpose, lanes=lanes).lanes == ("face", "pose")
    assert "expression" not in " ".join(to_environment(found).values())
    # Two that have become the same are one; where none was named, none is.
    alike = settled(nobody, purpose=purpose, lanes=("face+expression+mesh", "face+mesh"))
    assert alike.lanes == ("face+mesh",)
    assert found.lanes == ()


@pytest.mark.parametrize("purpose", ["audience", "research", "own_training", "safety"])
def test_elsewhere_everything_is_read(purpose: str) -> None:
    assert settled(nobody, purpose=purpose) == load_settings(purpose=purpose)


def asked(*lines: str) -> tuple[Purpose, str]:
    sink = io.StringIO()
    ask = purposes.asker(Terminal("".join(f"{line}\n" for line in lines)), sink)
    assert ask is not None
    return ask("stage"), sink.getvalue()


@pytest.mark.parametrize(("number", "purpose"), list(enumerate(PURPOSES, 1)))
def test_a_number_or_a_name_is_an_answer(number: int, purpose: str) -> None:
    assert asked(str(number))[0] == purpose
    assert asked(f"  {purpose.upper()} ")[0] == purpose


def test_the_question_says_what_each_answer_means() -> None:
    _, said = asked("1")
    assert "stage" in said
    assert all(f"  {number}  " in said for number in range(1, 7))
    assert "Art. 5(1)(f)" in said
    assert "no expression is computed" in said


def test_other_answers_are_asked_again() -> None:
    found, said = asked("0", "7", "", "fun", "²", "2")
    assert found == "research"
    assert said.count("not one of 1 to 6") == 5


def test_no_answer_starts_nothing() -> None:
    with pytest.raises(BadSettings, match="READROOM_PURPOSE"):
        asked()


def test_nobody_is_asked_without_a_terminal() -> None:
    assert purposes.asker(io.StringIO("1\n"), io.StringIO()) is None


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert ended.value.code in (0, None)
    return capsys.readouterr().out


def test_a_run_says_once_what_is_forbidden(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cameras = parse_sources(("demo:left",))
    settings = load_settings(purpose="workplace")
    cli._settled(settings, cameras)
    assert capsys.readouterr().out.count("Purpose workplace: no expression is computed") == 1
    monkeypatch.setenv("READROOM_PARENT_PID", str(os.getpid()))
    assert cli._settled(settings, cameras).engines == ("face", "pose")
    assert not capsys.readouterr().out


def test_the_command_takes_a_purpose_in_any_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Room room: workplace" in told(capsys, "purpose", "Workplace")


def test_the_command_shows_and_changes_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "not asked yet" in told(capsys, "purpose")
    said = told(capsys, "purpose", "education")
    assert "education" in said
    assert "no expression is computed" in said
    assert "until it is started again" in said
    assert settled(nobody).purpose == "education"
    said = told(capsys, "purpose", "audience", "--room", "stage")
    assert "Room stage: audience" in said
    assert "no expression" not in said
    monkeypatch.setenv("READROOM_PURPOSE", "research")
    said = told(capsys, "purpose")
    assert "READROOM_PURPOSE=research" in said
    assert "no expression" not in said


def test_the_command_shows_what_the_running_room_is_for(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    client: redis.Redis,
    redis_url: str,
) -> None:
    settled(workplace)
    monkeypatch.setenv("READROOM_REDIS__URL", redis_url)
    assert "running now" not in told(capsys, "purpose")
    client.set(KEYS.purpose, "research")
    said = told(capsys, "purpose")
    assert "Room room: workplace" in said
    assert "Room room is running now, for research." in said
    client.set(KEYS.purpose, NO_PURPOSE)
    assert "without a purpose: its people are painted" in told(capsys, "purpose")
    assert "running now" not in told(capsys, "purpose", "--room", "stage")
    # What is kept is shown also where nobody answers.
    monkeypatch.setenv("READROOM_REDIS__URL", "redis://127.0.0.1:1/0")
    said = told(capsys, "purpose")
    assert "Room room: workplace" in said
    assert "running now" not in said


def test_an_unknown_purpose_is_refused_with_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["purpose", "fun"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "purpose='fun'" in said
    assert "own_training" in said
    assert not kept_file().exists()


@pytest.mark.parametrize("command", ["run", "ingest"])
def test_a_real_camera_is_not_started_before_it_is_known_what_for(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(SystemExit) as ended:
        main([command, "front=rtsp://127.0.0.1:1/none"])
    assert ended.value.code == 2
    assert "READROOM_PURPOSE" in capsys.readouterr().err


def test_at_a_terminal_the_question_is_asked_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        # A port that is taken ends the start right behind the question.
        port = str(taken.getsockname()[1])
        ended, said = at_a_terminal(
            ["run", "rtsp://127.0.0.1:1/none", "--port", port], "9\n6\n", tmp_path
        )
    assert ended == 2
    assert "what is the read-out for?" in said
    assert "'9': not one of 1 to 6" in said
    assert "Purpose education: no expression is computed" in said
    assert json.loads((tmp_path / "purpose.room.json").read_text())["purpose"] == "education"


def at_a_terminal(words: list[str], typed: str, data: Path) -> tuple[int, str]:
    """The program with a terminal for its input: exit code and everything it printed."""
    leader, follower = pty.openpty()
    try:
        os.write(leader, typed.encode())
        ended = subprocess.run(
            [sys.executable, "-m", "readroom", *words],
            cwd=ROOT,
            env={**os.environ, "READROOM_DATA": str(data)},
            stdin=follower,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        os.close(leader)
        os.close(follower)
    return ended.returncode, ended.stdout


def test_the_doctor_says_the_purpose_and_what_would_run_for_it() -> None:
    assert "asked before the first real camera" in render(examine(load_settings()))
    settled(workplace)
    report = examine(load_settings())
    assert report["would_run"]["purpose"] == "workplace"
    assert report["would_run"]["lane"] == "face+pose"


def test_the_doctor_finds_a_file_that_cannot_be_read() -> None:
    settled(workplace)
    kept_file().write_text("{")
    report = examine(load_settings())
    assert not report["ok"]
    assert "can't be read" in render(report)


KEYS = Keys("room")


def a_box(redis_url: str, kind: str, purpose: str | None, name: str = "x") -> Box:
    """A box as the command line makes it, of a machine on which nothing is kept."""
    settings = purposes.allowed(load_settings(redis={"url": redis_url}, purpose=purpose))
    return Box(kind, name, settings, Log(logging.getLogger("test")))


def test_a_camera_says_the_purpose_and_the_others_take_it_over(redis_url: str) -> None:
    assert purposes.agree(a_box(redis_url, "ingest", "workplace"), leads=True)
    worker = a_box(redis_url, "work", None)
    assert "expression" in worker.settings.workers.engines
    assert purposes.agree(worker, leads=False)
    assert worker.settings.purpose == "workplace"
    assert worker.settings.without_emotion
    assert "expression" not in worker.settings.workers.engines
    second = a_box(redis_url, "ingest", None)
    assert purposes.agree(second, leads=True)
    assert second.settings.purpose == "workplace"


@pytest.mark.parametrize("kind", ["ingest", "work", "aggregate"])
def test_a_box_with_another_purpose_is_refused_with_both_named(kind: str, redis_url: str) -> None:
    assert purposes.agree(a_box(redis_url, "ingest", "workplace"), leads=True)
    with pytest.raises(BadSettings) as refused:
        purposes.agree(a_box(redis_url, kind, "audience"), leads=kind == "ingest")
    for words in ("workplace", "audience", "READROOM_PURPOSE=workplace", "room room"):
        assert words in str(refused.value)


def test_a_box_without_a_purpose_reads_nothing_before_a_camera_says_it(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purposes, "_LOOK_S", 0.02)
    worker = a_box(redis_url, "work", None)
    answers: list[bool] = []
    waiting = threading.Thread(target=lambda: answers.append(purposes.agree(worker, leads=False)))
    waiting.start()
    time.sleep(0.2)
    assert not answers
    assert worker.ready() == (False, "no purpose (READROOM_PURPOSE), and no camera of the room yet")
    assert purposes.agree(a_box(redis_url, "ingest", "education"), leads=True)
    waiting.join(5)
    assert answers == [True]
    assert worker.settings.purpose == "education"


def test_a_box_that_waits_for_a_purpose_can_be_stopped(redis_url: str) -> None:
    worker = a_box(redis_url, "work", None)
    threading.Timer(0.2, worker.stopping.set).start()
    assert not purposes.agree(worker, leads=False)


def test_painted_people_need_no_purpose_and_real_ones_don_t_join_them(redis_url: str) -> None:
    assert purposes.agree(a_box(redis_url, "ingest", None), leads=True)
    worker = a_box(redis_url, "work", None)
    assert purposes.agree(worker, leads=False)
    assert worker.settings.purpose is None
    with pytest.raises(BadSettings, match="room room runs for none, and this box is for safety"):
        purposes.agree(a_box(redis_url, "ingest", "safety"), leads=True)


def test_below_a_supervisor_nobody_is_asked_again(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READROOM_PARENT_PID", "1")
    assert purposes.agree(a_box(redis_url, "work", None), leads=False)


def test_the_purpose_is_held_by_every_box_that_runs(
    redis_url: str, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 1000.0
    monkeypatch.setattr("readroom.box.time.monotonic", lambda: now_s)
    worker = a_box(redis_url, "work", "workplace")
    worker.alive(client)
    client.expire(KEYS.purpose, 2)
    now_s += 1.0
    worker.alive(client)
    assert client.ttl(KEYS.purpose) == PURPOSE_HELD_S
    client.flushall()  # Redis came back empty.
    now_s += 1.0
    worker.alive(client)
    assert room_purpose(client, KEYS) == "workplace"
    # One that slept through a change of purpose doesn't go on.
    client.set(KEYS.purpose, "audience")
    now_s += 1.0
    with pytest.raises(BadSettings, match="runs for audience, and this box is for workplace"):
        worker.alive(client)


def test_a_box_that_was_refused_holds_nothing(redis_url: str, client: redis.Redis) -> None:
    client.set(KEYS.purpose, "workplace", ex=2)
    with pytest.raises(BadSettings):
        purposes.agree(a_box(redis_url, "ingest", "research"), leads=True)
    assert client.ttl(KEYS.purpose) <= 2


def test_a_page_that_was_told_nothing_holds_no_purpose(redis_url: str, client: redis.Redis) -> None:
    a_box(redis_url, "live", None).alive(client)
    assert room_purpose(client, KEYS) is None
    a_box(redis_url, "live", "workplace").alive(client)
    assert room_purpose(client, KEYS) == "workplace"


def test_a_program_with_another_purpose_ends_with_exit_code_2(
    redis_url: str, client: redis.Redis
) -> None:
    client.set(KEYS.purpose, "education")
    variables = {"READROOM_REDIS__URL": redis_url, "READROOM_PURPOSE": "research"}
    ended = subprocess.run(
        [sys.executable, "-m", "readroom", "aggregate"],
        cwd=ROOT,
        env={**os.environ, **variables, "READROOM_HTTP__METRICS_PORT": "0"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert "runs for education, and this box is for research" in ended.stderr
