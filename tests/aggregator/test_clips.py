"""The real clips through the real networks: people who stay themselves, states that hold."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from readroom.aggregator.room import Room
from readroom.messages import Event, Observation
from tests.aggregator.made import room
from tests.aggregator.networks import Networks


@pytest.fixture(scope="module")
def networks(shared_models: Path) -> Networks:
    return Networks(shared_models)


def played(seen: list[Observation], loops: int = 1) -> tuple[Room, list[Event]]:
    """A room after the clip was played ``loops`` times, and its events."""
    there = room()
    events: list[Event] = []
    length_s = (seen[-1].media_time_s or 0) + (seen[1].media_time_s or 0)
    for loop in range(loops):
        for frame in seen:
            time_s = (frame.media_time_s or 0) + loop * length_s
            seq = loop * len(seen) + frame.seq
            again = msgspec.structs.replace(
                frame, seq=seq, previous_seq=seq - 1, media_time_s=time_s
            )
            there.take(again, time_s)
            events += there.drain().events
    there.close(0.0)
    return there, events + there.drain().events


def entered(events: list[Event]) -> int:
    return sum(event.kind == "person_entered" for event in events)


def states(events: list[Event], slot: int = 1) -> list[Event]:
    return [event for event in events if event.kind == "state_ended" and event.slot == slot]


@pytest.mark.parametrize("fps", [5, 15])
def test_the_four_people_of_the_classroom_stay_four_over_three_loops(
    fps: int, networks: Networks, shared_videos: Path
) -> None:
    seen = networks.watch(shared_videos / "classroom_4_people.mp4", fps)
    _, events = played(seen, loops=3)
    assert entered(events) == 4
    for slot in (1, 2, 3, 4):
        assert [event.state for event in states(events, slot)] == ["too_small"]


def test_turning_heads_change_nobodys_number(networks: Networks, shared_videos: Path) -> None:
    _, events = played(networks.watch(shared_videos / "head_turns_2_people.mp4", 12), loops=2)
    assert entered(events) == 2


def test_upset_turns_into_laughing_without_flicker(networks: Networks, shared_videos: Path) -> None:
    seen = networks.watch(shared_videos / "upset_to_laughing_1_person.mp4", 10)
    _, events = played(seen)
    assert entered(events) == 1
    said = states(events)
    displeased = next(event for event in said if event.state in ("sadness", "anger", "disgust"))
    assert displeased.start_s <= 1.0
    assert displeased.end_s >= 6.0
    assert said[-1].state == "happiness"
    assert said[-1].start_s <= 10.5
    assert said[-1].end_s >= 19.0
    assert len(said[said.index(displeased) + 1 : -1]) <= 2


def test_neutral_turns_into_a_smile(networks: Networks, shared_videos: Path) -> None:
    _, events = played(networks.watch(shared_videos / "neutral_to_smile_1_person.mp4", 10))
    said = [event for event in states(events) if event.state != "uncertain"]
    assert [event.state for event in said] == ["neutral", "happiness"]
    assert said[1].start_s <= 1.8
