"""Angles from points mean what the messages say, whichever way they are computed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays

from readroom.models import head_pose_fit
from readroom.models.boxes import Floats
from readroom.models.files import PACKAGED
from readroom.models.head_pose import MOST_DEG, Linear, features, from_features, head_pose
from readroom.models.pins import pinned
from tests.models.heads import (
    body,
    face,
    mirrored_body,
    mirrored_face,
    straight_body,
    straight_face,
    turned_in_plane,
)

small_noise = arrays.arrays(np.float32, (22, 2), elements=st.floats(-8, 8, width=32))


def pose(landmarks: Floats, keypoints: Floats | None = None) -> tuple[float, float, float]:
    found = head_pose(landmarks, keypoints)
    assert found is not None
    return found


def noisy(yaw: float, pitch: float, noise: Floats) -> tuple[Floats, Floats]:
    """Points of a turned head, none where a mean one would have it."""
    landmarks, keypoints = face(yaw, pitch, 0) + noise[:5], body(yaw, pitch, 0)
    keypoints[:, :2] += noise[5:]
    return landmarks, keypoints


@given(st.floats(-70, 70), st.floats(-40, 40), st.floats(-60, 60), st.floats(0.2, 10))
def test_landmarks_alone_give_the_pose_of_a_mean_face(
    yaw: float, pitch: float, roll: float, scale: float
) -> None:
    assert pose(face(yaw, pitch, roll, scale)) == pytest.approx((yaw, pitch, roll), abs=0.1)


def test_a_nose_to_the_right_of_the_picture_is_a_positive_yaw() -> None:
    landmarks, keypoints = straight_face(), straight_body()
    landmarks[2, 0] += 20
    keypoints[0, 0] += 20
    assert pose(landmarks)[0] > 10
    assert pose(landmarks, keypoints)[0] > 10


def test_a_nose_nearer_to_the_eyes_and_ears_that_sink_look_up() -> None:
    landmarks, keypoints = straight_face(), straight_body()
    landmarks[2, 1] -= 20
    assert pose(landmarks)[1] > 5
    keypoints[3:5, 1] += 20
    assert pose(straight_face(), keypoints)[1] > pose(straight_face(), straight_body())[1] + 3


def test_a_head_tilted_clockwise_in_the_picture_has_a_positive_roll() -> None:
    landmarks = straight_face()
    landmarks[0, 1] -= 20  # The eye at the picture's left rises,
    landmarks[1, 1] += 20  # the other one sinks.
    assert pose(landmarks)[2] > 5
    assert pose(face(0, 0, 20), body(0, 0, 20))[2] > 10


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_turning_a_head_further_increases_its_angle(axis: int) -> None:
    turns = [[0.0, 0.0, 0.0] for _ in range(5)]
    for angles, degrees in zip(turns, (-30, -15, 0, 15, 30), strict=True):
        angles[axis] = degrees
    said = [pose(face(*angles), body(*angles))[axis] for angles in turns]
    assert all(later > before + 1 for before, later in pairwise(said))


@given(st.floats(-40, 40), st.floats(-25, 25), small_noise)
def test_the_mirror_image_has_the_same_pitch_and_reversed_yaw_and_roll(
    yaw: float, pitch: float, noise: Floats
) -> None:
    landmarks, keypoints = noisy(yaw, pitch, noise)
    said = pose(landmarks, keypoints)
    mirrored = pose(mirrored_face(landmarks), mirrored_body(keypoints))
    assert mirrored == pytest.approx((-said[0], said[1], -said[2]), abs=0.02)


@given(
    st.floats(-40, 40),
    st.floats(-25, 25),
    small_noise,
    st.floats(0.1, 10),
    st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
)
def test_neither_place_nor_size_matters(
    yaw: float, pitch: float, noise: Floats, scale: float, shift: tuple[float, float]
) -> None:
    landmarks, keypoints = noisy(yaw, pitch, noise)
    said = pose(landmarks, keypoints)
    elsewhere = keypoints.copy()
    elsewhere[:, :2] = keypoints[:, :2] * np.float32(scale) + np.float32(shift)
    moved = landmarks * np.float32(scale) + np.float32(shift)
    assert pose(moved, elsewhere) == pytest.approx(said, abs=0.2)


@given(st.floats(-40, 40), st.floats(-25, 25), small_noise, st.floats(-120, 120))
def test_turning_the_picture_adds_to_roll_alone(
    yaw: float, pitch: float, noise: Floats, degrees: float
) -> None:
    landmarks, keypoints = noisy(yaw, pitch, noise)
    said = pose(landmarks, keypoints)
    turned = pose(turned_in_plane(landmarks, degrees), turned_in_plane(keypoints, degrees))
    assert turned[:2] == pytest.approx(said[:2], abs=0.05)
    assert (turned[2] - said[2] - degrees + 180) % 360 - 180 == pytest.approx(0, abs=0.05)


@given(
    arrays.arrays(np.float32, (5, 2), elements=st.floats(-1e4, 1e4, width=32)),
    arrays.arrays(np.float32, (17, 3), elements=st.floats(-1e4, 1e4, width=32)),
)
def test_whatever_the_points_are_the_angles_are_numbers_within_bounds(
    landmarks: Floats, keypoints: Floats
) -> None:
    found = head_pose(landmarks, keypoints)
    if found is not None:
        yaw, pitch, roll = found
        assert abs(yaw) <= 180
        assert abs(pitch) <= MOST_DEG
        assert abs(roll) <= 180


@pytest.mark.parametrize("value", [7, np.nan, np.inf])
def test_landmarks_in_one_place_or_no_numbers_have_no_pose(value: float) -> None:
    landmarks = np.full((5, 2), value, np.float32)
    assert head_pose(landmarks) is None
    assert head_pose(landmarks, straight_body()) is None


def test_landmarks_on_one_line_have_no_pose() -> None:
    landmarks = np.stack([np.arange(5.0), 2 * np.arange(5.0)], axis=1).astype(np.float32)
    assert head_pose(landmarks, straight_body()) is None


def test_a_pose_that_was_not_seen_or_is_somebody_elses_changes_nothing() -> None:
    landmarks = face(20, 5, 10)
    unseen, elsewhere, broken, unsure = (body(20, 5, 10) for _ in range(4))
    unseen[0, 2] = 0.05
    elsewhere[:, 0] += 300
    broken[4, 1] = np.nan
    unsure[3, 2] = np.nan
    assert pose(landmarks, body(20, 5, 10)) != pose(landmarks)
    for keypoints in (unseen, elsewhere, broken, unsure):
        assert pose(landmarks, keypoints) == pose(landmarks)


def test_an_ear_gone_astray_turns_the_head_only_so_far() -> None:
    keypoints = straight_body()
    keypoints[3, :2] = 1e5
    far = pose(straight_face(), keypoints)
    keypoints[3, :2] = 1e6
    assert pose(straight_face(), keypoints) == pytest.approx(far)


def test_a_linear_function_has_middles_for_what_a_mirror_leaves_alone() -> None:
    seen = features(straight_face(), straight_body())
    assert seen is not None
    nothing, spreads = (0.0,) * 9, (1.0,) * 8
    linear = Linear(seen.even, spreads, spreads, nothing, -7.0, (100.0,) * 9, nothing)
    assert from_features(seen, linear) == pytest.approx((0, -7, 0), abs=1e-4)


def test_the_shipped_constants_were_fitted_to_the_networks_that_ship() -> None:
    told = head_pose_fit.__doc__ or ""
    sums = pinned(PACKAGED)
    for name in ("face.onnx", "pose.onnx"):
        assert f"{name} (sha256 {sums[name][:12]})" in told
