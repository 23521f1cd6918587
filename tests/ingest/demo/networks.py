"""The network that the package comes with, and third-party ones, run with plain ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from readroom.models.files import PACKAGED, read_own
from readroom.models.inputs import face_input
from readroom.models.registry import OWN

Image = NDArray[np.uint8]

#: Detections below this score are no faces.
MIN_SCORE = 0.6
#: The head-pose network was trained on boxes wider than the face by about this share.
POSE_MARGIN = 0.3


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    width: float
    height: float
    score: float

    @property
    def middle_x(self) -> float:
        return self.x + self.width / 2


class Networks:
    FILES: ClassVar = (
        "yunet_n_dynamic.onnx",
        "fsanet_1x1.onnx",
        "fsanet_var.onnx",
    )

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        own = read_own(PACKAGED / OWN["expression"].file, "expression")
        self._entry = own.entry
        self._expression, self._faces, *self._pose = (
            onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
            for network in (own.body, *(str(folder / name) for name in self.FILES))
        )

    def best_face(self, image: Image) -> Box | None:
        """The face with the highest score; the sides of `image` are multiples of 32."""
        names = [output.name for output in self._faces.get_outputs()]
        batch = image.transpose(2, 0, 1)[None].astype(np.float32)
        outputs = dict(zip(names, self._faces.run(None, {"input": batch}), strict=True))
        boxes = [_best_at(outputs, stride, image.shape[1]) for stride in (8, 16, 32)]
        best = max(boxes, key=lambda box: box.score)
        return best if best.score >= MIN_SCORE else None

    def expression(self, image: Image, box: Box) -> dict[str, float]:
        spec = self._entry.input
        face = np.empty((1, 1, spec.height, spec.width), np.float32)
        edges = np.array([box.x, box.y, box.width, box.height], np.float32)
        face_input(image, edges, spec, face[0])
        said = self._expression.run(["probabilities"], {self._entry.input_name: face})[0][0]
        return dict(zip(self._entry.classes, map(float, said), strict=True))

    def yaw_pitch_deg(self, image: Image, box: Box) -> tuple[float, float]:
        """Mean of both networks; positive yaw is the nose to the picture's LEFT, positive pitch
        up."""
        side = int(max(box.width, box.height) * (1 + POSE_MARGIN))
        middle = (box.middle_x, box.y + box.height / 2)
        crop = cv2.resize(cv2.getRectSubPix(image, (side, side), middle), (64, 64))
        batch = ((crop.astype(np.float32) - 127.5) / 128).transpose(2, 0, 1)[None]
        angles = np.mean([net.run(None, {"input": batch})[0][0] for net in self._pose], axis=0)
        return float(angles[0]), float(angles[1])


def _best_at(outputs: dict[str, Any], stride: int, width: int) -> Box:
    product = outputs[f"cls_{stride}"][0] * outputs[f"obj_{stride}"][0]
    score = np.sqrt(np.maximum(product, 0.0)).ravel()
    best = int(score.argmax())
    row, column = divmod(best, width // stride)
    box = outputs[f"bbox_{stride}"][0][best]
    size = np.exp(box[2:]) * stride
    corner = (box[:2] + np.array([column, row])) * stride - size / 2
    return Box(*map(float, (*corner, *size, score[best])))
