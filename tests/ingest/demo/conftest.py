"""The two views of the demo room, made once, and the third-party networks that judge them."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import pytest

from readroom.ingest.demo import CAMERAS, DemoRoom
from tests.ingest.demo.networks import Networks

#: Read at import: the settings of whoever runs the tests are hidden from the tests themselves.
NAMED_FOLDER = os.environ.get("READROOM_MODELS")


@pytest.fixture(scope="session")
def rooms() -> dict[str, DemoRoom]:
    cv2.setNumThreads(1)
    return {camera: DemoRoom(camera) for camera in CAMERAS}


@pytest.fixture(scope="session")
def networks() -> Networks:
    beside = Path(__file__).resolve().parents[3].parent / "shared" / "models"
    folder = Path(NAMED_FOLDER) if NAMED_FOLDER else beside
    missing = [name for name in Networks.FILES if not (folder / name).is_file()]
    if missing:
        pytest.skip(
            f"needs the networks {', '.join(missing)} in ../shared/models beside the checkout "
            "or in the folder that READROOM_MODELS names"
        )
    return Networks(folder)
