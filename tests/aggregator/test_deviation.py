"""Subtle changes: unlike the person's own last minute."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from readroom.aggregator import deviation as deviations
from readroom.aggregator.deviation import Deviated, Deviation, Values
from tests.aggregator.made import looks
from tests.aggregator.simulated import deviations as all_deviations, person

numbers = st.none() | st.floats(-50, 50) | st.floats(allow_nan=True, allow_infinity=True)


def usual(n: int) -> Values:
    """Somebody who hardly moves."""
    return Values(
        expression=looks("neutral", 0.9 + 0.01 * (n % 3)),
        valence=0.01 * (n % 3),
        pitch_deg=float(n % 4),
        yaw_deg=float(n % 5),
        movement=0.02 * (n % 3),
    )


#: The brow comes down a little: anger at a third, head a little lower. No state has that.
SUBTLE = Values(
    expression=(0.53, 0.01, 0.01, 0.08, 0.31, 0.03, 0.015, 0.015),
    valence=-0.2,
    pitch_deg=-15.0,
    yaw_deg=2.0,
    movement=0.02,
)


def play(
    moments: list[Values], named: tuple[int, ...] = (), state: Deviation | None = None
) -> list[Deviated]:
    """One moment every half second; ``named`` are the places at which something is named."""
    state = state or deviations.begin()
    found = [deviations.step(state, one, n / 2, named=n in named) for n, one in enumerate(moments)]
    return [one for one in (*found, deviations.finish(state)) if one is not None]


CHANGED = [usual(n) for n in range(100)] + [SUBTLE] * 12 + [usual(n) for n in range(60)]


def test_a_subtle_change_is_found_from_when_to_when_and_what_most() -> None:
    (found,) = play(CHANGED)
    assert found.start_s == pytest.approx(50.0, abs=1)
    assert found.end_s == pytest.approx(56.0, abs=1.5)
    assert found.measurement == "anger"
    assert found.z > deviations.ENTER
    assert found.strength >= deviations.ENTER


@pytest.mark.parametrize("named", [99, 101, 104])
def test_what_a_state_or_action_names_is_no_deviation(named: int) -> None:
    assert play(CHANGED, named=(named,)) == []


def test_what_is_named_stays_explained_while_it_lasts() -> None:
    long = [usual(n) for n in range(100)] + [SUBTLE] * 30 + [usual(n) for n in range(40)]
    assert play(long, named=(101,)) == []


def test_a_name_long_after_ends_it() -> None:
    long = [usual(n) for n in range(100)] + [SUBTLE] * 30 + [usual(n) for n in range(40)]
    (found,) = play(long, named=(118,))
    assert found.end_s <= 59


def test_without_twenty_seconds_of_history_nothing_is_said() -> None:
    assert play([usual(n) for n in range(30)] + [SUBTLE] * 10) == []


def test_after_one_deviation_there_is_quiet() -> None:
    twice = CHANGED[:120] + [SUBTLE] * 8 + [usual(n) for n in range(60)]
    assert len(play(twice)) == 1


def test_without_expressions_head_and_movement_are_left() -> None:
    blind = [
        Values(pitch_deg=one.pitch_deg, yaw_deg=one.yaw_deg, movement=one.movement)
        for one in CHANGED
    ]
    assert {one.measurement for one in play(blind)} <= {"pitch", "yaw", "movement"}
    turned = blind[:100] + [Values(pitch_deg=-35.0, yaw_deg=30.0, movement=0.8)] * 10 + blind[:30]
    (found,) = play(turned)
    assert found.measurement in ("pitch", "yaw", "movement")


def test_a_face_that_is_lost_ends_what_went_on_where_it_was_seen_last() -> None:
    lost = [usual(n) for n in range(100)] + [SUBTLE] * 8 + [Values()] * 80
    (found,) = play(lost)
    assert found.end_s <= 55


def test_people_who_only_scatter_are_left_alone() -> None:
    draw = np.random.default_rng(31)
    # Two hours; the documentation has the rate over many.
    assert sum(len(all_deviations(person(draw, 3600, 0.8))) for _ in range(2)) <= 2


def test_times_that_stand_still_or_go_back_change_nothing() -> None:
    state = deviations.begin()
    deviations.step(state, usual(0), 5.0, named=False)
    before = msgspec.msgpack.encode(state)
    for at_s in (5.0, 4.0, math.nan, math.inf, -math.inf):
        assert deviations.step(state, SUBTLE, at_s, named=False) is None
    assert msgspec.msgpack.encode(state) == before


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.builds(
                Values,
                expression=st.none() | st.sampled_from([looks("anger"), looks("neutral")]),
                valence=numbers,
                pitch_deg=numbers,
                yaw_deg=numbers,
                movement=numbers,
            ),
            st.floats(0, 3),
            st.booleans(),
        ),
        max_size=80,
    )
)
def test_whatever_comes_deviations_follow_each_other_and_the_state_survives(
    steps: list[tuple[Values, float, bool]],
) -> None:
    state, at_s, last_s = deviations.begin(), 0.0, -math.inf
    for values, step_s, named in steps:
        at_s += step_s
        found = deviations.step(state, values, at_s, named=named)
        if found is not None:
            assert last_s < found.start_s < found.end_s <= at_s
            last_s = found.end_s
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=Deviation)
    assert len(state.seconds.seen) == deviations.WINDOW_S + deviations.RECENT_S


def test_more_than_one_person_minute_is_never_kept() -> None:
    state = deviations.begin()
    for n in range(200):
        deviations.step(state, usual(n), n / 2, named=False)
    assert len(msgspec.msgpack.encode(state)) < 3000
