from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from readroom.ingest.demo.turn import head_shape, turned
from readroom.ingest.demo.warp import identity, mixed, moved, thin_plate_field

SIZE = (120, 90)


@given(st.integers(min_value=0, max_value=2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_a_thin_plate_field_carries_each_point_to_its_place(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = [(0, 0), (119, 0), (0, 89), (119, 89), (60, 45), (30, 20), (90, 70)]
    moved_from = np.array(corners, dtype=np.float32)
    moved_to = moved_from.copy()
    # Whole multiples of the grid's step, where the spline isn't interpolated.
    moved_to[4:] = np.round((moved_to[4:] + rng.uniform(-8, 8, (3, 2))) / 4) * 4
    field = thin_plate_field(moved_to, moved_from, SIZE)
    for (x, y), source in zip(moved_to[4:].astype(int), moved_from[4:], strict=True):
        assert field[y, x] + (x, y) == pytest.approx(source, abs=1e-2)


def test_a_field_of_points_that_stay_changes_nothing() -> None:
    points = np.array([(10, 10), (100, 12), (50, 80), (70, 40)], dtype=np.float32)
    assert np.abs(thin_plate_field(points, points, SIZE)).max() < 1e-5


def test_reading_a_picture_at_its_own_coordinates_gives_the_picture() -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    assert np.array_equal(moved(image, identity(SIZE)), image)


def test_mixing_goes_from_the_first_picture_to_the_second() -> None:
    dark, light = (np.full((4, 4, 3), value, dtype=np.uint8) for value in (40, 200))
    for weight, value in ((0.0, 40), (0.5, 120), (1.0, 200)):
        plane = np.full((4, 4), weight, dtype=np.float32)
        assert np.abs(mixed(dark, light, plane).astype(int) - value).max() <= 1


def ball(radius: int = 40) -> np.ndarray:
    grid = identity((100, 100)) - 50.0
    return ((grid**2).sum(axis=-1) < radius**2).astype(np.float32)


def test_a_head_that_faces_the_camera_is_left_alone() -> None:
    shape = head_shape(ball(), 50.0, (40.0, 40.0), (50.0, 50.0))
    assert np.allclose(turned(shape, 0.0, 0.0), identity((100, 100)), atol=1e-4)


@given(st.floats(min_value=-0.5, max_value=0.5), st.floats(min_value=-0.3, max_value=0.3))
@settings(max_examples=25, deadline=None)
def test_the_middle_of_a_turned_ball_moves_as_on_a_sphere(yaw: float, pitch: float) -> None:
    shape = head_shape(ball(), 50.0, (40.0, 40.0), (50.0, 50.0))
    x, y = turned(shape, yaw, pitch)[50, 50]
    # What is seen in the middle was at -yaw and, with y downward, at +pitch.
    assert x == pytest.approx(50.0 - 40.0 * math.sin(yaw), abs=0.05)
    assert y == pytest.approx(50.0 + 40.0 * math.sin(pitch), abs=0.05)


@given(st.floats(min_value=-0.52, max_value=0.52))
@settings(max_examples=25, deadline=None)
def test_up_to_thirty_degrees_a_turn_never_folds_the_picture(yaw: float) -> None:
    shape = head_shape(ball(), 50.0, (40.0, 40.0), (50.0, 50.0))
    steps = np.diff(turned(shape, yaw, 0.0)[30:70, 5:95, 0], axis=1)
    assert steps.min() > -0.3
