"""What the mesh's two networks take and say, as their authors define it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from readroom.messages import BLENDSHAPES
from readroom.models.crop import Square
from readroom.models.mesh import SUBSET, fill_face, points, presence
from readroom.models.registry import MESH_POINTS, REGISTRY

SPEC = REGISTRY["mediapipe_face_landmarks"].input


def test_points_and_coefficients_are_those_that_come_with_the_networks(shared_models: Path) -> None:
    said = json.loads((shared_models / "mediapipe_face_blendshapes.json").read_text())
    assert SUBSET.tolist() == said["idx"]
    assert list(BLENDSHAPES) == said["names"]
    assert REGISTRY["mediapipe_face_blendshapes"].classes == BLENDSHAPES


def test_of_all_points_those_of_the_second_network_are_taken_without_their_depth() -> None:
    said = np.arange(2 * 3 * MESH_POINTS, dtype=np.float32).reshape(2, 1, 1, -1)
    first, second = points(said)
    assert first.shape == (146, 2)
    assert first[1].tolist() == [3, 4]
    assert first[-1].tolist() == [3 * 477, 3 * 477 + 1]
    assert (second == first + 3 * MESH_POINTS).all()


def test_presence_is_the_sigmoid_of_what_the_network_says() -> None:
    logits = np.array([-1e9, -2, 0, 2, 1e9], np.float32).reshape(5, 1, 1, 1)
    assert presence(logits) == pytest.approx([0, 0.1192, 0.5, 0.8808, 1], abs=1e-4)


def test_a_face_goes_in_as_red_green_and_blue_up_to_1() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[:, 50:] = (51, 102, 255)
    out = np.empty((192, 192, 3), np.float32)
    fill_face(picture, Square(50, 50, 100), SPEC, out)
    assert out[96, 20].tolist() == [0, 0, 0]
    assert out[96, 180] == pytest.approx([1, 0.4, 0.2])
