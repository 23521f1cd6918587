"""An exported pose network says what PyTorch says, and a worker can read it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab isn't installed: pip install -e '.[lab]'")
pytest.importorskip("onnxscript", reason="the lab isn't installed: pip install -e '.[lab]'")

from readroom.models.lab.poses.augment import plain
from readroom.models.lab.poses.export import export
from readroom.models.lab.poses.networks import Keypoints, build, input_of
from readroom.models.lab.poses.posers import Poser
from readroom.models.lab.poses.recipe import Recipe
from readroom.models.lab.poses.training import look
from tests.models.lab.poses.people import crowd


def test_the_file_says_what_the_network_says_in_the_pictures_own_pixels(tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = build("maps-tiny").eval()
    spec = input_of(network)
    picture = crowd(1).pictures[0]
    boxes = np.array([[10, 5, 90, 150], [30, 20, 50, 60]], np.float32)
    nowhere = np.zeros((17, 3), np.float32)
    crops = np.stack([plain(picture, box, nowhere, spec).crop for box in boxes])
    recipe = Recipe(architecture="maps-tiny")
    made = export(network, recipe, sharpness=2.0, data_hash="abc", crops=crops)
    path = tmp_path / "pose.onnx"
    path.write_bytes(made.body)
    poser = Poser(path)
    assert (poser.entry.input.width, poser.entry.input.height) == (64, 96)
    assert poser.entry.input.margin_ratio == spec.margin_ratio
    said = look(network, crops, 2.0)
    for box, found, wanted in zip(boxes, poser.look(picture, boxes), said, strict=True):
        left = box[0] + box[2] / 2
        scale = 64 / (max(box[2], box[3] * 64 / 96) * spec.margin_ratio)
        np.testing.assert_allclose(found[:, 0], left + (wanted[:, 0] - 32) / scale, atol=0.05)
        np.testing.assert_allclose(found[:, 2], wanted[:, 2], atol=1e-4)
    assert made.described["teacher"] == "24da57b993fe"


def test_sharpness_draws_places_to_the_highest_peak_and_leaves_scores() -> None:
    torch.manual_seed(3)
    network = build("maps-tiny").eval()
    torch.nn.init.uniform_(network.prominence, 0.1, 0.5)
    people = torch.rand(2, 3, 96, 64)
    with torch.inference_mode():
        maps = network(people).maps.flatten(2)
        plain, sharp = Keypoints(network)(people), Keypoints(network, 1e6)(people)
    np.testing.assert_allclose(sharp[..., 2], plain[..., 2], atol=1e-5)
    highest = maps.argmax(2)
    np.testing.assert_allclose(sharp[..., 0], (highest % 16) * 4 + 2, atol=0.5)
    np.testing.assert_allclose(sharp[..., 1], (highest // 16) * 4 + 2, atol=0.5)
