"""Writes panels.json from Grafana's own types: ``python -m tests.dashboards.grafana.schema.make``.

Needs npm and its registry, once for a new version of @grafana/schema; tests read the file that
lies here. What it holds is derived from @grafana/schema (Grafana Labs, Apache-2.0), as the file
itself says.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

PACKAGES = ("@grafana/schema@13.2.3", "ts-json-schema-generator@2.4.0")
#: The types of dashboards.ts that have a schema of their own.
TYPES = (
    *("Board", "RowPanel", "TextPanel", "TimeseriesPanel", "StatPanel"),
    *("StateTimelinePanel", "HeatmapPanel", "TablePanel"),
)
FOLDER = Path(__file__).parent
FILE = FOLDER / "panels.json"
NOTICE = (
    "JSON Schemas made by ts-json-schema-generator from the types of @grafana/schema 13.2.3, "
    "copyright Grafana Labs, Apache License 2.0; see dashboards.ts and make.py beside this file."
)
_COMPILER = {"strict": True, "moduleResolution": "node", "skipLibCheck": True, "target": "es2020"}


def made() -> str:
    """The file's text: a schema a line."""
    with tempfile.TemporaryDirectory() as made_in:
        folder = Path(made_in)
        (folder / "package.json").write_text("{}")
        (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": _COMPILER}))
        (folder / "dashboards.ts").write_text((FOLDER / "dashboards.ts").read_text("utf-8"))
        install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES]
        subprocess.run(install, cwd=folder, check=True, capture_output=True)
        lines = [f"{json.dumps(name)}: {_schema(folder, name)}" for name in TYPES]
    return "{\n" + ",\n".join([f'"notice": {json.dumps(NOTICE)}', *lines]) + "\n}\n"


def _schema(folder: Path, name: str) -> str:
    """One type's schema, everything it needs within it: several packages export an ``Options``."""
    words = ["--path", "dashboards.ts", "--tsconfig", "tsconfig.json", "--type", name]
    words += ["--expose", "none", "--jsDoc", "none", "--no-top-ref"]
    done = subprocess.run(
        ["npx", "--no-install", "ts-json-schema-generator", *words],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.dumps(json.loads(done.stdout), sort_keys=True, separators=(",", ":"))


if __name__ == "__main__":
    FILE.write_text(made(), "utf-8")
