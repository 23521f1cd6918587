"""What every source is: something that opens, hands out pictures in order, and says in one word
why it can't any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from readroom.pixels import Picture
from readroom.redaction import redact

#: Why a camera was lost: a bounded set, since it is a metric's label.
Reason = Literal[
    "busy",
    "closed",
    "decode",
    "failed",
    "forbidden",
    "hung",
    "not_found",
    "refused",
    "resolution",
    "stalled",
    "unauthorized",
    "unreachable",
]


class Lost(Exception):
    """The source can't go on. ``reason`` is bounded; the text is redacted, for a log."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(redact(detail))
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Captured:
    """One picture as the source delivered it.

    ``seq`` counts from 0 since the source was opened (over all loops of a recording).
    ``captured_at`` is Unix seconds at the read. ``media_time_s`` is the presentation time in a
    recording, from 0 and growing over its loops; None from a camera. ``size`` is (width, height)
    px as delivered, upright. ``pixels(max_width)`` makes uint8 BGR [height, width, 3], scaled
    down to ``max_width`` px where it is wider; pictures that nobody wants are never converted.
    ``jpeg`` is the picture as the camera itself encoded it (a whole JFIF file), where it did.
    """

    seq: int
    captured_at: float
    media_time_s: float | None
    size: tuple[int, int]
    pixels: Callable[[int], Picture]
    jpeg: bytes | None = None


class Source(Protocol):
    """A camera, or a recording. Not thread-safe: one thread opens, reads and closes it."""

    @property
    def undecodable(self) -> int:
        """Pictures that came and couldn't be decoded, since the source was opened."""

    def open(self) -> None:
        """Connect. Raises :class:`Lost`."""

    def read(self) -> Captured | None:
        """The next picture; None at the end of a recording. Raises :class:`Lost`."""

    def close(self) -> None:
        """Let go of it; harmless when it isn't open."""


class Recording(Source, Protocol):
    """A source with a beginning and an order: the same pictures every time it is played."""

    @property
    def flaw(self) -> str:
        """What is wrong with the recording, in words; empty while nothing is known to be."""

    def skip(self, count: int, turn: Callable[[], None]) -> float | None:
        """Pass over the first ``count`` pictures, exactly; call it right after :meth:`open`.
        Returns the media time of the last one passed over, None for none. ``turn`` is called
        between pictures, since this can take minutes; what it raises comes through."""


def scaled_size(width: int, height: int, max_width: int) -> tuple[int, int]:
    """The size a picture travels at: as it is up to ``max_width``, else scaled down to it with
    both sides even (what 4:2:0 likes) and at least 2 px."""
    if width <= max_width:
        return width, height
    to_width = max(2, max_width - max_width % 2)
    return to_width, max(2, round(height * to_width / width / 2) * 2)
