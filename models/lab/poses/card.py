"""The model card: what a pose network is, what it was made of, what it reached, and what it
can't."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any, Final

import msgspec

from readroom.models.lab.onnx_file import Exported
from readroom.models.lab.poses.recipe import Recipe
from readroom.models.lab.poses.score_table import Result, main_table
from readroom.models.lab.tables import cell, table

_TEMPLATE: Final = Path(__file__).with_name("card.md")


@dataclass(frozen=True, slots=True)
class Learnt:
    """How many people and photos a run learnt from, and how many were kept apart to choose by."""

    people: int
    photos: int
    held_people: int
    held_photos: int


def card(
    file: str,
    exported: Exported,
    recipe: Recipe,
    learnt: Learnt,
    environment: Mapping[str, str],
    measured_on: str,
    results: Sequence[Result],
) -> str:
    """The card of an exported network, Markdown. ``results``: it first, then those beside it, on
    what ``measured_on`` says."""
    said, cost = exported.described, results[0].cost
    values: dict[str, Any] = {
        **said,
        "name": f"readroom_{said['task']}_{said['version']}",
        "date": datetime.now(UTC).date().isoformat(),
        "file": file,
        "size_mb": f"{len(exported.body) / 1e6:.1f}",
        "parameters": f"{exported.parameters:,}",
        "classes": said["classes"].replace(",", ", "),
        "margin": said["crop"].partition("=")[2],
        "width": said["input_size"].partition("x")[0],
        "height": said["input_size"].partition("x")[2],
        "parity": f"{exported.parity:.1g}",
        "cost": "not measured" if cost is None else cell(cost, percent=False),
        "sha256": hashlib.sha256(exported.body).hexdigest(),
        "people": f"{learnt.people:,}",
        "photos": f"{learnt.photos:,}",
        "held_people": f"{learnt.held_people:,}",
        "held_photos": f"{learnt.held_photos:,}",
        "recipe_table": table(("value", "is"), msgspec.to_builtins(recipe).items()),
        "environment": ", ".join(f"{name} {what}" for name, what in environment.items()),
        "measured_on": measured_on,
        "figures_table": main_table(results),
    }
    return Template(_TEMPLATE.read_text("utf-8")).substitute(values)
