"""Pose networks, ours and others', behind one call: a picture and boxes in, keypoints out."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime

from readroom.errors import BadSettings
from readroom.messages import KEYPOINTS
from readroom.models.boxes import Floats
from readroom.models.described import describe_network
from readroom.models.files import find
from readroom.models.keypoints import fill_person, reader, to_picture, window
from readroom.models.lab.network_files import read_body
from readroom.models.registry import REGISTRY, Entry
from readroom.pixels import Picture
from readroom.settings import load_settings

_BATCH: Final = 16


class Poser:
    """A pose network in ONNX Runtime, read as the worker reads it."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """Raises BadSettings where the file is neither known nor says what it is."""
        self.body = read_body(path)
        self.entry = _entry_of(self.body, path)
        self.name = self.entry.name
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            self.body, options, providers=["CPUExecutionProvider"]
        )
        self._output = next(iter(self.entry.outputs))
        self._decode = reader(self.entry)

    def look(self, picture: Picture, boxes: Floats) -> Floats:
        """Keypoints of the people in boxes [n, 4] of a picture: float32 [n, 17, 3], x and y in its
        px and scores in 0..1."""
        said = [
            self._look(picture, boxes[start : start + _BATCH])
            for start in range(0, len(boxes), _BATCH)
        ]
        return np.concatenate(said) if said else np.empty((0, len(KEYPOINTS), 3), np.float32)

    def _look(self, picture: Picture, boxes: Floats) -> Floats:
        planes = self.empty(len(boxes))
        for box, plane in zip(boxes, planes, strict=True):
            fill_person(picture, box, self.entry.input, plane)
        points = self._decode(self.run(planes))
        return to_picture(points, [window(box, self.entry.input) for box in boxes])

    def run(self, planes: Floats) -> Floats:
        """What the network says of its inputs, as it says it."""
        said: Floats = self.session.run([self._output], {self.entry.input_name: planes})[0]
        return said

    def empty(self, people: int) -> Floats:
        """Room for the network's input: float32 [people, 3, height, width]."""
        spec = self.entry.input
        return np.empty((people, spec.channels, spec.height, spec.width), np.float32)


def known_path(name: str) -> Path | None:
    """Where one of the public networks lies; None: nowhere."""
    return find(load_settings(), REGISTRY[name])


def _entry_of(body: bytes, path: Path) -> Entry:
    sha256 = hashlib.sha256(body).hexdigest()
    known = next((entry for entry in REGISTRY.values() if entry.sha256 == sha256), None)
    if known is None:
        return describe_network(body, path, "keypoints")
    if known.task != "keypoints":
        raise BadSettings(
            f"{path}: is {known.name}, a network for {known.task}: name one for keypoints"
        )
    return known
