"""Parquet: a file for each table, each field's metadata saying its unit, range and meaning."""

from __future__ import annotations

import importlib
import io
from typing import Any, Final

from readroom.dashboards.report.export.tables import ExportTable
from readroom.errors import BadSettings
from readroom.sessions.schema import MIGRATIONS

_COMPRESSION: Final = "zstd"


def arrow() -> tuple[Any, Any]:
    """pyarrow and its Parquet module. Raises BadSettings where it isn't installed."""
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise BadSettings(
            "--format parquet needs pyarrow, which isn't installed: "
            "pip install 'readroom[record]', or take csv or json"
        ) from None


def spelled(table: ExportTable) -> bytes:
    """A table as the content of a Parquet file."""
    pa, pq = arrow()
    kinds = {
        "text": pa.string(),
        "float32": pa.float32(),
        "float64": pa.float64(),
        "int16": pa.int16(),
        "int32": pa.int32(),
        "bool": pa.bool_(),
    }
    fields = [
        pa.field(
            column.name,
            kinds[column.kind],
            metadata={"unit": column.unit, "range": column.range, "meaning": column.meaning},
        )
        for column in table.columns
    ]
    schema = pa.schema(fields, metadata={"readroom.export": table.name,
                                         "readroom.schema": str(len(MIGRATIONS))})  # fmt: skip
    arrays = [pa.array(table.values[field.name], field.type) for field in fields]
    file = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), file, compression=_COMPRESSION)
    return file.getvalue()
