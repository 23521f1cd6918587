"""Several recordings in step: the same timelines, however fast each was read."""

from __future__ import annotations

import random
from typing import Any

import pytest

from readroom.aggregator import order
from readroom.aggregator.room import Room
from readroom.messages import Command, Observation, encode
from tests.aggregator.made import START, face, looks, report, room
from tests.aggregator.scripted import Arrival, Cast, Scene, Told, cut, film, play

SECONDS = 40


def recordings() -> tuple[list[Arrival], list[Arrival]]:
    """Two cameras that see one person, the right one from second 10 to 30 better."""
    cast = Cast()

    def scene(camera: str) -> Scene:
        def faces(at_s: float) -> tuple[Any, ...]:
            name = ("neutral", "happiness")[int(at_s // 6) % 2]
            turned = camera == "left" and 10 <= at_s < 30
            seen = face(200, expression=looks(name), yaw_deg=60.0 if turned else 0.0)
            return (cast.face(seen, "ann", camera),)

        return faces

    left, right = (
        film(scene(name), 0, SECONDS, camera=name, knows=True, mode="recording")
        for name in ("left", "right")
    )
    return _timed(left), _timed(right)


def _timed(arrivals: list[Arrival]) -> list[Arrival]:
    """All at one moment of our clock: how fast a recording is read says nothing."""
    name = arrivals[0][1].camera
    last = len(arrivals) - 1
    over = report("ended", camera=name, mode="recording", last_seq=last, at=START + 99)
    return [(START, message) for _, message in arrivals] + [(START, over)]


def merged(left: list[Arrival], right: list[Arrival], seed: int) -> list[Arrival]:
    dice = random.Random(seed)
    sides, found = [list(left), list(right)], []
    while any(sides):
        side = dice.choice([one for one in sides if one])
        run = dice.randint(1, 80)
        found += side[:run]
        del side[:run]
    return found


def _without_cameras(told: Told) -> dict[str, list[Any]]:
    return {**told.rows(), "events": [e for e in told.events if e.kind != "camera"]}


def watched(arrivals: list[Arrival]) -> Told:
    return play(room(sources=("left.mp4", "right.mp4")), arrivals)


@pytest.mark.parametrize("seed", range(4))
def test_two_recordings_give_the_same_however_fast_each_is_read(seed: int) -> None:
    left, right = recordings()
    expected = watched([one for pair in zip(left, right, strict=True) for one in pair])
    told = watched(merged(left, right, seed))
    # That a camera has ended is said when ingest says it.
    assert _without_cameras(told) == _without_cameras(expected)
    assert {row.person: set(row.cameras) for row in told.people}[1] == {"left", "right"}
    assert {event.camera for event in told.of("look_ended")} == {"left", "right"}


def test_one_that_has_been_read_to_its_end_waits_for_the_other() -> None:
    left, right = recordings()
    there = room(sources=("left.mp4", "right.mp4"))
    told = play(there, left)
    assert told.joined == 0
    assert there.state(START, START).phase == "waiting"
    play(there, right, told)
    assert told.joined == 2 * SECONDS * 10
    assert there.state(START, START).phase == "closed"


def test_what_waits_is_in_no_checkpoint_and_comes_again_after_a_crash() -> None:
    left, right = recordings()
    expected = watched(merged(left, right, 1))
    there = room(sources=("left.mp4", "right.mp4"))
    told = play(there, [*left, *right[:100]])
    assert len(there.waiting()) == 300
    again = cut(there, START)
    assert again.waiting() == set()
    assert again.data.cameras["left"].join.released_seq == 99
    assert not any(camera.line for camera in again.data.cameras.values())
    # Embeddings come again with it, so that nothing is different.
    unacknowledged = [
        one
        for one in left
        if not isinstance(one[1], Observation) or ("left", one[1].seq) in there.waiting()
    ]
    told = play(again, [*unacknowledged, *right[100:]], told)
    assert told.joined == expected.joined
    assert _without_cameras(told) == _without_cameras(expected)


def test_a_checkpoint_of_what_waits_is_small() -> None:
    left, _ = recordings()
    there = room(sources=("left.mp4", "right.mp4"))
    play(there, left[:1])
    before = len(encode(there.checkpoint()))
    play(there, left[1:])
    # Besides what lies in line, a camera remembers of its newest 128 frames who reported them.
    assert len(encode(there.checkpoint())) < before + 128 * 32


def test_a_stop_takes_nothing_in_that_lies_later() -> None:
    left, right = recordings()
    there = room(sources=("left.mp4", "right.mp4"))
    told = play(there, [*left, *right[:50]])
    stop = Command(room="room", at=START, verb="stop", id="stop")
    play(there, [(START, stop)], told)
    assert told.of("session_closed")[0].end_s == pytest.approx(4.9)
    assert max(sample.time_s for sample in told.samples) <= 4.9


def test_a_second_session_waits_for_missing_cameras_again() -> None:
    left, right = recordings()
    there = room(sources=("left.mp4", "right.mp4"))
    play(there, [*left, *right])
    assert there.state(START, START).phase == "closed"
    there.data.cameras.clear()  # Both are gone, and come again much later.
    there.salt = "1"
    later = [(START + 500, message) for _, message in left[:50]]
    assert play(there, later).joined == 0


def test_a_camera_that_is_far_ahead_is_not_kept_waiting_for_ever() -> None:
    left, right = recordings()
    there = room(sources=("left.mp4", "right.mp4"))
    play(there, right[:5])
    told = play(
        there, [*left, *film(lambda at_s: (), SECONDS, 90, camera="left", mode="recording")]
    )
    assert told.joined == pytest.approx(900 - order.MOST_WAITING, abs=12)


def test_a_camera_that_was_named_and_never_comes_delays_the_others_only_at_first() -> None:
    left, _ = recordings()
    there: Room = room(sources=("left.mp4", "right.mp4"))
    told = play(there, left[:50])
    assert told.joined == 0
    there.tick(START + order.START_S + 1)
    told.add(there.drain())
    assert told.joined == 50
