"""Files that an analysis is asked to write: looked at before it begins, written over only where
this program wrote them before."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from readroom.errors import BadSettings

#: As a file to write: standard output.
STDOUT: Final = Path("-")
#: In every JSON file that is written: only such a one is written over.
MADE_BY: Final = "readroom analyse"
_BEGINNING: Final = f'{{\n  "made_by": "{MADE_BY}"'.encode()


@dataclass(frozen=True, slots=True)
class Outputs:
    """Files to be written besides the session; None: not asked for."""

    report: Path | None = None
    pdf: Path | None = None
    json: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Those that are asked for and are files."""
        wanted = (self.report, self.pdf, self.json)
        return tuple(path for path in wanted if path is not None and path != STDOUT)


def check_outputs(outputs: Outputs, inputs: Sequence[Path], chromium: Path | None) -> None:
    """Raise BadSettings for a file that can't be written, or must not be, and for a PDF that
    nothing could print: found after an hour it would be too late."""
    from readroom.dashboards.report import files, pdf

    real = [os.path.realpath(path) for path in outputs.files]
    if len(set(real)) < len(real):
        raise BadSettings("two of the files to write are one; give each a name of its own")
    for path in outputs.files:
        if os.path.realpath(path) in map(os.path.realpath, inputs):
            raise BadSettings(f"{path}: is what is to be analysed; name another file to write")
    if outputs.report is not None:
        files.check(outputs.report, pdf.is_html_report)
    if outputs.json is not None and outputs.json != STDOUT:
        files.check(outputs.json, _is_ours)
    if outputs.pdf is not None:
        pdf.find_chromium(chromium)
        files.check(outputs.pdf, pdf.is_report)


def _is_ours(content: bytes) -> bool:
    return content.startswith(_BEGINNING)


def save_json(path: Path, found: Mapping[str, object]) -> Iterator[str]:
    """Print what was found as JSON, or write it; a line for a file."""
    from readroom.dashboards.report import files

    text = json.dumps({"made_by": MADE_BY, **found}, indent=2, ensure_ascii=False)
    if path == STDOUT:
        print(text)
        return
    files.put(path, f"{text}\n".encode(), _is_ours)
    yield f"as JSON: {path}"
