"""Videos and pictures made at run time, with PyAV and OpenCV alone."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray


def numbered(index: int, width: int, height: int) -> NDArray[np.uint8]:
    """A picture whose grey level says its number, robust to compression: see :func:`number_of`."""
    return np.full((height, width, 3), 10 + (index * 7) % 236, np.uint8)


def write_clip(
    path: Path,
    *,
    size: tuple[int, int] = (64, 48),
    fps: int = 30,
    frames: int = 30,
    times_ms: Sequence[int] | None = None,
    codec: str = "mpeg4",
    pixel_format: str = "yuv420p",
    pictures: Sequence[NDArray[np.uint8]] | None = None,
    faststart: bool = False,
) -> Path:
    """A clip of ``frames`` pictures at ``fps``, or at exactly ``times_ms``."""
    options = {"movflags": "+faststart"} if faststart else {}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = size[0], size[1], pixel_format
        if times_ms is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if codec == "mpeg4":
            stream.codec_context.gop_size = 10
        count = len(pictures or times_ms or range(frames))
        for index in range(count):
            picture = pictures[index] if pictures else numbered(index, *size)
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            if times_ms is not None:
                frame.pts, frame.time_base = times_ms[index], Fraction(1, 1000)
            else:
                frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turn_clip(path: Path) -> None:
    """Mark an MP4 as held upright by a phone: shown 90° clockwise (the tkhd box's matrix)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    data[at : at + 36] = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    path.write_bytes(data)


def cut(path: Path, ratio: float) -> Path:
    """The first part of a file, as a broken download leaves it."""
    data = path.read_bytes()
    shorter = path.with_name(f"cut-{path.name}")
    shorter.write_bytes(data[: int(len(data) * ratio)])
    return shorter


def write_picture(path: Path, picture: NDArray[np.generic]) -> Path:
    """A picture file in the format of its suffix."""
    if not cv2.imwrite(str(path), picture):
        raise RuntimeError(f"{path} can't be written")
    return path
