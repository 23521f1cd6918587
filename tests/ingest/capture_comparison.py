"""PyAV against cv2.VideoCapture: the measurement behind readroom/ingest/sources/libav.py.

    python -m tests.ingest.capture_comparison

Needs Debian's GStreamer RTSP server. Prints, for both, how long it takes until a killed and a
hung camera is noticed, what is said of a refused connection and a wrong password, the times of a
file with variable frame rate, and the CPU time per picture.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np

from tests.ingest.clips import write_clip
from tests.ingest.rtsp_server import RtspServer

TIMEOUT_S = 5.0


def through_pyav(url: str) -> Iterator[float]:
    options = {"rtsp_transport": "tcp"}
    with av.open(url, options=options, timeout=(TIMEOUT_S, TIMEOUT_S)) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        for frame in container.decode(stream):
            frame.to_ndarray(format="bgr24")
            yield frame.time or 0.0


def through_cv2(url: str) -> Iterator[float]:
    wanted = [cv2.CAP_PROP_N_THREADS, 1]
    if "://" in url:
        timeout_ms = int(TIMEOUT_S * 1000)
        wanted = [cv2.CAP_PROP_READ_TIMEOUT_MSEC, timeout_ms]
        wanted += [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, timeout_ms]
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, wanted)
    if not capture.isOpened():
        raise OSError("isOpened() is False")
    while capture.read()[0]:
        yield capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
    capture.release()


Way = Callable[[str], Iterator[float]]
WAYS: dict[str, Way] = {"PyAV": through_pyav, "cv2": through_cv2}


def noticed_after(way: Way, server: RtspServer, harm: Callable[[], None]) -> str:
    """Seconds from ``harm`` until the reader gets no more, and what it is told."""
    server.start()
    harmed_s, said = 0.0, "end of stream"
    try:
        for count, _ in enumerate(way(server.url)):
            if count == 20:
                harm()
                harmed_s = time.monotonic()
    except Exception as error:
        said = type(error).__name__
    noticed_s = time.monotonic()
    server.kill()
    return f"{noticed_s - harmed_s:.1f} s, {said}"


def told(way: Way, url: str) -> str:
    """What is said of a camera that can't be opened."""
    try:
        next(way(url))
    except Exception as error:
        return type(error).__name__
    return "nothing"


def cost_ms(way: Way, clip: Path) -> float:
    """CPU ms per picture, decoded and converted to BGR."""
    began = time.process_time()
    count = sum(1 for _ in way(str(clip)))
    return (time.process_time() - began) / count * 1000


def textured_clip(path: Path) -> Path:
    """A 720p clip with something to decode: a coarse random texture that moves."""
    coarse = np.random.default_rng(1).integers(0, 255, (45, 80, 3), np.uint8)
    texture = cv2.resize(coarse, (1280, 720), interpolation=cv2.INTER_CUBIC)
    pictures = [np.roll(texture, 5 * index, axis=1) for index in range(60)] * 3
    return write_clip(path, size=(1280, 720), codec="h264", pictures=pictures)


def first_picture_s(analyse_us: int) -> float:
    """Seconds until PyAV hands out a camera's first picture, with that much looking ahead."""
    options = {"rtsp_transport": "tcp", "analyzeduration": str(analyse_us)}
    with RtspServer() as server:
        began = time.monotonic()
        with av.open(server.url, options=options) as container:
            next(container.decode(video=0))
            return time.monotonic() - began


def main() -> None:
    """Print the comparison."""
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "rtsp_transport;tcp"
    with tempfile.TemporaryDirectory() as folder:
        uneven = write_clip(Path(folder) / "uneven.mkv", times_ms=[0, 33, 67, 400, 1000, 1040])
        large = write_clip(Path(folder) / "large.mp4", size=(1280, 720), frames=200, codec="h264")
        for name, way in WAYS.items():
            server = RtspServer()
            print(f"{name}: killed, noticed after {noticed_after(way, server, server.kill)}")
            server = RtspServer()
            print(f"{name}: hung, noticed after {noticed_after(way, server, server.freeze)}")
            print(f"{name}: refused, told {told(way, server.url)}")
            with RtspServer(user="admin", password="right") as closed:
                print(f"{name}: wrong password, told {told(way, closed.url_for('admin', 'x'))}")
            print(f"{name}: times {[round(at, 3) for at in way(str(uneven))]}")
            print(f"{name}: {cost_ms(way, large):.1f} ms CPU per 720p picture")
    for analyse_us in (5_000_000, 500_000):
        print(
            f"PyAV: analyzeduration {analyse_us}: {first_picture_s(analyse_us):.1f} s to the first"
        )


if __name__ == "__main__":
    main()
