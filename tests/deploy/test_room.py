"""The room of compose.yml, brought up and taken down: every service with its own command,
environment, secrets, mounts and user, in the order of what waits for what."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from .composed import DEPLOY, compose, image_environment, image_list, is_box
from .container import Container, Network, lacking, stop

pytestmark = pytest.mark.slow

#: What stands at the beginning of a command line in the images that aren't ours.
_ENTRYPOINTS = {"prometheus": ["prometheus"]}
#: Where those listen that don't take the one port of a box.
_PORTS = {"redis": 6379, "aggregator": 9310, "live": 8710}
#: Asks for http://NAME:PORT/PATH as NAME, at loopback, where all names lead.
_READER = """\
import http.client, sys, urllib.parse
url = urllib.parse.urlsplit(sys.argv[1])
connection = http.client.HTTPConnection("127.0.0.1", url.port, timeout=10)
headers = {"Host": url.netloc} | ({"Authorization": "Bearer " + sys.argv[2]} if sys.argv[2] else {})
connection.request("GET", url.path + "?" + url.query, headers=headers)
answer = connection.getresponse()
print(answer.status)
print(answer.read().decode())
"""
#: Grafana is in no distribution; its files are tested with their schemas.
_LEFT_OUT = ("grafana",)


@dataclass
class Room:
    """The running services of a compose file."""

    network: Network
    containers: dict[str, Container]
    processes: dict[str, subprocess.Popen[bytes]]
    token: str

    def get(self, address: str, token: str | None = None) -> tuple[int, str]:
        """Status and text that an address inside answers."""
        command = self.network.command([sys.executable, "-c", _READER, address, token or ""])
        status, _, text = subprocess.check_output(command, text=True, timeout=30).partition("\n")
        return int(status), text

    def wait_until_well(self, name: str, service: dict[str, Any]) -> None:
        """Wait for a service's own health check. Not before it listens: each check takes about as
        much of the machine as the start that it waits for."""
        container = self.containers[name]
        port = _PORTS.get(name) or int(container.environment["READROOM_HTTP__BOX_PORT"])
        self.until(lambda: self.network.listens(port), f"socket of {name}")
        check = check_of(container, service)
        self.until(lambda: self.network.call(check) == 0, f"health of {name}")

    def logs(self) -> str:
        """What all have said, for a failure's message."""
        return "\n".join(
            f"== {name}\n{self.network.log(name).read_text('utf-8', 'replace')[-3000:]}"
            for name in self.processes
        )

    def until(self, found: Callable[[], Any], what: str, limit_s: float = 120) -> Any:
        """What ``found`` returns once it is truthy."""
        deadline = time.monotonic() + limit_s
        while not (value := found()):
            for name, process in self.processes.items():
                assert process.poll() is None, f"{name} ended\n{self.logs()}"
            assert time.monotonic() < deadline, f"no {what}\n{self.logs()}"
            time.sleep(0.2)
        return value


def in_order(services: dict[str, dict[str, Any]]) -> list[str]:
    """Services so that each comes behind those that it waits for."""
    order: list[str] = []
    while len(order) < len(services):
        order += [
            name
            for name, service in services.items()
            if name not in order and set(service.get("depends_on", {})) <= set(order)
        ]
    return order


def command_of(name: str, service: dict[str, Any]) -> list[str]:
    """A service's whole command line."""
    before = service.get("entrypoint") or (
        image_list("ENTRYPOINT") if is_box(service) else _ENTRYPOINTS.get(name, [])
    )
    return [*before, *service["command"]]


def container_of(
    name: str, service: dict[str, Any], folder: Path, installation: Path, number: int
) -> Container:
    """The container that an engine would make of a service; its volumes are below ``folder``."""
    mounts: dict[str, str] = {}
    writable: list[str] = []
    # An engine sets both, the home from the image's list of users.
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/"}
    if is_box(service):
        environment["PATH"] = f"/opt/readroom/bin:{environment['PATH']}"
        environment["HOME"] = "/var/lib/readroom"
        environment |= image_environment()
        mounts |= {"/opt/readroom": str(installation), str(installation): str(installation)}
    environment |= service.get("environment", {})
    if is_box(service):
        # One network for all, in which they can't all have the same port.
        environment["READROOM_HTTP__BOX_PORT"] = str(9400 + number)
    for mount in service.get("volumes", []):
        source, target = mount.split(":")[:2]
        outside = DEPLOY / source if source.startswith(".") else folder / "volumes" / source
        outside.mkdir(parents=True, exist_ok=True)
        mounts[target] = str(outside)
        if not mount.endswith(":ro"):
            writable.append(target)
    for secret in service.get("secrets", []):
        mounts[f"/run/secrets/{secret}"] = str(folder / "secrets" / secret)
    return Container(
        name=name,
        command=command_of(name, service),
        environment=environment,
        user=int(service["user"].partition(":")[0]),
        hosts=list(compose()["services"]),
        mounts=mounts,
        writable=writable,
        memory=[entry.partition(":")[0] for entry in service.get("tmpfs", [])],
    )


def check_of(container: Container, service: dict[str, Any]) -> Container:
    """The same container with its health check as its command."""
    kind, *words = service["healthcheck"]["test"]
    command = ["sh", "-c", *words] if kind == "CMD-SHELL" else words
    return replace(container, name=f"{container.name}-check", command=command)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, installation: Path) -> Iterator[Room]:
    if lacking():
        pytest.skip(lacking())
    if shutil.which("redis-server") is None:
        pytest.skip("needs redis-server, which isn't here")
    folder = tmp_path_factory.mktemp("room")
    (folder / "containers").mkdir()
    shutil.copy(DEPLOY / "containers" / "secrets.sh", folder / "containers")
    subprocess.run(["sh", folder / "containers" / "secrets.sh"], check=True, capture_output=True)

    services = {n: s for n, s in compose()["services"].items() if n not in _LEFT_OUT}
    containers = {
        name: container_of(name, services[name], folder, installation, number)
        for number, name in enumerate(in_order(services))
    }
    with Network(folder) as network:
        token = (folder / "secrets" / "token").read_text().strip()
        made = Room(network, containers, {}, token)
        for name, container in containers.items():
            if shutil.which(container.command[0]) is None and not is_box(services[name]):
                continue
            made.processes[name] = network.start(container)
            if any(name in other.get("depends_on", {}) for other in services.values()):
                made.wait_until_well(name, services[name])
        for name in ("front", "worker", "live"):
            made.wait_until_well(name, services[name])
        yield made


def test_the_demo_room_is_read_and_shown(room: Room) -> None:
    def joined() -> bool:
        _, text = room.get("http://aggregator:9310/metrics", room.token)
        found = re.findall(r"^readroom_people_visible\{.*\} (\S+)", text, re.MULTILINE)
        return any(float(value) > 0 for value in found)

    room.until(joined, "people")
    status, page = room.get(f"http://127.0.0.1:8710/?token={room.token}")
    assert status == 200
    assert "<html" in page


def test_nobody_is_answered_without_the_token(room: Room) -> None:
    for address in ("127.0.0.1:8710/", "aggregator:9310/targets", "aggregator:9310/metrics"):
        status, _ = room.get(f"http://{address}")
        assert status == 401, address


def test_the_aggregator_lists_every_box_by_its_host_s_name(room: Room) -> None:
    def listed() -> set[str]:
        _, text = room.get("http://aggregator:9310/targets", room.token)
        return {group["targets"][0].partition(":")[0] for group in json.loads(text)}

    boxes = {"front", "worker", "aggregator", "live"}
    assert room.until(lambda: (found := listed()) >= boxes and found, "targets") == boxes
    # One command for any number of workers, and each is called after its host.
    assert '"work/worker"' in room.network.log("worker").read_text()


def test_prometheus_finds_and_reads_them_all(room: Room) -> None:
    if "prometheus" not in room.processes:
        pytest.skip("needs prometheus, which isn't here")

    def up() -> set[str]:
        _, text = room.get("http://prometheus:9090/api/v1/targets")
        targets = json.loads(text)["data"]["activeTargets"]
        return {t["labels"].get("box", "") for t in targets if t["health"] == "up"}

    wanted = {"ingest", "work", "aggregate", "live", ""}
    assert room.until(lambda: (found := up()) >= wanted and found, "targets that are up")


def test_a_container_can_write_only_where_it_is_told(room: Room) -> None:
    """Of the stand-in for an engine: its walls are there, so that what runs behind them says so."""
    script = (
        "id -u; grep CapEff /proc/self/status; "
        "for f in /x /etc/x /opt/readroom/x /usr/x /run/secrets/token; do "
        "  (: >> $f) 2>/dev/null && echo wrote $f; done; "
        ": > /tmp/x && : > /var/lib/readroom/x && rm /var/lib/readroom/x && echo may"
    )
    look = replace(room.containers["aggregator"], name="look", command=["sh", "-c", script])
    assert room.network.call(look) == 0
    assert room.network.log("look").read_text().split() == [
        *("10001", "CapEff:", "0000000000000000", "may")
    ]


def test_stopped_by_its_engine_each_box_ends_well_and_the_session_is_kept(room: Room) -> None:
    sessions = Path(room.containers["aggregator"].mounts["/var/lib/readroom"])
    for name in ("front", "worker", "live", "aggregator"):
        process = room.processes.pop(name)
        assert stop(process) == 0, room.logs()
    assert (sessions / "sessions.sqlite3").stat().st_size > 0
