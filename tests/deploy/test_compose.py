"""The compose files: whether they are ones, and what they promise of every container."""

from __future__ import annotations

import importlib.util
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from readroom.cli import app
from readroom.settings import FROM_FILES, environment_names

from .composed import COMPOSE, DEPLOY, compose, is_box, named_variables

SHARED_MEMORY = DEPLOY / "compose.shared-memory.yml"
FILES = (COMPOSE, SHARED_MEMORY)
DOCUMENTATION = (DEPLOY.parent / "docs" / "deployment.md").read_text("utf-8")
SERVICES: dict[str, dict[str, Any]] = compose()["services"]
#: Those that are boxes of ours.
BOXES = {name: service for name, service in SERVICES.items() if is_box(service)}


def megabytes(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(mb?|gb?)", text.lower()).groups()  # type: ignore[union-attr]
    return int(number) * (1024 if unit.startswith("g") else 1)


def documented_files() -> list[dict[str, Any]]:
    """The compose files that docs/deployment.md writes out."""
    blocks = re.findall(r"^    services:\n(?:^     .*\n)+", DOCUMENTATION, re.MULTILINE)
    return [yaml.safe_load(block) for block in blocks]


def follows_the_specification(path: Path) -> None:
    if importlib.util.find_spec("check_jsonschema") is None:
        pytest.skip("needs check-jsonschema, which isn't here")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_file_is_what_the_compose_specification_says(path: Path) -> None:
    follows_the_specification(path)


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_can_do_nothing_that_it_needn_t(name: str) -> None:
    service = SERVICES[name]
    uid = str(service["user"]).partition(":")[0]
    assert uid.isdigit()
    assert int(uid) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["ulimits"] == {"core": 0}
    assert "privileged" not in service
    assert "cap_add" not in service
    assert megabytes(service["mem_limit"]) <= 1024
    assert service["cpus"]
    assert service["pids_limit"]
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_says_whether_it_is_well(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries", "start_period"} <= set(check)


@pytest.mark.parametrize("name", BOXES)
def test_a_box_is_asked_for_its_own_health(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][1:] == [
        *("readroom", "health"),
        BOXES[name]["command"][0],
    ]


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_pinned_to_a_version(name: str) -> None:
    assert re.search(r":v?\d+\.\d+\.\d+", SERVICES[name]["image"])


def test_our_image_is_built_once_and_fetched_never() -> None:
    """Of two that build one image at the same time, the second finds it there and fails."""
    assert [name for name in SERVICES if "build" in SERVICES[name]] == ["aggregator"]
    assert {box["image"] for box in BOXES.values()} == {SERVICES["aggregator"]["image"]}
    assert {box["pull_policy"] for box in BOXES.values()} == {"never"}
    assert set(BOXES) == {"front", "worker", "aggregator", "live"}


@pytest.mark.parametrize("name", SERVICES)
def test_what_one_waits_for_exists_and_can_become_healthy(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        assert how == {"condition": "service_healthy"}
        assert "healthcheck" in SERVICES[other]


def test_no_port_is_published_but_on_loopback() -> None:
    published = {name: s["ports"] for name, s in SERVICES.items() if "ports" in s}
    assert set(published) == {"live", "prometheus", "grafana"}
    for ports in published.values():
        for port in ports:
            assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


def test_what_is_published_is_on_a_network_with_a_way_out() -> None:
    """An engine publishes no port of a container whose networks are all internal."""
    documented = [block["services"] for block in documented_files()]
    assert [set(services) for services in documented] == [{"redis"}, {"worker"}]
    for services in (SERVICES, *documented):
        for name, service in services.items():
            assert "ports" not in service or "outside" in service["networks"], name


@pytest.mark.parametrize("written", documented_files(), ids=lambda file: "-".join(file["services"]))
def test_a_file_that_the_documentation_writes_out_changes_what_is_there(
    written: dict[str, Any], tmp_path: Path
) -> None:
    assert set(written["services"]) <= set(SERVICES)
    for service in written["services"].values():
        assert set(service["networks"]) <= set(compose()["networks"])
    path = tmp_path / "compose.override.yml"
    path.write_text(yaml.safe_dump(written))
    follows_the_specification(path)


def test_what_reads_faces_has_no_way_out() -> None:
    assert compose()["networks"]["room"] == {"internal": True}
    for name in ("redis", "worker", "aggregator"):
        assert SERVICES[name]["networks"] == ["room"]
    assert all("room" in service["networks"] for service in SERVICES.values())


def test_every_setting_that_is_named_anywhere_exists() -> None:
    known = {*environment_names(), *(f"{name}_FILE" for name in FROM_FILES)}
    named: set[str] = set()
    for path in (*FILES, DEPLOY / ".env.example", *(DEPLOY / "systemd").rglob("readroom*")):
        if path.is_file():
            named |= set(re.findall(r"\bREADROOM_\w+", path.read_text("utf-8")))
    named -= {"READROOM_"}  # "every READROOM_ setting"
    assert len(named) > 8
    assert named <= known, named - known


def test_the_example_names_every_variable_that_compose_fills_in() -> None:
    lines = (DEPLOY / ".env.example").read_text("utf-8").splitlines()
    named = {line.lstrip("#").partition("=")[0] for line in lines if re.match(r"#?[A-Z_]+=", line)}
    asked = set().union(*(named_variables(path) for path in FILES))
    assert asked == {name for name in named if not name.startswith("READROOM_")}


@pytest.mark.parametrize("name", BOXES)
def test_a_command_is_one_that_the_program_understands(name: str) -> None:
    words = BOXES[name]["command"]
    command = get_command(app)
    with command.make_context("readroom", list(words)) as context:
        _, found, rest = command.resolve_command(context, list(words))  # type: ignore[attr-defined]
        assert found is not None
        # Raises where an option or an argument isn't known.
        found.make_context(words[0], list(rest), parent=context).close()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_mounted_is_there(path: Path) -> None:
    found = compose(path)
    for service in found["services"].values():
        for mount in service.get("volumes", []):
            source, target = mount.split(":")[:2]
            assert target.startswith("/")
            if source.startswith("."):
                assert (DEPLOY / source).is_dir(), source
                assert mount.endswith(":ro")
            else:
                assert source in found["volumes"]
        for secret in service.get("secrets", []):
            assert secret in found["secrets"]


def test_who_reads_the_session_store_has_the_folder_that_it_is_written_to() -> None:
    for name in ("aggregator", "live"):
        assert SERVICES[name]["volumes"] == ["sessions:/var/lib/readroom"]


def test_no_secret_stands_in_an_environment_or_on_a_command_line() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            secret = re.search(r"token|password|url|sources", name.lower())
            assert not secret or name.endswith("_FILE"), name
            if name.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"]


def test_redis_keeps_nothing_evicts_nothing_and_has_room_beside_what_it_keeps() -> None:
    redis = SERVICES["redis"]
    (script,) = redis["command"]
    said = dict(
        line.split(None, 1) for line in script.splitlines() if re.match(r"[a-z-]+ [^ ]", line)
    )
    assert said["save"] == '""'
    assert said["appendonly"] == "no"
    assert said["maxmemory-policy"] == "noeviction"
    assert "requirepass" in said
    assert megabytes(redis["mem_limit"]) >= 1.25 * megabytes(said["maxmemory"])
    assert "volumes" not in redis


def test_workers_may_be_many_and_each_has_a_name_of_its_own() -> None:
    assert compose(WORKERS="5")["services"]["worker"]["scale"] == "5"
    assert "{host}" in SERVICES["worker"]["command"]


def test_shared_memory_reaches_all_who_look_at_pixels() -> None:
    shared = compose(SHARED_MEMORY)
    assert set(shared["services"]) == {"front", "worker", "live"}
    for service in shared["services"].values():
        assert service["volumes"] == ["pixels:/dev/shm"]
    options = shared["volumes"]["pixels"]["driver_opts"]
    assert options["type"] == "tmpfs"
    assert "uid=10001" in options["o"]


def test_secrets_are_made_once_random_and_out_of_others_sight(tmp_path: Path) -> None:
    (tmp_path / "containers").mkdir()
    script = tmp_path / "containers" / "secrets.sh"
    script.write_bytes((DEPLOY / "containers" / "secrets.sh").read_bytes())

    said = subprocess.check_output(["sh", str(script)], text=True)
    first = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    subprocess.run(["sh", str(script)], check=True, stdout=subprocess.DEVNULL)
    again = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}

    assert first == again
    assert set(first) == set(compose()["secrets"])
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert len({first["token"], first["grafana_password"]}) == 2
    assert re.fullmatch(r"[0-9a-f]{48}\n", first["token"])
    assert first["token"].strip() in said
    assert re.fullmatch(r"redis://:[0-9a-f]{48}@redis:6379/0\n", first["redis_url"])


def test_what_is_secret_is_never_committed() -> None:
    assert {"/.env", "/secrets/"} <= set((DEPLOY / ".gitignore").read_text("utf-8").split())


def test_the_documentation_names_what_exists() -> None:
    for path in re.findall(r"`(deploy/[\w./@-]+)`", DOCUMENTATION):
        assert (DEPLOY.parent / path).exists(), path
    for line in re.findall(r"^    (docker compose .*)$", DOCUMENTATION, re.MULTILINE):
        for word in shlex.split(line.rstrip("\\"), comments=True):
            assert not word.endswith(".yml") or (DEPLOY / word).exists(), line
