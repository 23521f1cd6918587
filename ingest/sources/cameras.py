"""Live cameras through PyAV: RTSP, HTTP/MJPEG and webcams differ only in how they are opened."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from readroom.ingest.sources.base import Captured, Lost
from readroom.ingest.sources.libav import (
    Converter,
    as_lost,
    as_pixels,
    decode_picture,
    jpeg_size,
    limit_threads,
    upright_size,
)
from readroom.ingest.sources.spec import CameraSpec
from readroom.pixels import Picture
from readroom.settings import IngestSettings

#: How much of a stream FFmpeg looks at before it hands out the first picture, µs. With its own 5 s
#: a 15 fps camera's first picture came after 2.0 s, with this after 0.8 s (measured by
#: tests/ingest/capture_comparison.py).
#: ``fflags nobuffer`` would throw away what was looked at, and with it the first key frame.
ANALYSE_US = 500_000
#: Packets in a row that can't be decoded before the connection is given up.
UNDECODABLE_IN_A_ROW = 100


class Camera:
    """One camera, from :meth:`open` until it is :class:`Lost`.

    ``address``, ``format`` and ``options`` are FFmpeg's; ``silent_s`` is how long it may send
    nothing. A camera that sends JPEGs has them handed out undecoded.
    """

    def __init__(
        self,
        shown: str,
        address: str,
        options: dict[str, str],
        *,
        input_format: str | None,
        silent_s: float,
    ) -> None:
        self.undecodable = 0
        self._shown = shown
        self._address = address
        self._options = options
        self._format = input_format
        self._silent_s = silent_s
        self._container: Any = None
        self._stream: VideoStream | None = None
        self._frames: Iterator[Captured] = iter(())
        self._converter = Converter()
        self._seq = 0

    def open(self) -> None:
        """Connect. Raises :class:`Lost`."""
        self._seq, self.undecodable = 0, 0
        try:
            self._container = av.open(
                self._address,
                format=self._format,
                options=self._options,
                timeout=(self._silent_s, self._silent_s),
            )
        except Exception as error:
            raise as_lost(error, self._shown) from None
        if not self._container.streams.video:
            self.close()
            raise Lost("decode", f"{self._shown}: sends no video")
        self._stream = self._container.streams.video[0]
        limit_threads(self._stream)
        own_jpegs = self._stream.codec_context.name == "mjpeg"
        self._frames = self._jpegs() if own_jpegs else self._decoded()

    def describe(self) -> str:
        """Resolution, rate and codec of the open camera."""
        if self._stream is None:
            return "not open"
        codec = self._stream.codec_context
        rate = self._stream.average_rate or self._stream.guessed_rate
        fps = f"{float(rate):.1f} fps, " if rate else ""
        return f"{codec.width}×{codec.height}, {fps}{codec.name}"

    def read(self) -> Captured:
        """The next picture. Raises :class:`Lost`."""
        began = time.monotonic()
        try:
            captured = next(self._frames)
        except StopIteration:
            raise Lost("closed", f"{self._shown}: ended the stream") from None
        except Lost:
            raise
        except Exception as error:
            raise as_lost(error, self._shown, reading=True) from None
        # After a time-out the parser's last picture comes out first, and the error only after
        # another time-out: see readroom.ingest.sources.libav.
        if time.monotonic() - began >= self._silent_s:
            raise Lost("stalled", f"{self._shown}: silent for {self._silent_s:.1f} s")
        return captured

    def close(self) -> None:
        """Disconnect."""
        self._frames = iter(())
        self._stream = None
        if self._container is not None:
            self._container.close()
            self._container = None

    def _packets(self) -> Iterator[Packet[Any]]:
        for packet in self._container.demux(self._stream):
            if packet.size:  # The last one is empty: it flushes the decoder.
                yield packet

    def _decoded(self) -> Iterator[Captured]:
        in_a_row = 0
        for packet in self._packets():
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                in_a_row = self._count_undecodable(in_a_row)
                continue
            in_a_row = 0
            for frame in frames:
                if isinstance(frame, VideoFrame):
                    yield self._captured(frame)

    def _captured(self, frame: VideoFrame) -> Captured:
        self._seq += 1
        return Captured(
            seq=self._seq - 1,
            captured_at=time.time(),
            media_time_s=None,
            size=upright_size(frame),
            pixels=as_pixels(self._converter, frame, self._shown),
        )

    def _jpegs(self) -> Iterator[Captured]:
        in_a_row = 0
        for packet in self._packets():
            jpeg = bytes(packet)
            size = jpeg_size(jpeg)
            if size is None:
                in_a_row = self._count_undecodable(in_a_row)
                continue
            in_a_row = 0
            self._seq += 1
            yield Captured(
                seq=self._seq - 1,
                captured_at=time.time(),
                media_time_s=None,
                size=size,
                pixels=_JpegPixels(jpeg, self._shown),
                jpeg=jpeg,
            )

    def _count_undecodable(self, in_a_row: int) -> int:
        self.undecodable += 1
        if in_a_row + 1 >= UNDECODABLE_IN_A_ROW:
            raise Lost("decode", f"{self._shown}: {in_a_row + 1} packets that can't be decoded")
        return in_a_row + 1


class _JpegPixels:
    """A camera's own JPEG, decoded when somebody wants its pixels."""

    def __init__(self, jpeg: bytes, shown: str) -> None:
        self._jpeg = jpeg
        self._shown = shown

    def __call__(self, max_width: int) -> Picture:
        picture = decode_picture(self._jpeg, max_width)
        if picture is None:
            raise Lost("decode", f"{self._shown}: sent a broken JPEG")
        return picture


def rtsp_camera(spec: CameraSpec, settings: IngestSettings) -> Camera:
    """An RTSP camera, over TCP or UDP."""
    options = {
        "rtsp_transport": settings.rtsp_transport,
        "allowed_media_types": "video",
        "flags": "low_delay",
        "analyzeduration": str(ANALYSE_US),
    }
    return Camera(
        spec.shown, spec.source, options, input_format=None, silent_s=settings.stall_timeout_s
    )


def http_camera(spec: CameraSpec, settings: IngestSettings) -> Camera:
    """An HTTP camera: MJPEG (multipart/x-mixed-replace), or whatever stream FFmpeg finds."""
    return Camera(
        spec.shown,
        spec.source,
        {"analyzeduration": str(ANALYSE_US)},
        input_format=None,
        silent_s=settings.stall_timeout_s,
    )


def webcam(spec: CameraSpec, settings: IngestSettings) -> Camera:
    """A webcam by number or device path: V4L2 on Linux, AVFoundation on macOS."""
    if sys.platform == "darwin":
        address, input_format = spec.source, "avfoundation"
    else:
        address, input_format = device_path(spec.source), "v4l2"
    return Camera(
        spec.shown, address, {}, input_format=input_format, silent_s=settings.stall_timeout_s
    )


def device_path(source: str) -> str:
    """``0`` → ``/dev/video0``; a path stays."""
    return f"/dev/video{source}" if source.isdigit() else source
