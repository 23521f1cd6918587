"""The made-up audience says what workers would say, and the aggregator can use all of it."""

from __future__ import annotations

import math

import pytest

from benchmarks import aggregator
from benchmarks.crowd import CAMERA_FPS, EMBEDDING_LENGTH, HEIGHT_PX, LANES, WIDTH_PX, Crowd
from readroom.messages import BLENDSHAPES, KEYPOINTS, Observation, decode, encode

STEP = CAMERA_FPS // 10


def said(crowd: Crowd, frames: int) -> list[Observation]:
    every = [crowd.observe(n * STEP, n * STEP - STEP) for n in range(1, frames + 1)]
    return [message for messages in every for message in messages]


@pytest.mark.parametrize("people", [1, 12, 32, 50])
def test_every_message_is_one_and_says_what_can_be(people: int) -> None:
    messages = said(Crowd(people), 40)
    assert [message.lane for message in messages] == [*LANES] * 40
    for message in messages:
        assert decode(encode(message), b"1", Observation) == message
        assert message.previous_seq == message.seq - STEP
        assert len(message.faces) <= people
        for face in message.faces:
            assert face.expression is not None
            assert face.blendshapes is not None
            assert face.landmarks is not None
            assert sum(face.expression) == pytest.approx(1)
            assert len(face.blendshapes) == len(BLENDSHAPES)
            assert all(0 <= value <= 1 for value in face.blendshapes)
            assert 0 < face.box.x < WIDTH_PX - face.box.width
            assert 0 < face.box.y < HEIGHT_PX - face.box.height
            assert len(face.landmarks) == 5
        assert all(len(body.keypoints) == len(KEYPOINTS) for body in message.bodies)


def test_every_face_is_looked_at_once_a_second() -> None:
    faces = [message for message in said(Crowd(12), 60) if message.lane == LANES[0]]
    looked_at = [message for message in faces if "identity" in message.engines]
    assert [message.seq for message in looked_at] == [30 * n for n in range(1, 7)]
    for message in faces:
        for face in message.faces:
            assert (face.embedding is not None) == ("identity" in message.engines)
            if face.embedding is not None:
                assert len(face.embedding) == EMBEDDING_LENGTH
                assert math.hypot(*face.embedding) == pytest.approx(1)


def test_the_same_seed_says_the_same_and_another_one_something_else() -> None:
    first = said(Crowd(5, seed=3), 30)
    assert said(Crowd(5, seed=3), 30) == first
    assert said(Crowd(5, seed=4), 30) != first


def test_people_come_and_go_only_where_they_are_to() -> None:
    stays, moves = Crowd(12), Crowd(12, comes_and_goes=True)
    hour = range(0, 3600, 10)
    assert all(stays.present(person, at_s) for person in range(12) for at_s in hour)
    here = [sum(moves.present(person, at_s) for person in range(12)) for at_s in hour]
    assert min(here) < 12
    assert sum(here) / len(here) == pytest.approx(12 * 300 / 390, rel=0.1)


def test_the_room_takes_all_of_it_in() -> None:
    driven = aggregator.Driven(12)
    made = driven.make(8)
    driven.take(made)
    state = driven.room.state(made[-1][0], made[-1][0])
    assert [person.slot for person in state.people] == list(range(1, 13))
    assert state.overflow == 0
    assert all(person.visible and person.keypoints for person in state.people)
    assert driven.entered == 12
    assert driven.checkpoint
    assert all(spent_s > 0 for spent_s in driven.parts.values())


def test_the_figures_become_rows_of_the_table() -> None:
    cost = {"people": 12, "ms_a_s": 60.0, "parts": {"decode": 5.0, "room": 55.0}, "page_ms": 0.5}
    box = dict.fromkeys(("core", "rss_mb", "events", "scrape_p50_ms", "scrape_p95_ms"), 0.1)
    times = [f"{what}_{p}_s" for what in ("frame", "state", "bare") for p in ("p50", "p95")]
    box |= dict.fromkeys(times, 0.1)
    hour = {"hour": 1, "checkpoint_kb": 40.0, "blocks": 1e6, "rss_mb": 120.0, "entered": 130}
    found = {
        "rooms": {"12": cost, "32": {**cost, "people": 32, "ms_a_s": 320.0}},
        "processes": {"12": {**box, "event_p50_s": None, "event_p95_s": None}},
        "hours": [hour, {**hour, "hour": 8, "blocks": 1.1e6}],
    }
    told = " ".join(" ".join(row) for row in aggregator.rows(found))
    assert "a person ÷ at 12: **2.00**" in told
    assert "**10.0 % of a core** (goal ≤ 15)" in told
    assert "– / **– ms**" in told
    assert "late ÷ early (goal ≤ 1.05) **1.10**" in told
