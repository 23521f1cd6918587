"""Faces with the points that a detector and a pose network see in them, beside FSA-Net's angles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from rich.console import Console
from rich.progress import track

from readroom.models.boxes import Floats, iou
from readroom.models.detection import Faces
from readroom.models.keypoints import grow
from readroom.models.lab.faces.detectors import OnnxDetector
from readroom.models.lab.faces.photos import Photo, read_pixels
from readroom.models.lab.faces.scoring import FOUND_IOU, sizes_of
from readroom.models.lab.heads.fsanet import FsaNet
from readroom.models.lab.poses.posers import Poser
from readroom.pixels import Picture

#: Faces are found as a worker finds them (settings workers.face_input_width_px and
#: workers.face_score_ratio): in the picture shrunk to this longer side, from this score on.
LONGEST_PX: Final = 640
LEAST_SCORE: Final = 0.7
#: Smaller faces (√ of the box's area) are left out, px.
LEAST_PX: Final = 24.0


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """``boxes`` float32 [n, 4] and ``landmarks`` [n, 5, 2] as the detector finds them, px;
    ``keypoints`` [n, 17, 3] as the pose network does, all scores 0 without one; ``angles`` [n, 2,
    3]: yaw, pitch and roll of either FSA-Net, degrees."""

    boxes: Floats
    landmarks: Floats
    keypoints: Floats
    angles: Floats

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def sizes(self) -> Floats:
        """√(width · height) of the boxes, px: [n]."""
        return sizes_of(self.boxes)

    def of(self, chosen: np.ndarray) -> Heads:
        """The chosen ones, by truth or by number."""
        return Heads(*(getattr(self, field.name)[chosen] for field in fields(self)))


def join(parts: Sequence[Heads]) -> Heads:
    """One of several, in order; of none, one without heads."""
    shapes = ((0, 4), (0, 5, 2), (0, 17, 3), (0, 2, 3))
    empty = Heads(*(np.empty(shape, np.float32) for shape in shapes))
    columns = ([getattr(part, field.name) for part in (empty, *parts)] for field in fields(Heads))
    return Heads(*(np.concatenate(column) for column in columns))


class Observer:
    """What looks at heads: a detector, a pose network (or None) and FSA-Net."""

    def __init__(self, detector: OnnxDetector, poser: Poser | None, reference: FsaNet) -> None:
        self._detector = detector
        self._poser = poser
        self._reference = reference

    def find(self, picture: Picture) -> Faces:
        """The faces that a worker would find, best first."""
        found = self._detector.find(picture, LONGEST_PX)
        kept = (found.scores >= LEAST_SCORE) & (sizes_of(found.boxes) >= LEAST_PX)
        landmarks = found.landmarks
        if landmarks is None:
            landmarks = np.empty((0, 5, 2), np.float32)
        return Faces(found.boxes[kept], found.scores[kept], landmarks[kept])

    def look(self, picture: Picture, boxes: Floats, landmarks: Floats) -> Heads:
        """Everything that is seen of faces [n, 4] with landmarks [n, 5, 2] in a picture."""
        keypoints = np.zeros((len(boxes), 17, 3), np.float32)
        if self._poser is not None:
            height, width = picture.shape[:2]
            keypoints = self._poser.look(picture, grow(boxes, width, height))
        return Heads(boxes, landmarks, keypoints, self._reference.look(picture, boxes))


def gather(photos: Sequence[Photo], observer: Observer, words: str) -> Heads:
    """The labelled faces of photographs that the detector finds; ``words`` say on a terminal
    what is under way."""
    console = Console(stderr=True)
    parts = []
    for photo in track(photos, words, console=console, disable=not console.is_terminal):
        picture = read_pixels(photo)
        found = observer.find(picture)
        if found.landmarks is None or not len(photo.boxes):
            continue
        true = np.array([iou(box, photo.boxes).max() >= FOUND_IOU for box in found.boxes], bool)
        parts.append(observer.look(picture, found.boxes[true], found.landmarks[true]))
    return join(parts)
