"""``readroom lab evaluate``: classifiers side by side on the same pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from readroom.errors import BadSettings
from readroom.models.files import find
from readroom.models.lab.expression import dataset, plots, score_table
from readroom.models.lab.expression.classifiers import Classifier, Description, OnnxClassifier
from readroom.models.lab.expression.cost import relative_cost
from readroom.models.lab.expression.dataset import Pictures
from readroom.models.lab.expression.linear import Linear
from readroom.models.lab.expression.measurement import READINGS, describe_sample, evaluate_network
from readroom.models.lab.expression.results import Result, Sample
from readroom.models.lab.figures import Figure
from readroom.models.lab.folders import make_folder, writing_into
from readroom.models.registry import REGISTRY
from readroom.settings import load_settings

#: The network whose time is 1.
REFERENCE: Final = "faceapi_expression"


def run_evaluate(
    networks: Sequence[Path],
    data: Path,
    *,
    split: str = "valid",
    out: Path | None = None,
    description: Description | None = None,
    reference: Path | None = None,
    console: Console | None = None,
) -> list[Result]:
    """Evaluate ONNX networks and saved baselines (``.npz``) on one split of a data set.

    ``description`` is for networks that don't say what they are. ``reference`` is the network
    whose time counts as 1; without one, costs are measured only if it is among ``networks``.
    Writes table.md, table.json, table.csv and plots into ``out``, else prints the main table.
    Raises BadSettings for anything that can't be read or doesn't fit.
    """
    console = console or Console()
    if not networks:
        raise BadSettings("no network to evaluate; name at least one ONNX file")
    classifiers = [load_classifier(path, description) for path in networks]
    pictures, unreadable = read_split(data, split)
    if unreadable:
        console.print(f"{data}: {dataset.passed_over(unreadable)}", markup=False, soft_wrap=True)
    if out is not None:
        make_folder(out)
    results = measure(classifiers, pictures, reference=reference, console=console)
    sample = replace(describe_sample(pictures), unreadable=unreadable)
    if out is None:
        console.print(score_table.main_table(sample, results), markup=False, soft_wrap=True)
    else:
        write(out, sample, results)
        console.print(f"Wrote {out / 'table.md'}", markup=False, soft_wrap=True)
    return results


def measure(
    classifiers: Sequence[Classifier],
    pictures: Pictures,
    *,
    reference: Path | None,
    console: Console,
) -> list[Result]:
    """:func:`evaluate_network` of each, with cost, a progress bar and names that differ."""
    results = []
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("evaluating", total=READINGS * len(classifiers))
        for classifier in classifiers:
            progress.update(bar, description=escape(classifier.facts.name))
            results.append(
                evaluate_network(classifier, pictures, step=lambda: progress.advance(bar))
            )
    costs = _costs(classifiers, reference)
    return [
        replace(result, facts=replace(result.facts, name=name), cost=cost)
        for result, name, cost in zip(results, _distinct(results), costs, strict=True)
    ]


def write(out: Path, sample: Sample, results: Sequence[Result]) -> None:
    """Tables and plots into a folder, which is made."""
    make_folder(out)
    with writing_into(out):
        score_table.write(out, sample, results)
        plots.write(out, sample, results)


def find_reference() -> Path | None:
    """The network that costs are compared with, where it is at hand."""
    return find(load_settings(), REGISTRY[REFERENCE])


def load_classifier(path: Path, description: Description | None = None) -> Classifier:
    """A saved baseline (``.npz``) or an ONNX network; raises BadSettings where it is neither."""
    return Linear.load(path) if path.suffix == ".npz" else OnnxClassifier(path, description)


def read_split(data: Path, split: str) -> tuple[Pictures, tuple[tuple[str, str], ...]]:
    """One split of a data set, and what in the whole set was passed over, (name, reason) each.

    Raises BadSettings where there is no such split.
    """
    found = dataset.load(data)
    if split not in found.splits:
        raise BadSettings(
            f"{data}: no split {split!r}; give --split with one of "
            f"{', '.join(sorted(found.splits))}"
        )
    return found.splits[split], found.unreadable


def _costs(classifiers: Iterable[Classifier], reference: Path | None) -> list[Figure | None]:
    """Each network's time over the reference's; None without a network or a reference."""
    networks = [one if isinstance(one, OnnxClassifier) else None for one in classifiers]
    sha256 = REGISTRY[REFERENCE].sha256
    standard = (
        OnnxClassifier(reference)
        if reference is not None
        else next((one for one in networks if one is not None and one.sha256 == sha256), None)
    )
    if standard is None:
        return [None for _ in networks]
    return [None if one is None else relative_cost(one, standard) for one in networks]


def _distinct(results: Sequence[Result]) -> list[str]:
    """The classifiers' names, those that are there twice with a number."""
    names = [result.facts.name for result in results]
    return [
        f"{name} ({names[: place + 1].count(name)})" if names.count(name) > 1 else name
        for place, name in enumerate(names)
    ]
