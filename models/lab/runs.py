"""What every training shares: its folder, its pace, its checkpoints, and the averaged weights.

A run that is resumed goes on exactly as if it had not been stopped, provided that every epoch of
the trainer draws from a generator of its own, seeded with the recipe's seed and the epoch.
"""

from __future__ import annotations

import copy
import csv
import math
import platform
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import cv2
import msgspec
import numpy as np
import torch
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from torch import Tensor, nn

from readroom.errors import BadSettings, ReadroomError
from readroom.models.lab.folders import make_folder
from readroom.models.lab.recipes import AnyRecipe, BaseRecipe

_T = TypeVar("_T")
_Network = TypeVar("_Network", bound=nn.Module)


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


class Trainable(Protocol):
    """A training that :func:`keep_going` keeps going: a network, its running average, an
    optimiser, and where it stands."""

    #: Epochs that are over.
    epoch: int
    #: Optimiser steps that are over.
    steps: int

    @property
    def recipe(self) -> BaseRecipe:
        """What decides the result, besides the data."""

    @property
    def data_hash(self) -> str:
        """Says which pictures are learnt from."""

    @property
    def network(self) -> nn.Module:
        """What learns."""

    @property
    def average(self) -> nn.Module:
        """The average of its weights over steps: what is assessed and exported."""

    @property
    def optimiser(self) -> torch.optim.Optimizer:
        """What moves the weights."""

    def run_epoch(self, progress: Progress | None = None) -> dict[str, float]:
        """One pass, which adds 1 to ``epoch``; what was seen on the way, by name."""

    def assess(self) -> dict[str, float]:
        """The averaged network on pictures kept apart, by name; NaN where there is nothing to
        say."""


def best_device() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def environment() -> dict[str, str]:
    """What the result depends on besides recipe and data."""
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "threads": str(torch.get_num_threads()),
        "system": platform.system(),
    }


def read_environment(run: Run) -> dict[str, str]:
    """What :func:`environment` said when a run was trained. Raises BadSettings."""
    try:
        return msgspec.json.decode(run.environment.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError) as error:
        raise BadSettings(
            f"{run.environment}: can't be read ({error}): the run isn't whole, train again"
        ) from None


def cosine_rate(progress: float, *, highest: float, warm_up_epochs: float, epochs: float) -> float:
    """The learning rate after ``progress`` epochs: a straight rise to ``highest`` over the warm-up,
    then half a cosine down to 0."""
    if progress < warm_up_epochs:
        return highest * progress / warm_up_epochs
    left = (progress - warm_up_epochs) / max(epochs - warm_up_epochs, 1e-9)
    return highest * 0.5 * (1 + float(np.cos(np.pi * min(left, 1.0))))


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """The learning rate of all weights from the next step on."""
    for group in optimiser.param_groups:
        group["lr"] = rate


def with_average(network: _Network, device: torch.device) -> tuple[_Network, _Network]:
    """A fresh network where it will learn, and the copy that becomes its running average."""
    # Channels last is what CPUs and tensor cores convolve fastest; PyTorch's types don't know it.
    placed = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed, copy.deepcopy(placed)


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float, steps: int) -> None:
    """Move averaged weights towards the network's after its ``steps``-th step: the average forgets
    with ``decay`` (0..1) a step, at first faster, or it would remember the random start."""
    decay = min(decay, (1 + steps) / (10 + steps))
    for mean, value in zip(
        average.state_dict().values(), network.state_dict().values(), strict=True
    ):
        if mean.dtype.is_floating_point:
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)


def check_loss(loss: float, epoch: int, learning_rate: float) -> None:
    """Raises ReadroomError where a loss, in an epoch from 0, is infinite or no number."""
    if not math.isfinite(loss):
        raise ReadroomError(
            f"the loss is no number in epoch {epoch + 1}: lower learning_rate="
            f"{learning_rate:g} in the recipe and train into another folder"
        )


def shown(progress: Progress | None, epoch: int, items: Iterable[_T], total: int) -> Iterator[_T]:
    """The steps of an epoch (from 0), with a bar of their own while they last."""
    task = progress.add_task(f"epoch {epoch + 1}", total=total) if progress else None
    for item in items:
        yield item
        if progress is not None and task is not None:
            progress.advance(task)
    if progress is not None and task is not None:
        progress.remove_task(task)


def keep_going(trainer: Trainable, run: Run, *, until: int | None = None, name: str = "") -> None:
    """Train to the recipe's last epoch (or ``until``), with a checkpoint and a row of curves after
    each. ``name`` says on the screen which network it is. Raises BadSettings, ReadroomError."""
    make_folder(run.folder)
    last = trainer.recipe.epochs if until is None else min(trainer.recipe.epochs, until)
    if trainer.epoch < last:  # Else nothing is added, and what is told of the run stays.
        _begin(trainer, run)
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns) as progress:
        whole = progress.add_task(
            f"{name}epochs", total=trainer.recipe.epochs, completed=trainer.epoch
        )
        while trainer.epoch < last:
            started = time.perf_counter()
            row = trainer.run_epoch(progress) | trainer.assess()
            row["seconds"] = time.perf_counter() - started
            # In this order: of a row without its checkpoint, _cut knows what to do.
            _append(run.curves, trainer.epoch, row)
            save(trainer, run)
            told = {key: value for key, value in row.items() if not np.isnan(value)}
            said = " ".join(f"{key} {value:.4f}" for key, value in told.items())
            progress.console.print(f"{name}epoch {trainer.epoch}: {said}", soft_wrap=True)
            progress.advance(whole)


def _begin(trainer: Trainable, run: Run) -> None:
    """What a run's folder holds before its next epoch."""
    run.recipe.write_bytes(msgspec.json.format(msgspec.json.encode(trainer.recipe)) + b"\n")
    run.environment.write_bytes(msgspec.json.format(msgspec.json.encode(environment())) + b"\n")
    _cut(run.curves, trainer.epoch)


def _cut(path: Path, epoch: int) -> None:
    """Take out of the curves what is beyond an epoch: a run that ended there before its checkpoint
    was written goes through that epoch again."""
    if epoch == 0:
        path.unlink(missing_ok=True)
    elif path.exists():
        head, *rows = path.read_bytes().splitlines(keepends=True) or [b""]
        kept = [row for row in rows if row.endswith(b"\n") and int(row.split(b",")[0]) <= epoch]
        path.write_bytes(b"".join([head, *kept]))


def _append(path: Path, epoch: int, row: dict[str, float]) -> None:
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(["epoch", *row])
        writer.writerow([epoch, *(f"{value:.5f}" for value in row.values())])


def save(trainer: Trainable, run: Run) -> None:
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


def read_checkpoint(path: Path, recipe_type: type[AnyRecipe]) -> tuple[AnyRecipe, dict[str, Any]]:
    """A checkpoint's recipe and contents. Raises BadSettings where it isn't one, or is another
    task's."""
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
        recipe = msgspec.convert(held["recipe"], recipe_type)
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


def read_average(
    path: Path, recipe_type: type[AnyRecipe], build: Callable[[str], _Network]
) -> tuple[_Network, AnyRecipe]:
    """A checkpoint's averaged network, ready to look, and its recipe; ``build`` makes a network of
    an architecture. Raises BadSettings."""
    recipe, held = read_checkpoint(path, recipe_type)
    network = build(recipe.architecture)
    load_weights(network, held["average"], path)
    return network.eval(), recipe


def resume(trainer: Trainable, path: Path) -> None:
    """Go on where a checkpoint stands. Raises BadSettings where it belongs to another recipe."""
    recipe, held = read_checkpoint(path, type(trainer.recipe))
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


def load_weights(network: nn.Module, weights: dict[str, Tensor], path: Path) -> None:
    """Put weights into a network. Raises BadSettings where they are another architecture's."""
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise BadSettings(f"{path}: weights of another architecture ({reason[:120]})") from None
