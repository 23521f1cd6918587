"""``readroom lab evaluate``: face detectors side by side on the same photographs."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
from rich.console import Console
from rich.progress import Progress

from readroom.errors import BadSettings
from readroom.models.boxes import Floats
from readroom.models.detection import Faces
from readroom.models.inputs import resize
from readroom.models.lab.faces import plots, score_table
from readroom.models.lab.faces.detectors import (
    TEACHER,
    Detector,
    HaarDetector,
    OnnxDetector,
    teacher_file,
)
from readroom.models.lab.faces.measurement import (
    LONGEST_PX,
    SIZES_PX,
    Found,
    Key,
    Result,
    measure,
    precision_recall,
    reference_of,
)
from readroom.models.lab.faces.photos import Photo, of_split, read_photos, read_pixels
from readroom.models.lab.faces.score_table import COST_SIZE, Sample
from readroom.models.lab.faces.scoring import sizes_of
from readroom.models.lab.figures import RESAMPLES, Figure, alternately, draw, median_ratio
from readroom.models.lab.folders import make_folder, writing_into
from readroom.models.lab.threads import one_opencv_thread
from readroom.models.registry import REGISTRY
from readroom.pixels import Picture

#: Runs of each detector where its cost is measured.
ROUNDS: Final = 60
_RANKS: Final = "scores are ranks"


def run_evaluate(
    networks: Sequence[Path | Literal["haar"]],
    data: Path,
    *,
    out: Path | None = None,
    console: Console | None = None,
) -> list[Result]:
    """Evaluate files in YuNet's coding, and OpenCV's cascade (``haar``), on the photographs of
    ``data`` that are kept apart.

    What compares with the teacher is told where its file is at hand or among ``networks``. Writes
    table.md, table.json, table.csv and plots into ``out``, else prints the main table. Raises
    BadSettings for anything that can't be read or doesn't fit.
    """
    console = console or Console()
    if not networks:
        raise BadSettings("no detector to evaluate; name at least one ONNX file, or haar")
    detectors = [
        HaarDetector() if name == "haar" else OnnxDetector(Path(name)) for name in networks
    ]
    photos = of_split(read_photos(data), "test")
    if not photos:
        raise BadSettings(f"{data}: none of its photographs belongs to the split test: add some")
    if out is not None:
        make_folder(out)
    results = measured(detectors, photos, console=console)
    if out is None:
        console.print(score_table.main_table(results), markup=False, soft_wrap=True)
    else:
        write(out, sample_of(data.name, photos), results)
        console.print(f"Wrote {out / 'table.md'}", markup=False, soft_wrap=True)
    return results


def measured(
    detectors: Sequence[Detector],
    photos: Sequence[Photo],
    *,
    console: Console,
    resamples: int = RESAMPLES,
) -> list[Result]:
    """Every detector's figures, cost, and a name that no other has, with a progress bar."""
    teacher = _teacher(detectors)
    runners = [*detectors, *([teacher] if teacher and teacher not in detectors else [])]
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("searching", total=len(photos))
        found = search(runners, photos, step=lambda: progress.advance(bar))
        counting = progress.add_task("counting", total=2 * len(detectors))
        weights = draw(len(photos), resamples)
        reference = reference_of(found[runners.index(teacher)], weights) if teacher else None
        results = []
        for detector, mine in zip(detectors, found, strict=False):
            result = _result(detector, mine, measure(mine, reference, weights))
            progress.advance(counting)
            cost = relative_cost(detector, teacher, photos[0]) if teacher else None
            progress.advance(counting)
            results.append(replace(result, cost=cost))
    return _distinct(results)


def search(
    detectors: Sequence[Detector], photos: Iterable[Photo], *, step: Callable[[], object]
) -> list[Found]:
    """What each detector finds in each photograph, whose pixels are read once."""
    faces: list[list[Faces]] = [[] for _ in detectors]
    labels: list[Floats] = []
    for photo in photos:
        picture = read_pixels(photo)
        scale = np.float32(_scale(photo))
        for detector, mine in zip(detectors, faces, strict=True):
            mine.append(_scaled(detector.find(picture, LONGEST_PX), scale))
        labels.append(photo.boxes * scale)
        step()
    return [Found(mine, labels) for mine in faces]


def relative_cost(detector: Detector, reference: Detector, photo: Photo) -> Figure:
    """CPU time over the reference's, run alternately, on a photograph at COST_SIZE."""
    picture: Picture = resize(read_pixels(photo), *COST_SIZE)
    runs = detector.work(picture), reference.work(picture)
    # One thread for OpenCV's cascade, too: only that thread's time is taken.
    with one_opencv_thread():
        return median_ratio(alternately(*runs, ROUNDS, time.thread_time))


def sample_of(name: str, photos: Sequence[Photo]) -> Sample:
    """What was measured on, in numbers."""
    sizes = np.concatenate([sizes_of(photo.boxes) * _scale(photo) for photo in photos])
    return Sample(
        name, len(photos), len(sizes), {least: int((sizes >= least).sum()) for least in SIZES_PX}
    )


def write(out: Path, sample: Sample, results: Sequence[Result]) -> None:
    """Tables and plots into a folder, which is made. Raises BadSettings."""
    make_folder(out)
    with writing_into(out):
        score_table.write(out, sample, results)
        plots.write(out, results)


def _teacher(detectors: Sequence[Detector]) -> Detector | None:
    """The teacher among detectors, else from where the worker would take it."""
    sha256 = REGISTRY[TEACHER].sha256
    among = next((one for one in detectors if one.sha256 == sha256), None)
    if among is not None:
        return among
    path = teacher_file()
    if path is None or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        return None
    return OnnxDetector(path)


def _result(detector: Detector, found: Found, figures: dict[Key, Figure]) -> Result:
    return Result(
        detector.name,
        detector.sha256,
        detector.size_bytes,
        detector.parameters,
        figures,
        precision_recall(found),
        note=_RANKS if isinstance(detector, HaarDetector) else "",
    )


def _scale(photo: Photo) -> float:
    """From px of the photograph to px of the one that is searched."""
    return min(1.0, LONGEST_PX / max(photo.width, photo.height))


def _scaled(faces: Faces, scale: np.float32) -> Faces:
    landmarks = None if faces.landmarks is None else faces.landmarks * scale
    return Faces(faces.boxes * scale, faces.scores, landmarks)


def _distinct(results: Sequence[Result]) -> list[Result]:
    """Those whose name is there twice with a number."""
    names = [one.name for one in results]
    return [
        replace(one, name=f"{one.name} ({names[: place + 1].count(one.name)})")
        if names.count(one.name) > 1
        else one
        for place, one in enumerate(results)
    ]
