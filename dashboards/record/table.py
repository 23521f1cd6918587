"""The table on disk: Parquet, in parts while it is recorded, one file in the end.

A Parquet file can't be read before its footer is written at its very end, so a recording that is
cut off would leave nothing. Hence every group of rows is a whole file of its own at first, in a
folder beside the one that was named (``talk.parquet.parts``), synced and renamed into place: a
crash loses the group that was being filled, no more. :func:`finish` makes the one file of them.

Who records holds a lock in that folder (LOCK_NAME), which the kernel takes back however the process
ends: so nobody finishes, or begins anew, what is still being recorded.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from readroom.dashboards.record.columns import Column, columns
from readroom.dashboards.record.rows import Row
from readroom.errors import BadSettings, ReadroomError

#: Layout of the table; grows when a column changes its meaning or goes.
LAYOUT: Final = "1"
#: Rows of a row group in the finished file: a quarter of an hour of twelve people.
GROUP_ROWS: Final = 50_000
#: Locked in the parts' folder for as long as its recording runs. Readers of a folder of Parquet
#: files pass over names that begin with a dot.
LOCK_NAME: Final = ".lock"
_COMPRESSION: Final = "zstd"


class NotWritten(ReadroomError):
    """The table can't be written now: disk full, or the folder is gone."""


def arrow() -> tuple[Any, Any]:
    """pyarrow and its Parquet module. Raises BadSettings where it isn't installed."""
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise BadSettings(
            "readroom record needs pyarrow, which isn't installed: pip install 'readroom[record]'"
        ) from None


def schema(*, without_emotion: bool) -> Any:
    """The table's pyarrow schema; each field's metadata says its unit, range and meaning."""
    pa, _ = arrow()
    fields = [_field(pa, column) for column in columns(without_emotion=without_emotion)]
    return pa.schema(fields, metadata={"readroom.table": LAYOUT})


def _field(pa: Any, column: Column) -> Any:
    kinds = {
        "text": pa.string(),
        "float32": pa.float32(),
        "float64": pa.float64(),
        "int16": pa.int16(),
        "int32": pa.int32(),
        "bool": pa.bool_(),
    }
    said = {"unit": column.unit, "range": column.range, "meaning": column.meaning}
    return pa.field(column.name, kinds[column.kind], metadata=said)


class Table:
    """A table that is being recorded; nobody else touches its parts until it is closed. Raises
    BadSettings where ``path`` can't be used."""

    def __init__(self, path: Path, *, without_emotion: bool) -> None:
        self.rows = 0
        self._path = path
        self._parts = parts_of(path)
        self._schema = schema(without_emotion=without_emotion)
        check_place(path)
        try:
            self._parts.mkdir(mode=0o700)
            self._lock: int | None = _locked(self._parts)
        except OSError as error:
            raise BadSettings(
                f"{path}: can't be made ({error.strerror}); name a file in a folder that this "
                "user may write"
            ) from None
        self._written = 0

    def write(self, rows: Sequence[Row]) -> None:
        """Put a group of rows on disk. Raises :class:`NotWritten`; then none of it is there."""
        if not rows:
            return
        pa, pq = arrow()
        group = pa.Table.from_pylist(rows, schema=self._schema)
        name = f"{self._written + 1:06d}.parquet"
        unfinished = self._parts / f".{name}"
        try:
            pq.write_table(group, unfinished, compression=_COMPRESSION)
            _into_place(unfinished, self._parts / name)
        except OSError as error:
            raise _not_written(self._path, error) from None
        self._written += 1
        self.rows += len(rows)

    def finish(self) -> None:
        """Make the one file, and close; without any rows there is none. Raises
        :class:`NotWritten`."""
        if self._written:
            _finish(self._path, _parts_in(self._parts))
        else:
            shutil.rmtree(self._parts)
        self.close()

    def close(self) -> None:
        """Let go of the parts: what wasn't finished can be finished by others from now on."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def parts_of(path: Path) -> Path:
    """The folder in which the parts of a table lie while it is recorded."""
    return path.with_name(f"{path.name}.parts")


def check_place(path: Path) -> None:
    """Raises BadSettings where a table, or what a recording left behind, is there already, or
    none can be made."""
    if path.exists():
        raise BadSettings(f"{path}: exists already; name a new file")
    if parts_of(path).exists():
        with _unused(path):
            raise BadSettings(
                f"{parts_of(path)}: a recording that was cut off; make its table with "
                f"`readroom record --finish --out {path}`, or name a new file"
            )
    if not os.access(path.absolute().parent, os.W_OK):
        raise BadSettings(
            f"{path}: can't be made; name a file in a folder that is there and that this user may "
            "write"
        )


def finish(path: Path) -> int:
    """Make the table ``path`` of the parts that a recording which was cut off left beside it, and
    remove them; how many rows it has. 0: it had come to none, and there is no table. Raises
    BadSettings where there is nothing to finish or the recording still runs, NotWritten where the
    file can't be written."""
    folder = parts_of(path)
    if not folder.is_dir():
        raise _nothing_in(folder)
    with _unused(path):
        parts = _parts_in(folder)
        if parts:
            return _finish(path, parts)
        if any(not found.name.startswith(".") for found in folder.iterdir()):
            raise _nothing_in(folder)  # Not made by a recording: not to be removed.
        shutil.rmtree(folder)
        return 0


def _parts_in(folder: Path) -> list[Path]:
    """The parts of a recording, in their order. What begins with a dot was never finished."""
    return sorted(part for part in folder.glob("*.parquet") if not part.name.startswith("."))


def _nothing_in(folder: Path) -> BadSettings:
    return BadSettings(f"{folder}: no parts of a recording there; name the file it was to make")


def _locked(folder: Path) -> int:
    """The lock of a parts' folder, held until it is closed. Raises BlockingIOError where somebody
    holds it, OSError where it can't be made."""
    lock = os.open(folder / LOCK_NAME, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock


@contextmanager
def _unused(path: Path) -> Iterator[None]:
    """Hold the parts of a recording that doesn't run any more. Raises BadSettings where it does,
    or where they can't be held."""
    try:
        lock = _locked(parts_of(path))
    except BlockingIOError:
        raise BadSettings(
            f"{parts_of(path)}: a recording that still runs; end that one first (Ctrl-C, or the "
            "session's end), which makes its table, or name a new file"
        ) from None
    except OSError as error:
        raise BadSettings(
            f"{parts_of(path)}: can't be used ({error.strerror}); make it a folder that this user "
            "may write, or name a new file"
        ) from None
    try:
        yield
    finally:
        os.close(lock)


def _finish(path: Path, parts: Sequence[Path]) -> int:
    _, pq = arrow()
    rows = sum(int(pq.read_metadata(part).num_rows) for part in parts)
    if path.exists() and not _holds(pq, path, rows):
        raise BadSettings(f"{path}: exists already, and isn't of these parts; move it away")
    if not path.exists():
        unfinished = path.with_name(f".{path.name}.unfinished")
        try:
            _join(pq, parts, unfinished)
            _into_place(unfinished, path)
        except OSError as error:
            raise _not_written(path, error) from None
    shutil.rmtree(parts_of(path))
    return rows


def _holds(pq: Any, path: Path, rows: int) -> bool:
    """Whether a table was made of parts with so many rows, and only they weren't removed."""
    try:
        return bool(pq.read_metadata(path).num_rows == rows)
    except (OSError, ValueError):  # No Parquet file at all.
        return False


def _join(pq: Any, parts: Iterable[Path], target: Path) -> None:
    pa, _ = arrow()
    writer: Any = None
    try:
        for tables in _groups(pq, parts):
            group = pa.concat_tables(tables)
            if writer is None:
                writer = pq.ParquetWriter(target, group.schema, compression=_COMPRESSION)
            writer.write_table(group, row_group_size=len(group))
    finally:
        if writer is not None:
            writer.close()


def _groups(pq: Any, parts: Iterable[Path]) -> Iterator[list[Any]]:
    """The parts' tables, as many at once as make a row group of the finished file."""
    group: list[Any] = []
    for part in parts:
        group.append(pq.read_table(part))
        if sum(len(table) for table in group) >= GROUP_ROWS:
            yield group
            group = []
    if group:
        yield group


def _into_place(unfinished: Path, path: Path) -> None:
    """On disk, readable by its owner only, and only then under its name."""
    os.chmod(unfinished, 0o600)
    for synced, before in ((unfinished, True), (path.parent, False)):
        if not before:
            os.replace(unfinished, path)
        handle = os.open(synced, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _not_written(path: Path, error: OSError) -> NotWritten:
    return NotWritten(
        f"{path}: can't be written ({error.strerror or error}); what was recorded until then is in "
        f"{parts_of(path)}: free some space, then `readroom record --finish --out {path}`"
    )
