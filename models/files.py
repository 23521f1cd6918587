"""Where network files are, and that they are the right ones.

A file is looked for in the folder ``READROOM_MODELS`` names, then among the weights that come
with the package, then in the cache that ``readroom models pull`` fills. It is read once, its
SHA-256 is compared with the registry's, and what is loaded is what was hashed: the bytes, not
the path. (Hashing all networks takes some 30 ms, so nothing is remembered.)

The project's own networks describe themselves (``described``), so that somebody who has trained
one anew puts it into the folder that READROOM_MODELS names, and it runs: it has no pinned hash,
the folder was named by hand. The packaged one has: ``weights/SHA256SUMS.txt``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from readroom.errors import BadSettings
from readroom.models.described import describe_network
from readroom.models.pins import LIST, pinned
from readroom.models.registry import OWN, Entry, Task
from readroom.settings import Settings

#: Weights that come with the package.
PACKAGED = Path(__file__).resolve().parent / "weights"

_WRONG_REMEDY: Final = "so it is not loaded: take it away, or put the right file in its place"


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
    body = _read(path)
    found = hashlib.sha256(body).hexdigest()
    if found != entry.sha256:
        raise BadSettings(
            f"{path}: wrong SHA-256 {found[:16]}… for {entry.name} (wanted {entry.sha256[:16]}…), "
            f"{_WRONG_REMEDY}"
        )
    return ModelFile(entry, path, body)


def find_own(settings: Settings, task: Task) -> Path | None:
    """The project's own network for a task: in the folder that READROOM_MODELS names, else the
    packaged one; unverified. None: the task has none, or it isn't there."""
    return next(iter(find_all_own(settings, task)), None)


def find_all_own(settings: Settings, task: Task) -> tuple[Path, ...]:
    """The project's own networks for a task that are at hand, :func:`find_own`'s first."""
    own = OWN.get(task)
    if own is None:
        return ()
    # Not in the cache: what a pull put there is in the registry.
    folders = [folder for folder in places(settings) if folder != cache_folder(settings)]
    candidates = (folder / own.file for folder in folders)
    return tuple(path for path in candidates if path.is_file())


def read_own(path: Path, task: Task) -> ModelFile:
    """Read one of the project's own networks with what it says of itself.

    The packaged one has to have the hash that the list beside it gives. Any other's model id
    ends in the first 8 digits of its hash, so that nobody takes its read-outs for the packaged
    one's. Raises BadSettings, one line, where the file can't be read, is another than the pinned
    one, or isn't what it says.
    """
    body = _read(path)
    found = hashlib.sha256(body).hexdigest()
    pins = pinned(PACKAGED)
    if path.parent == PACKAGED and found != pins.get(path.name):
        wanted = pins.get(path.name, "none")
        raise BadSettings(
            f"{path}: wrong SHA-256 {found[:16]}… ({LIST} says {wanted[:16]}), {_WRONG_REMEDY}"
        )
    entry = describe_network(body, path, task)
    if found == pins.get(path.name):
        entry = replace(entry, licence=OWN[task].licence, citation=OWN[task].citation)
    else:
        entry = replace(entry, name=f"{entry.name}_{found[:8]}")
    return ModelFile(entry, path, body)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadSettings(f"{path}: can't be read ({error.strerror})") from None
