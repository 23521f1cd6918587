"""The model card: what a network is, what it was made of, what it reached, and what it can't."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any, Final

import msgspec

from readroom.models.lab.expression.classifiers import LabelSet
from readroom.models.lab.expression.dataset import Pictures
from readroom.models.lab.expression.measurement import describe_sample
from readroom.models.lab.expression.prepare import Prepared
from readroom.models.lab.expression.recipe import Recipe
from readroom.models.lab.expression.results import CLASSES, TITLES, Key, Result, Sample
from readroom.models.lab.onnx_file import Exported
from readroom.models.lab.tables import cell, table

_TEMPLATE: Final = Path(__file__).with_name("card.md")
_FIGURES: Final = (
    ("FER+, 8 classes: accuracy, %", Key("ferplus", "accuracy"), True),
    ("FER+: balanced accuracy, %", Key("ferplus", "balanced_accuracy"), True),
    ("FER+: macro-F1", Key("ferplus", "macro_f1"), False),
    ("FER+: ROC-AUC, mean of classes", Key("ferplus", "auc"), False),
    ("FER+: ECE before temperature", Key("ferplus", "ece_before"), False),
    ("FER+: ECE", Key("ferplus", "ece_after"), False),
    ("FER+: in a tagger's place, %", Key("ferplus", "as_a_tagger"), True),
    ("FER-2013, 7 classes: accuracy, %", Key("fer2013", "accuracy"), True),
    ("FER-2013: macro-F1", Key("fer2013", "macro_f1"), False),
    ("FER-2013: recall of disgust, %", Key("fer2013", "recall", "disgust"), True),
)


def card(
    file: str,
    exported: Exported,
    recipe: Recipe,
    prepared: Prepared,
    environment: Mapping[str, str],
    result: Result,
) -> str:
    """The card of an exported network, Markdown. ``result`` is of ``prepared.measured_on``."""
    said, pictures = exported.described, prepared.measured_on
    sample = describe_sample(pictures)
    scale, shift = (part.split("=")[1] for part in said["crop"].split(","))
    values: dict[str, Any] = {
        **said,
        "name": f"readroom_{said['task']}_{said['version']}",
        "date": datetime.now(UTC).date().isoformat(),
        "file": file,
        "size_mb": f"{len(exported.body) / 1e6:.1f}",
        "parameters": f"{exported.parameters:,}",
        "classes": said["classes"].replace(",", ", "),
        "fer2013_classes": said["fer2013_classes"].replace(",", ", "),
        "crop_scale": scale,
        "crop_shift": shift,
        "parity": f"{exported.parity:.1g}",
        "cost": "not measured" if result.cost is None else cell(result.cost, percent=False),
        "sha256": hashlib.sha256(exported.body).hexdigest(),
        "dropped": ", ".join(f"{n:,} {why}" for why, n in prepared.dropped.items() if n)
        or "nothing",
        "train_n": f"{len(prepared.train):,}",
        "held_n": f"{len(prepared.held_out):,}",
        "targets": _targets(recipe),
        "recipe_table": table(("value", "is"), msgspec.to_builtins(recipe).items()),
        "environment": ", ".join(f"{name} {what}" for name, what in environment.items()),
        "measured_on": _measured_on(pictures),
        "figures_table": table(
            ("figure", "value (95 % interval)", "n"),
            (
                (title, cell(result.figures[key], percent=percent), result.figures[key].n)
                for title, key, percent in _FIGURES
                if key in result.figures
            ),
        ),
        "tagger": _tagger(sample),
        "class_table": _classes(result, sample),
    }
    return Template(_TEMPLATE.read_text("utf-8")).substitute(values)


def _targets(recipe: Recipe) -> str:
    told = "Targets are the shares of the votes; where nobody voted, the picture's label."
    if recipe.teachers:
        told += (
            f" Up to the last {recipe.late_epochs} epochs, {recipe.teacher_weight:.0%} of each is "
            "the mean opinion of the teachers."
        )
    return told


def _measured_on(pictures: Pictures) -> str:
    if pictures.split == "valid":
        return f"`valid` ({len(pictures):,} pictures), which nothing was chosen on"
    return (
        f"`{pictures.split}` ({len(pictures):,} pictures), **the pictures that the temperature was "
        "fitted on**: the data has no split `valid`, so this is no independent measurement"
    )


def _tagger(sample: Sample) -> str:
    if sample.tagger is None:
        return ""
    return (
        f"One tagger agrees with the majority of the others on {cell(sample.tagger, percent=True)} "
        f"% of these pictures (n {sample.tagger.n:,})."
    )


def _classes(result: Result, sample: Sample) -> str:
    labels: LabelSet = "ferplus" if "ferplus" in sample.n_per_class else "fer2013"
    return f"{TITLES[labels]}:\n\n" + table(
        ("class", "recall, %", "precision, %", "F1", "n"),
        (_of_class(result, sample, labels, name) for name in CLASSES[labels]),
    )


def _of_class(result: Result, sample: Sample, labels: LabelSet, name: str) -> tuple[object, ...]:
    figures = (
        (Key(labels, "recall", name), True),
        (Key(labels, "precision", name), True),
        (Key(labels, "f1", name), False),
    )
    n = sample.n_per_class[labels][CLASSES[labels].index(name)]
    return (name, *(cell(result.figures.get(key), percent=as_is) for key, as_is in figures), n)
