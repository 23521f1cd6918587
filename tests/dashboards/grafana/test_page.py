"""docs/grafana.md lists the panels and alerts that there are."""

from __future__ import annotations

import re

import pytest

from docs.generate import table
from readroom.dashboards.grafana.boards import boards
from readroom.dashboards.grafana.panels import Board
from readroom.dashboards.grafana.rules import ALERTS, RECORDINGS

from .report import PAGE, code, of_alerts, panel_rows, told, within

TEXT = PAGE.read_text("utf-8")


def cells(first: str, second: str) -> list[str]:
    """Two cells as a table of the page has them."""
    (line,) = table([first, second], []).splitlines()[:1]
    return [cell.strip() for cell in line.strip("| ").split(" | ")]


@pytest.mark.parametrize("board", boards(False), ids=lambda board: board.uid)
def test_every_panel_is_listed_with_its_query_and_what_it_returned(board: Board) -> None:
    name = board.title.removeprefix("readroom: ")
    part = TEXT.split("## Panels")[1].split(f"### {name}\n")[1].split("\n### ")[0]
    listed = [line for line in part.splitlines() if line.startswith("| ")][2:]
    wanted = [cells(panel.title, code(query)) for panel, query, _ in panel_rows(board)]

    assert len(listed) == len(wanted)
    for line, (title, query) in zip(listed, wanted, strict=True):
        assert line.startswith(f"| {title} | {query} | "), line
        assert re.search(r"\d|NaN", line[len(title) + len(query) + 6 :]), line


def test_every_alert_is_listed_with_what_to_do() -> None:
    assert within(TEXT, "alerts", of_alerts()) == TEXT
    assert len(ALERTS) == 10
    assert "ten alerts" in TEXT


def test_every_recording_rule_is_listed() -> None:
    part = TEXT.split("<!-- recordings -->")[1].split("<!-- end")[0]
    for rule in RECORDINGS:
        assert f"| `{rule.name}` | " in part


def test_the_page_says_that_no_grafana_took_part() -> None:
    assert "No Grafana server took part" in TEXT


def test_what_was_returned_is_told_in_a_few_words() -> None:
    series = [
        {"metric": {"camera": f"c{n}"}, "values": [[0, "1"], [1, f"{n}.25"]]} for n in range(6)
    ]

    assert (
        told(series, "{{camera}} in") == "c0 in 0.25, c1 in 1.25, c2 in 2.25, c3 in 3.25 … 6 series"
    )
    assert told([{"metric": {}, "value": [0, "NaN"]}], "") == "NaN"


def test_marks_that_are_missing_are_an_error() -> None:
    with pytest.raises(ValueError, match="no marks of nothing"):
        within(TEXT, "nothing", "")
