"""Writes the tables of docs/grafana.md: ``python -m tests.dashboards.grafana.report``.

Starts the demo room and Prometheus, asks every query of every panel, and writes down what each
returned. A test compares panels and queries in the file with the dashboards'; values are of one
run, and stay until somebody runs this again.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from docs.generate import table
from readroom.dashboards.grafana.boards import boards
from readroom.dashboards.grafana.panels import Board, Panel
from readroom.dashboards.grafana.rules import ALERTS, RECORDINGS
from tests.e2e.running import ROOT

from . import prometheus as servers
from .asking import Asked, asked, choices_of
from .prometheus import Prometheus, newest, shown
from .scraping import ROOM, scraped

PAGE = ROOT / "docs" / "grafana.md"
#: Series of one query that are written out; more are counted.
WRITTEN = 4


def code(text: str) -> str:
    """A text as code in a table's cell."""
    return f"`{text}`"


def told(found: Sequence[Any], legend: str) -> str:
    """What a query returned, in a few words: its newest values."""
    series = [f"{_name(one['metric'], legend)}{shown(newest(one))}" for one in found[:WRITTEN]]
    more = f" … {len(found)} series" if len(found) > WRITTEN else ""
    return ", ".join(series) + more


def _name(labels: dict[str, str], legend: str) -> str:
    """What Grafana would call a series; places of processes are of one run, and left out."""
    name = re.sub(r"\{\{(\w+)\}\}", lambda m: labels.get(m[1], ""), legend)
    if not legend:
        name = " ".join(labels.values())
    name = re.sub(r"\d+\.\d+\.\d+\.\d+:\d+", "", name).strip()
    return f"{name} " if name else ""


def panel_rows(board: Board) -> Iterator[tuple[Panel, str, str]]:
    """Every panel, the query, and the legend of it."""
    for panel in board.panels:
        for target in panel.targets:
            yield panel, target.expr, target.legend


def of_board(board: Board, server: Prometheus) -> str:
    """A dashboard's table: panel, query, what it returned."""
    rows = []
    for one, (panel, query, legend) in zip(
        asked(board, choices_of(board, server, ROOM)), panel_rows(board), strict=True
    ):
        rows.append([panel.title, code(query), told(_answer(one, server), legend)])
    name = board.title.removeprefix("readroom: ")
    return f"### {name}\n{board.description}\n\n{table(['Panel', 'Query', 'Returned'], rows)}"


def _answer(one: Asked, server: Prometheus) -> Sequence[Any]:
    if one.target.instant:
        return server.instant(one.expression)
    return server.lately(one.expression, 15)


def of_recordings(server: Prometheus) -> str:
    """The recording rules' table."""
    rows = [
        [code(rule.name), code(rule.expr), told(server.instant(rule.name), "{{camera}}")]
        for rule in RECORDINGS
    ]
    return table(["Series", "Query", "Returned"], rows)


def of_alerts() -> str:
    """The alerts' table."""
    rows = [
        [rule.title, code(rule.expr), f"{rule.for_s} s", rule.severity, rule.description]
        for rule in ALERTS
    ]
    return table(["Alert", "Fires where this has a result", "For", "Severity", "What to do"], rows)


def within(text: str, name: str, content: str) -> str:
    """The page with another content between the marks of that name. Raises ValueError where they
    aren't there."""
    start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, found, rest = text.partition(start)
    _, found_too, after = rest.partition(end)
    if not (found and found_too):
        raise ValueError(f"no marks of {name} in {PAGE.name}")
    return f"{before}{start}{content}{end}{after}"


def _version() -> str:
    said = subprocess.run(
        [servers.program() or "prometheus", "--version"], capture_output=True, text=True, check=True
    )
    found = re.search(r"version (\S+)", said.stdout + said.stderr)
    return found[1] if found else "unknown"


def main() -> None:
    """Ask, and write."""
    if servers.program() is None:
        sys.exit("needs prometheus (Debian: prometheus), which isn't installed")
    with tempfile.TemporaryDirectory() as folder, scraped(Path(folder)) as server:
        # Long enough for synchrony, which is said of half a minute.
        server.until("max(readroom_session_seconds) > 60", bool, 120)
        panels = "\n".join(of_board(board, server) for board in boards(False))
        recordings = of_recordings(server)
    page = PAGE.read_text("utf-8")
    page = within(page, "panels", f"Prometheus {_version()}.\n\n{panels}")
    page = within(page, "recordings", recordings)
    PAGE.write_text(within(page, "alerts", of_alerts()), "utf-8")


if __name__ == "__main__":
    main()
