"""The model card: what a detector is, what it was made of, what it reached, and what it can't."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any, Final

import msgspec

from readroom.models.lab.faces.detectors import TEACHER
from readroom.models.lab.faces.measurement import SIZES_PX, Key, Result, bins
from readroom.models.lab.faces.photos import Photo, of_split
from readroom.models.lab.faces.recipe import Recipe
from readroom.models.lab.onnx_file import Exported
from readroom.models.lab.tables import cell, table

_TEMPLATE: Final = Path(__file__).with_name("card.md")
_FIGURES: Final = (
    *(
        (f"{title}, faces ≥ {size} px", Key(name, f"≥ {size}"), percent)
        for name, title, percent in (
            ("ap", "AP at an overlap of 0.5", False),
            ("ap_ratio", f"AP ÷ AP of {TEACHER}", False),
            ("recall", "recall, %, one false in ten pictures", True),
        )
        for size in SIZES_PX
    ),
    ("landmarks: median distance from the teacher's, in eye distances",
     Key("landmarks_median"), False),
    ("landmarks: mean distance", Key("landmarks_mean"), False),
)  # fmt: skip


def card(
    file: str,
    exported: Exported,
    recipe: Recipe,
    photos: Sequence[Photo],
    environment: Mapping[str, str],
    result: Result,
) -> str:
    """The card of an exported detector, Markdown. ``result`` is of their split
    ``test``."""
    said = exported.described
    parts = {split: of_split(photos, split) for split in ("train", "held_out", "test")}
    cost = result.cost
    values: dict[str, Any] = {
        **said,
        "name": f"readroom_{said['task']}_{said['version']}",
        "date": datetime.now(UTC).date().isoformat(),
        "file": file,
        "size_mb": f"{len(exported.body) / 1e6:.2f}",
        "parameters": f"{exported.parameters:,}",
        "classes": said["classes"].replace(",", ", ").replace("_", " "),
        "parity": f"{exported.parity:.1g}",
        "cost": "not measured" if cost is None else cell(cost, percent=False),
        "sha256": hashlib.sha256(exported.body).hexdigest(),
        "teacher_name": TEACHER,
        "train_n": f"{len(parts['train']):,}",
        "train_faces": f"{sum(len(photo.boxes) for photo in parts['train']):,}",
        "held_n": f"{len(parts['held_out']):,}",
        "test_n": f"{len(parts['test']):,}",
        "recipe_table": table(
            ("value", "is"), (msgspec.to_builtins(recipe) | {"epochs": said["epochs"]}).items()
        ),
        "environment": ", ".join(f"{name} {what}" for name, what in environment.items()),
        "measured_on": f"the {len(parts['test']):,} photographs of the split `test`, which nothing "
        "was learnt from",
        "figures_table": _figures(result),
        "size_table": _sizes(result),
    }
    return Template(_TEMPLATE.read_text("utf-8")).substitute(values)


def _figures(result: Result) -> str:
    figures = result.figures
    return table(
        ("figure", "value (95 % interval)", "faces"),
        (
            (title, cell(figures[key], percent=percent), figures[key].n)
            for title, key, percent in _FIGURES
            if key in figures
        ),
    )


def _sizes(result: Result) -> str:
    figures = result.figures
    keys = [Key("recall_by_size", name) for *_, name in bins()]
    return table(
        ("size, px", "found, %", "faces"),
        (
            (key.part, cell(figures[key], percent=True), figures[key].n)
            for key in keys
            if key in figures
        ),
    )
