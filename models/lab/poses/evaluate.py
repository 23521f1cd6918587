"""``readroom lab evaluate`` for pose networks: side by side on the same people."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from readroom.errors import BadSettings
from readroom.models.lab.figures import Figure, alternately, median_ratio
from readroom.models.lab.folders import make_folder, writing_into
from readroom.models.lab.network_files import count_parameters
from readroom.models.lab.poses import score_table
from readroom.models.lab.poses.clip import follow, jitter, read_frames, still_faces
from readroom.models.lab.poses.measurement import Key, Measured, measure, ratio, read_all
from readroom.models.lab.poses.posers import Poser, known_path
from readroom.models.lab.poses.score_table import Result
from readroom.models.lab.poses.subjects import Subjects, read_subjects
from readroom.models.lab.poses.teacher import TEACHER

#: The network whose time is 1.
REFERENCE: Final = "tinypose_128x96"
#: People per run: what a small room has in a frame.
COST_PEOPLE: Final = 4
#: Runs of each network.
COST_ROUNDS: Final = 150
_CLIPS: Final = (".mp4", ".mkv", ".mov", ".avi", ".webm")


def run_evaluate(
    networks: Sequence[Path | str],
    data: Path,
    *,
    out: Path | None = None,
    console: Console | None = None,
) -> list[Result]:
    """Evaluate pose networks on people with known joints, or, where ``data`` is a clip, how much
    they jump. Writes table.md, table.json and table.csv into ``out``, else prints the table.

    Ratios are to the teacher where it is among the networks; costs to tinypose_128x96 where that
    is among them or at hand. Raises BadSettings for anything that can't be read.
    """
    console = console or Console()
    if not networks:
        raise BadSettings("no network to evaluate; name at least one ONNX file")
    posers = [Poser(Path(path)) for path in networks]
    if out is not None:
        make_folder(out)
    if data.suffix.lower() in _CLIPS:
        title, results = measure_clip(posers, data)
    else:
        with tempfile.TemporaryDirectory() as elsewhere:
            subjects = read_subjects(data, (out or Path(elsewhere)) / "labels.npz")
        title, results = subjects.title, measure_all(posers, subjects, console)
    if out is None:
        console.print(f"{title}\n\n{score_table.main_table(results)}", markup=False, soft_wrap=True)
        return results
    with writing_into(out):
        score_table.write(out, title, results)
    console.print(f"Wrote {out / 'table.md'}", markup=False, soft_wrap=True)
    return results


def measure_all(
    posers: Sequence[Poser], subjects: Subjects, console: Console | None = None
) -> list[Result]:
    """Everything that is measured of networks on subjects."""
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("looking", total=len(subjects.photos))
        readings = read_all(posers, subjects, step=lambda: progress.advance(bar))
        counting = progress.add_task("counting", total=len(posers))
        measured: list[Measured] = []
        for reading in readings:
            measured.append(measure(reading, subjects))
            progress.advance(counting)
    teacher = next(
        (m for poser, m in zip(posers, measured, strict=True) if poser.name == TEACHER), None
    )
    results = [
        replace(_facts(poser), figures=one.figures | _ratios(one, teacher))
        for poser, one in zip(posers, measured, strict=True)
    ]
    return _with_costs(posers, results)


def measure_clip(posers: Sequence[Poser], path: Path) -> tuple[str, list[Result]]:
    """How much networks jump on a clip, and the clip in words. Raises BadSettings."""
    frames = read_frames(path)
    faces = still_faces(frames)
    if not len(faces):
        raise BadSettings(f"{path}: nobody in it shows a face and sits still; name another clip")
    moved = jitter([follow(poser, frames, faces) for poser in posers], faces)
    results = [
        replace(_facts(poser), figures={Key("jitter", "", "upper body"): one})
        for poser, one in zip(posers, moved, strict=True)
    ]
    title = f"{len(faces)} people who sit still, {len(frames)} frames of {path.name}"
    return title, _with_costs(posers, results)


def relative_cost(poser: Poser, reference: Poser) -> Figure:
    """Median CPU time of a run over the reference's, four people, one thread, ONNX Runtime: only
    the run, not the cutting out. The interval is a bootstrap over rounds."""

    def runs(network: Poser) -> Any:
        planes: NDArray[np.float32] = network.empty(COST_PEOPLE)
        planes[:] = np.random.default_rng(0).normal(0, 1, planes.shape)
        return lambda: network.run(planes)

    return median_ratio(alternately(runs(poser), runs(reference), COST_ROUNDS, time.thread_time))


def _with_costs(posers: Sequence[Poser], results: Sequence[Result]) -> list[Result]:
    reference = next((poser for poser in posers if poser.name == REFERENCE), None)
    path = known_path(REFERENCE) if reference is None else None
    reference = Poser(path) if path is not None else reference
    if reference is None:
        return list(results)
    return [
        replace(result, cost=relative_cost(poser, reference))
        for poser, result in zip(posers, results, strict=True)
    ]


def _ratios(one: Measured, teacher: Measured | None) -> dict[Key, Figure]:
    if teacher is None:
        return {}
    return {
        Key("ratio", key.boxes, key.joints): ratio(
            mine, teacher.precisions[key], one.figures[key].n
        )
        for key, mine in one.precisions.items()
    }


def _facts(poser: Poser) -> Result:
    spec = poser.entry.input
    return Result(
        poser.name,
        poser.entry.sha256,
        count_parameters(poser.body),
        len(poser.body),
        f"{spec.width}×{spec.height}",
        {},
    )
