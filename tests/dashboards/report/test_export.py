"""What is exported is what is stored, in every format, and safe to open."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from readroom.affect import affect
from readroom.dashboards.report.export import Format, export
from readroom.dashboards.report.export.csv_files import plain, safe
from readroom.dashboards.report.export.tables import tables
from readroom.errors import BadSettings
from readroom.messages import ACTIONS, EXPRESSIONS, LOOKS
from readroom.sessions.rows import NoteRow
from readroom.sessions.timelines import Timelines
from tests.aggregator.stored import a_session, write
from tests.dashboards.report.made import MARKUP, Made

FORMULA = '=HYPERLINK("http://x";"y")'


@pytest.fixture
def stored(tmp_path: Path) -> Timelines:
    """A session with something in every column."""
    rows = a_session(people=2, seconds=6)
    write(tmp_path / "data", rows)
    return Timelines(tmp_path / "data")


def read_csv(out: Path, name: str) -> list[dict[str, Any]]:
    with (out / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_json(out: Path, name: str) -> list[dict[str, Any]]:
    columns = json.loads(out.read_text())["tables"][name]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def read_parquet(out: Path, name: str) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.read_table(out / f"{name}.parquet").to_pylist()
    return rows


def of_csv(cell: str, kind: str) -> Any:
    """A cell as the value it stands for; text that is empty may be none."""
    if kind == "text":
        return plain(cell)
    if cell == "":
        return None
    if kind == "bool":
        return {"true": True, "false": False}[cell]
    return float(cell) if kind.startswith("float") else int(cell)


@pytest.mark.parametrize(
    ("form", "read"), [("csv", read_csv), ("json", read_json), ("parquet", read_parquet)]
)
def test_every_table_comes_back_as_it_was(
    form: Format,
    read: Callable[[Path, str], list[dict[str, Any]]],
    stored: Timelines,
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    export(stored, "s1", out, form)
    for table in tables(stored, "s1", pseudonyms=False):
        rows = read(out, table.name)
        assert len(rows) == len(next(iter(table.values.values())))
        for found, put in zip(rows, table.rows(), strict=True):
            for column, value in zip(table.columns, put, strict=True):
                got = found[column.name]
                if form == "csv":
                    got = of_csv(got, column.kind)
                # Text that is empty and text that isn't there look alike in CSV.
                assert got == value or (got == "" and value is None), (table.name, column.name)


def test_the_timelines_are_the_store_s_samples(stored: Timelines) -> None:
    table = next(t for t in tables(stored, "s1", pseudonyms=False) if t.name == "timelines")
    samples = stored.samples("s1")
    names = [column.name for column in table.columns]
    for row, sample in zip(table.rows(), samples, strict=True):
        found = dict(zip(names, row, strict=True))
        assert (found["person"], found["time_s"]) == (sample.person, sample.time_s)
        assert (found["state"], found["look"]) == (sample.state, sample.look)
        assert (found["confidence"], found["coverage"]) == (sample.confidence, sample.coverage)
        assert sample.expression is not None
        assert [found[f"p_{e}"] for e in EXPRESSIONS] == pytest.approx(list(sample.expression))
        index = affect(sample.state, sample.expression)
        assert (found["valence"], found["arousal"]) == (
            (None, None) if index is None else pytest.approx(index)
        )
        for action in ACTIONS:
            told = (action in sample.actions) if action in sample.measured else None
            assert found[f"action_{action}"] is told
        assert found["box_width"] == sample.box.width
        assert found["camera"] == "front-left"


def test_every_column_is_explained_with_unit_and_range(stored: Timelines, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(stored, "s1", out, "csv")
    said = (out / "dictionary.md").read_text()
    for table in tables(stored, "s1", pseudonyms=False):
        assert f"## {table.name}\n" in said
        with (out / f"{table.name}.csv").open(newline="") as file:
            assert next(csv.reader(file)) == [column.name for column in table.columns]
        for column in table.columns:
            assert column.meaning
            assert f"| `{column.name}` | {column.kind} | {column.unit} | {column.range} |" in said


def column_of(timelines: Timelines, table: str, name: str, **options: bool) -> list[Any]:
    options = {"pseudonyms": False, **options}
    found = {t.name: t for t in tables(timelines, "s1", **options)}
    return found[table].values[name]


def test_names_are_exported_as_given_or_left_out(tmp_path: Path) -> None:
    made = Made()
    made.person([0.1, 0.2], name=FORMULA)
    made.person([0.1, 0.2])
    timelines = made.into(tmp_path / "data")
    assert column_of(timelines, "people", "name") == [FORMULA, None]
    export(timelines, "s1", tmp_path / "out", "csv", pseudonyms=True)
    files = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    assert "HYPERLINK" not in files
    assert "P1" in files


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    made = Made(title=FORMULA)
    texts = [FORMULA, "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "＝1", MARKUP, 'a "b", c\nd']
    for text in texts:
        made.person([0.1], name=text)
        made.mark(1.0, text)
        made.rows.notes.append(NoteRow(f"n{len(made.rows.notes)}", 1.0, text))
    timelines = made.into(tmp_path / "data")
    export(timelines, "s1", tmp_path / "out", "csv")
    for name, column in (("people", "name"), ("markers", "label"), ("notes", "text")):
        cells = [row[column] for row in read_csv(tmp_path / "out", name)]
        assert not any(cell.startswith(tuple("=+-@\t\r＝")) for cell in cells)
        assert sorted(plain(cell) for cell in cells) == sorted(texts)
    (session,) = read_csv(tmp_path / "out", "session")
    assert session["title"] == f"'{FORMULA}"
    # Numbers are numbers.
    assert all(float(row["valence"]) for row in read_csv(tmp_path / "out", "timelines"))


@given(st.text(alphabet=st.sampled_from("'=+-@ab\t\n＝"), max_size=6))
def test_what_is_made_safe_can_be_made_plain_again(text: str) -> None:
    assert plain(safe(text)) == text
    assert not safe(text).startswith(tuple("=+-@\t\r\n＝"))


def test_without_emotion_no_column_holds_or_names_one(tmp_path: Path) -> None:
    made = Made(purpose="workplace")
    made.person([0.1, -0.1, None])
    timelines = made.into(tmp_path / "data")
    export(timelines, "s1", tmp_path / "out", "csv")
    said = "".join(
        path.read_text()
        for path in (tmp_path / "out").iterdir()
        if path.name in ("timelines.csv", "people.csv", "events.csv")
    )
    for name in (*EXPRESSIONS, *LOOKS[:4], "valence", "arousal"):
        assert name not in said
    assert column_of(timelines, "timelines", "visible") == [True, True, False]
    assert column_of(timelines, "timelines", "action_facing_front") == [True, False, None]


def test_files_are_their_owner_s_and_an_own_export_is_written_over(
    stored: Timelines, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for _ in range(2):
        export(stored, "s1", out, "csv")
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in out.iterdir())
    document = tmp_path / "s1.json"
    for _ in range(2):
        export(stored, "s1", document, "json")
    assert (tmp_path / "s1.dictionary.md").is_file()


def test_other_files_are_not_written_over(stored: Timelines, tmp_path: Path) -> None:
    folder = tmp_path / "holiday"
    folder.mkdir()
    (folder / "photo.jpg").write_bytes(b"x")
    with pytest.raises(BadSettings, match="holds other files"):
        export(stored, "s1", folder, "csv")
    with pytest.raises(BadSettings, match="name a file"):
        export(stored, "s1", folder, "json")
    with pytest.raises(BadSettings, match="so name a folder"):
        export(stored, "s1", folder / "photo.jpg", "parquet")
    with pytest.raises(BadSettings, match="wasn't made by this command"):
        export(stored, "s1", folder / "photo.jpg", "json")
    assert (folder / "photo.jpg").read_bytes() == b"x"


def test_without_pyarrow_parquet_says_what_to_install(
    stored: Timelines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib

    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(BadSettings, match=r"readroom\[record\]"):
        export(stored, "s1", tmp_path / "out", "parquet")
    assert not (tmp_path / "out").exists()


def test_an_empty_session_has_empty_tables(tmp_path: Path) -> None:
    made = Made()
    made.event("session_started", 0.0, 0.0)
    timelines = made.into(tmp_path / "data")
    for form in ("csv", "json", "parquet"):
        export(timelines, "s1", tmp_path / form, form)  # type: ignore[arg-type]
    assert read_csv(tmp_path / "csv", "timelines") == []
    assert read_parquet(tmp_path / "parquet", "people") == []


def test_a_field_s_meaning_stands_in_the_parquet_file(stored: Timelines, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    export(stored, "s1", tmp_path / "out", "parquet")
    field = pq.read_schema(tmp_path / "out" / "timelines.parquet").field("valence")
    assert field.metadata[b"range"] == b"-1..1"
    assert b"unpleasant to pleasant" in field.metadata[b"meaning"]
