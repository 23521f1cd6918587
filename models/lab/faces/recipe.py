"""What a detector's training run is made of."""

from __future__ import annotations

from typing import Literal

from readroom.models.lab.recipes import BaseRecipe, check_least, check_shares


class Recipe(BaseRecipe, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a face detector is trained: written beside the weights, enough to train them again."""

    task: Literal["faces"] = "faces"
    #: Of networks.ARCHITECTURES.
    architecture: str = "pyramid-k"
    epochs: int = 60
    #: Scenes an epoch: each photograph is the centre of equally many of them.
    scenes: int = 4096
    #: So many epochs are taught with the same scenes, before new ones are made.
    reuse: int = 3
    #: Scenes a step.
    batch: int = 16
    #: A scene's side, px, a multiple of 32.
    side: int = 320
    #: Largest learning rate (AdamW): reached after ``warm_up_epochs``, then a half cosine to 0.
    learning_rate: float = 3e-3
    warm_up_epochs: float = 0.5
    weight_decay: float = 0.02
    #: Averaging of the weights over steps (what is exported): the average forgets with this.
    average_decay: float = 0.999
    #: Weights of the losses of boxes and of landmarks; the confidence's is 1.
    box_weight: float = 2.0
    landmark_weight: float = 1.0

    def __post_init__(self) -> None:
        check_least(
            self,
            {
                "epochs": 1, "scenes": 1, "reuse": 1, "batch": 1, "side": 64, "learning_rate": 0,
                "warm_up_epochs": 0, "weight_decay": 0, "box_weight": 0, "landmark_weight": 0,
                "seed": 0,
            },
        )  # fmt: skip
        check_shares(self, ("average_decay",))
        if self.side % 64:
            raise ValueError(f"side={self.side}: wanted a multiple of 64: mosaics have half of it")
