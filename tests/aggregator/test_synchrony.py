"""Synchrony of series whose synchrony is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from readroom.aggregator import synchrony as module
from readroom.aggregator.synchrony import MIN_OVERLAP_S, synchrony
from tests.aggregator.simulated import Rows, shared, shared_truth

values = st.none() | st.floats(-1, 1) | st.just(float("nan"))


def test_independent_people_are_inside_the_chance_in_about_95_percent() -> None:
    draw, runs = np.random.default_rng(3), 100
    found = [synchrony(shared(draw, 6, 0.0), seed) for seed in range(runs)]
    unlikely = sum((one.p or 0.0) <= 0.05 for one in found)
    # Of 100 runs at 5 %, 12 or more happen in less than half a percent.
    assert unlikely < 12
    around = sum((one.low or 0) <= 0 <= (one.high or 0) for one in found)
    assert around >= 93
    assert abs(np.mean([one.value or 0.0 for one in found])) < 0.05


def test_what_people_share_is_found_and_its_size_is_right() -> None:
    draw, runs = np.random.default_rng(4), 40
    found = [synchrony(shared(draw, 8, 0.7), seed) for seed in range(runs)]
    truth = shared_truth(8, 0.7)
    assert sum((one.p or 1.0) <= 0.05 for one in found) >= 38
    assert np.mean([one.value or 0.0 for one in found]) == pytest.approx(truth, abs=0.05)
    held = sum((one.low or 0) <= truth <= (one.high or 0) for one in found)
    assert held >= 34


def test_the_value_is_the_mean_correlation_with_the_others() -> None:
    draw = np.random.default_rng(5)
    rows = shared(draw, 4, 0.6)
    time = np.arange(60.0)
    x = np.array(rows, dtype=float)
    x = np.array([row - np.polyval(np.polyfit(time, row, 1), time) for row in x])
    x /= x.std(axis=1, keepdims=True)
    r = [np.corrcoef(x[i], np.delete(x, i, axis=0).mean(axis=0))[0, 1] for i in range(4)]
    wanted = np.tanh(np.mean(np.arctanh(r)))
    assert synchrony(rows, 1).value == pytest.approx(wanted, abs=1e-9)


def test_two_people_and_a_short_time_are_too_little() -> None:
    rows = shared(np.random.default_rng(1), 3, 0.9)
    assert synchrony(rows[:2], 1).value is None
    short = [row[: MIN_OVERLAP_S - 1] for row in rows]
    assert synchrony(short, 1).value is None
    assert synchrony([row[:MIN_OVERLAP_S] for row in rows], 1).value is not None
    assert synchrony([], 1).n == 0
    assert synchrony([[], [], []], 1).n == 0


def test_who_is_missing_for_most_of_the_minute_does_not_count() -> None:
    rows = shared(np.random.default_rng(1), 4, 0.9)
    rows[3][:40] = [None] * 40
    found = synchrony(rows, 1)
    assert found.n == 3
    assert found.value == pytest.approx(synchrony(rows[:3], 1).value or 0, abs=0.1)


def test_gaps_lower_the_coverage_and_hardly_the_value() -> None:
    draw = np.random.default_rng(2)
    rows = shared(draw, 8, 0.8)
    gaps: Rows = [[None if draw.random() < 0.2 else value for value in row] for row in rows]
    whole, holed = synchrony(rows, 1), synchrony(gaps, 1)
    assert holed.coverage == pytest.approx(0.8, abs=0.05)
    assert holed.value == pytest.approx(whole.value or 0.0, abs=0.1)


def test_nobody_moving_says_nothing_and_one_still_face_counts_as_not_with_them() -> None:
    assert synchrony([[0.3] * 60] * 5, 1).value is None
    rows = shared(np.random.default_rng(6), 4, 0.9)
    with_statue = synchrony([*rows, [0.2] * 60], 1)
    assert with_statue.n == 5
    assert (with_statue.value or 0) < (synchrony(rows, 1).value or 0)


def test_one_common_drift_is_no_synchrony() -> None:
    draw = np.random.default_rng(8)
    own = np.array(shared(draw, 6, 0.0), dtype=float)
    drifting: Rows = (own + np.linspace(0, 1, 60)).tolist()
    assert (synchrony(drifting, 1).p or 0) > 0.05


@settings(max_examples=25)
@given(st.lists(st.lists(values, min_size=35, max_size=35), max_size=5))
def test_any_series_give_a_value_in_range_or_none(rows: Rows) -> None:
    found = synchrony(rows, 1)
    assert 0 <= found.coverage <= 1
    if found.value is None:
        assert found.p is None
        return
    assert found.low is not None
    assert found.high is not None
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert 0 < (found.p or 0) <= 1
    assert found == synchrony(rows, 1)


def test_a_full_room_takes_no_more_memory_than_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = shared(np.random.default_rng(9), 10, 0.5)
    sizes: list[int] = []
    original = module._correlation

    def watched(values: module.Floats, known: module.Bools) -> module.Floats:
        sizes.append(values.size)
        return original(values, known)

    monkeypatch.setattr(module, "_correlation", watched)
    synchrony(rows, 1)
    assert max(sizes) <= 100_000
