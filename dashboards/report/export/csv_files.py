"""CSV that a spreadsheet can be trusted with.

A cell that begins with = + - @ (also in full width), a tab or a line break may be run as a formula
by who only opens the file (CWE-1236), and names, titles, labels and notes are what people typed. So
text of that kind is written after an apostrophe; text that begins with apostrophes before such a
character gets one more, so that :func:`plain` can take it away again. Numbers are left alone.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any, Final

from readroom.dashboards.report.export.tables import ExportTable

_DANGEROUS: Final = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")


def spelled(table: ExportTable) -> bytes:
    """A table as CSV (RFC 4180, UTF-8): true and false, empty where nothing is known."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([column.name for column in table.columns])
    spell = [_spellings[column.kind] for column in table.columns]
    writer.writerows(
        [s(value) for s, value in zip(spell, row, strict=True)] for row in table.rows()
    )
    return file.getvalue().encode()


def safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if _DANGEROUS.match(text) else text


def plain(cell: str) -> str:
    """The text that :func:`safe` was given."""
    return cell[1:] if cell.startswith("'") and _DANGEROUS.match(cell) else cell


def _text(value: str | None) -> str:
    return "" if value is None else safe(value)


def _truth(value: bool | None) -> str:
    return "" if value is None else "true" if value else "false"


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


_spellings: Final[dict[str, Callable[[Any], str]]] = {
    "text": _text,
    "bool": _truth,
    "int16": _number,
    "int32": _number,
    "float32": _number,
    "float64": _number,
}
