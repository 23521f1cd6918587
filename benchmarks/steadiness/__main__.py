"""``python -m benchmarks.steadiness``: a Markdown table, steadiness.json and a plot."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
from rich.console import Console
from rich.progress import track

import benchmarks.steadiness
from benchmarks.steadiness import clips, figures, gate, measuring, networks, report
from readroom.errors import BadSettings, ReadroomError
from readroom.settings import Settings, load_settings
from readroom.workers.analysis import Analyser
from readroom.workers.assembly import assemble

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the networks that are named, and write what was found; returns the exit code."""
    options = _options(arguments)
    try:
        measured, min_face_px = _measure(options)
    except ReadroomError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "steadiness.json"
    path.write_text(json.dumps(_as_json(measured, min_face_px), indent=1) + "\n", "utf-8")
    picture = report.write(measured, options.out)
    print(report.markdown(measured))
    print(f"written to {path} and {picture}", file=sys.stderr)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.steadiness",
        description=benchmarks.steadiness.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--network",
        action="append",
        metavar="NAME|FILE",
        help="an expression network: a file, or a name of `readroom models list`; repeat it to "
        "compare (default: the one that the product would run)",
    )
    parser.add_argument(
        "--videos",
        type=Path,
        default=ROOT.parent / "shared" / "videos",
        help="folder of the clips (default ../shared/videos)",
    )
    parser.add_argument("--clip", action="append", choices=clips.CLIPS, help="only this clip")
    parser.add_argument(
        "--out", type=Path, default=ROOT / ".out", help="folder for files (default .out)"
    )
    return parser.parse_args(arguments)


def _measure(options: argparse.Namespace) -> tuple[list[measuring.Steadiness], int]:
    """Everything that was asked for, and the quality gate as it is set."""
    cv2.setNumThreads(1)  # As a worker runs.
    beside = ROOT.parent / "shared" / "models"
    unnamed = "READROOM_MODELS" not in os.environ and beside.is_dir()
    settings = load_settings(models=beside if unnamed else None, workers={"engines": ("face",)})
    finder = _finder(settings)
    readers = [networks.load(name, settings) for name in options.network or [None]]
    gate_px = settings.workers.min_face_px
    people = [
        person
        for name in options.clip or clips.CLIPS
        for person in clips.watch(options.videos / name, finder)
    ]
    found: list[measuring.Steadiness] = []
    console = Console(stderr=True)
    for person in track(people, "people", console=console, disable=not console.is_terminal):
        found += measuring.measure(person, readers, finder, measuring.WIDTHS_PX, gate_px)
    return found, gate_px


def _finder(settings: Settings) -> Analyser:
    """The product's face detector. Raises BadSettings where that would be the one without
    landmarks, by which a still face is known."""
    assembled = assemble(settings)
    (choice,) = assembled.choices
    if choice.entry is None:
        raise BadSettings(choice.reason)
    return assembled.analyser


def _as_json(measured: Sequence[measuring.Steadiness], min_face_px: int) -> dict[str, object]:
    names = list(dict.fromkeys(one.network for one in measured))
    return {
        "fps": clips.FPS,
        "still": {"seconds": figures.STILL_S, "widths": figures.STILL_WIDTHS},
        "rule": {"max_loss": gate.MAX_LOSS, "max_flip_ratio": gate.MAX_FLIP_RATIO},
        "min_face_px": min_face_px,
        "gates_px": {
            name: {
                boxes: gate.gate_px(gate.rows(measured, name, boxes)) for boxes in measuring.BOXES
            }
            for name in names
        },
        "people": [asdict(one) for one in measured],
    }


if __name__ == "__main__":
    sys.exit(main())
