"""Drawn faces with labels and votes: a set small enough to learn within seconds."""

from __future__ import annotations

import cv2
import numpy as np

from readroom.models.lab.expression.dataset import FER2013, FERPLUS, SIDE_PX, Pictures


def drawn(n: int, seed: int = 0, split: str = "train") -> Pictures:
    """Half of the faces smile, half frown; the mouth's curve is all that tells them apart."""
    random = np.random.default_rng(seed)
    happy = np.arange(n) % 2 == 0
    images = np.stack([_face(random, smiles) for smiles in happy])
    votes = np.zeros((n, len(FERPLUS)), np.uint8)
    votes[happy, FERPLUS.index("happiness")] = 8
    votes[~happy, FERPLUS.index("sadness")] = 7
    votes[:, FERPLUS.index("neutral")] = 2
    labels = np.where(happy, FER2013.index("happiness"), FER2013.index("sadness"))
    return Pictures(split, images, labels, votes, tuple(f"{split}/{i}" for i in range(n)))


def _face(random: np.random.Generator, smiles: bool) -> np.ndarray:
    # A wild background, and shades on the skin: faces alike would be taken for duplicates.
    rough = random.integers(0, 256, (9, 9)).astype(np.uint8)
    canvas = cv2.resize(rough, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)
    x, y = (24 + random.integers(-3, 4, 2)).tolist()
    inside = cv2.ellipse(np.zeros_like(canvas), (x, y), (18, 22), 0, 0, 360, 1, -1).astype(bool)
    canvas[inside] = 150 + canvas[inside] // 4
    for eye in (-7, 7):
        cv2.circle(canvas, (x + eye, y - 6), 2, 30, -1)
    ends, mouth = ((20, 160), y + 6) if smiles else ((200, 340), y + 15)
    cv2.ellipse(canvas, (x, mouth), (9, 6), 0, *ends, 30, 2)
    noise = random.normal(0, 6, canvas.shape)
    return np.clip(canvas + noise, 0, 255).astype(np.uint8)
