"""What one item costs in each network: ONNX Runtime, one thread and two, batch 1 and 4."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from readroom.models.files import PACKAGED

#: Network file and the shape of one item, as the workers use it.
SHAPES = {
    "yunet_n_dynamic": (3, 384, 640),
    "expression": (1, 48, 48),
    "faceapi_expression": (3, 112, 112),
    "tinypose_128x96": (3, 128, 96),
    "tinypose_256x192": (3, 256, 192),
    "yolox_nano_416": (3, 416, 416),
}
ROUNDS = 15


def measure(models: Path) -> dict[str, dict[str, float]]:
    """Median wall milliseconds an item: network → ``threads/batch`` → ms, alternating."""
    found: dict[str, dict[str, float]] = {}
    rng = np.random.default_rng(3)
    for name, shape in SHAPES.items():
        places = (folder / f"{name}.onnx" for folder in (models, PACKAGED))
        path = next((place for place in places if place.is_file()), None)
        if path is None:
            continue
        kinds = [(threads, batch) for threads in (1, 2) for batch in (1, 4)]
        sessions = {threads: _session(path, threads) for threads in (1, 2)}
        times: dict[tuple[int, int], list[float]] = {kind: [] for kind in kinds}
        for _ in range(ROUNDS):
            for threads, batch in kinds:
                items = rng.random((batch, *shape), np.float32) * 255
                times[threads, batch].append(_item_ms(sessions[threads], items))
        found[name] = {f"{t}/{b}": statistics.median(times[t, b]) for t, b in kinds}
    return found


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
