"""Size, sharpness and head pose mean what the messages say."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, strategies as st

from readroom.models.boxes import Floats
from readroom.pixels import Picture
from readroom.workers.engines.quality import MEAN_FACE_MM, assess, head_pose, sharpness


def turned(yaw: float, pitch: float, roll: float, scale: float = 2.0) -> Floats:
    """The mean face's landmarks, turned by degrees and seen from far away."""
    y, p, r = (math.radians(angle) for angle in (yaw, pitch, roll))
    about_y = np.array([[math.cos(y), 0, -math.sin(y)], [0, 1, 0], [math.sin(y), 0, math.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(p), math.sin(p)], [0, -math.sin(p), math.cos(p)]])
    about_z = np.array([[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]])
    points = MEAN_FACE_MM @ (about_z @ about_x @ about_y).T
    return (points[:, :2] * scale + [300, 200]).astype(np.float32)


@given(st.floats(-70, 70), st.floats(-40, 40), st.floats(-60, 60), st.floats(0.2, 10))
def test_the_pose_of_a_mean_face_is_recovered(
    yaw: float, pitch: float, roll: float, scale: float
) -> None:
    found = head_pose(turned(yaw, pitch, roll, scale))
    assert found == pytest.approx((yaw, pitch, roll), abs=0.1)


def test_a_nose_to_the_right_of_the_picture_is_a_positive_yaw() -> None:
    face = turned(0, 0, 0)
    face[2, 0] += 20
    found = head_pose(face)
    assert found is not None
    assert found[0] > 10


def test_a_nose_nearer_to_the_eyes_looks_up() -> None:
    face = turned(0, 0, 0)
    face[2, 1] -= 20
    found = head_pose(face)
    assert found is not None
    assert found[1] > 5


def test_a_head_tilted_clockwise_in_the_picture_has_a_positive_roll() -> None:
    face = turned(0, 0, 0)
    face[0, 1] -= 20  # The eye at the picture's left rises,
    face[1, 1] += 20  # the other one sinks.
    found = head_pose(face)
    assert found is not None
    assert found[2] > 5


def test_landmarks_in_one_place_or_no_numbers_have_no_pose() -> None:
    assert head_pose(np.full((5, 2), 7, np.float32)) is None
    assert head_pose(np.full((5, 2), np.nan, np.float32)) is None


def test_blur_lowers_sharpness_and_a_flat_face_has_none(noise: Picture) -> None:
    face = noise[:128, :128]
    blurred = cv2.GaussianBlur(face, (0, 0), 4).astype(np.uint8)
    assert sharpness(face) > 10 * sharpness(blurred) > 0
    assert sharpness(np.full((40, 40, 3), 99, np.uint8)) == 0


def test_a_detector_without_landmarks_gives_no_angles(noise: Picture) -> None:
    quality = assess(noise, np.array([10, 10, 33, 40], np.float32), None)
    assert quality.width_px == 33
    assert (quality.yaw_deg, quality.pitch_deg, quality.roll_deg) == (None, None, None)
