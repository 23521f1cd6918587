"""How much the joints of people who sit still jump from frame to frame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from readroom.errors import BadSettings
from readroom.models.boxes import Floats, iou
from readroom.models.files import find_own
from readroom.models.keypoints import grow
from readroom.models.lab.faces.detectors import OnnxDetector, teacher_path
from readroom.models.lab.figures import Figure, draw, figure
from readroom.models.lab.poses.measurement import Reads
from readroom.models.lab.poses.scoring import UPPER_BODY
from readroom.models.lab.poses.teacher import unit_of
from readroom.pixels import Picture
from readroom.settings import load_settings

#: Frames that are looked at, from the beginning.
MOST_FRAMES: Final = 150
#: A face is still there, and its owner has kept still, where the last frame's overlaps by this.
STILL_IOU: Final = 0.5
#: Joints count where every network's mean score over the frames is at least this.
SURE: Final = 0.3
_LEAST_FACE_SCORE: Final = 0.5
_LONGEST_PX: Final = 960


def read_frames(path: Path) -> list[Picture]:
    """The first frames of a clip, BGR uint8. Raises BadSettings."""
    capture, frames = cv2.VideoCapture(str(path)), list[Picture]()
    try:
        while len(frames) < MOST_FRAMES:
            got, frame = capture.read()
            if not got:
                break
            frames.append(np.asarray(frame, np.uint8))
    finally:
        capture.release()
    if len(frames) < 2:
        raise BadSettings(f"{path}: no clip of two frames or more can be read from it")
    return frames


def still_faces(frames: Sequence[Picture]) -> Floats:
    """Face boxes [n, 4] of the first frame that are still there in the last, px. The detector is
    the worker's own, else the public one; enlarged, for faces may be small. Raises BadSettings."""
    detector = OnnxDetector(find_own(load_settings(), "faces") or teacher_path())
    first, last = (_faces(detector, frames[at]) for at in (0, -1))
    kept = [face for face in first if len(last) and iou(face, last).max() >= STILL_IOU]
    return np.array(kept, np.float32).reshape(-1, 4)


def _faces(detector: OnnxDetector, frame: Picture) -> Floats:
    height, width = frame.shape[:2]
    larger = _LONGEST_PX / max(height, width)
    picture = frame
    if larger > 1:
        picture = np.asarray(cv2.resize(frame, None, fx=larger, fy=larger), np.uint8)
    found = detector.find(picture, max(_LONGEST_PX, *picture.shape[:2]))
    boxes: Floats = found.boxes[found.scores >= _LEAST_FACE_SCORE] / max(larger, 1.0)
    return boxes


def follow(network: Reads, frames: Sequence[Picture], faces: Floats) -> Floats:
    """What a network says of the same people, in the boxes grown from their first faces, in every
    frame: float32 [frames, n, 17, 3]."""
    height, width = frames[0].shape[:2]
    boxes = grow(faces, width, height)
    return np.stack([network.look(frame, boxes) for frame in frames])


def jitter(followed: Sequence[Floats], faces: Floats) -> list[Figure]:
    """Mean movement from frame to frame of upper-body joints, in face units, of each network's
    [frames, n, 17, 3]. Only joints that every network is sure of; n counts them, and the bootstrap
    is over them."""
    upper = list(UPPER_BODY)
    sure = np.all([said[:, :, upper, 2].mean(axis=0) >= SURE for said in followed], axis=0)
    unit = unit_of(faces)[:, None]
    weights = draw(max(int(sure.sum()), 1))
    return [_moved(said[:, :, upper, :2], sure, unit, weights) for said in followed]


def _moved(
    places: Floats, sure: NDArray[np.bool_], unit: Floats, weights: NDArray[np.float32]
) -> Figure:
    step = np.linalg.norm(np.diff(places, axis=0), axis=3).mean(axis=0) / unit
    each = step[sure]
    if not len(each):
        return Figure(float("nan"), float("nan"), float("nan"), 0)
    return figure(lambda drawn: (drawn * each).sum(-1) / drawn.sum(-1), weights)
