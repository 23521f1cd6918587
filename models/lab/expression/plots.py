"""Results as pictures: confusions, reliability, and accuracy by blur and size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from readroom.models.lab.expression.classifiers import LabelSet
from readroom.models.lab.expression.results import CLASSES, TITLES, Key, Result, Sample
from readroom.models.lab.expression.scoring import BINS, Reliability
from readroom.models.lab.plotting import COLOURS, DPI, MARKERS, file_name

#: A bin with fewer pictures says nothing of how right they are, and isn't drawn as a point.
_FEWEST: Final = 10
#: Above this share of its row a cell is dark, and its number has to be light.
_DARK_RATIO: Final = 0.55


def write(out: Path, sample: Sample, results: Sequence[Result]) -> None:
    """Every plot as a PNG into a folder. Raises OSError."""
    for result in results:
        name = file_name(result.facts.name)
        for labels, counts in result.confusions.items():
            title = f"{result.facts.name} on {sample.split}, {TITLES[labels]} labels"
            canvas = confusion_plot(counts, CLASSES[labels], title)
            canvas.savefig(out / f"confusion_{name}_{labels}.png", dpi=DPI)
        reliability_plot(result).savefig(out / f"reliability_{name}.png", dpi=DPI)
    quality_plot(sample, results).savefig(out / "quality.png", dpi=DPI)


def confusion_plot(counts: NDArray[Any], classes: Sequence[str], title: str) -> Canvas:
    """A confusion matrix [c, c] twice: as counts and as percent of each row."""
    totals = counts.sum(1, keepdims=True)
    rates = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    canvas = Canvas(figsize=(13, 6.2), layout="constrained")
    canvas.suptitle(f"{title}, n = {int(counts.sum())}")
    left, right = canvas.subplots(1, 2)
    _matrix(left, rates, [[f"{int(count)}" for count in row] for row in counts], classes)
    _matrix(right, rates, [[f"{100 * rate:.0f}" for rate in row] for row in rates], classes)
    left.set_title("pictures")
    right.set_title("% of the row")
    left.set_yticklabels(
        [f"{name} ({int(total)})" for name, total in zip(classes, totals[:, 0], strict=True)]
    )
    return canvas


def reliability_plot(result: Result) -> Canvas:
    """How right against how sure, before and after temperature, for each set of labels."""
    kinds = list(result.calibrations)
    canvas = Canvas(figsize=(9, 4.4 * len(kinds)), layout="constrained")
    canvas.suptitle(f"{result.facts.name}: accuracy of pictures by probability of the top class")
    axes = canvas.subplots(len(kinds), 2, squeeze=False, sharex=True, sharey=True)
    for row, labels in zip(axes, kinds, strict=True):
        calibration = result.calibrations[labels]
        how = "its own" if calibration.own else "fitted on the other half"
        for axis, name, bins in (
            (row[0], "before", calibration.before),
            (row[1], "after", calibration.after),
        ):
            found = result.figures[Key(labels, f"ece_{name}")]
            _diagram(axis, bins)
            axis.set_title(
                f"{TITLES[labels]}, {name} temperature"
                + (f" {calibration.temperature:.2f} ({how})" if name == "after" else "")
                + f"\nECE {found.value:.3f} ({found.low:.3f}–{found.high:.3f}), n = {found.n}",
                fontsize=9,
            )
    for axis in axes[-1]:
        axis.set_xlabel("probability of the top class")
    for axis in axes[:, 0]:
        axis.set_ylabel("share right")
    canvas.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False
    )
    return canvas


def quality_plot(sample: Sample, results: Sequence[Result]) -> Canvas:
    """Accuracy of every classifier by sharpness and by size, with 95 % intervals."""
    kinds: list[LabelSet] = list(sample.coverage)
    canvas = Canvas(figsize=(12, 4.4 * len(kinds)), layout="constrained")
    axes = canvas.subplots(len(kinds), 2, squeeze=False, sharey="row")
    for row, labels in zip(axes, kinds, strict=True):
        _lines(row[0], results, labels, "accuracy_by_blur")
        _lines(row[1], results, labels, "accuracy_by_size")
        coverage = sample.coverage[labels]
        row[0].set_ylabel("accuracy, %")
        row[0].set_title(f"{TITLES[labels]}, n = {coverage.used}: quarters by sharpness")
        row[1].set_title(f"{TITLES[labels]}, n = {coverage.used}: shrunk and enlarged again")
        row[0].set_xlabel("variance of the Laplacian, grey levels²")
        row[1].set_xlabel("side the face was shrunk to")
    canvas.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False
    )
    return canvas


def _matrix(
    axis: Axes, rates: NDArray[Any], texts: Sequence[Sequence[str]], classes: Sequence[str]
) -> None:
    axis.imshow(rates, cmap="Blues", vmin=0, vmax=1)
    axis.set_xticks(range(len(classes)), classes, rotation=40, ha="right")
    axis.set_yticks(range(len(classes)), classes)
    axis.set_xlabel("was said")
    axis.set_ylabel("is")
    for y, row in enumerate(texts):
        for x, text in enumerate(row):
            light = rates[y, x] > _DARK_RATIO
            axis.text(x, y, text, ha="center", va="center", color="white" if light else "black")


def _diagram(axis: Axes, bins: Reliability) -> None:
    centres = (np.arange(BINS) + 0.5) / BINS
    some = bins.count >= _FEWEST
    share = bins.count / max(float(bins.count.sum()), 1)
    axis.bar(centres, share, width=1 / BINS, color="#cccccc", label="share of the pictures")
    axis.plot([0, 1], [0, 1], color="#777777", linestyle=":", label="as right as sure")
    axis.plot(
        bins.confidence[some],
        bins.accuracy[some],
        color=COLOURS[1],
        marker="o",
        label=f"measured, bins of {_FEWEST} or more",
    )
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1)


def _lines(axis: Axes, results: Sequence[Result], labels: LabelSet, name: str) -> None:
    """One line per classifier over a figure's parts, beside each other so that bars show."""
    for number, result in enumerate(results):
        found = {k.part: f for k, f in result.figures.items() if k[:2] == (labels, name)}
        places = np.arange(len(found)) + 0.06 * (number - (len(results) - 1) / 2)
        values = 100 * np.array([(f.value, f.low, f.high) for f in found.values()])
        below, above = values[:, 0] - values[:, 1], values[:, 2] - values[:, 0]
        axis.errorbar(
            places,
            values[:, 0],
            yerr=np.maximum([below, above], 0),
            color=COLOURS[number % len(COLOURS)],
            marker=MARKERS[number % len(MARKERS)],
            markersize=4,
            linewidth=1,
            label=result.facts.name,
        )
        axis.set_xticks(range(len(found)), list(found))
    axis.grid(axis="y", color="#dddddd")
