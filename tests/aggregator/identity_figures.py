"""The figures that identity's thresholds rest on: ``python -m tests.aggregator.identity_figures``.

Needs ../shared/datasets, models and videos beside the checkout. Different people: the faces of
photographs of WIDER FACE (611 unless another number is given), found by YuNet with a score of .8,
in pairs from different photographs; a few people may be in several. One person: a woman, upset and
then laughing, twice a second over 20 s, as filmed and shrunk.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.aggregator.identities import FaceReader
from tests.conftest import ROOT

_SHARED = ROOT.parent / "shared"
_PHOTOGRAPHS = 611
_CLIP_STEP = 12
_LIMITS = (0.305, 0.35, 0.45, 0.50, 0.60)
_WIDTHS = ((16, 24), (24, 32), (32, 48), (48, 64), (40, 10_000))


def different_people(reader: FaceReader, folder: Path, photographs: int) -> None:
    """Print how often different people's cosines pass a limit, by the width of both faces."""
    lines = (folder / "annotations.jsonl").read_text("utf-8").splitlines()
    names = [json.loads(line)["file"] for line in lines]
    random.Random(0).shuffle(names)
    photos, widths, said = [], [], []
    for number, name in enumerate(names[:photographs]):
        picture = cv2.imread(str(folder / "images" / name))
        for face in reader.find(picture, 0.8):
            photos.append(number)
            widths.append(face.box[2])
            said.append(reader.embedding(picture, face.points))
    embeddings, of, width = np.array(said), np.array(photos), np.array(widths)
    for low, high in _WIDTHS:
        chosen = (width >= low) & (width < high)
        cosines = embeddings[chosen] @ embeddings[chosen].T
        apart = np.triu(of[chosen][:, None] != of[chosen][None, :], 1)
        pairs = cosines[apart]
        passed = ", ".join(
            f">{limit:.3f}: {100 * (pairs > limit).mean():.3f} %" for limit in _LIMITS
        )
        print(f"{low}-{high} px, {chosen.sum()} faces, {len(pairs)} pairs: "
              f"mean {pairs.mean():.3f}, sd {pairs.std():.3f}, {passed}")  # fmt: skip
    together = np.triu(of[chosen][:, None] == of[chosen][None, :], 1)
    alike = cosines[together]
    print(f"of one photograph: {len(alike)} pairs, {(alike > 0.45).sum()} > .45")


def one_person(reader: FaceReader, clip: Path) -> None:
    """Print the quantiles of the cosines of one person's looks, by the face's width."""
    video = cv2.VideoCapture(str(clip))
    pictures = [picture for good, picture in iter(video.read, (False, None)) if good]
    video.release()
    for width_px in (200, 64, 48, 40, 32):
        looks = [_look(reader, picture, width_px) for picture in pictures[::_CLIP_STEP]]
        seen = np.array([look for look in looks if look is not None])
        # A verdict's looks: three, a second apart; pairs of those that share none.
        means = seen[:-4] + seen[2:-2] + seen[4:]
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        single = (seen @ seen.T)[np.triu_indices(len(seen), 1)]
        verdicts = (means @ means.T)[np.triu_indices(len(means), 6)]
        below = 100 * (verdicts < 0.45).mean()
        print(f"{width_px} px: single looks, quantiles .05 .50: {_quantiles(single, 0.05, 0.5)}; "
              f"means of 3, .05 .25 .50: {_quantiles(verdicts, 0.05, 0.25, 0.5)}, "
              f"{below:.0f} % below .45")  # fmt: skip


def _look(reader: FaceReader, picture: Any, width_px: int) -> Any:
    found = reader.find(picture, 0.6)
    if not found:
        return None
    scale = width_px / max(found, key=lambda face: face.score).box[2]
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    # YuNet wants 32 px around; it must find the face again where it is now.
    framed = cv2.copyMakeBorder(small, 0, 64, 0, 64, cv2.BORDER_REPLICATE)
    again = reader.find(framed, 0.6)
    if not again:
        return None
    return reader.embedding(framed, max(again, key=lambda face: face.score).points)


def _quantiles(values: Any, *at: float) -> str:
    return " ".join(f"{value:.2f}" for value in np.quantile(values, at))


def main() -> None:
    """Print all of it."""
    reader = FaceReader(_SHARED / "models")
    photographs = int(sys.argv[1]) if len(sys.argv) > 1 else _PHOTOGRAPHS
    if photographs:
        different_people(reader, _SHARED / "datasets" / "wider_faces", photographs)
    one_person(reader, _SHARED / "videos" / "upset_to_laughing_1_person.mp4")


if __name__ == "__main__":
    main()
