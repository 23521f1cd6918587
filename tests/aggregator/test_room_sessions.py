"""Sessions by command: what starts and stops one, and that nothing is stored without one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from readroom.aggregator.room import MOST_OBEYED, Room
from readroom.aggregator.room_data import RoomData, carry_over
from readroom.aggregator.session import goes_on
from readroom.messages import Command, Marker, encode
from tests.aggregator.made import LANE, START, face, looks, report, room
from tests.aggregator.scripted import Arrival, Told, cut, film, in_order, play, sees

HAPPY = sees(face(100, expression=looks("happiness")), face(400, expression=looks("neutral")))


def says(verb: Any, after_s: float, **changes: Any) -> Arrival:
    """A command that is given ``after_s`` after the start."""
    named = f"{verb}-{after_s}"
    command = Command(room="room", at=START + after_s, verb=verb, **{"id": named, **changes})
    return START + after_s, command


def stored(told: Told) -> list[str]:
    """The sessions of which something would be stored."""
    return sorted({event.session for event in told.events} - {""})


def rolling_since(there: Room, begin_s: float, end_s: float) -> Told:
    return play(there, film(HAPPY, begin_s, end_s))


def test_by_command_a_live_room_rolls_until_somebody_starts_a_session() -> None:
    there = room(by_command=True)
    told = rolling_since(there, 0, 5)
    state = there.state(START + 5, START + 5)
    assert (state.phase, state.session, len(state.people)) == ("rolling", "", 2)
    assert stored(told) == []
    play(there, [says("start", 5, text="The pitch")], told)
    play(there, film(HAPPY, 5, 10), told)
    state = there.state(START + 10, START + 10)
    assert stored(told) == [state.session]
    assert (state.phase, state.title) == ("running", "The pitch")
    assert state.session
    assert state.time_s == pytest.approx(4.9)
    assert told.refused == []


def test_a_recording_needs_no_command() -> None:
    there = room(by_command=True)
    play(there, film(HAPPY, 0, 2, mode="recording", media_time_s=0.0))
    assert there.state(START, START).phase == "running"


def test_after_a_stop_people_are_shown_and_nothing_is_stored_until_a_start() -> None:
    there = room()
    first = play(there, film(HAPPY, 0, 5))
    play(there, [says("stop", 5)], first)
    assert [event.kind for event in first.events][-1] == "session_closed"
    assert there.state(START, START).phase == "closed"
    told = rolling_since(there, 5, 10)
    assert stored(told) == []
    assert {sample.state for sample in told.samples} >= {"happiness"}  # Shown ...
    assert there.state(START, START).phase == "rolling"
    there.salt = "1"
    play(there, [says("start", 10)], told)
    rolling_since(there, 10, 15)
    state = there.state(START, START)
    assert state.phase == "running"
    assert state.session not in stored(first)


def test_a_crash_forgets_no_stop() -> None:
    there = room()
    play(there, [*film(HAPPY, 0, 5), says("stop", 5), *film(HAPPY, 5, 8)])
    again = cut(there, START + 9)
    told = rolling_since(again, 9, 12)
    assert stored(told) == []
    assert again.state(START, START).phase == "rolling"


@pytest.mark.parametrize("silent_s", [1.0, 100.0])
def test_a_crash_right_after_a_stop_forgets_it_no_more(silent_s: float) -> None:
    there = room()
    play(there, [*film(HAPPY, 0, 5), says("stop", 5)])
    data = msgspec.msgpack.decode(encode(there.checkpoint()), type=RoomData)
    resumed = goes_on(data.session, silent_s)
    again = Room(there.rules, data if resumed else carry_over(data, {}, recent=True))
    told = rolling_since(again, 9, 12)
    assert stored(told) == []
    assert again.state(START, START).phase == "rolling"


def test_a_run_that_follows_much_later_knows_nothing_of_what_was_asked() -> None:
    there = room()
    play(there, [*film(HAPPY, 0, 5), says("stop", 5)])
    there.data.commands = "1-1"
    later = carry_over(there.data, {}, recent=False)
    assert (later.asked, later.title, later.commands) == (None, None, "")


def test_a_stop_before_anybody_was_seen_is_refused_where_nothing_would_start() -> None:
    there = room(by_command=True)
    told = play(there, [says("stop", 0)])
    assert told.refused == ["stop: no session is running"]
    play(there, film(HAPPY, 0, 2, mode="recording"))
    assert there.state(START, START).phase == "running"


@pytest.mark.parametrize("mode", ["live", "recording"])
def test_a_stopped_room_keeps_nothing_that_waits(mode: Any) -> None:
    there = room(lanes=(LANE, "pose"))
    posed = film(HAPPY, 0, 5, mode=mode, lane="pose", engines=("pose",))
    play(there, [*posed, *film(HAPPY, 0, 4, mode=mode), says("stop", 5)])
    for now, message in film(HAPPY, 6, 9, mode=mode):
        there.take(message, now)  # type: ignore[arg-type]
    body = encode(there.checkpoint())
    kept = msgspec.msgpack.decode(body, type=RoomData)
    faces = [
        one
        for camera in kept.cameras.values()
        for waits in camera.join.held.values()
        for seen in waits.lanes.values()
        for one in seen.faces
    ]
    assert any(camera.join.held for camera in kept.cameras.values())
    assert faces == []


def test_what_is_written_down_while_no_session_runs_says_nothing_of_anybody() -> None:
    there = room(lanes=(LANE, "pose"))
    play(there, [*film(HAPPY, 0, 5, lane="pose", engines=("pose",)), says("stop", 5)])
    play(there, film(HAPPY, 5, 8))
    assert there.data.people.present
    assert any(camera.join.held for camera in there.data.cameras.values())
    kept = msgspec.msgpack.decode(encode(there.checkpoint()), type=RoomData)
    assert kept.session is None
    assert (kept.people.present, kept.people.away, kept.moments.audience.people) == ({}, {}, {})
    held = [
        seen
        for camera in kept.cameras.values()
        for waiting in camera.join.held.values()
        for seen in waiting.lanes.values()
    ]
    assert held
    assert all(seen.faces == () and seen.bodies == () for seen in held)


def test_one_room_has_one_running_session() -> None:
    there = room()
    told = play(there, [*film(HAPPY, 0, 2), says("start", 2, text="Another")])
    assert len(told.refused) == 1
    assert "running" in told.refused[0]
    assert there.state(START, START).title == "A talk"
    play(there, [says("stop", 3), says("stop", 4)], told)
    assert told.refused[1:] == ["stop: no session is running"]


def test_title_and_notes_belong_to_the_running_session() -> None:
    there = room()
    early = play(there, [says("note", 0, text="Nobody is here"), says("title", 0, text="Early")])
    assert len(early.refused) == 1
    play(there, film(HAPPY, 0, 2))
    assert there.state(START, START).title == "Early"
    there.command(says("title", 2, text="The pitch")[1], START + 2)  # type: ignore[arg-type]
    there.command(says("note", 2, text="Door open")[1], START + 2)  # type: ignore[arg-type]
    (rows,) = there.drain().rows.values()
    assert rows.session.title == "The pitch"
    assert [(note.text, note.time_s) for note in rows.notes] == [("Door open", there.time_s)]


def test_a_command_is_obeyed_once_also_after_a_crash() -> None:
    there = room()
    note = says("note", 2, text="Door open")
    play(there, film(HAPPY, 0, 2))
    for again in (there, there, cut(there, START + 3)):
        again.command(note[1], START + 3)  # type: ignore[arg-type]
    assert len(there.drain().rows[there.data.session.id].notes) == 1  # type: ignore[union-attr]
    after = cut(there, START + 3)
    after.command(note[1], START + 3)  # type: ignore[arg-type]
    assert not after.drain().rows


def test_a_command_for_another_room_is_none() -> None:
    there = room()
    play(there, film(HAPPY, 0, 2))
    there.command(Command(room="other", at=START, verb="stop", id="x"), START + 2)
    assert there.state(START, START).phase == "running"


def test_ids_of_commands_are_bounded() -> None:
    there = room()
    for n in range(MOST_OBEYED + 50):
        there.command(Command(room="room", at=START, verb="title", id=str(n), text="t"), START)
    assert len(there.data.obeyed) == MOST_OBEYED


def test_the_session_that_was_started_ends_with_its_cameras_and_the_room_waits_again() -> None:
    there = room(by_command=True)
    play(there, [*film(HAPPY, 0, 2), says("start", 2), *film(HAPPY, 2, 4)])
    play(there, [(START + 4, report("ended", last_seq=39, at=START + 4))])
    assert there.state(START, START).phase == "closed"
    told = play(there, film(HAPPY, 5, 8, epoch=9000))
    assert stored(told) == []
    assert there.state(START, START).phase == "rolling"


def test_a_marker_of_a_recording_is_where_it_says_or_where_the_recording_is() -> None:
    there = room()
    play(there, film(HAPPY, 0, 20, mode="recording"))
    marks = [
        Marker(room="room", at=START + 999, label="here", id="1"),
        Marker(room="room", at=START + 999, label="there", id="2", time_s=7.5),
    ]
    for mark in marks:
        there.command(mark, START + 999)
    (rows,) = there.drain().rows.values()
    assert [(mark.label, mark.time_s) for mark in rows.markers] == [
        ("here", there.time_s),
        ("there", 7.5),
    ]


def test_a_purpose_without_emotion_reads_none_whatever_a_worker_says() -> None:
    there = room(purpose="workplace")
    told = play(there, film(HAPPY, 0, 40))
    play(there, [(START + 41, report("ended", last_seq=399, at=START + 41))], told)
    assert {sample.state for sample in told.samples} == {"not_read", "not_visible"}
    assert all(sample.expression is None for sample in told.samples)
    assert {sample.look for sample in told.samples} <= {"cant_tell", "turned_away"}
    assert {row.name for row in told.measures} <= {"facing_front"}
    assert {event.state for event in told.of("state_ended")} <= {"not_read", "not_visible"}
    state = there.state(START, START)
    assert state.purpose == "workplace"
    assert set(state.measures) <= {"facing_front"}


def test_between_a_stop_and_the_next_frame_nothing_that_waits_is_written_down() -> None:
    there = room(lanes=(LANE, "pose"))
    play(there, [*film(HAPPY, 0, 5, lane="pose", engines=("pose",)), says("stop", 5)])
    waiting = film(HAPPY, 5, 5.2)
    for now, message in waiting:  # Not let in yet: the other lane is waited for.
        there.take(message, now)  # type: ignore[arg-type]
    assert there.state(START, START).phase == "closed"
    held = there.data.cameras["front"].join.held
    assert any(seen.faces for waits in held.values() for seen in waits.lanes.values())
    kept = there.checkpoint().cameras["front"].join.held
    assert kept.keys() == held.keys()
    assert not any(seen.faces for waits in kept.values() for seen in waits.lanes.values())


def test_what_a_stopped_run_leaves_behind_says_nothing_of_anybody() -> None:
    there = room(lanes=(LANE, "pose"))
    play(there, [*film(HAPPY, 0, 5, lane="pose", engines=("pose",)), says("stop", 5)])
    play(there, film(HAPPY, 5, 8))
    there.close(START + 9)
    there.data.ended = True
    kept = msgspec.msgpack.decode(encode(there.checkpoint()), type=RoomData)
    assert (kept.asked, kept.ended) == ("stop", True)
    assert (kept.people.present, kept.people.away) == ({}, {})
    assert all(camera.line == [] for camera in kept.cameras.values())


def names(there: Room) -> list[str | None]:
    return [person.name for person in there.state(START, START).people]


def test_a_person_is_called_by_a_name_until_it_is_taken_away() -> None:
    there = room()
    told = play(there, [*film(HAPPY, 0, 2), says("rename", 2, slot=2, text="Ada")])
    assert names(there) == [None, "Ada"]
    assert told.newest()[2].name == "Ada"
    again = cut(there, START + 3)
    assert names(again) == [None, "Ada"]
    told = play(again, [*film(HAPPY, 3, 5), says("rename", 5, slot=2)])
    assert names(again) == [None, None]
    assert told.newest()[2].name is None


def test_a_name_belongs_to_a_session() -> None:
    there = room()
    play(there, [*film(HAPPY, 0, 2), says("rename", 2, slot=1, text="Ada"), says("stop", 3)])
    play(there, film(HAPPY, 3, 5))
    assert names(there) == [None, None]


def test_nobody_is_called_by_a_name_who_isn_t_there() -> None:
    there = room()
    told = play(there, [says("rename", 0, slot=1, text="Ada")])
    play(there, [*film(HAPPY, 0, 2), says("rename", 2, slot=9, text="Ada")], told)
    assert told.refused == ["rename: nobody is in the room", "rename: there is no P9 in the room"]


def test_who_has_left_can_still_be_called_by_a_name_and_keeps_it_when_they_are_back() -> None:
    there = room()
    told = play(there, [*film(sees(face(100)), 0, 5), *film(sees(), 5, 40)])
    assert names(there) == []
    play(there, [says("rename", 40, slot=1, text="Ada")], told)
    assert told.refused == []
    row = told.newest()[1]
    assert (row.name, row.left_s is None) == ("Ada", False)
    assert there.state(START, START).away == {1: "Ada"}
    play(there, [says("rename", 41, slot=1)], told)
    assert there.state(START, START).away == {1: "P1"}


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [("Ada", None, "Ada"), (None, "Grace", "Grace"), ("Ada", "Grace", "Ada")],
)
@pytest.mark.parametrize("away", ["nobody", "the first", "both"])
def test_two_who_are_one_have_one_name(
    first: str | None, second: str | None, left: str, away: str
) -> None:
    there = room()
    one, other = film(sees(face(100)), 0, 10), film(sees(face(450)), 12, 20)
    told = play(there, [*one, *other] if away != "nobody" else film(HAPPY, 0, 20))
    if away == "both":
        play(there, film(sees(), 20, 60), told)
    if away == "the first":
        play(there, film(sees(face(450)), 20, 60), told)
    for slot, name in ((1, first), (2, second)):
        if name is not None:
            play(there, [says("rename", 60 + slot, slot=slot, text=name)], told)
    play(there, [says("merge", 63, slot=1, other=2)], told)
    if away == "nobody":  # One camera sees both: then they are two.
        assert told.refused
        return
    assert told.refused == []
    assert (told.newest()[1].name, told.newest()[2].name) == (left, None)
    if away == "the first":
        assert names(there) == [left]


def test_a_split_without_a_camera_needs_a_person_whom_only_one_sees() -> None:
    there = room()
    front, side = film(sees(face(100)), 0, 10), film(sees(face(400)), 0, 10, camera="side")
    told = play(there, in_order(front, side))
    play(there, [says("merge", 10, slot=1, other=2)], told)
    (person,) = there.state(START, START).people
    assert set(person.cameras) == {"front", "side"}
    play(there, [says("split", 11, slot=1)], told)
    assert told.refused == ["split: P1 is seen by front, side; name a camera"]


def test_without_a_camera_it_is_the_only_one_that_sees_the_person() -> None:
    named, unnamed = room(), room()
    told = [
        play(there, [*film(HAPPY, 0, 5), says("split", 5, slot=1, **camera)]).refused
        for there, camera in ((named, {"camera": "front"}), (unnamed, {}))
    ]
    assert told[0] == told[1]


def test_what_became_of_a_command_is_told_each_time_that_it_comes() -> None:
    there = room()
    play(there, film(HAPPY, 0, 2))
    late = Marker(room="room", at=START, label="later", id="m", time_s=300.0)
    note = says("note", 2, text="Door open")[1]
    outcomes = []
    for again in (there, there, cut(there, START + 3)):
        again.command(late, START + 2)
        again.command(note, START + 2)  # type: ignore[arg-type]
        outcomes.append([(each.id, each.refused) for each in again.drain().outcomes])
    refused = "mark: 300 s is not reached yet, 'later' marks nothing"
    assert outcomes == [[("m", refused), ("note-2", "")]] * 3


def test_a_marker_without_a_session_is_refused_because_nothing_would_keep_it() -> None:
    there = room(by_command=True)
    told = play(there, film(HAPPY, 0, 3))
    marker = Marker(room="room", at=START + 3, label="prices", id="m")
    play(there, [(START + 3, marker)], told)
    assert told.refused == [
        "mark: no session runs, so 'prices' would be kept nowhere; start one first"
    ]
