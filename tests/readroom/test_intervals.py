"""Intervals of a few people hold the truth about as often as they claim."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from readroom import intervals
from tests.aggregator.simulated import bootstrap_covers, paired_covers, student_covers


def test_students_interval_is_the_textbooks() -> None:
    found = intervals.student([1.0, 2.0, 4.0])
    wanted = stats.t.interval(0.95, 2, loc=7 / 3, scale=stats.sem([1, 2, 4]))
    assert found == pytest.approx(wanted)
    assert intervals.student([1.0]) is None


def test_wilsons_interval_is_the_textbooks() -> None:
    wanted = stats.binomtest(3, 12).proportion_ci(0.95, "wilson")
    assert intervals.wilson(0.25, 12) == pytest.approx((wanted.low, wanted.high), abs=1e-6)
    low, high = intervals.wilson(0.0, 5)
    assert low == pytest.approx(0, abs=1e-9)
    assert 0 < high < 1


@given(st.floats(0, 1), st.integers(1, 50))
def test_wilsons_interval_holds_the_share(share: float, n: int) -> None:
    low, high = intervals.wilson(share, n)
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1


def test_matched_shares_are_the_published_interval() -> None:
    # Agresti & Min: of 6 people, 3 began and 1 stopped; half a person is added to each cell.
    low, high = intervals.paired_shares([1.0, 1.0, 1.0, -1.0, 0.0, 0.0])
    began, stopped, n = 3.5, 1.5, 8
    centre = (began - stopped) / n
    half = 1.959964 * ((began + stopped) - (began - stopped) ** 2 / n) ** 0.5 / n
    assert (low, high) == pytest.approx((centre - half, centre + half))


def test_that_nobody_changed_is_not_certain_of_anybody_else() -> None:
    low, high = intervals.paired_shares([0.0] * 3)
    assert low == pytest.approx(-0.392, abs=0.001)
    assert high == pytest.approx(0.392, abs=0.001)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=40))
def test_matched_shares_hold_their_mean(changes: list[float]) -> None:
    low, high = intervals.paired_shares(changes)
    assert low <= sum(changes) / len(changes) <= high


@pytest.mark.parametrize("n", [3, 8, 12])
def test_matched_shares_cover(n: int) -> None:
    assert paired_covers(np.random.default_rng(n), n, 2000, part=0.1) >= 0.95
    assert paired_covers(np.random.default_rng(n), n, 2000, part=0.5) >= 0.9


@pytest.mark.parametrize("n", [2, 5, 12])
def test_students_interval_covers(n: int) -> None:
    assert student_covers(np.random.default_rng(1), n, 1000, skewed=False) >= 0.93
    assert student_covers(np.random.default_rng(2), n, 1000, skewed=True) >= 0.88


def test_the_bootstrap_covers_where_it_is_used_and_better_than_plain_percentiles() -> None:
    ours = bootstrap_covers(np.random.default_rng(3), 8, 300, skewed=False)
    plain = bootstrap_covers(np.random.default_rng(3), 8, 300, skewed=False, plain=True)
    assert ours >= 0.91
    assert ours > plain


def test_the_bootstrap_is_repeatable_and_leaves_small_rooms_to_student() -> None:
    values = [0.1, 0.5, -0.2, 0.3, 0.0, 0.9, -0.4, 0.2]
    assert intervals.bootstrap(values, 5) == intervals.bootstrap(values, 5)
    assert intervals.bootstrap(values, 5) != intervals.bootstrap(values, 6)
    assert intervals.bootstrap(values[:3], 5) == intervals.student(values[:3])
    assert intervals.bootstrap([0.1], 5) is None
