"""Writes what deploy/ ships for Grafana and Prometheus: ``python -m readroom.dashboards.grafana``.

A test compares the files with what this makes, so they can't fall behind.
"""

from __future__ import annotations

import sys
from pathlib import Path

from readroom.dashboards.grafana.files import files, write

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"

if __name__ == "__main__":
    if not DEPLOY.is_dir():
        sys.exit(f"{DEPLOY}: not there; run this in a clone of the repository")
    write(DEPLOY)
    print(f"{len(files())} files in {DEPLOY}")
