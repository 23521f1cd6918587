"""From a checkpoint to a file that says everything about itself: the averaged weights, with
normalisation folded into the convolutions and the reading of the bins inside."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from readroom.messages import KEYPOINTS
from readroom.models.lab import onnx_file
from readroom.models.lab.onnx_file import Exported
from readroom.models.lab.poses.networks import Keypoints, Network, build, input_of
from readroom.models.lab.poses.recipe import Recipe
from readroom.models.lab.poses.teacher import TEACHER
from readroom.models.lab.poses.training import normalised
from readroom.models.lab.runs import read_average
from readroom.models.registry import REGISTRY

#: Largest difference between PyTorch's keypoints and the file's that is rounding, input px (scores
#: differ by far less).
PARITY: Final = 0.02
#: Grows when an exported network answers differently for the same person.
VERSION: Final = "1"


def read_network(checkpoint: Path) -> tuple[Network, Recipe]:
    """The averaged network of a checkpoint, ready to look. Raises BadSettings."""
    return read_average(checkpoint, Recipe, build)


def export(
    network: Network,
    recipe: Recipe,
    *,
    sharpness: float,
    data_hash: str,
    crops: NDArray[np.uint8],
) -> Exported:
    """The network as an ONNX file's contents, its maps' logits multiplied by ``sharpness``, checked
    against PyTorch on ``crops`` uint8 BGR [n, height, width, 3].

    Raises ReadroomError where it doesn't say what the network says.
    """
    whole = Keypoints(network.cpu(), sharpness).eval()
    spec = input_of(network)
    return onnx_file.export(
        whole,
        (torch.zeros(2, spec.channels, spec.height, spec.width),),
        inputs=["image"],
        outputs=["keypoints"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        described=describe(network, recipe, sharpness, data_hash),
        seen=(normalised(crops, spec, torch.device("cpu")).contiguous(),),
        allowed=PARITY,
    )


def describe(network: Network, recipe: Recipe, sharpness: float, data_hash: str) -> dict[str, str]:
    """The file's metadata: what a loader needs, and what it was made of."""
    spec = input_of(network)
    return {
        "task": "keypoints",
        "version": VERSION,
        "classes": ",".join(KEYPOINTS),
        "input_size": f"{spec.width}x{spec.height}",
        "color": spec.color,
        "scale": repr(spec.scale),
        "mean": ",".join(map(repr, spec.mean)),
        "std": ",".join(map(repr, spec.std)),
        "crop": f"aspect,margin={spec.margin_ratio}",
        "architecture": recipe.architecture,
        "sharpness": f"{sharpness:g}",
        "teacher": REGISTRY[TEACHER].sha256[:12],
        "data": data_hash,
        "recipe": recipe.hash,
    }
