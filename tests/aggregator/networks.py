"""The real networks on the real clips, in the plainest way: what the workers' observations hold.

Kept apart from the workers on purpose: a box's tests don't need another box. Formulas as in the
networks' own documentation (YuNet: libfacedetection.train; expressions: face-api.js).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime

from readroom.messages import EXPRESSIONS, Box, Face, Observation, Probabilities, Quality
from tests.aggregator.made import observation

#: The expression network's classes, in its order, by our names.
_CLASSES = ("neutral", "happiness", "sadness", "anger", "fear", "disgust", "surprise")
_WIDTH_PX = 640
_MIN_FACE_PX = 24


class Networks:
    """Finds faces and reads their expressions."""

    def __init__(self, folder: Path) -> None:
        cv2.setNumThreads(1)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._faces = onnxruntime.InferenceSession(folder / "yunet_n_dynamic.onnx", options)
        self._expression = onnxruntime.InferenceSession(folder / "faceapi_expression.onnx", options)
        self._names = [output.name for output in self._faces.get_outputs()]

    def watch(self, clip: Path, fps: float) -> list[Observation]:
        """A clip's observations at ``fps`` analysed frames a second, as of a recording."""
        video = cv2.VideoCapture(str(clip))
        rate = video.get(cv2.CAP_PROP_FPS)
        seen: list[Observation] = []
        due_s = 0.0
        for index in range(10**6):
            good, picture = video.read()
            if not good:
                break
            time_s = index / rate
            if time_s + 1e-6 < due_s:
                continue
            due_s = time_s + 1 / fps
            seen.append(self._observe(picture, len(seen), time_s))
        video.release()
        return seen

    def _observe(self, picture: Any, seq: int, time_s: float) -> Observation:
        height, width = picture.shape[:2]
        return observation(
            seq,
            mode="recording",
            media_time_s=time_s,
            width=width,
            height=height,
            faces=tuple(self._read(picture, box, score) for box, score in self._find(picture)),
        )

    def _find(self, picture: Any) -> list[tuple[Any, float]]:
        scale = _WIDTH_PX / picture.shape[1]
        small = cv2.resize(picture, (_WIDTH_PX, round(picture.shape[0] * scale)))
        padded = np.zeros((-(-small.shape[0] // 32) * 32, _WIDTH_PX, 3), np.float32)
        padded[: small.shape[0]] = small
        answer = self._faces.run(None, {"input": padded.transpose(2, 0, 1)[None]})
        out = dict(zip(self._names, answer, strict=True))
        boxes, scores = [], []
        for stride in (8, 16, 32):
            product = out[f"cls_{stride}"][0] * out[f"obj_{stride}"][0]
            score = np.sqrt(np.clip(product.reshape(-1), 0, 1))
            rows, columns = np.mgrid[: padded.shape[0] // stride, : _WIDTH_PX // stride]
            grid = np.stack([columns, rows], -1).reshape(-1, 2)
            good = score > 0.6
            raw = out[f"bbox_{stride}"][0].reshape(-1, 4)[good]
            size = np.exp(raw[:, 2:]) * stride
            boxes.append(np.hstack([(raw[:, :2] + grid[good]) * stride - size / 2, size]) / scale)
            scores.append(score[good])
        found, sure = np.vstack(boxes), np.concatenate(scores)
        kept = cv2.dnn.NMSBoxes(found.tolist(), sure.tolist(), 0.6, 0.3)
        return [(found[i], float(sure[i])) for i in np.array(kept, int).reshape(-1)]

    def _read(self, picture: Any, box: Any, score: float) -> Face:
        left, top = (max(0, math.floor(value)) for value in box[:2])
        right, bottom = (math.ceil(a + b) for a, b in zip(box[:2], box[2:], strict=True))
        crop = picture[top:bottom, left:right]
        grey = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), (64, 64))
        quality = Quality(
            width_px=float(box[2]), sharpness=float(cv2.Laplacian(grey, cv2.CV_64F).var())
        )
        readable = box[2] >= _MIN_FACE_PX
        return Face(
            box=Box(*map(float, box)),
            score=score,
            quality=quality,
            expression=self._express(crop) if readable else None,
        )

    def _express(self, crop: Any) -> Probabilities:
        scale = 112 / max(crop.shape[:2])
        size = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
        padded = np.zeros((112, 112, 3), np.float32)
        padded[: size[1], : size[0]] = cv2.resize(crop[:, :, ::-1].astype(np.float32), size)
        answer = self._expression.run(None, {"input": padded.transpose(2, 0, 1)[None]})[0]
        said = dict(zip(_CLASSES, answer.reshape(-1).tolist(), strict=True))
        a, b, c, d, e, f, g, h = (float(said.get(name, 0.0)) for name in EXPRESSIONS)
        return a, b, c, d, e, f, g, h
