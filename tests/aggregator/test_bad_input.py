"""What can go wrong before the cameras, on the way and at the clock: each has one outcome.

Everything here is the pure room, on scripted scenes (tests/aggregator/scripted.py).
"""

from __future__ import annotations

import itertools
import math
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from readroom.aggregator.store import Store
from readroom.messages import (
    MEASURES,
    NOT_READ,
    NOT_VISIBLE,
    Body,
    Box,
    Command,
    Face,
    Marker,
    RoomState,
    encode,
)
from tests.aggregator.made import LANE, START, face, looks, observation, report, room
from tests.aggregator.scripted import (
    Arrival,
    Cast,
    Scene,
    Told,
    cut,
    film,
    in_order,
    play,
    sees,
    wait,
)


def marker(at_s: float, name: str = "m", label: str = "pricing slide") -> Arrival:
    """Somebody marks a moment of the session."""
    at = START + at_s
    return at, Marker(room="room", at=at, label=label, id=name)


def nobody(at_s: float) -> tuple[Face, ...]:
    return ()


def changing(x: float, period_s: float = 4.0, **changes: Any) -> Scene:
    """Somebody who looks neutral and happy by turns."""

    def scene(at_s: float) -> tuple[Face, ...]:
        name = ("neutral", "happiness")[int(at_s / period_s) % 2]
        return (face(x + 3 * math.sin(at_s), expression=looks(name), **changes),)

    return scene


def together(*scenes: Scene) -> Scene:
    return lambda at_s: tuple(seen for scene in scenes for seen in scene(at_s))


def at(there: Any, at_s: float) -> RoomState:
    state: RoomState = there.state(START + at_s, START + at_s)
    return state


def assert_in_order(told: Told) -> None:
    """What is stored of each person goes on in time, and nothing ends before it began."""
    for person in {sample.person for sample in told.samples}:
        times = [sample.time_s for sample in told.samples if sample.person == person]
        assert times == sorted(set(times))
    assert all(0 <= event.start_s <= event.end_s for event in told.events)
    for kind in ("state_ended", "look_ended"):
        for someone in {event.person for event in told.of(kind)}:
            spans = [e for e in told.of(kind) if e.person == someone]
            ends = [span.end_s for span in spans]
            assert ends == sorted(ends)
            for before, after in itertools.pairwise(spans):
                assert before.end_s <= after.start_s + 1e-9


# -- few people ---------------------------------------------------------------------------------


def test_one_person_is_no_room_but_has_a_timeline() -> None:
    there = room()
    told = play(there, in_order(film(changing(300), 0, 90), [marker(40.05)]))
    state = at(there, 90)
    assert [person.person for person in state.people] == [1]
    assert set(state.measures) == set(MEASURES)
    assert all(measure.value is None for measure in state.measures.values())
    assert state.measures["valence"].n == 1
    assert {event.state for event in told.of("state_ended")} >= {"neutral", "happiness"}
    assert {event.person for event in told.of("state_ended")} == {1}
    assert told.of("inflection") == told.of("peak") == []
    (answer,) = told.of("response")
    assert (answer.state, answer.measure) == ("pricing slide", None)
    assert_in_order(told)


def test_without_any_face_a_session_runs_and_says_nothing_of_anybody() -> None:
    there = room()
    over = report("ended", last_seq=699, at=START + 70)
    begun = in_order(film(nobody, 0, 70), [marker(30.05)])
    told = play(there, begun)
    state = at(there, 70)
    assert (state.phase, state.people, state.shares, state.coverage) == ("running", (), {}, None)
    assert all((measure.value, measure.n) == (None, 0) for measure in state.measures.values())
    play(there, [(START + 70, over)], told)
    assert at(there, 70).phase == "closed"
    assert (told.samples, told.people, told.measures) == ([], [], [])
    assert {event.kind for event in told.events} == {
        *("session_started", "session_closed", "camera", "marker", "response")
    }


def test_bodies_without_a_face_are_nobody() -> None:
    there = room(lanes=(LANE, "pose"))
    points = tuple((300.0 + n, 100.0 + 10 * n, 0.9) for n in range(17))
    body = Body(box=Box(280, 90, 60, 200), score=0.9, keypoints=points)
    posed = film(nobody, 0, 5, lane="pose", engines=("pose",), bodies=(body,))
    told = play(there, in_order(film(nobody, 0, 5), posed))
    assert told.joined == 50
    assert at(there, 5).people == ()


# -- many people --------------------------------------------------------------------------------

WIDE: dict[str, Any] = {"width": 1280, "height": 720}
SEATS = tuple((70.0 + 150 * (n % 8), 20.0 + 140 * (n // 8)) for n in range(40))


def crowd(away: frozenset[int] = frozenset()) -> Scene:
    return sees(*(face(x, y, 40) for n, (x, y) in enumerate(SEATS) if n not in away))


def test_of_forty_people_thirty_two_have_a_slot_and_the_rest_are_counted_once() -> None:
    there = room()
    told = play(there, film(crowd(), 0, 10, **WIDE))
    state = at(there, 10)
    assert [person.slot for person in state.people] == list(range(1, 33))
    assert len({person.person for person in state.people}) == 32
    assert told.overflow == state.overflow == 8
    assert len(told.newest()) == 32
    assert {event.person for event in told.of("person_entered")} == set(told.newest())
    assert {sample.person for sample in told.samples} == set(told.newest())


def test_who_had_no_slot_gets_the_first_that_is_free_and_is_shown_from_then_on() -> None:
    there = room()
    told = play(there, film(crowd(), 0, 10, **WIDE))
    seated = {person.person for person in at(there, 10).people}
    left = frozenset({1, 3})
    play(there, film(crowd(left), 10, 45, **WIDE), told)
    state = at(there, 45)
    assert len(state.people) == 32
    late = {person.person for person in state.people} - seated
    assert len(late) == 2
    assert len(told.of("person_left")) == 2
    assert told.overflow == 8
    # Each of them is told of once, and from when they are shown.
    assert len([event for event in told.of("person_entered") if event.person in late]) == 2
    first = min(sample.time_s for sample in told.samples if sample.person in late)
    assert first > 35
    spoken = [e for e in told.events if e.person in late and e.kind != "person_entered"]
    assert all(event.end_s > 35 for event in spoken)
    assert_in_order(told)


# -- who is who ---------------------------------------------------------------------------------


def crossing(at_s: float) -> tuple[Face, ...]:
    """Two people walk past each other between 5 and 9 s; the one behind is hidden meanwhile."""
    walked = min(1.0, max(0.0, (at_s - 5) / 4))
    first = face(100 + 400 * walked, 100, expression=looks("happiness"))
    second = face(500 - 400 * walked, 118, expression=looks("sadness"))
    hidden = abs(first.box.x - second.box.x) < 45
    return (first,) if hidden else (first, second)


def test_two_people_who_cross_stay_who_they_are() -> None:
    there = room()
    told = play(there, film(crossing, 0, 15))
    people = {person.person: person for person in at(there, 15).people}
    assert sorted(people) == [1, 2]
    assert people[1].box.x > people[2].box.x
    assert {number: person.state for number, person in people.items()} == {
        1: "happiness",
        2: "sadness",
    }
    assert {e.state for e in told.of("state_ended") if e.person == 1} <= {"uncertain"}
    assert_in_order(told)


def comes_back(camera: str, cast: Cast, away: tuple[float, float]) -> Scene:
    """Bob stays; Ann is away for some time and comes back to another place."""

    def scene(at_s: float) -> tuple[Face, ...]:
        bob = cast.face(face(450, expression=looks("neutral")), "bob", camera)
        if away[0] <= at_s < away[1]:
            return (bob,)
        place = 100 if at_s < away[0] else 220
        return (bob, cast.face(face(place, expression=looks("neutral")), "ann", camera))

    return scene


def test_a_face_that_returns_after_two_minutes_is_the_same_person_by_its_embeddings() -> None:
    there = room()
    scene = comes_back("front", Cast(), (20, 140))
    told = play(there, film(scene, 0, 20, knows=True))
    (ann,) = [person for person in at(there, 20).people if person.box.x < 300]
    play(there, film(scene, 20, 160, knows=True), told)
    (back,) = [person for person in at(there, 160).people if person.box.x < 300]
    assert (back.person, back.slot) == (ann.person, ann.slot)
    assert len(told.newest()) == 2
    assert told.newest()[ann.person].left_s is None
    assert [e.kind for e in told.events if e.person == ann.person and "person" in e.kind] == [
        *("person_entered", "person_left", "person_entered")
    ]
    left, again = told.of("person_left")[0], told.of("person_entered")[-1]
    assert left.end_s == pytest.approx(19.9)
    # From when they were seen again, though it took some looks to know who they are.
    assert again.start_s == pytest.approx(140.2, abs=0.2)
    times = [sample.time_s for sample in told.samples if sample.person == ann.person]
    assert not [time_s for time_s in times if 52 < time_s < 140]
    assert max(times) > 159
    assert_in_order(told)


def test_a_face_that_returns_after_two_minutes_is_somebody_new_without_embeddings() -> None:
    there = room()
    scene = comes_back("front", Cast(), (20, 140))
    told = play(there, film(scene, 0, 160))
    assert {person.person for person in at(there, 160).people} == {1, 3} or {
        person.person for person in at(there, 160).people
    } == {2, 3}
    assert len(told.newest()) == 3
    assert sum(row.left_s is None for row in told.newest().values()) == 2
    assert_in_order(told)


def photo(camera: str, cast: Cast, *places: float) -> Scene:
    """One photograph, once or more often, in a camera's picture."""

    def scene(at_s: float) -> tuple[Face, ...]:
        return tuple(
            cast.face(face(place, expression=looks("happiness")), "photo", camera)
            for place in places
        )

    return scene


def test_one_photo_in_two_cameras_is_one_person() -> None:
    there, cast = room(), Cast()
    told = play(
        there,
        in_order(
            film(photo("left", cast, 100), 0, 30, camera="left", knows=True),
            film(photo("right", cast, 400), 0, 30, camera="right", knows=True),
        ),
    )
    (person,) = at(there, 30).people
    assert sorted(person.cameras) == ["left", "right"]
    assert sorted(told.newest()[1].cameras) == ["left", "right"]
    # Of two cameras one speaks at a time: as many samples as of anybody.
    assert len(told.samples) == pytest.approx(30 * 4, abs=6)
    assert_in_order(told)


def test_one_photo_twice_in_one_picture_is_two_people() -> None:
    there, cast = room(), Cast()
    told = play(there, film(photo("front", cast, 100, 400), 0, 60, knows=True))
    assert [person.person for person in at(there, 60).people] == [1, 2]
    assert told.of("merged") == []


def test_one_photo_twice_before_two_cameras_is_not_guessed_at() -> None:
    there, cast = room(), Cast()
    told = play(
        there,
        in_order(
            film(photo("left", cast, 100, 400), 0, 60, camera="left", knows=True),
            film(photo("right", cast, 100, 400), 0, 60, camera="right", knows=True),
        ),
    )
    state = at(there, 60)
    of_left = {p.person for p in state.people if "left" in p.cameras}
    of_right = {p.person for p in state.people if "right" in p.cameras}
    assert (len(of_left), len(of_right)) == (2, 2)
    assert 2 <= len(state.people) <= 4
    assert_in_order(told)


# -- clocks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("back_s", [0.5, 1.9, 3.0, 3600.0])
def test_a_clock_that_goes_backwards_moves_nothing_back(back_s: float) -> None:
    there = room()
    scene = together(changing(100), changing(400, 3.0))
    told = play(there, film(scene, 0, 30))
    play(there, film(scene, 30, 60, behind_s=back_s), told)
    state = at(there, 60)
    # Less than 2 s may be jitter: the session's clock waits until the camera's has caught up.
    lost_s = back_s if back_s < 2 else 0.1
    assert state.time_s == pytest.approx(59.9 - lost_s, abs=0.11)
    assert [person.person for person in state.people] == [1, 2]
    assert all(person.visible for person in state.people)
    assert told.of("person_left") == []
    assert told.joined == 600
    assert_in_order(told)


def test_a_clock_that_jumps_ahead_is_time_in_which_nobody_was_seen() -> None:
    there = room()
    scene = together(changing(100), changing(400, 3.0))
    told = play(there, film(scene, 0, 30))
    play(there, film(scene, 30, 60, behind_s=-3600.0), told)
    state = at(there, 60)
    assert state.time_s == pytest.approx(3659.9)
    assert len(state.people) == 2
    assert len(told.of("person_left")) == 2
    assert not [s for s in told.samples if 31 < s.time_s < 3600]
    assert_in_order(told)


def test_cameras_whose_times_are_300_ms_apart_see_one_person_with_one_timeline() -> None:
    there, cast = room(), Cast()

    def scene(camera: str, place: float) -> Scene:
        (changes,) = (changing(place),)
        return lambda at_s: tuple(cast.face(seen, "ann", camera) for seen in changes(at_s))

    told = play(
        there,
        in_order(
            film(scene("left", 100), 0, 60, camera="left", knows=True),
            film(scene("right", 400), 0, 60, camera="right", knows=True, behind_s=0.3),
        ),
    )
    (person,) = at(there, 60).people
    assert sorted(person.cameras) == ["left", "right"]
    assert len(told.samples) == pytest.approx(60 * 4, abs=8)
    states = [e for e in told.of("state_ended") if e.state in ("neutral", "happiness")]
    # One change every 4 s, as with one camera.
    assert len(states) == pytest.approx(14, abs=2)
    assert_in_order(told)


@pytest.mark.parametrize("behind_s", [0.0, 0.3, 1.0])
def test_a_person_who_passes_from_one_camera_to_another_has_one_timeline(behind_s: float) -> None:
    there, cast = room(), Cast()

    def scene(camera: str, place: float, until_s: float) -> Scene:
        def seen(at_s: float) -> tuple[Face, ...]:
            shown = changing(place)(at_s) if at_s < until_s else ()
            return tuple(cast.face(one, "ann", camera) for one in shown)

        return seen

    told = play(
        there,
        in_order(
            film(scene("left", 100, 20), 0, 70, camera="left", knows=True),
            film(scene("right", 400, 99), 0, 70, camera="right", knows=True, behind_s=behind_s),
        ),
    )
    (person,) = at(there, 70).people
    assert (person.person, person.camera, person.cameras) == (1, "right", ("right",))
    assert len(told.newest()) == 1
    assert told.of("person_left") == []
    assert len(told.samples) == pytest.approx(70 * 4, abs=8)
    assert_in_order(told)


# -- on the way ---------------------------------------------------------------------------------

ROOMFUL = together(changing(60), changing(220, 3.0), changing(380, 5.0))


def undisturbed(**changes: Any) -> Told:
    return play(room(), film(ROOMFUL, 0, 40, **changes))


@pytest.mark.parametrize("mode", ["live", "recording"])
def test_what_comes_doubled_is_counted_and_changes_nothing(mode: str) -> None:
    arrivals = film(ROOMFUL, 0, 40, **media(mode))
    doubled = [one for n, a in enumerate(arrivals) for one in ([a, a] if n % 3 == 0 else [a])]
    told = play(room(), doubled)
    assert told.duplicates == len(doubled) - len(arrivals)
    assert told.rows() == undisturbed(**media(mode)).rows()


@pytest.mark.parametrize("mode", ["live", "recording"])
def test_what_comes_out_of_order_is_put_in_order(mode: str) -> None:
    arrivals = film(ROOMFUL, 0, 40, **media(mode))
    mixed = list(arrivals)
    for n in range(3, len(mixed) - 3, 5):  # Two and two change places, each at its old moment.
        mixed[n], mixed[n + 2] = (mixed[n][0], mixed[n + 2][1]), (mixed[n + 2][0], mixed[n][1])
    told = play(room(), mixed)
    assert (told.late, told.duplicates, told.joined) == (0, 0, 400)
    assert told.rows() == undisturbed(**media(mode)).rows()


def test_what_comes_too_late_is_counted_and_changes_nothing() -> None:
    arrivals = film(ROOMFUL, 0, 40)
    _, straggler = arrivals[200]
    waiting = [one for n, one in enumerate(arrivals) if n != 200]
    without = play(room(), waiting)
    late = [*waiting[:260], (waiting[259][0], straggler), *waiting[260:]]
    told = play(room(), late)
    assert (told.late, told.duplicates) == (1, 0)
    assert told.joined == without.joined == 399
    assert told.rows() == without.rows()


def test_a_lane_that_stops_holds_nothing_up_for_longer_than_its_time_out() -> None:
    there = room(lanes=(LANE, "pose"))
    points = tuple((330.0, 130.0, 0.9) for _ in range(17))
    body = Body(box=Box(250, 50, 160, 300), score=0.9, keypoints=points)
    posed = film(nobody, 0, 20, lane="pose", engines=("pose",), bodies=(body,))
    told = play(there, in_order(film(changing(300), 0, 60), posed))
    state = at(there, 60)
    assert told.joined == 600
    assert [person.person for person in state.people] == [1]
    assert state.people[0].keypoints is None
    assert state.time_s == pytest.approx(59.9)
    assert_in_order(told)


def test_when_the_lane_that_finds_faces_stops_nobody_is_seen_any_more() -> None:
    there = room(lanes=(LANE, "pose"))
    posed = film(nobody, 0, 60, lane="pose", engines=("pose",))
    both = list(in_order(film(changing(300), 0, 10), posed))
    told = play(there, [one for one in both if one[0] < START + 20])
    (person,) = at(there, 20).people
    assert (person.visible, person.state) == (False, NOT_VISIBLE)
    play(there, [one for one in both if one[0] >= START + 20], told)
    assert at(there, 60).people == ()
    (left,) = told.of("person_left")
    assert left.end_s == pytest.approx(9.9)
    assert_in_order(told)


def test_when_the_expression_engine_stops_faces_are_followed_and_not_read() -> None:
    there = room()
    unread = film(sees(face(300)), 20, 60, engines=("face",))
    told = play(there, [*film(changing(300), 0, 20), *unread])
    (person,) = at(there, 60).people
    assert (person.visible, person.state) == (True, NOT_READ)
    assert (person.expression, person.valence) == (None, None)
    assert_in_order(told)


def test_workers_that_stop_altogether_leave_an_empty_room_in_time() -> None:
    there = room()
    told = play(there, film(ROOMFUL, 0, 20))
    wait(there, START + 20, 3, told)
    assert {person.state for person in at(there, 23).people} == {NOT_VISIBLE}
    wait(there, START + 23, 40, told)
    assert at(there, 63).people == ()
    assert len(told.of("person_left")) == 3
    assert_in_order(told)


def media(mode: str) -> dict[str, Any]:
    """How a live camera's frames say their time, or a recording's (observation fills it in)."""
    return {"mode": mode}


# -- markers ------------------------------------------------------------------------------------


def answers(told: Told, label: str) -> dict[str | None, Any]:
    return {e.figure: e.measure for e in told.of("response") if e.state == label}


def test_a_marker_before_anything_was_seen_marks_nothing() -> None:
    there = room()
    told = play(there, [marker(-5), *film(ROOMFUL, 0, 20)])
    assert len(told.refused) == 1
    assert "pricing slide" in told.refused[0]
    assert (told.markers, told.of("marker"), told.of("response")) == ([], [], [])


def test_a_marker_from_before_the_start_is_at_the_start_and_gets_no_answer() -> None:
    there = room()
    begun = film(ROOMFUL, 0, 20)
    early = Marker(room="room", at=START - 30, label="early", id="e")
    told = play(there, [*begun[:50], (START + 5, early), *begun[50:]])
    assert [row.time_s for row in told.markers] == [0.0]
    assert answers(told, "early") == {None: None}


def test_two_markers_at_one_instant_are_both_answered_alike() -> None:
    there = room()
    arrivals = in_order(
        film(ROOMFUL, 0, 60), [marker(30.02, "a", "first"), marker(30.02, "b", "second")]
    )
    told = play(there, arrivals)
    assert [row.id for row in told.markers] == ["a", "b"]
    assert len({row.time_s for row in told.markers}) == 1
    assert answers(told, "first") == answers(told, "second")
    assert answers(told, "first")["valence"].n == 3


def test_a_marker_that_is_sent_twice_counts_once() -> None:
    there = room()
    told = play(there, in_order(film(ROOMFUL, 0, 60), [marker(30.02), marker(30.02)]))
    assert len(told.markers) == len(told.of("marker")) == 1
    assert len(told.of("response")) == len(answers(told, "pricing slide"))


def test_a_marker_just_before_the_end_is_told_and_gets_no_answer() -> None:
    there = room()
    over = (START + 40, report("ended", last_seq=399, at=START + 40))
    told = play(there, in_order(film(ROOMFUL, 0, 40), [marker(38.0)], [over]))
    assert at(there, 40).phase == "closed"
    assert len(told.markers) == 1
    assert answers(told, "pricing slide") == {None: None}


# -- by hand ------------------------------------------------------------------------------------


def asked(at_s: float, verb: str, **changes: Any) -> Arrival:
    said = {"room": "room", "at": START + at_s, "verb": verb, "id": f"{verb} {at_s}"}
    return START + at_s, msgspec.convert({**said, **changes}, Command)


def test_a_split_of_somebody_out_of_sight_is_refused_and_changes_nothing() -> None:
    there = room()
    scene: Scene = lambda at_s: ROOMFUL(at_s) if at_s < 10 else ROOMFUL(at_s)[:2]  # noqa: E731
    told = play(
        there, in_order(film(scene, 0, 60), [asked(20.05, "split", slot=3, camera="front")])
    )
    assert told.refused == ["split: camera 'front' doesn't see P3 now"]
    assert [person.slot for person in at(there, 60).people] == [1, 2]
    assert {event.person for event in told.of("person_left")} == {3}
    assert_in_order(told)


def test_a_split_by_a_camera_that_there_is_not_names_those_there_are() -> None:
    there = room()
    told = play(
        there, in_order(film(ROOMFUL, 0, 20), [asked(10.05, "split", slot=3, camera="nocam")])
    )
    assert told.refused == ["split: camera 'nocam' has seen nobody; there are front"]


def test_two_who_are_both_away_and_are_one_by_hand_are_told_to_be() -> None:
    there = room()
    told = play(there, [*film(sees(face(100)), 0, 10), *film(sees(face(450)), 12, 20)])
    play(there, [*film(nobody, 20, 60), asked(60.0, "merge", slot=2, other=1)], told)
    (merged,) = told.of("merged")
    assert (merged.person, merged.other, merged.state) == (1, 2, "P2")


def test_two_who_are_one_by_hand_though_one_has_left_are_there_and_leave_once() -> None:
    there = room()

    def scene(at_s: float) -> tuple[Face, ...]:
        return changing(100)(at_s) if at_s < 10 else changing(400)(at_s) if at_s > 45 else ()

    merged = asked(60.05, "merge", slot=1, other=2)
    told = play(there, in_order(film(scene, 0, 80), [merged]))
    (person,) = at(there, 80).people
    assert (person.person, person.slot) == (1, 1)
    assert told.newest()[1].left_s is None
    assert told.newest()[2].merged_into == 1
    play(there, film(nobody, 80, 120), told)
    known = [(e.kind, e.person) for e in told.events if e.kind.startswith("person_")]
    # That person 1 is back is what "merged" says.
    assert known == [
        ("person_entered", 1),
        ("person_left", 1),
        ("person_entered", 2),
        ("person_left", 1),
    ]
    (merged_event,) = told.of("merged")
    assert (merged_event.person, merged_event.slot, merged_event.other) == (1, 1, 2)
    assert_in_order(told)


# -- a crash ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["live", "recording"])
@pytest.mark.parametrize("cuts", [(20.0,), (0.1, 7.3, 31.0, 31.1, 59.8)])
def test_a_session_that_is_cut_by_a_crash_goes_on_as_if_nothing_had_happened(
    mode: str, cuts: tuple[float, ...]
) -> None:
    over = report("ended", mode=mode, last_seq=699, at=START + 70)

    def scene(at_s: float) -> tuple[Face, ...]:
        more = changing(540)(at_s) if 25 < at_s < 28 else ()
        return (*ROOMFUL(at_s), *more)

    arrivals = [
        *in_order(film(scene, 0, 70, **media(mode)), [marker(30.02, "a"), marker(63.0, "b")]),
        (START + 70, over),
    ]
    whole = play(room(), arrivals)
    there, told, rest = room(), Told(), arrivals
    for at_s in cuts:
        now = START + at_s
        play(there, [one for one in rest if one[0] < now], told)
        rest = [one for one in rest if one[0] >= now]
        # What isn't acknowledged comes again: the last half second.
        there = cut(there, now)
    play(there, rest, told)
    assert told.rows() == whole.rows()
    assert whole.of("session_closed")


def test_after_a_crash_what_was_not_acknowledged_comes_again_and_is_known() -> None:
    arrivals = film(ROOMFUL, 0, 40, mode="recording")
    whole = play(room(), arrivals)
    there = room()
    told = play(there, arrivals[:200])
    there = cut(there, START + 20)
    play(there, arrivals[180:], told)
    assert told.duplicates == 20
    assert told.rows() == whole.rows()


def test_after_a_crash_everybody_in_sight_is_who_they_were_in_every_camera() -> None:
    cast = Cast()
    arrivals = list(
        in_order(
            film(photo("left", cast, 100), 0, 40, camera="left", knows=True),
            film(photo("right", cast, 400), 0, 40, camera="right", knows=True),
        )
    )
    there = room()
    told = play(there, [one for one in arrivals if one[0] < START + 20])
    there = cut(there, START + 20)
    play(there, [one for one in arrivals if one[0] >= START + 20], told)
    (person,) = at(there, 40).people
    assert (person.person, sorted(person.cameras)) == (1, ["left", "right"])
    assert len(told.newest()) == 1
    assert_in_order(told)


# -- all at once --------------------------------------------------------------------------------


def muddle(seed: int, seconds: int) -> list[Arrival]:
    """People who wander between places and cameras, frames that are lost or doubled, cameras that
    start again and whose clocks are set, silences, commands and markers of all kinds."""
    draw, cast = random.Random(seed), Cast(seed)
    names, cameras = ("ann", "bob", "cat", "dan"), ("left", "right")
    places: dict[tuple[str, str], float | None] = {
        (camera, name): draw.choice((60.0, 200.0, 340.0, None))
        for camera in cameras
        for name in names
    }
    epochs, off_s, now = dict.fromkeys(cameras, 1), dict.fromkeys(cameras, 0.0), START
    found: list[Arrival] = []
    for step in range(seconds * 10):
        now += 0.1 + (draw.random() < 0.004) * draw.choice((2, 12, 40))
        if draw.random() < 0.05:
            places[draw.choice(cameras), draw.choice(names)] = draw.choice((60.0, 200.0, 480, None))
        if draw.random() < 0.01:
            epochs[draw.choice(cameras)] += 1
        if draw.random() < 0.005:
            off_s[draw.choice(cameras)] += draw.choice((-3600.0, -1.0, 0.3, 60.0))
        if draw.random() < 0.03:
            verb = draw.choice(
                ("start", "stop", "note", "title", "merge", "split", "split", "rename")
            )
            one, other = draw.randint(1, 5), draw.randint(1, 5)
            camera = draw.choice(cameras)
            at_s = now - START
            found.append(asked(at_s, verb, text="x", slot=one, other=other, camera=camera))
        if draw.random() < 0.01:
            found.append(marker(now - START, f"m{draw.randint(0, 9)}"))
        for camera in cameras:
            faces, taken = [], set()
            for name in names:
                place = places[camera, name]
                if place is None or place in taken or draw.random() < 0.05:
                    continue
                taken.add(place)
                seen = face(place + draw.uniform(-3, 3), expression=looks("anger", draw.random()))
                faces.append(cast.face(seen, name, camera) if step % 10 == 0 else seen)
            said = observation(
                step,
                camera=camera,
                epoch=epochs[camera],
                captured_at=now + off_s[camera],
                faces=tuple(faces),
                engines=("face", "expression", "identity") if step % 10 == 0 else ("face",),
                models={"identity": "some"},
            )
            found += [(now, said)] * draw.choice((0, 1, 1, 1, 1, 1, 1, 1, 1, 2))
    return found


@pytest.mark.parametrize("seed", range(6))
def test_whatever_comes_the_room_stays_whole(seed: int) -> None:
    there, told = room(neutral_s=10.0 * (seed % 2)), Told()
    for number, arrival in enumerate(muddle(seed, 40)):
        now = arrival[0]
        there.salt = str(number)
        play(there, [arrival], told)
        state = there.state(now, now)
        slots = [person.slot for person in state.people]
        assert slots == sorted(set(slots))
        assert not set(slots) & set(there.data.people.slots.free)
        assert len({person.person for person in state.people}) == len(slots)
        assert all(person.camera in person.cameras for person in state.people)
        assert encode(state)
        if number % 97 == 96:
            there = cut(there, now)
    assert all(0 <= event.start_s <= event.end_s for event in told.events)
    assert told.joined > 500


def test_a_marker_follows_the_cameras_clock_when_it_has_been_set_back() -> None:
    there = room()
    scene = sees(face(100))
    play(there, film(scene, 0, 10))
    play(there, film(scene, 10, 20, behind_s=100.0))
    assert at(there, 20).time_s == pytest.approx(19.8, abs=0.11)
    there.command(Marker(room="room", at=START + 19.0 - 100, label="now", id="1"), START + 20)
    (rows,) = there.drain().rows.values()
    assert rows.markers[0].time_s == pytest.approx(19.0, abs=0.2)


def test_a_marker_of_a_time_that_a_recording_has_not_reached_is_refused() -> None:
    there = room()
    told = play(there, film(sees(face(100)), 0, 10, mode="recording"))
    early = Marker(room="room", at=START, label="later", id="1", time_s=300.0)
    play(there, [(START + 10, early)], told)
    assert told.markers == []
    assert told.refused == ["mark: 300 s is not reached yet, 'later' marks nothing"]


def test_the_room_knows_of_nobody_what_cannot_be_read() -> None:
    """Three people turn so far away that they can't be read; their last looks don't go on."""
    there = room()

    def scene(at_s: float) -> tuple[Face, ...]:
        yaw = 64.0 if at_s >= 10 else 0.0
        happy = looks("happiness")
        return tuple(face(x, yaw_deg=yaw, expression=happy) for x in (50, 250, 450))

    told = play(there, film(scene, 0, 16))
    newest = {row.name: row.measure for row in told.measures if row.time_s == 15.0}
    assert newest["valence"].coverage == pytest.approx(10 / 15, abs=0.07)


def test_a_person_of_two_numbers_counts_once_after_they_were_merged() -> None:
    there = room()
    play(
        there,
        in_order(
            film(sees(face(100)), 0, 20, camera="left"),
            film(sees(face(400)), 0, 20, camera="right"),
        ),
    )
    merge = Command(room="room", at=START + 20, verb="merge", id="m", slot=1, other=2)
    there.command(merge, START + 20)
    there.close(START + 21)
    session = there.data.session
    assert session is not None
    assert session.people_left == 1
    assert session.coverage_left <= 1.0


def test_who_was_away_and_is_merged_counts_once_too() -> None:
    there = room()
    play(there, film(sees(face(100)), 0, 20))
    play(there, film(sees(face(450)), 20, 60))  # The first has left meanwhile.
    merge = Command(room="room", at=START + 60, verb="merge", id="m", slot=1, other=2)
    there.command(merge, START + 60)
    there.close(START + 61)
    session = there.data.session
    assert session is not None
    assert session.people_left == 1


@pytest.mark.parametrize("purpose", ["workplace", "education"])
def test_without_emotion_nothing_is_said_of_one_whatever_happens(
    purpose: str, tmp_path: Path
) -> None:
    """Splits, tracks that part, frames without faces, an expression from a worker that shouldn't
    read any: the store refuses what names an emotion, and nothing does."""
    cast = Cast()
    there = room(purpose=purpose, lanes=(LANE,))

    def scene(at_s: float) -> tuple[Face, ...]:
        first = cast.face(face(100, expression=looks("happiness")), "ann", "front")
        second = cast.face(face(400, expression=looks("anger")), "ann", "front")
        return (first,) if at_s < 12 else (second,) if at_s < 22 else (first, second)

    told = Told()
    split = Command(room="room", at=START + 30, verb="split", id="s", slot=1, camera="front")
    arrivals = [*film(scene, 0, 30, knows=True), (START + 30, split)]
    after = film(scene, 30, 31, engines=("pose",), faces=())
    arrivals += [*after, *film(scene, 31, 40, knows=True)]
    with Store(tmp_path) as store:
        for now, message in arrivals:
            if isinstance(message, Command):
                there.command(message, now)
            else:
                there.take(message, now)
            there.tick(now)
            changes = there.drain()
            store.commit(changes.rows.values(), there.checkpoint(), now)
            told.add(changes)
            held = there.checkpoint().cameras["front"].join.held.values()
            seen = [one for waits in held for lane in waits.lanes.values() for one in lane.faces]
            assert all(one.expression is None for one in seen)
            assert {p.state for p in there.state(now, now).people} <= {"not_read", "not_visible"}
    assert told.refused == []
    assert len(told.of("split")) == 1
    assert told.samples


def test_no_embedding_stays_of_a_frame_that_nobody_waits_for() -> None:
    cast = Cast()
    there = room()

    def scene(at_s: float) -> tuple[Face, ...]:
        return (cast.face(face(100), "ann", "front"),)

    arrivals = film(scene, 0, 20, knows=True)
    play(there, [one for arrival in arrivals for one in (arrival, arrival)])
    play(there, arrivals[:50])  # Too late.
    assert len(there.embeddings) == 0
    play(there, film(scene, 21, 21.3, knows=True))  # What came before is still waited for.
    assert len(there.embeddings) > 0
    there.close(START + 23)
    assert len(there.embeddings) == 0
