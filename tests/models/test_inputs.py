"""A face becomes a network's input by the rule that its file gives, subpixel and normalised."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from readroom.models.boxes import Floats
from readroom.models.crop import CropRule, cut_square
from readroom.models.inputs import face_input, normalise
from readroom.models.registry import InputSpec

SPEC = InputSpec(48, 48, "grey", "face", scale=1 / 255, mean=(0.5,), std=(0.25,))


def box(*values: float) -> Floats:
    return np.array(values, np.float32)


def empty(spec: InputSpec = SPEC) -> Floats:
    return np.full((1, spec.height, spec.width), np.nan, np.float32)


def test_a_picture_of_the_inputs_size_is_only_normalised() -> None:
    picture = np.random.default_rng(1).integers(0, 255, (48, 48), np.uint8)
    out = empty()
    face_input(picture, box(0, 0, 48, 48), SPEC, out)
    assert out[0] == pytest.approx((picture / 255 - 0.5) / 0.25, abs=1e-5)


def test_the_square_is_scaled_and_shifted_in_units_of_the_boxs_longer_side() -> None:
    picture = np.random.default_rng(2).integers(0, 255, (200, 300), np.uint8)
    picture = cv2.GaussianBlur(picture, (0, 0), 3).astype(np.uint8)
    spec = InputSpec(48, 48, "grey", "face", margin_ratio=1.2, shift_ratio=0.1)
    out = empty(spec)
    face_input(picture, box(100, 50, 40, 60), spec, out)
    # Side 72 around (120, 80 + 6): the same 48 px square, cut out and shrunk by OpenCV.
    wanted = cv2.resize(picture[50:122, 84:156], (48, 48), interpolation=cv2.INTER_LINEAR)
    assert np.abs(out[0] - wanted).mean() < 1


def test_colour_becomes_grey_as_in_training() -> None:
    picture = np.empty((60, 60, 3), np.uint8)
    picture[:] = (10, 100, 200)  # BGR
    spec = InputSpec(48, 48, "grey", "face")
    out = empty(spec)
    face_input(picture, box(10, 10, 30, 40), spec, out)
    assert out == pytest.approx(0.114 * 10 + 0.587 * 100 + 0.299 * 200, abs=1)


@given(
    *[st.integers(1, 60)] * 2,
    *[st.floats(-80, 80)] * 2,
    *[st.floats(1, 200)] * 2,
    st.floats(0.25, 4),
    st.floats(-1, 1),
)
@settings(max_examples=150, deadline=None)
def test_any_box_of_any_picture_fills_the_whole_input(
    height: int, width: int, x: float, y: float, w: float, h: float, scale: float, shift: float
) -> None:
    spec = InputSpec(24, 24, "grey", "face", margin_ratio=scale, shift_ratio=shift)
    out = empty(spec)
    face_input(np.full((height, width, 3), 77, np.uint8), box(x, y, w, h), spec, out)
    assert (out == 77).all()


def test_a_box_moved_by_less_than_a_pixel_moves_the_input() -> None:
    ramp = np.tile(np.arange(0, 250, 5, dtype=np.uint8), (50, 1))
    rule = CropRule()
    first, second = (
        cut_square(ramp, rule.square(left, 10, 24, 24), 48).mean() for left in (10.0, 10.4)
    )
    assert second - first == pytest.approx(5 * 0.4, abs=0.1)


def test_each_channel_has_its_own_mean_and_deviation() -> None:
    spec = InputSpec(2, 2, "rgb", "stretch", 1 / 255, mean=(0.1, 0.2, 0.3), std=(0.5, 1.0, 2.0))
    planes = np.full((3, 2, 2), 255, np.float32)
    normalise(planes, spec)
    assert planes[:, 0, 0] == pytest.approx([0.9 / 0.5, 0.8, 0.35])
