"""What cameras and video files share: FFmpeg's libraries, through PyAV.

PyAV rather than cv2.VideoCapture, by measurement (tests/ingest/capture_comparison.py: 2 cores, a
GStreamer RTSP server on loopback, PyAV 18.1 and OpenCV 4.14, both on libavformat 62):

- A camera that hangs (server stopped, connections open), with a time-out of 5 s: cv2 comes back
  after 15 s (with its defaults after 90 s), PyAV after 10 s. The time-out itself fires after 5 s,
  but then the parser hands out its last picture, and only the next read fails. So here a read
  that took the whole time-out is a stall: noticed after 5 s.
- A camera that is killed: both notice at once.
- Refused, and a wrong password: both fail at once, but cv2 says the same False to both, so the
  cause could be neither counted nor told to the operator. PyAV raises ConnectionRefusedError and
  HTTPUnauthorizedError.
- Time-stamps of a file with variable frame rate: true in both.
- Cost per 720p picture, decoded and converted to BGR: about the same (PyAV 1.7–3.8 ms, cv2
  1.5–3.2 ms, by content). Here only pictures that are wanted get converted, and they are scaled
  in the same step. PyAV also hands out a camera's own JPEGs undecoded.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

import av
import av.error
import cv2
import numpy as np
import simplejpeg
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from readroom.ingest.sources.base import Lost, Reason, scaled_size
from readroom.pixels import Picture

#: Of a camera: one process each and few cores, so a second codec thread would add delay, not speed.
CODEC_THREADS = 1

# libav's own lines would bypass the redaction.
av.logging.set_level(None)

_CAUSES: tuple[tuple[type[BaseException], Reason], ...] = (
    (av.error.HTTPUnauthorizedError, "unauthorized"),
    (av.error.HTTPForbiddenError, "unauthorized"),
    (av.error.HTTPNotFoundError, "not_found"),
    (av.error.HTTPClientError, "refused"),
    (av.error.HTTPServerError, "failed"),
    (av.error.ExitError, "stalled"),
    (TimeoutError, "stalled"),
    (ConnectionRefusedError, "refused"),
    (ConnectionError, "closed"),
    (EOFError, "closed"),
    (FileNotFoundError, "not_found"),
    (PermissionError, "forbidden"),
    (av.error.InvalidDataError, "decode"),
)
#: EIO is what FFmpeg makes of a name that can't be looked up, and of a connection that breaks.
_NUMBERS: dict[int, Reason] = {
    errno.EBUSY: "busy",
    errno.EIO: "unreachable",
    errno.ENETDOWN: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTDOWN: "unreachable",
    errno.EHOSTUNREACH: "unreachable",
}


def as_lost(error: Exception, what: str, *, reading: bool = False) -> Lost:
    """The bounded reason for one of PyAV's errors, with ``what`` naming the source; ``reading``
    where it was open already."""
    number = getattr(error, "errno", None) or 0
    reason = next((reason for kind, reason in _CAUSES if isinstance(error, kind)), None)
    reason = reason or _NUMBERS.get(number, "failed")
    if reading and reason == "unreachable":
        reason = "closed"
    return Lost(reason, f"{what}: {_said(error)}")


def _said(error: Exception) -> str:
    # Not str(error): that repeats the address, with its password.
    return getattr(error, "strerror", None) or type(error).__name__


def upright_size(frame: VideoFrame) -> tuple[int, int]:
    """(width, height) px of the frame after the rotation its container asks for."""
    turned = frame.rotation % 180 != 0
    return (frame.height, frame.width) if turned else (frame.width, frame.height)


class Converter:
    """Decoded frames to BGR; keeps one scaler, since making one costs more than using it."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def bgr(self, frame: VideoFrame, max_width: int) -> Picture:
        """The frame as uint8 BGR [height, width, 3], whatever its pixel format (grey, alpha,
        16 bit…), upright, at most ``max_width`` px wide."""
        turned = frame.rotation % 180 != 0
        width, height = scaled_size(*upright_size(frame), max_width)
        if turned:
            width, height = height, width
        converted = self._reformatter.reformat(
            frame, width, height, "bgr24", interpolation=Interpolation.AREA
        )
        picture = np.asarray(converted.to_ndarray(), np.uint8)
        quarter_turns = -(frame.rotation // 90) % 4
        return np.ascontiguousarray(np.rot90(picture, -quarter_turns)) if quarter_turns else picture


def as_pixels(converter: Converter, frame: VideoFrame, what: str) -> Callable[[int], Picture]:
    """The frame's conversion, to be run when it is wanted; raises Lost("decode"), with ``what``
    naming the source."""

    def pixels(max_width: int) -> Picture:
        try:
            return converter.bgr(frame, max_width)
        # Whatever a damaged frame makes of the scaler, of PyAV or of numpy: it is one picture.
        except Exception as error:
            raise Lost("decode", f"{what}: a picture can't be converted: {_said(error)}") from None

    return pixels


def limit_threads(stream: VideoStream, threads: int = CODEC_THREADS) -> None:
    """Keep the codec to so many threads. More than one decode several pictures at a time, which
    delays each; the pictures are the same."""
    stream.thread_count = threads
    stream.thread_type = "SLICE" if threads == 1 else "AUTO"


def jpeg_size(jpeg: bytes) -> tuple[int, int] | None:
    """(width, height) px of a JPEG, None where it isn't one."""
    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(jpeg)
    except ValueError:
        return None
    return int(width), int(height)


def decode_picture(data: bytes, max_width: int) -> Picture | None:
    """A picture file (JPEG, PNG, …: grey, alpha and 16 bit too, turned as its EXIF says) as uint8
    BGR, at most ``max_width`` px wide; None where it can't be decoded.

    A large JPEG is decoded at 1/2, 1/4 or 1/8 already: an 8000×6000 one would take 144 MB.
    """
    flag = cv2.IMREAD_COLOR
    size = jpeg_size(data) if data[:2] == b"\xff\xd8" else None
    if size is not None:
        # Turned by EXIF, the height becomes the width: the shorter side is safe either way.
        spare = min(size) // max_width
        flag = _reduced(spare)
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flag) if data else None
        return None if picture is None else fit(np.asarray(picture, np.uint8), max_width)
    except cv2.error:
        return None


def _reduced(spare: int) -> int:
    for factor, flag in (
        (8, cv2.IMREAD_REDUCED_COLOR_8),
        (4, cv2.IMREAD_REDUCED_COLOR_4),
        (2, cv2.IMREAD_REDUCED_COLOR_2),
    ):
        if spare >= factor:
            return int(flag)
    return int(cv2.IMREAD_COLOR)


def fit(picture: Picture, max_width: int) -> Picture:
    """The picture, scaled down (area average) where it is wider than ``max_width`` px."""
    height, width = picture.shape[:2]
    size = scaled_size(width, height, max_width)
    if size == (width, height):
        return picture
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
