"""``python -m benchmarks.head_pose``: Markdown tables and head_pose.json."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
from rich.console import Console
from rich.progress import track

import benchmarks.head_pose
from benchmarks.head_pose import measuring, turns
from benchmarks.head_pose.figures import Agreement
from benchmarks.head_pose.measuring import ANGLES, Row
from readroom.errors import BadSettings, ReadroomError
from readroom.models.choice import choose
from readroom.models.lab.faces.detectors import OnnxDetector
from readroom.models.lab.faces.photos import of_split, read_photos
from readroom.models.lab.heads.fsanet import FsaNet
from readroom.models.lab.heads.gathering import Observer
from readroom.models.lab.poses.posers import Poser
from readroom.models.lab.tables import plain, table
from readroom.models.registry import Task
from readroom.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is at hand, and write what was found; returns the exit code."""
    options = _options(arguments)
    try:
        rows, at_rest = _measure(options)
    except ReadroomError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "head_pose.json"
    found = [plain(asdict(row)) for row in (*rows, *at_rest)]
    path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(markdown(rows, at_rest))
    print(f"written to {path}", file=sys.stderr)
    return 0


def markdown(rows: Sequence[Row], at_rest: Sequence[Row]) -> str:
    """Correlation, slope, mean and mean absolute difference per set, way and angle."""
    head = ["on", "by", "heads"]
    head += [f"{angle}: r, slope, mean, abs. °" for angle in ANGLES]
    lines = [[row.data, row.way, row.angles[0].n, *map(_cell, row.angles)] for row in rows]
    head_at_rest = ["on", "by", "heads", *(f"{angle}: mean, abs. °" for angle in ANGLES)]
    lines_at_rest = [
        [row.data, row.way, row.angles[0].n]
        + [f"{one.mean:+.1f}, {one.absolute:.1f}" for one in row.angles]
        for row in at_rest
    ]
    return table(head, lines) + "\n" + table(head_at_rest, lines_at_rest)


def _cell(one: Agreement) -> str:
    correlation, slope = (
        "–" if math.isnan(value) else f"{value:.2f}" for value in (one.correlation, one.slope)
    )
    return f"{correlation}, {slope}, {one.mean:+.1f}, {one.absolute:.1f}"


def _measure(options: argparse.Namespace) -> tuple[list[Row], list[Row]]:
    cv2.setNumThreads(1)  # As a worker runs.
    beside = ROOT.parent / "shared" / "models"
    unnamed = "READROOM_MODELS" not in os.environ and beside.is_dir()
    settings = load_settings(models=beside if unnamed else None)
    reference = FsaNet(settings.models)
    observer = Observer(
        OnnxDetector(options.face or _chosen(settings, "faces")),
        Poser(options.pose or _chosen(settings, "keypoints")),
        reference,
    )
    console = Console(stderr=True)
    known = track(
        turns.rendered(),
        "turns",
        total=turns.COUNT,
        console=console,
        disable=not console.is_terminal,
    )
    rows, at_rest = measuring.on_turns(known, observer)
    if options.data.is_dir():
        rows += measuring.on_photos(of_split(read_photos(options.data), "test"), observer)
    else:
        print(f"{options.data} isn't there: no photographs (--data)", file=sys.stderr)
    if options.videos.is_dir():
        rows += measuring.on_clip(options.videos, observer)
    else:
        print(f"{options.videos} isn't there: no clip (--videos)", file=sys.stderr)
    return rows, at_rest


def _chosen(settings: Settings, task: Task) -> Path:
    """The file that the product would run. Raises BadSettings where it would run none."""
    choice = choose(settings, task)
    if choice.path is None or choice.broken:
        raise BadSettings(choice.reason)
    return choice.path


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.head_pose",
        description=benchmarks.head_pose.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shared = ROOT.parent / "shared"
    parser.add_argument(
        "--face", type=Path, help="a face detector's file (default: what the product would run)"
    )
    parser.add_argument(
        "--pose", type=Path, help="a pose network's file (default: what the product would run)"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=shared / "datasets" / "wider_faces",
        help="folder of annotated photographs (default ../shared/datasets/wider_faces)",
    )
    parser.add_argument(
        "--videos",
        type=Path,
        default=shared / "videos",
        help="folder of the clips (default ../shared/videos)",
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / ".out", help="folder for files (default .out)"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
