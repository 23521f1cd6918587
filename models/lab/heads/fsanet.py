"""FSA-Net (Yang, Chen, Lin, Chuang 2019), the reference: yaw, pitch and roll from a face's pixels,
by two networks.

They count yaw the other way round than messages.Quality, and in another order: a head at their
angles is first tilted by roll, then turned by yaw, at last by pitch (the axes that their authors'
demo draws say so). With a head turned by 40° that is another roll and pitch. So their angles are
turned into the product's; on rendered heads that are turned, nod and are tilted (benchmarks/
head_pose), their errors in yaw fell by that from 6.1° to 5.1° and in pitch from 4.1° to 3.3°.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import onnxruntime

from readroom.errors import BadSettings
from readroom.models.boxes import Floats
from readroom.pixels import Picture

#: The two networks and their SHA-256 (github.com/omasaht/headpose-fsanet-pytorch 002549c9,
#: pretrained/fsanet-*-iter-688590.onnx, the batch made symbolic).
FILES: Final = {
    "fsanet_1x1.onnx": "77e80108d161ba6d3eb9730d20b39c8bbcc6dae82eff5f92bcad70b5b76531c6",
    "fsanet_var.onnx": "b0da2f7c56e4875bd2485e3c4dfdedc0acb7a59926cabfb91c29c0c3b60a06a4",
}
#: Their crop is a square of the face's longer side, wider by this share. With 0 the two networks
#: differ by 12.8° in yaw on faces of 24 px and more, with 0.3 by 7.0°, with 0.6 by 6.5°.
MARGIN_RATIO: Final = 0.3
_SIDE_PX: Final = 64
_SIGNS: Final = np.array([-1, 1, 1], np.float32)


class FsaNet:
    """Both networks."""

    def __init__(self, folder: Path | None) -> None:
        """``folder`` holds the files. Raises BadSettings where one is missing or another."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._networks = [
            onnxruntime.InferenceSession(
                _read(folder, name), options, providers=["CPUExecutionProvider"]
            )
            for name in FILES
        ]

    def look(self, picture: Picture, boxes: Floats) -> Floats:
        """What each network says of faces in boxes [n, 4] of a picture, uint8 BGR: yaw, pitch and
        roll in degrees with the signs of messages.Quality, float32 [n, 2, 3]."""
        if not len(boxes):
            return np.empty((0, len(FILES), 3), np.float32)
        crops = np.stack([_crop(picture, box) for box in boxes])
        planes = ((crops.astype(np.float32) - 127.5) / 128).transpose(0, 3, 1, 2)
        said = [network.run(None, {"input": planes})[0] for network in self._networks]
        return reordered(np.stack(said, axis=1) * _SIGNS)


def reordered(angles: Floats) -> Floats:
    """Angles [..., 3] in FSA-Net's order (roll, yaw, pitch) in the product's (yaw, pitch, roll),
    degrees."""
    yaw, pitch, roll = np.moveaxis(np.radians(angles.astype(np.float64)), -1, 0)
    # Where the head's own axes point afterwards: downwards, and away from the camera along x, z.
    down_x = -np.cos(yaw) * np.sin(roll)
    down_y = np.cos(pitch) * np.cos(roll) - np.sin(pitch) * np.sin(yaw) * np.sin(roll)
    down_z = -np.sin(pitch) * np.cos(roll) - np.cos(pitch) * np.sin(yaw) * np.sin(roll)
    right_z = np.cos(pitch) * np.sin(yaw) * np.cos(roll) - np.sin(pitch) * np.sin(roll)
    away_z = np.cos(pitch) * np.cos(yaw)
    found = [
        np.arctan2(right_z, away_z),
        np.arcsin(np.clip(-down_z, -1, 1)),
        np.arctan2(-down_x, down_y),
    ]
    return np.degrees(np.stack(found, axis=-1)).astype(np.float32)


def _crop(picture: Picture, box: Floats) -> Picture:
    x, y, width, height = (float(value) for value in box)
    side = max(1, int(max(width, height) * (1 + MARGIN_RATIO)))
    square = cv2.getRectSubPix(picture, (side, side), (x + width / 2, y + height / 2))
    return np.asarray(cv2.resize(square, (_SIDE_PX, _SIDE_PX)), np.uint8)


def _read(folder: Path | None, name: str) -> bytes:
    path = None if folder is None else folder / name
    if path is None or not path.is_file():
        raise BadSettings(
            f"{name}: the reference for head pose isn't at hand: put {' and '.join(FILES)} into a "
            "folder and name it in READROOM_MODELS"
        )
    body = path.read_bytes()
    found = hashlib.sha256(body).hexdigest()
    if found != FILES[name]:
        raise BadSettings(
            f"{path}: wrong SHA-256 {found[:16]}… (wanted {FILES[name][:16]}…): put the right file "
            "in its place"
        )
    return body
