"""What one item costs in each network: ONNX Runtime, one thread and two, batch 1 and 4."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from readroom.models.files import PACKAGED

#: The networks' files; the project's own three beside what they replace.
FILES = (
    "face", "yunet_n_dynamic",
    "expression", "faceapi_expression",
    "pose", "tinypose_128x96", "tinypose_256x192",
    "yolox_nano_416",
)  # fmt: skip
#: Height and width of a picture where a network takes any, px.
PICTURE = (384, 640)
ROUNDS = 15


def measure(models: Path | None) -> dict[str, dict[str, float]]:
    """Median wall milliseconds an item: network → ``threads/batch`` → ms, all alternating."""
    rng = np.random.default_rng(3)
    kinds = [(threads, batch) for threads in (1, 2) for batch in (1, 4)]
    paths = {name: path for name in FILES if (path := _place(name, models)) is not None}
    sessions = {
        (name, threads): _session(path, threads)
        for name, path in paths.items()
        for threads in (1, 2)
    }
    times: dict[tuple[str, int, int], list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        for threads, batch in kinds:
            for name in paths:
                session = sessions[name, threads]
                items = rng.random((batch, *_shape(session)), np.float32) * 255
                times[name, threads, batch].append(_item_ms(session, items))
    return {
        name: {f"{t}/{b}": statistics.median(times[name, t, b]) for t, b in kinds} for name in paths
    }


def _place(name: str, models: Path | None) -> Path | None:
    folders = [folder for folder in (models, PACKAGED) if folder is not None]
    places = [folder / f"{name}.onnx" for folder in folders]
    return next((place for place in places if place.is_file()), None)


def _shape(session: onnxruntime.InferenceSession) -> tuple[int, int, int]:
    """One item's shape: channels, height, width."""
    _, channels, *sides = session.get_inputs()[0].shape
    height, width = sides if all(isinstance(side, int) for side in sides) else PICTURE
    return channels, height, width


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _item_ms(session: onnxruntime.InferenceSession, items: NDArray[np.float32]) -> float:
    feeds = {session.get_inputs()[0].name: items}
    started = time.perf_counter()
    session.run(None, feeds)
    return (time.perf_counter() - started) / len(items) * 1e3
