"""A whole course of training: the teacher's labels, once, then the network, then its file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from readroom.errors import BadSettings
from readroom.models.lab.faces.photos import (
    Photo,
    Split,
    fingerprint,
    read_photos,
    read_pixels,
)
from readroom.models.lab.folders import make_folder
from readroom.models.lab.onnx_file import Exported, write, written
from readroom.models.lab.poses.card import Learnt, card
from readroom.models.lab.poses.evaluate import measure_all
from readroom.models.lab.poses.export import export, read_network
from readroom.models.lab.poses.networks import input_of
from readroom.models.lab.poses.posers import Poser, known_path
from readroom.models.lab.poses.recipe import Recipe
from readroom.models.lab.poses.subjects import from_people
from readroom.models.lab.poses.teacher import People, Teacher, teach
from readroom.models.lab.poses.training import Crowd, Trainer, boxed_samples, fit_sharpness
from readroom.models.lab.runs import (
    Run,
    check_data,
    keep_going,
    read_checkpoint,
    read_environment,
    resume,
)
from readroom.models.registry import InputSpec
from readroom.settings import load_settings

#: People on whom an exported file is compared with PyTorch.
PARITY_PEOPLE: Final = 128
#: What stands beside a network in its card, where it is at hand.
_BESIDE: Final = ("tinypose_128x96", "tinypose_256x192")
#: The teacher's labels, in the folder of a run.
_LABELS: Final = "labels.npz"


def run_course(recipe: Recipe, data: Path, folder: Path) -> Trainer:
    """Train the network in ``folder`` on the photos in ``data``; what is there is gone on with.
    Raises BadSettings where it is of another recipe or other photos, or there is no teacher."""
    photos = read_photos(data)
    make_folder(folder)  # What can't be written is better told before the teacher's work.
    people = _taught(photos, folder)
    trainer = Trainer(
        recipe,
        of_split(photos, people, "train"),
        of_split(photos, people, "held_out"),
        _hash_of(photos),
    )
    run = Run(folder)
    if run.checkpoint.exists():
        resume(trainer, run.checkpoint)
    keep_going(trainer, run)
    return trainer


def export_run(folder: Path, data: Path, path: Path) -> Exported:
    """Export a run to ``path``, measured beside the public networks on the photos that nothing was
    learnt from, with its card beside it. Nothing is written unless all of it worked.

    Raises BadSettings, also where the run was trained on other photos; ReadroomError.
    """
    run, photos = Run(folder), read_photos(data)
    network, recipe = read_network(run.checkpoint)
    data_hash = _hash_of(photos)
    check_data(run.checkpoint, read_checkpoint(run.checkpoint, Recipe)[1]["data"], data_hash)
    people, environment = _taught(photos, folder), read_environment(run)
    held_out = of_split(photos, people, "held_out")
    made = export(
        network,
        recipe,
        sharpness=fit_sharpness(network, held_out),
        data_hash=data_hash,
        crops=_parity_crops(held_out, input_of(network)),
    )
    test = [number for number, photo in enumerate(photos) if photo.split == "test"]
    subjects = from_people(data, [photos[number] for number in test], people.of(test))
    with written(path, made.body) as part:
        beside = [found for name in _BESIDE if (found := known_path(name)) is not None]
        posers = [Poser(one) for one in (part, *beside)]
        results = measure_all(posers, subjects, Console())
        learnt = _learnt(photos, people)
        text = card(path.name, made, recipe, learnt, environment, subjects.title, results)
        # Before the file takes its name: no new network stands beside an old card.
        write(path.with_suffix(".md"), text.encode())
    return made


def of_split(photos: Sequence[Photo], people: People, split: Split) -> Crowd:
    """The people in the photos of a split, with pixels. Raises BadSettings."""
    seen = set(people.photo.tolist())
    chosen = [i for i, photo in enumerate(photos) if photo.split == split and i in seen]
    if not chosen:
        raise BadSettings(f"no photo with a usable face belongs to the split {split}: add photos")
    return Crowd(people.of(chosen), [read_pixels(photos[i]) for i in chosen])


def _hash_of(photos: Sequence[Photo]) -> str:
    """Says which photos were learnt from."""
    return fingerprint(photo for photo in photos if photo.split == "train")


def _taught(photos: Sequence[Photo], folder: Path) -> People:
    return teach(photos, folder / _LABELS, lambda: Teacher(load_settings()))


def _parity_crops(crowd: Crowd, spec: InputSpec) -> NDArray[np.uint8]:
    samples, _ = boxed_samples(crowd, spec)
    return np.stack([sample.crop for sample in samples[:PARITY_PEOPLE]])


def _learnt(photos: Sequence[Photo], people: People) -> Learnt:
    counts = []
    for split in ("train", "held_out"):
        theirs = [number for number in people.photo.tolist() if photos[number].split == split]
        counts += [len(theirs), len(set(theirs))]
    return Learnt(*counts)
