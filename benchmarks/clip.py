"""The video that everything in a benchmark run reads: 1280×720 H.264, looped.

The classroom clip (4 seated people) where ../shared/videos lies beside the checkout, scaled up;
else the demo room, rendered. The file is written into the benchmark's own output folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, FPS = 1280, 720, 30
#: Frames in the file: long enough that looping it is no event, s × FPS.
FRAMES = 20 * FPS
ROOT = Path(__file__).resolve().parents[1]
CLASSROOM = ROOT.parent / "shared" / "videos" / "classroom_4_people.mp4"


def make_clip(folder: Path) -> tuple[Path, str]:
    """Write the clip into ``folder`` (once); returns its path and what it shows."""
    if CLASSROOM.is_file():
        path, what = folder / "classroom_720p.mp4", "classroom clip, scaled to 720p, 4 people"
        frames = _classroom()
    else:
        path, what = folder / "demo_720p.mp4", "demo room, rendered at 720p, 2 people"
        frames = _demo()
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.mp4")
        _encode(part, frames)
        part.rename(path)
    return path, what


def _encode(path: Path, frames: Iterator[NDArray[np.uint8]]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "20", "g": "60"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for picture in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))


def _classroom() -> Iterator[NDArray[np.uint8]]:
    count = 0
    while count < FRAMES:
        with av.open(str(CLASSROOM)) as container:
            for frame in container.decode(video=0):
                scaled = frame.reformat(WIDTH, HEIGHT, "bgr24", interpolation="BICUBIC")
                yield scaled.to_ndarray().astype(np.uint8, copy=False)
                count += 1
                if count == FRAMES:
                    return


def _demo() -> Iterator[NDArray[np.uint8]]:
    from readroom.ingest.demo import DemoRoom  # noqa: PLC0415 - loads the portraits

    room = DemoRoom("left", (WIDTH, HEIGHT))
    for index in range(FRAMES):
        yield room.render(index / FPS)
