"""A face stands upright in what a network sees of it, wherever it was in the picture."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, strategies as st

from readroom.models.alignment import (
    ARCFACE_PX,
    ARCFACE_SIDE_PX,
    aligned_square,
    is_spread,
    level_square,
    similarity,
)
from readroom.models.boxes import Floats
from readroom.models.crop import cut_colour
from readroom.models.registry import REGISTRY

TURNS = st.floats(-179, 179)
SCALES = st.floats(0.05, 20)
PLACES = st.floats(-500, 500)
LEVEL = REGISTRY["mediapipe_face_landmarks"].input


def turned(points: np.ndarray, deg: float, scale: float = 1.0) -> np.ndarray:
    """Points turned clockwise in the picture (y points down) around the origin, and scaled."""
    turn = math.radians(deg)
    matrix = [[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]
    return scale * points @ np.array(matrix).T


@given(TURNS, SCALES, PLACES, PLACES)
def test_a_similarity_is_found_again(deg: float, scale: float, x: float, y: float) -> None:
    target = turned(ARCFACE_PX, deg, scale) + [x, y]
    found, turn, shift = similarity(ARCFACE_PX, target)
    assert found == pytest.approx(scale, rel=1e-6)
    assert found * ARCFACE_PX @ turn.T + shift == pytest.approx(target, abs=1e-3)


@given(st.lists(st.floats(-9, 9), min_size=10, max_size=10), TURNS)
def test_no_other_similarity_is_nearer_than_the_one_that_is_found(
    noise: list[float], deg: float
) -> None:
    target = turned(ARCFACE_PX, deg) + np.array(noise).reshape(5, 2)

    def error(scale: float, turn: np.ndarray, shift: np.ndarray) -> float:
        return float(((scale * ARCFACE_PX @ turn.T + shift - target) ** 2).sum())

    scale, turn, shift = similarity(ARCFACE_PX, target)
    least = error(scale, turn, shift)
    assert np.linalg.det(turn) == pytest.approx(1)
    for changed in (
        (scale * 1.01, turn, shift),
        (scale * 0.99, turn, shift),
        (scale, turned(turn.T, 1).T, shift),
        (scale, turn, shift + [0.5, 0]),
        (scale, turn, shift - [0, 0.5]),
    ):
        assert error(*changed) > least


def test_a_mirrored_face_is_not_mirrored_back() -> None:
    mirrored = ARCFACE_PX * [-1, 1]
    _, turn, _ = similarity(ARCFACE_PX, mirrored)
    assert np.linalg.det(turn) == pytest.approx(1)


@given(st.floats(-170, 170), st.floats(0.2, 5), st.floats(-50, 700), st.floats(-50, 700))
def test_the_aligned_square_is_the_one_in_which_the_landmarks_were_put(
    deg: float, scale: float, x: float, y: float
) -> None:
    middle = ARCFACE_PX + 0.5 - ARCFACE_SIDE_PX / 2
    landmarks = (turned(middle, deg, scale) + [x, y]).astype(np.float32)
    square = aligned_square(landmarks)
    assert (square.x, square.y) == pytest.approx((x, y), abs=0.05 * scale + 0.01)
    assert square.side == pytest.approx(ARCFACE_SIDE_PX * scale, rel=1e-3)
    assert math.cos(math.radians(square.angle_deg - deg)) == pytest.approx(1, abs=1e-4)


def test_an_aligned_face_has_its_landmarks_where_the_network_was_trained_to_have_them() -> None:
    picture = np.zeros((400, 400, 3), np.uint8)
    places = turned(ARCFACE_PX + 0.5 - 56, 25, 1.7) + [200, 190]
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)]
    for (x, y), colour in zip(places, colours, strict=True):
        cv2.circle(picture, (round(x - 0.5), round(y - 0.5)), 5, colour, -1)
    face = cut_colour(picture, aligned_square(places.astype(np.float32)), ARCFACE_SIDE_PX)
    for (x, y), colour in zip(ARCFACE_PX, colours, strict=True):
        assert tuple(face[round(y), round(x)].tolist()) == colour


@pytest.mark.parametrize(
    "landmarks",
    [
        np.full((5, 2), 7, np.float32),
        np.full((5, 2), np.nan, np.float32),
        np.where(np.eye(5, 2) > 0, np.inf, ARCFACE_PX).astype(np.float32),
    ],
    ids=["on one point", "no numbers", "one without bounds"],
)
def test_landmarks_that_are_no_faces_have_no_square(landmarks: Floats) -> None:
    assert not is_spread(landmarks)
    with pytest.raises(ValueError, match="no scale"):
        aligned_square(landmarks)


@pytest.mark.parametrize("deg", [-60, -20, 0, 35, 90])
def test_a_level_square_stands_around_the_box_and_turns_with_the_eyes(deg: float) -> None:
    box = np.array([100, 60, 40, 50], np.float32)
    landmarks = (turned(ARCFACE_PX - 56, deg, 0.4) + [120, 85]).astype(np.float32)
    landmarks[1, 1] += 0.0779 * math.cos(math.radians(deg))  # ArcFace's eyes aren't quite level.
    landmarks[1, 0] -= 0.0779 * math.sin(math.radians(deg))
    square = level_square(box, landmarks, LEVEL)
    assert (square.x, square.y, square.side) == (120, 85, 75)
    assert square.angle_deg == pytest.approx(deg, abs=0.01)


def test_a_face_without_landmarks_is_taken_to_be_upright() -> None:
    square = level_square(np.array([100, 60, 40, 50], np.float32), None, LEVEL)
    assert (square.x, square.y, square.side, square.angle_deg) == (120, 85, 75, 0)
