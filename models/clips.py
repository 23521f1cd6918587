"""Public sample clips for a first look, from their own addresses, with attribution."""

from __future__ import annotations

import http.client
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from readroom.errors import BadSettings, ReadroomError
from readroom.models.pull import CHUNK_BYTES, TIMEOUT_S
from readroom.redaction import redact_source
from readroom.settings import Settings

#: Nothing longer is written to disk, bytes.
LONGEST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class SampleClip:
    """A clip and who has to be named with it. Its address names a branch, not a commit, and no
    hash of it is published: it is taken as it comes, and only ever decoded."""

    url: str
    attribution: str


CLIPS: Final = MappingProxyType(
    {
        "classroom": SampleClip(
            "https://github.com/intel-iot-devkit/sample-videos/raw/master/classroom.mp4",
            "classroom.mp4 from github.com/intel-iot-devkit/sample-videos, CC BY 4.0 "
            "(https://creativecommons.org/licenses/by/4.0/), shown unchanged",
        )
    }
)


def fetch_clip(settings: Settings, name: str) -> tuple[Path, str]:
    """A clip's file in the cache, fetched if it isn't there, and its attribution.

    Raises BadSettings for a name that isn't known, ReadroomError where it can't be fetched.
    """
    clip = CLIPS.get(name)
    if clip is None:
        raise BadSettings(f"{name}: no such clip; known are {', '.join(CLIPS)}")
    path = settings.cache / "clips" / f"{name}.mp4"
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            _download(clip.url, part)
            part.replace(path)
        except (OSError, http.client.HTTPException) as error:
            cause = getattr(error, "reason", None) or error
            raise ReadroomError(
                f"{redact_source(clip.url)}: can't be fetched ({cause}); is this machine online? "
                "`readroom demo` without --clip needs no network"
            ) from None
    return path, clip.attribution


def _download(url: str, part: Path) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "readroom"})  # noqa: S310 - ours
    written = 0
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer, part.open("wb") as file:  # noqa: S310
        announced = answer.headers.get("Content-Length")
        while chunk := answer.read(CHUNK_BYTES):
            written += len(chunk)
            if written > LONGEST_BYTES:
                raise OSError(f"longer than {LONGEST_BYTES >> 20} MB")
            file.write(chunk)
    if announced is not None and written != int(announced):
        raise OSError("the connection broke off")
