"""The room as a whole: sessions, people and slots, bad values, and a checkpoint that is exact."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from readroom.affect import PLACES
from readroom.aggregator.room import Room
from readroom.aggregator.room_data import Changes, RoomData, carry_over
from readroom.aggregator.session import RESUME_LIVE_S, goes_on
from readroom.messages import UNCERTAIN, Body, Box, CameraReport, Face, Observation, Quality
from tests.aggregator.made import (
    LANE,
    START,
    face,
    looks,
    observation,
    report,
    room,
    two_people,
)


def feed(there: Room, messages: list[Observation | CameraReport]) -> Changes:
    """Hand messages in, each at the moment when it was captured; the changes added up."""
    for message in messages:
        now = message.captured_at if isinstance(message, Observation) else message.at
        there.take(message, now)
        there.tick(now)
    return there.drain()


def kinds(changes: Changes) -> list[str]:
    return [event.kind for event in changes.events]


def test_a_session_begins_with_the_first_frame_and_closes_when_every_camera_has_ended() -> None:
    there = room()
    assert there.state(START, START).phase == "waiting"
    frames: list[Any] = [observation(n, faces=(face(100),), mode="recording") for n in range(20)]
    changes = feed(there, [report("connecting"), report("streaming", at=START + 0.1), *frames])
    state = there.state(START + 2, START + 2)
    assert (state.phase, state.started_at, state.time_s) == ("running", START, 1.9)
    assert kinds(changes)[:3] == ["session_started", "camera", "person_entered"]
    over = feed(there, [report("ended", mode="recording", last_seq=19, at=START + 3)])
    spans = ["action_ended", "look_ended", "state_ended"]
    assert kinds(over) == ["camera", *spans, "person_left", "session_closed"]
    closed = there.state(START + 3, START + 3)
    assert (closed.phase, closed.people, closed.session) == ("closed", (), state.session)


def test_a_session_stays_open_while_another_camera_goes_on_or_is_about_to_begin() -> None:
    there = room()
    frames = [observation(n, camera=name) for n in range(5) for name in ("front", "back")]
    feed(there, list(frames))
    feed(there, [report("ended", last_seq=4, at=START + 1)])
    assert there.state(START, START).phase == "running"
    starting = report("connecting", camera="side", at=START + 1)
    there.registry({"side": starting}, START + 1, START + 1)
    feed(there, [report("ended", camera="back", last_seq=4, at=START + 1)])
    assert there.state(START, START).phase == "running"
    there.registry({"side": starting}, START + 60, START + 60)  # It never came.
    there.tick(START + 60)
    assert there.state(START, START).phase == "closed"


def test_cameras_that_start_again_begin_a_new_session_with_new_people() -> None:
    there = room()
    feed(there, [observation(n, faces=(face(100),)) for n in range(5)])
    feed(there, [report("ended", last_seq=4, at=START + 1)])
    first = there.state(START, START).session
    there.salt = "1"
    again = [
        observation(n, epoch=9000, captured_at=START + 90 + n / 10, faces=(face(100),))
        for n in range(5)
    ]
    changes = feed(there, list(again))
    state = there.state(START + 91, START + 91)
    assert state.session != first
    assert [person.slot for person in state.people] == [1]
    assert state.time_s == pytest.approx(0.4)
    assert kinds(changes)[0] == "session_started"


def test_a_straggler_of_a_closed_session_starts_no_new_one() -> None:
    there = room()
    feed(there, [observation(n) for n in (0, 1, 2)])
    feed(there, [report("ended", last_seq=5, at=START + 1)])
    there.tick(START + 20)
    assert there.state(START, START).phase == "closed"
    there.drain()
    late = feed(there, [observation(5)])
    assert (late.events, late.late) == ([], 1)


def test_a_recording_whose_ingest_was_stopped_begins_anew() -> None:
    there = room()
    first: list[Any] = [observation(n, mode="recording") for n in range(5)]
    stopped = report("stopped", mode="recording", last_seq=4, at=START + 1)
    feed(there, [report("connecting", mode="recording"), *first, stopped])
    assert there.state(START, START).phase == "closed"
    anew = report("connecting", mode="recording", epoch=9000, at=START + 2)
    again: list[Any] = [observation(n, mode="recording", epoch=9000) for n in range(7)]
    changes = feed(there, [anew, *again])
    assert len(changes.joined) == 7
    assert changes.duplicates == 0


def test_an_ingest_that_comes_back_after_a_crash_repeats_nothing() -> None:
    there = room()
    first: list[Any] = [observation(n, mode="recording") for n in range(5)]
    back = report("connecting", mode="recording", epoch=9000, last_seq=4, at=START + 2)
    again: list[Any] = [observation(n, mode="recording", epoch=9000) for n in range(3, 8)]
    changes = feed(there, [report("connecting", mode="recording"), *first, back, *again])
    assert len(changes.joined) == 8
    assert changes.duplicates == 2


def test_a_camera_blip_makes_no_new_people() -> None:
    there = room()
    seats = (face(100), face(300), face(500))
    feed(there, [observation(n, faces=seats) for n in range(10)])
    moved = tuple(face(x + 15) for x in (100, 300, 500))
    back = [
        observation(n, epoch=2000, captured_at=START + 9 + n / 10, faces=moved) for n in range(10)
    ]
    feed(there, list(back))
    assert there.data.people.links.made == 3
    assert [person.visible for person in there.state(0, 0).people] == [True] * 3


def test_people_of_a_silent_live_camera_are_seen_no_longer_and_leave_in_time() -> None:
    there = room()
    feed(there, [observation(n, faces=(face(100),)) for n in range(20)])
    for n in range(1, 60):
        there.tick(START + 2 + n / 10)
    state = there.state(0, 0)
    assert [person.state for person in state.people] == ["not_visible"]
    assert state.shares == {}
    for n in range(40):
        there.tick(START + 10 + n)
    assert there.state(0, 0).people == ()
    assert kinds(there.drain())[-1] == "person_left"


def test_a_recording_ages_by_its_own_time_only() -> None:
    there = room()
    feed(there, [observation(n, mode="recording", faces=(face(100),)) for n in range(20)])
    there.tick(START + 3600)
    assert there.state(0, 0).people[0].visible


def test_a_clock_that_is_set_back_does_not_stop_the_sessions_clock() -> None:
    there = room()
    feed(there, [observation(n, faces=(face(100),)) for n in range(50)])
    for n in range(50, 100):
        late = observation(n, captured_at=START - 3600 + n / 10, faces=(face(100),))
        there.take(late, START + n / 10)
        there.tick(START + n / 10)
    state = there.state(START + 10, START + 10)
    assert state.time_s == pytest.approx(9.8, abs=0.2)
    assert (there.data.people.links.made, state.people[0].visible) == (1, True)
    assert state.lag_s == 0


def test_forty_people_fill_the_slots_and_the_rest_are_counted_once() -> None:
    there = room()
    crowd = tuple(face(70.0 * (n % 8), 80.0 * (n // 8), 40) for n in range(40))
    wide = {"width": 1280, "height": 720}
    changes = feed(there, [observation(n, faces=crowd, **wide) for n in range(20)])
    state = there.state(0, 0)
    assert [person.slot for person in state.people] == list(range(1, 33))
    assert [person.pseudonym for person in state.people][-1] == "P32"
    assert changes.overflow == state.overflow == 8


def test_a_slot_is_given_away_again_only_when_no_fresh_one_is_left() -> None:
    there = room()
    feed(there, [observation(n, faces=(face(100),)) for n in range(5)])
    feed(there, [observation(n, captured_at=START + n) for n in range(5, 60)])
    assert there.state(0, 0).people == ()
    newcomer = [observation(n, captured_at=START + n, faces=(face(400),)) for n in range(60, 65)]
    feed(there, list(newcomer))
    assert [person.slot for person in there.state(0, 0).people] == [2]


NAN = float("nan")
BAD_BOXES = [
    Box(NAN, 0, 50, 50),
    Box(0, 0, -50, 50),
    Box(0, 0, 50, 0),
    Box(0, 0, float("inf"), 50),
    Box(1e9, 0, 50, 50),
    Box(0, 0, 1e6, 1e6),
]


@pytest.mark.parametrize("box", BAD_BOXES)
def test_faces_with_impossible_boxes_are_nobody(box: Box) -> None:
    there = room()
    bad = Face(box=box, score=0.9, quality=Quality(width_px=50, sharpness=100))
    feed(there, [observation(n, faces=(bad, face(300))) for n in range(10)])
    assert there.data.people.links.made == 1


def test_values_out_of_range_change_no_read_out() -> None:
    there = room()
    good = (face(100, expression=looks("happiness")),)
    feed(there, [observation(n, faces=good) for n in range(30)])
    bad = (face(100, expression=(NAN,) * 8, score=0.9, sharpness=NAN, yaw_deg=NAN),)
    feed(there, [observation(n, faces=bad) for n in range(30, 35)])
    person = there.state(0, 0).people[0]
    assert person.state == "happiness"
    assert 0 <= person.confidence <= 1


def test_a_person_has_valence_and_arousal_only_while_the_face_is_read() -> None:
    there = room()
    faces = (face(100, expression=looks("sadness", 1.0)), face(400, width=15))
    feed(there, [observation(n, faces=faces) for n in range(30)])
    read, unread = there.state(0, 0).people
    assert (read.valence, read.arousal) == pytest.approx(PLACES["sadness"])
    assert (unread.valence, unread.arousal) == (None, None)
    feed(there, [observation(n, faces=()) for n in range(30, 40)])
    gone = there.state(0, 0).people[0]
    assert (gone.state, gone.valence, gone.arousal) == ("not_visible", None, None)


def test_a_thousand_faces_are_bounded() -> None:
    there = room()
    crowd = tuple(face(31.0 * (n % 40), 27.0 * (n // 40), 20) for n in range(1000))
    feed(there, [observation(n, faces=crowd, width=1280, height=720) for n in range(5)])
    assert len(there.state(0, 0).people) == 32


def test_an_observation_without_a_time_or_size_is_put_aside() -> None:
    there = room()
    bad = [observation(0, captured_at=NAN), observation(1, width=0)]
    for message in bad:
        there.take(message, START)
    changes = there.drain()
    assert (changes.unusable, changes.joined) == (2, [])


def test_shares_are_of_those_who_are_seen_and_sum_to_one() -> None:
    there = room()
    faces = tuple(face(150.0 * n, expression=looks("happiness")) for n in range(3))
    feed(there, [observation(n, faces=(*faces, face(500, width=15))) for n in range(30)])
    shares = there.state(0, 0).shares
    assert shares == {"happiness": 0.75, "too_small": 0.25}


def test_coverage_is_the_share_of_time_the_face_could_be_read() -> None:
    there = room()
    readable = face(100, expression=looks("neutral"))
    blurred = face(100, expression=looks("neutral"), sharpness=1, score=0.6)
    half = [observation(n, faces=(readable if n < 100 else blurred,)) for n in range(200)]
    feed(there, list(half))
    assert there.state(0, 0).people[0].coverage == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(("landmarks", "state"), [(True, UNCERTAIN), (False, "happiness")])
def test_a_score_says_whether_to_read_a_face_only_from_a_detector_that_gives_landmarks(
    landmarks: bool, state: str
) -> None:
    there = room()
    seen = face(100, expression=looks("happiness"), score=0.72, landmarks=landmarks)
    feed(there, [observation(n, faces=(seen,)) for n in range(60)])
    (person,) = there.state(0, 0).people
    assert (person.visible, person.state) == (True, state)


def test_a_closed_session_says_how_much_of_its_people_was_seen() -> None:
    there = room()
    readable = face(100, expression=looks("neutral"))
    blurred = face(400, expression=looks("neutral"), sharpness=1, score=0.6)
    sharp = face(400, expression=looks("neutral"))
    # Longer than the window of the running figure; the second one could be read at first only.
    frames = [observation(n, faces=(readable, sharp if n < 500 else blurred)) for n in range(2000)]
    feed(there, [*frames, report("ended", last_seq=1999, at=START + 201)])
    state = there.state(START + 201, START + 201)
    assert (state.phase, state.people) == ("closed", ())
    assert state.coverage == pytest.approx((1 + 0.25) / 2, abs=0.02)


def test_a_closed_session_without_people_has_no_coverage() -> None:
    there = room()
    feed(there, [observation(0), report("ended", last_seq=0, at=START + 1)])
    assert there.state(START, START).phase == "closed"
    assert there.state(START, START).coverage is None


def test_recordings_one_after_another_leave_only_the_last_camera() -> None:
    there = room()
    for number in range(4):
        at = START + 100 * number
        name = f"clip{number}"
        said = report("ended", camera=name, mode="recording", last_seq=2, at=at + 1)
        frames: list[Any] = [
            observation(n, camera=name, mode="recording", captured_at=at + n / 10) for n in range(3)
        ]
        there.registry({name: said}, at, at)
        feed(there, [*frames, said])
        assert [camera.camera for camera in there.state(at, at).cameras] == [name]
        assert there.state(at, at).phase == "closed"


def test_a_camera_is_not_forgotten_while_its_ingest_speaks_or_the_registry_is_unread() -> None:
    there = room()
    over = report("ended", last_seq=0, at=START + 1)
    feed(there, [observation(0), over])
    feed(there, [observation(0, camera="back", captured_at=START + 2)])
    assert set(there.data.cameras) == {"front", "back"}
    feed(there, [report("ended", camera="back", last_seq=0, at=START + 3)])
    there.registry({"front": over}, START + 4, START + 4)
    feed(there, [observation(0, camera="side", captured_at=START + 5)])
    assert set(there.data.cameras) == {"front", "side"}


def test_a_last_frame_that_a_lane_buried_still_lets_the_session_close() -> None:
    there = room(lanes=(LANE, "pose"))
    posed = [observation(n, mode="recording", lane="pose", engines=("pose",)) for n in range(3)]
    read = [observation(n, mode="recording") for n in range(2)]
    over = report("ended", mode="recording", last_seq=2, at=START + 1)
    feed(there, [*posed, *read, over])
    assert there.state(START, START).phase == "running"
    buried = observation(2, mode="recording", engines=(), skipped="failed")
    changes = feed(there, [buried])
    assert len(changes.joined) == 1
    assert there.state(START, START).phase == "closed"


def test_keypoints_come_to_the_person_whose_head_they_have() -> None:
    there = room(lanes=(LANE, "pose"))
    nose = [(330.0, 130.0, 0.9)] * 3 + [(330.0, 300.0, 0.9)] * 14
    body = Body(box=Box(250, 50, 160, 300), score=0.9, keypoints=tuple(nose))
    hollow = Body(box=Box(0, 0, 9, 9), score=0.9, keypoints=((NAN, 0.0, 1.0),) * 17)
    for n in range(10):
        seen = observation(n, mode="recording", faces=(face(100), face(300)))
        posed = observation(
            n, mode="recording", lane="pose", engines=("pose",), bodies=(hollow, body)
        )
        feed(there, [seen, posed])
    people = there.state(0, 0).people
    assert people[0].keypoints is None
    assert people[1].keypoints == tuple(nose)


def test_frames_per_second_lag_and_drops_are_the_cameras() -> None:
    there = room()
    feed(there, [observation(n) for n in range(100)])
    said = report(
        "streaming", captured_at=START + 10.4, dropped={"rate": 7}, source="rtsp://***@h/1"
    )
    there.registry({"front": said}, START + 10, START + 10)
    camera = there.state(START + 9.95, START + 9.95).cameras[0]
    assert camera.fps == pytest.approx(10, abs=0.3)
    assert camera.lag_s == pytest.approx(0.5)
    assert camera.dropped == {"rate": 7}


def test_an_end_that_only_the_registry_tells_closes_the_session_too() -> None:
    there = room()
    feed(there, [observation(n, mode="recording") for n in range(5)])
    said = report("ended", mode="recording", last_seq=4, at=START + 1)
    there.registry({"front": said}, START + 2, START + 2)
    there.tick(START + 2)
    assert there.state(0, 0).phase == "running"  # The ordered report may still come.
    there.registry({"front": said}, START + 8, START + 8)
    there.tick(START + 8)
    assert there.state(0, 0).phase == "closed"


@pytest.mark.parametrize("mode", ["live", "recording"])
def test_a_checkpoint_at_any_frame_changes_nothing(mode: str) -> None:
    frames = [observation(n, mode=mode, faces=two_people(n)) for n in range(160)]
    whole = room()
    expected = feed(whole, list(frames))
    resumed, rows = room(), Changes()
    for frame in frames:
        feed_changes = feed(resumed, [frame])
        for name, found in feed_changes.rows.items():
            kept = rows.rows.setdefault(name, type(found)(found.room, found.session))
            kept.samples += found.samples
            kept.events += found.events
        blob = msgspec.msgpack.encode(resumed.data)
        resumed = Room(resumed.rules, msgspec.msgpack.decode(blob, type=RoomData))
    (wanted,), (got,) = expected.rows.values(), rows.rows.values()
    assert got.samples == wanted.samples
    assert got.events == wanted.events
    blob = msgspec.msgpack.encode(whole.data)
    assert resumed.data == msgspec.msgpack.decode(blob, type=RoomData)


def test_only_unfinished_recordings_that_redis_agrees_about_are_carried_over() -> None:
    there = room()
    feed(there, [observation(n, mode="recording") for n in range(5)])
    there.close(START)
    carried = carry_over(there.data, {"front": 4}, recent=False)
    assert carried.cameras["front"].join.released_seq == 4
    assert carry_over(there.data, {}, recent=True).cameras == {}
    assert carry_over(there.data, {"front": 2}, recent=True).cameras == {}


def test_what_comes_again_after_a_closed_session_is_known_as_old() -> None:
    there = room()
    frames: list[Any] = [observation(n, mode="recording") for n in range(5)]
    over = report("ended", mode="recording", last_seq=4, at=START + 1)
    feed(there, [*frames, over])
    again = Room(there.rules, carry_over(there.data, {}, recent=False))
    changes = feed(again, [*frames, over])
    assert (changes.duplicates, changes.joined, changes.rows) == (5, [], {})
    anew: list[Any] = [observation(n, mode="recording", epoch=9000) for n in range(5)]
    assert len(feed(again, anew).joined) == 5


def test_a_session_goes_on_only_if_it_is_open_and_recent() -> None:
    there = room()
    feed(there, [observation(0)])
    session = there.data.session
    assert session is not None
    assert goes_on(session, 5)
    assert not goes_on(session, RESUME_LIVE_S + 1)
    there.close(START)
    assert not goes_on(session, 5)
    recorded = room()
    feed(recorded, [observation(0, mode="recording")])
    assert goes_on(recorded.data.session, 3600)


def test_shares_of_looks_come_with_an_interval_and_only_of_several_people() -> None:
    there = room()
    alone = feed(there, [observation(n, faces=(face(100),)) for n in range(30)])
    assert alone.joined
    assert there.state(0, 0).look_shares == {}
    faces = tuple(face(x, expression=looks("happiness")) for x in (100, 250, 400))
    feed(there, [observation(n, faces=faces) for n in range(30, 90)])
    (share,) = there.state(0, 0).look_shares.items()
    assert share[0] == "amused"
    assert (share[1].value, share[1].n) == (1.0, 3)
    assert share[1].low == pytest.approx(0.438, abs=0.001)
    assert share[1].high == 1.0
    assert 0 < share[1].coverage <= 1
