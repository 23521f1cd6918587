"""The model card: what a network is, what it was made of, what it reached, and what it can't."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from string import Template
from typing import Any, Final

import msgspec

from readroom.messages import EXPRESSIONS
from readroom.models.lab.prepare import Prepared
from readroom.models.lab.recipe import Recipe
from readroom.models.lab.results import Key, Result, Sample
from readroom.models.lab.score_table import cell

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


@dataclass(frozen=True, slots=True)
class Made:
    """How a network came to be: what a card tells besides figures."""

    recipe: Recipe
    prepared: Prepared
    environment: Mapping[str, str]
    parity: float
    parity_faces: int


def write_card(
    network: Path, described: Mapping[str, str], made: Made, sample: Sample, result: Result
) -> Path:
    """The card of an exported ``network``, beside it as Markdown; returns its path.

    ``described`` is the file's own metadata. Raises OSError.
    """
    scale, shift = (part.split("=")[1] for part in described["crop"].split(","))
    values: dict[str, Any] = {
        **described,
        "name": f"readroom_{described['task']}_{described['version']}",
        "date": _today().isoformat(),
        "file": network.name,
        "size_mb": f"{result.facts.size_bytes / 1e6:.1f}",
        "parameters": f"{result.facts.parameters:,}",
        "classes": described["classes"].replace(",", ", "),
        "fer2013_classes": described["fer2013_classes"].replace(",", ", "),
        "crop_scale": scale,
        "crop_shift": shift,
        "parity": f"{made.parity:.1g}",
        "parity_n": made.parity_faces,
        "cost": "not measured" if result.cost is None else cell(result.cost, percent=False),
        "sha256": hashlib.sha256(network.read_bytes()).hexdigest(),
        "dropped": ", ".join(f"{n:,} {why}" for why, n in made.prepared.dropped.items() if n)
        or "nothing",
        "train_n": f"{len(made.prepared.train):,}",
        "held_n": f"{len(made.prepared.held_out):,}",
        "recipe_table": _table(("value", "is"), msgspec.to_builtins(made.recipe).items()),
        "environment": ", ".join(f"{name} {what}" for name, what in made.environment.items()),
        "split": sample.split,
        "total": f"{sample.coverage['ferplus'].total:,}",
        "figures_table": _table(
            ("figure", "value (95 % interval)", "n"),
            (
                (title, cell(result.figures[key], percent=percent), result.figures[key].n)
                for title, key, percent in _FIGURES
                if key in result.figures
            ),
        ),
        "tagger": "unknown" if sample.tagger is None else f"{cell(sample.tagger, percent=True)} %",
        "class_table": _table(
            ("expression", "recall, %", "precision, %", "F1", "n"),
            (_of_class(result, sample, name) for name in EXPRESSIONS),
        ),
    }
    path = network.with_suffix(".md")
    path.write_text(Template(_TEMPLATE.read_text("utf-8")).substitute(values), "utf-8")
    return path


def _of_class(result: Result, sample: Sample, name: str) -> tuple[object, ...]:
    figures = (
        (Key("ferplus", "recall", name), True),
        (Key("ferplus", "precision", name), True),
        (Key("ferplus", "f1", name), False),
    )
    n = sample.n_per_class["ferplus"][EXPRESSIONS.index(name)]
    return (name, *(cell(result.figures.get(key), percent=as_is) for key, as_is in figures), n)


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _today() -> date:
    return datetime.now(UTC).date()
