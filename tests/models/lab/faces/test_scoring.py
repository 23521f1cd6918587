"""Found and missed faces, counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from readroom.models.detection import Faces
from readroom.models.lab.faces.measurement import (
    Found,
    Key,
    finders,
    landmark_errors,
    measure,
    reference_of,
)
from readroom.models.lab.faces.scoring import (
    Hits,
    area,
    average_precision,
    curve,
    match,
    rank,
    recall_at,
)
from readroom.models.lab.figures import draw


def hits(said: list[tuple[float, bool]], faces: int) -> Hits:
    return Hits(
        np.array([score for score, _ in said], np.float32),
        np.array([right for _, right in said], bool),
        faces,
    )


def boxes(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


def test_a_face_is_found_once_and_the_best_scored_chooses_first() -> None:
    label = boxes((0, 0, 20, 20))
    twice = boxes((0, 0, 20, 20), (1, 0, 20, 20))
    found = match(twice, np.array([0.5, 0.9], np.float32), label, 12)
    assert found.scores.tolist() == pytest.approx([0.9, 0.5])
    assert found.right.tolist() == [True, False]


def test_small_faces_and_what_finds_them_count_neither_way() -> None:
    labels = boxes((0, 0, 20, 20), (50, 50, 8, 8))
    said = boxes((50, 50, 8, 8), (100, 100, 9, 9), (0, 0, 20, 20), (200, 0, 30, 30))
    found = match(said, np.array([0.9, 0.8, 0.7, 0.6], np.float32), labels, 12)
    assert found.faces == 1
    assert found.right.tolist() == [True, False]
    assert found.scores.tolist() == pytest.approx([0.7, 0.6])


def test_average_precision_is_the_area_under_the_best_precision() -> None:
    # Right, wrong, right of four faces: precisions 1 and 2/3, each over a quarter of recall.
    one = hits([(0.9, True), (0.8, False), (0.7, True)], 4)
    assert average_precision([one]) == pytest.approx((1 + 2 / 3) / 4)
    # The same, found in two photographs, scores interleaved.
    two = [hits([(0.9, True), (0.7, True)], 3), hits([(0.8, False)], 1)]
    assert average_precision(two) == pytest.approx((1 + 2 / 3) / 4)
    assert average_precision([hits([(0.9, True), (0.1, True)], 2)]) == 1
    assert average_precision([hits([], 2)]) == 0
    assert math.isnan(average_precision([hits([(0.9, False)], 0)]))


def test_the_curve_says_recall_and_precision_after_each_detection() -> None:
    recall, precision = curve(rank([hits([(0.9, True), (0.8, False), (0.7, True)], 4)]))
    assert recall.tolist() == [0.25, 0.25, 0.5]
    assert precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3])


def test_a_weight_counts_a_photograph_as_often_as_it_was_drawn() -> None:
    parts = [hits([(0.9, True), (0.3, False)], 2), hits([(0.8, False), (0.7, True)], 1)]
    weights = np.array([[2, 1], [0, 3], [1, 1]], np.float32)
    drawn = [[0, 0, 1], [1, 1, 1], [0, 1]]
    repeated = [average_precision([parts[number] for number in row]) for row in drawn]
    assert area(rank(parts), weights).tolist() == pytest.approx(repeated)


def test_recall_at_false_positives_allows_just_so_many() -> None:
    said = [(0.9, True), (0.8, False), (0.7, True), (0.6, False), (0.5, True)]
    ten = [hits(said, 4), *(hits([], 0) for _ in range(9))]
    assert recall_at(ten, 0.1) == (pytest.approx(2 / 4), pytest.approx(0.7))
    assert recall_at(ten, 0.2) == (pytest.approx(3 / 4), pytest.approx(0.5))
    assert recall_at(ten, 0.0) == (pytest.approx(1 / 4), pytest.approx(0.9))
    assert all(map(math.isnan, recall_at([hits([], 0)], 0.1)))


def faces(box: np.ndarray, score: float, away: float = 0.0) -> Faces:
    """One face whose eyes are half its width apart, all landmarks moved by ``away`` px."""
    x, y, width, height = box[0].tolist()
    points = [(0.25, 0.4), (0.75, 0.4), (0.5, 0.6), (0.3, 0.8), (0.7, 0.8)]
    landmarks = [[x + a * width + away, y + b * height] for a, b in points]
    return Faces(box, np.array([score], np.float32), np.array([landmarks], np.float32))


def test_landmarks_are_measured_in_eye_distances_on_faces_that_both_find() -> None:
    label = boxes((10, 10, 40, 40))
    reference = Found([faces(label, 0.9), faces(label, 0.9)], [label, label])
    elsewhere = boxes((200, 200, 40, 40))
    ours = Found([faces(label, 0.8, away=5), faces(elsewhere, 0.1)], [label, label])
    errors, photos = landmark_errors(ours, reference)
    assert errors.tolist() == pytest.approx([5 / 20])
    assert photos.tolist() == [0]


def test_who_finds_a_face_is_the_best_scored_that_fits() -> None:
    labels = boxes((0, 0, 20, 20), (40, 0, 20, 20))
    said = Faces(
        boxes((1, 0, 20, 20), (0, 0, 20, 20), (40, 1, 20, 20)),
        np.array([0.5, 0.9, 0.2], np.float32),
        None,
    )
    assert finders(said, labels, 0.1).tolist() == [1, 2]
    assert finders(said, labels, 0.3).tolist() == [1, -1]


def test_against_itself_every_ratio_is_one_and_every_landmark_in_place() -> None:
    labels = [boxes((10, 10, 50, 50))] * 6
    found = Found([faces(one, 0.9 - n / 10) for n, one in enumerate(labels)], labels)
    weights = draw(6, 50)
    figures = measure(found, reference_of(found, weights), weights)
    assert figures[Key("ap", "≥ 12")].value == 1
    assert figures[Key("ap_ratio", "≥ 48")].value == 1
    assert figures[Key("ap_ratio", "≥ 48")].low == 1
    assert figures[Key("landmarks_median")].value == 0
    assert figures[Key("recall_by_size", "48–96")].value == 1
    assert math.isnan(figures[Key("recall_by_size", "8–12")].value)
