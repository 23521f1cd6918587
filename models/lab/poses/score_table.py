"""Results as one table side by side: Markdown for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from readroom.models.lab.figures import RESAMPLES, Figure
from readroom.models.lab.poses.clip import SURE
from readroom.models.lab.poses.measurement import Key
from readroom.models.lab.poses.scoring import AREA_RATIO, GROWN_AREA
from readroom.models.lab.poses.subjects import KNOWN_SCORE, TORSO_UNITS
from readroom.models.lab.poses.teacher import FRAMINGS, SMALLEST_FACE_PX
from readroom.models.lab.tables import cell, number, plain, table

#: How everything is measured; it stands at the head of every table.
PROTOCOL: Final = f"""\
**Protocol.** Every figure stands as `value (low–high)`: a 95 % interval, the 2.5th and 97.5th
percentile of {RESAMPLES:,} bootstrap resamples of the photos (the same resamples for every
network, seed 0; 500 for separation), and n, the number of people, joints or runs it rests on. The
same people in the same boxes for every network, each read once, without its mirror image.

- *Truth*. Of photographs with labelled faces: what the teacher (TinyPose 256×192) says of a face of
  {SMALLEST_FACE_PX:g} px or more in {len(FRAMINGS)} boxes and their mirror images, merged; joints
  of which it is at least {KNOWN_SCORE:g} sure count. Of a COCO file: joints
  that people labelled, seen or not.
- *Boxes*. `grown from the face`: to the waist, as a worker grows them (models/keypoints.py); in a
  COCO file the face is made of the labelled nose, eyes and ears, three of them or more, whose
  spread gives its size (poses/subjects.py). `labelled`: the person's labelled box.
- *OKS-AP* is COCO's: object keypoint similarity with its σ, precision at 101 recalls, mean of the
  thresholds .50 to .95; a pose is ranked by the mean of its scores. The area is the labelled
  outline's; where there is none, {AREA_RATIO:g} × {GROWN_AREA:g} squared face units
  ({AREA_RATIO:g} of a grown box that isn't clipped). *Upper body*: nose, eyes, ears,
  shoulders, elbows, wrists, hips; people without a labelled one are left out.
- *PCK*: share of joints within 0.2 torsos; a torso is {TORSO_UNITS:g} face units
  (√(width · height) of the face), so only people with a face.
- *Knows what is labelled* and *knows what is covered*: ROC-AUC of a joint's score, upper body: of
  labelled joints against the others, and, of labelled joints, of free ones against those under a
  rectangle or below an edge that was drawn over the photo (half of the people each). The covers are
  of the kind that our network is trained with; the public ones weren't trained for it.
- *Jitter*: mean movement of upper-body joints from frame to frame, in face units, of people whose
  face is in the same place in the first and in the last frame, in boxes that don't move; joints of
  which every network is at least {SURE:g} sure. Part of it is people's own movement, alike for all.
- *Cost*: median CPU time of a run of four people on one CPU thread in ONNX Runtime over that of
  tinypose_128x96, both run alternately; n counts runs.
"""
_TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "oks_ap": "OKS-AP",
        "ratio": "OKS-AP, tinypose_256x192 = 1",
        "pck": "PCK at 0.2 torsos",
        "labelled_auc": "knows what is labelled",
        "covered_auc": "knows what is covered",
        "jitter": "jitter, face units",
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What is known of one network; ``cost`` as a multiple of tinypose_128x96's, None where that
    isn't at hand."""

    name: str
    sha256: str
    parameters: int
    size_bytes: int
    input_px: str
    figures: Mapping[Key, Figure]
    cost: Figure | None = None


def write(out: Path, title: str, results: Sequence[Result]) -> None:
    """table.md, table.json and table.csv into a folder. Raises OSError."""
    head = f"# Poses: {title}\n\n{PROTOCOL}\n## Side by side\n\n"
    (out / "table.md").write_text(head + main_table(results), "utf-8")
    (out / "table.json").write_text(as_json(title, results), "utf-8")
    (out / "table.csv").write_text(as_csv(results), "utf-8")


def main_table(results: Sequence[Result]) -> str:
    """All networks side by side, Markdown."""
    keys = sorted({key for result in results for key in result.figures}, key=_order)
    rows: list[list[object]] = []
    for key in keys:
        found = [result.figures.get(key) for result in results]
        n = next((one.n for one in found if one is not None), 0)
        rows.append([title_of(key), f"{n:,}", *(cell(one, percent=False) for one in found)])
    if any(result.cost for result in results):
        runs = next(result.cost.n for result in results if result.cost)
        costs = (cell(result.cost, percent=False) for result in results)
        rows.append(["cost, tinypose_128x96 = 1", runs, *costs])
    rows.append(["input, px", "", *(result.input_px for result in results)])
    rows.append(["parameters, million", "", *(f"{r.parameters / 1e6:.2f}" for r in results)])
    rows.append(["file, MB", "", *(f"{r.size_bytes / 1e6:.2f}" for r in results)])
    return table(("", "n", *(result.name for result in results)), rows)


def title_of(key: Key) -> str:
    """What a figure is called."""
    parts = (_TITLES[key.name], f"boxes {key.boxes}" if key.boxes else "", key.joints)
    return ": ".join(part for part in parts if part)


def as_json(title: str, results: Sequence[Result]) -> str:
    """All figures, unrounded; undefined ones are null."""
    told = [
        {
            "name": result.name,
            "sha256": result.sha256,
            "parameters": result.parameters,
            "size_bytes": result.size_bytes,
            "input_px": result.input_px,
            "cost": None if result.cost is None else plain(asdict(result.cost)),
            "figures": [
                {**key._asdict(), **plain(asdict(result.figures[key]))}
                for key in sorted(result.figures, key=_order)
            ],
        }
        for result in results
    ]
    return json.dumps({"measured_on": title, "networks": told}, indent=2, ensure_ascii=False) + "\n"


def as_csv(results: Sequence[Result]) -> str:
    """One line per network and figure."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["network", "figure", "boxes", "joints", "value", "low", "high", "n"])
    for result in results:
        for key in sorted(result.figures, key=_order):
            one = result.figures[key]
            bounds = (number(value, percent=False) for value in (one.value, one.low, one.high))
            lines.writerow([result.name, *key, *bounds, one.n])
    return text.getvalue()


def _order(key: Key) -> tuple[str, int, str]:
    return key.boxes, list(_TITLES).index(key.name), "" if key.joints == "upper body" else "z"
