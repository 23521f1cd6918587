"""Before the talk: who can be read, who can't, why, and what would help."""

from __future__ import annotations

import io
import json
import re
import threading
import time
from collections.abc import Iterator

import pytest
import redis
from msgspec.structs import replace
from rich.console import Console

from readroom.cli import main
from readroom.dashboards.check import Report, as_data, follow, judge, nearer, show
from readroom.messages import BoxInfo, PersonState, Quality, RoomState, Span
from readroom.streams import Keys, register_box
from readroom.words import vocabulary
from tests.dashboards.scene import Publisher, camera, person, room_state

MIN_FACE_PX = 32
WORDS = vocabulary(False)


def seen(slot: int, width_px: float = 90.0, **changes: object) -> PersonState:
    """Somebody in view, with changes, in a room that reads what this machine would."""
    state = "too_small" if width_px < MIN_FACE_PX else "neutral"
    return replace(person(slot, state), **{"face_width_px": width_px, **changes})


def partly(ratio: float, slot: int = 1, width_px: float = 90.0, **changes: object) -> Report:
    """A check of ten states, in that share of which somebody could be read."""
    states = [seen(slot, width_px, readable=n < 10 * ratio, **changes) for n in range(10)]
    return judged(*map(room, states))


def good(**changes: object) -> Quality:
    """A face that is lit, sharp and turned to the camera, with changes."""
    found = Quality(width_px=90.0, sharpness=120.0, brightness=120.0, yaw_deg=5.0, pitch_deg=-4.0)
    return replace(found, **changes)


def away(slot: int, turned: bool) -> PersonState:
    """Somebody whose direction is measured."""
    actions = {"facing_away": Span(since_s=0.0, confidence=0.9)} if turned else {}
    return seen(slot, measured=("facing_away", "facing_front"), actions=actions)


def judged(*rooms: RoomState) -> Report:
    return judge("room", rooms, 10.0, MIN_FACE_PX)


def room(*people: PersonState, **changes: object) -> RoomState:
    return room_state(20.0, people, **changes)


def found(report: Report) -> list[str | None]:
    return [each.finding.name if each.finding else None for each in report.people]


def text(report: Report, without_emotion: bool = False, width: int = 200) -> str:
    sink = io.StringIO()
    show(report, vocabulary(without_emotion), Console(file=sink, width=width))
    return sink.getvalue()


def test_a_room_in_which_everybody_can_be_read_is_good() -> None:
    report = judged(room(seen(1), seen(2)))
    assert report.ok
    assert found(report) == [None, None]
    assert "Everybody in view can be read." in text(report)


@pytest.mark.parametrize(
    ("width_px", "name", "serious"),
    [
        (31.9, "too_small", True),
        (32.0, "small", False),
        (63.9, "small", False),
        (64.0, None, False),
    ],
)
def test_a_face_is_too_small_small_or_large_enough(
    width_px: float, name: str | None, serious: bool
) -> None:
    report = judged(room(seen(1, width_px)))
    assert found(report) == [name]
    assert report.ok is not serious


def test_a_small_face_is_told_by_which_factor_it_has_to_grow() -> None:
    report = judged(room(seen(1, 25.0, camera="left")))
    said = text(report)
    assert "the face is 25 px wide, reading it takes 32 px" in said
    assert "until the face is 2.6 times as wide (64 px)" in said


def test_the_factor_is_rounded_up_and_never_divides_by_nothing() -> None:
    assert [nearer(32.0, 64.0), nearer(25.0, 64.0), nearer(63.0, 64.0)] == [2.0, 2.6, 1.1]
    assert nearer(0.0, 64.0) == 64.0


def test_the_width_is_the_median_of_the_time_in_view() -> None:
    states = [room(seen(1, width)) for width in (20.0, 90.0, 90.0)]
    assert judged(*states).people[0].face_width_px == 90.0


def test_somebody_mostly_turned_away_cannot_be_read() -> None:
    states = [room(away(1, turned)) for turned in (True, True, True, False)]
    report = judged(*states)
    assert found(report) == ["turned_away"]
    assert report.people[0].away == 0.75
    assert "turned away for 75 % of the time" in text(report)
    assert "put a camera where P1 faces" in text(report)


def test_somebody_who_looks_away_now_and_then_can() -> None:
    assert judged(*[room(away(1, turned)) for turned in (True, False, False)]).ok


def test_without_a_measurement_nobody_is_said_to_face_anywhere() -> None:
    report = judged(room(seen(1)))
    assert report.people[0].away is None
    assert " – " in text(report)


BADLY_SEEN = pytest.mark.parametrize(
    ("quality", "name", "says", "remedy"),
    [
        (good(yaw_deg=-57.0), "turned", "turned 57° aside", "put camera front where P1 faces"),
        (good(pitch_deg=-35.0), "bowed", "bowed by 35°", "camera front down"),
        (good(pitch_deg=35.0), "raised", "raised by 35°", "camera front up"),
        (good(brightness=49.9), "dark", "light 50 of 255, 50 at least", "from the front"),
        (good(brightness=216.0), "overlit", "light 216 of 255, 215 at most", "less light on P1"),
        (good(sharpness=29.0), "blurred", "sharpness 29, 30 at least", "focus the lens"),
    ],
)


@BADLY_SEEN
def test_a_large_face_that_is_seldom_readable_is_told_why(
    quality: Quality, name: str, says: str, remedy: str
) -> None:
    report = partly(0.3, quality=quality)
    assert found(report) == [name]
    assert not report.ok
    assert says in text(report)
    assert remedy in text(report)


@BADLY_SEEN
def test_what_leaves_a_face_readable_is_advice(
    quality: Quality, name: str, says: str, remedy: str
) -> None:
    report = partly(0.9, quality=quality)
    assert found(report) == [name]
    assert report.ok


def test_a_face_without_fault_that_is_seldom_readable_is_half_hidden() -> None:
    for quality in (good(), None):
        report = partly(0.3, quality=quality)
        assert found(report) == ["unreadable"]
        assert not report.ok
        assert "readable for 30 % of the time only" in text(report)
        assert "half hidden" in text(report)


def test_somebody_without_a_face_is_told_so() -> None:
    report = judged(room(seen(1, 0.0, coverage=0.0)))
    assert found(report) == ["no_face"]
    assert "no face is found" in text(report)


def test_how_a_face_is_seen_is_the_median_of_the_faces_that_were_found() -> None:
    lights = (20.0, 120.0, 125.0, None)
    states = [room(seen(1, quality=good(brightness=light))) for light in lights]
    report = judged(*states, room(seen(1, quality=None)))
    (told,) = report.people
    assert (told.brightness, told.sharpness, told.finding) == (120.0, 120.0, None)
    assert re.search(r"120 +│ +120 ", text(report))
    assert " – " in text(judged(room(seen(1, quality=None))))


def test_the_first_thing_to_mend_is_told() -> None:
    assert found(judged(room(seen(1, 20.0, coverage=0.0, quality=good(brightness=9.0))))) == [
        "too_small"
    ]
    assert found(partly(0.1, width_px=50.0)) == ["unreadable"]
    assert found(judged(room(seen(1, 50.0, quality=good(brightness=9.0))))) == ["dark"]


def test_people_who_were_never_in_view_are_left_out() -> None:
    report = judged(room(seen(1), person(2, "not_visible")))
    assert [each.pseudonym for each in report.people] == ["P1"]
    assert report.ok


def test_a_slot_that_was_somebody_elses_is_judged_by_who_has_it_now() -> None:
    before = [room(seen(1, 20.0, person=1))] * 9
    report = judged(*before, room(seen(1, 90.0, person=2)))
    assert [(each.person, each.face_width_px) for each in report.people] == [(2, 90.0)]
    assert report.ok


def test_somebody_who_moved_to_another_slot_is_one_person() -> None:
    report = judged(room(seen(1, person=5)), room(seen(2, person=5), seen(1, person=6)))
    assert [(each.person, each.pseudonym) for each in report.people] == [(6, "P1"), (5, "P2")]


def test_only_the_camera_that_speaks_in_the_end_is_measured() -> None:
    far = [room(seen(1, 20.0, camera="left", quality=good(brightness=20.0), readable=True))] * 9
    near = room(seen(1, 90.0, camera="right", quality=good(), readable=True))
    (told,) = judged(*far, near).people
    assert (told.camera, told.face_width_px, told.brightness) == ("right", 90.0, 120.0)
    assert (told.too_small, told.coverage, told.finding) == (0.0, 1.0, None)


def test_what_was_mended_before_the_check_is_no_longer_found() -> None:
    """The room's own coverage still remembers the dark minute."""
    lit = [room(seen(1, coverage=0.17, readable=True, quality=good()))] * 10
    report = judged(*lit)
    assert (report.ok, report.people[0].coverage) == (True, 1.0)


def test_time_out_of_view_is_time_in_which_nobody_can_be_read() -> None:
    # Of a camera that stopped the last frame's word is old.
    gone = replace(person(1, "not_visible"), readable=True, coverage=0.9)
    report = judged(*[room(seen(1, readable=True))] * 4, *[room(gone)] * 6)
    assert (found(report), report.people[0].coverage) == (["unreadable"], 0.4)


def test_an_aggregator_that_says_no_moments_is_believed_its_last_minute() -> None:
    assert judged(room(seen(1, coverage=0.3))).people[0].coverage == 0.3


def test_which_faces_are_too_small_is_what_the_room_says() -> None:
    """It may run with another limit than this machine knows."""
    stricter = judged(room(seen(1, 40.0, state="too_small")))
    assert found(stricter) == ["too_small_there"]
    assert not stricter.ok
    assert "40 px wide, which this room doesn't read" in text(stricter)
    assert "workers.min_face_px" in text(stricter)
    milder = judged(room(seen(1, 25.0, state="neutral", readable=True)))
    assert found(milder) == ["small"]
    assert milder.ok


def test_a_room_without_anybody_fails() -> None:
    report = judged(room())
    assert not report.ok
    assert [finding.name for finding in report.findings] == ["nobody"]
    assert "point a camera at the people" in text(report)


def test_no_word_from_the_aggregator_fails() -> None:
    report = judged()
    assert not report.ok
    assert "the aggregator said nothing in 10 s" in text(report)


def test_a_session_that_is_over_cannot_be_checked() -> None:
    report = judged(room(seen(1), phase="closed"))
    assert [finding.name for finding in report.findings] == ["over"]
    assert not report.ok


@pytest.mark.parametrize(
    ("changes", "name", "says", "ok"),
    [
        ({"phase": "retrying"}, "camera_away", "camera left: lost, trying again", False),
        ({"lag_s": 2.5}, "camera_behind", "camera left: 2.5 s behind", False),
        ({"lag_s": 2.5, "mode": "recording"}, None, "delivering", True),
        ({"people": 0}, "camera_empty", "camera left: nobody in view", True),
    ],
)
def test_what_is_wrong_with_a_camera_is_told(
    changes: dict[str, object], name: str | None, says: str, ok: bool
) -> None:
    report = judged(room(seen(1), cameras=(camera("left", **changes),)))
    (told,) = report.cameras
    assert (told.finding.name if told.finding else None) == name
    assert report.ok is ok
    assert says in text(report)


def test_more_people_than_slots_are_told() -> None:
    report = judged(room(seen(1), overflow=3))
    assert "3 more came than can be told apart" in text(report)
    assert report.ok


def test_names_are_text_and_no_markup() -> None:
    said = text(judged(room(seen(1, pseudonym="[red]P1[/red]"))))
    assert "[red]P1[/red]" in said


def test_the_table_fits_a_terminal_of_eighty_columns() -> None:
    report = judged(room(seen(1, 20.0), seen(2), away(3, True)))
    assert max(len(line) for line in text(report, width=80).splitlines()) <= 80


def test_no_emotion_is_named_where_none_may_be() -> None:
    report = judged(room(seen(1, 20.0), seen(2, coverage=0.2), purpose="workplace"))
    told = text(report, without_emotion=True) + json.dumps(as_data(report, vocabulary(True)))
    for word in ("neutral", "happ", "emotion", "attentive"):
        assert word not in told


def test_where_faces_are_not_read_it_is_told_whether_actions_can_be_seen() -> None:
    blurred = good(sharpness=9.0)
    report = judged(room(seen(1), seen(2, 20.0), seen(3, quality=blurred), purpose="workplace"))
    told = text(report, without_emotion=True)
    assert "3 in view, 2 of them seen well enough for visible actions" in told
    assert "focus camera front, so that visible actions can be told" in told
    assert "1 of 3 in view not seen well enough for visible actions." in told
    whole = text(judged(room(seen(1), purpose="workplace")), without_emotion=True)
    assert "Everybody in view is seen well enough for visible actions." in whole
    assert not re.search(r"\bread|lens", told + whole)
    silent = vocabulary(True)
    assert not [text for text in silent.check.values() if re.search(r"\bread\b|readable", text)]


def test_machines_get_names_figures_and_sentences() -> None:
    data = as_data(judged(room(seen(1, 20.0), seen(2))), WORDS)
    assert json.loads(json.dumps(data)) == data
    assert (data["ok"], data["in_view"], data["readable"]) == (False, 2, 1)
    first, second = data["people"]
    assert first["finding"]["name"] == "too_small"
    assert first["finding"]["serious"]
    assert first["finding"]["remedy"].startswith("move camera front nearer")
    assert second["finding"] is None
    assert second["brightness"] is None
    assert data["cameras"][0]["lag_s"] == 0.21


@pytest.fixture
def running(
    client: redis.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch, publisher: Publisher
) -> Iterator[Publisher]:
    """A room that goes on saying that P1 is too far away."""
    monkeypatch.setenv("READROOM_REDIS__URL", redis_url)
    now = time.time()
    info = BoxInfo(
        kind="aggregate", name="aggregator", host="h", pid=1, address="", started_at=now, at=now
    )
    register_box(client, Keys("room"), info)
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(0.1):
            publisher.say(room(seen(1, 20.0), seen(2)))

    thread = threading.Thread(target=go_on)
    thread.start()
    yield publisher
    ended.set()
    thread.join()


def test_only_what_comes_during_the_check_is_looked_at(
    client: redis.Redis, publisher: Publisher
) -> None:
    publisher.say(room(seen(1, 20.0)))
    started = time.monotonic()
    assert follow(client, Keys("room"), 0.3) == []
    assert 0.3 <= time.monotonic() - started < 2.0


def test_the_command_ends_with_a_code_that_scripts_can_use(
    running: Publisher, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", "--seconds", "1", "--json"])
    assert ended.value.code == 1
    data = json.loads(capsys.readouterr().out)
    assert [each["readable"] for each in data["people"]] == [False, True]
    with pytest.raises(SystemExit) as ended:
        main(["check", "--seconds", "1"])
    assert ended.value.code == 1
    assert "1 of 2 in view can't be read." in capsys.readouterr().out


def test_a_room_that_does_not_run_cannot_be_checked(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("READROOM_REDIS__URL", redis_url)
    with pytest.raises(SystemExit) as ended:
        main(["check"])
    assert ended.value.code == 1
    assert "room room doesn't run" in capsys.readouterr().err
