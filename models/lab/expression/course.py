"""A whole course of training: the teachers, one after the other, and then the network that is
shipped, which learns from their mean opinion as well as from the votes (Hinton et al. 2015).

A teacher of another architecture, or of the same one with another start, errs elsewhere; their
mean says for each picture how sure one can be, which ten votes say only coarsely and FER-2013's
one label doesn't say at all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import torch
from rich.console import Console

from readroom.errors import BadSettings
from readroom.models.boxes import Floats
from readroom.models.lab.expression.card import card
from readroom.models.lab.expression.dataset import AS_EXPRESSION, Images, Pictures, majority
from readroom.models.lab.expression.evaluate import load_classifier, measure
from readroom.models.lab.expression.export import export, read_network
from readroom.models.lab.expression.networks import Network, build
from readroom.models.lab.expression.prepare import Prepared, prepare
from readroom.models.lab.expression.recipe import Recipe
from readroom.models.lab.expression.scoring import fit_temperature
from readroom.models.lab.expression.training import (
    Targets,
    Trainer,
    look,
    targets_of,
    taught,
)
from readroom.models.lab.onnx_file import Exported, write, written
from readroom.models.lab.runs import (
    Run,
    check_data,
    keep_going,
    read_checkpoint,
    read_environment,
    resume,
)

#: Faces on which an exported file is compared with PyTorch.
PARITY_FACES: Final = 256


def teachers_of(recipe: Recipe) -> list[Recipe]:
    """The recipes of the teachers: shorter, each with a seed of its own, learning from none."""
    return [
        msgspec.structs.replace(
            recipe,
            architecture=architecture,
            epochs=recipe.teacher_epochs,
            seed=recipe.seed + number,
            teachers=(),
            late_epochs=0,
        )
        for number, architecture in enumerate(recipe.teachers, 1)
    ]


def run_course(recipe: Recipe, data: Path, folder: Path) -> None:
    """Train on the pictures in ``data``: :func:`train_course`, told on the screen."""
    for name in (recipe.architecture, *recipe.teachers):
        build(name)  # What isn't known is better told before the data is read.
    prepared = prepare(data, recipe.held_out)
    dropped = ", ".join(f"{count} {reason}" for reason, count in prepared.dropped.items() if count)
    Console().print(
        f"{len(prepared.train)} pictures to learn from, {len(prepared.held_out)} kept apart to "
        f"choose by; taken out: {dropped or 'none'}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    train_course(recipe, prepared, folder)


def train_course(recipe: Recipe, prepared: Prepared, folder: Path) -> Trainer:
    """Train teachers (in ``folder/teacher-1`` …) and then the network itself (in ``folder``);
    what is already there is gone on with. Raises BadSettings where it is of another recipe."""
    own = targets = targets_of(prepared.train)
    opinions: list[tuple[Floats, Floats]] = []
    for number, each in enumerate(teachers_of(recipe), 1):
        name = f"teacher {number} of {len(recipe.teachers)}: "
        teacher = _trained(each, prepared, own, own, Run(folder / f"teacher-{number}"), name)
        opinions.append(opinion(teacher.average, prepared.train.images))
    if opinions:
        expression, fer2013 = (np.mean(heads, axis=0) for heads in zip(*opinions, strict=True))
        targets = taught(targets, (expression, fer2013), recipe.teacher_weight)
    return _trained(recipe, prepared, targets, own, Run(folder))


def _trained(
    recipe: Recipe,
    prepared: Prepared,
    targets: Targets,
    late_targets: Targets,
    run: Run,
    name: str = "",
) -> Trainer:
    trainer = Trainer(
        recipe, prepared.train, prepared.held_out, targets, late_targets, prepared.data_hash
    )
    if run.checkpoint.exists():
        resume(trainer, run.checkpoint)
    keep_going(trainer, run, name=name)
    return trainer


def opinion(network: Network, images: Images) -> tuple[Floats, Floats]:
    """A network's probabilities [n, 8] and [n, 7], mean of a face and its mirror image."""
    plain, mirrored = look(network, images), look(network, images, mirrored=True)
    return _mean_of(plain[0], mirrored[0]), _mean_of(plain[1], mirrored[1])


def _mean_of(one: Floats, other: Floats) -> Floats:
    either = [torch.softmax(torch.from_numpy(logits), 1) for logits in (one, other)]
    mean: Floats = torch.stack(either).mean(0).numpy()
    return mean


def temperatures(network: Network, held_out: Pictures) -> tuple[float, float]:
    """The temperatures of both heads, fit on pictures that the network hasn't learnt from."""
    asked = held_out.votes.any(axis=1)
    labelled = np.where(held_out.labels >= 0, AS_EXPRESSION[held_out.labels], -1)
    known = np.where(asked, majority(held_out.votes), labelled), held_out.labels
    fitted = []
    for logits, truth in zip(look(network, held_out.images), known, strict=True):
        if not (truth >= 0).any():
            raise BadSettings("no picture that was kept apart has a label: nothing to calibrate on")
        said = torch.softmax(torch.from_numpy(logits), 1).numpy()
        fitted.append(fit_temperature(said[truth >= 0], truth[truth >= 0]))
    return fitted[0], fitted[1]


def exported(folder: Path, prepared: Prepared) -> Exported:
    """What a run has come to, calibrated, as an ONNX file's contents.

    Raises BadSettings, also where the run was trained on other data; ReadroomError.
    """
    path = Run(folder).checkpoint
    network, recipe = read_network(path)
    check_data(path, read_checkpoint(path, Recipe)[1]["data"], prepared.data_hash)
    return export(
        network,
        recipe,
        temperatures=temperatures(network, prepared.held_out),
        data_hash=prepared.data_hash,
        faces=prepared.held_out.images[:PARITY_FACES],
    )


def export_run(folder: Path, data: Path, path: Path, reference: Path | None = None) -> Exported:
    """Export a run to ``path``, measured on ``valid``, with its card beside it.

    ``reference`` is the network that costs are compared with. Nothing is written unless all of it
    worked. Raises BadSettings, ReadroomError.
    """
    run = Run(folder)
    recipe, _ = read_checkpoint(run.checkpoint, Recipe)
    environment = read_environment(run)
    prepared = prepare(data, recipe.held_out)
    made = exported(folder, prepared)
    with written(path, made.body) as part:
        classifiers = [load_classifier(part)]
        pictures = prepared.measured_on
        result, *_ = measure(classifiers, pictures, reference=reference, console=Console())
        text = card(path.name, made, recipe, prepared, environment, result)
        # Before the file takes its name: no new network stands beside an old card.
        write(path.with_suffix(".md"), text.encode())
    return made
