"""Training: votes in, averaged weights out.

The targets are the shares of the FER+ votes, not their majority: three of ten taggers who saw
fear are worth knowing. Each picture counts as much as the part of its votes that went to an
expression at all. The FER-2013 head learns from that set's own label. Every epoch draws from a
generator of its own, so that a run that is resumed goes on as if it had not been stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from scipy.special import log_softmax
from torch import Tensor, nn
from torch.nn import functional

from readroom.errors import BadSettings
from readroom.models.boxes import Floats
from readroom.models.inputs import normalise
from readroom.models.lab.expression.augment import augment
from readroom.models.lab.expression.dataset import (
    AS_EXPRESSION,
    FER2013,
    Images,
    Pictures,
    distribution,
    majority,
)
from readroom.models.lab.expression.framing import INPUT
from readroom.models.lab.expression.networks import Network, build
from readroom.models.lab.expression.recipe import Recipe
from readroom.models.lab.optimisers import parameter_groups
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

#: Over the last part of a run the box moves less and less, so that the averaged weights settle
#: on faces as they are: share of the epochs.
CALM_RATIO: Final = 0.2
#: Faces per step where nothing is learnt.
LOOK_BATCH: Final = 256


@dataclass(frozen=True, slots=True)
class Targets:
    """What a network should say about pictures: probabilities [n, 8] and [n, 7] that sum to 1 (or
    0 where nothing is known), and how much each picture counts for each head, [n] in 0..1."""

    expression: Floats
    fer2013: Floats
    expression_weight: Floats
    fer2013_weight: Floats


def targets_of(pictures: Pictures) -> Targets:
    """Vote shares and labels as targets; where nobody voted, the label is the expression too."""
    shares = distribution(pictures.votes)
    asked = pictures.votes.sum(axis=1)
    weight = pictures.votes[:, : shares.shape[1]].sum(axis=1) / np.maximum(asked, 1)
    known = pictures.labels >= 0
    unasked = np.flatnonzero((asked == 0) & known)
    shares[unasked, AS_EXPRESSION[pictures.labels[unasked]]] = 1.0
    weight[unasked] = 1.0
    labels = np.eye(len(FER2013), dtype=np.float32)[np.maximum(pictures.labels, 0)]
    return Targets(
        shares,
        labels * known[:, None],
        weight.astype(np.float32),
        known.astype(np.float32),
    )


def taught(targets: Targets, teacher: tuple[Floats, Floats], weight: float) -> Targets:
    """Targets mixed with a teacher's probabilities [n, 8] and [n, 7]."""
    return Targets(
        (1 - weight) * targets.expression + weight * teacher[0],
        (1 - weight) * targets.fer2013 + weight * teacher[1],
        targets.expression_weight,
        targets.fer2013_weight,
    )


def draw_weights(pictures: Pictures, balance: float) -> NDArray[np.float64]:
    """How often each picture is drawn, [n], sums to 1: more often if either label is rare."""
    weights = np.ones(len(pictures))
    for classes in (majority(pictures.votes), pictures.labels):
        counts = np.bincount(classes[classes >= 0], minlength=8)
        rarity = (counts.max() / np.maximum(counts, 1)) ** balance
        weights = np.maximum(weights, np.where(classes >= 0, rarity[classes], 1.0))
    share: NDArray[np.float64] = weights / weights.sum()
    return share


def normalised(images: Images) -> Tensor:
    """uint8 [n, 48, 48] to the network's input, float32 [n, 1, 48, 48]."""
    planes = images.astype(np.float32)
    normalise(planes, INPUT)
    return torch.from_numpy(planes)[:, None]


def batches_of(
    pictures: Pictures, order: NDArray[np.int64], recipe: Recipe, epoch: int
) -> Iterator[tuple[Tensor, NDArray[np.int64]]]:
    """Augmented batches and their indices, made in threads ahead of the network."""
    left = (recipe.epochs - epoch) / max(1.0, recipe.epochs * CALM_RATIO)
    whole = recipe.late_augmentation if recipe.is_late(epoch) else recipe.augmentation
    strength = whole * min(1.0, 0.4 + 0.6 * left)

    def make(number: int) -> tuple[Tensor, NDArray[np.int64]]:
        random = np.random.default_rng((recipe.seed, epoch, number))
        index = order[number * recipe.batch : (number + 1) * recipe.batch]
        faces = [augment(pictures.images[i], random, strength) for i in index]
        return normalised(np.stack(faces)), index

    count = len(order) // recipe.batch
    ahead = 4
    with one_opencv_thread(), ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(make, number) for number in range(min(ahead, count))]
        for number in range(count):
            done = waiting.pop(0).result()
            if number + ahead < count:
                waiting.append(threads.submit(make, number + ahead))
            yield done


def loss_of(logits: Tensor, target: Tensor, weight: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy against smoothed shares, each picture with its weight: a scalar."""
    spread = (1 - smoothing) * target + smoothing / target.shape[1]
    each = -(spread * functional.log_softmax(logits.float(), dim=1)).sum(dim=1)
    return (each * weight).sum() / weight.sum().clamp(min=1.0)


def mixed_loss(
    logits: Tensor, target: Tensor, weight: Tensor, smoothing: float, share: float
) -> Tensor:
    """The loss of faces that were mixed, ``share`` of each with the rest of its counterpart from
    the other end of the batch (Zhang et al. 2018); of both losses each keeps its own weight."""
    loss = loss_of(logits, target, weight, smoothing)
    if share == 1.0:
        return loss
    other = loss_of(logits, target.flip(0), weight.flip(0), smoothing)
    return share * loss + (1 - share) * other


@torch.inference_mode()
def look(network: Network, images: Images, *, mirrored: bool = False) -> tuple[Floats, Floats]:
    """A network's logits over pictures: float32 [n, 8] and [n, 7]."""
    device = next(network.parameters()).device
    network.eval()
    seen = []
    for start in range(0, len(images), LOOK_BATCH):
        faces = images[start : start + LOOK_BATCH]
        faces = np.ascontiguousarray(faces[..., ::-1]) if mirrored else faces
        seen.append([head.float().cpu().numpy() for head in network(normalised(faces).to(device))])
    return np.concatenate([pair[0] for pair in seen]), np.concatenate([pair[1] for pair in seen])


def _on(device: torch.device, targets: Targets) -> tuple[Tensor, ...]:
    parts = (
        targets.expression,
        targets.fer2013,
        targets.expression_weight,
        targets.fer2013_weight,
    )
    return tuple(torch.from_numpy(part).to(device) for part in parts)


class Trainer:
    """One run: a network, its running average, an optimiser, and where it stands."""

    def __init__(
        self,
        recipe: Recipe,
        train: Pictures,
        held_out: Pictures,
        targets: Targets,
        late_targets: Targets | None = None,
        data_hash: str = "",
    ) -> None:
        if len(train) < recipe.batch:
            raise BadSettings(
                f"{len(train)} pictures to learn from are fewer than a batch of {recipe.batch}: "
                "add pictures, or lower `batch` in the recipe"
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
        self._targets = _on(self.device, targets)
        self._late_targets = _on(self.device, late_targets or targets)
        self.optimiser = torch.optim.SGD(
            parameter_groups(self.network, recipe.weight_decay),
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            nesterov=True,
        )
        self._draws = draw_weights(train, recipe.balance)

    def run_epoch(self, progress: Progress | None = None) -> dict[str, float]:
        """One pass over (as many as there are) training pictures; what was seen on the way."""
        recipe, random = self.recipe, np.random.default_rng((self.recipe.seed, self.epoch))
        torch.manual_seed(recipe.seed * 100_003 + self.epoch)
        order = random.choice(len(self.train), len(self.train), p=self._draws)
        count = len(order) // recipe.batch
        if recipe.is_late(self.epoch):
            self.optimiser.param_groups[0]["weight_decay"] = recipe.late_weight_decay
        losses = []
        self.network.train()
        batches = shown(
            progress, self.epoch, batches_of(self.train, order, recipe, self.epoch), count
        )
        for number, (faces, index) in enumerate(batches):
            set_rate(self.optimiser, self._rate(self.epoch + number / count))
            losses.append(self._step(faces, index, random))
            check_loss(losses[-1], self.epoch, recipe.learning_rate)
        self.epoch += 1
        return {"loss": float(np.mean(losses)), "rate": self._rate(self.epoch)}

    def _rate(self, progress: float) -> float:
        recipe = self.recipe
        return cosine_rate(
            progress,
            highest=recipe.learning_rate,
            warm_up_epochs=recipe.warm_up_epochs,
            epochs=recipe.epochs,
        )

    def _step(self, faces: Tensor, index: NDArray[np.int64], random: np.random.Generator) -> float:
        recipe, late = self.recipe, self.recipe.is_late(self.epoch)
        targets = self._late_targets if late else self._targets
        smoothing = 0.0 if late else recipe.smoothing
        emphasis = recipe.late_fer2013_weight if late else recipe.fer2013_weight
        faces = faces.to(self.device, memory_format=torch.channels_last)
        expression, fer2013, weight, fer2013_weight = (part[index] for part in targets)
        share = 1.0
        if recipe.mixup and not late and random.random() < 0.5:
            share = float(random.beta(recipe.mixup, recipe.mixup))
            faces = share * faces + (1 - share) * faces.flip(0)
        with torch.autocast(self.device.type, torch.bfloat16):
            first, second = self.network(faces)
        loss = mixed_loss(first, expression, weight, smoothing, share)
        loss = loss + emphasis * mixed_loss(second, fer2013, fer2013_weight, smoothing, share)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.steps += 1
        update_average(self.average, self.network, recipe.average_decay, self.steps)
        return float(loss.detach())

    def assess(self) -> dict[str, float]:
        """The averaged network on the pictures kept apart."""
        first, second = look(self.average, self.held_out.images)
        return score(first, second, self.held_out)


def score(expression: Floats, fer2013: Floats, pictures: Pictures) -> dict[str, float]:
    """Accuracies, mean recall and cross-entropy of logits [n, 8] and [n, 7], for choosing."""
    truth = majority(pictures.votes)
    known = truth >= 0
    said = expression.argmax(axis=1)
    labelled = pictures.labels >= 0
    shares = distribution(pictures.votes)
    likely = log_softmax(expression, axis=1)
    recalls = [
        float((said[truth == kind] == kind).mean())
        for kind in range(expression.shape[1])
        if (truth == kind).any()
    ]
    right = fer2013.argmax(axis=1)[labelled] == pictures.labels[labelled]
    return {
        "accuracy": float((said[known] == truth[known]).mean()) if known.any() else float("nan"),
        "mean_recall": float(np.mean(recalls)) if recalls else float("nan"),
        "fer2013_accuracy": float(right.mean()) if labelled.any() else float("nan"),
        "cross_entropy": float(-(shares * likely).sum(axis=1)[known].mean())
        if known.any()
        else float("nan"),
    }
