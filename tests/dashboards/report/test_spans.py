from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from readroom.dashboards.report.curve import MOST_POINTS, thinned
from readroom.dashboards.report.spans import Span, Track, binned, lasting, painted, spans, totals


def track(time_s: NDArray[np.float64], state: NDArray[np.int64], step_s: float = 0.25) -> Track:
    nothing, unknown = np.zeros(len(time_s), np.int64), np.full(len(time_s), np.nan)
    return Track(
        time_s, lasting(time_s, step_s), state, nothing, unknown, unknown, unknown, nothing, nothing
    )


def test_a_point_speaks_until_the_next_and_a_gap_counts_for_nothing() -> None:
    time_s = np.array([0.0, 0.25, 0.5, 10.0, 10.25])
    assert lasting(time_s, 0.25).tolist() == [0.25, 0.25, 0.25, 0.25, 0.25]
    # A camera that slowed down for a moment is no gap.
    assert lasting(np.array([0.0, 1.4]), 0.25).tolist() == [1.4, 0.25]
    # Nor is a slow sampling.
    assert lasting(np.array([0.0, 2.0, 4.0]), 2.0).tolist() == [2.0, 2.0, 2.0]
    assert lasting(np.zeros(0), 0.25).tolist() == []


def test_runs_end_at_a_change_and_at_a_gap() -> None:
    time_s = np.array([0.0, 0.25, 0.5, 0.75, 10.0])
    states = np.array([1, 1, 2, 2, 2])
    found = track(time_s, states)
    assert spans(found, states) == [Span(0.0, 0.5, 1), Span(0.5, 1.0, 2), Span(10.0, 10.25, 2)]
    assert totals(states, found.lasts_s, 4).tolist() == [0.0, 0.5, 0.75, 0.0]
    empty = track(np.zeros(0), np.zeros(0, np.int64))
    assert spans(empty, empty.state) == []
    assert painted(empty, empty.state, 0.0, 10) == []


def test_a_long_session_is_painted_by_what_lasted_longest_in_each_column() -> None:
    time_s = np.arange(0, 1000, 0.25)
    states = np.where(time_s % 100 < 60, 1, 2)
    states[time_s < 3] = 2
    gap = (time_s >= 300) & (time_s < 500)
    found = track(time_s[~gap], states[~gap])
    shown = painted(found, found.state, 1000.0, 10)
    # Columns of 100 s: each is mostly 1, except those in the gap.
    assert shown == [Span(0.0, 300.0, 1), Span(500.0, 1000.0, 1)]
    assert len(painted(found, found.state, 1000.0, 100)) == 16


def test_half_seconds_are_means_of_what_is_known_in_them() -> None:
    found = track(np.array([0.0, 0.25, 0.6, 1.1, 5.0]), np.zeros(5, np.int64))
    figure = np.array([1.0, 3.0, np.nan, 4.0, 9.0])
    assert binned(found, figure, 4)[[0, 2]].tolist() == [2.0, 4.0]
    assert np.isnan(binned(found, figure, 4)[[1, 3]]).all()


@pytest.mark.parametrize("seconds", [30, 3600, 20_000])
def test_a_curve_has_at_most_so_many_points_and_keeps_its_gaps(seconds: int) -> None:
    time_s = np.arange(seconds, dtype=np.float64)
    value = np.where((time_s > seconds / 3) & (time_s < seconds / 2), np.nan, 0.5)
    table = np.column_stack([time_s, value, value - 0.1, value + 0.1])
    at_s, mean, low, high = thinned(table, float(seconds))
    assert len(at_s) <= MOST_POINTS
    inside = (at_s > seconds / 3 + 20) & (at_s < seconds / 2 - 20)
    assert np.isnan(mean[inside]).all()
    known = np.isfinite(mean)
    assert mean[known] == pytest.approx(0.5)
    assert (high[known] - low[known]) == pytest.approx(0.2)
