"""What the detector should say of every cell of a scene: the teacher's opinion, put right by the
labels.

The teacher codes its answers in the same cells, so each of its cells is a lesson of its own:
confidence, box, landmarks. Labels correct it: where its box fits a labelled face the label's box
is the better one, and so are the landmarks of that face shown large (marks.py); a face that nobody
labelled isn't one; a labelled face that it missed is asked for all the same, less firmly. Where a
face is cut off, or too small to say, nothing is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from readroom.models.boxes import Floats
from readroom.models.detection import STRIDES
from readroom.models.lab.faces.marks import Marks

#: The teacher's box and a label belong together from this overlap on …
MATCHED_IOU: Final = 0.5
#: … and have nothing to do with each other below this one.
APART_IOU: Final = 0.3
#: What the teacher thinks of faces below this confidence isn't corrected.
LEAST_OPINION: Final = 0.1
#: How firmly a labelled face is asked for that the teacher missed, and from which size on, px.
MISSED: Final = 0.6
LEAST_ASKED_PX: Final = 9.0
#: A face of up to this size belongs to stride 8, or 16; larger ones to 32, px.
_SIZES_PX: Final = (36.0, 96.0)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """All cells of a square scene in the order of the outputs: ``strides`` [cells], ``grid``
    [cells, 2] column and row."""

    strides: Floats
    grid: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Per cell: ``score`` [cells] in 0..1 and how much it counts, ``asked`` [cells]; ``boxes``
    [cells, 4] px with weight ``located`` [cells]; ``landmarks`` [cells, 10] px with weight
    ``marked`` [cells]."""

    score: Floats
    asked: Floats
    boxes: Floats
    located: Floats
    landmarks: Floats
    marked: Floats


def cells_of(side: int) -> Cells:
    """The cells of a scene of ``side`` px, a multiple of 32."""
    strides, grids = [], []
    for stride in STRIDES:
        count = side // stride
        rows, columns = np.mgrid[:count, :count]
        grids.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full(count * count, stride))
    return Cells(
        np.concatenate(strides).astype(np.float32), np.concatenate(grids).astype(np.float32)
    )


def overlaps(boxes: Floats, others: Floats) -> Floats:
    """Intersection over union of boxes [n, 4] with others [m, 4]: [n, m]."""
    top_left = np.maximum(boxes[:, None, :2], others[None, :, :2])
    ends = np.minimum(
        boxes[:, None, :2] + boxes[:, None, 2:], others[None, :, :2] + others[None, :, 2:]
    )
    shared = np.clip(ends - top_left, 0, None).prod(axis=2)
    areas = boxes[:, 2:].prod(axis=1)[:, None] + others[:, 2:].prod(axis=1)[None]
    ratio: Floats = shared / np.maximum(areas - shared, 1e-6)
    return ratio


def make_targets(
    cells: Cells,
    score: Floats,
    boxes: Floats,
    landmarks: Floats,
    labels: Floats,
    unclear: Floats,
    marks: Marks,
) -> Targets:
    """Targets from the teacher's ``score`` [cells], ``boxes`` [cells, 4] and ``landmarks``
    [cells, 10] (px), the labelled boxes [n, 4] with their ``marks`` and the ``unclear`` ones
    [m, 4]."""
    wanted, located = score.copy(), np.where(score >= LEAST_OPINION, score, 0.0)
    marked = located.copy()
    asked = np.ones_like(score)
    placed, points = boxes.copy(), landmarks.copy()
    opinions = np.flatnonzero(score >= LEAST_OPINION)
    met = np.zeros(len(labels), bool)
    known = np.concatenate([labels, unclear])
    if len(opinions) and len(known):
        fit = overlaps(boxes[opinions], known)
        best = fit.argmax(axis=1)
        good = fit[np.arange(len(opinions)), best]
        belongs = (good >= MATCHED_IOU) & (best < len(labels))
        placed[opinions[belongs]] = known[best[belongs]]
        seen = belongs & (np.append(marks.scores, np.zeros(len(unclear)))[best] > 0)
        points[opinions[seen]] = marks.landmarks[best[seen]].reshape(-1, 10)
        sure = belongs & (score[opinions] >= 0.3)
        met[np.unique(best[sure])] = True
        apart = opinions[good < APART_IOU]
    else:
        apart = opinions
    wanted[apart] = 0.0
    located[apart] = 0.0
    centres = cells.grid * cells.strides[:, None]
    for number in np.flatnonzero(~met):
        chosen = _cells_for(cells, centres, labels[number])
        if float(np.sqrt(labels[number, 2:].prod())) < LEAST_ASKED_PX:
            asked[_within(centres, labels[number], cells.strides)] = 0.0
            continue
        wanted[chosen] = np.maximum(wanted[chosen], MISSED)
        placed[chosen] = labels[number]
        located[chosen] = MISSED
        points[chosen] = marks.landmarks[number].reshape(10)
        marked[chosen] = MISSED * float(marks.scores[number] > 0)
    for box in unclear:
        asked[_within(centres, box, cells.strides)] = 0.0
    return Targets(wanted, asked, placed, located, points, marked)


def _cells_for(cells: Cells, centres: Floats, box: Floats) -> NDArray[np.intp]:
    """The cells that a face belongs to: of one stride, around its centre."""
    size = float(np.sqrt(box[2] * box[3]))
    stride = STRIDES[int(np.searchsorted(_SIZES_PX, size))]
    away = np.abs(centres - (box[:2] + box[2:] / 2)).max(axis=1)
    return np.flatnonzero((cells.strides == stride) & (away <= 0.75 * stride))


def _within(centres: Floats, box: Floats, strides: Floats) -> NDArray[np.intp]:
    """The cells whose place lies in a box, or beside it by no more than half a cell."""
    reach = strides[:, None] / 2
    low, high = box[:2] - reach, box[:2] + box[2:] + reach
    return np.flatnonzero(((centres >= low) & (centres <= high)).all(axis=1))
