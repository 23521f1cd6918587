"""The SHA-256 of the weights that come with the package, as ``sha256sum`` writes them.

The list lies beside the weights. ``sha256sum -c`` checks it too, and ``readroom lab export
--ship`` renews it.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

from readroom.errors import BadSettings

#: The list's name, in the folder of the files that it pins.
LIST: Final = "SHA256SUMS.txt"

#: A hash and a name; ``sha256sum --binary`` puts an asterisk before the name.
_LINE: Final = re.compile(r"(?P<sha256>[0-9A-Fa-f]{64}) [ *](?P<name>.+)")
_REMEDY: Final = "put the list that came with the files back, or write one with sha256sum"


def pinned(folder: Path) -> dict[str, str]:
    """File name to SHA-256 (lower-case hex), empty where there is no list.

    Raises BadSettings, one line, where the list can't be read.
    """
    path = folder / LIST
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path}: can't be read ({error}); {_REMEDY}") from None
    found = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        pair = _LINE.fullmatch(line)
        if pair is None:
            raise BadSettings(f"{path}: line {number} is no hash and file name; {_REMEDY}")
        found[pair["name"]] = pair["sha256"].lower()
    return found


def pin(path: Path) -> None:
    """Put a file's hash into the list beside it, in place of an earlier one."""
    sums = pinned(path.parent) | {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}
    lines = [f"{sums[name]}  {name}\n" for name in sorted(sums)]
    (path.parent / LIST).write_text("".join(lines), "utf-8")
