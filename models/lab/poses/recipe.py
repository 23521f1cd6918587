"""What a training run of the pose network is made of: everything that decides its result."""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar, Final, Literal

from readroom.models.lab.recipes import BaseRecipe, check_least, check_shares

#: The least that a value may be.
_LEAST: Final = MappingProxyType(
    {
        "epochs": 1, "early_epochs": 0, "plain_epochs": 0, "restart_epoch": 0, "restart_rate": 0,
        "batch": 2, "learning_rate": 0, "warm_up_epochs": 0, "weight_decay": 0, "augmentation": 0,
        "spread_px": 0.25, "distance_weight": 0, "spread_ratio": 0.01, "tolerance_weight": 0,
        "visible_weight": 0, "seed": 0,
    }
)  # fmt: skip
#: Sides of an input are multiples of this, px.
_STRIDE: Final = 32
_SHARES: Final = ("average_decay", "calm_ratio")


class Recipe(BaseRecipe, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a pose network is trained. Written beside the weights, and enough to train them again."""

    parts: ClassVar[tuple[str, ...]] = ("early_epochs", "plain_epochs", "restart_epoch")
    task: Literal["pose"] = "pose"
    #: Of networks.ARCHITECTURES.
    architecture: str = "maps-192"
    #: Passes over the people to learn from, and how many of them, at first, see people smaller:
    #: ``early_size`` px (width, height), which takes less than half the time.
    epochs: int = 190
    early_epochs: int = 100
    early_size: tuple[int, int] = (96, 128)
    #: People per step.
    batch: int = 32
    #: Largest learning rate (AdamW): reached after ``warm_up_epochs``, then a half cosine to 0.
    learning_rate: float = 1.5e-3
    warm_up_epochs: float = 3.0
    #: At this epoch (0: never) the rate begins anew at ``restart_rate`` and falls to 0 over the
    #: epochs that are left, on a half cosine again (Loshchilov & Hutter 2017).
    restart_epoch: int = 0
    restart_rate: float = 8e-4
    #: Decoupled decay of convolution and linear weights, not of biases and normalisation.
    weight_decay: float = 0.05
    #: Averaging of the weights over steps (what is exported): the average forgets with this.
    average_decay: float = 0.999
    #: In the first so many epochs all joints are alike: the target's standard deviation along
    #: either axis is ``spread_px`` input px, and the mean distance between place and target costs
    #: ``distance_weight`` per px (the maps' own loss has a weight of 1).
    plain_epochs: int = 0
    spread_px: float = 3.0
    distance_weight: float = 0.03
    #: Then each joint is as exact as people are about it: both are measured in what OKS forgives
    #: (scoring.SIGMAS · input height, about the tolerance in a grown box), and joints count with
    #: the teacher's score squared.
    spread_ratio: float = 0.35
    tolerance_weight: float = 0.4
    #: Weight of the loss of the scores.
    visible_weight: float = 1.0
    #: Strength of augment.augmented; over the last ``calm_ratio`` of the epochs it falls to 0.4 of
    #: itself.
    augmentation: float = 0.6
    calm_ratio: float = 0.2

    def __post_init__(self) -> None:
        check_least(self, _LEAST)
        check_shares(self, _SHARES)
        if self.early_epochs > self.epochs:
            raise ValueError(f"early_epochs={self.early_epochs}: wanted 0 to epochs={self.epochs}")
        if any(side <= 0 or side % _STRIDE for side in self.early_size):
            raise ValueError(f"early_size={self.early_size}: wanted multiples of {_STRIDE} px")

    def strength(self, epoch: int) -> float:
        """The strength of augmentation in an epoch (from 0)."""
        left = (self.epochs - epoch) / max(1.0, self.epochs * self.calm_ratio)
        return self.augmentation * min(1.0, 0.4 + 0.6 * left)
