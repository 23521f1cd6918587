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


def _commit(folder: Path) -> str:
    said = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return said.stdout.strip() or "no commit"
