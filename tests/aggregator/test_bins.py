"""The last minute in thousandths."""

from __future__ import annotations

import math

import msgspec
from hypothesis import given, strategies as st

from readroom.aggregator import bins
from readroom.aggregator.bins import Bins

anything = st.floats(allow_nan=True, allow_infinity=True)
points = st.tuples(anything | st.floats(-5, 200), st.none() | anything | st.floats(-1, 1))


def made(*points: tuple[float, float | None]) -> Bins:
    found = bins.begin(1, 4, 0.5)
    for at_s, value in points:
        bins.add(found, at_s, (value,))
    return found


@given(st.lists(points, max_size=60))
def test_whatever_comes_it_stays_bounded_and_survives_a_checkpoint(
    given_points: list[tuple[float, float | None]],
) -> None:
    found, last_s = bins.begin(1, 4, 0.5), -math.inf
    for at_s, value in given_points:
        counted = bins.add(found, at_s, (value,))
        assert counted == (abs(at_s) <= bins.LATEST_S and at_s > last_s)
        last_s = at_s if counted else last_s
    assert len(found.means[0]) == len(found.seen) == 4
    known = [mean for mean in found.means[0] if mean is not None]
    assert all(abs(mean) <= bins.LARGEST * bins.STEPS for mean in known)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=Bins)
    assert again == found


def test_a_bin_is_the_mean_of_its_points() -> None:
    found = made((0.0, 0.2), (0.25, 0.4), (0.5, 1.0))
    assert bins.read(found, 0, 0, 3) == [300, 1000, None]
    assert bins.seen(found, 0, 3) == 2


def test_a_point_that_is_not_later_counts_for_nothing() -> None:
    assert made((1.0, 0.2), (1.0, 0.8), (0.5, 0.9)) == made((1.0, 0.2))


def test_garbage_is_unknown_but_its_moment_was_there() -> None:
    found = made((0.0, math.nan), (0.1, math.inf), (0.2, None))
    assert bins.read(found, 0, 0, 1) == [None]
    assert bins.seen(found, 0, 1) == 1


def test_what_is_older_than_the_ring_is_forgotten() -> None:
    found = made((0.0, 1.0), (0.6, 2.0), (1.1, 3.0), (1.6, 4.0), (2.1, 5.0))
    assert bins.read(found, 0, 0, 6) == [None, 2000, 3000, 4000, 5000, None]
    assert bins.seen(found, -3, 9) == 4


def test_a_jump_leaves_nothing_of_before() -> None:
    found = made((0.0, 1.0), (0.6, 2.0), (1000.0, 3.0))
    assert bins.read(found, 0, 1997, 2001) == [None, None, None, 3000]


def test_nothing_is_read_of_somebody_who_was_never_there() -> None:
    found = bins.begin(2, 4, 1.0)
    assert bins.read(found, 1, 0, 2) == [None, None]
    assert bins.seen(found, 0, 2) == 0
    assert bins.mean([None, None]) == (None, 0)
