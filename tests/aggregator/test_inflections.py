"""Turns and peaks: planted ones are found, and a room in which nothing happens is left alone."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from readroom.aggregator import inflections
from readroom.aggregator.inflections import Cusum, Peaks
from tests.aggregator.simulated import peaks, room, turned, turns

levels = st.none() | st.floats(-1, 1) | st.floats(allow_nan=True, allow_infinity=True)


def bump(level: list[float], at: int, by: float) -> list[float]:
    """The same with a height of ``by`` around second ``at``, ten seconds wide."""
    return [v + by * math.exp(-(((n - at) / 4) ** 2)) for n, v in enumerate(level)]


@pytest.mark.parametrize("phi", [0.5, 0.8])
def test_a_room_in_which_nothing_happens_is_left_alone(phi: float) -> None:
    draw = np.random.default_rng(21)
    hours = [room(draw, 3600, phi) for _ in range(2)]
    assert sum(len(turns(hour)) for hour in hours) <= 2
    assert sum(len(peaks(hour)) for hour in hours) <= 3


@pytest.mark.parametrize("by", [0.25, -0.25])
def test_a_planted_turn_is_found_within_ten_seconds_where_it_was(by: float) -> None:
    draw, found, off_s, off = np.random.default_rng(22), 0, [], []
    for _ in range(10):
        after = [one for one in turns(turned(room(draw, 330, 0.8), 300, by)) if one.at_s > 300]
        if after and after[0].at_s <= 310 and after[0].direction == ("up" if by > 0 else "down"):
            found += 1
            off_s.append(abs(after[0].start_s - 300))
            off.append(abs(after[0].size - by))
    assert found >= 9
    # Where chance had begun the sum already, the start is put too early: most aren't.
    assert sorted(off_s)[7] <= 6
    assert float(np.median(off)) <= 0.12


def test_a_turn_is_said_once_and_the_way_back_is_another() -> None:
    level = turned(turned([0.0, 0.02] * 200, 150, 0.3), 250, -0.3)
    found = turns(level)
    assert [one.direction for one in found] == ["up", "down"]
    assert found[0].start_s == pytest.approx(149, abs=2)
    assert found[0].size == pytest.approx(0.3, abs=0.12)


def test_nothing_is_said_while_it_is_still_learning() -> None:
    assert turns(turned([0.0, 0.02] * 14, 20, 0.5)) == []


def test_a_change_too_small_to_see_is_none() -> None:
    assert turns([0.2] * 100 + [0.203] * 100) == []
    assert peaks([0.2] * 100 + [0.25] * 5 + [0.2] * 100) == []


def test_one_second_of_garbage_is_no_turn() -> None:
    level = [0.0, 0.02] * 150
    level[200] = 0.9
    assert turns(level) == []


def test_a_planted_peak_is_found_at_its_height() -> None:
    draw, found = np.random.default_rng(23), 0
    for _ in range(10):
        near = [p for p in peaks(bump(room(draw, 400, 0.8), 300, 0.7)) if 295 <= p.peak_s <= 306]
        found += bool(near)
        assert all(one.at_s > one.peak_s and one.height > 0.3 for one in near)
    assert found >= 8


def test_a_rise_that_stays_is_no_peak() -> None:
    assert peaks([0.0] * 100 + [0.5] * 100) == []


def test_after_a_loss_of_sight_it_begins_anew() -> None:
    cusum, state = Cusum(), Peaks()
    for n in range(100):
        inflections.turn(cusum, n + 1.0, 0.0)
        inflections.peak(state, n + 1.0, 0.0)
    for n in range(200, 229):
        assert inflections.turn(cusum, n + 1.0, 0.8) is None
        assert inflections.peak(state, n + 1.0, 0.8) is None
    assert cusum.seen == 29
    assert len(state.levels) == 29


def test_times_that_stand_still_or_go_back_change_nothing() -> None:
    cusum, state = Cusum(), Peaks()
    inflections.turn(cusum, 5.0, 0.1)
    inflections.peak(state, 5.0, 0.1)
    before = msgspec.structs.asdict(cusum), msgspec.structs.asdict(state)
    for at_s in (5.0, 4.0, math.nan, math.inf):
        assert inflections.turn(cusum, at_s, 0.9) is None
        assert inflections.peak(state, at_s, 0.9) is None
    assert (msgspec.structs.asdict(cusum), msgspec.structs.asdict(state)) == before


@settings(max_examples=60)
@given(st.lists(levels, max_size=150))
def test_whatever_comes_the_state_is_bounded_and_survives_a_checkpoint(
    given_levels: list[float | None],
) -> None:
    cusum, state, last_s = Cusum(), Peaks(), -math.inf
    for n, level in enumerate(given_levels):
        turn = inflections.turn(cusum, n + 1.0, level)
        inflections.peak(state, n + 1.0, level)
        if turn is not None:
            assert turn.start_s <= turn.at_s
            assert turn.at_s - last_s > inflections.REFRACTORY_S
            last_s = turn.at_s
        # Half way through it is taken up from a checkpoint.
        if n == 50:
            cusum = msgspec.msgpack.decode(msgspec.msgpack.encode(cusum), type=Cusum)
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=Peaks)
    assert len(state.levels) <= inflections.MEDIAN_S
