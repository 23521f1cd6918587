"""The data dictionary of the store, and the page that shows it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from docs import table_page
from readroom.aggregator.store import Store
from readroom.dashboards.record.columns import columns
from readroom.messages import ACTIONS
from readroom.sessions.dictionary import TABLES, column_types
from readroom.sessions.file import FILE_NAME
from tests.aggregator.stored import a_session, write


def test_every_column_of_a_new_store_is_explained_and_no_other(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        tables = store._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        found = {
            name: {row[1] for row in store._connection.execute(f"PRAGMA table_info({name})")}
            for (name,) in tables.fetchall()
        }
    assert {name: set(table.columns) for name, table in TABLES.items()} == found
    for table in TABLES.values():
        assert table.emotion <= set(table.columns)
        assert all(meaning and "|" not in meaning for meaning in table.columns.values())


def test_types_are_the_schemas(tmp_path: Path) -> None:
    types = column_types()
    assert types["sample"]["expression"] == "BLOB"
    assert types["event"]["figure"] == "TEXT"


def test_the_page_is_what_the_code_makes() -> None:
    told = table_page.PAGE.read_text("utf-8")
    assert told == table_page.page(), "run `python -m docs.table_page`"


def test_the_example_has_the_tables_columns() -> None:
    lines = table_page.EXAMPLE.read_text("utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert lines[1].split(",") == [column.name for column in columns(without_emotion=False)]
    assert len(lines) > 4


def test_the_example_is_of_moments_at_which_all_are_there() -> None:
    table = [
        {"person": person, "time_s": n / 4}
        for n in range(100)
        for person in (7, 2, 3, 5)
        if not (person == 5 and n % 2) and not (person == 2 and n % 4)
    ]
    rows = table_page.example_rows(table)
    assert [row["person"] for row in rows] == [7, 3, 5] * 4
    times = [row["time_s"] for row in rows[::3]]
    assert times == sorted(set(times))
    assert all(4 * at_s % 2 == 0 for at_s in times)


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", table_page.PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_pages_query_answers(tmp_path: Path) -> None:
    rows = a_session()
    write(tmp_path, a_session("before"), rows)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as file:
        found = dict(file.execute(block("sql")).fetchall())
    assert 1 << ACTIONS.index("facing_front") == 64
    for person in (1, 2, 3):
        told = [s for s in rows.samples if s.person == person and "facing_front" in s.measured]
        share = sum("facing_front" in s.actions for s in told) / len(told)
        assert found[f"P{person}"] == pytest.approx(share)


def test_the_pages_program_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyarrow", reason="needs pyarrow (extra record)")
    from readroom.dashboards.record.rows import Markers, rows_of
    from readroom.dashboards.record.table import Table
    from tests.dashboards.scene import room_state
    from tests.dashboards.test_record_rows import marker, somebody

    markers = Markers("s1")
    markers.add(marker(2.0, "pricing slide"))
    table = Table(tmp_path / "talk.parquet", without_emotion=False)
    seen = replace(somebody(), measured=("smiling", "facing_front"))  # type: ignore[type-var]
    states = [room_state(n / 4, [seen]) for n in range(40)]  # type: ignore[list-item]
    table.write([row for s in states for row in rows_of(s, markers, without_emotion=False)])
    table.finish()
    monkeypatch.chdir(tmp_path)
    exec(block("python"), {})
    assert "action_facing_front_mean: [[0]]" in capsys.readouterr().out
