"""The image's installation, made the way its Containerfile makes it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import distributions
from pathlib import Path

import pytest

from ..conftest import ROOT


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel that the Containerfile builds from what its build sees.
    What the wheel needs is taken from the tests' own environment."""
    if not any(int(d.version.split(".")[0]) >= 77 for d in distributions(name="setuptools")):
        pytest.skip("needs setuptools 77 or newer, as `make test` installs it")
    folder = tmp_path_factory.mktemp("image")
    source, venv = folder / "src", folder / "readroom"
    _copy_what_the_build_sees(source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [
            *pip,
            "wheel",
            "--no-deps",
            "--no-build-isolation",
            "--wheel-dir",
            str(folder),
            str(source),
        ],
        check=True,
    )
    (wheel,) = folder.glob("readroom-*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = venv / "bin" / "python"
    subprocess.run([*pip, "--python", str(python), "install", "--no-deps", str(wheel)], check=True)
    (site,) = venv.glob("lib/python*/site-packages")
    (site / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return venv


def _copy_what_the_build_sees(target: Path) -> None:
    """What .dockerignore leaves of the repository."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    unwanted = shutil.ignore_patterns(*(x.removeprefix("**/") for x in lines if x[:3] == "**/"))
    target.mkdir()
    for line in lines:
        if line.startswith("!"):
            source = ROOT / line[1:]
            if source.is_dir():
                shutil.copytree(source, target / line[1:], symlinks=True, ignore=unwanted)
            else:
                shutil.copy(source, target / line[1:])
