"""The table's file: what is in it, what a crash leaves of it, and where it may lie."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path
from typing import Any

import pytest

from readroom.dashboards.record import table as tables
from readroom.dashboards.record.columns import columns
from readroom.dashboards.record.rows import Markers, Row, rows_of
from readroom.dashboards.record.table import NotWritten, Table, finish, parts_of, schema
from readroom.errors import BadSettings
from readroom.messages import ACTIONS
from tests.dashboards.scene import person, room_state
from tests.dashboards.test_record_rows import EMOTION, columns_section, somebody

pq = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow (extra record)")


def rows(number: int, *, first: int = 0, without_emotion: bool = False) -> list[Row]:
    found: list[Row] = []
    for n in range(first, first + number):
        state = room_state(n / 4, [somebody(), person(4, "not_visible")])  # type: ignore[list-item]
        found += rows_of(state, Markers("s1"), without_emotion=without_emotion)
    return found


def written(path: Path, *groups: list[Row], without_emotion: bool = False) -> Table:
    table = Table(path, without_emotion=without_emotion)
    for group in groups:
        table.write(group)
    return table


def test_rows_come_back_from_the_file_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "talk.parquet"
    table = written(path, rows(3), rows(2, first=3))
    table.finish()
    found = pq.read_table(path).to_pylist()
    wanted = rows(5)
    assert table.rows == len(found) == len(wanted) == 10
    for got, put in zip(found, wanted, strict=True):
        assert got == {
            name: pytest.approx(value, rel=1e-6) if isinstance(value, float) else value
            for name, value in put.items()
        }
    assert [p.name for p in tmp_path.iterdir()] == ["talk.parquet"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_file_says_of_each_column_what_the_dictionary_says(tmp_path: Path) -> None:
    path = tmp_path / "talk.parquet"
    written(path, rows(1)).finish()
    found = pq.read_schema(path)
    lines = [line.strip("| ").split(" | ") for line in columns_section().splitlines()
             if line.startswith("| `")]  # fmt: skip
    assert len(lines) == len(found)
    for field, (name, kind, unit, reach, meaning) in zip(found, lines, strict=True):
        assert field.name == name.removesuffix(" ‡").strip("`")
        said = {key.decode(): value.decode() for key, value in field.metadata.items()}
        assert said | {"PARQUET:field_id": ""} == {
            **{"unit": unit.strip(), "range": reach.strip(), "meaning": meaning},
            "PARQUET:field_id": "",
        }
        kinds = {"float": "float32", "double": "float64", "string": "text"}
        assert kinds.get(str(field.type), str(field.type)) == kind
    assert found.metadata[b"readroom.table"] == tables.LAYOUT.encode()


def test_an_unknown_action_is_null_and_not_false(tmp_path: Path) -> None:
    path = tmp_path / "talk.parquet"
    written(path, rows(1)).finish()
    first = pq.read_table(path).to_pylist()[0]
    assert (first["action_smiling"], first["action_nodding"]) == (True, False)
    assert [first[f"action_{name}"] for name in ACTIONS].count(None) == len(ACTIONS) - 2


def test_where_no_emotion_may_be_inferred_no_word_of_one_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "talk.parquet"
    written(path, rows(2, without_emotion=True), without_emotion=True).finish()
    names = pq.read_schema(path).names
    assert names == [column.name for column in columns(without_emotion=True)]
    # Strings lie compressed in the pages, but plainly in the footer.
    content = path.read_bytes().lower()
    told = str(pq.read_table(path).to_pylist()) + str(pq.read_schema(path).metadata)
    for word in EMOTION:
        assert word.encode() not in content
        assert word not in told


def test_a_crash_leaves_every_group_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "talk.parquet"
    child = os.fork()
    if child == 0:  # Never returns to pytest.
        table = written(path, rows(3), rows(3, first=3))
        # The third group is half written when the process dies.
        (parts_of(path) / ".000003.parquet").write_bytes(b"PAR1 and then nothing")
        os._exit(9 if table.rows == 12 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert not path.exists()
    assert finish(path) == 12
    assert [row["time_s"] for row in pq.read_table(path).to_pylist()][::2] == [
        n / 4 for n in range(6)
    ]
    assert [p.name for p in tmp_path.iterdir()] == ["talk.parquet"]


def test_the_parts_can_be_read_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "talk.parquet"
    written(path, rows(3), rows(3, first=3)).close()
    assert len(pq.read_table(parts_of(path))) == 12


def test_a_recording_that_runs_is_left_alone_and_a_killed_one_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "talk.parquet"
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:  # Never returns to pytest.
        written(path, rows(3))
        os.write(told, b"1")
        signal.pause()
        os._exit(0)
    try:
        assert os.read(ready, 1) == b"1"
        for tried in (lambda: finish(path), lambda: Table(path, without_emotion=False)):
            with pytest.raises(BadSettings, match="still runs; end that one first"):
                tried()
        assert len(pq.read_table(parts_of(path))) == 6
        assert not path.exists()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(told)
    assert finish(path) == 6
    assert [p.name for p in tmp_path.iterdir()] == ["talk.parquet"]


def test_a_recording_that_was_killed_before_its_first_group_leaves_the_place_free(
    tmp_path: Path,
) -> None:
    path = tmp_path / "talk.parquet"
    written(path).close()
    (parts_of(path) / ".000001.parquet").write_bytes(b"PAR1 and then nothing")
    assert finish(path) == 0
    assert list(tmp_path.iterdir()) == []
    parts_of(path).mkdir()
    (parts_of(path) / "mine.txt").write_text("mine")
    with pytest.raises(BadSettings, match="no parts of a recording there"):
        finish(path)
    assert (parts_of(path) / "mine.txt").read_text() == "mine"


def test_a_crash_after_the_file_was_made_is_finished_too(tmp_path: Path) -> None:
    path = tmp_path / "talk.parquet"
    written(path, rows(3)).close()
    kept = {part.name: part.read_bytes() for part in parts_of(path).iterdir()}
    finish(path)
    parts_of(path).mkdir()
    for name, content in kept.items():
        (parts_of(path) / name).write_bytes(content)
    before = path.read_bytes()
    assert finish(path) == 6
    assert path.read_bytes() == before
    assert not parts_of(path).exists()


def test_the_finished_files_groups_are_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "GROUP_ROWS", 10)
    path = tmp_path / "talk.parquet"
    written(path, *(rows(2, first=2 * n) for n in range(7))).finish()
    found = pq.read_metadata(path)
    sizes = [found.row_group(n).num_rows for n in range(found.num_row_groups)]
    assert sizes == [12, 12, 4]


def test_what_is_there_already_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "talk.parquet"
    path.write_text("mine")
    with pytest.raises(BadSettings, match="exists already; name a new file"):
        Table(path, without_emotion=False)
    assert path.read_text() == "mine"
    path.unlink()
    written(path, rows(1)).close()
    with pytest.raises(BadSettings, match=r"that was cut off; .*--finish"):
        Table(path, without_emotion=False)
    path.write_text("mine")
    with pytest.raises(BadSettings, match="isn't of these parts"):
        finish(path)
    assert path.read_text() == "mine"
    assert len(list(parts_of(path).glob("0*.parquet"))) == 1


def test_a_folder_that_is_not_there_or_nothing_to_finish_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="name a file in a folder that is there"):
        Table(tmp_path / "nowhere/talk.parquet", without_emotion=False)
    with pytest.raises(BadSettings, match="no parts of a recording there"):
        finish(tmp_path / "talk.parquet")


def test_no_rows_make_no_file(tmp_path: Path) -> None:
    table = Table(tmp_path / "talk.parquet", without_emotion=False)
    table.write([])
    table.finish()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_keeps_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "talk.parquet"
    table = written(path, rows(3))

    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(pq, "write_table", full)
        with pytest.raises(NotWritten, match=r"No space left.*--finish"):
            table.write(rows(3, first=3))
        broken.setattr(pq, "ParquetWriter", full)
        with pytest.raises(NotWritten, match="No space left"):
            table.finish()
    table.write(rows(3, first=3))
    table.finish()
    assert len(pq.read_table(path)) == 12


def test_without_pyarrow_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(tables.importlib, "import_module", missing)
    with pytest.raises(BadSettings, match=r"pip install 'readroom\[record\]'"):
        schema(without_emotion=False)
