"""From a checkpoint to a file that says everything about itself.

The averaged weights are exported with normalisation folded into the convolutions and the
temperatures into the heads, so that what comes out is calibrated as it is. Operators are few and
plain; opset 18 is read by ONNX Runtime since 1.14 and by TensorRT 10 and 11.
"""

from __future__ import annotations

import copy
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from readroom.errors import ReadroomError
from readroom.messages import EXPRESSIONS
from readroom.models.lab.dataset import FER2013, SIDE_PX, Images
from readroom.models.lab.framing import INPUT
from readroom.models.lab.networks import Logits, Network, build
from readroom.models.lab.recipe import Recipe
from readroom.models.lab.training import load_weights, normalised, read_checkpoint

OPSET: Final = 18
#: Largest difference between PyTorch's probabilities and the file's that is rounding.
PARITY: Final = 1e-4
#: Grows when an exported network answers differently for the same face.
VERSION: Final = "1"


@dataclass(frozen=True, slots=True)
class Exported:
    """An ONNX file's contents, the largest difference from PyTorch's probabilities, and what the
    file says of itself."""

    body: bytes
    parameters: int
    parity: float
    described: dict[str, str]


class Probabilities(nn.Module):
    """A network whose heads are calibrated and give probabilities."""

    def __init__(self, network: Network, temperatures: tuple[float, float]) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).eval()
        heads = (self.network.expression, self.network.fer2013)
        with torch.no_grad():
            for head, temperature in zip(heads, temperatures, strict=True):
                head.weight.div_(temperature)
                head.bias.div_(temperature)

    def forward(self, image: Tensor) -> Logits:
        """Probabilities [b, 8] and [b, 7] of faces [b, 1, 48, 48]."""
        expression, fer2013 = self.network(image)
        return torch.softmax(expression, dim=1), torch.softmax(fer2013, dim=1)


def read_network(checkpoint: Path) -> tuple[Network, Recipe]:
    """The averaged network of a checkpoint, ready to look. Raises BadSettings."""
    recipe, held = read_checkpoint(checkpoint)
    network = build(recipe.architecture)
    load_weights(network, held["average"], checkpoint)
    return network.eval(), recipe


def export(
    network: Network,
    recipe: Recipe,
    *,
    temperatures: tuple[float, float],
    data_hash: str,
    faces: Images,
) -> Exported:
    """The network as an ONNX file's contents, checked against PyTorch on ``faces`` uint8
    [n, 48, 48]. Raises ReadroomError where it doesn't say what the network says.
    """
    wrapped = Probabilities(network.cpu(), temperatures).eval()
    program = _to_onnx(wrapped)
    for node in program.graph.node:
        # The exporter leaves stack traces there: paths of the machine that it ran on.
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    described = describe(recipe, temperatures, data_hash)
    for key, value in described.items():
        program.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(program, full_check=True)
    body = program.SerializeToString()
    parity = _difference(wrapped, body, faces)
    if not parity <= PARITY:
        raise ReadroomError(
            f"not exported: the file's probabilities differ from PyTorch's by {parity:.2g} "
            f"(allowed: {PARITY:g}); try another PyTorch version"
        )
    return Exported(body, sum(part.numel() for part in network.parameters()), parity, described)


def describe(recipe: Recipe, temperatures: tuple[float, float], data_hash: str) -> dict[str, str]:
    """The file's metadata: what a loader needs, and what it was made of."""
    return {
        "task": "expression",
        "version": VERSION,
        "classes": ",".join(EXPRESSIONS),
        "fer2013_classes": ",".join(FER2013),
        "input_size": str(INPUT.width),
        "color": "gray",
        "scale": repr(INPUT.scale),
        "mean": repr(INPUT.mean[0]),
        "std": repr(INPUT.std[0]),
        "crop": f"scale={INPUT.margin_ratio},shift_y={INPUT.shift_ratio}",
        "temperature": f"{temperatures[0]:.4f}",
        "fer2013_temperature": f"{temperatures[1]:.4f}",
        "architecture": recipe.architecture,
        "data": data_hash,
        "recipe": recipe.hash,
    }


def _to_onnx(wrapped: Probabilities) -> onnx.ModelProto:
    # The exporter reports on packages it doesn't need here, and warns about its own internals.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            wrapped,
            (torch.zeros(2, 1, SIDE_PX, SIDE_PX),),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=["image"],
            output_names=["probabilities", "fer2013"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )
    if program is None:
        raise ReadroomError("PyTorch's exporter gave nothing: use PyTorch 2.9 or later")
    return program.model_proto


def _difference(wrapped: Probabilities, body: bytes, faces: Images) -> float:
    session = onnxruntime.InferenceSession(body, providers=["CPUExecutionProvider"])
    images = normalised(faces)
    said = session.run(None, {"image": images.numpy()})
    with torch.inference_mode():
        wanted = wrapped(images)
    return max(
        float(np.abs(ours - theirs.numpy()).max())
        for ours, theirs in zip(said, wanted, strict=True)
    )
