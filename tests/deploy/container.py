"""What a container engine does to a process, done with the kernel's own means and no engine.

Where no engine can be had this shows that the boxes bear it: a root file system of its own that can
only be read, folders that are named and nothing else to write to, the fixed user number without any
capability, process 1 of a process namespace, a host name of its own. All containers of a room share
one network namespace without a way out, where an engine gives each its own: so names resolve to
loopback, and ports that several boxes have in common have to be told apart.

``python -m tests.deploy.container FILE`` runs inside the network namespace, as its root, and
becomes the container that the JSON file describes (:class:`Container`).
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from ..e2e.offline import beside, lacking as lacking_network, offline

#: Not from conftest, which loads all that tests need: this module is loaded for every container.
ROOT = Path(__file__).resolve().parents[2]
#: What of the machine a container's root shows: programs and libraries, and what names them.
_SHOWN = ("usr", "bin", "sbin", "lib", "lib32", "lib64")
_SETTINGS = ("ld.so.cache", "nsswitch.conf", "passwd", "group", "localtime", "alternatives")


@dataclasses.dataclass(frozen=True)
class Container:
    """One container. ``mounts``: path inside → folder or file out here, read-only but for those
    that ``writable`` names; ``memory``: paths of file systems in memory; ``hosts``: names that
    resolve to loopback."""

    name: str
    command: list[str]
    environment: dict[str, str]
    user: int
    hosts: list[str]
    mounts: dict[str, str]
    writable: list[str]
    memory: list[str]


class Network:
    """A network namespace without a way out, for as long as ``with`` lasts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._holder: subprocess.Popen[bytes] | None = None
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Network:
        self._holder = subprocess.Popen(offline(["sleep", "infinity"]), cwd=ROOT)
        return self

    def __exit__(self, *_: object) -> None:
        for process in [*self._running, self._holder]:
            assert process is not None
            process.kill()  # With it the kernel ends its container.
            process.wait()

    def start(self, container: Container) -> subprocess.Popen[bytes]:
        """Start a container; what it says is appended to its log."""
        described = self._folder / f"{container.name}.json"
        described.write_text(json.dumps(dataclasses.asdict(container)))
        alone = ["unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child"]
        inner = [sys.executable, "-m", "tests.deploy.container", str(described)]
        with self.log(container.name).open("ab") as file:
            process = subprocess.Popen(
                self.command([*alone, *inner]), cwd=ROOT, stdout=file, stderr=file
            )
        self._running.append(process)
        return process

    def call(self, container: Container, timeout_s: float = 60) -> int:
        """Run a container to its end; its exit code."""
        return self.start(container).wait(timeout_s)

    def listens(self, port: int) -> bool:
        """Whether anything in the network takes connections at a port."""
        assert self._holder is not None
        sockets = Path(f"/proc/{self._holder.pid}/net/tcp").read_text().splitlines()[1:]
        # Its own address, the other's, and its state: 0A is listening.
        found = (line.split()[1:4] for line in sockets)
        return any(state == "0A" and own.endswith(f":{port:04X}") for own, _, state in found)

    def log(self, name: str) -> Path:
        """Where a container's output goes."""
        return self._folder / f"{name}.log"

    def command(self, words: list[str]) -> list[str]:
        """A command line that runs in the network, outside all containers."""
        assert self._holder is not None
        return beside(self._holder.pid, words)


@functools.cache
def lacking() -> str:
    """Why no such container can be made here, in words; empty: it can."""
    if reason := lacking_network():
        return reason
    missing = [name for name in ("setpriv", "pivot_root", "mount") if shutil.which(name) is None]
    if missing:
        return f"needs Linux's {', '.join(missing)}, which isn't here"
    mounts = "mount -t tmpfs none /mnt && mount -t proc proc /proc && unshare --map-user=1 true"
    probe = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "--pid", "--fork", "sh", "-c", mounts],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    if probe.returncode:
        return f"needs mounts in namespaces for users, which are refused here ({probe.stderr[:80]})"
    return ""


def stop(process: subprocess.Popen[bytes], timeout_s: float = 30) -> int:
    """Ask a container's process 1 to end, as an engine does; its exit code."""
    (first,) = psutil.Process(process.pid).children()
    first.send_signal(signal.SIGTERM)
    return process.wait(timeout_s)


def _become(container: Container, root: Path) -> None:
    """Put the walls up around this process, then be the container's command."""
    _mount("--make-rprivate", "/")
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(root))
    for path in container.memory:
        _mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", str(_folder(root, path)))
    _fill(root, container.hosts)
    for inside, outside in container.mounts.items():
        _bind(Path(outside), root, inside, writable=inside in container.writable)
    Path("/proc/sys/kernel/hostname").write_text(container.name)
    # Not chroot, from inside of which no further namespace can be made.
    os.chdir(root)
    subprocess.run(["pivot_root", ".", "."], check=True)
    subprocess.run(["umount", "--lazy", "."], check=True)
    os.chdir("/")
    _mount("-o", "remount,bind,ro", "/")
    # A namespace in which only that number exists, and with it no capability survives the start.
    number = str(container.user)
    walls = ["unshare", "--user", f"--map-user={number}", f"--map-group={number}"]
    walls += ["setpriv", "--no-new-privs", "--"]
    os.execvpe(walls[0], [*walls, *container.command], container.environment)


def _fill(root: Path, hosts: list[str]) -> None:
    """The machine's programs, read-only; devices, processes, and the few files that name things."""
    for name in _SHOWN:
        here = Path("/", name)
        if here.is_symlink():
            (root / name).symlink_to(here.readlink())
        elif here.is_dir():
            _bind(here, root, str(here), writable=False)
    # The interpreter and what it runs may lie anywhere.
    for folder in {sys.prefix, sys.base_prefix, str(ROOT)}:
        if not folder.startswith("/usr"):
            _bind(Path(folder), root, folder, writable=False)
    for name in _SETTINGS:
        here = Path("/etc", name)
        if here.exists():
            _bind(here, root, str(here), writable=False)
    names = " ".join(["localhost", *hosts])
    (root / "etc/hosts").write_text(f"127.0.0.1 {names}\n")
    for name in ("dev", "sys"):
        _folder(root, name)
        _mount("--rbind", f"/{name}", str(root / name))
    _mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", str(root / "dev/shm"))
    _mount("-t", "proc", "proc", str(_folder(root, "proc")))


def _folder(root: Path, path: str) -> Path:
    """The folder of the container that ``path`` names, made if it isn't there."""
    found = root / path.lstrip("/")
    found.mkdir(parents=True, exist_ok=True)
    return found


def _bind(source: Path, root: Path, inside: str, *, writable: bool) -> None:
    target = root / inside.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        target.mkdir(exist_ok=True)
    else:
        target.touch()
    _mount("--bind", str(source), str(target))
    if not writable:
        _mount("-o", "remount,bind,ro", str(target))


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


if __name__ == "__main__":
    described = Path(sys.argv[1])
    with tempfile.TemporaryDirectory(dir=described.parent) as place:
        _become(Container(**json.loads(described.read_text())), Path(place))
