"""``readroom lab baseline``: what a network has to beat, trained and measured here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from readroom.models.lab.expression import linear
from readroom.models.lab.expression.evaluate import run_evaluate
from readroom.models.lab.expression.prepare import prepare
from readroom.models.lab.expression.results import Result
from readroom.models.lab.folders import make_folder, writing_into

#: Share of the training pictures that the strength is chosen on, as networks' epochs are.
HELD_OUT_SHARE: Final = 0.08


def run_baseline(
    data: Path,
    out: Path,
    *,
    split: str = "valid",
    networks: Sequence[Path] = (),
    reference: Path | None = None,
    console: Console | None = None,
) -> list[Result]:
    """Train the majority class, HOG and LBP on a data set's cleaned training pictures.

    Saves each in ``out`` as an npz that ``readroom lab evaluate`` takes, and writes one table of
    them and of ``networks`` (the prototype's network, say) on ``split`` there. Raises BadSettings
    where the data can't be used or ``out`` can't be written.
    """
    console = console or Console()
    prepared = prepare(data, HELD_OUT_SHARE)
    saved = [out / f"{name}.npz" for name in linear.FEATURES]
    make_folder(out)
    with writing_into(out):
        for name, path in zip(linear.FEATURES, saved, strict=True):
            with console.status(f"training {name} on {len(prepared.train)} pictures"):
                linear.train(name, prepared.train, prepared.held_out).save(path)
    return run_evaluate(
        [*saved, *networks], data, split=split, out=out, reference=reference, console=console
    )
