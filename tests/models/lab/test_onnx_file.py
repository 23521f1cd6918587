from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="the lab needs PyTorch: pip install -e '.[lab]'")
pytest.importorskip("onnxscript", reason="the lab needs onnxscript: pip install -e '.[lab]'")

from torch import Tensor, nn

from readroom.errors import BadSettings, ReadroomError
from readroom.models.lab.network_files import count_parameters
from readroom.models.lab.onnx_file import Exported, export, write, written


class Edges(nn.Module):
    """One output, any batch, any multiple of 4 in height and width."""

    def __init__(self, drift: float = 0.0) -> None:
        super().__init__()
        self.weigh = nn.Conv2d(1, 2, 4, 4)
        self.drift = drift

    def forward(self, image: Tensor) -> Tensor:
        return self.weigh(image) + (0.0 if torch.compiler.is_exporting() else self.drift)


class Torn(nn.Module):
    """Two outputs, of which in PyTorch the second is no number."""

    def __init__(self) -> None:
        super().__init__()
        self.edges = Edges()

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        whole = self.edges(image)
        return whole, whole + (0.0 if torch.compiler.is_exporting() else float("nan"))


def exported(module: nn.Module, outputs: Sequence[str] = ("edges",)) -> Exported:
    cells = {axis: torch.export.Dim(name, min=1, max=64) for axis, name in ((2, "y"), (3, "x"))}
    return export(
        module.eval(),
        (torch.zeros(2, 1, 16, 24),),
        inputs=["image"],
        outputs=outputs,
        dynamic_shapes=({0: torch.export.Dim("batch")} | {a: 4 * d for a, d in cells.items()},),
        described={"task": "edges", "version": "1"},
        seen=(torch.rand(3, 1, 32, 8),),
        allowed=1e-4,
    )


def test_a_module_of_any_size_becomes_a_file_that_says_the_same() -> None:
    module = Edges()
    made = exported(module)
    assert made.parity < 1e-5
    assert made.parameters == 2 * 16 + 2
    session = onnxruntime.InferenceSession(made.body, providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map == made.described
    for shape in ((1, 1, 4, 4), (5, 1, 12, 40)):
        image = torch.rand(*shape)
        with torch.no_grad():
            np.testing.assert_allclose(
                session.run(["edges"], {"image": image.numpy()})[0], module(image), atol=1e-5
            )


def test_parameters_are_counted_in_the_file_as_of_anybodys_network() -> None:
    normalisation = nn.BatchNorm2d(2)
    nn.init.ones_(normalisation.bias)
    made = exported(nn.Sequential(nn.Conv2d(1, 2, 4, 4, bias=False), normalisation))
    # The scales of the normalisation have gone into the weights.
    assert made.parameters == count_parameters(made.body) == 2 * 16 + 2


def test_a_file_that_says_something_else_is_told_by_how_much() -> None:
    with pytest.raises(ReadroomError, match=r"file's outputs differ from PyTorch's by 0\.5 "):
        exported(Edges(drift=0.5))


def test_no_number_in_any_output_is_a_difference() -> None:
    with pytest.raises(ReadroomError, match="differ from PyTorch's by nan"):
        exported(Torn(), ("whole", "torn"))


def test_what_was_measured_takes_its_name_only_if_all_went_well(tmp_path: Path) -> None:
    path = tmp_path / "new" / "own.onnx"

    def measure(fails: bool) -> None:
        with written(path, b"body") as part:
            assert part.read_bytes() == b"body"
            assert not path.exists()
            if fails:
                raise ReadroomError("not measured")

    with pytest.raises(ReadroomError, match="not measured"):
        measure(fails=True)
    assert list(path.parent.iterdir()) == []
    measure(fails=False)
    assert [each.name for each in path.parent.iterdir()] == ["own.onnx"]


def test_a_place_that_cant_be_written_to_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(BadSettings, match="can't be written"),
        written(tmp_path / "file" / "own.onnx", b"body"),
    ):
        pass


def test_a_name_that_cant_be_taken_is_one_line_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "own.onnx").mkdir()
    with pytest.raises(BadSettings, match="can't be written"):
        write(tmp_path / "own.onnx", b"body")
    assert [each.name for each in tmp_path.iterdir()] == ["own.onnx"]
