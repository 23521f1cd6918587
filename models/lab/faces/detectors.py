"""Detectors, ours and others', behind one call: pictures in, faces out, by the worker's decoder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, cast

import cv2
import numpy as np
import onnxruntime

from readroom.errors import BadSettings
from readroom.models.boxes import clip
from readroom.models.described import describe_network
from readroom.models.detection import Faces, Outputs, faces_in, lay_in, letterbox
from readroom.models.files import find, read_verified
from readroom.models.haar import load_cascade, search
from readroom.models.inputs import resize
from readroom.models.lab.network_files import count_parameters, read_body
from readroom.models.registry import FACE_OUTPUTS, HAAR, REGISTRY, InputSpec
from readroom.pixels import Picture
from readroom.settings import load_settings

#: The network that ours learns from.
TEACHER: Final = "yunet_n_dynamic"
#: What every file in YuNet's coding takes that doesn't say otherwise (models/detection.py).
SPEC: Final = InputSpec(0, 0, "bgr", "letterbox", stride=32)
#: Candidates below this are left out even where precision at high recall is measured.
LEAST_SCORE: Final = 0.02
MOST_FACES: Final = 200


class Detector(Protocol):
    """Anything that finds faces."""

    @property
    def name(self) -> str:
        """What tables call it."""

    @property
    def sha256(self) -> str:
        """Of its file; empty where it has none."""

    @property
    def size_bytes(self) -> int | None:
        """Of its file; None where it has none."""

    @property
    def parameters(self) -> int | None:
        """How many there are; None where there is no network."""

    def find(self, picture: Picture, longest_px: int) -> Faces:
        """The faces in a picture, uint8 BGR, whose longer side is shrunk to ``longest_px``."""

    def work(self, picture: Picture) -> Callable[[], object]:
        """What it does with a picture of a size that it takes as it is, without what comes before
        and after: to be timed."""


class OnnxDetector:
    """A file in YuNet's coding, run by ONNX Runtime on ``threads`` threads."""

    def __init__(self, model: Path | bytes, threads: int = 1) -> None:
        """Raises BadSettings where it isn't one."""
        path = Path("network") if isinstance(model, bytes) else model
        body = model if isinstance(model, bytes) else read_body(path)
        self._body = body
        self.sha256 = hashlib.sha256(body).hexdigest()
        self.size_bytes = len(body)
        known = next((one.name for one in REGISTRY.values() if one.sha256 == self.sha256), None)
        self.session = _session(body, path, threads)
        self._names = [node.name for node in self.session.get_outputs()]
        missing = [name for name in FACE_OUTPUTS if name not in self._names]
        if missing:
            raise BadSettings(
                f"{path}: no face detector in YuNet's coding: it has no output {missing[0]}"
            )
        said = self.session.get_modelmeta().custom_metadata_map
        own = describe_network(body, path, "faces") if "task" in said else None
        self.spec = own.input if own else SPEC
        self.name = known or (own.name if own else path.stem)
        self._input = self.session.get_inputs()[0].name

    @property
    def parameters(self) -> int:
        """See :class:`Detector`."""
        return count_parameters(self._body)

    def run(self, pictures: np.ndarray) -> Outputs:
        """Raw outputs for float32 [b, 3, H, W], of the colours and in the range that it takes."""
        said = self.session.run(None, {self._input: pictures})
        return dict(zip(self._names, said, strict=True))

    def find(self, picture: Picture, longest_px: int) -> Faces:
        """See :class:`Detector`."""
        height, width = picture.shape[:2]
        box = letterbox(width, height, longest_px, enlarge=False)
        planes = np.empty((1, 3, *box.padded(self.spec.stride)), np.float32)
        lay_in(picture, box, self.spec, planes[0])
        return faces_in(
            self.run(planes),
            0,
            planes.shape[3],
            box.scale,
            (width, height),
            min_score=LEAST_SCORE,
            most=MOST_FACES,
        )

    def work(self, picture: Picture) -> Callable[[], object]:
        """See :class:`Detector`."""
        height, width = picture.shape[:2]
        planes = np.empty((1, 3, height, width), np.float32)
        lay_in(picture, letterbox(width, height, width, enlarge=False), self.spec, planes[0])
        return lambda: self.run(planes)


class HaarDetector:
    """OpenCV's cascade with the worker's own parameters; its scores are only ranks."""

    name = HAAR
    sha256 = ""
    size_bytes = None
    parameters = None

    def __init__(self) -> None:
        self._cascade = load_cascade()

    def find(self, picture: Picture, longest_px: int) -> Faces:
        """See :class:`Detector`."""
        height, width = picture.shape[:2]
        box = letterbox(width, height, longest_px, enlarge=False)
        grey = cv2.cvtColor(resize(picture, box.width, box.height), cv2.COLOR_BGR2GRAY)
        faces = search(self._cascade, cast(Picture, grey))
        boxes = clip(faces.boxes / np.float32(box.scale), width, height)
        return Faces(boxes[:MOST_FACES], faces.scores[:MOST_FACES], None)

    def work(self, picture: Picture) -> Callable[[], object]:
        """See :class:`Detector`."""
        grey = cast(Picture, cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
        return lambda: search(self._cascade, grey)


def teacher_file() -> Path | None:
    """Where the teacher's file lies; None: not at hand."""
    return find(load_settings(), REGISTRY[TEACHER])


def teacher_path() -> Path:
    """Where the teacher's file lies, verified. Raises BadSettings where it isn't at hand, or is
    another."""
    path, entry = teacher_file(), REGISTRY[TEACHER]
    if path is None:
        raise BadSettings(
            f"the teacher {entry.file} isn't at hand: `readroom models pull {entry.name}` fetches "
            "it, or name its folder in READROOM_MODELS"
        )
    return read_verified(path, entry).path


def _session(body: bytes, path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # The runtime's exceptions share no base class.
        cause = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise BadSettings(
            f"{path}: not a network that ONNX Runtime can load ({cause}): name another"
        ) from None
