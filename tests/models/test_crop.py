from __future__ import annotations

import numpy as np
import pytest

from readroom.models.crop import CropRule, Square, cut_colour, cut_square, to_grey


def picture(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)


def test_a_square_of_the_pictures_own_size_is_the_picture() -> None:
    grey = picture(48, 48)
    np.testing.assert_array_equal(cut_square(grey, CropRule().square(0, 0, 48, 48), 48), grey)


def test_a_whole_pixel_move_shows_the_pixels_beside() -> None:
    grey = picture(100, 80)
    np.testing.assert_array_equal(
        cut_square(grey, Square(40 + 24, 10 + 24, 48), 48), grey[10:58, 40:88]
    )


def test_half_a_pixel_is_the_mean_of_two() -> None:
    ramp = np.tile(np.arange(0, 200, 2, np.uint8), (100, 1))
    assert cut_square(ramp, Square(50.5, 50, 48), 48)[0, 0] == ramp[0, 26] + 1


def test_the_rule_is_in_units_of_the_longer_side() -> None:
    square = CropRule(1.2, 0.1).square(10, 20, 30, 50)
    assert (square.x, square.y, square.side) == (25, 20 + 25 + 5, 60)


def test_a_turned_square_turns_its_content_the_other_way() -> None:
    grey = picture(48, 48)
    np.testing.assert_array_equal(cut_square(grey, Square(24, 24, 48, 90), 48), np.rot90(grey))


def test_shrinking_averages_instead_of_skipping() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (400, 200))
    small = cut_square(stripes, Square(200, 200, 384), 48)
    assert small.min() > 100
    assert small.max() < 155


def test_beyond_the_picture_its_edge_repeats() -> None:
    flat = np.full((40, 40), 90, np.uint8)
    assert (cut_square(flat, Square(0, 0, 60), 48) == 90).all()


def test_a_box_outside_of_the_picture_gives_its_edge_and_no_error() -> None:
    assert cut_square(picture(40, 40), Square(500, 500, 20), 48).shape == (48, 48)


def test_a_face_that_moves_by_less_than_a_pixel_changes_little() -> None:
    smooth = np.add.outer(np.arange(200.0), np.arange(200.0)) / 2
    grey = smooth.astype(np.uint8)
    here = cut_square(grey, Square(100.0, 100.0, 24), 48).astype(int)
    there = cut_square(grey, Square(100.4, 100.0, 24), 48).astype(int)
    assert np.abs(there - here).max() <= 1


@pytest.mark.parametrize("side", [20.0, 48.0, 300.0])
def test_colour_and_grey_pictures_give_the_same_square(side: float) -> None:
    grey = picture(320, 320)
    colour = np.repeat(grey[..., None], 3, axis=2)
    square = Square(150.3, 160.7, side)
    difference = cut_square(colour, square, 48).astype(int) - cut_square(grey, square, 48)
    assert np.abs(difference).max() <= 1
    np.testing.assert_array_equal(to_grey(grey), grey)


def test_a_coloured_square_is_the_grey_one_in_each_colour() -> None:
    planes = [picture(90, 70, seed) for seed in range(3)]
    square = Square(41.3, 30.8, 60, 17)
    for size_px in (20, 112):
        coloured = cut_colour(np.dstack(planes), square, size_px)
        assert coloured.shape == (size_px, size_px, 3)
        for number, plane in enumerate(planes):
            np.testing.assert_array_equal(coloured[..., number], cut_square(plane, square, size_px))
