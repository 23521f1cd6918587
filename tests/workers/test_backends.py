"""Networks run as the backend's interface promises, and wrong files are refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from readroom.errors import BadSettings, ReadroomError
from readroom.models.files import ModelFile
from readroom.models.registry import REGISTRY
from readroom.settings import load_settings
from readroom.workers.assembly import assemble
from readroom.workers.backends import backend_for
from readroom.workers.backends.base import Profile
from readroom.workers.backends.onnxruntime import OnnxNetwork, OnnxRuntime
from tests.workers.conftest import Load

EXPRESSION = REGISTRY["faceapi_expression"]
FACE = Profile((1, 3, 112, 112), (4, 3, 112, 112), (32, 3, 112, 112))


def load_as(file: Path, **changes: Any) -> OnnxNetwork:
    """Load a file as if it were the expression network."""
    model = ModelFile(replace(EXPRESSION, **changes), file, file.read_bytes())
    return OnnxRuntime().load(model, "cpu", {"input": FACE})


def test_a_batch_gives_what_its_items_give_alone(load: Load) -> None:
    network = load("faceapi_expression")
    faces = np.random.default_rng(2).uniform(0, 255, (3, 3, 112, 112)).astype(np.float32)
    together = network.run({"input": faces})["probs"].copy()
    alone = [network.run({"input": face[None]})["probs"][0].copy() for face in faces]
    assert together == pytest.approx(np.stack(alone), abs=1e-5)


def test_names_shapes_and_types_are_told(load: Load) -> None:
    network = load("yunet_n_dynamic")
    assert network.inputs[0].name == "input"
    assert network.inputs[0].shape == (None, 3, None, None)
    assert network.inputs[0].dtype == np.float32
    assert len(network.outputs) == 12


def test_an_input_buffer_is_used_again_and_grows(load: Load) -> None:
    network = load("faceapi_expression")
    large = network.input_buffer("input", (4, 3, 112, 112))
    small = network.input_buffer("input", (2, 3, 112, 112))
    assert np.shares_memory(large, small)
    assert small.flags.c_contiguous
    assert network.input_buffer("input", (8, 3, 112, 112)).shape == (8, 3, 112, 112)


def test_warm_up_takes_any_batch_and_a_submission_can_be_waited_for(load: Load) -> None:
    network = load("faceapi_expression")
    network.warm_up((1, 3))
    pending = network.submit({"input": np.zeros((2, 3, 112, 112), np.float32)})
    assert pending.result()["probs"].sum(axis=1) == pytest.approx([1, 1], abs=1e-4)


def test_batches_are_bounded_by_count_and_for_large_pictures_by_size(load: Load) -> None:
    assert load("faceapi_expression").max_batch == 8
    assert load("yunet_n_dynamic").max_batch == 1


def test_a_closed_network_does_not_run(load: Load) -> None:
    network = load("mini_xception_fer2013")
    network.close()
    with pytest.raises(AttributeError):
        network.run({"input": np.zeros((1, 1, 64, 64), np.float32)})


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        ("mini_xception_fer2013", "input input is n×1×64×64, not n×3×112×112"),
        ("tinypose_128x96", r"no input named input \(it has image\)"),
        ("fsanet_1x1", "input input is n×3×64×64, not n×3×112×112"),
    ],
)
def test_another_network_under_the_right_name_is_refused(
    shared_models: Path, other: str, complaint: str
) -> None:
    with pytest.raises(ReadroomError, match=f"not the network faceapi_expression: {complaint}"):
        load_as(shared_models / f"{other}.onnx")


def test_a_network_with_other_outputs_is_refused(shared_models: Path) -> None:
    with pytest.raises(ReadroomError, match="output probs is n×7, not n×8"):
        load_as(shared_models / EXPRESSION.file, outputs=MappingProxyType({"probs": (0, 8)}))


def test_a_file_that_is_no_network_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "face.onnx"
    path.write_text("not a network\nat all")
    with pytest.raises(ReadroomError) as caught:
        load_as(path)
    assert str(caught.value).startswith(f"{path}: not a network that ONNX Runtime can load")
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("no_packaged_weights")
def test_a_worker_refuses_to_start_with_a_wrong_hash(tmp_path: Path, shared_models: Path) -> None:
    shutil.copy(shared_models / EXPRESSION.file, tmp_path / "yunet_n_dynamic.onnx")
    with pytest.raises(BadSettings, match=r"yunet_n_dynamic\.onnx: wrong SHA-256"):
        assemble(load_settings(models=tmp_path))


@pytest.mark.usefixtures("no_packaged_weights")
def test_a_right_hash_with_a_wrong_shape_is_refused_too(
    tmp_path: Path, shared_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = shutil.copy(shared_models / "mini_xception_fer2013.onnx", tmp_path / EXPRESSION.file)
    lying = replace(EXPRESSION, sha256=sha256(Path(file).read_bytes()).hexdigest())
    monkeypatch.setattr("readroom.models.choice.REGISTRY", {**REGISTRY, EXPRESSION.name: lying})
    with pytest.raises(ReadroomError, match="not the network faceapi_expression"):
        assemble(load_settings(models=tmp_path))


def test_a_lane_that_can_run_nothing_refuses_to_start() -> None:
    with pytest.raises(BadSettings, match=r"workers\.engines=pose: nothing to run"):
        assemble(load_settings(workers={"engines": ("pose",)}))


def test_a_device_without_a_backend_is_refused() -> None:
    with pytest.raises(BadSettings, match=r"workers\.device=cuda:1"):
        backend_for("cuda:1")
