"""Rectangles as arrays, float32 [n, 4] of x, y, width, height: pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]


def iou(box: Floats, others: Floats) -> Floats:
    """Intersection over union of one box [4] with others [n, 4]: [n], in 0..1 (0 for empty)."""
    top_left = np.maximum(box[:2], others[:, :2])
    bottom_right = np.minimum(box[:2] + box[2:], others[:, :2] + others[:, 2:])
    overlap = np.clip(bottom_right - top_left, 0, None).prod(axis=1)
    union = box[2] * box[3] + others[:, 2] * others[:, 3] - overlap
    ratio: Floats = np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)
    return ratio


def suppress(boxes: Floats, scores: Floats, max_iou_ratio: float) -> Indices:
    """Greedy non-maximum suppression: indices of the boxes kept, best score first.

    A box is dropped when it overlaps a kept one by more than ``max_iou_ratio``.
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(int(best))
        order = order[iou(boxes[best], boxes[order]) <= max_iou_ratio]
    return np.array(kept, dtype=np.intp)


def clip(boxes: Floats, width_px: int, height_px: int) -> Floats:
    """The parts of boxes that lie inside a picture; those outside become empty."""
    limit = np.array([width_px, height_px], dtype=np.float32)
    top_left = np.clip(boxes[:, :2], 0, limit)
    bottom_right = np.clip(boxes[:, :2] + boxes[:, 2:], 0, limit)
    return np.concatenate([top_left, bottom_right - top_left], axis=1)
