"""What the store keeps of a room besides its sessions, and forgetting it: for rooms of one run."""

from __future__ import annotations

import contextlib
import sqlite3
from contextlib import closing
from pathlib import Path

from readroom.sessions.file import FILE_NAME, connect


def forget_room(folder: Path, room: str) -> None:
    """Remove how a room that won't run again could go on, and its lock file. Its sessions stay. A
    store that can't be written to just now keeps both: they do no harm."""
    (folder / f"aggregator.{room}.lock").unlink(missing_ok=True)
    if not (folder / FILE_NAME).is_file():
        return
    with contextlib.suppress(sqlite3.Error), closing(connect(folder / FILE_NAME)) as connection:
        connection.execute("DELETE FROM checkpoint WHERE room = ?", (room,))
