"""One JSON document: tables by column, as data frames are made of, and what the columns mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from readroom import __version__
from readroom.dashboards.report.export.tables import ExportTable
from readroom.sessions.schema import MIGRATIONS

#: What the document is, and its layout: the number grows when a field changes its meaning or goes.
FORMAT: Final = "readroom export"
LAYOUT: Final = 1


def document(tables: Sequence[ExportTable], made_at: float) -> bytes:
    """``tables`` maps table to column to values (null: nothing is known); ``dictionary`` says what
    each column is. ``made_at`` is Unix s."""
    return msgspec.json.encode(
        {
            "format": FORMAT,
            "layout": LAYOUT,
            "schema": len(MIGRATIONS),
            "readroom": __version__,
            "made_at": made_at,
            "dictionary": {
                table.name: {
                    c.name: {"type": c.kind, "unit": c.unit, "range": c.range, "meaning": c.meaning}
                    for c in table.columns
                }
                for table in tables
            },
            "tables": {table.name: table.values for table in tables},
        }
    )


def is_export(content: bytes) -> bool:
    """Whether a file is such a document."""
    return content.startswith(f'{{"format":"{FORMAT}"'.encode())
