"""All that a session is made of comes back from the store, and what may not enter it doesn't."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from readroom.affect import affect
from readroom.aggregator.deviation import MEASUREMENTS
from readroom.aggregator.room_data import RoomData
from readroom.aggregator.rows import PLAIN_FIGURES, SessionRows
from readroom.aggregator.store import Store
from readroom.messages import (
    ACTIONS,
    EXPRESSIONS,
    LOOKS,
    MEASURES,
    PLAIN_LOOKS,
    WITHOUT_EMOTION,
    Event,
    Measure,
)
from readroom.sessions import schema
from readroom.sessions.rows import MarkerRow, MeasureRow, NoteRow, PersonRow
from readroom.sessions.timelines import StoredPerson, Timelines, whole_people
from tests.aggregator.made import START, looks
from tests.aggregator.stored import (
    a_session,
    about,
    event,
    measure,
    plain_sample,
    session,
    write,
)


def test_all_rows_come_back_as_they_were(tmp_path: Path) -> None:
    rows = a_session()
    write(tmp_path, rows)
    timelines = Timelines(tmp_path)
    found = timelines.samples("s1")
    assert len(found) == len(rows.samples)
    for got, put in zip(found, rows.samples, strict=True):
        assert got.expression == pytest.approx(put.expression, abs=0.5 / 255 + 1e-9)
        assert tuple(got.box.__getattribute__(n) for n in ("x", "y", "width", "height")) == (
            pytest.approx((put.box.x, put.box.y, put.box.width, put.box.height), rel=1e-6)
        )
        same = replace(got, expression=put.expression, box=put.box)
        assert same == put
    assert timelines.events("s1") == rows.events
    assert timelines.measures("s1") == sorted(rows.measures, key=lambda r: (r.time_s, r.name))
    assert timelines.markers("s1") == rows.markers
    assert timelines.notes("s1") == rows.notes
    assert [p.cameras for p in timelines.people("s1")] == [("front-left", "side")] * 3
    (stored,) = timelines.sessions()
    assert (stored.purpose, stored.saved_at, stored.state) == ("audience", START, "closed")


#: Session times, and figures that may be absent.
times = st.floats(0, 1e6)
figures = st.none() | st.floats(-10, 10)


@given(st.frozensets(st.sampled_from(ACTIONS)))
def test_every_set_of_actions_comes_back_from_its_bits(actions: frozenset[str]) -> None:
    assert schema.from_bits(schema.to_bits(actions)) == actions


def test_bits_of_a_later_version_are_left_out() -> None:
    assert schema.from_bits(1 << 40 | 2) == {ACTIONS[1]}


def test_valence_follows_from_what_is_stored(tmp_path: Path) -> None:
    rows = SessionRows("room", session())
    put = replace(plain_sample(1, 0.0), state="happiness", expression=looks("happiness", 0.7))
    rows.samples.append(put)
    write(tmp_path, rows)
    (got,) = Timelines(tmp_path).samples("s1")
    assert affect(got.state, got.expression) == pytest.approx(
        affect(put.state, put.expression), abs=0.01
    )


def test_a_marker_or_note_sent_twice_counts_once(tmp_path: Path) -> None:
    rows = SessionRows("room", session())
    rows.markers += [MarkerRow("m1", 2.0, "pricing"), MarkerRow("m1", 9.0, "pricing again")]
    rows.notes.append(NoteRow("n1", 2.0, "a note"))
    again = SessionRows("room", session())
    again.markers += [MarkerRow("m1", 9.0, "pricing"), MarkerRow("m2", 9.0, "pricing")]
    again.notes.append(NoteRow("n1", 5.0, "a note"))
    write(tmp_path, rows, again)
    timelines = Timelines(tmp_path)
    assert timelines.markers("s1") == [
        MarkerRow("m1", 2.0, "pricing"),
        MarkerRow("m2", 9.0, "pricing"),
    ]
    assert timelines.notes("s1") == [NoteRow("n1", 2.0, "a note")]


def test_two_sessions_may_have_markers_of_the_same_id(tmp_path: Path) -> None:
    write(tmp_path, a_session("s1"), a_session("s2"))
    assert len(Timelines(tmp_path).markers("s1")) == len(Timelines(tmp_path).markers("s2")) == 1


def test_a_title_can_change_while_the_session_runs(tmp_path: Path) -> None:
    write(tmp_path, a_session(closed=False))
    renamed = session(title="Quarterly review")
    with Store(tmp_path) as store:  # No rows: only the room's state says so.
        store.commit([], RoomData(room="room", session=renamed), START)
    assert Timelines(tmp_path).sessions()[0].title == "Quarterly review"
    ended = SessionRows("room", session(title="The end"), purpose="audience")
    ended.notes.append(NoteRow("n2", 1.0, "a note"))
    write(tmp_path, ended)
    assert Timelines(tmp_path).sessions()[0].title == "The end"


def test_who_was_merged_into_whom_is_kept_and_can_be_taken_back(tmp_path: Path) -> None:
    first = SessionRows("room", session())
    first.people += [
        PersonRow(1, 1, "front", 0.0, None, ("front", "side")),
        PersonRow(2, 2, "side", 1.0, 4.0, ("side",), merged_into=1),
    ]
    write(tmp_path, first)
    timelines = Timelines(tmp_path)
    assert [p.merged_into for p in timelines.people("s1")] == [None, 1]
    assert whole_people(timelines.people("s1")) == {1: 1, 2: 1}
    split = SessionRows("room", session(), people=[PersonRow(2, 2, "side", 1.0)])
    write(tmp_path, split)
    assert whole_people(timelines.people("s1")) == {1: 1, 2: 2}


def test_merges_one_after_the_other_are_one_person_and_circles_end() -> None:
    def person(number: int, into: int | None) -> StoredPerson:
        return StoredPerson(
            number, number, f"P{number}", "front", 0.0, None, ("front",), into, None
        )

    assert whole_people([person(1, None), person(2, 1), person(3, 2)]) == {1: 1, 2: 1, 3: 1}
    assert set(whole_people([person(1, 2), person(2, 1)])) == {1, 2}


def test_every_field_of_an_event_comes_back(tmp_path: Path) -> None:
    rows = SessionRows("room", session())
    rows.events += [
        about(1, "person_entered", 0.0, 0.0, slot=4, camera="front"),
        about(1, "state_ended", 8.0, 10.2, "happiness", slot=4, confidence=0.8),
        about(2, "person_entered", 10.0, 10.0, slot=4),  # Somebody else in the same slot.
        about(2, "deviation", 11.0, 12.0, "pitch", slot=4, figure="pitch", measure=measure(-6.5)),
        about(2, "merged", 13.0, 13.0, "P5", slot=4, other=3),
        event("peak", 13.0, 14.0, state="valence", figure="valence", measure=measure()),
        event("response", 2.0, 7.0, state="a slide", figure="facing_front",
              measure=Measure(value=None, n=2, coverage=0.3, p=0.5)),
        event("camera", 14.0, 14.0, camera="front", state="retrying"),
    ]  # fmt: skip
    write(tmp_path, rows)
    assert Timelines(tmp_path).events("s1") == rows.events


@given(
    st.builds(
        Event,
        room=st.just("room"),
        session=st.just("s1"),
        kind=st.text(max_size=8),
        start_s=times,
        end_s=times,
        slot=st.none() | st.integers(1, 32),
        camera=st.none() | st.text(max_size=8),
        state=st.none() | st.text(max_size=8),
        confidence=st.floats(0, 1),
        measure=st.none()
        | st.builds(
            Measure,
            value=figures,
            low=figures,
            high=figures,
            n=st.integers(0, 32),
            coverage=st.floats(0, 1),
            p=figures,
        ),
        figure=st.none() | st.text(max_size=8),
        person=st.none() | st.integers(1, 10_000),
        other=st.none() | st.integers(1, 10_000),
    )
)
def test_an_event_is_what_its_columns_say(put: Event) -> None:
    assert schema.event_of("room", "s1", schema.event_values(7, put)[1:]) == put


def test_a_measure_of_too_little_is_kept_with_what_it_rests_on(tmp_path: Path) -> None:
    nothing = Measure(value=None, n=1, coverage=0.2)
    rows = SessionRows("room", session(), measures=[MeasureRow(1.0, "valence", nothing)])
    write(tmp_path, rows)
    assert Timelines(tmp_path).measures("s1") == [MeasureRow(1.0, "valence", nothing)]


def test_what_a_session_has_got_since_is_added() -> None:
    first, second = a_session(), a_session()
    both = a_session()
    both.add(second)
    for name in ("people", "samples", "events", "measures", "markers", "notes"):
        assert getattr(both, name) == getattr(first, name) + getattr(second, name)
    assert SessionRows("room", session()).empty
    assert not both.empty


# -- purposes without emotion ---------------------------------------------------------------------

EMOTIONAL = {
    "expression": SessionRows("room", session(), samples=[
        replace(plain_sample(1, 0.0), expression=looks("neutral"))]),
    "state": SessionRows("room", session(), samples=[
        replace(plain_sample(1, 0.0), state="happiness")]),
    "uncertain": SessionRows("room", session(), samples=[
        replace(plain_sample(1, 0.0), state="uncertain")]),
    "look": SessionRows("room", session(), samples=[
        replace(plain_sample(1, 0.0), look="displeased")]),
    "measure": SessionRows("room", session(), measures=[
        MeasureRow(0.0, "expressiveness", measure())]),
    "measure by name only": SessionRows("room", session(), measures=[
        MeasureRow(0.0, "valence", Measure(value=None))]),
    "synchrony": SessionRows("room", session(), measures=[
        MeasureRow(0.0, "synchrony", measure())]),
    "a measure that doesn't say of what": SessionRows("room", session(), events=[
        event("response", 0, 1, state="pricing slide", measure=measure())]),
} | {
    f"response in {figure}": SessionRows("room", session(), events=[
        event("response", 0, 1, state="pricing slide", figure=figure, measure=measure())])
    for figure in (*MEASURES[:2], "arousal")
} | {
    f"{kind} of {figure}": SessionRows("room", session(), events=[
        about(1, kind, 0, 1, figure, figure=figure, measure=measure())])
    for kind, figure in (
        *(("deviation", name) for name in MEASUREMENTS if name not in PLAIN_FIGURES),
        ("deviation", "something_new"), ("peak", "valence"), ("inflection", "expressiveness"))
} | {
    f"{kind} of {state}": SessionRows("room", session(), events=[about(1, kind, 0, 1, state)])
    for kind, state in (
        *(("state_ended", name) for name in (*EXPRESSIONS, "uncertain")),
        *(("look_ended", name) for name in LOOKS if name not in PLAIN_LOOKS))
}  # fmt: skip


def test_every_measurement_is_known_to_be_plain_or_not() -> None:
    """The store's list and what is measured agree: 8 expressions and valence aren't plain."""
    assert {name for name in MEASUREMENTS if name in PLAIN_FIGURES} == {"pitch", "yaw", "movement"}
    assert {name for name in MEASURES if name in PLAIN_FIGURES} == {"facing_front"}


@pytest.mark.parametrize("purpose", sorted(WITHOUT_EMOTION))
@pytest.mark.parametrize("what", EMOTIONAL)
def test_no_emotion_enters_the_store_where_none_may_be_inferred(
    what: str, purpose: str, tmp_path: Path
) -> None:
    rows = replace(EMOTIONAL[what], purpose=purpose)
    before = a_session("before")
    with Store(tmp_path) as store:
        data = RoomData(room="room", session=rows.session)
        with pytest.raises(RuntimeError, match=f"purpose {purpose}: no emotion"):
            store.commit([before, rows], data, START)
        # Nothing of that commit is there, and the store still works.
        assert Timelines(tmp_path).sessions() == []
        store.commit([replace(rows, purpose="audience")], data, START)


def test_presence_and_visible_actions_enter_it(tmp_path: Path) -> None:
    rows = SessionRows("room", session(), purpose="workplace")
    visible = frozenset({"hand_raised", "facing_front"})
    rows.samples.append(replace(plain_sample(1, 0.0), actions=visible, measured=visible))
    rows.samples.append(replace(plain_sample(1, 1.0), look="turned_away"))
    rows.events += [
        event("action_ended", 0, 1, state="smiling"),
        event("look_ended", 0, 1, state="turned_away"),
        event("state_ended", 0, 1, state="not_visible"),
        event("response", 2, 7, state="happiness slide", figure="facing_front", measure=measure()),
        about(1, "deviation", 2, 7, "yaw", figure="yaw", measure=measure(5.0)),
        event("marker", 2, 2, state="happiness slide"),
        about(1, "merged", 3, 3, "P2", other=2),
    ]
    rows.measures.append(MeasureRow(0.0, "facing_front", measure()))
    write(tmp_path, rows)
    assert Timelines(tmp_path).samples("s1")[0].actions == visible
    assert Timelines(tmp_path).events("s1") == rows.events


def test_a_session_keeps_the_purpose_that_it_was_begun_for(tmp_path: Path) -> None:
    rows = SessionRows("room", session(), purpose="workplace")
    rows.samples.append(plain_sample(1, 0.0))
    write(tmp_path, rows)
    with pytest.raises(RuntimeError, match="begun for workplace, not for audience"):
        write(tmp_path, replace(rows, purpose="audience"))
    assert Timelines(tmp_path).sessions()[0].purpose == "workplace"


def test_a_closed_session_that_was_erased_does_not_come_back(tmp_path: Path) -> None:
    closed = session(closed=True)
    with Store(tmp_path) as store:
        store.commit([], RoomData(room="room", session=closed), START)
    assert Timelines(tmp_path).sessions() == []


def test_what_somebody_is_called_comes_back(tmp_path: Path) -> None:
    rows = a_session()
    rows.people = [replace(person, name="Ada") for person in rows.people]
    write(tmp_path, rows)
    assert {person.name for person in Timelines(tmp_path).people(rows.session.id)} == {"Ada"}
