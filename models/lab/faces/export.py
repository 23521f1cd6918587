"""From a checkpoint to a detector's file that says everything about itself.

The averaged weights are exported with normalisation folded into the convolutions and the factor
of 1/255 into the first of them, in YuNet's coding, so that the worker's decoder reads it as it
reads YuNet. Enlarging is by a constant factor and reshaping to constant shapes, whatever the
picture's size: what TensorRT takes as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from readroom.messages import LANDMARKS
from readroom.models.detection import STRIDES, lay_in, letterbox
from readroom.models.lab import onnx_file
from readroom.models.lab.faces.detectors import SPEC
from readroom.models.lab.faces.networks import Detector, build
from readroom.models.lab.faces.recipe import Recipe
from readroom.models.lab.onnx_file import Exported
from readroom.models.lab.runs import read_average
from readroom.models.registry import FACE_OUTPUTS
from readroom.pixels import Picture

#: Largest difference between PyTorch's outputs and the file's that is rounding; they reach some
#: tens, in units of a cell.
PARITY: Final = 1e-3
#: Longer sides of the pictures on which the file is compared with PyTorch, px.
PARITY_PX: Final = (320, 480)
#: Grows when an exported network answers differently for the same picture.
VERSION: Final = "2"


class Encoded(nn.Module):
    """A detector as its file has it: pixels of 0..255 in, YuNet's outputs out."""

    def __init__(self, network: Detector) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).eval()
        first: nn.Conv2d = self.network.stem[0][0]  # type: ignore[assignment,index]
        with torch.no_grad():
            first.weight.div_(255)

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """What FACE_OUTPUTS names, in its order, for [b, 3, H, W]. YuNet's score is the root of
        ``cls`` times ``obj``; ours is one confidence, so both are it."""
        levels = self.network(pictures)
        scores = [level[..., :1].sigmoid() for level in levels]
        return (
            *scores,
            *(score.clone() for score in scores),
            *(level[..., 1:5] for level in levels),
            *(level[..., 5:] for level in levels),
        )


def read_network(checkpoint: Path) -> tuple[Detector, Recipe]:
    """The averaged network of a checkpoint, ready to look. Raises BadSettings."""
    return read_average(checkpoint, Recipe, build)


def export(
    network: Detector,
    recipe: Recipe,
    *,
    epochs: int,
    data_hash: str,
    teacher_hash: str,
    pictures: Sequence[Picture],
) -> Exported:
    """The network as an ONNX file's contents, checked against PyTorch on each of ``pictures``
    (uint8 BGR, one or more) in several sizes; ``epochs`` are those that it has learnt for. Raises
    ReadroomError where it says something else.
    """
    batch, rows, columns = (torch.export.Dim(name) for name in ("batch", "rows", "columns"))
    last = STRIDES[-1]
    module = Encoded(network.cpu()).eval()
    seen = [
        (torch.from_numpy(planes(picture, longest)),)
        for picture in pictures
        for longest in PARITY_PX
    ]
    made = onnx_file.export(
        module,
        (torch.zeros(2, 3, 2 * last, 3 * last),),
        inputs=["input"],
        outputs=list(FACE_OUTPUTS),
        dynamic_shapes=({0: batch, 2: last * rows, 3: last * columns},),
        described=describe(recipe, epochs, data_hash, teacher_hash),
        seen=seen[0],
        allowed=PARITY,
    )
    others = [onnx_file.check(module, made.body, ["input"], each, PARITY) for each in seen[1:]]
    return replace(made, parity=max(made.parity, *others))


def planes(picture: Picture, longest_px: int) -> np.ndarray:
    """A picture as the file takes it, its longer side shrunk to ``longest_px``: float32
    [1, 3, H, W]."""
    box = letterbox(picture.shape[1], picture.shape[0], longest_px, enlarge=False)
    laid = np.empty((1, 3, *box.padded(SPEC.stride)), np.float32)
    lay_in(picture, box, SPEC, laid[0])
    return laid


def describe(recipe: Recipe, epochs: int, data_hash: str, teacher_hash: str) -> dict[str, str]:
    """The file's metadata: what a loader needs, and what it was made of."""
    return {
        "task": recipe.task,
        "version": VERSION,
        "classes": ",".join(LANDMARKS),
        "input_size": f"any,{SPEC.stride}",
        "color": SPEC.color,
        "scale": repr(SPEC.scale),
        "mean": repr(SPEC.mean[0]),
        "std": repr(SPEC.std[0]),
        "crop": SPEC.crop,
        "architecture": recipe.architecture,
        "data": data_hash,
        "recipe": recipe.hash,
        "epochs": f"{epochs} of {recipe.epochs}",
        "teacher": teacher_hash,
    }
