"""The two views of the demo room, made once, and the networks that judge them."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import pytest

from readroom.ingest.demo import CAMERAS, DemoRoom
from readroom.models.lab.heads.fsanet import FILES, FsaNet
from tests.ingest.demo.networks import Reader

#: Read at import: the settings of whoever runs the tests are hidden from the tests themselves.
NAMED_FOLDER = os.environ.get("READROOM_MODELS")


@pytest.fixture(scope="session")
def rooms() -> dict[str, DemoRoom]:
    cv2.setNumThreads(1)
    return {camera: DemoRoom(camera) for camera in CAMERAS}


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="session")
def head_pose() -> FsaNet:
    beside = Path(__file__).resolve().parents[3].parent / "shared" / "models"
    folder = Path(NAMED_FOLDER) if NAMED_FOLDER else beside
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        pytest.skip(
            f"needs the networks {', '.join(missing)} in ../shared/models beside the checkout "
            "or in the folder that READROOM_MODELS names"
        )
    return FsaNet(folder)
