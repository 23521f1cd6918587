"""A face reaches the project's own network through a worker as it does in the lab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from readroom.errors import BadSettings, ReadroomError
from readroom.messages import EXPRESSIONS, Box
from readroom.models.boxes import Floats
from readroom.models.crop import CropRule, cut_square
from readroom.models.files import read_own
from readroom.models.inputs import face_input
from readroom.models.registry import OWN
from readroom.pixels import Picture
from readroom.settings import load_settings
from readroom.workers.assembly import assemble
from readroom.workers.backends.base import Profile
from readroom.workers.backends.onnxruntime import OnnxNetwork, OnnxRuntime
from readroom.workers.engines.expression import ExpressionReader
from tests.models.own_network import own_detector, own_network, own_pose

PROFILE = Profile((1, 1, 48, 48), (4, 1, 48, 48), (8, 1, 48, 48))
#: As a detector gives them: no whole pixels, and one that reaches beyond the picture.
BOXES = np.array(
    [[200.3, 60.7, 61.4, 80.2], [10.0, 9.5, 24.6, 30.1], [600.5, 300.2, 70.0, 90.0]], np.float32
)


class Listening:
    """A loaded network, and what it was fed."""

    def __init__(self, network: OnnxNetwork) -> None:
        self._network = network
        self.fed: list[Floats] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def submit(self, feeds: Any) -> Any:
        self.fed.append(feeds["image"].copy())
        return self._network.submit(feeds)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "expression.onnx"
    path.write_bytes(own_network())
    return path


def loaded(path: Path) -> tuple[Listening, ExpressionReader]:
    model = read_own(path, "expression")
    network = Listening(OnnxRuntime().load(model, "cpu", {"image": PROFILE}))
    return network, ExpressionReader(network, model.entry)  # type: ignore[arg-type]


def test_a_face_gives_the_same_tensor_in_the_worker_and_in_the_lab(
    path: Path, noise: Picture
) -> None:
    network, reader = loaded(path)
    picture = cv2.GaussianBlur(noise, (0, 0), 2).astype(np.uint8)
    reader.submit([(picture, box) for box in BOXES]).result()
    spec = read_own(path, "expression").entry.input
    in_lab = np.empty((len(BOXES), 1, 48, 48), np.float32)
    for box, out in zip(BOXES, in_lab, strict=True):
        face_input(picture, box, spec, out)
    assert len(network.fed) == 1
    assert np.array_equal(network.fed[0], in_lab)


def test_the_tensor_is_the_square_that_the_metadata_name_normalised_as_they_say(
    path: Path, noise: Picture
) -> None:
    network, reader = loaded(path)
    reader.submit([(noise, BOXES[0])]).result()
    grey = cut_square(noise, CropRule(1.1, -0.05).square(*BOXES[0].tolist()), 48)
    assert network.fed[0][0, 0] == pytest.approx((grey / 255 - 0.5) / 0.25, abs=1e-5)


def test_the_calibrated_output_is_what_is_said_of_a_face(path: Path, noise: Picture) -> None:
    network, reader = loaded(path)
    said = reader.submit([(noise, box) for box in BOXES]).result()
    wanted = network.run({"image": network.fed[0]})["probabilities"]
    assert said == pytest.approx(wanted)
    assert said.sum(axis=1) == pytest.approx(1)


def test_columns_in_another_order_are_put_into_the_programs(tmp_path: Path, noise: Picture) -> None:
    turned = tuple(reversed(EXPRESSIONS))
    for name, classes in (("one", EXPRESSIONS), ("two", turned)):
        (tmp_path / name).write_bytes(own_network(classes_said=",".join(classes)))
    (first,), (second,) = (
        loaded(tmp_path / name)[1].submit([(noise, BOXES[0])]).result() for name in ("one", "two")
    )
    assert first == pytest.approx(second[::-1])


def test_a_worker_runs_a_network_of_ones_own(path: Path, noise: Picture) -> None:
    assembled = assemble(load_settings(models=path.parent))
    assert assembled.analyser.models["expression"].startswith("readroom_expression_1_")
    assert "expression" not in assembled.missing


def test_a_worker_runs_nothing_but_networks_of_ones_own(path: Path) -> None:
    path.with_name(OWN["faces"].file).write_bytes(own_detector())
    path.with_name(OWN["keypoints"].file).write_bytes(own_pose())
    analyser = assemble(load_settings(models=path.parent)).analyser
    for engine, name in (("face", "faces"), ("expression", "expression"), ("pose", "keypoints")):
        assert analyser.models[engine].startswith(f"readroom_{name}_1")  # type: ignore[index]
    picture = np.zeros((360, 640, 3), np.uint8)
    picture[160:192, 320:352] = 255
    (seen,) = analyser.analyse([picture])
    (face,), (body,) = seen.faces, seen.bodies
    assert face.box == Box(320, 160, 32, 32)
    assert face.expression is not None
    # The middle of a box to either side of the face's and from half a face above it to the waist.
    assert body.keypoints[0] == pytest.approx((336, 160 + (5 - 0.5) / 2 * 32, 0.5))
    assert body.face == 0


def test_a_worker_does_not_replace_a_network_that_was_asked_for(path: Path) -> None:
    path.with_name(OWN["faces"].file).write_bytes(own_detector())
    settings = load_settings(models=path.parent, workers={"networks": ("yunet_n_dynamic",)})
    with pytest.raises(BadSettings, match="names yunet_n_dynamic, which isn't at hand; `readroom"):
        assemble(settings)


def test_a_worker_refuses_to_start_with_a_network_that_lies(path: Path) -> None:
    path.write_bytes(own_network(size=64))
    with pytest.raises(BadSettings, match="but its metadata say 1×48×48"):
        assemble(load_settings(models=path.parent))


def test_a_file_that_was_swapped_after_it_was_described_is_not_loaded(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from readroom.workers import assembly

    choose = assembly.choose

    def then_swapped(settings: Any, task: Any) -> Any:
        chosen = choose(settings, task)
        if task == "expression":
            path.write_bytes(own_network(seed=9))
        return chosen

    monkeypatch.setattr(assembly, "choose", then_swapped)
    with pytest.raises(ReadroomError, match="wrong SHA-256"):
        assemble(load_settings(models=path.parent))
