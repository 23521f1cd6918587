"""What a report costs: ``python -m benchmarks.report``.

The made-up hour of a room of twelve (benchmarks/hour.py), from its store to the text of the HTML
file, in a process that was started for it, and the size of that file. The bare read of all rows,
in turn with it, says what of the time is the store's.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks import hour

SECONDS: Final = 3600
ROUNDS: Final = 5
#: What a report of that hour may take, s, and how large it may be, bytes.
MOST_S: Final = 5.0
MOST_BYTES: Final = 3_000_000

#: Run in a process of its own: prints wall time, processor time and size.
_REPORT: Final = """
import json, sys, time
from pathlib import Path
began = time.perf_counter()
from readroom.dashboards.report import render
from readroom.sessions.timelines import Timelines
html = render(Timelines(Path(sys.argv[1])), sys.argv[2], made_at=0.0)
print(json.dumps([time.perf_counter() - began, time.process_time(), len(html.encode())]))
"""
_READ: Final = """
import json, sqlite3, sys, time
from pathlib import Path
began = time.perf_counter()
from readroom.sessions.file import FILE_NAME
with sqlite3.connect(Path(sys.argv[1]) / FILE_NAME) as file:
    for table in ("sample", "event", "measure"):
        rows = file.execute(f"SELECT * FROM {table}").fetchall()
print(json.dumps([time.perf_counter() - began, time.process_time(), 0]))
"""


def measure(say: Callable[[str], None], seconds: int = SECONDS) -> dict[str, Any]:
    """Medians over ROUNDS processes each: seconds (wall, processor), and bytes."""
    with tempfile.TemporaryDirectory() as name:
        made = hour.make(Path(name), seconds, say)
        found = [(_run(_REPORT, made), _run(_READ, made)) for _ in range(ROUNDS)]
    reports, reads = zip(*found, strict=True)
    wall, processor, size = (statistics.median(column) for column in zip(*reports, strict=True))
    return {
        "people": hour.PEOPLE,
        "seconds": seconds,
        "wall_s": round(wall, 2),
        "processor_s": round(processor, 2),
        "read_s": round(statistics.median(read[0] for read in reads), 2),
        "bytes": int(size),
    }


def rows(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Lines of the table."""
    if not result:
        return []
    what = f"report of {result['seconds'] / 60:.0f} min, {result['people']} people"
    return [
        (f"{what}, s (goal ≤ {MOST_S:.0f}); bare read of its rows", f"{result['wall_s']} / "
         f"{result['read_s']}"),
        (f"{what}, processor time, s", f"{result['processor_s']}"),
        (f"{what}, MB (goal ≤ {MOST_BYTES / 1e6:.0f})", f"{result['bytes'] / 1e6:.2f}"),
    ]  # fmt: skip


def _run(program: str, made: hour.Hour) -> list[float]:
    out = subprocess.run(
        [sys.executable, "-c", program, str(made.folder), made.session],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    found: list[float] = json.loads(out.stdout)
    return found


if __name__ == "__main__":
    print(json.dumps(measure(print), indent=2))
