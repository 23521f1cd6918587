"""How the room answers a marker."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from readroom import intervals
from readroom.aggregator import audience as audiences, responses as module
from readroom.aggregator.audience import Audience, Point
from readroom.aggregator.inflections import Peak, Turn
from readroom.aggregator.responses import Responses


def room(
    changes: list[float], marker_s: float = 20.0, seconds: float = 40.0, hidden: float = 0.0
) -> Audience:
    """People whose valence is 0.1 before the marker and changes by ``changes`` at it; the last
    one's face isn't readable for the first ``hidden`` seconds after it."""
    found = Audience()
    for n in range(int(seconds * 4)):
        at_s = n / 4
        for person, change in enumerate(changes, 1):
            valence: float | None = 0.1 + (change if at_s >= marker_s else 0.0)
            if person == len(changes) and marker_s <= at_s < marker_s + hidden:
                valence = None
            audiences.add(found, Point(person, at_s, valence=valence, expressiveness=0.5))
    return found


def answered(
    audience: Audience, at_s: float = 20.0, slowest_s: float = 40.0
) -> list[module.Response]:
    state = Responses()
    module.mark(state, "a", "pricing", at_s)
    return module.settle(state, audience, slowest_s, slowest_s)


def test_the_worked_example_of_the_documentation() -> None:
    (response,) = answered(room([0.2, 0.3, 0.1, 0.2]))
    valence = response.measures["valence"]
    assert valence.value == pytest.approx(0.2)
    assert (valence.low, valence.high) == pytest.approx((0.070, 0.330), abs=0.001)
    assert (valence.n, valence.coverage) == (4, 1.0)
    assert response.measures["expressiveness"].value == pytest.approx(0.0)
    assert response.measures["facing_front"].value is None


def test_many_people_are_resampled_repeatably() -> None:
    changes = [0.01 * n for n in range(12)]
    (one,), (other,) = answered(room(changes)), answered(room(changes))
    valence = one.measures["valence"]
    assert one == other
    assert (valence.low, valence.high) == pytest.approx(
        intervals.bootstrap(changes, 20_000), abs=1e-6
    )


def test_two_people_are_too_few() -> None:
    (response,) = answered(room([0.2, 0.3]))
    assert response.measures["valence"].value is None
    assert response.measures["valence"].n == 2


def test_where_nobody_turned_away_others_may() -> None:
    found = Audience()
    for n in range(160):
        for person in range(1, 13):
            audiences.add(found, Point(person, n / 4, facing_front=True))
    (response,) = answered(found)
    front = response.measures["facing_front"]
    assert (front.value, front.n) == (0.0, 12)
    assert front.low == pytest.approx(-0.14, abs=0.001)
    assert front.high == pytest.approx(0.14, abs=0.001)


def test_who_is_hidden_for_half_of_a_side_does_not_count() -> None:
    (response,) = answered(room([0.2, 0.2, 0.2, 0.9], hidden=2.5))
    assert response.measures["valence"].n == 3
    assert response.measures["valence"].value == pytest.approx(0.2)
    assert response.measures["valence"].coverage == pytest.approx(0.9375)


def test_a_marker_waits_for_its_five_seconds_and_for_late_cameras() -> None:
    audience, state = room([0.2, 0.3, 0.1]), Responses()
    assert module.mark(state, "a", "pricing", 20.0)
    assert module.settle(state, audience, 25.0, 25.0) == []
    # One camera is behind: wait, but not for ever.
    assert module.settle(state, audience, 22.0, 30.0) == []
    assert len(module.settle(state, audience, 22.0, 30.5)) == 1
    assert state.waiting == []


def test_a_marker_before_the_start_or_its_first_five_seconds_says_nothing() -> None:
    for at_s in (-3.0, 0.0, 4.9):
        (response,) = answered(room([0.2, 0.3, 0.1]), at_s=at_s)
        assert all(measure.value is None for measure in response.measures.values())


def test_markers_at_one_instant_are_all_answered_alike() -> None:
    audience, state = room([0.2, 0.3, 0.1]), Responses()
    module.mark(state, "a", "pricing", 20.0)
    module.mark(state, "b", "joke", 20.0)
    one, other = module.settle(state, audience, 40.0, 40.0)
    assert (one.label, other.label) == ("pricing", "joke")
    assert one.measures == other.measures


def test_a_marker_sent_twice_is_answered_once() -> None:
    audience, state = room([0.2, 0.3, 0.1]), Responses()
    assert module.mark(state, "a", "pricing", 20.0)
    assert not module.mark(state, "a", "pricing", 20.0)
    assert len(module.settle(state, audience, 40.0, 40.0)) == 1
    assert not module.mark(state, "a", "pricing", 20.0)
    assert not module.mark(state, "b", "pricing", math.nan)
    assert module.settle(state, audience, 41.0, 41.0) == []


def test_at_the_end_every_marker_is_answered_but_half_a_side_says_nothing() -> None:
    audience, state = room([0.2, 0.3, 0.1], seconds=24.0), Responses()
    module.mark(state, "early", "pricing", 15.0)
    module.mark(state, "late", "pricing", 20.0)
    early, late = module.finish(state, audience, 24.0)
    assert early.measures["valence"].value is not None
    assert late.measures["valence"].value is None
    assert state.waiting == []


def test_a_marker_that_comes_too_late_says_nothing() -> None:
    (response,) = answered(room([0.2, 0.3, 0.1], seconds=120.0), slowest_s=120.0)
    assert response.measures["valence"].value is None


def test_the_queue_is_bounded() -> None:
    audience, state = Audience(), Responses()
    for n in range(module.MOST_KNOWN + 10):
        module.mark(state, str(n), "x", 1000.0)
    early = module.settle(state, audience, 0.0, 0.0)
    assert len(state.waiting) == module.MOST_WAITING
    assert len(early) == module.MOST_KNOWN + 10 - module.MOST_WAITING
    assert len(state.known) == module.MOST_KNOWN


def test_a_turn_and_a_peak_are_worth_what_people_changed_by() -> None:
    audience = room([0.2, 0.3, 0.1], marker_s=30.0)
    worth = module.of_turn(audience, "valence", Turn(30.0, 36.0, "up", 0.2))
    assert worth.value == pytest.approx(0.2)
    assert worth.n == 3
    height = module.of_peak(audience, "valence", Peak(33.0, 36.0, 0.2, 0.2))
    assert height.value is not None
    assert height.value > 0.1


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.floats(-10, 60) | st.floats(allow_nan=True)),
        max_size=8,
    ),
    st.lists(st.floats(0, 70), max_size=6),
)
def test_every_marker_is_answered_exactly_once(
    marks: list[tuple[str, float]], times: list[float]
) -> None:
    audience, state, got, wanted = Audience(), Responses(), [], []
    for name, at_s in marks:
        if module.mark(state, name, "x", at_s):
            wanted.append(name)
    for at_s in sorted(times):
        got += [one.id for one in module.settle(state, audience, at_s, at_s)]
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=Responses)
    got += [one.id for one in module.finish(state, audience, 70.0)]
    assert sorted(got) == sorted(wanted)
