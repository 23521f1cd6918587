"""The data dictionary as text: what docs/semantics/table.md says of the columns."""

from __future__ import annotations

from readroom.dashboards.record.columns import Column, columns


def dictionary() -> str:
    """A Markdown table with a line for each column. Those with ‡ aren't there where no emotion may
    be inferred."""
    lines = ["| column | type | unit | range | meaning |", "|---|---|---|---|---|"]
    lines += [_line(column) for column in columns(without_emotion=False)]
    return "\n".join(lines) + "\n"


def _line(column: Column) -> str:
    mark = " ‡" if column.emotion else ""
    cells = (f"`{column.name}`{mark}", column.kind, column.unit, column.range, column.meaning)
    return f"| {' | '.join(cells)} |"
