"""Draws what the packaged networks see in the demo room's public-domain portraits, and in the demo
room: docs/faces/portraits.jpg and docs/faces/demo_room.jpg (``python -m docs.face_pictures``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2

from readroom.ingest.demo import CAMERAS, DemoRoom
from readroom.models.files import PACKAGED
from readroom.models.lab.expression.subjects import portraits
from readroom.models.lab.faces.detectors import OnnxDetector
from readroom.models.lab.poses.posers import Poser
from readroom.models.lab.sheets import Shown, sheet, tile_of
from readroom.models.registry import OWN

FOLDER: Final = Path(__file__).parent / "faces"
#: Moments of the demo room's script: somebody smiles, turns away, is gone.
MOMENTS_S: Final = (6.0, 21.0, 33.0, 52.0)


def main() -> None:
    """Write both pictures."""
    detector = OnnxDetector(PACKAGED / OWN["faces"].file)
    poser = Poser(PACKAGED / OWN["keypoints"].file)
    faces = [Shown(subject.name, subject.picture) for subject in portraits()]
    _save("portraits.jpg", faces, detector, poser)
    rooms = {camera: DemoRoom(camera) for camera in CAMERAS}
    moments = [
        Shown(f"{camera}, {t_s:.0f} s", room.render(t_s))
        for t_s in MOMENTS_S
        for camera, room in rooms.items()
    ]
    _save("demo_room.jpg", moments, detector, poser)


def _save(name: str, shown: Sequence[Shown], detector: OnnxDetector, poser: Poser) -> None:
    FOLDER.mkdir(exist_ok=True)
    page = sheet([tile_of(each, detector, poser) for each in shown])
    cv2.imwrite(str(FOLDER / name), page, (cv2.IMWRITE_JPEG_QUALITY, 85))


if __name__ == "__main__":
    main()
