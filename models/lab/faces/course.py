"""A whole course of training for the face detector, from photographs to the file that ships."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from readroom.errors import BadSettings
from readroom.models.lab.faces.card import card
from readroom.models.lab.faces.detectors import TEACHER, OnnxDetector, teacher_path
from readroom.models.lab.faces.evaluate import measured
from readroom.models.lab.faces.export import export, read_network
from readroom.models.lab.faces.marks import marks_of
from readroom.models.lab.faces.photos import (
    Photo,
    fingerprint,
    of_split,
    read_photos,
    read_pixels,
)
from readroom.models.lab.faces.recipe import Recipe
from readroom.models.lab.faces.training import Trainer, load_sources
from readroom.models.lab.folders import make_folder
from readroom.models.lab.onnx_file import Exported, write, written
from readroom.models.lab.runs import (
    Run,
    check_data,
    keep_going,
    read_checkpoint,
    read_environment,
    resume,
)
from readroom.models.registry import REGISTRY

#: Where a run keeps the landmarks of labelled faces.
MARKS: Final = "marks.npz"
#: Photographs on which an exported file is compared with PyTorch.
PARITY_PHOTOS: Final = 8


def run_course(recipe: Recipe, data: Path, folder: Path) -> None:
    """Train a detector on the photographs in ``data``, in ``folder``; a run that is there is gone
    on with. Raises BadSettings where it is of another recipe or other photographs."""
    run = Run(folder)
    make_folder(folder)
    photos = read_photos(data)
    teacher = OnnxDetector(teacher_path())
    learnt = of_split(photos, "train")
    if not learnt:
        raise BadSettings(f"{data}: none of its photographs belongs to the split train: add some")
    marks = marks_of(learnt, teacher, folder / MARKS)
    trainer = Trainer(
        recipe,
        load_sources(learnt, marks),
        load_sources(of_split(photos, "held_out")),
        teacher,
        fingerprint(learnt),
    )
    if run.checkpoint.exists():
        resume(trainer, run.checkpoint)
    keep_going(trainer, run)


def exported(folder: Path, photos: Sequence[Photo]) -> Exported:
    """What a run has come to, as an ONNX file's contents.

    Raises BadSettings, also where the run was trained on other photographs; ReadroomError.
    """
    path = Run(folder).checkpoint
    network, recipe = read_network(path)
    data_hash = fingerprint(of_split(photos, "train"))
    _, held = read_checkpoint(path, Recipe)
    check_data(path, held["data"], data_hash)
    shown = of_split(photos, "held_out") or of_split(photos, "train")
    return export(
        network,
        recipe,
        epochs=held["epoch"],
        data_hash=data_hash,
        teacher_hash=REGISTRY[TEACHER].sha256[:12],
        pictures=[read_pixels(photo) for photo in shown[:PARITY_PHOTOS]],
    )


def export_run(folder: Path, data: Path, path: Path) -> Exported:
    """Export a run to ``path``, measured on the photographs that are kept apart, with its card
    beside it. Nothing is written unless all of it worked. Raises BadSettings, ReadroomError.
    """
    run = Run(folder)
    recipe, _ = read_checkpoint(run.checkpoint, Recipe)
    environment = read_environment(run)
    photos = read_photos(data)
    apart = of_split(photos, "test")
    if not apart:
        raise BadSettings(f"{data}: none of its photographs belongs to the split test: add some")
    made = exported(folder, photos)
    with written(path, made.body) as part:
        (result,) = measured([OnnxDetector(part)], apart, console=Console())
        text = card(path.name, made, recipe, photos, environment, result)
        # Before the file takes its name: no new network stands beside an old card.
        write(path.with_suffix(".md"), text.encode())
    return made
