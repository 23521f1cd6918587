from __future__ import annotations

from itertools import pairwise

import msgspec
from hypothesis import given, strategies as st
from msgspec.structs import replace

from readroom.dashboards.live.history import (
    EVENTS_KEPT,
    MARKS_KEPT,
    SAMPLE_EVERY_S,
    SAMPLES_KEPT,
    UNKNOWN_STATE,
    Figure,
    History,
)
from readroom.messages import STATES, Event, Measure, Span
from tests.dashboards.scene import person, room_state


def event(kind: str = "person_entered", session: str = "s1", start_s: float = 1.0) -> Event:
    return Event(room="room", session=session, kind=kind, start_s=start_s, end_s=start_s)


def test_a_sample_keeps_who_looked_how_since_when() -> None:
    history = History()
    history.add(room_state(7.0, [person(3, "happiness", since_s=5.25)]))
    (sample,) = history.samples
    assert sample.time_s == 7.0
    (kept,) = sample.people
    assert (kept.slot, STATES[kept.state], kept.since_s) == (3, "happiness", 5.25)


def test_four_states_a_second_are_thinned_to_two() -> None:
    history = History()
    for quarter in range(41):
        history.add(room_state(quarter / 4, [person(1, "neutral")]))
    assert [sample.time_s for sample in history.samples] == [half / 2 for half in range(21)]


def test_a_state_of_a_newer_version_is_kept_as_unknown() -> None:
    history = History()
    history.add(room_state(1.0, [person(1, "pensive")]))
    assert history.samples[0].people[0].state == UNKNOWN_STATE


def test_another_session_begins_a_new_history() -> None:
    history = History()
    history.add(room_state(100.0, [person(1, "neutral"), person(2, "neutral")]))
    history.add(room_state(0.5, [person(1, "neutral")], session="s2"))
    assert [sample.time_s for sample in history.samples] == [0.5]
    assert history.names == {1: "P1"}


def test_reading_the_streams_again_changes_nothing() -> None:
    states = [room_state(second, [person(1, "neutral")]) for second in range(30)]
    history = History()
    for state in [*states, *states]:
        history.add(state)
    assert [sample.time_s for sample in history.samples] == list(range(30))


def test_an_event_that_comes_twice_is_kept_once() -> None:
    history = History()
    history.add(room_state(1.0))
    assert history.add_event(event())
    assert not history.add_event(event())
    assert len(history.events) == 1


def test_marked_moments_stay_when_other_events_crowd_the_list() -> None:
    history = History()
    history.add(room_state(1.0))
    history.add_event(event("marker"))
    for second in range(2 * EVENTS_KEPT):
        history.add_event(event(start_s=float(second)))
    kinds = [each.kind for each in history.events]
    assert kinds == ["marker"] + ["person_entered"] * EVENTS_KEPT
    for second in range(2 * MARKS_KEPT):
        history.add_event(event("marker", start_s=float(second)))
    assert len(history.events) == EVENTS_KEPT + MARKS_KEPT


def test_a_sample_has_what_curves_and_signs_are_drawn_from() -> None:
    history = History()
    told = replace(
        person(3, "happiness", affect=(0.123, 0.4)),
        person=9,
        name="Anna",
        actions={"facing_front": Span(since_s=1.0, confidence=0.9)},
    )
    aside = replace(person(4, "neutral"), person=0, measured=("facing_front",))
    measures = {"valence": Measure(value=0.126, low=-0.1, high=None, n=2)}
    history.add(room_state(7.0, [told, aside], measures=measures))
    (sample,) = history.samples
    assert sample.measures == {"valence": Figure(0.13, -0.1, None)}
    first, second = sample.people
    assert (first.person, first.valence, first.facing) == (9, 0.12, 1)
    assert (second.person, second.valence, second.facing) == (0, None, 0)
    # By number; from an aggregator that gives none, by slot.
    assert history.names == {9: "Anna", -4: "P4"}


def merged(kept: int, other: int, session: str = "s1") -> Event:
    return replace(event("merged", session, 2.0), person=kept, slot=kept, other=other)


def people_of(history: History) -> list[list[int]]:
    return [[each.person for each in sample.people] for sample in history.samples]


def test_who_turned_out_to_be_somebody_else_is_nobody_however_much_happens_then() -> None:
    history = History()
    one, two, three = (person(slot, "neutral") for slot in (1, 2, 3))
    for second, people in enumerate([[one], [two], [one, two, three], [three]]):
        history.add(room_state(second, people))
    history.add_event(merged(1, 2))
    for second in range(EVENTS_KEPT):
        history.add_event(event(start_s=10.0 + second))
    assert "merged" not in [kept.kind for kept in history.events]
    assert people_of(history) == [[1], [1], [1, 3], [3]]
    assert history.names == {1: "P1", 3: "P3"}
    history.add_event(merged(3, 1))
    assert people_of(history) == [[3], [3], [3], [3]]


def test_a_merge_may_be_told_before_the_states_that_it_is_about() -> None:
    history = History()
    for event_of in (merged(1, 2), merged(3, 1), merged(4, 3, session="s0")):
        history.add_event(event_of)
    history.add(room_state(1.0, [person(2, "neutral")]))
    history.add(room_state(2.0, [person(3, "neutral"), person(2, "neutral")]))
    assert people_of(history) == [[3], [3]]
    assert history.names == {3: "P3"}
    # Another session's numbers are other people's.
    history.add(room_state(0.5, [person(2, "neutral")], session="s2"))
    assert people_of(history) == [[2]]


def test_who_has_left_is_called_as_the_room_calls_them_now() -> None:
    history = History()
    history.add(room_state(1.0, [replace(person(1, "neutral"), name="Anna"), person(2, "fear")]))
    history.add(room_state(1.1, away={1: "Anna"}))
    assert history.names == {1: "Anna", 2: "P2"}
    history.add(room_state(1.2, away={1: "P1", 2: "Ben"}))
    assert history.names == {1: "P1", 2: "Ben"}


def test_only_the_sessions_own_events_are_told() -> None:
    history = History()
    history.add_event(event(session="s0"))
    history.add_event(event(session="s1"))
    history.add(room_state(1.0))
    assert [each.session for each in history.events] == ["s1"]


@given(
    st.lists(
        st.tuples(st.floats(0, 5000), st.integers(0, 6), st.sampled_from(["s1", "s2"])),
        max_size=60,
    )
)
def test_samples_are_in_order_spaced_and_of_one_session(
    steps: list[tuple[float, int, str]],
) -> None:
    history = History()
    for time_s, people, session in steps:
        crowd = [person(slot + 1, "neutral") for slot in range(people)]
        history.add(room_state(time_s, crowd, session=session))
    times = [sample.time_s for sample in history.samples]
    gaps = [late - early for early, late in pairwise(times)]
    assert all(gap >= SAMPLE_EVERY_S - 0.011 for gap in gaps)  # Rounded to 10 ms.
    assert set(history.names) >= {each.slot for s in history.samples for each in s.people}


def test_hours_of_a_session_take_no_more_than_the_last_minutes() -> None:
    history = History()
    for second in range(2 * SAMPLES_KEPT):
        history.add(room_state(second, [person(1, "neutral")]))
        history.add_event(event(start_s=second))
    assert len(history.samples) == SAMPLES_KEPT
    assert history.samples[-1].time_s == 2 * SAMPLES_KEPT - 1
    assert len(history.events) == EVENTS_KEPT


def test_actions_that_ended_aren_t_kept_for_the_list() -> None:
    history = History()
    history.add(room_state(1.0, [person(1, "neutral")]))
    assert not history.add_event(event("action_ended"))
    look = event("look_ended")
    assert not history.add_event(msgspec.structs.replace(look, state="cant_tell"))
    assert history.add_event(msgspec.structs.replace(look, state="amused"))
    assert [kept.kind for kept in history.events] == ["look_ended"]


def test_what_happened_between_two_sessions_isn_t_told_again_after_the_second() -> None:
    history = History()
    history.add(room_state(9.0, session="", phase="rolling"))
    history.add_event(event(session=""))
    history.add_event(event("session_started", session="s1", start_s=0.0))
    history.add(room_state(1.0))
    assert [kept.kind for kept in history.events] == ["session_started"]
    history.add(room_state(0.5, session="", phase="rolling"))
    assert history.events == ()
