"""Telling a running room something, from another terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from readroom.aggregator.responses import SIDE_S
from readroom.messages import Event, PersonState, RoomState
from readroom.streams import Keys, TailReader
from tests.e2e.running import ROOT, Run, run, store

pytestmark = pytest.mark.slow

KEYS = Keys("room")
#: What a marker is answered with (aggregator/responses.py).
FIGURES = ("valence", "expressiveness", "facing_front")


class Room:
    """A room that runs, and what it says."""

    def __init__(self, client: redis.Redis, redis_url: str, running: Run) -> None:
        self._client = client
        self._url = redis_url
        self._running = running

    def tell(self, *words: str) -> None:
        """``readroom`` with these words, as somebody types them; it is done."""
        ended = self.say(*words)
        assert (ended.returncode, ended.stdout) == (0, "done in room room\n"), ended.stderr

    def refused(self, *words: str) -> str:
        """The same of what can't be done: why."""
        ended = self.say(*words)
        assert (ended.returncode, ended.stdout) == (1, "")
        return ended.stderr

    def say(self, *words: str) -> subprocess.CompletedProcess[str]:
        """``readroom`` with these words, and what comes of it."""
        return subprocess.run(
            [sys.executable, "-m", "readroom", *words],
            cwd=ROOT,
            env={**os.environ, "READROOM_REDIS__URL": self._url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def state(self) -> RoomState:
        (newest,) = TailReader[RoomState](self._client, KEYS.people, RoomState).backfill(1)
        return newest

    def seen_around(self, at_s: float) -> set[int]:
        """Who was in view at some moment of the seconds before a marker and of those after it."""
        states = TailReader[RoomState](self._client, KEYS.people, RoomState).backfill(2400)
        sides: tuple[set[int], set[int]] = (set(), set())
        for state in states:
            if state.session and abs(state.time_s - at_s) <= SIDE_S + 1:
                sides[state.time_s > at_s].update(p.person for p in state.people if p.visible)
        return sides[0] & sides[1]

    def events(self, kind: str) -> list[Event]:
        """What has happened, oldest first."""
        told = TailReader[Event](self._client, KEYS.events, Event).backfill(5000)
        return [event for event in told if event.kind == kind]

    def until(self, holds: Callable[[RoomState], bool], what: str) -> RoomState:
        """The room once it is so."""
        self._running.until(lambda: holds(self.state), what, 30)
        return self.state

    def happened(self, kind: str, count: int = 1) -> list[Event]:
        """The newest events of a kind, once there are so many."""
        self._running.until(lambda: len(self.events(kind)) >= count, f"{count} of {kind}", 30)
        return self.events(kind)[-count:]


def seen_by(state: RoomState, camera: str) -> list[PersonState]:
    return [person for person in state.people if person.cameras == (camera,)]


def test_a_session_from_start_to_stop_with_a_marker_and_a_note(
    tmp_path: Path, redis_url: str, client: redis.Redis
) -> None:
    with run(
        tmp_path, READROOM_REDIS__URL=redis_url, READROOM_AGGREGATOR__SESSION="command"
    ) as running:
        running.wait_for(r"[2-9] people · lag .* nothing is stored")
        room = Room(client, redis_url, running)
        assert (room.state.phase, room.state.session) == ("rolling", "")
        assert room.events("session_started") == []

        room.tell("session", "start", "Board meeting")
        begun = room.until(lambda state: state.phase == "running", "session")
        assert begun.title == "Board meeting"
        assert begun.session
        room.tell("session", "note", "the lamp broke")
        room.tell("session", "title", "Pitch")
        room.until(lambda state: state.title == "Pitch", "title")
        room.until(lambda state: state.time_s > 6 and len(state.people) >= 3, "people")
        room.tell("mark", "pricing slide")
        (marked,) = room.happened("marker")
        assert marked.state == "pricing slide"
        # As exact as two clocks of one machine; the newest state is a quarter of a second old.
        assert 6 < marked.start_s < room.state.time_s + 1
        room.happened("response")
        answers = room.events("response")
        assert {answer.state for answer in answers} == {"pricing slide"}
        spans = {(answer.start_s, answer.end_s) for answer in answers}
        assert spans == {(marked.start_s, marked.start_s + SIDE_S)}
        # How many can be read is the script's and the machine's: a figure has one answer, or none
        # where too few could; where none has any, that is told.
        figures = [answer.figure for answer in answers]
        assert figures in ([None], [name for name in FIGURES if name in figures])
        seen = room.seen_around(marked.start_s)
        for answer in answers:
            said = answer.measure
            assert (said is None) is (answer.figure is None)
            if said is not None:
                assert 3 <= said.n <= len(seen)
                assert said.low is not None
                assert said.value is not None
                assert said.high is not None
                assert said.low <= said.value <= said.high

        room.tell("session", "stop")
        (closed,) = room.happened("session_closed")
        assert closed.session == begun.session
        rolling = room.until(lambda state: state.phase == "rolling", "end of the session")
        time.sleep(2)
        assert room.state.people, "people are shown as before"
        assert rolling.session == ""
        running.interrupt()
        assert running.process.returncode == 0, running.output
    with store(tmp_path) as found:
        ((title, state),) = found.execute("SELECT title, state FROM session").fetchall()
        assert (title, state) == ("Pitch", "closed")
        assert found.execute("SELECT label FROM marker").fetchall() == [("pricing slide",)]
        assert found.execute("SELECT text FROM note").fetchall() == [("the lamp broke",)]
        ((last_s,),) = found.execute("SELECT max(time_s) FROM sample").fetchall()
        assert 6 < last_s <= closed.end_s + 0.5


def test_two_people_are_said_to_be_one_and_then_not(
    tmp_path: Path, redis_url: str, client: redis.Redis
) -> None:
    with run(tmp_path, READROOM_REDIS__URL=redis_url) as running:
        running.wait_for(r"[3-9] people · lag")
        room = Room(client, redis_url, running)
        before = room.until(
            lambda state: bool(seen_by(state, "left") and seen_by(state, "right")),
            "somebody before either camera",
        )
        one, other = seen_by(before, "left")[0], seen_by(before, "right")[0]

        room.tell("session", "merge", one.pseudonym, other.pseudonym)
        (merged,) = room.happened("merged")
        assert {merged.person, merged.other} == {one.person, other.person}
        kept = next(p for p in before.people if p.person == merged.person)
        gone = next(p for p in before.people if p.person == merged.other)
        assert (merged.slot, merged.state) == (kept.slot, gone.pseudonym)
        room.until(
            lambda state: any(
                p.person == merged.person and set(p.cameras) == {"left", "right"}
                for p in state.people
            ),
            "one person in both cameras",
        )
        assert merged.other not in {person.person for person in room.state.people}

        room.tell("session", "split", kept.pseudonym, "--camera", gone.camera)
        (split,) = room.happened("split")
        assert split.person == merged.person
        assert split.other is not None
        assert split.other not in {merged.person}
        room.until(
            lambda state: any(p.person == split.other for p in state.people), "two people again"
        )
        running.interrupt()


def test_what_cannot_be_done_changes_nothing_and_is_told_and_logged(
    tmp_path: Path, redis_url: str, client: redis.Redis
) -> None:
    with run(tmp_path, READROOM_REDIS__URL=redis_url) as running:
        running.wait_for(r"[1-9] (people|person) · lag")
        room = Room(client, redis_url, running)
        assert "is running; stop it first" in room.refused("session", "start", "again")
        running.wait_for(r"start: session .* is running; stop it first")
        assert "there is no P32" in room.refused("session", "merge", "P1", "P32")
        running.wait_for(r"merge: there is no P32")
        assert room.state.phase == "running"
        assert len(room.events("session_started")) == 1
        running.interrupt()
