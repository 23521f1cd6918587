"""Augmentation keeps joints on what they mark, and knows which it has hidden."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from readroom.models.keypoints import window
from readroom.models.lab.poses import augment
from readroom.models.lab.poses.augment import HIDDEN_WEIGHT, Sample, augmented, plain
from readroom.models.registry import InputSpec

SPEC = InputSpec(128, 192, "rgb", "aspect", margin_ratio=1.15)
FACE = np.array([180, 60, 40, 50], np.float32)
LEFT_WRIST, RIGHT_WRIST = 9, 10


def grey(width: int = 400, height: int = 380) -> np.ndarray:
    return np.full((height, width, 3), 110, np.uint8)


def dotted(x: float, y: float) -> np.ndarray:
    picture = grey()
    cv2.circle(picture, (round(x), round(y)), 5, (255, 255, 255), -1)
    return picture


def person(x: float, y: float) -> np.ndarray:
    """Keypoints of which only the left wrist is seen."""
    points = np.zeros((17, 3), np.float32)
    points[:, :2] = (200, 150)
    points[LEFT_WRIST] = (x, y, 0.9)
    return points


def test_a_dot_stays_under_its_joint_whatever_is_done_to_the_picture() -> None:
    followed = hidden = 0
    for seed in range(150):
        x, y = np.random.default_rng(seed + 1000).uniform((130, 90), (270, 290))
        with_dot, without = (
            augmented(
                picture, FACE, person(x, y), SPEC, np.random.default_rng(seed), 1.0, grey(90, 60)
            )
            for picture in (dotted(x, y), grey())
        )
        differs = np.abs(with_dot.crop.astype(int) - without.crop.astype(int)).sum(axis=2)
        shown = with_dot.visible > 0
        if shown.any():
            assert shown.sum() == 1
            assert shown[[LEFT_WRIST, RIGHT_WRIST]].any()
            rows, columns = np.nonzero(differs > differs.max() / 2)
            place = with_dot.places[shown][0]
            if (place > 5).all() and (place < (SPEC.width - 5, SPEC.height - 5)).all():
                np.testing.assert_allclose((columns.mean(), rows.mean()), place, atol=4.5)
                followed += 1
        else:
            hidden += 1
            place = with_dot.places[LEFT_WRIST if with_dot.weights[LEFT_WRIST] else RIGHT_WRIST]
            inside = (place > 0).all() and (place < (SPEC.width, SPEC.height)).all()
            # The dot's rim may stick out from under what hides its middle.
            assert not inside or (differs > 60).sum() < 120
    assert followed > 80
    assert hidden > 5


def test_the_same_draw_gives_the_same_sample() -> None:
    one, other = (
        augmented(
            dotted(200, 200), FACE, person(200, 200), SPEC, np.random.default_rng(7), 1.0, grey()
        )
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.crop, other.crop)
    np.testing.assert_array_equal(one.places, other.places)


def test_a_plain_sample_is_what_the_worker_shows() -> None:
    box = np.array([100, 40, 150, 300], np.float32)
    sample = plain(dotted(180, 200), box, person(180, 200), SPEC)
    left, top, scale = window(box, SPEC)
    np.testing.assert_allclose(
        sample.places[LEFT_WRIST], ((180 - left) * scale, (200 - top) * scale), rtol=1e-5
    )
    x, y = sample.places[LEFT_WRIST].round().astype(int)
    assert sample.crop[y, x].min() > 240


def _sample() -> Sample:
    crop = np.zeros((192, 128, 3), np.uint8)
    places = np.stack([np.linspace(4, 124, 17), np.linspace(10, 180, 17)], 1).astype(np.float32)
    full = np.full(17, 0.8, np.float32)
    return Sample(crop, places, full, full.copy())


@pytest.mark.parametrize("seed", range(12))
def test_joints_below_the_table_are_unseen_and_those_above_it_are_not(seed: int) -> None:
    before = _sample()
    random = np.random.default_rng(seed)
    other = np.full((50, 60, 3), 255, np.uint8)
    after = augment.cut_at_table(before, other, random)
    covered = after.crop.any(axis=2)
    columns, rows = before.places.T.astype(int)
    under = covered[np.minimum(rows + 2, 191), columns]
    over = ~covered[np.maximum(rows - 2, 0), columns]
    assert (after.visible[under & ~over] == 0).all()
    np.testing.assert_allclose(after.weights[under & ~over], 0.8 * HIDDEN_WEIGHT, rtol=1e-6)
    assert (after.visible[over & ~under] == np.float32(0.8)).all()
    assert covered.any()


@pytest.mark.parametrize("seed", range(8))
def test_joints_under_a_cover_are_unseen(seed: int) -> None:
    before = _sample()
    white = np.full((50, 60, 3), 255, np.uint8)
    after = augment.cover(before, white, np.random.default_rng(seed))
    columns, rows = before.places.T.astype(int)
    under = after.crop.any(axis=2)[rows, columns]
    np.testing.assert_array_equal(after.visible == 0, under)
    np.testing.assert_array_equal(after.places, before.places)


def test_joints_outside_the_input_are_neither_seen_nor_placed() -> None:
    box = np.array([100, 40, 60, 60], np.float32)
    sample = plain(grey(), box, person(380, 370), SPEC)
    assert sample.visible.max() == 0
    assert sample.weights.max() == 0


def test_without_strength_only_the_box_and_the_side_are_drawn() -> None:
    for seed in range(20):
        random = np.random.default_rng(seed)
        matrix = augment.drawn_matrix(
            np.array([100, 40, 150, 300], np.float32), SPEC, random, 0.0, mirrored=False
        )
        left, top, scale = window(np.array([100, 40, 150, 300], np.float32), SPEC)
        np.testing.assert_allclose(matrix[:, :2], [[scale, 0], [0, scale]], atol=1e-9)
        np.testing.assert_allclose(matrix[:, 2], (-left * scale, -top * scale), atol=1e-6)
