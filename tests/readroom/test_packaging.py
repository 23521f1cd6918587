"""What an installation puts into site-packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest

from ..conftest import ROOT


def test_a_wheel_has_one_top_level_package_with_every_box_in_it(tmp_path: Path) -> None:
    if not any(int(d.version.split(".")[0]) >= 77 for d in distributions(name="setuptools")):
        pytest.skip("needs setuptools 77 or newer, as `make test` installs it")
    tree = tmp_path / "tree"
    unwanted = shutil.ignore_patterns(".*", "tests", "build", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, tree, symlinks=True, ignore=unwanted)
    subprocess.run(
        [sys.executable, "-m", "pip", "-q", "wheel", "--no-deps", "--no-build-isolation"]
        + ["--wheel-dir", str(tmp_path), str(tree)],
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"readroom"}
    for part in ("ingest", "workers", "aggregator", "models"):
        assert f"readroom/{part}/__init__.py" in names
    assert "readroom/dashboards/live/static/index.html" in names
    for kind in ("*.onnx", "*.txt"):  # The weights, and the list that pins them.
        for path in (ROOT / "models" / "weights").glob(kind):
            assert f"readroom/models/weights/{path.name}" in names
    for kind in ("*.toml", "*.md"):  # Recipes, and what model cards are made from.
        found = list((ROOT / "models" / "lab").rglob(kind))
        assert found, kind
        for path in found:
            assert f"readroom/{path.relative_to(ROOT).as_posix()}" in names


def test_nothing_is_left_in_the_home_folder_by_the_networks_runtime(tmp_path: Path) -> None:
    """ONNX Runtime keeps a device id there, unless it is told before it is loaded."""
    home = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    home.pop("ORT_DISABLE_TELEMETRY", None)
    load = "import readroom.models.described"
    subprocess.run([sys.executable, "-c", load], env=home, check=True)
    assert list(tmp_path.rglob("*")) == []
