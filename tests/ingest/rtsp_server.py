"""A real RTSP camera on loopback: GStreamer's RTSP server, run by the system's Python.

Used two ways. As a module of the tests, :class:`RtspServer` starts, kills, stops and continues
such a camera. As a script (under ``/usr/bin/python3``, which has Debian's ``gi``) it is the
camera. It serves a clip (looped by the caller's client reconnecting) or a generated picture.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

SYSTEM_PYTHON = "/usr/bin/python3"
_PROBE = (
    "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0'); "
    "from gi.repository import Gst, GstRtspServer"
)


def available() -> bool:
    """Whether this machine has the GStreamer RTSP server's Python binding."""
    if shutil.which(SYSTEM_PYTHON) is None:
        return False
    return (
        subprocess.run([SYSTEM_PYTHON, "-c", _PROBE], capture_output=True, check=False).returncode
        == 0
    )


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class RtspServer:
    """One camera at ``self.url``; ``with`` it, or ``start`` and ``kill`` it."""

    def __init__(
        self,
        *,
        clip: Path | None = None,
        size: tuple[int, int] = (320, 240),
        fps: int = 15,
        user: str = "",
        password: str = "",
    ) -> None:
        self.port = free_port()
        self.clip = clip
        self.size = size
        self.fps = fps
        self.user, self.password = user, password
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The camera's address, with its credentials."""
        return self.url_for(self.user, self.password)

    def url_for(self, user: str, password: str) -> str:
        """The camera's address with these credentials."""
        credentials = f"{user}:{password}@" if user else ""
        return f"rtsp://{credentials}127.0.0.1:{self.port}/camera"

    def start(self) -> None:
        """Run the server and wait until it listens."""
        command = [SYSTEM_PYTHON, __file__, "--port", str(self.port), "--fps", str(self.fps)]
        command += ["--size", f"{self.size[0]}x{self.size[1]}"]
        command += ["--user", self.user, "--password", self.password]
        command += ["--clip", str(self.clip)] if self.clip else []
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 15
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError("the RTSP server did not start")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def freeze(self) -> None:
        """Stop sending with every connection open, as a hung camera does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after :meth:`freeze`."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> RtspServer:
        self.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self.kill()


def _launch_line(arguments: argparse.Namespace) -> str:
    pay = "rtph264pay name=pay0 pt=96 config-interval=1"
    if arguments.clip:
        return f"( filesrc location={arguments.clip} ! qtdemux ! h264parse ! {pay} )"
    width, height = arguments.size.split("x")
    caps = f"video/x-raw,width={width},height={height},framerate={arguments.fps}/1"
    return (
        f"( videotestsrc is-live=true pattern=ball ! {caps} ! "
        f"x264enc tune=zerolatency speed-preset=ultrafast key-int-max={arguments.fps} ! {pay} )"
    )


def _serve(arguments: argparse.Namespace) -> None:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(arguments.port))
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(_launch_line(arguments))
    if arguments.user:
        auth = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
        basic = GstRtspServer.RTSPAuth.make_basic(arguments.user, arguments.password)
        auth.add_basic(basic, token)
        server.set_auth(auth)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", "media.factory.access", True)
        permissions.add_permission_for_role("viewer", "media.factory.construct", True)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory("/camera", factory)
    server.attach(None)
    GLib.MainLoop().run()


def main() -> None:
    """The camera itself."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clip", default="")
    parser.add_argument("--size", default="320x240")
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    _serve(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
