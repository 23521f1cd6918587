"""The examples of the documentation run, and stand in it as they are."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path

import redis

from docs.examples.consumer import follow
from readroom.messages import Box, Event, Measure, PersonState, Purpose, RoomState
from readroom.streams import Keys, add

ROOT = Path(__file__).resolve().parents[2]
KEYS = Keys("stage")


def person(number: int, look: str) -> PersonState:
    return PersonState(
        slot=number,
        person=number,
        pseudonym=f"P{number}",
        camera="left",
        visible=True,
        state="not_read",
        since_s=0.0,
        confidence=0.0,
        expression=None,
        coverage=1.0,
        box=Box(0, 0, 60, 60),
        face_width_px=60.0,
        look=look,
    )


def room(*people: PersonState, purpose: Purpose = "audience", session: str = "one") -> RoomState:
    return RoomState(
        room="stage",
        session=session,
        title="",
        phase="running",
        started_at=0.0,
        at=10.0,
        time_s=10.0,
        people=people,
        cameras=(),
        shares={},
        coverage=1.0,
        lag_s=0.0,
        purpose=purpose,
    )


def event(kind: str, state: str, **more: object) -> Event:
    fields = {"session": "one", "start_s": 2.0, "end_s": 6.2, **more}
    return Event(room="stage", kind=kind, state=state, **fields)  # type: ignore[arg-type]


def test_the_consumer_says_what_looks_begin_and_what_happened(client: redis.Redis) -> None:
    add(client, KEYS.people, room(person(1, "attentive"), person(2, "cant_tell")))
    add(client, KEYS.people, room(person(1, "attentive"), person(2, "puzzled")))
    looked = event("look_ended", "displeased", slot=3, person=3, confidence=0.82)
    add(client, KEYS.events, looked)
    measure = Measure(value=0.2, low=0.07, high=0.33, n=4, coverage=1.0)
    add(client, KEYS.events, event("inflection", "valence", figure="valence", measure=measure))

    assert sorted(itertools.islice(follow(client, "stage"), 5)) == sorted(
        [
            "P1 looks attentive",
            "nothing can be told of P2",
            "P2 looks puzzled",
            "P3 looked displeased for 4.2 s, 82 % sure",
            "The room turned: the faces looked more pleased by 0.20 (+0.07 to +0.33), 4 people, "
            "readable 100 %",
        ]
    )


def test_the_consumer_has_no_word_for_an_emotion_where_none_may_be_named(
    client: redis.Redis,
) -> None:
    people = (person(1, "attentive"), person(2, "turned_away"))
    add(client, KEYS.people, room(*people, purpose="workplace"))

    assert next(follow(client, "stage")) == "P2 is turned away"


def test_the_consumer_outlives_a_room_that_rolls_for_another_purpose(client: redis.Redis) -> None:
    """While rolling, nothing has a session: what was told of an audience looks like the newest."""
    add(client, KEYS.people, room(person(1, "amused"), session=""))
    add(client, KEYS.events, event("look_ended", "amused", slot=1, person=1, session=""))
    add(client, KEYS.people, room(person(1, "turned_away"), purpose="workplace", session=""))
    away = event("look_ended", "turned_away", slot=1, person=1, session="")
    add(client, KEYS.events, away)

    assert list(itertools.islice(follow(client, "stage"), 3)) == [
        "P1 looks amused",
        "P1 is turned away",
        "P1 was turned away for 4.2 s",
    ]


def test_the_consumer_says_how_it_is_called() -> None:
    path = ROOT / "docs" / "examples" / "consumer.py"
    ended = subprocess.run(
        [sys.executable, str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("usage: ")
    assert len(ended.stderr.splitlines()) == 1


def test_the_consumer_tells_no_event_of_a_session_before_the_newest(client: redis.Redis) -> None:
    """What the older one's events name, the newest one's words have none for."""
    add(client, KEYS.people, room(person(1, "amused")))
    add(client, KEYS.events, event("look_ended", "amused", slot=1, person=1))
    add(client, KEYS.people, room(person(1, "turned_away"), purpose="workplace", session="two"))
    away = event("look_ended", "turned_away", slot=1, person=1, session="two")
    add(client, KEYS.events, away)

    assert list(itertools.islice(follow(client, "stage"), 3)) == [
        "P1 looks amused",
        "P1 is turned away",
        "P1 was turned away for 4.2 s",
    ]


def test_the_consumer_forgets_the_looks_of_an_older_session(client: redis.Redis) -> None:
    add(client, KEYS.people, room(person(1, "attentive")))
    add(client, KEYS.people, room(person(1, "attentive"), session="two"))

    assert list(itertools.islice(follow(client, "stage"), 2)) == ["P1 looks attentive"] * 2


def test_the_consumer_tells_how_a_session_began(client: redis.Redis) -> None:
    """That event comes before the first state of its session."""
    add(client, KEYS.people, room(person(1, "attentive")))
    sentences = follow(client, "stage")
    assert next(sentences) == "P1 looks attentive"

    add(client, KEYS.events, event("session_started", "", session="two"))
    state = room(person(1, "puzzled"), session="two")
    threading.Timer(0.3, add, (client, KEYS.people, state)).start()
    assert [next(sentences), next(sentences)] == ["The session began", "P1 looks puzzled"]


def test_the_consumer_goes_on_where_it_was(client: redis.Redis) -> None:
    add(client, KEYS.people, room(person(1, "attentive")))
    sentences = follow(client, "stage")
    assert next(sentences) == "P1 looks attentive"

    add(client, KEYS.people, room(person(1, "amused")))
    assert next(sentences) == "P1 looks amused"


def test_the_page_shows_the_consumer_as_it_is() -> None:
    code = (ROOT / "docs" / "examples" / "consumer.py").read_text("utf-8")

    assert code in (ROOT / "docs" / "semantics.md").read_text("utf-8")
