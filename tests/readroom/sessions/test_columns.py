"""Timelines in steps: what stands for the points of a step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from readroom.affect import affect
from readroom.messages import EXPRESSIONS, STATES, UNCERTAIN
from readroom.sessions.arrays import points_of
from readroom.sessions.columns import Columns, columns, in_steps

#: A point as a row of schema.SAMPLE_COLUMNS, without person, box and camera.
ROWS = st.lists(
    st.tuples(
        st.integers(0, 400).map(lambda tick: tick / 4),
        st.integers(0, len(STATES) - 1),
        st.floats(0, 1),
        st.none() | st.lists(st.integers(0, 255), min_size=8, max_size=8).map(bytes),
        st.floats(0, 1),
        st.integers(0, 5),
        st.integers(0, 2**18 - 1),
        st.integers(0, 2**18 - 1),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda row: row[0],
).map(sorted)


def one(rows: list[Any]) -> Columns:
    (found,) = columns(points_of([(1, *row[:5], bytes(16), *row[5:], None) for row in rows]))
    return found


@given(ROWS)
def test_a_point_s_affect_is_that_of_its_expression(rows: list[Any]) -> None:
    found = one(rows)
    for row, (valence, arousal) in zip(rows, found.affect, strict=True):
        shares = None if row[3] is None else tuple(value / 255 for value in row[3])
        told = affect(STATES[row[1]], shares)
        if told is None:
            assert math.isnan(valence)
            assert math.isnan(arousal)
        else:
            assert (valence, arousal) == pytest.approx(told)


@given(ROWS, st.sampled_from([0.25, 0.3, 1.0, 7.0, 1000.0]))
def test_a_step_is_its_last_point_and_the_mean_of_what_is_a_mean(
    rows: list[Any], step_s: float
) -> None:
    points = one(rows)
    found = in_steps(points, step_s)
    steps: dict[int, list[int]] = {}
    for index, row in enumerate(rows):
        steps.setdefault(math.floor(row[0] / step_s), []).append(index)
    assert found.time_s == pytest.approx([step * step_s for step in steps])
    for at, indices in enumerate(steps.values()):
        last = indices[-1]
        assert found.state[at] == rows[last][1]
        assert found.confidence[at] == rows[last][2]
        assert found.coverage[at] == rows[last][4]
        assert (found.look[at], found.actions[at], found.measured[at]) == rows[last][5:]
        told = [points.affect[index] for index in indices if not np.isnan(points.affect[index, 0])]
        if told:
            assert found.affect[at] == pytest.approx(np.mean(told, axis=0))
        else:
            assert np.isnan(found.affect[at]).all()


def test_people_are_told_apart() -> None:
    row = (0, 0.5, bytes(8), 1.0, bytes(16), 5, 0, 0, None)
    points = points_of([(1, 0.0, *row), (1, 0.25, *row), (4, 0.0, *row)])
    assert [(each.person, len(each.time_s)) for each in columns(points)] == [(1, 2), (4, 1)]


def test_an_expression_is_read_in_the_first_states_and_no_other() -> None:
    assert STATES[: len(EXPRESSIONS) + 1] == (*EXPRESSIONS, UNCERTAIN)
