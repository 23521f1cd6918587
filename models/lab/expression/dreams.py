"""Pictures that a network would like to see, by gradient ascent on the picture itself: what a
channel or an expression responds to most (Erhan et al. 2009), and a face with what a stage sees
in it made stronger (DeepDream, Mordvintsev et al. 2015).

Free ascent ends in noise that no face shows. Three things keep it to shapes: it goes from coarse
to fine, what each step adds is blurred, and the picture is moved, turned and scaled a little
before each look, so that only what survives that can grow (Olah et al. 2017).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from readroom.models.lab.expression.dataset import SIDE_PX
from readroom.models.lab.expression.framing import INPUT
from readroom.models.lab.expression.networks import Network
from readroom.models.lab.expression.saliency import stage_outputs
from readroom.models.lab.expression.training import normalised

Grey = NDArray[np.uint8]
#: From pictures [n, 1, h, w] to one number for each [n]: what grows.
Goal = Callable[[Tensor], Tensor]

#: Sides of the sketches a picture is made from, px, coarse to fine; all are enlarged to 48 px.
#: Begun at 12 px, a face may get a mouth too many or grow askew.
OCTAVES_PX: Final = (6, 12, 24, 48)
#: Steps of gradient ascent in each octave.
STEPS: Final = 40
#: Length of a step: grey levels by which the median pixel moves, in deviations.
RATE: Final = 0.12
#: Deviation of the noise that each octave begins with.
NOISE: Final = 0.1
#: Weight of the total variation against the goal's gradient of length 1.
SMOOTHNESS: Final = 0.15
#: Largest shift, px, turn, degrees, and change of size by which a picture is moved for a look.
JITTER_PX: Final = 4.0
JITTER_DEG: Final = 12.0
JITTER_SIZE: Final = 0.12

#: DeepDream: sides at which the face is looked at, px, steps at each and their length.
DREAM_OCTAVES_PX: Final = (48, 64, 96)
DREAM_STEPS: Final = 12
DREAM_RATE: Final = 0.05


def channel_goal(network: Network, stage: str, channels: NDArray[np.int64]) -> Goal:
    """Mean output of the n-th channel for the n-th picture."""
    index = torch.from_numpy(channels)

    def goal(pictures: Tensor) -> Tensor:
        seen = stage_outputs(network, pictures, until=stage)[stage].flatten(2).mean(dim=2)
        return seen[torch.arange(len(index)), index]

    return goal


def expression_goal(network: Network) -> Goal:
    """Logit of the n-th expression for the n-th of 8 pictures: its evidence alone, where a
    probability could also grow by what speaks against the others."""

    def goal(pictures: Tensor) -> Tensor:
        return network(pictures)[0].diagonal()

    return goal


def imagine(goal: Goal, count: int, seed: int, *, mirrored: bool = False) -> NDArray[np.uint8]:
    """``count`` pictures uint8 [count, 48, 48] that the goal likes, from faint noise on grey; the
    same seed gives the same pictures. ``mirrored``: every other look is at the mirror image,
    which suits whole faces, not stripes.
    """
    random = torch.Generator().manual_seed(seed)
    pictures = torch.zeros(count, 1, OCTAVES_PX[0], OCTAVES_PX[0])
    for side_px in OCTAVES_PX:
        pictures = _resized(pictures, side_px)
        pictures = pictures + NOISE * torch.randn(pictures.shape, generator=random)
        for step in range(STEPS):
            pictures = _climbed(pictures, goal, random, mirrored and step % 2 == 1)
    return to_grey_levels(_resized(pictures, SIDE_PX)[:, 0].numpy())


def _climbed(pictures: Tensor, goal: Goal, random: torch.Generator, mirrored: bool) -> Tensor:
    """One step up, as a new tensor: gradients blurred and of the same length everywhere."""
    pictures = pictures.detach().requires_grad_()
    moved = _moved(_resized(pictures, SIDE_PX), random)
    (up,) = torch.autograd.grad(goal(moved.flip(3) if mirrored else moved).sum(), pictures)
    (rough,) = torch.autograd.grad(total_variation(pictures).sum(), pictures)
    # What a rectifier keeps shut has no slope: a push in a random direction finds one.
    shut = (up == 0).all(dim=3, keepdim=True).all(dim=2, keepdim=True)
    up = torch.where(shut, torch.randn(up.shape, generator=random), up)
    step = _unit(_blurred(up)) - SMOOTHNESS * _unit(rough)
    limit = max(1 - INPUT.mean[0], INPUT.mean[0]) / INPUT.std[0]
    return (pictures.detach() + RATE * step).clamp(-limit, limit)


def total_variation(pictures: Tensor) -> Tensor:
    """Sum of squared differences between neighbours: [n] for [n, 1, h, w]."""
    across = (pictures[..., 1:] - pictures[..., :-1]).square().sum(dim=(1, 2, 3))
    down = (pictures[..., 1:, :] - pictures[..., :-1, :]).square().sum(dim=(1, 2, 3))
    return across + down


def dream(network: Network, face: Grey, stage: str) -> Grey:
    """A face uint8 [h, h] with what a stage sees in it made stronger: uint8 [96, 96].

    Each octave works on the enlarged face and hands its changes on, so that shapes of several
    sizes come up.
    """
    base = normalised(face[None])
    change = torch.zeros(1, 1, DREAM_OCTAVES_PX[0], DREAM_OCTAVES_PX[0])
    for side_px in DREAM_OCTAVES_PX:
        picture = _resized(base, side_px)
        change = _resized(change, side_px)
        for step in range(DREAM_STEPS):
            # Without moving it about, the edges of pooling windows would show as a grid.
            shift = (step * 3 % 8 - 4, step * 5 % 8 - 4)
            seen = torch.roll(picture + change, shift, (2, 3)).requires_grad_()
            strength = stage_outputs(network, seen, until=stage)[stage].square().mean()
            (up,) = torch.autograd.grad(strength, seen)
            up = torch.roll(up, (-shift[0], -shift[1]), (2, 3))
            change = change + DREAM_RATE * _unit(_blurred(up))
    return to_grey_levels((_resized(base, DREAM_OCTAVES_PX[-1]) + change)[0, 0].numpy())


def to_grey_levels(pictures: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Network input of any shape back to grey levels, clipped to what a picture can hold."""
    return np.clip((pictures * INPUT.std[0] + INPUT.mean[0]) * 255, 0, 255).round().astype(np.uint8)


def _resized(pictures: Tensor, side_px: int) -> Tensor:
    if pictures.shape[-1] == side_px:
        return pictures
    return functional.interpolate(pictures, (side_px, side_px), mode="bicubic", align_corners=False)


def _unit(gradient: Tensor) -> Tensor:
    """Each picture's gradient divided by its root mean square; all 0 stays 0."""
    return gradient / gradient.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp(min=1e-12)


def _blurred(gradient: Tensor) -> Tensor:
    """Binomial 3×3 blur."""
    line = torch.tensor([0.25, 0.5, 0.25])
    kernel = (line[:, None] * line)[None, None]
    return functional.conv2d(functional.pad(gradient, (1, 1, 1, 1), mode="replicate"), kernel)


def _moved(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Each picture shifted, turned and scaled a little; beyond its edge it is mirrored."""
    shift_x, shift_y, turn, size = torch.rand(4, len(pictures), generator=random) * 2 - 1
    angle = turn * math.radians(JITTER_DEG)
    scale = 1 + size * JITTER_SIZE
    reach = 2 * JITTER_PX / SIDE_PX
    along, across = angle.cos() * scale, angle.sin() * scale
    first = torch.stack([along, -across, shift_x * reach], dim=1)
    second = torch.stack([across, along, shift_y * reach], dim=1)
    places = functional.affine_grid(
        torch.stack([first, second], dim=1), list(pictures.shape), align_corners=False
    )
    return functional.grid_sample(pictures, places, padding_mode="reflection", align_corners=False)
