"""A face gives the same tensor, and the same probabilities, in training and in the product."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab needs PyTorch: pip install -e '.[lab]'")
pytest.importorskip("onnx", reason="the lab needs onnx: pip install -e '.[lab]'")

from readroom.models.boxes import Floats
from readroom.models.crop import CropRule, cut_square
from readroom.models.files import read_own
from readroom.models.inputs import face_input
from readroom.models.lab.expression.classifiers import OnnxClassifier
from readroom.models.lab.expression.dataset import SIDE_PX
from readroom.models.lab.expression.export import export
from readroom.models.lab.expression.networks import Network, build
from readroom.models.lab.expression.recipe import Recipe
from readroom.models.lab.expression.training import look, normalised
from readroom.models.registry import InputSpec
from tests.models.lab.expression.faces import drawn

#: Of the FER+ head and of the FER-2013 head.
TEMPERATURES = (1.4, 0.7)


@pytest.fixture(scope="module")
def network() -> Network:
    """Random weights, and heads that tell faces apart, so that an error shows."""
    torch.manual_seed(3)
    made = build("plain-b").eval()
    with torch.no_grad():
        features = made.features(normalised(drawn(8).images))
        for head in (made.expression, made.fer2013):
            head.weight.div_(features.std(dim=0).mean())
            head.bias.copy_(-head.weight @ features.mean(dim=0))
    return made


@pytest.fixture(scope="module")
def exported(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "expression.onnx"
    made = export(
        network,
        Recipe(architecture="plain-b"),
        temperatures=TEMPERATURES,
        data_hash="d",
        faces=drawn(4).images,
    )
    path.write_bytes(made.body)
    return path


@pytest.fixture(scope="module")
def spec(exported: Path) -> InputSpec:
    """What the product reads from the file."""
    return read_own(exported, "expression").entry.input


def product_input(picture: np.ndarray, box: Floats, spec: InputSpec) -> Floats:
    out = np.full((1, spec.height, spec.width), np.nan, np.float32)
    face_input(picture, box, spec, out)
    return out


def test_a_grey_picture_gives_the_product_the_tensor_that_training_saw(spec: InputSpec) -> None:
    faces = drawn(8).images
    whole = np.array([0, 0, SIDE_PX, SIDE_PX], np.float32)
    in_product = np.stack([product_input(face, whole, spec) for face in faces])
    np.testing.assert_allclose(in_product, normalised(faces).numpy(), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "box",
    [(210.3, 80.6, 97.2, 131.9), (40.5, 30.25, 22.5, 19.75), (-12.0, 150.4, 70.0, 88.0)],
    ids=["shrunk", "enlarged", "over the edge"],
)
def test_a_face_cut_out_of_a_frame_gives_the_tensor_that_training_would_see(
    box: tuple[float, float, float, float], spec: InputSpec
) -> None:
    random = np.random.default_rng(5)
    frame = cv2.resize(random.integers(0, 256, (30, 40, 3), np.uint8), (400, 300))
    where = np.array(box, np.float32)
    square = CropRule(1.0, 0.0).square(*where.tolist())
    in_training = normalised(cut_square(frame, square, SIDE_PX)[None]).numpy()[0]
    in_product = product_input(frame, where, spec)
    assert in_training.std() > 0.1
    np.testing.assert_allclose(in_product, in_training, rtol=0, atol=1e-6)


def test_the_exported_file_says_what_the_network_says_at_its_temperatures(
    network: Network, exported: Path
) -> None:
    faces = drawn(8, seed=1).images
    said = OnnxClassifier(exported).predict(faces)
    for found, logits, temperature in zip(
        (said.ferplus, said.fer2013), look(network, faces), TEMPERATURES, strict=True
    ):
        wanted = torch.softmax(torch.from_numpy(logits) / temperature, dim=1).numpy()
        assert wanted.std(axis=0).max() > 0.05
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)
