"""Results as pictures: precision against recall, and recall by the size of a face."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from readroom.models.lab.faces.measurement import LONGEST_PX, SIZES_PX, Key, Result, bins
from readroom.models.lab.plotting import COLOURS, DPI, MARKERS


def write(out: Path, results: Sequence[Result]) -> None:
    """Every plot as a PNG into a folder. Raises OSError."""
    precision_plot(results).savefig(out / "precision_recall.png", dpi=DPI)
    size_plot(results).savefig(out / "recall_by_size.png", dpi=DPI)


def precision_plot(results: Sequence[Result]) -> Canvas:
    """Precision over recall of every detector, for faces of the smallest size asked for."""
    canvas = Canvas(figsize=(6.5, 5), layout="constrained")
    axis = canvas.subplots()
    part = f"≥ {SIZES_PX[0]}"
    for number, one in enumerate(results):
        found = one.figures[Key("ap", part)]
        if one.curve is None:
            continue
        recall, precision = one.curve
        label = f"{one.name}, AP {found.value:.3f} ({found.low:.3f}–{found.high:.3f})"
        axis.plot(recall, precision, color=COLOURS[number % len(COLOURS)], label=label)
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1.02)
    axis.set_xlabel("recall")
    axis.set_ylabel("precision")
    n = next((one.figures[Key("ap", part)].n for one in results), 0)
    axis.set_title(f"Faces {part} px in photographs of {LONGEST_PX} px, n = {n}")
    axis.grid(color="#dddddd")
    axis.legend(loc="lower left", fontsize=8)
    return canvas


def size_plot(results: Sequence[Result]) -> Canvas:
    """Share of the faces found by size, with 95 % intervals, where one picture in ten has a wrong
    detection."""
    canvas = Canvas(figsize=(7.5, 4.6), layout="constrained")
    axis: Axes = canvas.subplots()
    names = [name for *_, name in bins()]
    for number, one in enumerate(results):
        found = [one.figures[Key("recall_by_size", name)] for name in names]
        values = 100 * np.array([(f.value, f.low, f.high) for f in found])
        below, above = values[:, 0] - values[:, 1], values[:, 2] - values[:, 0]
        axis.errorbar(
            np.arange(len(names)) + 0.06 * (number - (len(results) - 1) / 2),
            values[:, 0],
            yerr=np.maximum([below, above], 0),
            color=COLOURS[number % len(COLOURS)],
            marker=MARKERS[number % len(MARKERS)],
            markersize=4,
            linewidth=1,
            label=one.name,
        )
    counts = [results[0].figures[Key("recall_by_size", name)].n for name in names]
    labels = [f"{name}\nn = {count}" for name, count in zip(names, counts, strict=True)]
    axis.set_xticks(range(len(names)), labels)
    axis.set_xlabel("size of the face, px")
    axis.set_ylabel("found, %")
    axis.set_title("Faces found where one picture in ten has a wrong detection")
    axis.grid(axis="y", color="#dddddd")
    axis.legend(fontsize=8)
    return canvas
