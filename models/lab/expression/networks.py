"""The networks that were tried, as families with a few numbers each, and their two heads.

One trunk serves two heads: FER+'s eight expressions, which the product uses, and FER-2013's seven
classes, for comparison with published figures. Every network takes grey faces, float32
[b, 1, 48, 48], normalised as framing.INPUT says, and gives logits [b, 8] and [b, 7].
Only convolutions, additions, rectifiers and pooling are used: what ONNX Runtime fuses and
TensorRT 10 and 11 take as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from readroom.errors import BadSettings
from readroom.messages import EXPRESSIONS
from readroom.models.lab.expression.dataset import FER2013
from readroom.models.lab.layers import convolution

Logits = tuple[Tensor, Tensor]


class Network(nn.Module):
    """A trunk with two linear heads over its average-pooled last features.

    ``stages`` are the trunk's parts by name, in order: what ``lab explain`` shows.
    """

    def __init__(self, stages: dict[str, nn.Module], features: int, drop_ratio: float) -> None:
        super().__init__()
        self.stages = nn.ModuleDict(stages)
        self.drop = nn.Dropout(drop_ratio)
        self.expression = nn.Linear(features, len(EXPRESSIONS))
        self.fer2013 = nn.Linear(features, len(FER2013))

    def features(self, images: Tensor) -> Tensor:
        """The pooled features [b, f] of faces [b, 1, 48, 48]: what the heads see."""
        for stage in self.stages.values():
            images = stage(images)
        return functional.adaptive_avg_pool2d(images, 1).flatten(1) if images.ndim > 2 else images

    def forward(self, images: Tensor) -> Logits:
        """Logits of the expressions [b, 8] and of FER-2013's classes [b, 7]."""
        seen = self.drop(self.features(images))
        return self.expression(seen), self.fer2013(seen)


class Attention(nn.Module):
    """Squeeze and excitation (Hu et al. 2018): channels weighted by what the whole face shows."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // 8, 1)
        self.excite = nn.Conv2d(channels // 8, channels, 1)

    def forward(self, seen: Tensor) -> Tensor:
        """Same shape."""
        pooled = functional.adaptive_avg_pool2d(seen, 1)
        return seen * torch.sigmoid(self.excite(functional.relu(self.squeeze(pooled))))


class Residual(nn.Module):
    """Two 3×3 convolutions around a shortcut (He et al. 2016); a stride halves by averaging on
    the shortcut, so that it drops no pixel."""

    def __init__(self, inputs: int, outputs: int, stride: int, attention: bool) -> None:
        super().__init__()
        self.first = convolution(inputs, outputs, stride=stride)
        self.second = convolution(outputs, outputs, active=False)
        self.attention = Attention(outputs) if attention else nn.Identity()
        shortcut: list[nn.Module] = [nn.AvgPool2d(2)] if stride == 2 else []
        if inputs != outputs:
            shortcut.append(convolution(inputs, outputs, 1, active=False))
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, seen: Tensor) -> Tensor:
        """[b, inputs, h, w] to [b, outputs, h / stride, w / stride]."""
        changed: Tensor = self.attention(self.second(self.first(seen)))
        return functional.relu(changed + self.shortcut(seen))


class Inverted(nn.Module):
    """Inverted bottleneck with a depthwise convolution (Sandler et al. 2018) and attention."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int = 4) -> None:
        super().__init__()
        wide = inputs * expansion
        self.body = nn.Sequential(
            convolution(inputs, wide, 1),
            convolution(wide, wide, stride=stride, groups=wide),
            Attention(wide),
            convolution(wide, outputs, 1, active=False),
        )
        self.same = inputs == outputs and stride == 1

    def forward(self, seen: Tensor) -> Tensor:
        """[b, inputs, h, w] to [b, outputs, h / stride, w / stride]."""
        changed: Tensor = self.body(seen)
        return seen + changed if self.same else changed


def residual(
    stem: int,
    widths: tuple[int, ...],
    blocks: tuple[int, ...],
    *,
    stem_stride: int = 1,
    attention: bool = False,
    drop_ratio: float = 0.2,
) -> Network:
    """A residual trunk: a stem, then stages that each halve the side; ``attention`` from the
    second stage on."""
    stages: dict[str, nn.Module] = {"stem": convolution(1, stem, stride=stem_stride)}
    inputs = stem
    for number, (width, count) in enumerate(zip(widths, blocks, strict=True), 1):
        parts = []
        for index in range(count):
            stride = 2 if index == 0 and (number > 1 or stem_stride == 1) else 1
            parts.append(Residual(inputs, width, stride, attention and number > 1))
            inputs = width
        stages[f"stage{number}"] = nn.Sequential(*parts)
    return Network(stages, inputs, drop_ratio)


def inverted(stem: int, widths: tuple[int, ...], blocks: tuple[int, ...]) -> Network:
    """A trunk of inverted bottlenecks after a full convolution at the picture's own size."""
    stages: dict[str, nn.Module] = {"stem": convolution(1, stem)}
    inputs = stem
    for number, (width, count) in enumerate(zip(widths, blocks, strict=True), 1):
        parts: list[nn.Module] = []
        for index in range(count):
            parts.append(Inverted(inputs, width, 2 if index == 0 else 1))
            inputs = width
        stages[f"stage{number}"] = nn.Sequential(*parts)
    stages["last"] = convolution(inputs, 4 * inputs, 1)
    return Network(stages, 4 * inputs, 0.2)


def plain(widths: tuple[tuple[int, ...], ...]) -> Network:
    """Convolutions and max pooling alone, as VGG (Simonyan & Zisserman 2015)."""
    stages: dict[str, nn.Module] = {}
    inputs = 1
    for number, group in enumerate(widths, 1):
        parts: list[nn.Module] = []
        for width in group:
            parts.append(convolution(inputs, width))
            inputs = width
        if number < len(widths):
            parts.append(nn.MaxPool2d(2))
        stages[f"stage{number}"] = nn.Sequential(*parts)
    return Network(stages, inputs, 0.4)


def prototype() -> Network:
    """The small network that many tutorials share (three convolution blocks on 48×48 grey, a
    dense layer of 1024, dropout), which the first prototypes borrowed: a baseline. Re-created
    from its description; it has neither normalisation nor padding."""
    return Network(
        {
            "block1": nn.Sequential(
                nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(),
                nn.MaxPool2d(2), nn.Dropout(0.25),
            ),
            "block2": nn.Sequential(nn.Conv2d(64, 128, 3), nn.ReLU(), nn.MaxPool2d(2)),
            "block3": nn.Sequential(
                nn.Conv2d(128, 128, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25)
            ),
            "dense": nn.Sequential(nn.Flatten(), nn.Linear(128 * 4 * 4, 1024), nn.ReLU()),
        },
        1024,
        0.5,
    )  # fmt: skip


#: Every architecture by name. docs/expression.md has the table of what each reached.
ARCHITECTURES: Final = MappingProxyType[str, Callable[[], Network]](
    {
        "prototype": prototype,
        "plain": lambda: plain(((24,), (32, 48), (64, 96), (160, 160))),
        "residual-a": lambda: residual(24, (32, 64, 128, 224), (1, 2, 2, 1)),
        "residual-b": lambda: residual(16, (48, 96, 192), (1, 1, 1)),
        "residual-c": lambda: residual(32, (32, 64, 128, 224), (1, 2, 2, 1), stem_stride=2),
        "residual-d": lambda: residual(32, (48, 96, 176), (1, 1, 2), stem_stride=2),
        "residual-e": lambda: residual(24, (32, 64, 128, 224), (1, 2, 2, 1), attention=True),
        "residual-f": lambda: residual(16, (32, 64, 128, 256), (1, 2, 2, 1)),
        "residual-g": lambda: residual(16, (32, 64, 128, 192), (1, 1, 2, 2)),
        "residual-h": lambda: residual(
            16, (32, 64, 128, 256), (1, 2, 2, 1), stem_stride=2, attention=True
        ),
        "plain-b": lambda: plain(((16,), (48, 48), (96, 96), (160, 160), (256,))),
        "inverted": lambda: inverted(16, (24, 40, 80, 128), (2, 2, 3, 1)),
    }
)


def build(architecture: str) -> Network:
    """A network with fresh weights. Raises BadSettings for a name that isn't known."""
    if architecture not in ARCHITECTURES:
        raise BadSettings(
            f"architecture={architecture}: no such network; known are {', '.join(ARCHITECTURES)}"
        )
    return ARCHITECTURES[architecture]()
