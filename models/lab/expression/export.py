"""From a checkpoint to a file that says everything about itself.

The averaged weights are exported with normalisation folded into the convolutions and the
temperatures into the heads, so that what comes out is calibrated as it is. Operators are few and
plain.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from readroom.messages import EXPRESSIONS
from readroom.models.lab import onnx_file
from readroom.models.lab.expression.dataset import FER2013, SIDE_PX, Images
from readroom.models.lab.expression.framing import INPUT
from readroom.models.lab.expression.networks import Logits, Network, build
from readroom.models.lab.expression.recipe import Recipe
from readroom.models.lab.expression.training import normalised
from readroom.models.lab.onnx_file import Exported
from readroom.models.lab.runs import read_average

#: Largest difference between PyTorch's probabilities and the file's that is rounding.
PARITY: Final = 1e-4
#: Grows when an exported network answers differently for the same face.
VERSION: Final = "1"


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
    return read_average(checkpoint, Recipe, build)


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
    return onnx_file.export(
        Probabilities(network.cpu(), temperatures).eval(),
        (torch.zeros(2, 1, SIDE_PX, SIDE_PX),),
        inputs=["image"],
        outputs=["probabilities", "fer2013"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        described=describe(recipe, temperatures, data_hash),
        seen=(normalised(faces),),
        allowed=PARITY,
    )


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
