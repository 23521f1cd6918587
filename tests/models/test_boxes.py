"""Rectangles: overlap and suppression keep their promises for any input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from readroom.models.boxes import Floats, clip, iou, suppress

_coordinate = st.floats(-50, 150, width=32)
_size = st.floats(0, 100, width=32)
_scored = st.lists(
    st.tuples(_coordinate, _coordinate, _size, _size, st.floats(0, 1, width=32)), max_size=25
)


def split(rows: list[tuple[float, ...]]) -> tuple[Floats, Floats]:
    array = np.array(rows, np.float32).reshape(-1, 5)
    return array[:, :4], array[:, 4]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ((0, 0, 10, 10), 1.0),
        ((5, 0, 10, 10), 1 / 3),
        ((10, 0, 10, 10), 0.0),
        ((2, 2, 5, 5), 0.25),
        ((0, 0, 0, 0), 0.0),
    ],
)
def test_overlap_is_intersection_over_union(other: tuple[float, ...], expected: float) -> None:
    box = np.array([0, 0, 10, 10], np.float32)
    assert iou(box, np.array([other], np.float32))[0] == pytest.approx(expected)


@given(_scored, st.floats(0.05, 0.95))
def test_kept_boxes_never_overlap_more_than_allowed(
    rows: list[tuple[float, ...]], limit: float
) -> None:
    boxes, scores = split(rows)
    kept = suppress(boxes, scores, limit)
    for position, index in enumerate(kept):
        assert (iou(boxes[index], boxes[kept[position + 1 :]]) <= limit).all()


@given(_scored, st.floats(0.05, 0.95))
def test_every_dropped_box_overlaps_a_better_one_that_was_kept(
    rows: list[tuple[float, ...]], limit: float
) -> None:
    boxes, scores = split(rows)
    kept = suppress(boxes, scores, limit)
    for index in set(range(len(rows))) - set(kept.tolist()):
        better = kept[scores[kept] >= scores[index]]
        assert (iou(boxes[index], boxes[better]) > limit).any()


@given(_scored)
def test_the_best_box_is_kept_and_comes_first(rows: list[tuple[float, ...]]) -> None:
    boxes, scores = split(rows)
    kept = suppress(boxes, scores, 0.3)
    assert (len(kept) == 0) == (len(rows) == 0)
    assert list(scores[kept]) == sorted(scores[kept], reverse=True)
    if rows:
        assert scores[kept[0]] == scores.max()


@given(_scored)
def test_clipped_boxes_lie_inside_the_picture(rows: list[tuple[float, ...]]) -> None:
    boxes, _ = split(rows)
    inside = clip(boxes, 100, 80)
    assert (inside >= 0).all()
    assert (inside[:, 0] + inside[:, 2] <= 100.001).all()
    assert (inside[:, 1] + inside[:, 3] <= 80.001).all()
