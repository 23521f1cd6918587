"""Where network files are, and that they are the right ones.

A file is looked for in the folder ``READROOM_MODELS`` names, then among the weights that come
with the package, then in the cache that ``readroom models pull`` fills. It is read once, its
SHA-256 is compared with the registry's, and what is loaded is what was hashed: the bytes, not
the path. (Hashing all networks takes some 30 ms, so nothing is remembered.)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from readroom.errors import BadSettings
from readroom.models.registry import Entry
from readroom.settings import Settings

#: Weights that come with the package.
PACKAGED = Path(__file__).resolve().parent / "weights"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A network file whose hash is right. ``body`` is its contents."""

    entry: Entry
    path: Path
    body: bytes


def cache_folder(settings: Settings) -> Path:
    """Where pulled networks are kept."""
    return settings.cache / "models"


def places(settings: Settings) -> tuple[Path, ...]:
    """The folders that are looked into, first one first.

    Raises BadSettings where READROOM_MODELS names no folder.
    """
    if settings.models is None:
        return (PACKAGED, cache_folder(settings))
    if not settings.models.is_dir():
        raise BadSettings(
            f"READROOM_MODELS={settings.models}: no such folder; name one that holds network "
            "files, or unset it"
        )
    return (settings.models, PACKAGED, cache_folder(settings))


def find(settings: Settings, entry: Entry) -> Path | None:
    """The first file of the entry's name in :func:`places`, unverified; None: nowhere."""
    candidates = (folder / entry.file for folder in places(settings))
    return next((path for path in candidates if path.is_file()), None)


def read_verified(path: Path, entry: Entry) -> ModelFile:
    """Read a network file; raises BadSettings where it can't be read or its hash is wrong."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise BadSettings(f"{path}: can't be read ({error.strerror})") from None
    found = hashlib.sha256(body).hexdigest()
    if found != entry.sha256:
        raise BadSettings(
            f"{path}: wrong SHA-256 {found[:16]}… for {entry.name} (wanted {entry.sha256[:16]}…), "
            "so it is not loaded: take it away, or put the right file in its place"
        )
    return ModelFile(entry, path, body)
