"""OKS, its average precision, PCK's counts and the separation of scores, against hand-made sums."""

from __future__ import annotations

import math

import numpy as np
import pytest

from readroom.models.lab.poses.scoring import (
    SIGMAS,
    average_precision,
    near,
    oks,
    separation,
)


def test_oks_is_cocos_formula_over_the_known_joints() -> None:
    truth = np.zeros((1, 17, 3), np.float32)
    found = truth.copy()
    found[0, 0, 0] = 3.0  # the nose, 3 px off
    found[0, 5, 1] = 40.0  # a shoulder, but nobody labelled it
    known = np.zeros((1, 17), bool)
    known[0, [0, 9]] = True
    area = np.array([2500.0], np.float32)
    nose = math.exp(-9 / (2 * 2500 * (2 * 0.026) ** 2))
    assert oks(found, truth, known, area)[0] == pytest.approx((nose + 1) / 2, rel=1e-6)


def test_oks_of_nobody_is_no_number_and_the_upper_body_may_be_asked_alone() -> None:
    poses = np.zeros((1, 13, 3), np.float32)
    area = np.ones(1, np.float32)
    assert np.isnan(oks(poses, poses, np.zeros((1, 13), bool), area)[0])
    assert oks(poses, poses, np.ones((1, 13), bool), area)[0] == 1


def test_there_is_a_sigma_for_every_joint_and_left_equals_right() -> None:
    assert len(SIGMAS) == 17
    np.testing.assert_array_equal(SIGMAS[1::2], SIGMAS[2::2])


def test_average_precision_is_what_a_hand_finds() -> None:
    similarity = np.array([0.9, 0.72, 0.4, 0.61])
    scores = np.array([0.9, 0.8, 0.7, 0.6])
    # At .5, .55 and .6 three are right: precision 1 up to a recall of .5, then 3/4 up to .75. At
    # .65 and .7 two are, from .75 to .9 one, at .95 none.
    wanted = (3 * (51 + 25 * 0.75) + 2 * 51 + 4 * 26) / 101 / 10
    assert average_precision(similarity, scores, np.ones(4)) == pytest.approx(wanted)


def test_average_precision_counts_people_as_often_as_they_are_drawn() -> None:
    similarity = np.array([0.99, 0.1, np.nan])
    scores = np.array([0.2, 0.9, 0.5])
    weights = np.array([[1, 0, 5], [0, 2, 1], [0, 0, 3]])
    found = average_precision(similarity, scores, weights)
    np.testing.assert_allclose(found[:2], [1, 0])
    assert np.isnan(found[2])


def test_a_wrong_pose_that_is_sure_costs_more_than_one_that_isnt() -> None:
    similarity = np.array([0.99, 0.99, 0.1])
    sure = average_precision(similarity, np.array([0.5, 0.6, 0.9]), np.ones(3))
    unsure = average_precision(similarity, np.array([0.5, 0.6, 0.1]), np.ones(3))
    assert unsure > sure


def test_near_counts_known_joints_within_a_fifth_of_the_length() -> None:
    truth = np.zeros((1, 3, 2), np.float32)
    found = np.array([[[1.9, 0], [2.1, 0], [0, 0]]], np.float32)
    known = np.array([[True, True, False]])
    hits, count = near(found, truth, known, np.array([10.0], np.float32))
    assert (hits[0], count[0]) == (1, 2)


def test_separation_is_the_share_of_pairs_in_order_with_ties_as_half() -> None:
    scores = np.array([0.9, 0.3, 0.3, 0.1])
    seen = np.array([True, True, False, False])
    weights = np.array([[1, 1, 1, 1], [1, 0, 1, 1], [0, 0, 1, 1]])
    found = separation(scores, seen, weights)
    np.testing.assert_allclose(found[:2], [3.5 / 4, 1])
    assert np.isnan(found[2])
