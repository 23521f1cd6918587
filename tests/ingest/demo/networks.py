"""Third-party networks run with plain ONNX Runtime, as their makers describe it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

Image = NDArray[np.uint8]

#: Output order of faceapi_expression.onnx, in the project's words.
EXPRESSIONS = ("neutral", "happiness", "sadness", "anger", "fear", "disgust", "surprise")
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
        "faceapi_expression.onnx",
        "fsanet_1x1.onnx",
        "fsanet_var.onnx",
    )

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._faces, self._expression, *self._pose = (
            onnxruntime.InferenceSession(
                str(folder / name), options, providers=["CPUExecutionProvider"]
            )
            for name in self.FILES
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
        crop = _padded_square(_cut(image, box), 112)[..., ::-1].transpose(2, 0, 1)[None]
        probabilities = self._expression.run(None, {"input": crop.astype(np.float32)})[0][0]
        return dict(zip(EXPRESSIONS, map(float, probabilities), strict=True))

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


def _cut(image: Image, box: Box) -> Image:
    height, width = image.shape[:2]
    x0, y0 = max(0, round(box.x)), max(0, round(box.y))
    x1, y1 = min(width, round(box.x + box.width)), min(height, round(box.y + box.height))
    return image[y0:y1, x0:x1]


def _padded_square(image: Image, side: int) -> Image:
    scale = side / max(image.shape[:2])
    width, height = (max(1, round(length * scale)) for length in image.shape[1::-1])
    top, left = (side - height) // 2, (side - width) // 2
    square = np.zeros((side, side, 3), dtype=np.uint8)
    square[top : top + height, left : left + width] = cv2.resize(image, (width, height))
    return square
