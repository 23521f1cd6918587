"""Results as one table side by side: Markdown for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, NamedTuple

from readroom.models.lab.expression.classifiers import LabelSet
from readroom.models.lab.expression.dataset import passed_over
from readroom.models.lab.expression.results import CLASSES, FOUR, TITLES, Key, Result, Sample
from readroom.models.lab.expression.scoring import BINS
from readroom.models.lab.figures import RESAMPLES, Figure
from readroom.models.lab.tables import cell, plain, table

#: How everything is measured; it stands at the head of every table.
PROTOCOL: Final = f"""\
**Protocol.** Every figure stands as `value (low–high)`: a 95 % interval, the 2.5th and 97.5th
percentile of {RESAMPLES:,} bootstrap resamples of the pictures (the same resamples for every
classifier, seed 0), and n, the number of pictures it rests on. A class that has no picture in a
resample is left out of that resample's mean over classes. The interval says what other pictures
of the same kind could have given; it says nothing of pictures of another kind.

- *FER+*: 8 classes, the majority of the ten taggers' votes. Left out: pictures where two answers
  tie for the most votes, or where most say unknown or not a face. *FER-2013*: 7 classes, its own
  labels. How many are left out for which reason stands under *Pictures*.
- A classifier that doesn't know a class (contempt, for those of seven classes) never says it: such
  pictures count as wrong, and its F1 there is 0. One that doesn't speak a set's classes itself is
  read through the names: classes the set doesn't have are left out, the rest is made to sum to 1.
- A picture is read whole, as if it were a face's box, one network, no averaging; *with mirror
  image* is the mean of the probabilities for a picture and its mirror image.
- *Balanced accuracy* is the mean recall and *macro-F1* the mean F1 over the classes that have
  pictures. *ROC-AUC* is one class against the rest, ties counted half, then the mean over classes.
  That of a class that a classifier doesn't know is .500, all its pictures being tied, and enters
  the mean.
- *ECE* is of the top class in {BINS} equal bins. It is a sum of absolute values: a perfectly
  calibrated classifier has about .02 on 3,000 pictures, and the interval lies somewhat above the
  figure. *After temperature*: a classifier that comes with a temperature (chosen on training
  pictures) is measured as it is, and *before* undoes it. For the others each half of the pictures
  is read at the temperature that fits the other half best.
- *KL with the votes* is KL(shares of the votes for the eight expressions ‖ probabilities), nats,
  probabilities below 0.000001 counted as that.
- *In a tagger's place*: each tagger who named an expression is left out in turn; how often does he
  or she agree with the majority of the others, where that is untied and an expression? A
  classifier answers in the tagger's place, against the same majorities. n counts pictures.
- *Four classes*: only pictures labelled {", ".join(FOUR)};
  the likeliest of these four is what was said.
- *Blur*: quarters of the pictures by the variance of the Laplacian (grey levels²) of the 48 px
  picture. *Size*: all pictures averaged down to so many px and enlarged again to 48.
- *Cost*: median CPU time of a run of four faces on one CPU thread in ONNX Runtime over that of
  faceapi_expression, both run alternately; n counts runs.
"""


class _Row(NamedTuple):
    title: str
    labels: LabelSet
    name: str
    percent: bool = True


_MAIN: Final = tuple(
    _Row(f"{title}{mirror}", labels, f"{name}{suffix}", name != "macro_f1")
    for labels in ("ferplus", "fer2013")
    for name, title in (
        ("accuracy", "accuracy, %"),
        ("balanced_accuracy", "balanced accuracy, %"),
        ("macro_f1", "macro-F1"),
    )
    for suffix, mirror in (("", ""), ("_flip", ", with mirror image"))
)
_REST: Final = tuple(
    _Row(title, labels, name, percent)
    for labels in ("ferplus", "fer2013")
    for name, title, percent in (
        ("auc", "ROC-AUC, mean of classes", False),
        ("ece_before", "ECE before temperature", False),
        ("ece_after", "ECE after temperature", False),
        ("nll_before", "negative log-likelihood before temperature", False),
        ("nll_after", "negative log-likelihood after temperature", False),
        ("accuracy_four", "four classes: accuracy, %", True),
        ("balanced_accuracy_four", "four classes: balanced accuracy, %", True),
        ("kl", "KL with the votes", False),
        ("kl_flip", "KL with the votes, with mirror image", False),
        ("as_a_tagger", "in a tagger's place, %", True),
    )
)


def write(out: Path, sample: Sample, results: Sequence[Result]) -> None:
    """table.md, table.json and table.csv into a folder. Raises OSError."""
    (out / "table.md").write_text(as_markdown(sample, results), "utf-8")
    (out / "table.json").write_text(as_json(sample, results), "utf-8")
    (out / "table.csv").write_text(as_csv(results), "utf-8")


def as_markdown(sample: Sample, results: Sequence[Result]) -> str:
    """Everything, with the protocol at the head."""
    parts = [
        f"# Expressions read off `{sample.split}`\n\n{PROTOCOL}",
        f"## Pictures\n\n{_coverage(sample)}",
        f"## Side by side\n\n{main_table(sample, results)}",
        f"## By blur and size\n\n{_quality(results)}",
    ]
    for labels in sample.coverage:
        for name, title in (
            ("recall", "recall, %"),
            ("precision", "precision, %"),
            ("f1", "F1"),
            ("auc", "ROC-AUC, one against the rest"),
        ):
            parts.append(f"## {TITLES[labels]}: {title}\n\n{_per_class(results, labels, name)}")
    for result in results:
        for labels in result.confusions:
            parts.append(
                f"## {TITLES[labels]}: confusions of {result.facts.name}\n\n"
                f"{_confusion(result, labels)}"
            )
    return "\n".join(parts)


def main_table(sample: Sample, results: Sequence[Result]) -> str:
    """The table of all classifiers side by side, as Markdown."""
    rows: list[list[str]] = []
    for row in sorted((*_MAIN, *_REST), key=lambda row: row.labels != "ferplus"):
        found = [result.figures.get(Key(row.labels, row.name)) for result in results]
        if any(found):
            title = row.title
            if row.name == "as_a_tagger" and sample.tagger is not None:
                title = f"{row.title} (a tagger: {cell(sample.tagger, percent=True)})"
            rows.append(_row(f"{TITLES[row.labels]}: {title}", found, percent=row.percent))
    facts = [result.facts for result in results]
    rows.append(["classes it knows", "", *(_knows(one.knows) for one in facts)])
    rows.append(["parameters, million", "", *(f"{one.parameters / 1e6:.3f}" for one in facts)])
    rows.append(["file, MB", "", *(f"{one.size_bytes / 1e6:.2f}" for one in facts)])
    for labels in sample.coverage:
        temperatures = (result.calibrations.get(labels) for result in results)
        rows.append(
            [f"{TITLES[labels]}: temperature", ""]
            + [
                "–" if one is None else f"{one.temperature:.2f} ({'own' if one.own else 'fitted'})"
                for one in temperatures
            ]
        )
    rows.append(_row("cost, faceapi_expression = 1", [one.cost for one in results], percent=False))
    if any(one.notes for one in facts):
        rows.append(["note", "", *(one.notes for one in facts)])
    return table(["", "n", *(one.name for one in facts)], rows)


def as_json(sample: Sample, results: Sequence[Result]) -> str:
    """Everything as JSON; what isn't defined is null."""
    return json.dumps(
        {
            "protocol": PROTOCOL,
            "sample": plain(asdict(sample)),
            "classifiers": [_result(result) for result in results],
        },
        indent=1,
        allow_nan=False,
    )


def as_csv(results: Sequence[Result]) -> str:
    """One figure a line: classifier, labels, figure, part, value, low, high, n."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["classifier", *Key._fields, *("value", "low", "high", "n")])
    for result in results:
        for key, found in _all_figures(result):
            bounds = (found.value, found.low, found.high)
            spelled = ("" if math.isnan(value) else f"{value:.6g}" for value in bounds)
            writer.writerow([result.facts.name, *key, *spelled, found.n])
    return text.getvalue()


def _row(title: str, found: Sequence[Figure | None], *, percent: bool) -> list[str]:
    n = next((str(one.n) for one in found if one is not None), "")
    return [title, n, *(cell(one, percent=percent) for one in found)]


def _knows(names: Iterable[str]) -> str:
    missing = sorted(set(CLASSES["ferplus"]) - set(names))
    return f"{len(set(names))}" + (f" (no {', '.join(missing)})" if missing else "")


def _coverage(sample: Sample) -> str:
    rows = []
    for labels, coverage in sample.coverage.items():
        classes = zip(CLASSES[labels], sample.n_per_class[labels], strict=True)
        left_out = ", ".join(f"{count} {why}" for why, count in coverage.left_out.items())
        rows.append(
            [TITLES[labels], f"{coverage.used} of {coverage.total}", left_out or "none"]
            + [", ".join(f"{name} {count}" for name, count in classes)]
        )
    found = table(["labels", "measured on", "left out", "classes"], rows)
    if not sample.unreadable:
        return found
    return f"{found}\nOf the whole data set: {passed_over(sample.unreadable)}.\n"


def _quality(results: Sequence[Result]) -> str:
    keys = dict.fromkeys(
        key
        for result in results
        for key in result.figures
        if key.name in ("accuracy_by_blur", "accuracy_by_size")
    )
    rows = [
        _row(
            f"{TITLES[key.labels]}: accuracy, %, "
            f"{'sharpness' if key.name == 'accuracy_by_blur' else 'shrunk to'} {key.part}",
            [result.figures.get(key) for result in results],
            percent=True,
        )
        for key in keys
    ]
    return table(["", "n", *(result.facts.name for result in results)], rows)


def _per_class(results: Sequence[Result], labels: LabelSet, name: str) -> str:
    rows = [
        _row(
            part,
            [result.figures.get(Key(labels, name, part)) for result in results],
            percent=name in ("recall", "precision"),
        )
        for part in CLASSES[labels]
    ]
    return table(["class", "n", *(result.facts.name for result in results)], rows)


def _confusion(result: Result, labels: LabelSet) -> str:
    """Rows are the truth: counts, and in brackets the share of the row in percent."""
    counts = result.confusions[labels]
    totals = counts.sum(1)
    rows = [
        [name, str(int(total))]
        + [f"{int(count)} ({100 * count / total:.0f})" if total else "0" for count in row]
        for name, row, total in zip(CLASSES[labels], counts, totals, strict=True)
    ]
    return table(["is \\ was said, count (% of row)", "n", *CLASSES[labels]], rows)


def _result(result: Result) -> dict[str, Any]:
    facts = asdict(result.facts) | {"knows": sorted(result.facts.knows)}
    return {
        "facts": facts,
        "figures": [plain(key._asdict() | asdict(found)) for key, found in _all_figures(result)],
        "confusions": {labels: plain(counts) for labels, counts in result.confusions.items()},
        "calibrations": {labels: plain(asdict(c)) for labels, c in result.calibrations.items()},
        "cost": None if result.cost is None else plain(asdict(result.cost)),
    }


def _all_figures(result: Result) -> Iterator[tuple[Key, Figure]]:
    yield from result.figures.items()
