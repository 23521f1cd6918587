"""Writing a file that holds people's data: whole or not at all, readable by its owner alone, and
never over anything that this program didn't make."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from readroom.errors import BadSettings

#: By what stands so far into a file it is known, bytes: the rest of somebody's film isn't read.
LOOKED_AT: Final = 64 * 1024


def put(target: Path, content: bytes, ours: Callable[[bytes], bool]) -> None:
    """Write ``target``. ``ours`` says of what is there already, by its first LOOKED_AT bytes,
    whether it may be written over (an earlier report). Raises BadSettings where it may not, or
    nothing can be written."""
    check(target, ours)
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, target)
        except OSError:
            with suppress(OSError):
                unfinished.unlink()
            raise
    except OSError as error:
        raise cannot(target, error) from None


def check(target: Path, ours: Callable[[bytes], bool]) -> None:
    """Whether ``target`` may be written, before anything is made. Raises BadSettings."""
    if target.is_dir():
        raise BadSettings(f"{target}: a folder; name a file")
    if not target.absolute().parent.is_dir():
        raise BadSettings(f"{target}: there is no folder {target.absolute().parent}; make it first")
    try:
        if not target.exists():
            return
        if not target.is_file():
            raise BadSettings(f"{target}: no ordinary file, but a device or a pipe; name a file")
        with target.open("rb") as file:
            beginning = file.read(LOOKED_AT)
    except OSError as error:
        raise cannot(target, error) from None
    if not ours(beginning):
        raise BadSettings(
            f"{target}: exists, and wasn't made by this command; name another file, or move it away"
        )


def cannot(target: Path, error: OSError) -> BadSettings:
    """What is said where a file can't be written."""
    return BadSettings(
        f"{target}: can't be written ({error.strerror or error}); name a file in a folder that "
        "this user may write, with room on its disk"
    )
