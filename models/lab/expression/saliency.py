"""What a network sees in a face and where it looks: outputs of its stages, HiResCAM, occlusion,
and the training faces it takes for alike.

None of these maps says what a person felt, or why a network is right: they say which pixels its
answer hangs on (Adebayo et al. 2018 show how easily more is read into them).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from readroom.models.boxes import Floats
from readroom.models.lab.expression.dataset import SIDE_PX, Images
from readroom.models.lab.expression.networks import Network
from readroom.models.lab.expression.training import normalised

Grey = NDArray[np.uint8]

#: Side of the patch that hides a part of a face, px: about one eye of a 48 px face.
PATCH_PX: Final = 12
#: Faces per look: what they leave in a stage fits into a processor's cache.
BATCH: Final = 32
#: Two pictures whose pixels correlate this much are copies of one.
COPY: Final = 0.95
#: From one place of the patch to the next, px.
STEP_PX: Final = 3


def stage_outputs(network: Network, images: Tensor, until: str = "") -> dict[str, Tensor]:
    """What each stage, in order, ``until`` the named one, hands on for images [b, 1, h, w]:
    [b, channels, h', w'], or [b, features] after a dense stage."""
    outputs = {}
    for name, stage in network.stages.items():
        images = outputs[name] = stage(images)
        if name == until:
            break
    return outputs


def spatial_stages(network: Network) -> tuple[str, ...]:
    """The names of the stages whose output still has places: more than one pixel."""
    with torch.inference_mode():
        outputs = stage_outputs(network, torch.zeros(1, 1, SIDE_PX, SIDE_PX))
    return tuple(name for name, seen in outputs.items() if seen.ndim == 4 and seen.shape[-1] > 1)


@torch.inference_mode()
def feature_maps(network: Network, face: Grey) -> dict[str, Floats]:
    """What each spatial stage makes of a face uint8 [48, 48]: float32 [channels, h, w], ≥ 0."""
    outputs = stage_outputs(network, normalised(face[None]))
    return {name: outputs[name][0].numpy() for name in spatial_stages(network)}


def varied_channels(maps: Floats, count: int) -> NDArray[np.int64]:
    """The ``count`` channels of [channels, h, w] that differ most from place to place, by
    standard deviation, most varied first."""
    order = np.argsort(-maps.reshape(len(maps), -1).std(axis=1), kind="stable")
    return order[:count].astype(np.int64)


def hires_cam(network: Network, face: Grey, stage: str) -> Floats:
    """Where a stage holds evidence for each expression: float32 [8, 48, 48], ≥ 0, comparable over
    expressions.

    Grad-CAM (Selvaraju et al. 2017) with gradients weighed place by place (HiResCAM, Draelos &
    Carin 2020, arXiv:2011.08891): the same in the last stage, whose places are averaged, and in
    earlier ones, where a channel may count for an expression here and against it there, faithful.
    What speaks against an expression is cut off.
    """
    count = network.expression.out_features
    # The weights are frozen or not, as the caller likes: the gradient begins at the input.
    images = normalised(face[None]).repeat(count, 1, 1, 1).requires_grad_()
    outputs = stage_outputs(network, images)
    logits = network.expression(_pooled(next(reversed(outputs.values()))))
    (gradient,) = torch.autograd.grad(logits.diagonal().sum(), outputs[stage])
    maps = functional.relu((gradient * outputs[stage]).sum(dim=1, keepdim=True))
    wide = functional.interpolate(maps, (SIDE_PX, SIDE_PX), mode="bicubic", align_corners=False)
    return wide[:, 0].clamp(min=0).detach().numpy()


def _pooled(seen: Tensor) -> Tensor:
    return functional.adaptive_avg_pool2d(seen, 1).flatten(1) if seen.ndim == 4 else seen


def patch_corners(patch_px: int = PATCH_PX, step_px: int = STEP_PX) -> list[tuple[int, int]]:
    """Top left corners (y, x) of the patches, px: every place at which one lies inside the face."""
    along = range(0, SIDE_PX - patch_px + 1, step_px)
    return [(y, x) for y in along for x in along]


def occlusion(network: Network, face: Grey, *, patch_px: int = PATCH_PX) -> Floats:
    """How much hiding each place takes from each expression's probability (Zeiler & Fergus 2014):
    float32 [8, 48, 48] in -1..1, positive where the face needs to be seen.

    A patch of the face's own mean grey slides over the face; each pixel gets the mean drop over
    the patches that hide it.
    """
    corners = patch_corners(patch_px)
    hidden = np.repeat(face[None], len(corners), axis=0)
    for picture, (y, x) in zip(hidden, corners, strict=True):
        picture[y : y + patch_px, x : x + patch_px] = round(float(face.mean()))
    drops = probabilities(network, face[None]) - probabilities(network, hidden)
    total = np.zeros((drops.shape[1], SIDE_PX, SIDE_PX), np.float32)
    times = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    for drop, (y, x) in zip(drops, corners, strict=True):
        total[:, y : y + patch_px, x : x + patch_px] += drop[:, None, None]
        times[y : y + patch_px, x : x + patch_px] += 1
    return np.asarray(total / np.maximum(times, 1), np.float32)


@torch.inference_mode()
def probabilities(network: Network, faces: Images) -> Floats:
    """The expressions' probabilities, before any temperature: float32 [n, 8]."""
    said = [
        network(normalised(faces[start : start + BATCH]))[0].softmax(dim=1)
        for start in range(0, len(faces), BATCH)
    ]
    return torch.cat(said).numpy()


@torch.inference_mode()
def directions(network: Network, faces: Images) -> Floats:
    """The network's pooled features of faces uint8 [n, 48, 48] at length 1: float32 [n, f]."""
    return functional.normalize(network.features(normalised(faces)), dim=1).numpy()


def nearest(among: Floats, wanted: Floats, count: int) -> tuple[NDArray[np.int64], Floats]:
    """The ``count`` rows of ``among`` [n, f] nearest to ``wanted`` [f], nearest first, and their
    cosines with it; both of length 1, as :func:`directions` makes them."""
    cosines = among @ wanted
    order = np.argsort(-cosines, kind="stable")[:count].astype(np.int64)
    return order, cosines[order]


def distinct(faces: Images) -> NDArray[np.int64]:
    """Which faces uint8 [n, 48, 48] are no copy of an earlier one: indices, in order."""
    pixels = faces.reshape(len(faces), -1).astype(np.float32)
    pixels -= pixels.mean(axis=1, keepdims=True)
    pixels /= np.linalg.norm(pixels, axis=1, keepdims=True) + 1e-6
    kept: list[int] = []
    for index, row in enumerate(pixels):
        if not kept or float((pixels[kept] @ row).max()) < COPY:
            kept.append(index)
    return np.array(kept, np.int64)
