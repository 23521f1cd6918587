"""Fetch networks from their public addresses: resumable, verified, atomic.

The download goes into ``NAME.part`` beside its destination, which a broken connection leaves
there for the next try; only when length and SHA-256 are right is it renamed. Nothing longer than
the registry says is ever written.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from readroom.errors import BadSettings, ReadroomError
from readroom.models.files import cache_folder, find_own
from readroom.models.registry import OWN, REGISTRY, Entry
from readroom.redaction import redact_source
from readroom.settings import Settings

#: A server that is silent for this long has failed, s.
TIMEOUT_S = 30.0
#: Bytes read at once.
CHUNK_BYTES = 1 << 16

#: Called with the number of bytes that are there now.
OnBytes = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one network: its path in the cache (None: not offered) and one line."""

    entry: Entry
    path: Path | None
    line: str


def pull(
    settings: Settings,
    names: Sequence[str] = (),
    *,
    registry: Mapping[str, Entry] = REGISTRY,
    console: Console | None = None,
) -> list[Outcome]:
    """Fetch the named networks (none named: all that are offered) into the cache.

    Raises BadSettings for a name that isn't known, or is named but not offered; ReadroomError
    for a download that failed, in one line: run it again to go on where it stopped.
    """
    unknown = [name for name in names if name not in registry]
    if unknown:
        raise BadSettings(f"{unknown[0]}: no such network; known are {', '.join(registry)}")
    entries = [registry[name] for name in names] or list(registry.values())
    if names:
        for entry in entries:
            if entry.url is None:
                raise BadSettings(_not_offered(entry))
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), console=console or Console()) as bars:
        outcomes = []
        for entry in entries:
            outcomes.append(_pull_one(entry, settings, bars))
            bars.console.print(outcomes[-1].line, markup=False, highlight=False, soft_wrap=True)
        return outcomes


def _pull_one(entry: Entry, settings: Settings, bars: Progress) -> Outcome:
    if entry.url is None:
        return Outcome(entry, None, _not_offered(entry))
    bar = bars.add_task(entry.file, total=entry.size_bytes)
    path = fetch(entry, cache_folder(settings), lambda done: bars.update(bar, completed=done))
    return Outcome(entry, path, f"{entry.name}: verified, in {path}{_preferred(entry, settings)}")


def _preferred(entry: Entry, settings: Settings) -> str:
    """How to run a pulled network, where the project's own would be run in its place."""
    if entry.name in settings.workers.networks or find_own(settings, entry.task) is None:
        return ""
    return (
        f"; {OWN[entry.task].file} is preferred to it unless "
        f"READROOM_WORKERS__NETWORKS={entry.name}"
    )


def _not_offered(entry: Entry) -> str:
    return (
        f"{entry.name}: not offered in this form at a public address (made from {entry.origin}); "
        f"put {entry.file} into a folder and name it in READROOM_MODELS"
    )


def fetch(entry: Entry, folder: Path, on_bytes: OnBytes) -> Path:
    """Fetch one network into ``folder``, going on where an earlier try stopped; its path.

    Raises ReadroomError (offline, refused, broken off, wrong hash); a file that is there with
    the right hash is left as it is.
    """
    path = folder / entry.file
    if path.is_file() and _sha256(path) == entry.sha256:
        on_bytes(entry.size_bytes)
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _part_file(folder / f"{entry.file}.part") as part:
            _fill(entry, part, on_bytes)
            part.flush()
            os.fsync(part.fileno())
            _check(entry, Path(part.name))
            Path(part.name).replace(path)
    except OSError as error:
        raise ReadroomError(
            f"{path}: can't be written ({error.strerror}); choose another cache with READROOM_CACHE"
        ) from None
    return path


@contextmanager
def _part_file(path: Path) -> Iterator[BinaryIO]:
    with path.open("ab") as part:
        try:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ReadroomError(f"{path}: another `readroom models pull` is fetching it") from None
        yield part


def _fill(entry: Entry, part: BinaryIO, on_bytes: OnBytes) -> None:
    """Bring the part file to the entry's length; each connection has to bring it further."""
    if part.tell() > entry.size_bytes:
        _empty(part)
    while part.tell() < entry.size_bytes:
        before = part.tell()
        failure: Exception = ConnectionError("the server sent nothing")
        try:
            _download(entry, part, on_bytes)
        except (OSError, http.client.HTTPException) as error:
            failure = error
        if part.tell() <= before:
            raise ReadroomError(_failure(entry, failure)) from None


def _download(entry: Entry, part: BinaryIO, on_bytes: OnBytes) -> None:
    have = part.tell()
    headers = {"User-Agent": "readroom", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(entry.url or "", headers=headers)  # noqa: S310 - our registry's
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
        if have and answer.status != http.HTTPStatus.PARTIAL_CONTENT:
            _empty(part)  # A server that knows no ranges sends the whole file.
            have = 0
        while chunk := answer.read(min(CHUNK_BYTES, entry.size_bytes - have)):
            part.write(chunk)
            have += len(chunk)
            on_bytes(have)


def _empty(part: BinaryIO) -> None:
    part.truncate(0)
    part.seek(0)


def _failure(entry: Entry, error: Exception) -> str:
    source = redact_source(entry.url or "")
    if isinstance(error, urllib.error.HTTPError):
        return f"{source}: the server answers {error.code} {error.reason}; nothing was fetched"
    cause = getattr(error, "reason", None) or error
    return (
        f"{source}: can't be fetched ({cause}); is this machine online? Run the same command "
        "again to go on where it stopped"
    )


def _check(entry: Entry, part: Path) -> None:
    found = _sha256(part)
    if found != entry.sha256:
        part.unlink()
        raise ReadroomError(
            f"{redact_source(entry.url or '')}: wrong SHA-256 {found[:16]}… for {entry.name} "
            f"(wanted {entry.sha256[:16]}…): the download was thrown away"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
