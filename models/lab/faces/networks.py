"""The detectors that were tried, as a family with a few numbers each.

A trunk of plain convolutions halves the picture five times; what it sees at strides 8, 16 and 32
goes through a narrow pyramid (Lin et al. 2017, coarse to fine only), and at each stride one head
says for every cell: a face's confidence, where its box lies, and five landmarks, coded as YuNet
codes them (models/detection.py), so that one decoder serves both.

Input is float32 [b, 3, H, W] BGR in 0..1, H and W multiples of 32. There is no mean to take off,
so the factor of 255 goes into the first convolution's weights at export, borders included.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Final, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from readroom.errors import BadSettings
from readroom.models.lab.layers import Block, convolution

#: What a head says of a cell: confidence (a logit), box, landmarks.
VALUES: Final = 1 + 4 + 10
#: The logit with which a cell starts out believing that it is a face, a probability of .018: few
#: cells are one (Lin et al. 2017).
_PRIOR: Final = -4.0


class Detector(nn.Module):
    """``widths``: channels at strides 2, 4, 8, 16 and 32; ``blocks``: residual blocks at strides
    8, 16 and 32; ``head``: channels of each head. The pyramid is as wide as stride 8, which goes
    into it as it is."""

    def __init__(
        self,
        widths: tuple[int, int, int, int, int],
        blocks: tuple[int, int, int],
        head: int,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            convolution(3, widths[0], stride=2), convolution(widths[0], widths[1], stride=2)
        )
        self.stages = nn.ModuleList(
            nn.Sequential(
                convolution(before, width, stride=2), *(Block(width) for _ in range(count))
            )
            for before, width, count in zip(widths[1:-1], widths[2:], blocks, strict=True)
        )
        pyramid = widths[2]
        self.lateral = nn.ModuleList(
            [nn.Identity(), *(convolution(width, pyramid, 1) for width in widths[3:])]
        )
        self.heads = nn.ModuleList(
            nn.Sequential(convolution(pyramid, head), nn.Conv2d(head, VALUES, 1))
            for _ in widths[2:]
        )
        for each in self.heads:
            last: nn.Conv2d = each[-1]  # type: ignore[assignment,index]
            nn.init.normal_(last.weight, std=0.01)
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]
            with torch.no_grad():
                last.bias[0] = _PRIOR  # type: ignore[index]

    def ends(self) -> list[Tensor]:
        """The weights that pixels meet first, and those that answers come from."""
        first = cast(nn.Conv2d, cast(nn.Sequential, self.stem[0])[0])
        heads = [cast(nn.Conv2d, cast(nn.Sequential, head)[-1]) for head in self.heads]
        return [first.weight, *(last.weight for last in heads)]

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Per stride (8, 16, 32): [b, cells, 15], cells row by row."""
        seen, levels = self.stem(pictures), []
        for stage in self.stages:
            seen = stage(seen)
            levels.append(seen)
        coarser: Tensor | None = None
        merged: list[Tensor] = []
        for level, lateral in zip(reversed(levels), reversed(self.lateral), strict=True):
            part = lateral(level)
            if coarser is not None:
                part = part + functional.interpolate(coarser, scale_factor=2.0)
            merged.insert(0, part)
            coarser = part
        return [
            each(part).flatten(2).transpose(1, 2)
            for each, part in zip(self.heads, merged, strict=True)
        ]


#: Every architecture by name; docs/faces.md has what each costs.
ARCHITECTURES: Final = MappingProxyType[str, Callable[[], Detector]](
    {
        "pyramid-48": lambda: Detector((16, 16, 32, 48, 64), (1, 1, 1), 48),
    }
)


def build(architecture: str) -> Detector:
    """A network with fresh weights. Raises BadSettings for a name that isn't known."""
    if architecture not in ARCHITECTURES:
        raise BadSettings(
            f"architecture={architecture}: no such network; known are {', '.join(ARCHITECTURES)}"
        )
    return ARCHITECTURES[architecture]()
