from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given, strategies as st
from msgspec.structs import replace

from readroom.dashboards.live.hub import (
    BURST_STATES,
    MAILBOX_MESSAGES,
    MOST_VIEWERS,
    Hub,
    Mailbox,
    Status,
    server_sent,
)
from readroom.messages import EXPRESSIONS, LOOKS, STATES, Event, Measure, RoomState, Span
from tests.dashboards.scene import camera, person, room_state

NOW = 1_700_000_000.0


def hub() -> Hub:
    return Hub(lambda: NOW, lambda count: None)


def opened(found: Hub) -> Mailbox:
    mailbox = found.open()
    assert mailbox is not None
    return mailbox


def messages(raw: bytes | None) -> list[tuple[str, Any]]:
    """The server-sent events in ``raw``: kind and decoded data."""
    assert raw is not None
    found = []
    for block in raw.decode().split("\n\n")[:-1]:
        kind, data = block.split("\n")
        found.append((kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def taken(mailbox: Mailbox) -> list[tuple[str, Any]]:
    return messages(asyncio.run(mailbox.take()))


def test_a_viewer_first_gets_the_history_then_what_happens() -> None:
    found = hub()
    found.take([room_state(second, [person(1, "neutral")]) for second in range(3)], [])
    mailbox = opened(found)
    ((kind, history),) = taken(mailbox)
    assert kind == "history"
    assert [sample[0] for sample in history["samples"]] == [0, 1, 2]
    assert history["names"] == {"1": "P1"}
    found.take([room_state(3.0, [person(1, "happiness")])], [])
    ((kind, message),) = taken(mailbox)
    assert kind == "room"
    assert message["room"]["people"][0]["state"] == "happiness"


def test_a_page_without_any_data_is_told_so() -> None:
    ((kind, history),) = taken(opened(hub()))
    assert (kind, history["room"], history["samples"]) == ("history", None, [])
    assert history["status"] == {"redis": False, "away_since": None}


def test_the_age_of_the_data_is_by_the_servers_clock() -> None:
    found = hub()
    mailbox = opened(found)
    taken(mailbox)
    found.take([room_state(5.0, at=NOW - 1.5)], [])
    assert taken(mailbox)[0][1]["age_s"] == 1.5


def test_a_slow_viewer_begins_again_with_the_newest_instead_of_a_hole() -> None:
    found = hub()
    slow, quick = opened(found), opened(found)
    taken(slow), taken(quick)
    for second in range(MAILBOX_MESSAGES + 10):
        found.take([room_state(second, [person(1, "neutral")])], [])
        taken(quick)
    assert len(slow) == 0
    ((kind, history),) = taken(slow)
    assert kind == "history"
    assert history["room"]["time_s"] == MAILBOX_MESSAGES + 9
    assert len(history["samples"]) == MAILBOX_MESSAGES + 10


@given(st.lists(st.sampled_from(["room", "event", "burst", "status", "take"]), max_size=300))
def test_a_mailbox_never_grows_beyond_its_bound(steps: list[str]) -> None:
    found = hub()
    mailbox = opened(found)
    time_s = 0.0
    for number, step in enumerate(steps):
        time_s += 1
        if step == "take":
            found.set_status(Status(redis=False, away_since=float(number)))
            assert taken(mailbox)
        elif step == "status":
            found.set_status(Status(redis=number % 2 == 0, away_since=float(number)))
        elif step == "event":
            happened = Event(room="room", session="s1", kind="k", start_s=time_s, end_s=time_s)
            found.take([], [happened])
        else:
            count = 1 if step == "room" else BURST_STATES + 1
            found.take([room_state(time_s + part / 100) for part in range(count)], [])
        assert len(mailbox) <= MAILBOX_MESSAGES


def test_old_states_read_again_don_t_run_past_the_viewers() -> None:
    found = hub()
    mailbox = opened(found)
    taken(mailbox)
    found.take([room_state(second) for second in range(BURST_STATES + 1)], [])
    assert [kind for kind, _ in taken(mailbox)] == ["history"]


def test_a_browser_that_was_asleep_for_an_hour_begins_again_with_the_newest() -> None:
    found = hub()
    asleep = opened(found)
    taken(asleep)
    for tick in range(4 * 3600):
        found.take([room_state(tick / 4, [person(1, "neutral")])], [])
        assert len(asleep) <= MAILBOX_MESSAGES
    ((kind, history),) = taken(asleep)
    assert kind == "history"
    assert history["room"]["time_s"] == 3599.75
    assert history["samples"][-1][0] == 3599.5


def test_a_history_is_made_once_for_all_who_begin_at_a_moment() -> None:
    now = [NOW]
    found = Hub(lambda: now[0], lambda count: None)
    found.take([room_state(1.0, at=NOW)], [])
    first = found.snapshot()
    assert found.snapshot() is first
    now[0] += 60
    ((_, later),) = messages(found.snapshot())
    assert later["age_s"] == 60  # Nothing came, and it says how old the newest is.
    found.set_status(Status(redis=True))
    assert messages(found.snapshot())[0][1]["status"]["redis"] is True
    found.take([room_state(2.0, at=NOW)], [])
    assert messages(found.snapshot())[0][1]["room"]["time_s"] == 2.0


def test_events_reach_every_viewer_once() -> None:
    found = hub()
    mailboxes = [opened(found), opened(found)]
    for mailbox in mailboxes:
        taken(mailbox)
    happened = Event(room="room", session="s1", kind="person_left", start_s=1, end_s=1, slot=2)
    found.take([], [happened])
    found.take([], [happened])
    for mailbox in mailboxes:
        ((kind, event),) = taken(mailbox)
        assert (kind, event["kind"], event["slot"]) == ("event", "person_left", 2)


def test_a_status_is_told_when_it_changes() -> None:
    found = hub()
    mailbox = opened(found)
    taken(mailbox)
    found.set_status(Status(redis=True))
    found.set_status(Status(redis=True))
    assert taken(mailbox) == [("status", {"redis": True, "away_since": None})]


def test_a_password_left_in_a_source_doesn_t_leave_the_machine() -> None:
    found = hub()
    leaky = camera(source="rtsp://admin:hunter2@cam/1", reason="rtsp://admin:hunter2@cam/1 refused")
    found.take([room_state(1.0, cameras=(leaky,))], [])
    assert b"hunter2" not in found.snapshot()
    assert found.room is not None
    assert found.room.cameras[0].source == "rtsp://***@cam/1"


def test_the_page_isn_t_sent_what_it_doesn_t_draw() -> None:
    found = hub()
    found.take([room_state(1.0, [person(1, "neutral")])], [])
    assert found.room is not None
    assert found.room.people[0].keypoints is None


def test_a_title_with_line_breaks_stays_one_message() -> None:
    message = server_sent("room", {"title": "a\n\ndata: b\r\nevent: status"})
    assert message.count(b"\n") == 3
    assert messages(message) == [("room", {"title": "a\n\ndata: b\r\nevent: status"})]


def test_viewers_are_counted_and_there_is_a_limit() -> None:
    counts: list[int] = []
    found = Hub(lambda: NOW, counts.append)
    mailboxes = [opened(found) for _ in range(MOST_VIEWERS)]
    assert found.open() is None
    found.leave(mailboxes[0])
    assert found.open() is not None
    assert counts[-3:] == [MOST_VIEWERS, MOST_VIEWERS - 1, MOST_VIEWERS]


def test_closing_ends_every_stream() -> None:
    found = hub()
    mailbox = opened(found)
    taken(mailbox)
    found.close()
    assert asyncio.run(mailbox.take()) is None
    assert found.open() is None


def test_of_an_erased_session_nothing_is_told_any_more() -> None:
    found = hub()
    mailbox = opened(found)
    secret = replace(person(1, "neutral"), name="Anna")
    happened = Event(room="room", session="s1", kind="marker", start_s=1, end_s=1, state="Prices")
    found.take([room_state(1.0, [secret])], [happened])
    taken(mailbox)
    assert b"Anna" in found.snapshot()
    found.forget("s1")
    assert found.room is None
    ((kind, history),) = taken(mailbox)
    assert (kind, history["room"], history["samples"]) == ("history", None, [])
    assert (history["names"], history["events"]) == ({}, [])
    # Nor what Redis still has of it, which is read again when the connection was lost.
    found.take([room_state(1.0, [secret])], [happened])
    assert (found.room, taken_nothing(mailbox)) == (None, True)
    assert b"Anna" not in found.snapshot()
    found.take([room_state(1.0, session="s2")], [])
    assert [kind for kind, _ in taken(mailbox)] == ["room"]


def taken_nothing(mailbox: Mailbox) -> bool:
    return len(mailbox) == 0


def test_erasing_an_older_session_leaves_the_running_one_alone() -> None:
    found = hub()
    found.take([room_state(1.0, [person(1, "neutral")])], [])
    found.forget("s0")
    assert found.room is not None
    assert messages(found.snapshot())[0][1]["names"] == {"1": "P1"}


def leaky(time_s: float, **changes: object) -> RoomState:
    """A state that says what it may not where no emotion may be inferred."""
    said = replace(
        person(1, "anger", affect=(-0.5, 0.4)),
        expression=(0.1, 0.0, 0.0, 0.0, 0.9, 0.0, 0.0, 0.0),
        look="displeased",
        actions={"smiling": Span(since_s=1.0, confidence=0.9)},
    )
    measures = {"valence": Measure(value=-0.2, n=3), "facing_front": Measure(value=0.5, n=3)}
    return room_state(
        time_s, [said, person(2, "uncertain"), person(3, "fear")], measures=measures, **changes
    )


def test_for_a_workplace_only_what_is_visible_is_passed_on() -> None:
    found = Hub(lambda: NOW, lambda count: None, silent=True)
    mailbox = opened(found)
    ended = Event(room="room", session="s1", kind="state_ended", start_s=1, end_s=2, slot=1)
    events = [replace(ended, state=state) for state in ("anger", "uncertain", "too_small")]
    found.take([leaky(1.0)], events)
    ((_, history),) = taken(mailbox)
    first = history["room"]["people"][0]
    assert (first["state"], first["confidence"], first["look"]) == ("not_read", 0.0, "cant_tell")
    assert [first[name] for name in ("expression", "valence", "arousal")] == [None, None, None]
    assert list(first["actions"]) == ["smiling"]
    # An expression was read to say "uncertain".
    assert history["room"]["shares"] == {"not_read": 1.0}
    assert list(history["room"]["measures"]) == ["facing_front"]
    assert set(history["room"]["engines"]) == {"face", "pose"}
    assert [event["state"] for event in history["events"]] == ["too_small"]
    states = [[STATES[number] for _, number, *_ in sample[2]] for sample in history["samples"]]
    assert states == [["not_read"] * 3]
    named = json.dumps([value for kind, value in history.items() if kind != "status"])
    assert not [name for name in (*EXPRESSIONS, *LOOKS[:4]) if name in named]


def test_the_room_s_purpose_counts_where_the_page_was_told_none() -> None:
    found = hub()
    mailbox = opened(found)
    ended = Event(room="room", session="s1", kind="look_ended", start_s=1, end_s=2, slot=1)
    found.take([leaky(1.0)], [replace(ended, state="amused")])
    assert b"anger" in found.snapshot()
    taken(mailbox)
    found.take([leaky(2.0, purpose="education")], [replace(ended, state="puzzled")])
    assert found.without_emotion
    ((kind, history),) = taken(mailbox)
    assert kind == "history"
    # Nothing of before is left either.
    assert len(history["samples"]) == 1
    assert history["events"] == []
    assert history["room"]["people"][0]["state"] == "not_read"
    found.take([leaky(3.0)], [])
    assert not found.without_emotion


def test_a_page_for_a_workplace_stays_silent_whatever_the_room_says() -> None:
    found = Hub(lambda: NOW, lambda count: None, silent=True)
    found.take([leaky(1.0, purpose="audience")], [])
    assert found.without_emotion
    assert b"anger" not in found.snapshot()
