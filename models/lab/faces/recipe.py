"""What a detector's training run is made of."""

from __future__ import annotations

from typing import ClassVar, Literal

from readroom.models.lab.recipes import BaseRecipe, check_least, check_shares


class Recipe(BaseRecipe, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a face detector is trained: written beside the weights, enough to train them again."""

    parts: ClassVar[tuple[str, ...]] = ("calm_epochs",)
    task: Literal["faces"] = "faces"
    #: Of networks.ARCHITECTURES.
    architecture: str = "pyramid-48"
    epochs: int = 130
    #: The last so many of them see calm scenes: photographs about as they are (scenes.make_scene).
    calm_epochs: int = 15
    #: Scenes an epoch: each photograph is the centre of equally many of them.
    scenes: int = 4096
    #: So many epochs are taught with the same scenes, before new ones are made.
    reuse: int = 5
    #: Scenes a step.
    batch: int = 16
    #: A scene's side, px, a multiple of 32.
    side: int = 320
    #: Largest learning rate (Muon): reached after ``warm_up_epochs``, then a half cosine to 0; a
    #: second one, from ``calm_rate`` to 0, over the calm epochs.
    learning_rate: float = 6e-3
    warm_up_epochs: float = 0.5
    calm_rate: float = 1.5e-3
    weight_decay: float = 0.02
    #: Averaging of the weights over steps (what is exported): the average forgets with this.
    average_decay: float = 0.999
    #: Weights of the losses of boxes and of landmarks; the confidence's is 1.
    box_weight: float = 1.0
    landmark_weight: float = 0.2

    def __post_init__(self) -> None:
        check_least(
            self,
            {
                "epochs": 1, "scenes": 1, "reuse": 1, "batch": 1, "side": 64, "learning_rate": 0,
                "warm_up_epochs": 0, "calm_epochs": 0, "calm_rate": 0, "weight_decay": 0,
                "box_weight": 0, "landmark_weight": 0, "seed": 0,
            },
        )  # fmt: skip
        check_shares(self, ("average_decay",))
        if self.calm_epochs > self.epochs:
            raise ValueError(
                f"calm_epochs={self.calm_epochs}: wanted 0 to epochs={self.epochs}; name both"
            )
        if self.side % 64:
            raise ValueError(f"side={self.side}: wanted a multiple of 64: mosaics have half of it")

    @property
    def calm_from(self) -> int:
        """The first calm epoch (from 0)."""
        return self.epochs - self.calm_epochs
