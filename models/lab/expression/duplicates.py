"""Which pictures of a set show the same photograph: byte for byte, nearly, or mirrored.

Chosen by looking at several hundred pairs of FER-2013's pictures. Thumbnails alone don't tell:
at a cosine of .92 half of the pairs are one photograph with a watermark or two pixels' shift, the
others two people who both face the camera before a dark wall. So thumbnails only propose, and
details decide (a band between edges and shading, shifted by up to 4 px to fit). Of the pairs that
they let through most narrowly, at a correlation of .85 to .87, all 42 looked at were one
photograph; of mirrored pairs at .85 to .93, 41 of 44. Between .80 and .85 most straight pairs still
were one, but few of the mirrored ones; below .75 nearly none. Of proposals with a cosine
below .84, fewer than one in three hundred would be let through.

What is found of 1,000 of those pictures after a change of our own: all after a shift of 1 px,
.79 after 2 px, .18 after 3 px; all after a turn of 3°, other brightness or a JPEG of quality 30;
.99 after enlarging by 5 %, .12 by 10 %; .86 under a thick white watermark. So a photograph that
was cut out twice with clearly different boxes counts as two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from readroom.models.lab.expression.dataset import SIDE_PX, Images

Indices = NDArray[np.int64]

#: Pictures whose thumbnails have at least this cosine are compared closely.
PROPOSED_COSINE: Final = 0.84
#: Correlation of the details from which two pictures count as one photograph.
SAME_CORRELATION: Final = 0.85
#: Side of a thumbnail, px.
_THUMBNAIL_PX: Final = 16
#: Pictures per block of the comparison of all with all: 16 MB of cosines at a time.
_BLOCK: Final = 2048
#: What is left of a picture's details lies between these blurs, sigma in px.
_FINE_PX, _COARSE_PX = 1.0, 4.0
#: How far one picture may be shifted against the other, px.
_SHIFT_PX: Final = 4


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Pairs of pictures, int64 [k, 2] each, the earlier picture first.

    ``exact`` joins every repetition to the first picture with the same bytes; ``near`` and
    ``mirrored`` are between pictures that are the first of their bytes. ``groups`` int64 [n]:
    for every picture the first picture that it is joined to over any pairs, itself if none.
    """

    exact: Indices
    near: Indices
    mirrored: Indices
    groups: Indices


def find_duplicates(images: Images) -> Duplicates:
    """Compares all pictures, uint8 [n, 48, 48], with all: 10 s for 31,500 on one core."""
    first: dict[bytes, int] = {}
    same_as = np.array(
        [first.setdefault(image.tobytes(), i) for i, image in enumerate(images)], int
    )
    repeated = np.flatnonzero(same_as != np.arange(len(images)))
    exact = np.column_stack([same_as[repeated], repeated]).astype(np.int64)
    unique = np.array(sorted(first.values()), np.int64)
    near, mirrored = _close_pairs(images[unique])
    near, mirrored = unique[near], unique[mirrored]
    return Duplicates(exact, near, mirrored, join(len(images), exact, near, mirrored))


def join(count: int, *pairs: Indices) -> Indices:
    """The groups that pairs make of ``count`` pictures: int64 [count], the first of each group."""
    edges = np.concatenate([np.empty((0, 2), np.int64), *pairs])
    graph = coo_array((np.ones(len(edges), np.int8), (edges[:, 0], edges[:, 1])), (count, count))
    numbers = connected_components(graph, directed=False)[1]
    firsts, inverse = np.unique(numbers, return_index=True, return_inverse=True)[1:]
    return firsts[inverse].astype(np.int64)


def thumbnails(images: Images) -> NDArray[np.float32]:
    """Pictures at 16×16 px without their mean brightness and contrast: float32 [n, 256] of length
    1, or 0 where a picture is all one grey."""
    side = _THUMBNAIL_PX
    small = np.empty((len(images), side, side), np.float32)
    for image, thumbnail in zip(images, small, strict=True):
        cv2.resize(image.astype(np.float32), (side, side), thumbnail, interpolation=cv2.INTER_AREA)
    flat = small.reshape(len(images), -1)
    flat -= flat.mean(axis=1, keepdims=True)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6))


def detail_correlation(one: Images, other: Images) -> float:
    """How alike the details (:func:`details`) of two pictures are where they fit best, -1..1."""
    middle = np.ascontiguousarray(one[_SHIFT_PX:-_SHIFT_PX, _SHIFT_PX:-_SHIFT_PX])
    return float(cv2.matchTemplate(other, middle, cv2.TM_CCOEFF_NORMED).max())


def details(image: Images) -> Images:
    """What of a picture is finer than shading and coarser than noise, around 128: uint8."""
    grey = image.astype(np.float32)
    band = cv2.GaussianBlur(grey, (0, 0), _FINE_PX) - cv2.GaussianBlur(grey, (0, 0), _COARSE_PX)
    return np.asarray(np.clip(band + 128, 0, 255), np.uint8)


def _close_pairs(images: Images) -> tuple[Indices, Indices]:
    """Near and mirrored pairs among pictures of which no two are equal."""
    thumbs = thumbnails(images)
    side = _THUMBNAIL_PX
    flipped = np.ascontiguousarray(thumbs.reshape(-1, side, side)[:, :, ::-1]).reshape(thumbs.shape)
    bands = np.empty((len(images), SIDE_PX, SIDE_PX), np.uint8)
    for image, band in zip(images, bands, strict=True):
        band[:] = details(image)
    near: list[Indices] = [np.empty((0, 2), np.int64)]
    mirrored: list[Indices] = [np.empty((0, 2), np.int64)]
    for rows, columns in _blocks(len(images)):
        straight = _above(thumbs[rows] @ thumbs[columns].T, rows.start, columns.start)
        near.append(_confirmed(straight, bands, bands))
        turned = _above(thumbs[rows] @ flipped[columns].T, rows.start, columns.start)
        mirrored.append(_confirmed(turned, bands, bands[:, :, ::-1]))
    return np.concatenate(near), np.concatenate(mirrored)


def _blocks(count: int) -> Iterator[tuple[slice, slice]]:
    """The upper triangle of all with all, in blocks, with a progress bar on a terminal."""
    starts = range(0, count, _BLOCK)
    blocks = [(a, b) for a in starts for b in starts if b >= a]
    terminal = Console(stderr=True)
    quiet = not terminal.is_terminal
    for a, b in track(
        blocks, "comparing pictures", console=terminal, transient=True, disable=quiet
    ):
        yield slice(a, a + _BLOCK), slice(b, b + _BLOCK)


def _above(cosines: NDArray[np.float32], row: int, column: int) -> Indices:
    """The pairs that a block of cosines proposes, each once, as indices of pictures."""
    i, j = np.divmod(np.flatnonzero(cosines.ravel() >= PROPOSED_COSINE), cosines.shape[1])
    pairs = np.column_stack([i + row, j + column]).astype(np.int64)
    return np.asarray(pairs[pairs[:, 0] < pairs[:, 1]])


def _confirmed(pairs: Indices, ones: Images, others: Images) -> Indices:
    """Those of the proposed pairs whose details agree."""
    same = [
        detail_correlation(ones[a], np.ascontiguousarray(others[b])) >= SAME_CORRELATION
        for a, b in pairs
    ]
    return np.asarray(pairs[np.array(same, bool)])
