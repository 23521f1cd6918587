from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

pytest.importorskip("torch", reason="the lab needs PyTorch: pip install -e '.[lab]'")
pytest.importorskip("onnx", reason="the lab needs onnx: pip install -e '.[lab]'")

from readroom.errors import BadSettings, ReadroomError
from readroom.messages import EXPRESSIONS
from readroom.models.lab import export as exporting
from readroom.models.lab.export import export
from readroom.models.lab.networks import build
from readroom.models.lab.recipe import Recipe
from readroom.models.lab.training import look, normalised
from tests.models.lab.faces import drawn

RECIPE = Recipe(architecture="plain-b")


def exported(path: Path, temperatures: tuple[float, float] = (1.0, 1.0)) -> exporting.Exported:
    return export(
        build("plain-b"),
        RECIPE,
        path,
        temperatures=temperatures,
        data_hash="d",
        faces=drawn(6).images,
    )


def test_the_file_says_what_the_network_says_at_any_batch(tmp_path: Path) -> None:
    written = exported(tmp_path / "expression.onnx")
    assert written.parity < 1e-4
    session = onnxruntime.InferenceSession(written.path, providers=["CPUExecutionProvider"])
    faces = normalised(drawn(5).images).numpy()
    together = session.run(None, {"image": faces})
    alone = [session.run(None, {"image": face[None]}) for face in faces]
    for head, width in ((0, 8), (1, 7)):
        assert together[head].shape == (5, width)
        np.testing.assert_allclose(together[head].sum(axis=1), 1, rtol=1e-5)
        np.testing.assert_allclose(
            together[head], np.concatenate([each[head] for each in alone]), atol=1e-5
        )


def test_the_file_describes_itself(tmp_path: Path) -> None:
    written = exported(tmp_path / "expression.onnx", (1.25, 0.8))
    session = onnxruntime.InferenceSession(written.path, providers=["CPUExecutionProvider"])
    told = session.get_modelmeta().custom_metadata_map
    assert told["task"] == "expression"
    assert told["classes"] == ",".join(EXPRESSIONS)
    assert (told["input_size"], told["color"]) == ("48", "gray")
    assert told["crop"] == "scale=1.0,shift_y=0.0"
    assert (told["temperature"], told["recipe"], told["data"]) == ("1.2500", RECIPE.hash, "d")


def test_the_temperature_is_inside_the_file(tmp_path: Path) -> None:
    network = build("plain-b").eval()
    path = tmp_path / "expression.onnx"
    faces = drawn(6).images
    export(network, RECIPE, path, temperatures=(2.0, 1.0), data_hash="d", faces=faces)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    said = session.run(["probabilities"], {"image": normalised(faces).numpy()})[0]
    logits = look(network, faces)[0] / 2
    wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(said, wanted, atol=1e-5)


def test_a_file_that_says_something_else_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PARITY", -1.0)
    with pytest.raises(ReadroomError, match="not written"):
        exported(tmp_path / "expression.onnx")
    assert not (tmp_path / "expression.onnx").exists()


def test_a_folder_that_cant_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadSettings, match="can't be written"):
        exported(tmp_path / "file" / "expression.onnx")
