"""Programs with the network off: nothing but their own loopback can be reached.

A Linux network namespace of their own; ``python -m tests.e2e.offline COMMAND...`` runs inside one
and brings its loopback up before the command starts.
"""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence

_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1
#: Read at import: the settings of whoever runs the tests are hidden from the tests themselves.
_MUST = bool(os.environ.get("TESTS_MUST_BE_OFFLINE"))


def offline(command: Sequence[str]) -> list[str]:
    """The command, started where there is no network."""
    unshare = ["unshare", "--map-root-user", "--net"]
    return [*unshare, sys.executable, "-m", "tests.e2e.offline", *command]


def beside(pid: int, command: Sequence[str]) -> list[str]:
    """The command, started in the namespace of a process that :func:`offline` made."""
    enter = ["nsenter", "--target", str(pid), "--user", "--net", "--preserve-credentials"]
    return [*enter, *command]


@functools.cache
def lacking() -> str:
    """Why the network can't be switched off here, in words; empty: it can.

    Where TESTS_MUST_BE_OFFLINE is set, as continuous integration sets it, not being able to is a
    failure: tests that were to run without a network must not run with one unnoticed.
    """
    reason = _lacking()
    if reason and _MUST:
        raise RuntimeError(reason)
    return reason


def _lacking() -> str:
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        return "needs Linux's unshare and nsenter, which aren't here"
    probe = subprocess.run(
        offline(["true"]), capture_output=True, text=True, check=False, timeout=30
    )
    if probe.returncode:
        return (
            f"needs network namespaces for users, which this kernel refuses ({probe.stderr[:80]})"
        )
    return ""


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        flags = struct.unpack("16sH14s", fcntl.ioctl(handle, _GET_FLAGS, request))[1]
        fcntl.ioctl(handle, _SET_FLAGS, struct.pack("16sH14s", b"lo", flags | _UP, b""))


if __name__ == "__main__":
    _raise_loopback()
    os.execvp(sys.argv[1], sys.argv[1:])
