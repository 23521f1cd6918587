"""The systemd units: whether they are ones, what they allow, and what they start."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from readroom.cli import app
from readroom.errors import EXIT_BAD_SETTINGS
from readroom.pixels import SHARED_FOLDER

from .composed import DEPLOY

UNITS = DEPLOY / "systemd"
SHARED = UNITS / "readroom-.service.d" / "confined.conf"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
#: systemd's own measure of what a service could do, 0 to 10. 2 and below is "OK" or "SAFE".
EXPOSURE_MAX = 2.0


def started(name: str) -> str:
    """A unit's name as it is started: a template with an instance."""
    return name.replace("@.", "@front.")


class _Unit(configparser.RawConfigParser):
    """A unit file; of a key that stands there more than once, the values are joined by lines."""

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, delimiters=("=",), comment_prefixes=("#",))
        self.optionxform = str  # type: ignore[assignment,method-assign]
        text = re.sub(r"\\\n\s*", "", path.read_text("utf-8"))
        self.found: list[tuple[str, str]] = []
        for line in text.splitlines():
            if "=" in line and not line.startswith("#"):
                key, _, value = line.partition("=")
                self.found.append((key, value))
        self.read_string(text)

    def all(self, key: str) -> list[str]:
        """Every value of a key, in order."""
        return [value for found, value in self.found if found == key]


def _analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *words], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine's file system with the units installed, and stand-ins for what they start."""
    system = Path("/usr/lib/systemd/system")
    if shutil.which("systemd-analyze") is None or not system.is_dir():
        pytest.skip("needs systemd-analyze and systemd's own units, which aren't here")
    version = re.search(r"systemd (\d+)", _analyze("--version").stdout)
    assert version
    if int(version[1]) < 250:
        pytest.skip(f"needs systemd-analyze 250 or newer, this is {version[1]}")
    made = tmp_path_factory.mktemp("machine")
    shutil.copytree(system, made / "usr/lib/systemd/system", symlinks=True)
    shutil.copytree(UNITS, made / "etc/systemd/system")
    for program in ("opt/readroom/bin/readroom", "usr/bin/redis-server"):
        (made / program).parent.mkdir(parents=True, exist_ok=True)
        (made / program).write_text("#!/bin/sh\n")
        (made / program).chmod(0o755)
    return made


def _complaints(root: Path, unit: str) -> str:
    done = _analyze("verify", f"--root={root}", "--man=no", unit)
    said = done.stdout + done.stderr
    # Of the machine's own units nothing is asked.
    return "\n".join(line for line in said.splitlines() if "readroom" in line)


@pytest.mark.parametrize("name", [*SERVICES, "readroom.target"])
def test_systemd_finds_nothing_wrong(name: str, root: Path) -> None:
    assert _complaints(root, started(name)) == ""


def test_systemd_would_say_what_is_wrong(root: Path) -> None:
    broken = root / "etc/systemd/system/readroom-broken.service"
    broken.write_text("[Service]\nExecStart=/opt/readroom/bin/nothing\nMemoryMux=1\n")
    said = _complaints(root, broken.name)
    broken.unlink()
    assert "MemoryMux" in said
    assert "nothing" in said


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_little_by_systemds_own_measure(name: str, root: Path) -> None:
    words = ("--offline=true", f"--root={root}", f"--threshold={EXPOSURE_MAX * 10:.0f}")
    done = _analyze("security", *words, started(name))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Overall exposure level" in done.stdout


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_started_is_a_command_that_the_program_understands(name: str) -> None:
    (line,) = _Unit(UNITS / name).all("ExecStart")
    program, *words = shlex.split(line.replace("%i", "front"))
    if program == "/usr/bin/redis-server":
        return
    assert program == "/opt/readroom/bin/readroom"
    command = get_command(app)
    with command.make_context("readroom", list(words)) as context:
        _, found, rest = command.resolve_command(context, list(words))  # type: ignore[attr-defined]
        assert found is not None
        found.make_context(words[0], list(rest), parent=context).close()


def test_bad_settings_are_not_tried_again_and_everything_else_is_a_few_times() -> None:
    unit = _Unit(SHARED)
    assert unit.all("Restart") == ["on-failure"]
    assert unit.all("RestartPreventExitStatus") == [str(EXIT_BAD_SETTINGS)]
    assert int(unit.all("StartLimitBurst")[0]) <= 5


def test_the_networks_runtime_tells_nobody_what_it_runs() -> None:
    assert any("ORT_DISABLE_TELEMETRY=1" in line for line in _Unit(SHARED).all("Environment"))


def test_no_secret_stands_in_a_unit() -> None:
    """What a unit sets, everybody can read with `systemctl show`."""
    for path in [SHARED, *(UNITS / name for name in SERVICES)]:
        for line in _Unit(path).all("Environment"):
            for word in shlex.split(line):
                variable, _, value = word.partition("=")
                assert not re.search("TOKEN$|SOURCES$", variable)
                assert "@" not in value


def test_a_camera_and_a_token_come_as_credentials() -> None:
    camera = _Unit(UNITS / "readroom-ingest@.service")
    assert camera.all("LoadCredential") == ["source:/etc/readroom/cameras/%i"]
    assert camera.all("Environment") == ["READROOM_SOURCES_FILE=%d/source"]
    for name in ("readroom-aggregator.service", "readroom-live.service"):
        unit = _Unit(UNITS / name)
        assert unit.all("LoadCredential") == ["token:/etc/readroom/token"]
        assert unit.all("Environment") == ["READROOM_HTTP__TOKEN_FILE=%d/token"]


def test_pixels_pass_from_service_to_service() -> None:
    """No unit gets a /dev/shm of its own, and one user owns what lies there."""
    assert Path("/dev/shm") == SHARED_FOLDER
    assert _Unit(SHARED).all("User") == ["readroom"]
    for path in [SHARED, *(UNITS / name for name in SERVICES)]:
        for key, value in _Unit(path).found:
            assert not (key in ("TemporaryFileSystem", "InaccessiblePaths") and "/dev" in value)
            assert key != "PrivateIPC"


def test_the_store_is_written_by_the_aggregator_and_by_who_edits_stored_sessions() -> None:
    writers = [name for name in SERVICES if _Unit(UNITS / name).all("StateDirectory")]
    assert writers == ["readroom-aggregator.service", "readroom-live.service"]


def test_redis_keeps_nothing_evicts_nothing_and_is_on_no_network() -> None:
    unit = _Unit(UNITS / "readroom-redis.service")
    words = shlex.split(unit.all("ExecStart")[0])
    said = dict(zip(words[1::2], words[2::2], strict=True))
    assert said["--save"] == ""
    assert said["--appendonly"] == "no"
    assert said["--maxmemory-policy"] == "noeviction"
    assert said["--port"] == "0"
    assert unit.all("PrivateNetwork") == ["yes"]
    (shared,) = [v for v in _Unit(SHARED).all("Environment") if "REDIS" in v]
    assert shared == f"READROOM_REDIS__URL=unix://{said['--unixsocket']}"


def test_the_user_exists_that_all_run_as() -> None:
    lines = (UNITS / "sysusers.d" / "readroom.conf").read_text("utf-8").splitlines()
    assert [line.split()[:2] for line in lines if not line.startswith("#")] == [["u", "readroom"]]
