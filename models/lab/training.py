"""Training: votes in, averaged weights out, and a checkpoint after every epoch.

The targets are the shares of the FER+ votes, not their majority: three of ten taggers who saw
fear are worth knowing. Each picture counts as much as the part of its votes that went to an
expression at all. The FER-2013 head learns from that set's own label. A run that is resumed goes
on exactly as if it had not been stopped: every epoch draws from a generator of its own.
"""

from __future__ import annotations

import csv
import platform
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from scipy.special import log_softmax
from torch import Tensor, nn
from torch.nn import functional

from readroom.errors import BadSettings, ReadroomError
from readroom.models.inputs import normalise
from readroom.models.lab.augment import augment
from readroom.models.lab.dataset import (
    AS_EXPRESSION,
    FER2013,
    Images,
    Pictures,
    distribution,
    majority,
)
from readroom.models.lab.framing import INPUT
from readroom.models.lab.networks import Network, build
from readroom.models.lab.recipe import Recipe

Floats = NDArray[np.float32]

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


def best_device() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def batches_of(
    pictures: Pictures, order: NDArray[np.int64], recipe: Recipe, epoch: int
) -> Iterator[tuple[Tensor, NDArray[np.int64]]]:
    """Augmented batches and their indices, made in threads ahead of the network."""
    left = (recipe.epochs - epoch) / max(1.0, recipe.epochs * CALM_RATIO)
    whole = recipe.late_augmentation if recipe.is_late(epoch) else recipe.augmentation
    strength = whole * min(1.0, 0.4 + 0.6 * left)
    cv2.setNumThreads(1)

    def make(number: int) -> tuple[Tensor, NDArray[np.int64]]:
        random = np.random.default_rng((recipe.seed, epoch, number))
        index = order[number * recipe.batch : (number + 1) * recipe.batch]
        faces = [augment(pictures.images[i], random, strength) for i in index]
        return normalised(np.stack(faces)), index

    count = len(order) // recipe.batch
    ahead = 4
    with ThreadPoolExecutor(2) as threads:
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


def rate_at(recipe: Recipe, progress: float) -> float:
    """The learning rate after ``progress`` epochs."""
    if progress < recipe.warm_up_epochs:
        return recipe.learning_rate * progress / recipe.warm_up_epochs
    left = (progress - recipe.warm_up_epochs) / max(recipe.epochs - recipe.warm_up_epochs, 1e-9)
    return recipe.learning_rate * 0.5 * (1 + float(np.cos(np.pi * min(left, 1.0))))


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


def _fresh(recipe: Recipe, device: torch.device) -> Network:
    # Channels last is what CPUs and tensor cores convolve fastest; PyTorch's types don't know it.
    return build(recipe.architecture).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


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
        self.network = _fresh(recipe, self.device)
        self.average = _fresh(recipe, self.device)
        self.average.load_state_dict(self.network.state_dict())
        self.epoch = 0
        self.steps = 0
        self._targets = _on(self.device, targets)
        self._late_targets = _on(self.device, late_targets or targets)
        weights = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim <= 1]
        self.optimiser = torch.optim.SGD(
            [
                {"params": weights, "weight_decay": recipe.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
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
        task = progress.add_task(f"epoch {self.epoch + 1}", total=count) if progress else None
        losses = []
        self.network.train()
        for number, (faces, index) in enumerate(batches_of(self.train, order, recipe, self.epoch)):
            for group in self.optimiser.param_groups:
                group["lr"] = rate_at(recipe, self.epoch + number / count)
            losses.append(self._step(faces, index, random))
            if not np.isfinite(losses[-1]):
                raise ReadroomError(
                    f"the loss is no number in epoch {self.epoch + 1}: lower learning_rate="
                    f"{recipe.learning_rate:g} in the recipe and train into another folder"
                )
            if progress is not None and task is not None:
                progress.advance(task)
        if progress is not None and task is not None:
            progress.remove_task(task)
        self.epoch += 1
        return {"loss": float(np.mean(losses)), "rate": rate_at(recipe, self.epoch)}

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
        self._update_average()
        return float(loss.detach())

    @torch.no_grad()
    def _update_average(self) -> None:
        # A young average would remember the random start: it forgets faster at first.
        self.steps += 1
        decay = min(self.recipe.average_decay, (1 + self.steps) / (10 + self.steps))
        for mean, value in zip(
            self.average.state_dict().values(), self.network.state_dict().values(), strict=True
        ):
            if mean.dtype.is_floating_point:
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)

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


@dataclass(frozen=True, slots=True)
class Run:
    """What a training run leaves in its folder."""

    folder: Path

    @property
    def checkpoint(self) -> Path:
        """Everything needed to go on, or to export."""
        return self.folder / "checkpoint.pt"

    @property
    def curves(self) -> Path:
        """One row per epoch."""
        return self.folder / "curves.csv"

    @property
    def recipe(self) -> Path:
        """The recipe, JSON."""
        return self.folder / "recipe.json"

    @property
    def environment(self) -> Path:
        """Versions and machine, JSON."""
        return self.folder / "environment.json"


def train(trainer: Trainer, run: Run, *, until: int | None = None, name: str = "") -> None:
    """Train to the recipe's last epoch (or ``until``), with a checkpoint after each. ``name`` says
    on the screen which network it is."""
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSettings(
            f"{run.folder}: can't be made ({error.strerror}): name another folder"
        ) from None
    run.recipe.write_bytes(msgspec.json.format(msgspec.json.encode(trainer.recipe)) + b"\n")
    run.environment.write_bytes(msgspec.json.format(msgspec.json.encode(environment())) + b"\n")
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    last = min(trainer.recipe.epochs, until or trainer.recipe.epochs)
    with Progress(*columns) as progress:
        whole = progress.add_task(
            f"{name}epochs", total=trainer.recipe.epochs, completed=trainer.epoch
        )
        while trainer.epoch < last:
            started = time.perf_counter()
            row = trainer.run_epoch(progress) | trainer.assess()
            row["seconds"] = time.perf_counter() - started
            save(trainer, run)
            _append(run.curves, trainer.epoch, row)
            told = {key: value for key, value in row.items() if not np.isnan(value)}
            said = " ".join(f"{key} {value:.4f}" for key, value in told.items())
            progress.console.print(f"{name}epoch {trainer.epoch}: {said}", soft_wrap=True)
            progress.advance(whole)


def environment() -> dict[str, str]:
    """What the result depends on besides recipe and data."""
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "threads": str(torch.get_num_threads()),
        "system": platform.platform(terse=True),
    }


def _append(path: Path, epoch: int, row: dict[str, float]) -> None:
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(["epoch", *row])
        writer.writerow([epoch, *(f"{value:.5f}" for value in row.values())])


def save(trainer: Trainer, run: Run) -> None:
    """Write the checkpoint, whole or not at all."""
    part = run.checkpoint.with_suffix(".part")
    torch.save(
        {
            "recipe": msgspec.to_builtins(trainer.recipe),
            "data": trainer.data_hash,
            "epoch": trainer.epoch,
            "steps": trainer.steps,
            "network": trainer.network.state_dict(),
            "average": trainer.average.state_dict(),
            "optimiser": trainer.optimiser.state_dict(),
        },
        part,
    )
    part.replace(run.checkpoint)


def read_checkpoint(path: Path) -> tuple[Recipe, dict[str, Any]]:
    """A checkpoint's recipe and contents. Raises BadSettings where it isn't one."""
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
        recipe = msgspec.convert(held["recipe"], Recipe)
        missing = {"data", "epoch", "steps", "network", "average", "optimiser"} - held.keys()
        if missing:
            raise KeyError(f"it lacks {', '.join(sorted(missing))}")
        return recipe, held
    except FileNotFoundError:
        raise BadSettings(
            f"{path}: no checkpoint there: train first (`readroom lab train`)"
        ) from None
    except Exception as error:  # What PyTorch raises over a wrong file shares no base class.
        known = isinstance(error, KeyError | msgspec.MsgspecError)
        reason = f" ({error.args[0]})" if known else ""
        raise BadSettings(
            f"{path}: not a checkpoint of this lab{reason}; name a folder that `readroom lab "
            "train` made"
        ) from None


def resume(trainer: Trainer, path: Path) -> None:
    """Go on where a checkpoint stands. Raises BadSettings where it belongs to another recipe."""
    recipe, held = read_checkpoint(path)
    check_data(path, held["data"], trainer.data_hash)
    if recipe != trainer.recipe:
        ours, theirs = (msgspec.to_builtins(value) for value in (trainer.recipe, recipe))
        differs = ", ".join(f"{k}={theirs[k]}" for k in ours if ours[k] != theirs[k])
        raise BadSettings(
            f"{path}: was trained with {differs}: give the same, or another folder to train into"
        )
    load_weights(trainer.network, held["network"], path)
    load_weights(trainer.average, held["average"], path)
    trainer.optimiser.load_state_dict(held["optimiser"])
    trainer.epoch, trainer.steps = held["epoch"], held["steps"]


def check_data(path: Path, learnt_from: str, given: str) -> None:
    """Raises BadSettings where a checkpoint was trained on other pictures than those given: what is
    kept apart now may have been learnt from then."""
    if learnt_from != given:
        raise BadSettings(
            f"{path}: was trained on data {learnt_from}, this is {given}: name the same pictures, "
            "or train into another folder"
        )


def load_weights(network: Network, weights: dict[str, Tensor], path: Path) -> None:
    """Put weights into a network. Raises BadSettings where they are another architecture's."""
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise BadSettings(f"{path}: weights of another architecture ({reason[:120]})") from None
