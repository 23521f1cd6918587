from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="the lab needs PyTorch: pip install -e '.[lab]'")
pytest.importorskip("onnx", reason="the lab needs onnx: pip install -e '.[lab]'")

from readroom.errors import ReadroomError
from readroom.messages import EXPRESSIONS
from readroom.models.lab.expression import export as exporting
from readroom.models.lab.expression.export import export
from readroom.models.lab.expression.networks import build
from readroom.models.lab.expression.recipe import Recipe
from readroom.models.lab.expression.training import look, normalised
from readroom.models.lab.onnx_file import Exported
from tests.models.lab.expression.faces import drawn

RECIPE = Recipe(architecture="plain-b")


def exported(temperatures: tuple[float, float] = (1.0, 1.0)) -> Exported:
    return export(
        build("plain-b"), RECIPE, temperatures=temperatures, data_hash="d", faces=drawn(6).images
    )


def session(body: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(body, providers=["CPUExecutionProvider"])


def test_the_file_says_what_the_network_says_at_any_batch() -> None:
    made = exported()
    assert made.parity < 1e-4
    network = session(made.body)
    faces = normalised(drawn(5).images).numpy()
    together = network.run(None, {"image": faces})
    alone = [network.run(None, {"image": face[None]}) for face in faces]
    for head, width in ((0, 8), (1, 7)):
        assert together[head].shape == (5, width)
        np.testing.assert_allclose(together[head].sum(axis=1), 1, rtol=1e-5)
        np.testing.assert_allclose(
            together[head], np.concatenate([each[head] for each in alone]), atol=1e-5
        )


def test_the_file_describes_itself() -> None:
    told = session(exported((1.25, 0.8)).body).get_modelmeta().custom_metadata_map
    assert told["task"] == "expression"
    assert told["classes"] == ",".join(EXPRESSIONS)
    assert (told["input_size"], told["color"]) == ("48", "gray")
    assert told["crop"] == "scale=1.0,shift_y=0.0"
    assert (told["temperature"], told["recipe"], told["data"]) == ("1.2500", RECIPE.hash, "d")


def test_the_file_tells_nothing_of_the_machine_that_it_was_made_on() -> None:
    body = exported().body
    for place in (str(Path(__file__).parents[4]), str(Path(torch.__file__).parent), "Traceback"):
        assert place.encode() not in body
    assert b".py" not in body


def test_the_temperature_is_inside_the_file() -> None:
    network = build("plain-b").eval()
    faces = drawn(6).images
    made = export(network, RECIPE, temperatures=(2.0, 1.0), data_hash="d", faces=faces)
    said = session(made.body).run(["probabilities"], {"image": normalised(faces).numpy()})[0]
    logits = look(network, faces)[0] / 2
    wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(said, wanted, atol=1e-5)


def test_a_file_that_says_something_else_is_no_export(monkeypatch: pytest.MonkeyPatch) -> None:
    told = exporting.Probabilities.forward

    def lie(self: exporting.Probabilities, image: torch.Tensor) -> exporting.Logits:
        expression, fer2013 = told(self, image)
        return (expression if torch.compiler.is_exporting() else expression.flip(1)), fer2013

    monkeypatch.setattr(exporting.Probabilities, "forward", lie)
    with pytest.raises(ReadroomError, match="not exported"):
        exported()
