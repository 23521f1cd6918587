"""Pictures that lie in files, whole ones only."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from readroom.errors import BadSettings
from readroom.pixels import Picture


def read_picture(path: Path) -> Picture:
    """A picture, BGR uint8 [height, width, 3]. Raises BadSettings, also where its file was cut
    off."""
    try:
        # From memory: of a file that ends too early, cv2.imread fills the rest with grey.
        pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        pixels = None
    if pixels is None:
        raise BadSettings(
            f"{path}: no picture that can be read, or not all of it; take it out, or mend it"
        )
    return np.asarray(pixels, np.uint8)
