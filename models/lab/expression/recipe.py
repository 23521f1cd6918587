"""What a training run is made of: everything that decides its result, in one value."""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar, Final, Self

import msgspec

from readroom.models.lab.recipes import BaseRecipe, check_least, check_shares

#: The least that a value may be.
_LEAST: Final = MappingProxyType(
    {
        "epochs": 1, "teacher_epochs": 1, "batch": 2, "learning_rate": 0, "warm_up_epochs": 0,
        "weight_decay": 0, "late_weight_decay": 0, "fer2013_weight": 0, "late_fer2013_weight": 0,
        "mixup": 0, "augmentation": 0, "late_augmentation": 0, "seed": 0,
    }
)  # fmt: skip
_SHARES: Final = ("momentum", "average_decay", "smoothing", "balance", "teacher_weight")


class Recipe(BaseRecipe, frozen=True, kw_only=True):
    """How a network is trained. Written beside the weights, and enough to train them again."""

    parts: ClassVar[tuple[str, ...]] = ("late_epochs",)
    architecture: str = "residual-c"
    epochs: int = 80
    #: Faces per step.
    batch: int = 128
    #: Largest learning rate (SGD with Nesterov momentum): reached after ``warm_up_epochs``, then
    #: a half cosine to 0.
    learning_rate: float = 0.1
    warm_up_epochs: float = 2.0
    momentum: float = 0.9
    #: L2 on convolution and linear weights, not on biases and normalisation.
    weight_decay: float = 5e-4
    #: Averaging of the weights over steps (what is exported): the average forgets with this.
    average_decay: float = 0.998
    #: Share of each target that is spread evenly over all classes.
    smoothing: float = 0.05
    #: Weight of the FER-2013 head's loss; the expression head's is 1.
    fer2013_weight: float = 0.6
    #: Beta(a, a) of mixup, on half of the batches; 0: none.
    mixup: float = 0.2
    #: A class with a share of p among the pictures is drawn as if its share were ∝ p^(1 − b).
    balance: float = 0.25
    #: Strength of augment.augment; over the last fifth of the run it falls to 0.4 of itself.
    augmentation: float = 1.0
    #: Weight of the teachers' mean probabilities in the targets, where there are teachers.
    teacher_weight: float = 0.5
    #: Architectures of the teachers; none: the network learns from the data alone.
    teachers: tuple[str, ...] = ()
    #: Passes of each teacher.
    teacher_epochs: int = 10
    #: The last so many epochs the network learns from the data alone: no teachers, no mixup, no
    #: smoothing, and what stands in the three values below in place of their like.
    late_epochs: int = 0
    late_weight_decay: float = 1e-4
    late_augmentation: float = 0.7
    late_fer2013_weight: float = 1.0
    #: Share of the training pictures kept apart for choosing recipe and temperature.
    held_out: float = 0.08

    def __post_init__(self) -> None:
        check_least(self, _LEAST)
        check_shares(self, _SHARES)
        if not 0 < self.held_out < 1:
            raise ValueError(f"held_out={self.held_out}: wanted a share between 0 and 1")
        if not 0 <= self.late_epochs <= self.epochs:
            raise ValueError(f"late_epochs={self.late_epochs}: wanted 0 to epochs={self.epochs}")

    def over(self, epochs: int) -> Self:
        """The same recipe over so many epochs, late ones in proportion, teachers no longer."""
        shorter = super().over(epochs)
        return msgspec.structs.replace(shorter, teacher_epochs=min(self.teacher_epochs, epochs))

    def is_late(self, epoch: int) -> bool:
        """Whether an epoch (from 0) is one of the late ones."""
        return epoch >= self.epochs - self.late_epochs
