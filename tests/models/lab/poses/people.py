"""Generated people: coloured sticks on plain ground, whose joints are known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from readroom.models.lab.faces.photos import Photo
from readroom.models.lab.poses.teacher import People
from readroom.models.lab.poses.training import Crowd

#: Where the joints of a standing stick figure are, in face units from the face's centre.
_FIGURE = np.array(
    [
        (0, 0), (0.2, -0.2), (-0.2, -0.2), (0.45, 0), (-0.45, 0), (0.9, 1.2), (-0.9, 1.2),
        (1.2, 2.3), (-1.2, 2.3), (1.3, 3.3), (-1.3, 3.3), (0.6, 3.6), (-0.6, 3.6),
        (0.6, 5.4), (-0.6, 5.4), (0.6, 7.0), (-0.6, 7.0),
    ],
    np.float32,
)  # fmt: skip
_BONES = ((5, 6), (5, 7), (7, 9), (6, 8), (8, 10), (11, 12), (5, 11), (6, 12), (0, 5), (0, 6))


def crowd(count: int, seed: int = 0) -> Crowd:
    """So many people, one to a photo of 120×160 px."""
    random = np.random.default_rng(seed)
    pictures, faces, points = [], [], []
    for _ in range(count):
        unit = random.uniform(16, 24)
        middle = random.uniform((40, 20), (80, 45))
        pose = middle + (_FIGURE + random.normal(0, 0.1, _FIGURE.shape)) * unit
        picture = np.full((160, 120, 3), random.integers(60, 120, 3), np.uint8)
        for one, other in _BONES:
            ends = (tuple(pose[one].astype(int).tolist()), tuple(pose[other].astype(int).tolist()))
            cv2.line(picture, *ends, (230, 200, 40), 4)
        head = tuple(middle.astype(int).tolist())
        cv2.circle(picture, head, int(unit / 2), (80, 140, 250), -1)
        inside = ((pose >= 0) & (pose < (120, 160))).all(axis=1)
        faces.append([*(middle - unit / 2), unit, unit])
        points.append(np.concatenate([pose, np.where(inside, 0.9, 0.05)[:, None]], axis=1))
        pictures.append(picture)
    people = People(np.arange(count), np.array(faces, np.float32), np.array(points, np.float32))
    return Crowd(people, pictures)


def photo_folder(folder: Path, counts: Mapping[str, int]) -> Crowd:
    """A folder of annotated photographs with so many people of each split; returns them in the
    order of the annotations."""
    (folder / "images").mkdir(parents=True)
    everyone = crowd(sum(counts.values()))
    left, lines, number = dict(counts), list[str](), 0
    while any(left.values()):
        name, number = f"photo_{number}.png", number + 1
        split = Photo(folder / "images" / name, 120, 160, np.empty((0, 4), np.float32)).split
        if not left.get(split):
            continue
        left[split] -= 1
        index = len(lines)
        cv2.imwrite(str(folder / "images" / name), everyone.pictures[index])
        box = everyone.people.face[index].tolist()
        line = {"file": name, "width": 120, "height": 160, "boxes_xywh": [box]}
        lines.append(json.dumps(line))
    (folder / "annotations.jsonl").write_text("\n".join(lines))
    return everyone


class Knows:
    """A teacher, or a network, that knows the generated people: it answers with the joints of
    whoever's photo it is shown."""

    def __init__(self, everyone: Crowd, error_px: float = 0.0) -> None:
        self._known = {
            picture.tobytes(): points
            for picture, points in zip(everyone.pictures, everyone.people.keypoints, strict=True)
        }
        self._nobody = np.zeros((17, 3), np.float32)
        self._error_px = error_px

    def look(self, picture: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Keypoints [n, 17, 3]: all zero for a photo that was changed."""
        points = self._known.get(picture.tobytes(), self._nobody).copy()
        points[:, 0] += self._error_px
        return np.repeat(points[None], len(boxes), axis=0)
