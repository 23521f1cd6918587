"""From a data set to what a network learns from and what is kept apart to choose by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from readroom.errors import BadSettings
from readroom.models.lab.expression.cleaning import clean, find, hold_out
from readroom.models.lab.expression.dataset import Images, Pictures, load

#: The part kept apart is the same for every recipe: figures on it can be compared.
HELD_OUT_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Prepared:
    """Cleaned training pictures in two parts that share no photograph; ``dropped`` says how many
    pictures cleaning took out for which reason, ``data_hash`` names the data exactly.
    ``measured_on``: the split ``valid``, which nothing is chosen on; where the data has none, the
    part that was kept apart."""

    train: Pictures
    held_out: Pictures
    dropped: dict[str, int]
    data_hash: str
    measured_on: Pictures


def prepare(data: Path, share: float) -> Prepared:
    """Load, clean, and keep a ``share`` of the training pictures apart.

    Raises BadSettings where the data can't be used.
    """
    loaded = load(data)
    splits = loaded.splits
    cleaned = clean(splits, find(splits))
    pictures = cleaned.pictures
    apart = hold_out(pictures, np.arange(len(pictures)), share, HELD_OUT_SEED)
    if not apart.any() or apart.all():
        gone = ", ".join(f"{count} {why}" for why, count in cleaned.dropped.items() if count)
        raise BadSettings(
            f"{data}: of {len(splits['train'])} training pictures {len(pictures)} are left (taken "
            f"out: {gone or 'none'}), too few to keep {share:.0%} apart: add pictures; `readroom "
            "lab data` shows which were taken out"
        )
    return Prepared(
        pictures.take(~apart),
        pictures.take(apart, "held out"),
        cleaned.dropped | {"that can't be read": len(loaded.unreadable)},
        hash_of(pictures.images, pictures.labels, pictures.votes, apart),
        splits.get("valid", pictures.take(apart, "held out")),
    )


def hash_of(images: Images, *labels: NDArray[Any]) -> str:
    """First 12 hexadecimal digits of the SHA-256 of pictures and their labels."""
    seen = hashlib.sha256(np.ascontiguousarray(images).tobytes())
    for part in labels:
        seen.update(np.ascontiguousarray(part).tobytes())
    return seen.hexdigest()[:12]
