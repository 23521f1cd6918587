"""Training of the detector: scenes in, the teacher asked about each, averaged weights out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from torch import Tensor, nn
from torch.nn import functional

from readroom.errors import BadSettings
from readroom.models.boxes import Floats
from readroom.models.detection import STRIDES, Outputs, faces_in
from readroom.models.lab.faces.detectors import LEAST_SCORE, MOST_FACES, OnnxDetector
from readroom.models.lab.faces.marks import Marks
from readroom.models.lab.faces.networks import Detector, build
from readroom.models.lab.faces.photos import Photo, read_pixels
from readroom.models.lab.faces.recipe import Recipe
from readroom.models.lab.faces.scenes import Source, make_scene
from readroom.models.lab.faces.scoring import Hits, average_precision, match
from readroom.models.lab.faces.targets import Cells, Targets, cells_of, make_targets
from readroom.models.lab.optimisers import muon
from readroom.models.lab.runs import (
    best_device,
    check_loss,
    cosine_rate,
    set_rate,
    shown,
    update_average,
    with_average,
)
from readroom.models.lab.threads import one_opencv_thread

#: Faces of at least this size count where the run is watched, px of the photograph as it is.
WATCHED_PX: Final = 12.0
#: Of the landmarks' loss, the weight of the squared error of a face's tilt, in units of its size,
#: and the most that one error counts. Smooth L1 alone follows the error that all points share,
#: where the face is: without this, after 34 epochs, faces tilted by 30° had level eyes.
TILT: Final = 100.0
LARGEST_TILT: Final = 0.2
#: A young network may name any size; exp() of more than this, in cells, is wider than any scene.
_LARGEST_LOG: Final = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """A batch: pictures uint8 [b, side, side, 3] and the targets, each [b, cells, ...]."""

    pictures: np.ndarray
    targets: Targets


def load_sources(photos: Sequence[Photo], marks: Sequence[Marks] | None = None) -> list[Source]:
    """Photographs in memory, with the marks of each where they are known. Raises BadSettings."""
    each: Sequence[Marks | None] = marks or [None] * len(photos)
    return [
        Source(read_pixels(photo), photo.boxes, own)
        for photo, own in zip(photos, each, strict=True)
    ]


def dense(outputs: Outputs, row: int, cells: Cells) -> tuple[Floats, Floats, Floats]:
    """What a file in YuNet's coding says of every cell: scores [cells], boxes [cells, 4] and
    landmarks [cells, 10], px of its input."""
    parts = {
        head: np.concatenate([outputs[f"{head}_{stride}"][row] for stride in STRIDES])
        for head in ("cls", "obj", "bbox", "kps")
    }
    score = np.sqrt(np.clip(parts["cls"][:, 0] * parts["obj"][:, 0], 0, 1))
    stride = cells.strides[:, None]
    size = np.exp(np.minimum(parts["bbox"][:, 2:], _LARGEST_LOG)) * stride
    centre = (parts["bbox"][:, :2] + cells.grid) * stride
    points = (parts["kps"].reshape(-1, 5, 2) + cells.grid[:, None]) * stride[..., None]
    boxes = np.concatenate([centre - size / 2, size], axis=1)
    return score, boxes, points.reshape(-1, 10)


def planes_of(pictures: np.ndarray) -> np.ndarray:
    """uint8 [b, h, w, 3] to float32 [b, 3, h, w] in 0..255."""
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), np.float32)


class Lessons:
    """Batches for one epoch after the other, made in a thread ahead of the network.

    Scenes and the teacher's opinions cost as much as learning from them does, so they serve
    ``recipe.reuse`` epochs, each time in another order, and are kept in memory for so long: 4096
    scenes of 320 px take 1.9 GB (pictures 1.3 GB, targets .6 GB). What an epoch brings depends on
    recipe and epoch alone.
    """

    def __init__(self, sources: Sequence[Source], teacher: OnnxDetector, recipe: Recipe) -> None:
        self._sources, self._teacher, self._recipe = sources, teacher, recipe
        self._cells = cells_of(recipe.side)
        self._round, self._calm = -1, False
        self._kept: dict[int, Lesson] = {}

    @property
    def count(self) -> int:
        """Batches an epoch."""
        return self._recipe.scenes // self._recipe.batch

    def of(self, epoch: int) -> Iterator[Lesson]:
        """The batches of an epoch (from 0)."""
        recipe, ahead = self._recipe, 3
        current, calm = epoch // recipe.reuse, epoch >= recipe.calm_from
        if (current, calm) != (self._round, self._calm):
            self._round, self._calm, self._kept = current, calm, {}
        shown_in = np.random.default_rng((recipe.seed, epoch)).permutation(self.count).tolist()
        with one_opencv_thread(), ThreadPoolExecutor(1) as threads:
            waiting = [threads.submit(self._lesson, number) for number in shown_in[:ahead]]
            for place in range(self.count):
                done = waiting.pop(0).result()
                if place + ahead < self.count:
                    waiting.append(threads.submit(self._lesson, shown_in[place + ahead]))
                yield done

    def _lesson(self, number: int) -> Lesson:
        if number not in self._kept:
            self._kept[number] = self._made(number)
        return self._kept[number]

    def _made(self, number: int) -> Lesson:
        recipe = self._recipe
        random = np.random.default_rng((recipe.seed, self._round, number))
        chosen = self._order()[number * recipe.batch : (number + 1) * recipe.batch]
        scenes = [
            make_scene(self._sources, int(i), recipe.side, random, calm=self._calm) for i in chosen
        ]
        pictures = np.stack([scene.picture for scene in scenes])
        said = self._teacher.run(planes_of(pictures))
        made = [
            make_targets(
                self._cells,
                *dense(said, row, self._cells),
                scene.boxes,
                scene.unclear,
                scene.marks,
            )
            for row, scene in enumerate(scenes)
        ]
        return Lesson(pictures, stacked(made))

    def _order(self) -> NDArray[np.int64]:
        """Which photograph each scene of the round is about: all equally often."""
        random = np.random.default_rng((self._recipe.seed, self._round))
        rounds = -(-self._recipe.scenes // len(self._sources))
        return np.concatenate([random.permutation(len(self._sources)) for _ in range(rounds)])


def stacked(targets: Sequence[Targets]) -> Targets:
    """Targets of several scenes as one, with the batch first."""
    return Targets(
        **{
            name: np.stack([getattr(one, name) for one in targets]).astype(np.float32)
            for name in Targets.__slots__
        }
    )


def losses(
    said: Tensor, target: dict[str, Tensor], strides: Tensor, grid: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Losses of confidence, boxes and landmarks of ``said`` [b, cells, 15], each a scalar.

    Confidence: quality focal loss (Li et al. 2020) against a soft target, with an exponent of 1:
    with 2, as published, confidences stay far below the teacher's. Boxes: one minus the
    generalised overlap (Rezatofighi et al. 2019) and the distance in the network's own coding,
    which also pulls where nothing overlaps yet. Landmarks: smooth L1 in units of the face's size,
    and how the face is tilted (:func:`tilt`).
    """
    wanted = target["score"]
    logits = said[..., 0]
    away = (wanted - logits.sigmoid()).abs()
    each = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    confidence = (away * each * target["asked"]).sum() / wanted.sum().clamp(min=1)

    where = target["located"] > 0
    weight = target["located"][where]
    stride = strides.expand_as(wanted)[where][:, None]
    cell = grid.expand(*wanted.shape, 2)[where]
    raw = said[where]
    boxes = target["boxes"][where]
    size = raw[:, 3:5].clamp(max=_LARGEST_LOG).exp() * stride
    centre = (raw[:, 1:3] + cell) * stride
    overlap = generalised_overlap(torch.cat([centre - size / 2, size], 1), boxes)
    coded = torch.cat(
        [(boxes[:, :2] + boxes[:, 2:] / 2) / stride - cell, (boxes[:, 2:] / stride).log()], 1
    )
    apart = functional.smooth_l1_loss(raw[:, 1:5], coded, reduction="none", beta=0.5).sum(1)
    total = weight.sum().clamp(min=1)
    located = ((1 - overlap + 0.2 * apart) * weight).sum() / total

    marked = target["marked"][where]
    points = (raw[:, 5:].reshape(-1, 5, 2) + cell[:, None]) * stride[..., None]
    unit = boxes[:, 2:].prod(1).clamp(min=1).sqrt()[:, None, None]
    error = (points - target["landmarks"][where].reshape(-1, 5, 2)) / unit
    missed = functional.smooth_l1_loss(
        error, torch.zeros_like(error), reduction="none", beta=0.05
    ).sum((1, 2))
    aslant = tilt(points / unit) - tilt(target["landmarks"][where].reshape(-1, 5, 2) / unit)
    missed = missed + TILT * aslant.pow(2).clamp(max=LARGEST_TILT).sum(1)
    landmarks = (missed * marked).sum() / marked.sum().clamp(min=1)
    return confidence, located, landmarks


def tilt(points: Tensor) -> Tensor:
    """What a turned head changes: how much lower its left eye and the left corner of its mouth are
    than the right ones, how far the mouth is beside the eyes; landmarks [n, 5, 2] to [n, 3]."""
    x, y = points[..., 0], points[..., 1]
    beside = (x[:, 3] + x[:, 4] - x[:, 0] - x[:, 1]) / 2
    return torch.stack([y[:, 1] - y[:, 0], y[:, 4] - y[:, 3], beside], 1)


def generalised_overlap(ours: Tensor, theirs: Tensor) -> Tensor:
    """Generalised intersection over union of boxes [n, 4] (left, top, width, height): [n]."""
    low = torch.maximum(ours[:, :2], theirs[:, :2])
    high = torch.minimum(ours[:, :2] + ours[:, 2:], theirs[:, :2] + theirs[:, 2:])
    shared = (high - low).clamp(min=0).prod(1)
    union = (ours[:, 2:].prod(1) + theirs[:, 2:].prod(1) - shared).clamp(min=1e-3)
    outer = (
        torch.maximum(ours[:, :2] + ours[:, 2:], theirs[:, :2] + theirs[:, 2:])
        - torch.minimum(ours[:, :2], theirs[:, :2])
    ).prod(1)
    return shared / union - (outer - union) / outer.clamp(min=1e-3)


def encoded(network: Detector, pictures: Tensor) -> Outputs:
    """A network's outputs for float32 [b, 3, H, W] in 0..255 as its exported file gives them."""
    outputs: dict[str, np.ndarray] = {}
    with torch.inference_mode():
        for stride, said in zip(STRIDES, network(pictures / 255), strict=True):
            level = said.float().cpu()
            score = level[..., :1].sigmoid().numpy()
            outputs |= {f"cls_{stride}": score, f"obj_{stride}": score}
            outputs[f"bbox_{stride}"] = level[..., 1:5].numpy()
            outputs[f"kps_{stride}"] = level[..., 5:].numpy()
    return outputs


class Trainer:
    """One run: a network, its running average, an optimiser, and where it stands."""

    def __init__(
        self,
        recipe: Recipe,
        train: Sequence[Source],
        held_out: Sequence[Source],
        teacher: OnnxDetector,
        data_hash: str = "",
    ) -> None:
        if not train or recipe.scenes < recipe.batch:
            raise BadSettings(
                f"{len(train)} photographs and {recipe.scenes} scenes an epoch make no batch of "
                f"{recipe.batch}: add photographs, or lower `batch` in the recipe"
            )
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.data_hash = data_hash
        self.device = best_device()
        self.network, self.average = with_average(build(recipe.architecture), self.device)
        self.epoch = 0
        self.steps = 0
        self._lessons = Lessons(train, teacher, recipe)
        self._held_out = held_out
        cells = cells_of(recipe.side)
        self._strides = torch.from_numpy(cells.strides).to(self.device)
        self._grid = torch.from_numpy(cells.grid).to(self.device)
        self.optimiser = muon(
            self.network, self.network.ends(), recipe.learning_rate, recipe.weight_decay
        )

    def run_epoch(self, progress: Progress | None = None) -> dict[str, float]:
        """One epoch of scenes; the mean losses."""
        recipe, count = self.recipe, self._lessons.count
        made = self._lessons.of(self.epoch)
        seen: list[tuple[float, float, float]] = []
        self.network.train()
        for number, lesson in enumerate(shown(progress, self.epoch, made, count)):
            set_rate(self.optimiser, self._rate(self.epoch + number / count))
            seen.append(self._step(lesson))
            check_loss(sum(seen[-1]), self.epoch, recipe.learning_rate)
        self.epoch += 1
        confidence, boxes, landmarks = np.mean(seen, axis=0).tolist()
        return {"confidence": confidence, "boxes": boxes, "landmarks": landmarks}

    def _rate(self, progress: float) -> float:
        recipe = self.recipe
        if progress < recipe.calm_from:
            return cosine_rate(
                progress,
                highest=recipe.learning_rate,
                warm_up_epochs=recipe.warm_up_epochs,
                epochs=recipe.calm_from,
            )
        return cosine_rate(
            progress - recipe.calm_from,
            highest=recipe.calm_rate,
            warm_up_epochs=0,
            epochs=recipe.calm_epochs,
        )

    def _step(self, lesson: Lesson) -> tuple[float, float, float]:
        recipe = self.recipe
        pictures = torch.from_numpy(planes_of(lesson.pictures)).to(
            self.device, memory_format=torch.channels_last
        )
        target = {
            name: torch.from_numpy(getattr(lesson.targets, name)).to(self.device)
            for name in Targets.__slots__
        }
        with torch.autocast(self.device.type, torch.bfloat16):
            said = torch.cat(self.network(pictures / 255), dim=1)
        parts = losses(said.float(), target, self._strides, self._grid)
        loss = parts[0] + recipe.box_weight * parts[1] + recipe.landmark_weight * parts[2]
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self.optimiser.step()
        self.steps += 1
        update_average(self.average, self.network, recipe.average_decay, self.steps)
        confidence, boxes, landmarks = (float(part.detach()) for part in parts)
        return confidence, boxes, landmarks

    def assess(self) -> dict[str, float]:
        """The averaged network's average precision on the photographs kept apart to choose by."""
        self.average.eval()
        if not self._held_out:
            return {"ap": float("nan")}
        return {"ap": average_precision([self._hits(source) for source in self._held_out])}

    def _hits(self, source: Source) -> Hits:
        """What the averaged network finds in a photograph, as large as it is."""
        height, width = source.picture.shape[:2]
        padded = np.zeros((1, -(-height // 32) * 32, -(-width // 32) * 32, 3), np.uint8)
        padded[0, :height, :width] = source.picture
        outputs = encoded(self.average, torch.from_numpy(planes_of(padded)).to(self.device))
        faces = faces_in(
            outputs, 0, padded.shape[2], 1.0, (width, height),
            min_score=LEAST_SCORE, most=MOST_FACES,
        )  # fmt: skip
        return match(faces.boxes, faces.scores, source.boxes, WATCHED_PX)
