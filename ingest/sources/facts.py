"""What a video file says of itself before it is played."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

from readroom.ingest.sources.libav import as_lost


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """``length_s`` is None where the file doesn't say it. ``why_not`` says in words why the file is
    no video though pictures can be had of it; empty: it is one."""

    length_s: float | None
    why_not: str = ""


def video_facts(path: Path) -> VideoFacts:
    """Look at a file that check_source has found readable. Raises Lost."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                return VideoFacts(None, "it has sound only")
            stream = container.streams.video[0]
            if Disposition.attached_pic in stream.disposition:
                return VideoFacts(None, "it is sound with a cover picture")
            return VideoFacts(_length_s(container, stream))
    except Exception as error:
        raise as_lost(error, str(path)) from None


def _length_s(container: Any, stream: Any) -> float | None:
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    if container.duration is not None:
        return float(container.duration / av.time_base)
    return None
