"""The supervisor: what dies comes back, what can't live stops everything, nothing stays behind."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from hypothesis import given, strategies as st

from readroom import supervisor as supervisor_module
from readroom.errors import EXIT_BAD_SETTINGS, EXIT_FAILED, EXIT_OK
from readroom.log import Log
from readroom.supervisor import (
    BACKOFF_MAX_S,
    BACKOFF_MIN_S,
    MAX_RESTARTS,
    RESTART_WINDOW_S,
    STABLE_S,
    ChildSpec,
    RestartPolicy,
    Supervisor,
    signal_name,
)

from .processes import gone, wait_until

SLEEP = "import time\nwhile True: time.sleep(60)"
#: Tells the file who it is and that it was stopped, after so many seconds.
TELL = """
import os, signal, sys, time
name, file, pause_s = sys.argv[1], sys.argv[2], float(sys.argv[3])
def say(word):
    with open(file, "a") as out: out.write(f"{word} {name}\\n")
def stop(*_):
    time.sleep(pause_s); say("stopped"); sys.exit(0)
signal.signal(signal.SIGTERM, stop)
say("ready")
while True: time.sleep(60)
"""
DEAF = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "a").write("ready\\n")
while True: time.sleep(60)
"""


# --- the policy ------------------------------------------------------------------------------


def test_pauses_double_up_to_the_longest() -> None:
    policy = RestartPolicy()
    # A death every 20 s: too rare for a crash loop, too soon to be well again.
    pauses = [policy.died(20.0 * n, 20.0 * n + 19) for n in range(9)]

    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0]


def test_a_child_that_ran_long_enough_starts_from_the_shortest_pause_again() -> None:
    policy = RestartPolicy()
    for _ in range(3):
        policy.died(0.0, 1.0)

    assert policy.died(10.0, 10.0 + STABLE_S) == BACKOFF_MIN_S


def test_one_death_too_many_within_the_window_is_a_crash_loop() -> None:
    policy = RestartPolicy()
    deaths = [policy.died(n, n + 0.5) for n in range(MAX_RESTARTS + 1)]

    assert None not in deaths[:-1]
    assert deaths[-1] is None


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), max_size=40))
def test_the_policy_gives_up_exactly_on_a_crash_loop(lives: list[tuple[float, float]]) -> None:
    policy = RestartPolicy()
    now_s = 0.0
    deaths: list[float] = []
    for wait_s, life_s in lives:
        started_s = now_s + wait_s
        now_s = started_s + life_s
        deaths.append(now_s)

        pause_s = policy.died(started_s, now_s)

        recent = [death for death in deaths if now_s - death <= RESTART_WINDOW_S]
        assert (pause_s is None) == (len(recent) > MAX_RESTARTS)
        if pause_s is not None:
            assert BACKOFF_MIN_S <= pause_s <= BACKOFF_MAX_S
            if now_s - started_s >= STABLE_S:  # as measured: the sum may have been rounded
                assert pause_s == BACKOFF_MIN_S


@pytest.mark.parametrize(("number", "name"), [(9, "SIGKILL"), (15, "SIGTERM"), (41, "signal 41")])
def test_every_signal_can_be_named(number: int, name: str) -> None:
    assert signal_name(number) == name


# --- with real children ----------------------------------------------------------------------


class Room:
    """A supervisor, and what it said and counted."""

    def __init__(self) -> None:
        self.restarts: list[str] = []
        self.supervisor = Supervisor(Log(logging.getLogger("run")), self.restarts.append)
        self.pids: list[int] = []

    def add(
        self, program: str, *words: str, name: str = "w1", order: int = 0, **environment: str
    ) -> int:
        command = [sys.executable, "-S", "-c", program, *words]
        self.supervisor.add(ChildSpec("work", name, command, environment, order))
        pid = self.supervisor.pids()[f"work/{name}"]
        self.pids.append(pid)
        return pid

    def turn_until_it_fails(self) -> int:
        wait_until(self._turn, "the supervisor gives up")
        assert self.supervisor.failed is not None
        return self.supervisor.failed

    def _turn(self) -> bool:
        self.supervisor.turn()
        self.pids += [p for p in self.supervisor.pids().values() if p not in self.pids]
        return self.supervisor.failed is not None


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    monkeypatch.setattr(supervisor_module, "BACKOFF_MIN_S", 0.01)
    monkeypatch.setattr(supervisor_module, "BACKOFF_MAX_S", 0.02)
    found = Room()
    yield found
    found.supervisor.stop()
    assert all(gone(pid) for pid in found.pids), "no process is left behind"


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def test_a_killed_child_is_started_again(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    pid = room.add(SLEEP)
    room.supervisor.turn()
    assert room.supervisor.pids() == {"work/w1": pid}

    os.kill(pid, signal.SIGKILL)

    def came_back() -> bool:
        room.supervisor.turn()
        return room.supervisor.pids().get("work/w1", pid) != pid

    wait_until(came_back, "the child comes back")
    room.pids += room.supervisor.pids().values()
    assert room.restarts == ["work"]
    assert room.supervisor.failed is None
    (record,) = caplog.records
    assert record.__dict__["fields"]["how"] == "SIGKILL"
    assert record.__dict__["fields"]["box"] == "work/w1"


def test_a_child_that_ends_by_itself_is_started_again_too(room: Room) -> None:
    room.add("raise SystemExit(0)")

    wait_until(lambda: room._turn() or len(room.restarts) >= 2, "it comes back")

    assert room.supervisor.failed is None


def test_a_crash_loop_is_given_up_loudly(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    well = room.add(SLEEP, name="w2")
    room.add("raise SystemExit(3)")

    assert room.turn_until_it_fails() == EXIT_FAILED

    assert room.restarts == ["work"] * MAX_RESTARTS
    last = caplog.records[-1]
    assert last.levelno == logging.ERROR
    assert "work/w1 died 6 times within 60 s, last with exit code 3" in last.getMessage()
    assert not gone(well)
    assert room.supervisor.stop() == EXIT_FAILED
    assert gone(well)


def test_bad_settings_stop_everything_and_nothing_is_tried_again(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.add(SLEEP, name="w2")
    room.add("raise SystemExit(2)")

    assert room.turn_until_it_fails() == EXIT_BAD_SETTINGS

    assert room.restarts == []
    assert "can't run with these settings" in caplog.records[-1].getMessage()
    assert room.supervisor.stop() == EXIT_BAD_SETTINGS


def test_children_stop_along_the_datas_way(room: Room, tmp_path: Path) -> None:
    file = tmp_path / "said"
    # Added in another order, and the first to stop takes longest.
    for name, order, pause_s in (
        ("live", 2, 0),
        ("work", 1, 0.05),
        ("cam", 0, 0.2),
        ("cam2", 0, 0.1),
    ):
        room.add(TELL, name, str(file), str(pause_s), name=name, order=order)
    wait_until(lambda: len(lines(file)) == 4, "all are ready")

    assert room.supervisor.stop() == EXIT_OK

    assert lines(file)[4:] == ["stopped cam2", "stopped cam", "stopped work", "stopped live"]


def test_a_child_that_does_not_listen_is_killed(
    room: Room, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "DRAIN_S", 0.1)
    pid = room.add(DEAF, str(tmp_path / "said"))
    wait_until(lambda: lines(tmp_path / "said") == ["ready"], "it is deaf")

    assert room.supervisor.stop() == EXIT_OK

    assert gone(pid)
    assert "didn't stop in time and was killed" in caplog.records[-1].getMessage()


def test_all_the_deaf_together_get_no_more_than_their_share(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # If a group could use its own time up, this test would run into its limit.
    monkeypatch.setattr(supervisor_module, "DRAIN_S", 1e6)
    monkeypatch.setattr(supervisor_module, "STOP_S", 0.2)
    monkeypatch.setattr(supervisor_module, "LEAST_DRAIN_S", 0.1)
    for order in range(3):
        room.add(DEAF, str(tmp_path / "said"), name=f"w{order}", order=order)
    wait_until(lambda: len(lines(tmp_path / "said")) == 3, "all are deaf")

    assert room.supervisor.stop() == EXIT_OK


def test_a_child_knows_its_parent_its_settings_and_is_out_of_reach_of_ctrl_c(
    room: Room, tmp_path: Path
) -> None:
    file = tmp_path / "said"
    pid = room.add(
        "import os, sys, time\n"
        "names = 'READROOM_PARENT_PID', 'READROOM_ROOM'\n"
        "open(sys.argv[1], 'w').write(' '.join(os.environ[n] for n in names) + '\\n')\n" + SLEEP,
        str(file),
        READROOM_ROOM="hall",
    )

    wait_until(lambda: file.exists() and file.read_text().endswith("\n"), "the child has spoken")
    assert lines(file) == [f"{os.getpid()} hall"]
    assert os.getsid(pid) == pid
    assert "hall" not in psutil.Process(pid).cmdline()


def test_a_child_that_waits_for_its_restart_is_not_started_while_stopping(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.add("raise SystemExit(1)")
    wait_until(lambda: gone(room.pids[0]), "it has died")
    monkeypatch.setattr(supervisor_module, "BACKOFF_MIN_S", 1e6)
    room.supervisor.turn()

    assert room.supervisor.pids() == {}
    assert room.supervisor.stop() == EXIT_OK
    assert room.restarts == []
