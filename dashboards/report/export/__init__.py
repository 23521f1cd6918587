"""A session's data for whoever goes on with it: CSV, JSON or Parquet, with a data dictionary.

tables       what is exported, as columns           dictionary   what each column means, as text
csv_files    a folder of CSV, safe to open           json_file    one document
parquet_files   a folder of Parquet
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, get_args

from readroom.dashboards.report.export import csv_files, json_file, parquet_files
from readroom.dashboards.report.export.dictionary import NAME, dictionary, is_dictionary
from readroom.dashboards.report.export.tables import tables
from readroom.dashboards.report.files import cannot, check, put
from readroom.errors import BadSettings
from readroom.sessions.timelines import Timelines

Format = Literal["csv", "json", "parquet"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)


def format_named(name: str) -> Format:
    """The format of that name. Raises BadSettings for another."""
    for form in FORMATS:
        if form == name.casefold():
            return form
    raise BadSettings(f"--format {name}: no such format; there is {', '.join(FORMATS)}")


def export(
    timelines: Timelines,
    session: str,
    out: Path,
    form: Format,
    *,
    pseudonyms: bool = False,
    made_at: float = 0.0,
) -> list[Path]:
    """Write a session to ``out``: a folder (csv, parquet) or a file (json), the data dictionary in
    it or beside it; over an earlier export only. ``pseudonyms`` leaves people's names out. Raises
    BadSettings where it can't, or pyarrow is missing."""
    if form == "parquet":
        parquet_files.arrow()
    if form == "json":
        check(out, json_file.is_export)
    else:
        _folder(out, form)
    found = tables(timelines, session, pseudonyms=pseudonyms)
    said = dictionary(found).encode()
    if form == "json":
        beside = out.with_name(f"{out.stem}.{NAME}")
        check(beside, is_dictionary)
        put(out, json_file.document(found, made_at), json_file.is_export)
        put(beside, said, is_dictionary)
        return [out, beside]
    write = csv_files.spelled if form == "csv" else parquet_files.spelled
    files = {f"{table.name}.{form}": write(table) for table in found} | {NAME: said}
    for name, content in files.items():
        put(out / name, content, lambda _: True)
    return [out]


def _folder(out: Path, form: str) -> None:
    """Make the folder, or see that it is empty or an earlier export. Raises BadSettings."""
    if out.exists() and not out.is_dir():
        raise BadSettings(f"{out}: a file; {form} makes several files, so name a folder")
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = list(out.iterdir())
        ours = not there or is_dictionary((out / NAME).read_bytes() if _has(there) else b"")
    except OSError as error:
        raise cannot(out, error) from None
    if not ours:
        raise BadSettings(f"{out}: holds other files; name a new folder, or an earlier export's")


def _has(there: Sequence[Path]) -> bool:
    return any(path.name == NAME for path in there)
