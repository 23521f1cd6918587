"""Pictures become network inputs as the specification says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from readroom.models.boxes import Floats
from readroom.models.detection import lay_in, letterbox
from readroom.models.inputs import resize, to_planes
from readroom.models.registry import REGISTRY, InputSpec
from readroom.pixels import Picture
from readroom.workers.engines.inputs import crop_face, cut


def flat(height: int, width: int, color: tuple[int, int, int] = (10, 20, 30)) -> Picture:
    return np.full((height, width, 3), color, np.uint8)


def box(*values: float) -> Floats:
    return np.array(values, np.float32)


@given(st.integers(1, 10000), st.integers(1, 10000), st.integers(160, 1920))
def test_any_picture_fits_its_input(width: int, height: int, longest: int) -> None:
    laid = letterbox(width, height, longest, enlarge=False)
    assert 1 <= laid.width <= longest
    assert 1 <= laid.height <= longest
    rows, columns = laid.padded(32)
    assert rows % 32 == 0
    assert columns % 32 == 0
    assert 0 <= rows - laid.height < 32
    assert 0 <= columns - laid.width < 32


def test_a_small_picture_is_enlarged_only_where_asked() -> None:
    assert letterbox(320, 180, 640, enlarge=False).scale == 1
    assert letterbox(320, 180, 640, enlarge=True).width == 640


def test_a_picture_is_laid_top_left_and_the_rest_is_filled() -> None:
    spec = InputSpec(0, 0, "bgr", "letterbox", fill=114, stride=32)
    out = np.full((3, 32, 64), np.nan, np.float32)
    lay_in(flat(20, 40), letterbox(40, 20, 640, enlarge=False), spec, out)
    assert (out[:, :20, :40] == np.array([10, 20, 30])[:, None, None]).all()
    assert (out[:, 20:, :] == 114).all()
    assert (out[:, :, 40:] == 114).all()


def test_rgb_networks_get_red_first_and_normalised() -> None:
    spec = REGISTRY["tinypose_128x96"].input
    out = np.empty((3, 4, 4), np.float32)
    to_planes(flat(4, 4, (0, 128, 255)), spec, out)
    expected = [(1 - 0.485) / 0.229, (128 / 255 - 0.456) / 0.224, (0 - 0.406) / 0.225]
    assert out[:, 0, 0] == pytest.approx(expected, abs=1e-5)


def test_grey_networks_get_minus_one_to_one() -> None:
    spec = REGISTRY["mini_xception_fer2013"].input
    out = np.empty((1, 64, 64), np.float32)
    crop_face(flat(100, 100, (255, 255, 255)), box(10, 10, 50, 80), spec, out)
    assert (out == 1).all()
    crop_face(flat(100, 100, (0, 0, 0)), box(10, 10, 50, 80), spec, out)
    assert (out == -1).all()


def test_a_tall_face_is_padded_with_zeros_at_both_sides() -> None:
    spec = REGISTRY["faceapi_expression"].input
    out = np.empty((3, 112, 112), np.float32)
    crop_face(flat(200, 200, (50, 50, 50)), box(20, 20, 56, 112), spec, out)
    assert (out[:, :, 28:84] == 50).all()
    assert (out[:, :, :28] == 0).all()
    assert (out[:, :, 84:] == 0).all()


@given(st.integers(1, 40), st.integers(1, 40), *[st.floats(-60, 60)] * 2, *[st.floats(0, 120)] * 2)
def test_any_box_cuts_at_least_a_pixel_of_any_picture(
    height: int, width: int, x: float, y: float, box_width: float, box_height: float
) -> None:
    taken = cut(flat(height, width), box(x, y, box_width, box_height))
    assert taken.shape[0] >= 1
    assert taken.shape[1] >= 1


def test_shrinking_averages_a_fine_texture() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    assert resize(stripes, 8, 8) == pytest.approx(100, abs=1)


def test_a_picture_of_the_right_size_is_not_copied() -> None:
    picture = flat(8, 8)
    assert resize(picture, 8, 8) is picture
