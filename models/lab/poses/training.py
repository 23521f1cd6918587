"""Training: people in photos in, averaged weights out.

The teacher's keypoints are the targets, each with the weight of its score. The place of a joint
is learnt as a Gaussian along either axis of its map, and the map's expectation is drawn to the
place itself; the score is learnt as the teacher's, and 0 where augmentation hid the joint. At
first people are shown smaller than in the end: most of what there is to learn doesn't need many
pixels, and a pass takes half the time. A run that is resumed goes on exactly as if it had not been
stopped: every epoch draws from a generator of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from torch import Tensor, nn
from torch.nn import functional

from readroom.errors import BadSettings
from readroom.models.boxes import Floats
from readroom.models.keypoints import grow, window
from readroom.models.lab.optimisers import parameter_groups
from readroom.models.lab.poses.augment import Sample, augmented, plain as unchanged
from readroom.models.lab.poses.networks import (
    CELL,
    Keypoints,
    Network,
    Seen,
    build,
    expectation,
    input_of,
)
from readroom.models.lab.poses.recipe import Recipe
from readroom.models.lab.poses.scoring import AREA_RATIO, GROWN_AREA, SIGMAS, UPPER_BODY, oks
from readroom.models.lab.poses.teacher import People, unit_of
from readroom.models.lab.runs import (
    best_device,
    check_loss,
    cosine_rate,
    set_rate,
    shown,
    update_average,
    with_average,
)
from readroom.models.lab.threads import one_opencv_thread
from readroom.models.registry import InputSpec
from readroom.pixels import Picture

#: People per step where nothing is learnt.
LOOK_BATCH: Final = 64
#: Joints of which the teacher is less sure than this don't count when the network is assessed.
ASSESSED_SCORE: Final = 0.3
#: What a map's logits may be multiplied by when a network is exported.
SHARPNESSES: Final = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.4, 2.8)
_AHEAD: Final = 4


@dataclass(frozen=True, slots=True)
class Crowd:
    """People and the pixels of the photos they are in (uint8 BGR), by their index."""

    people: People
    pictures: Sequence[Picture]

    def __len__(self) -> int:
        return len(self.people)


@dataclass(frozen=True, slots=True)
class Targets:
    """What is wanted of a batch, float32: ``places`` [b, 17, 2] input px, ``weights`` and
    ``visible`` [b, 17] in 0..1."""

    places: Tensor
    weights: Tensor
    visible: Tensor


def normalised(crops: NDArray[np.uint8], spec: InputSpec, device: torch.device) -> Tensor:
    """Crops uint8 BGR [n, height, width, 3] as a network's input, float32 [n, 3, height, width]."""
    planes = torch.from_numpy(crops).to(device).permute(0, 3, 1, 2).flip(1).float()
    mean = torch.tensor(spec.mean, device=device)[:, None, None]
    deviation = torch.tensor(spec.std, device=device)[:, None, None]
    return ((planes * spec.scale - mean) / deviation).contiguous(memory_format=torch.channels_last)


def stacked(
    samples: Sequence[Sample], spec: InputSpec, device: torch.device
) -> tuple[Tensor, Targets]:
    """Samples as the network's input and what is wanted of it."""
    people = normalised(np.stack([sample.crop for sample in samples]), spec, device)
    parts = (
        torch.from_numpy(np.stack([getattr(sample, name) for sample in samples])).float().to(device)
        for name in ("places", "weights", "visible")
    )
    return people, Targets(*parts)


def batches_of(crowd: Crowd, recipe: Recipe, spec: InputSpec, epoch: int) -> Iterator[list[Sample]]:
    """Every person once, in an order of the epoch's own, changed in threads ahead of time."""
    order = np.random.default_rng((recipe.seed, epoch)).permutation(len(crowd))
    strength = recipe.strength(epoch)

    def make(number: int) -> list[Sample]:
        random = np.random.default_rng((recipe.seed, epoch, number))
        index = order[number * recipe.batch : (number + 1) * recipe.batch]
        return [_changed(crowd, int(i), spec, random, strength) for i in index]

    count = len(order) // recipe.batch
    with one_opencv_thread(), ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(make, number) for number in range(min(_AHEAD, count))]
        for number in range(count):
            done = waiting.pop(0).result()
            if number + _AHEAD < count:
                waiting.append(threads.submit(make, number + _AHEAD))
            yield done


def _changed(
    crowd: Crowd, index: int, spec: InputSpec, random: np.random.Generator, strength: float
) -> Sample:
    people = crowd.people
    return augmented(
        crowd.pictures[int(people.photo[index])],
        people.face[index],
        people.keypoints[index],
        spec,
        random,
        strength,
        crowd.pictures[int(random.integers(len(crowd.pictures)))],
    )


def loss_of(seen: Seen, wanted: Targets, recipe: Recipe, *, plain: bool) -> Tensor:
    """What a batch's answers cost, a scalar: all joints alike (``plain``), or each measured by how
    exact people are about it."""
    tolerance = torch.tensor(SIGMAS, dtype=torch.float32, device=seen.maps.device)
    tolerance = tolerance * seen.maps.shape[2] * CELL
    if plain:
        weights, spread = wanted.weights, torch.full_like(tolerance, recipe.spread_px)
        per_px = torch.full_like(tolerance, recipe.distance_weight)
    else:
        weights, per_px = wanted.weights**2, recipe.tolerance_weight / tolerance
        spread = (recipe.spread_ratio * tolerance).clamp(min=CELL / 2)
    loss = recipe.visible_weight * functional.binary_cross_entropy_with_logits(
        seen.visible.float(), wanted.visible
    )
    away = (expectation(seen.maps) - wanted.places).abs()
    # The sums over columns and rows of a map's softmax are those of its joint along either axis.
    for axis, logits in enumerate((seen.maps.logsumexp(2), seen.maps.logsumexp(3))):
        each = _axis_loss(logits, wanted.places[..., axis], spread) + per_px * away[..., axis]
        loss = loss + (each * weights).sum() / weights.sum().clamp(min=1.0)
    return loss


def _axis_loss(logits: Tensor, place: Tensor, spread: Tensor) -> Tensor:
    """Kullback–Leibler divergence of cells along an axis [b, 17, n] from a Gaussian of a ``spread``
    [17] px around places [b, 17] px."""
    centres = (torch.arange(logits.shape[2], device=logits.device) + 0.5) * CELL
    away = (centres - place[..., None]) / spread[:, None]
    target = torch.softmax(-0.5 * away**2, dim=2)
    own = (target * torch.log(target.clamp(min=1e-9))).sum(dim=2)
    return own - (target * functional.log_softmax(logits, dim=2)).sum(dim=2)


class Trainer:
    """One run: a network, its running average, an optimiser, and where it stands."""

    def __init__(self, recipe: Recipe, train: Crowd, held_out: Crowd, data_hash: str = "") -> None:
        if len(train) < recipe.batch:
            raise BadSettings(
                f"{len(train)} people to learn from are fewer than a batch of {recipe.batch}: "
                "add photos, or lower `batch` in the recipe"
            )
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.data_hash = data_hash
        self.train = train
        self.held_out = held_out
        self.device = best_device()
        self.network, self.average = with_average(build(recipe.architecture), self.device)
        self.epoch = 0
        self.steps = 0
        self.optimiser = torch.optim.AdamW(
            parameter_groups(self.network, recipe.weight_decay), lr=recipe.learning_rate
        )

    @property
    def spec(self) -> InputSpec:
        """What the network is shown in the coming epoch: people are smaller at first."""
        spec = input_of(self.network)
        if self.epoch >= self.recipe.early_epochs:
            return spec
        width, height = self.recipe.early_size
        return replace(spec, width=width, height=height)

    def run_epoch(self, progress: Progress | None = None) -> dict[str, float]:
        """One pass over the people to learn from; what was seen on the way."""
        recipe = self.recipe
        count = len(self.train) // recipe.batch
        spec = self.spec
        batches = batches_of(self.train, recipe, spec, self.epoch)
        losses = []
        self.network.train()
        for number, samples in enumerate(shown(progress, self.epoch, batches, count)):
            set_rate(self.optimiser, self._rate(self.epoch + number / count))
            losses.append(self._step(samples, spec))
            check_loss(losses[-1], self.epoch, recipe.learning_rate)
        self.epoch += 1
        return {"loss": float(np.mean(losses)), "rate": self._rate(self.epoch)}

    def _rate(self, progress: float) -> float:
        recipe = self.recipe
        if recipe.restart_epoch and progress >= recipe.restart_epoch:
            return cosine_rate(
                progress - recipe.restart_epoch,
                highest=recipe.restart_rate,
                warm_up_epochs=0,
                epochs=recipe.epochs - recipe.restart_epoch,
            )
        return cosine_rate(
            progress,
            highest=recipe.learning_rate,
            warm_up_epochs=recipe.warm_up_epochs,
            epochs=recipe.epochs,
        )

    def _step(self, samples: Sequence[Sample], spec: InputSpec) -> float:
        people, wanted = stacked(samples, spec, self.device)
        with torch.autocast(self.device.type, torch.bfloat16):
            seen = self.network(people)
        plain = self.epoch < self.recipe.plain_epochs
        loss = loss_of(seen, wanted, self.recipe, plain=plain)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.steps += 1
        update_average(self.average, self.network, self.recipe.average_decay, self.steps)
        return float(loss.detach())

    def assess(self) -> dict[str, float]:
        """The averaged network on the people kept apart, in boxes grown from their faces."""
        return assess(self.average, self.held_out, self.spec)


@torch.inference_mode()
def look(network: Network, crops: NDArray[np.uint8], sharpness: float = 1.0) -> Floats:
    """What a network says of crops uint8 BGR [n, height, width, 3]: float32 [n, 17, 3], input px
    and scores."""
    device, spec = next(network.parameters()).device, input_of(network)
    whole = Keypoints(network, sharpness).eval()
    said = []
    for start in range(0, len(crops), LOOK_BATCH):
        people = normalised(crops[start : start + LOOK_BATCH], spec, device)
        said.append(whole(people).float().cpu().numpy())
    return np.concatenate(said)


def assess(network: Network, crowd: Crowd, spec: InputSpec) -> dict[str, float]:
    """A network, shown people as ``spec`` says, against the teacher, for choosing: mean OKS of
    upper body and whole body, share of upper-body joints within 0.25 face units, and mean
    difference of the scores."""
    people = crowd.people
    samples, scales = boxed_samples(crowd, spec)
    said = look(network, np.stack([sample.crop for sample in samples]))
    truth = np.stack([sample.places for sample in samples])
    wanted = np.stack([sample.visible for sample in samples])
    known = wanted >= ASSESSED_SCORE
    unit = unit_of(people.face) * scales
    area = AREA_RATIO * GROWN_AREA * unit**2
    upper = list(UPPER_BODY)
    away = np.linalg.norm(said[..., :2] - truth, axis=2)[:, upper] <= 0.25 * unit[:, None]
    counted = known[:, upper]
    return {
        "oks_upper": _mean(oks(said[:, upper], truth[:, upper], counted, area)),
        "oks": _mean(oks(said, truth, known, area)),
        "near": float(away[counted].mean()) if counted.any() else float("nan"),
        "score_difference": float(np.abs(said[..., 2] - wanted).mean()),
    }


def fit_sharpness(network: Network, crowd: Crowd) -> float:
    """Of :data:`SHARPNESSES`, the one with which people's upper bodies are most like the teacher's
    (mean OKS): chosen on people that the network hasn't learnt from."""
    spec, upper = input_of(network), list(UPPER_BODY)
    samples, scales = boxed_samples(crowd, spec)
    crops = np.stack([sample.crop for sample in samples])
    truth = np.stack([sample.places for sample in samples])[:, upper]
    known = np.stack([sample.visible for sample in samples])[:, upper] >= ASSESSED_SCORE
    area = AREA_RATIO * GROWN_AREA * (unit_of(crowd.people.face) * scales) ** 2

    def likeness(sharpness: float) -> float:
        said = look(network, crops, sharpness)[:, upper]
        return _mean(oks(said, truth, known, area))

    return max(SHARPNESSES, key=likeness)


def boxed_samples(crowd: Crowd, spec: InputSpec) -> tuple[list[Sample], Floats]:
    """Everybody as the worker would show them, in boxes grown from faces, and how many input px a
    photo px is there: [n]."""
    samples, scales = [], []
    for index in range(len(crowd)):
        people = crowd.people
        picture = crowd.pictures[int(people.photo[index])]
        box = grow(people.face[index][None], picture.shape[1], picture.shape[0])[0]
        samples.append(unchanged(picture, box, people.keypoints[index], spec))
        scales.append(window(box, spec).scale)
    return samples, np.array(scales, np.float32)


def _mean(values: Floats) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
