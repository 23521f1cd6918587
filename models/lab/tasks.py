"""The lab's tasks: which of them a command is about, and its part of the work.

What needs PyTorch or draws plots is imported when it is needed, so that asking for help needs none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from readroom.errors import BadSettings
from readroom.models.lab.expression.recipe import Recipe as ExpressionRecipe
from readroom.models.lab.faces.recipe import Recipe as FacesRecipe
from readroom.models.lab.poses.recipe import Recipe as PoseRecipe
from readroom.models.lab.recipes import BaseRecipe, read_recipe, read_task
from readroom.models.registry import REGISTRY, Task as NetworkTask

if TYPE_CHECKING:
    from readroom.models.lab.onnx_file import Exported

#: What stands for OpenCV's cascade among networks: it has no file of ours.
HAAR: Final = "haar"
Named = Path | Literal["haar"]

_LAB: Final = Path(__file__).parent


class Task(StrEnum):
    """What a network of the lab is for."""

    EXPRESSION = "expression"
    FACES = "faces"
    POSE = "pose"


@dataclass(frozen=True, slots=True)
class _Kind:
    """A task's recipes, the one that made the shipped network, and the task as files name it."""

    recipe_type: type[BaseRecipe]
    recipe: Path
    network: NetworkTask


_KINDS: Final = MappingProxyType(
    {
        Task.EXPRESSION: _Kind(
            ExpressionRecipe, _LAB / "expression" / "expression.toml", "expression"
        ),
        Task.FACES: _Kind(FacesRecipe, _LAB / "faces" / "faces.toml", "faces"),
        Task.POSE: _Kind(PoseRecipe, _LAB / "poses" / "pose.toml", "keypoints"),
    }
)


def network_task(task: Task) -> NetworkTask:
    """The task as the registry and the files' metadata name it."""
    return _KINDS[task].network


def recipe_of(
    task: Task,
    path: Path | None,
    *,
    architecture: str | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    teachers: bool = True,
) -> BaseRecipe:
    """The recipe in ``path``, or what the shipped network was trained with, with what is given in
    place of its own. Raises BadSettings."""
    kind = _KINDS[task]
    recipe = read_recipe(path or kind.recipe, kind.recipe_type)
    if epochs is not None:
        recipe = recipe.over(epochs)
    given = {"architecture": architecture, "seed": seed, "teachers": None if teachers else ()}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return msgspec.structs.replace(recipe, **changes)


def train(recipe: BaseRecipe, data: Path, folder: Path) -> None:
    """Train what the recipe is for. Raises BadSettings, ReadroomError."""
    # What isn't known is better told before the data is read.
    if isinstance(recipe, FacesRecipe):
        from readroom.models.lab.faces import course as faces, networks as detectors

        detectors.build(recipe.architecture)
        faces.run_course(recipe, data, folder)
    elif isinstance(recipe, PoseRecipe):
        from readroom.models.lab.poses import course as poses, networks as skeletons

        skeletons.build(recipe.architecture)
        poses.run_course(recipe, data, folder)
    elif isinstance(recipe, ExpressionRecipe):
        from readroom.models.lab.expression import course as expression

        expression.run_course(recipe, data, folder)


def task_of_run(path: Path) -> Task:
    """The task of the run whose ``recipe.json`` this is. Raises BadSettings."""
    named = read_task(path)
    if named not in tuple(Task):
        raise BadSettings(
            f"{path}: task={named}: no task of this lab; known are {', '.join(Task)}: train again"
        )
    return Task(named)


def export(task: Task, run: Path, data: Path, path: Path) -> Exported:
    """Export a run to ``path``, with its card beside it. Raises BadSettings, ReadroomError."""
    if task is Task.FACES:
        from readroom.models.lab.faces import course as faces

        return faces.export_run(run, data, path)
    if task is Task.POSE:
        from readroom.models.lab.poses import course as poses

        return poses.export_run(run, data, path)
    from readroom.models.lab.expression import course as expression, evaluate as measuring

    return expression.export_run(run, data, path, measuring.find_reference())


def evaluate(task: Task, networks: Sequence[Named], data: Path, out: Path | None) -> None:
    """Evaluate detectors or pose networks side by side. Raises BadSettings."""
    if task is Task.FACES:
        from readroom.models.lab.faces import evaluate as faces

        faces.run_evaluate(networks, data, out=out, console=None)
    elif task is Task.POSE:
        from readroom.models.lab.poses import evaluate as poses

        poses.run_evaluate(networks, data, out=out, console=None)


def named(words: Sequence[str]) -> list[Named]:
    """Networks as the command line names them: files, and a word for OpenCV's cascade."""
    return ["haar" if word == HAAR else Path(word) for word in words]


def task_of_networks(networks: Sequence[Named]) -> Task:
    """The one task that networks are for; expression where none of them says.

    Raises BadSettings where they are for several, or for none of the lab's.
    """
    told = {network: found for network in networks if (found := _task_of(network)) is not None}
    wanted = set(told.values())
    if len(wanted) > 1:
        listed = ", ".join(f"{network} for {task}" for network, task in told.items())
        raise BadSettings(f"networks for different tasks ({listed}): evaluate one task at a time")
    task = wanted.pop() if wanted else "expression"
    for each, kind in _KINDS.items():
        if kind.network == task:
            return each
    raise BadSettings(
        f"{', '.join(map(str, told))}: for {task}, which this lab doesn't evaluate; name networks "
        f"for one of {', '.join(kind.network for kind in _KINDS.values())}"
    )


def _task_of(network: Named) -> str | None:
    """What a network says it is for, or is known to be for; None where neither is so, also where
    it can't be read, which whoever evaluates it says better."""
    import onnx

    if network == HAAR:
        return "faces"
    path = Path(network)
    if path.suffix == ".npz":
        return "expression"
    try:
        body = path.read_bytes()
        says = {each.key: each.value for each in onnx.load_from_string(body).metadata_props}
    except Exception:  # What a file that is no network raises shares no base class.
        return None
    sha256 = hashlib.sha256(body).hexdigest()
    known = next((entry.task for entry in REGISTRY.values() if entry.sha256 == sha256), None)
    return says.get("task") or known
