"""What ``make bench`` printed at each turn of the project, a row each, newest last."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Final

PAGE: Final = Path("docs") / "bench-history.md"
#: Of each engine the network whose time is told: the first that is there.
_ENGINES: Final = (
    ("face", "yunet_n_dynamic"),
    ("expression", "faceapi_expression"),
    ("pose", "tinypose_128x96"),
)


def add(page: Path, what: str, result: dict[str, Any]) -> None:
    """Add a run's row at the end of the page."""
    with page.open("a", encoding="utf-8") as file:
        file.write(row(what, _commit(page.parent), result) + "\n")


def row(what: str, commit: str, result: dict[str, Any]) -> str:
    """A run as one row of the table; – for what wasn't measured."""
    latency = result.get("latency", {}).get("p95_in_bare_frames")
    cells = (
        f"{result['at']}, {commit}",
        what.replace("|", "/"),
        _figure(result.get("pipeline_to_bare")),
        _figure(result.get("pipeline_to_prototype")),
        _figure(latency),
        _networks(result.get("networks_ms", {})),
        _aggregator(result),
        _page(result.get("page", {})),
        _report(result.get("page", {})),
        _figure(result.get("analyse", {}).get("bare", {}).get("to_bare")),
    )
    return f"| {' | '.join(cells)} |"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _networks(times: dict[str, dict[str, float]]) -> str:
    parts = []
    for names in _ENGINES:
        name = next((name for name in names if name in times), None)
        parts.append("–" if name is None else f"{times[name]['1/1']:.1f}")
    return ", ".join(parts)


def _aggregator(result: dict[str, Any]) -> str:
    """Share of a core and p95 from the last lane's word to the metrics, with 12 people."""
    box = result.get("aggregator", {}).get("processes", {}).get("12")
    return "–" if box is None else f"{100 * box['core']:.1f} %, {1e3 * box['frame_p95_s']:.0f} ms"


def _page(page: dict[str, Any]) -> str:
    """Published to painted, p95; the server's share of a core with its viewers; an hour's heap,
    late ÷ early, and its longest task in processor time."""
    if not {"update", "viewers", "hour"} <= page.keys():
        return "–"
    full, *_, end = page["hour"]["kept"]
    return (
        f"{page['update']['p95_ms']:.0f} ms, {page['viewers']['core']:.2f}, "
        f"{end['heap_mb'] / full['heap_mb']:.2f}, {page['hour']['longest_cpu_ms']:.0f} ms"
    )


def _report(page: dict[str, Any]) -> str:
    """Of an hour with 12 people: time and size."""
    report = page.get("report")
    return "–" if report is None else f"{report['seconds']:.1f} s, {report['mb']:.2f} MB"


def _commit(folder: Path) -> str:
    said = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return said.stdout.strip() or "no commit"
