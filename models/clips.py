"""Public sample clips for ``readroom demo --clip``: fetched once, shown with attribution.

A clip isn't pinned by hash as networks are: it is a video that ingest looks at before it plays
it, and its publisher may re-encode it.
"""

from __future__ import annotations

import shutil
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from readroom.errors import BadSettings, ReadroomError
from readroom.settings import Settings

#: A server that is silent for this long has failed, s.
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip's public address and the attribution its licence asks for."""

    url: str
    attribution: str


CLIPS = {
    "classroom": Clip(
        "https://github.com/intel-iot-devkit/sample-videos/raw/master/classroom.mp4",
        "clip: classroom.mp4 from Intel's IoT DevKit sample videos "
        "(github.com/intel-iot-devkit/sample-videos), licensed CC BY 4.0",
    )
}


def fetch_clip(settings: Settings, name: str) -> tuple[Path, str]:
    """The clip's path in the cache (fetched if it isn't there) and its attribution.

    Raises BadSettings for a name that isn't known, ReadroomError where it can't be fetched.
    """
    clip = CLIPS.get(name)
    if clip is None:
        raise BadSettings(f"--clip {name}: no such clip; there is {', '.join(CLIPS)}")
    path = settings.cache / "clips" / f"{name}.mp4"
    if not path.is_file():
        _fetch(clip.url, path)
    return path, clip.attribution


def _fetch(url: str, path: Path) -> None:
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer, part.open("wb") as file:  # noqa: S310
            shutil.copyfileobj(answer, file)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        cause = getattr(error, "reason", None) or error
        raise ReadroomError(
            f"{url}: can't be fetched ({cause}); is this machine online? Without it, "
            "`readroom run` plays the demo room"
        ) from None
