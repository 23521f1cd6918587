"""Real networks, loaded once, and real clips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from readroom.models import files
from readroom.models.files import read_verified
from readroom.models.registry import OWN, REGISTRY
from readroom.pixels import Picture
from readroom.settings import load_settings
from readroom.workers.analysis import Analyser
from readroom.workers.assembly import assemble
from readroom.workers.backends.base import Network, Profile
from readroom.workers.backends.onnxruntime import OnnxRuntime

Clip = Callable[..., list[Picture]]
Load = Callable[[str], Network]
#: Settings of a worker that finds faces and reads poses by the public networks.
PUBLIC = {"networks": ("yunet_n_dynamic", "tinypose_128x96")}


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    cv2.setNumThreads(1)


@pytest.fixture(scope="session")
def clip(shared_videos: Path) -> Clip:
    """Every ``step``-th picture of a clip."""

    def read(name: str, step: int = 1, width: int | None = None) -> list[Picture]:
        capture = cv2.VideoCapture(str(shared_videos / f"{name}.mp4"))
        pictures: list[Picture] = []
        index = 0
        while capture.grab():
            if index % step == 0:
                picture = capture.retrieve()[1]
                if width is not None:
                    height = round(picture.shape[0] * width / picture.shape[1])
                    picture = cv2.resize(picture, (width, height))
                pictures.append(picture)
            index += 1
        capture.release()
        assert pictures
        return pictures

    return read


@pytest.fixture(scope="session")
def load(shared_models: Path) -> Load:
    """Loads a network by name."""

    def load_named(name: str) -> Network:
        entry = REGISTRY[name]
        batch, *shape = entry.inputs[entry.input_name]
        item = tuple(size or side for size, side in zip(shape, (3, 384, 640), strict=False))
        profile = Profile((1, *item), (1, *item), (batch or 8, *item))
        model = read_verified(shared_models / entry.file, entry)
        return OnnxRuntime().load(model, "cpu", {entry.input_name: profile})

    return load_named


@pytest.fixture(scope="session", params=["own", "public"])
def analyser(request: pytest.FixtureRequest, shared_models: Path) -> Analyser:
    """All engines: as a worker has them by default, and with faces and poses by the public
    networks."""
    if request.param == "public":
        return assemble(load_settings(models=shared_models, workers=PUBLIC)).analyser
    needed = [OWN["faces"].file, OWN["keypoints"].file]
    lacking = [file for file in needed if not (files.PACKAGED / file).is_file()]
    if lacking:
        pytest.skip(f"needs {' and '.join(lacking)} in models/weights, which this checkout lacks")
    return assemble(load_settings(models=shared_models)).analyser


@pytest.fixture
def no_packaged_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package came without weights."""
    monkeypatch.setattr(files, "PACKAGED", tmp_path / "none")


@pytest.fixture(scope="session")
def noise() -> Picture:
    return np.random.default_rng(1).integers(0, 255, (360, 640, 3), np.uint8)
