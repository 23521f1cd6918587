"""The data dictionary of an export: each table and column with its unit, range and meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from readroom.dashboards.report.export.tables import ExportTable

#: Its file, in the folder of an export, or after the name of a document.
NAME: Final = "dictionary.md"
_HEAD: Final = "# Data dictionary of a readroom export"
_TEXT: Final = """
How people looked to cameras, networks and rules, not what went on in them. Times are session time.
An empty cell (null) says that nothing is known, never "no". In CSV, text that a spreadsheet would
take for a formula (it begins with = + - @ or a control character) has an apostrophe before it.
Definitions: docs/semantics.md and docs/report.md of readroom.
"""


def dictionary(tables: Sequence[ExportTable]) -> str:
    """Markdown with a section for each table."""
    return "\n".join([f"{_HEAD}\n{_TEXT}", *(_section(table) for table in tables)])


def is_dictionary(content: bytes) -> bool:
    """Whether a file is the data dictionary of an export."""
    return content.startswith(_HEAD.encode())


def _section(table: ExportTable) -> str:
    lines = [f"## {table.name}", table.text, "", "| column | type | unit | range | meaning |"]
    lines.append("|---|---|---|---|---|")
    lines += [
        f"| `{c.name}` | {c.kind} | {c.unit} | {c.range} | {c.meaning} |" for c in table.columns
    ]
    return "\n".join(lines) + "\n"
