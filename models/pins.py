"""The SHA-256 of the weights that come with the package, as ``sha256sum`` writes them.

The list lies beside the weights. ``sha256sum -c`` checks it too, and ``readroom lab export
--ship`` renews it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

#: The list's name, in the folder of the files that it pins.
LIST: Final = "SHA256SUMS.txt"


def pinned(folder: Path) -> dict[str, str]:
    """File name to SHA-256 (hex), empty where there is no list."""
    try:
        lines = (folder / LIST).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.split(maxsplit=1) for line in lines if line.strip())
    return {name: sha256 for sha256, name in pairs}


def pin(path: Path) -> None:
    """Put a file's hash into the list beside it, in place of an earlier one."""
    sums = pinned(path.parent) | {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}
    lines = [f"{sums[name]}  {name}\n" for name in sorted(sums)]
    (path.parent / LIST).write_text("".join(lines), "utf-8")
