"""What moves the weights of networks.

Muon (Jordan 2024, https://kellerjordan.github.io/posts/muon/) makes the update of each weight
matrix orthogonal, so that its rare directions learn as fast as its common ones. The detector learns
with it (docs/faces.md); for poses it was faster at first only (docs/poses.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import torch
from torch import Tensor, nn

#: How long AdamW's averages of gradients and of their squares last: networks that are trained for
#: some ten thousand steps forget sooner than its default.
_BETAS: Final = (0.9, 0.99)


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters for an optimiser: first the weights, which decay, then biases and
    normalisation, which don't."""
    weights = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    return [
        {"params": weights, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def muon(
    network: nn.Module, ends: Iterable[Tensor], learning_rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Muon for a network's weights, AdamW for its ``ends`` (the weights that pixels meet first and
    that answers come from), its biases and its normalisation, which don't decay.

    One rate serves both: Muon's updates are scaled to the size of AdamW's (Liu et al. 2025,
    https://arxiv.org/abs/2502.16982).
    """
    from pytorch_optimizer import Muon

    weights, others = parameter_groups(network, weight_decay)
    outer = list(ends)
    known = {id(weight) for weight in outer}
    inner = [weight for weight in weights["params"] if id(weight) not in known]
    return Muon(
        [
            weights | {"params": inner, "lr": learning_rate, "use_muon": True},
            weights | {"params": outer, "lr": learning_rate, "use_muon": False, "betas": _BETAS},
            others | {"lr": learning_rate, "use_muon": False, "betas": _BETAS},
        ],
        use_adjusted_lr=True,
    )
