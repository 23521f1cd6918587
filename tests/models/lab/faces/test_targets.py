"""The teacher's opinion and labels, put together by hand."""

from __future__ import annotations

import numpy as np
import pytest

from readroom.models.boxes import Floats
from readroom.models.lab.faces.marks import Marks, no_marks
from readroom.models.lab.faces.targets import (
    MISSED,
    Targets,
    cells_of,
    make_targets,
    overlaps,
)

CELLS = cells_of(64)
NONE = np.empty((0, 4), np.float32)


def boxes(*rows: tuple[float, float, float, float]) -> Floats:
    return np.array(rows, np.float32).reshape(-1, 4)


def made(
    labels: Floats,
    unclear: Floats = NONE,
    said: tuple[float, Floats] | None = None,
    marks: Marks | None = None,
) -> tuple[Targets, int]:
    """Targets where the teacher says one thing, in the cell of stride 8 at 16, 16 px."""
    score = np.zeros(len(CELLS.strides), np.float32)
    placed = np.zeros((len(score), 4), np.float32)
    landmarks = np.zeros((len(score), 10), np.float32)
    cell = int(np.flatnonzero((CELLS.strides == 8) & (CELLS.grid == 2).all(axis=1))[0])
    if said is not None:
        score[cell], placed[cell], landmarks[cell] = said[0], said[1], 3.0
    known = no_marks(len(labels)) if marks is None else marks
    return make_targets(CELLS, score, placed, landmarks, labels, unclear, known), cell


def test_the_cells_are_in_the_order_of_the_outputs() -> None:
    assert len(CELLS.strides) == 8 * 8 + 4 * 4 + 2 * 2
    assert CELLS.grid[:9].tolist() == [[x, 0] for x in range(8)] + [[0, 1]]
    assert CELLS.strides[[0, 64, 80]].tolist() == [8, 16, 32]


def test_overlap_is_that_of_areas() -> None:
    ratio = overlaps(boxes((0, 0, 10, 10)), boxes((0, 0, 10, 10), (5, 0, 10, 10), (20, 0, 5, 5)))
    assert ratio[0].tolist() == pytest.approx([1, 1 / 3, 0])


def test_where_the_teacher_is_right_the_labels_box_is_better_than_its_own() -> None:
    label = boxes((10, 10, 20, 20))
    target, cell = made(label, said=(0.8, np.array([11, 11, 20, 20], np.float32)))
    assert target.score[cell] == pytest.approx(0.8)
    assert target.located[cell] == target.marked[cell] == pytest.approx(0.8)
    assert target.boxes[cell].tolist() == label[0].tolist()
    assert (target.landmarks[cell] == 3).all()
    assert (np.delete(target.score, cell) == 0).all()
    assert (target.asked == 1).all()


def test_landmarks_seen_on_the_face_alone_are_better_than_those_of_the_scene() -> None:
    label = boxes((10, 10, 20, 20))
    marks = Marks(np.full((1, 5, 2), 17, np.float32), np.array([0.9], np.float32))
    target, cell = made(label, said=(0.8, np.array([11, 11, 20, 20], np.float32)), marks=marks)
    assert (target.landmarks[cell] == 17).all()
    missed, _ = made(label, marks=marks)
    asked = np.flatnonzero(missed.score > 0)
    assert (missed.landmarks[asked] == 17).all()
    assert missed.marked[asked].tolist() == pytest.approx([MISSED] * len(asked))


def test_a_face_that_nobody_labelled_is_none() -> None:
    target, cell = made(NONE, said=(0.9, np.array([10, 10, 20, 20], np.float32)))
    assert target.score[cell] == target.located[cell] == 0
    assert target.asked[cell] == 1


def test_a_labelled_face_that_the_teacher_missed_is_asked_for_less_firmly() -> None:
    label = boxes((10, 10, 20, 20))
    target, _ = made(label)
    asked = np.flatnonzero(target.score > 0)
    assert len(asked)
    assert (CELLS.strides[asked] == 8).all()
    assert target.score[asked].tolist() == pytest.approx([MISSED] * len(asked))
    assert (target.boxes[asked] == label).all()
    assert (target.marked[asked] == 0).all()


def test_a_label_too_small_to_say_asks_for_nothing_and_forbids_nothing() -> None:
    target, _ = made(boxes((20, 20, 6, 6)))
    assert (target.score == 0).all()
    at = np.abs(CELLS.grid * CELLS.strides[:, None] - 23).max(axis=1) <= 1
    assert (target.asked[at] == 0).all()
    assert (target.asked == 1).sum() > 40


def test_where_a_face_is_cut_off_nothing_is_asked() -> None:
    target, cell = made(NONE, unclear=boxes((4, 4, 24, 24)))
    assert target.asked[cell] == 0
    assert target.asked[0] == 0  # Half a cell beside it.
    assert (target.score == 0).all()
    assert target.asked[63] == 1
