"""The networks that were tried: plain residual trunks with one map per joint.

Every network takes people, float32 [b, 3, height, width], normalised as ``input_of`` says. Its
trunk ends at an eighth of that; what was seen at a sixteenth and at a thirty-second is brought
back by repeating and added. A last convolution gives four values per joint and cell, which are
laid out as a map at a quarter of the input (sub-pixel convolution, Shi et al. 2016). The place of
a joint is the expectation over its map's softmax (integral regression, Sun et al. 2018): no peak
has to be searched, it lies between cells, and the file says places itself. The score comes from
the pooled features and from how far the map's peak stands out. Only plain convolutions, matrix
products, softmax and sums: what ONNX Runtime fuses and TensorRT 10 and 11 take as they are;
depthwise convolutions are slower than they look on both.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from readroom.errors import BadSettings
from readroom.messages import KEYPOINTS
from readroom.models.lab.layers import Block, convolution
from readroom.models.registry import InputSpec

#: Input px from one map cell to the next.
CELL: Final = 4
_IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
_IMAGENET_STD: Final = (0.229, 0.224, 0.225)
#: A person's box is enlarged by this: a joint that lies beyond the box by a twelfth is still seen.
_MARGIN_RATIO: Final = 1.15


@dataclass(frozen=True, slots=True)
class Seen:
    """What a network says: a map of logits for each joint, [b, 17, height / 4, width / 4], and the
    logit of each joint's being seen, [b, 17]."""

    maps: Tensor
    visible: Tensor


def _stage(inputs: int, width: int, blocks: int) -> nn.Sequential:
    """Half the size, another width, then residual blocks."""
    return nn.Sequential(
        convolution(inputs, width, stride=2), *(Block(width) for _ in range(blocks))
    )


class Network(nn.Module):
    """A trunk, its way back to an eighth, and the heads. ``size``: width and height of the input it
    is made for, px; it takes any multiples of 32."""

    def __init__(
        self,
        size: tuple[int, int],
        stem: tuple[int, int],
        widths: tuple[int, int, int],
        blocks: tuple[int, int, int],
    ) -> None:
        super().__init__()
        self.width, self.height = size
        joints = len(KEYPOINTS)
        self.stem = nn.Sequential(
            convolution(3, stem[0], stride=2), convolution(stem[0], stem[1], stride=2)
        )
        self.eighth = _stage(stem[1], widths[0], blocks[0])
        self.sixteenth = _stage(widths[0], widths[1], blocks[1])
        self.thirtysecond = _stage(widths[1], widths[2], blocks[2])
        self.from_thirtysecond = convolution(widths[2], widths[1], 1, active=False)
        self.from_sixteenth = convolution(widths[1], widths[0], 1, active=False)
        self.last = convolution(widths[0], widths[0])
        self.maps = nn.Sequential(nn.Conv2d(widths[0], 4 * joints, 1), nn.PixelShuffle(2))
        self.visible = nn.Linear(widths[2], joints)
        self.prominence = nn.Parameter(torch.zeros(joints))

    def forward(self, people: Tensor) -> Seen:
        """People [b, 3, height, width] to logits."""
        fine = self.eighth(self.stem(people))
        coarse = self.sixteenth(fine)
        coarsest = self.thirtysecond(coarse)
        back = functional.interpolate(self.from_thirtysecond(coarsest), scale_factor=2.0)
        coarse = functional.relu(coarse + back)
        back = functional.interpolate(self.from_sixteenth(coarse), scale_factor=2.0)
        maps = self.maps(self.last(functional.relu(fine + back))).float()
        stands_out = maps.amax((2, 3)) - maps.mean((2, 3))
        pooled = functional.adaptive_avg_pool2d(coarsest, 1).flatten(1)
        return Seen(maps, self.visible(pooled) + self.prominence * stands_out)


class Keypoints(nn.Module):
    """A network that answers with places: what is exported. Its maps' logits are multiplied by
    ``sharpness``: the more, the less a far second peak draws the place away from the first."""

    def __init__(self, network: Network, sharpness: float = 1.0) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).eval()
        with torch.no_grad():
            convolved = cast(nn.Conv2d, self.network.maps[0])
            convolved.weight.mul_(sharpness)
            if convolved.bias is not None:
                convolved.bias.mul_(sharpness)
            self.network.prominence.div_(sharpness)

    def forward(self, people: Tensor) -> Tensor:
        """People [b, 3, height, width] to [b, 17, 3]: x and y in input px, score in 0..1."""
        seen = self.network(people)
        score = torch.sigmoid(seen.visible)[..., None]
        return torch.cat([expectation(seen.maps), score], dim=2)


def expectation(maps: Tensor) -> Tensor:
    """Where maps say the joints are, [b, 17, 2] in input px: the mean of the cells' centres."""
    rows, columns = maps.shape[2:]
    x = (torch.arange(columns, device=maps.device, dtype=torch.float32) + 0.5) * CELL
    y = (torch.arange(rows, device=maps.device, dtype=torch.float32) + 0.5) * CELL
    centres = torch.stack([x.repeat(rows), y.repeat_interleave(columns)], dim=1)
    return torch.softmax(maps.float().flatten(2), dim=2) @ centres


def input_of(network: Network) -> InputSpec:
    """How a person becomes a network's input."""
    return InputSpec(
        network.width,
        network.height,
        "rgb",
        "aspect",
        scale=1 / 255,
        mean=_IMAGENET_MEAN,
        std=_IMAGENET_STD,
        margin_ratio=_MARGIN_RATIO,
    )


#: Every architecture by name. docs/poses.md has the table of what each costs.
ARCHITECTURES: Final = MappingProxyType[str, Callable[[], Network]](
    {
        "maps-192": lambda: Network((128, 192), (16, 24), (48, 80, 128), (1, 2, 2)),
        "maps-160": lambda: Network((128, 160), (16, 32), (48, 96, 128), (2, 2, 1)),
        "maps-128": lambda: Network((96, 128), (16, 32), (64, 96, 160), (2, 2, 1)),
        # For tests: the same parts, as few as there can be.
        "maps-tiny": lambda: Network((64, 96), (4, 4), (8, 8, 8), (0, 0, 0)),
    }
)


def build(architecture: str) -> Network:
    """A network with fresh weights. Raises BadSettings for a name that isn't known."""
    if architecture not in ARCHITECTURES:
        raise BadSettings(
            f"architecture={architecture}: no such network; known are {', '.join(ARCHITECTURES)}"
        )
    return ARCHITECTURES[architecture]()
