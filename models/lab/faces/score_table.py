"""Results as one table side by side: Markdown for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from readroom.models.lab.faces.detectors import LEAST_SCORE, TEACHER
from readroom.models.lab.faces.measurement import (
    FALSE_PER_PICTURE,
    LEAST_EYES,
    LONGEST_PX,
    SIZES_PX,
    Key,
    Result,
    bins,
)
from readroom.models.lab.faces.scoring import FOUND_IOU
from readroom.models.lab.figures import RESAMPLES
from readroom.models.lab.tables import cell, plain, table

#: Size of the picture that costs are measured on, px.
COST_SIZE: Final = (640, 384)

#: How everything is measured; it stands at the head of every table.
PROTOCOL: Final = f"""\
**Protocol.** Every figure stands as `value (low–high)`: a 95 % interval, the 2.5th and 97.5th
percentile of {RESAMPLES:,} bootstrap resamples of the photographs (the same resamples for every
detector, seed 0), and n, the number of faces it rests on. The interval says what other photographs
of the same kind could have given; it says nothing of photographs of another kind.

- Photographs of the split `test`, which nothing was learnt from or chosen on; the longer side
  shrunk to {LONGEST_PX} px, one size, no mirror image. Every network goes through the same decoder,
  suppression and bounds (models/detection.py); candidates down to a score of {LEAST_SCORE} count.
- A face is *found* where a detection overlaps its labelled box by {FOUND_IOU} (intersection over
  union) or more; the best-scored detections choose first, each face is found once. Its size is
  √(width · height), px of the shrunk photograph. Faces smaller than asked for count neither way,
  and neither does what finds them, nor a detection that is itself smaller and finds nothing.
- *AP*: area under the best precision that is still reached at each recall or beyond, all
  detections counted. *AP ratio* is to {TEACHER}, on the same resamples.
- *Recall* stands where one picture in {round(1 / FALSE_PER_PICTURE)} has a wrong detection, and
  *recall by size* at that score for faces of {SIZES_PX[0]} px and more.
- *Landmarks*: how far the five lie from {TEACHER}'s, mean of the five, in distances between its
  eyes, over faces that both find at those scores. Faces whose eyes it puts closer than
  {LEAST_EYES} of the face's size are profiles and left out: they give no unit.
- The cascade (Haar) runs with the worker's own parameters, whose threshold can't be lowered, and
  its scores are ranks and no probabilities: its AP is that of what it gives.
- *Cost*: median over runs of the CPU time over {TEACHER}'s in the same round, on a picture of
  {COST_SIZE[0]}×{COST_SIZE[1]} px, one thread, the networks in ONNX Runtime, without what comes
  before and after; n counts runs.
"""
_TITLES: Final = (
    ("ap", "AP"),
    ("ap_ratio", f"AP ÷ AP of {TEACHER}"),
    ("recall", "recall, % (one false in ten pictures)"),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured on: the data's name, photographs, labelled faces, and faces of each least
    size, px."""

    name: str
    photographs: int
    faces: int
    by_size: dict[int, int]


def write(out: Path, sample: Sample, results: Sequence[Result]) -> None:
    """table.md, table.json and table.csv into a folder. Raises OSError."""
    (out / "table.md").write_text(as_markdown(sample, results), "utf-8")
    (out / "table.json").write_text(as_json(sample, results), "utf-8")
    (out / "table.csv").write_text(as_csv(results), "utf-8")


def as_markdown(sample: Sample, results: Sequence[Result]) -> str:
    """Everything, with the protocol at the head."""
    sizes = ", ".join(f"{count:,} of ≥ {size} px" for size, count in sample.by_size.items())
    return "\n".join(
        [
            f"# Faces found in `{sample.name}`\n\n{PROTOCOL}",
            f"## Photographs\n\n{sample.photographs:,} photographs, {sample.faces:,} labelled "
            f"faces: {sizes}.\n",
            f"## Side by side\n\n{main_table(results)}",
            f"## Recall by size, %\n\n{_by_size(results)}",
        ]
    )


def main_table(results: Sequence[Result]) -> str:
    """The table of all detectors side by side, as Markdown."""
    rows = [
        _row(f"{title}, faces ≥ {size} px", Key(name, f"≥ {size}"), results, name == "recall")
        for name, title in _TITLES
        for size in SIZES_PX
    ]
    rows += [
        _row(f"landmarks, {which} error", Key(f"landmarks_{which}"), results, False)
        for which in ("median", "mean")
    ]
    runs = next((str(one.cost.n) for one in results if one.cost), "")
    costs = [cell(one.cost, percent=False) for one in results]
    rows.append([f"cost, {TEACHER} = 1", runs, *costs])
    rows.append(["parameters", "", *(_count(one.parameters, "{:,}", 1) for one in results)])
    rows.append(["file, MB", "", *(_count(one.size_bytes, "{:.2f}", 1e6) for one in results)])
    if any(one.note for one in results):
        rows.append(["note", "", *(one.note for one in results)])
    return table(["", "n", *(one.name for one in results)], rows)


def _by_size(results: Sequence[Result]) -> str:
    rows = [_row(f"{name} px", Key("recall_by_size", name), results, True) for *_, name in bins()]
    return table(["faces", "n", *(one.name for one in results)], rows)


def _row(title: str, key: Key, results: Sequence[Result], percent: bool) -> list[str]:
    found = [one.figures.get(key) for one in results]
    # Landmarks rest on other faces for every detector.
    counts = list(dict.fromkeys(str(one.n) for one in found if one is not None))
    return [title, " / ".join(counts), *(cell(one, percent=percent) for one in found)]


def _count(value: int | None, spelling: str, unit: float) -> str:
    return "–" if value is None else spelling.format(value / unit if unit != 1 else value)


def as_json(sample: Sample, results: Sequence[Result]) -> str:
    """Everything as JSON; what isn't defined is null."""
    return json.dumps(
        {
            "protocol": PROTOCOL,
            "sample": asdict(sample),
            "detectors": [
                {
                    "name": one.name,
                    "sha256": one.sha256,
                    "size_bytes": one.size_bytes,
                    "parameters": one.parameters,
                    "note": one.note,
                    "cost": None if one.cost is None else plain(asdict(one.cost)),
                    "figures": [
                        plain(key._asdict() | asdict(found)) for key, found in one.figures.items()
                    ],
                }
                for one in results
            ],
        },
        indent=1,
        allow_nan=False,
    )


def as_csv(results: Sequence[Result]) -> str:
    """One figure a line: detector, figure, part, value, low, high, n."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["detector", "figure", "part", "value", "low", "high", "n"])
    for one in results:
        figures = dict(one.figures)
        if one.cost is not None:
            figures[Key("cost")] = one.cost
        for key, found in figures.items():
            bounds = (found.value, found.low, found.high)
            spelled = ("" if math.isnan(value) else f"{value:.6g}" for value in bounds)
            writer.writerow([one.name, *key, *spelled, found.n])
    return text.getvalue()
