"""Video files: every picture with its true time, over as many loops as asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.video.frame import VideoFrame

from readroom.ingest.sources.base import Captured
from readroom.ingest.sources.libav import (
    CODEC_THREADS,
    Converter,
    as_lost,
    as_pixels,
    limit_threads,
    upright_size,
)

#: A file that ends this much before its container says it would has been cut off, s.
CUT_OFF_S = 0.5
#: Length of a picture where neither the picture nor the container says it, s.
_UNKNOWN_FRAME_S = 0.04


@dataclass(frozen=True, slots=True)
class _Timed:
    frame: VideoFrame
    time_s: float
    duration_s: float


class VideoFile:
    """A video file, played ``loop`` times (0: for ever).

    Media time begins at 0, never goes back, and goes on over the loops: the next begins one
    picture's duration after the last picture of the one before. Packets that can't be decoded
    are passed over and counted; ``flaw`` says where a file breaks off.
    """

    def __init__(self, path: Path, loop: int, threads: int = CODEC_THREADS) -> None:
        self.undecodable = 0
        self.flaw = ""
        self._path = path
        self._loop = loop
        self._threads = threads
        self._container: Any = None
        self._timed: Iterator[_Timed] = iter(())
        self._converter = Converter()
        self._delivered = 0
        self._loops_done = 0
        #: Known once the file has been played through: pictures and s per loop.
        self._loop_frames = 0
        self._loop_s = 0.0

    def open(self) -> None:
        """Begin at the first picture. Raises Lost."""
        self._delivered = self._loops_done = 0
        self.undecodable, self.flaw = 0, ""
        self._open_once()

    def read(self) -> Captured | None:
        """The next picture, None after the last one of the last loop. Raises Lost."""
        timed = self._advance()
        if timed is None:
            return None
        return Captured(
            seq=self._delivered - 1,
            captured_at=time.time(),
            media_time_s=self._loops_done * self._loop_s + timed.time_s,
            size=upright_size(timed.frame),
            pixels=as_pixels(self._converter, timed.frame, str(self._path)),
        )

    def skip(self, count: int, turn: Callable[[], None]) -> float | None:
        """Pass over ``count`` pictures by decoding them (a seek isn't exact); whole loops are
        jumped over once one has been counted."""
        last_s: float | None = None
        while self._delivered < count:
            turn()
            loops_before = self._loops_done
            timed = self._advance()
            if timed is None:
                break
            last_s = self._loops_done * self._loop_s + timed.time_s
            if self._loops_done == 1 and loops_before == 0:
                # One picture into the second loop: what is ahead repeats.
                loops = (count - self._delivered) // self._loop_frames
                if self._loop:
                    loops = min(loops, self._loop - 2)
                self._loops_done += max(0, loops)
                self._delivered += max(0, loops) * self._loop_frames
                last_s = self._loops_done * self._loop_s + timed.time_s
        return last_s

    def describe(self) -> str:
        """Resolution, rate and codec of the open file."""
        stream = self._container.streams.video[0]
        rate = stream.average_rate or stream.guessed_rate
        fps = f"{float(rate):.1f} fps, " if rate else ""
        return f"{stream.width}×{stream.height}, {fps}{stream.codec_context.name}"

    def close(self) -> None:
        """Close the file."""
        self._timed = iter(())
        if self._container is not None:
            self._container.close()
            self._container = None

    def _open_once(self) -> None:
        self.close()
        try:
            self._container = av.open(str(self._path))
            stream = self._container.streams.video[0]
        except Exception as error:
            raise as_lost(error, str(self._path)) from None
        limit_threads(stream, self._threads)
        self._timed = self._play_once(stream)

    def _advance(self) -> _Timed | None:
        while True:
            timed = next(self._timed, None)
            if timed is not None:
                self._delivered += 1
                return timed
            nothing_in_it = self._loop_frames == 0
            if nothing_in_it or self._loops_done + 1 == self._loop:
                return None
            self._loops_done += 1
            self._open_once()

    def _play_once(self, stream: Any) -> Iterator[_Timed]:
        rate = stream.average_rate or stream.guessed_rate
        usual_s = 1 / float(rate) if rate else _UNKNOWN_FRAME_S
        first_s: float | None = None
        end_s = latest_s = 0.0
        frames = 0
        for frame in self._decode(stream):
            at_s = frame.time
            if first_s is None:
                first_s = at_s or 0.0
            # Without a time-stamp of its own a picture follows the one before.
            time_s = end_s if at_s is None else max(latest_s, at_s - first_s)
            base = frame.time_base
            duration_s = float(frame.duration * base) if frame.duration and base else usual_s
            latest_s, end_s, frames = time_s, time_s + duration_s, frames + 1
            yield _Timed(frame, time_s, duration_s)
        self._loop_frames, self._loop_s = frames, end_s
        self._look_for_flaws(stream, end_s)

    def _decode(self, stream: Any) -> Iterator[VideoFrame]:
        packets = self._container.demux(stream)
        while True:
            try:
                packet = next(packets)
                frames = packet.decode()
            except (StopIteration, EOFError):
                return
            except av.error.FFmpegError:
                # One packet is lost; where it was the demuxer that failed, it ends here next.
                self.undecodable += 1
                continue
            yield from frames

    def _look_for_flaws(self, stream: Any, end_s: float) -> None:
        promised_s = _promised_s(self._container, stream)
        if promised_s is not None and promised_s - end_s > CUT_OFF_S:
            self.flaw = f"breaks off at {end_s:.1f} s of {promised_s:.1f} s"
        elif self.undecodable:
            self.flaw = f"{self.undecodable} of its packets can't be decoded"


def _promised_s(container: Any, stream: Any) -> float | None:
    """How long the container says its video is, s; None where it doesn't say."""
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    # The container's own figure is the longest stream's: the video's only where it is alone.
    if container.duration is not None and len(container.streams) == 1:
        return float(container.duration / av.time_base)
    return None
