"""What the lab's networks are put together from: plain convolutions, which ONNX Runtime fuses and
TensorRT takes as they are."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


def convolution(
    inputs: int,
    outputs: int,
    size: int = 3,
    *,
    stride: int = 1,
    groups: int = 1,
    active: bool = True,
) -> nn.Sequential:
    """Convolution, batch normalisation (folded into it at export) and, if ``active``, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        *([nn.ReLU(inplace=True)] if active else []),
    )


class Block(nn.Module):
    """Two 3×3 convolutions around a shortcut (He et al. 2016), size and channels kept."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = convolution(channels, channels)
        self.second = convolution(channels, channels, active=False)

    def forward(self, seen: Tensor) -> Tensor:
        """[b, channels, h, w] to the same."""
        return functional.relu(seen + self.second(self.first(seen)))
