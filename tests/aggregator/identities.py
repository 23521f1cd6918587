"""Embeddings for the tests of identity: made ones with the cosines of real ones, and real ones.

Made: a person is a direction, drawn in so few dimensions that two of them are as alike as different
people are for mobilefacenet_112; each camera's view of them and each look are that direction with
noise, so much that two looks of one person from two cameras have the cosine that was measured.

Real: YuNet and mobilefacenet_112 in the plainest way, apart from the workers on purpose (a box's
tests don't need another box). Alignment: ArcFace's five points (Deng et al. 2019, the positions
published with it), fitted by OpenCV.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from readroom.aggregator.gallery import Look

Vector = NDArray[np.float64]

#: Mean cosines of mobilefacenet_112: of one person's pictures, of different people's.
SAME_COSINE = 0.62
OTHER_COSINE = 0.02
#: Dimensions in which made people differ: gives different people's cosines the measured spread.
_PERSON_DIMENSIONS = 36
_LENGTH = 128
#: Where ArcFace has the eyes, the nose and the corners of the mouth, in a picture of 112 px.
_ARCFACE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655)]
    + [(70.7299, 92.2041)],
    np.float32,
)
_WIDTH_PX = 640


class Crowd:
    """Made people, by name. The same seed makes the same people and, asked for in the same order,
    the same looks."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._noise = np.random.default_rng(seed)
        self._people: dict[str, Vector] = {}
        self._views: dict[tuple[str, str], Vector] = {}

    def alike(self, name: str, other: str) -> None:
        """``name`` looks the same as ``other``: a twin, or the same photograph."""
        self._people[name] = self.person(other)

    def person(self, name: str) -> Vector:
        """The direction of a person."""
        if name not in self._people:
            drawn = np.zeros(_LENGTH)
            drawn[1 : 1 + _PERSON_DIMENSIONS] = self._drawn(name)[:_PERSON_DIMENSIONS]
            shared = math.sqrt(OTHER_COSINE / SAME_COSINE)
            drawn *= math.sqrt(1 - shared**2) / np.linalg.norm(drawn)
            drawn[0] = shared
            self._people[name] = drawn
        return self._people[name]

    def embedding(self, name: str, camera: str = "a") -> Vector:
        """What the network might say of a person seen by a camera, unit length."""
        if (name, camera) not in self._views:
            self._views[name, camera] = self._drawn(f"{name} {camera}")
        # Half of the noise is the camera's view, which doesn't average out.
        size = math.sqrt((1 / SAME_COSINE - 1) / 2 / _LENGTH)
        noise = self._views[name, camera] + self._noise.standard_normal(_LENGTH)
        seen = self.person(name) + size * noise
        return np.asarray(seen / np.linalg.norm(seen))

    def look(self, name: str, camera: str = "a", width_px: float = 80.0) -> Look:
        """The same as the aggregator gets it, of a face that can be read well."""
        return look_of(self.embedding(name, camera), width_px)

    def _drawn(self, text: str) -> Vector:
        words = [self._seed, *text.encode()]
        return np.random.default_rng(words).standard_normal(_LENGTH)


def look_of(embedding: Vector, width_px: float = 80.0, weight: float = 1.0) -> Look:
    """A look with this embedding."""
    return Look(tuple(embedding.tolist()), width_px, weight)


@dataclass(frozen=True)
class FoundFace:
    """A face found by YuNet: its box (x, y, width, height), px, and float32 [5, 2] landmarks."""

    box: tuple[float, float, float, float]
    score: float
    points: NDArray[np.float32]


class FaceReader:
    """Finds faces and says who they look like, with the networks of a folder."""

    def __init__(self, folder: Path) -> None:
        cv2.setNumThreads(1)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._finder = onnxruntime.InferenceSession(folder / "yunet_n_dynamic.onnx", options)
        self._reader = onnxruntime.InferenceSession(folder / "mobilefacenet_112.onnx", options)
        self._names = [output.name for output in self._finder.get_outputs()]

    def find(self, picture: Any, least_score: float = 0.7) -> list[FoundFace]:
        """The faces of a BGR picture, the longer side shrunk to 640 px."""
        scale = min(1.0, _WIDTH_PX / max(picture.shape[:2]))
        small = cv2.resize(picture, None, fx=scale, fy=scale)
        height, width = (-(-side // 32) * 32 for side in small.shape[:2])
        padded = np.zeros((height, width, 3), np.float32)
        padded[: small.shape[0], : small.shape[1]] = small
        answer = self._finder.run(None, {"input": padded.transpose(2, 0, 1)[None]})
        out = dict(zip(self._names, answer, strict=True))
        found = [
            face
            for stride in (8, 16, 32)
            for face in _faces(out, stride, (height, width), scale, least_score)
        ]
        boxes, scores = [face.box for face in found], [face.score for face in found]
        kept = cv2.dnn.NMSBoxes(boxes, scores, least_score, 0.3) if found else ()
        return [found[index] for index in np.array(kept, int).reshape(-1)]

    def embedding(self, picture: Any, points: NDArray[np.float32]) -> Vector:
        """What the network says of the face with these landmarks, unit length."""
        fitted, _ = cv2.estimateAffinePartial2D(points, _ARCFACE, method=cv2.LMEDS)
        face = cv2.warpAffine(picture, fitted, (112, 112))[:, :, ::-1].astype(np.float32)
        given = (face / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
        said = self._reader.run(None, {"input0": given.transpose(2, 0, 1)[None].astype(np.float32)})
        flat = np.asarray(said[0], np.float64).reshape(-1)
        return np.asarray(flat / np.linalg.norm(flat))


def _faces(
    out: dict[str, Any], stride: int, size: tuple[int, int], scale: float, least_score: float
) -> list[FoundFace]:
    score = np.sqrt(np.clip((out[f"cls_{stride}"][0] * out[f"obj_{stride}"][0]).reshape(-1), 0, 1))
    rows, columns = np.mgrid[: size[0] // stride, : size[1] // stride]
    grid = np.stack([columns, rows], -1).reshape(-1, 2)
    boxes, points = out[f"bbox_{stride}"][0].reshape(-1, 4), out[f"kps_{stride}"][0]
    found = []
    for index in np.flatnonzero(score > least_score):
        width, height = (np.exp(boxes[index, 2:]) * stride / scale).tolist()
        x, y = ((boxes[index, :2] + grid[index]) * stride / scale).tolist()
        marks = (points.reshape(-1, 5, 2)[index] + grid[index]) * stride / scale
        box = (x - width / 2, y - height / 2, width, height)
        found.append(FoundFace(box, float(score[index]), marks.astype(np.float32)))
    return found
