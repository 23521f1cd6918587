from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from readroom.ingest.demo.script import (
    CAMERAS,
    DEFAULT,
    EXPRESSION_CHANGE_S,
    LOOP_S,
    TURN_CHANGE_S,
    VARIANTS,
    WALK_S,
    PersonScript,
    moment,
    reliable_segments,
    segments,
    truth,
)

#: The FER+ nouns.
EXPRESSIONS = {
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
}

people = st.sampled_from([person.name for person in DEFAULT.people])
times = st.floats(min_value=0.0, max_value=3 * LOOP_S)


def cue_lists(person: PersonScript) -> list[tuple[list[float], float]]:
    return [
        ([cue.start_s for cue in person.expressions], EXPRESSION_CHANGE_S),
        ([cue.start_s for cue in person.presence], WALK_S),
        ([cue.start_s for cue in person.turns], TURN_CHANGE_S),
    ]


@pytest.mark.parametrize("person", DEFAULT.people, ids=lambda person: person.name)
def test_cues_are_sorted_start_at_zero_and_leave_time_for_each_change(
    person: PersonScript,
) -> None:
    for starts, change_s in cue_lists(person):
        assert starts[0] == 0.0
        gaps = [
            later - earlier for earlier, later in zip(starts, [*starts[1:], LOOP_S], strict=True)
        ]
        assert min(gaps) >= change_s


@pytest.mark.parametrize("person", DEFAULT.people, ids=lambda person: person.name)
def test_segments_cover_the_loop_without_gaps(person: PersonScript) -> None:
    parts = segments(person, LOOP_S)
    assert parts[0][1] == 0.0
    assert parts[-1][2] == LOOP_S
    assert all(first[2] == second[1] for first, second in pairwise(parts))
    assert {cue.expression for cue, _, _ in parts} <= EXPRESSIONS


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_segment_counts_as_read_exactly_where_it_was_measured_at_seven_tenths(
    variant: str,
) -> None:
    for cue in (cue for person in VARIANTS[variant].people for cue in person.expressions):
        assert cue.read_as == (cue.expression if cue.read_p >= 0.7 else None)


def test_by_default_everybody_is_seen_by_exactly_one_camera() -> None:
    seen = [seat.person for view in DEFAULT.views for seat in view.seats]
    assert sorted(seen) == sorted(person.name for person in DEFAULT.people)


def test_in_the_overlap_both_cameras_see_the_same_people_from_different_sides() -> None:
    left, right = (VARIANTS["overlap"].view(camera).seats for camera in CAMERAS)
    assert {seat.person for seat in left} == {seat.person for seat in right}
    assert all(
        one.yaw_offset_deg != other.yaw_offset_deg
        for one in left
        for other in right
        if one.person == other.person
    )


def test_only_the_look_alike_is_left_out_of_identity_tests() -> None:
    assert [person.name for person in DEFAULT.people if person.look_alike] == ["blend"]


def test_everybody_leaves_and_returns_and_turns_both_ways() -> None:
    for person in DEFAULT.people:
        assert [cue.present for cue in person.presence] == [True, False, True]
        assert min(cue.yaw_deg for cue in person.turns) < -20
        assert max(cue.yaw_deg for cue in person.turns) > 20


@pytest.mark.parametrize("variant", VARIANTS)
def test_within_a_reliable_segment_the_truth_is_what_the_segment_says(variant: str) -> None:
    for segment in reliable_segments(variant):
        assert segment.camera in CAMERAS
        for share in (0.0, 0.3, 0.7, 1.0):
            t_s = segment.start_s + share * (segment.end_s - segment.start_s)
            assert truth(segment.person, t_s, variant).read_as == segment.read_as


def test_the_promised_states_are_reliable() -> None:
    found = {(segment.person, segment.read_as) for segment in reliable_segments()}
    assert found >= {
        ("grace", "neutral"),
        ("grace", "surprise"),
        ("eileen", "neutral"),
        ("eileen", "happiness"),
        ("eileen", "surprise"),
        ("eileen", "sadness"),
        ("blend", "happiness"),
    }


@given(people, times)
def test_the_truth_repeats_after_the_loop(person: str, t_s: float) -> None:
    now, later = truth(person, t_s), truth(person, t_s + LOOP_S)
    # Rounding may put a time that lies on a cue to either side of it.
    if now.expression == later.expression and now.readable == later.readable:
        assert now.yaw_deg == pytest.approx(later.yaw_deg, abs=1e-3)
        assert now.present == later.present


@given(people, times)
def test_only_a_readable_face_has_a_reading(person: str, t_s: float) -> None:
    now = truth(person, t_s)
    assert now.read_as is None or (now.readable and now.read_as == now.expression)
    assert not now.readable or now.present


@given(people, times)
def test_nobody_jumps(person: str, t_s: float) -> None:
    now, soon = moment(DEFAULT, person, t_s), moment(DEFAULT, person, t_s + 0.01)
    assert abs(now.yaw_deg - soon.yaw_deg) < 1.0
    assert abs(now.here - soon.here) < 0.02
    assert abs(now.sway.shift_ratio - soon.sway.shift_ratio) < 0.01
    if now.expression == soon.expression:
        assert abs(now.amount - soon.amount) < 0.06
    else:
        assert max(now.amount, soon.amount) < 0.02


def test_an_unknown_name_is_answered_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"unknown person 'bob': choose one of grace, eileen"):
        truth("bob", 0.0)
    with pytest.raises(ValueError, match=r"unknown variant 'x': choose one of default, overlap"):
        truth("grace", 0.0, "x")
