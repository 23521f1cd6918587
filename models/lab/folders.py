"""The folder that a command writes to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from readroom.errors import BadSettings


def make_folder(out: Path) -> None:
    """Make the folder to write to, before the work and not after. Raises BadSettings."""
    with writing_into(out):
        out.mkdir(parents=True, exist_ok=True)


@contextmanager
def writing_into(out: Path) -> Iterator[None]:
    """Raises BadSettings where what is done inside can't write into the folder."""
    try:
        yield
    except OSError as error:
        raise BadSettings(
            f"{out}: can't be written ({error.strerror}); name a folder that can"
        ) from None
