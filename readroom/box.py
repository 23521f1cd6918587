"""What every process of the system has: settings, log, metrics, health, signals, a last word.

A box is one function ``main(box)`` that loops until ``box.stopping`` is set. :func:`run_box`
gives it everything else and turns its outcome into an exit code:

- SIGTERM and SIGINT set ``stopping``; a second one ends the process at once.
- With ``READROOM_PARENT_PID`` set (by the supervisor), the box stops when that process is gone,
  so that no child survives a killed supervisor.
- ``/healthz`` is 200 while the loop turns (``box.alive()``), ``/readyz`` while it does its work
  (``box.set_ready``), ``/metrics`` is the box's own registry.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import setproctitle
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from redis.exceptions import OutOfMemoryError

from readroom.errors import EXIT_FAILED, EXIT_OK, BadSettings, ReadroomError
from readroom.guard import Guard
from readroom.log import Log, set_up_logging
from readroom.messages import BoxInfo
from readroom.metrics import BoxMetrics, ProcessMetrics
from readroom.redaction import redact
from readroom.settings import LOOPBACK, HttpSettings, Settings
from readroom.streams import (
    REDIS_AWAY,
    Client,
    Keys,
    eviction_advice,
    hold_purpose,
    read_boxes,
    register_box,
)

#: A loop that hasn't turned for this long is unhealthy, s.
STALE_S = 15.0
#: What a loop gets to end by itself once its parent is gone, s.
ORPHAN_S = 5.0
#: How often a box says that it is running, s.
REGISTER_EVERY_S = 1.0

#: A registration older than this is of a process that is gone, s.
NAMESAKE_S = 10.0
#: Kinds of box of which two with one name would be handed each other's work. Pages only look.
EXCLUSIVE = ("run", "ingest", "work", "aggregate")

#: An extra page of a box's server: returns content type and body.
Route = Callable[[], tuple[str, bytes]]


class Box:
    """One running process, as its own code sees it."""

    def __init__(self, kind: str, name: str, settings: Settings, log: Log) -> None:
        self.kind = kind
        self.name = name
        self.settings = settings
        self.log = log
        self.keys = Keys(settings.room)
        self.metrics = CollectorRegistry()
        ProcessMetrics(self.metrics, settings.room)
        self.stopping = threading.Event()
        #: Whether a supervisor started this process.
        self.supervised = "READROOM_PARENT_PID" in os.environ
        self.started_at = time.time()
        self.address = ""
        self.routes: dict[str, Route] = {}
        #: Whether the loop has turned: before that, nothing is in this process's hands.
        self.started = False
        self._turned = time.monotonic()
        self._ready = False
        self._detail = "starting"
        self._registered = 0.0

    def alive(self, client: Client | None = None) -> None:
        """Call it at every turn of the loop; with a client, the box registers itself too
        (errors of a Redis that is away pass through as REDIS_AWAY). Raises BadSettings where
        another box of its name runs, or the room's boxes run for another purpose."""
        self._turned = time.monotonic()
        self.started = True
        if client is not None and self._turned - self._registered >= REGISTER_EVERY_S:
            if not self._registered and self.kind in EXCLUSIVE:
                self._refuse_namesake(client)
                self._warn_of_eviction(client)
            self._registered = self._turned
            with contextlib.suppress(OutOfMemoryError):  # The box's own work says what is lost.
                self._hold_purpose(client)
                register_box(client, self.keys, self.info())

    def _hold_purpose(self, client: Client) -> None:
        """A page that was told none shows what it is handed, for whatever it is handed for."""
        if self.kind != "live" or self.settings.purpose is not None:
            hold_purpose(client, self.keys, self.settings.purpose)

    def _refuse_namesake(self, client: Client) -> None:
        """Two processes of one name would be handed each other's unfinished work."""
        other = read_boxes(client, self.keys).get(f"{self.kind}/{self.name}")
        # An old registration proves nothing: its process id may be anybody's by now.
        if (
            other is None
            or time.time() - other.at > NAMESAKE_S
            or other.host != socket.gethostname()
            or other.pid == os.getpid()
        ):
            return
        with contextlib.suppress(OSError):
            os.kill(other.pid, 0)
            raise BadSettings(
                f"{self.kind} {self.name} already runs on this host (process {other.pid}): "
                "give this one another name, or stop that one"
            )

    def _warn_of_eviction(self, client: Client) -> None:
        advice = eviction_advice(client) if self.kind in ("run", "aggregate") else ""
        if advice:
            self.log.warning(advice)

    def info(self) -> BoxInfo:
        """What this box says of itself."""
        return BoxInfo(
            kind=self.kind,
            name=self.name,
            host=socket.gethostname(),
            pid=os.getpid(),
            address=self.address,
            started_at=self.started_at,
            at=time.time(),
            ready=self._ready,
            detail=redact(self._detail),
        )

    def set_ready(self, ready: bool, detail: str = "") -> None:
        """Whether the box does its work now, and if not, why."""
        self._ready, self._detail = ready, detail

    def put_aside(self, metrics: BoxMetrics) -> Callable[[str, str], None]:
        """What a GroupReader tells of entries it could not read: counted, and said."""

        def tell(reason: str, detail: str) -> None:
            metrics.dead(reason)
            self.log.warning(
                "an entry could not be read and was put aside", reason=reason, detail=detail
            )

        return tell

    def healthy(self) -> tuple[bool, str]:
        """Whether the loop turns."""
        silent_s = time.monotonic() - self._turned
        return silent_s < STALE_S, f"last turn {silent_s:.1f} s ago"

    def ready(self) -> tuple[bool, str]:
        """Whether the box does its work."""
        return self._ready, redact(self._detail) or ("ready" if self._ready else "not ready")

    def wait(self, seconds: float) -> bool:
        """Pause; True when the box should stop."""
        self.alive()
        return self.stopping.wait(seconds)


def run_box(
    kind: str, name: str, settings: Settings, main: Callable[[Box], None], *, port: int
) -> int:
    """Run ``main`` as a box of that kind and name; returns the process's exit code.

    ``port`` is where its /metrics, /healthz and /readyz answer (0: any free one).
    """
    setproctitle.setproctitle(f"readroom: {kind} {name}")
    log = set_up_logging(f"{kind}/{name}", settings.log_format, settings.log_level)
    box = Box(kind, name, settings, log)
    _stop_on_signals(box)
    _stop_with_parent(box)
    try:
        server = serve(box, settings, port)
        try:
            main(box)
        finally:
            server.shutdown()
            server.server_close()
    except ReadroomError as error:
        log.error(str(error))
        return error.exit_code
    except REDIS_AWAY as error:
        log.error(
            f"Redis went away while {'stopping' if box.stopping.is_set() else 'running'}: "
            f"{type(error).__name__}; is the server up?"
        )
        return EXIT_FAILED
    except Exception:
        log.error("this is a bug in readroom", traceback=traceback.format_exc())
        return EXIT_FAILED
    return EXIT_OK


def serve(box: Box, settings: Settings, port: int) -> ThreadingHTTPServer:
    """Start the box's small HTTP server in a thread. Raises BadSettings where the port is
    taken or the address isn't this machine's."""
    guard = Guard.of(_named_as_listed(settings.http))

    class Handler(BaseHTTPRequestHandler):
        """Answers GET for the box's few pages."""

        server_version = "readroom"
        # Every connection has a thread: one that says nothing mustn't keep it.
        timeout = 10
        sys_version = ""

        def do_GET(self) -> None:
            """One page."""
            status, content_type, body = _answer(box, guard, self.path, self.headers)
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Requests are not events."""

    server = bind(settings.http.host, port, Handler)
    host = settings.http.host
    box.address = f"{f'[{host}]' if ':' in host else host}:{server.server_address[1]}"
    # Stopping waits for one such interval, and a whole room stops box after box.
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True, name="http").start()
    return server


def _named_as_listed(settings: HttpSettings) -> HttpSettings:
    """The settings with this host's own name among those that the box is reached by: so the
    aggregator's list of targets names a box that listens on every address."""
    if settings.host in LOOPBACK:
        return settings
    return settings.model_copy(update={"hosts": (*settings.hosts, socket.gethostname())})


def bind(host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    """A listening server; BadSettings names the port and the remedy where that fails."""

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        daemon_threads = True
        # Two readrooms on one port would share its requests on some systems.
        allow_reuse_port = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A scraper that hangs up in the middle is no event."""
            if not isinstance(sys.exception(), OSError):
                super().handle_error(request, client_address)

    try:
        return Server((host, port), handler)
    except OSError as error:
        raise BadSettings(
            f"{host}:{port} can't be listened on ({error.strerror}): stop what uses that port, "
            "or choose another (READROOM_HTTP__PORT, READROOM_HTTP__METRICS_PORT)"
        ) from None


def _answer(box: Box, guard: Guard, path: str, headers: Any) -> tuple[int, str, bytes]:
    text = "text/plain; charset=utf-8"
    path, _, query = path.partition("?")
    refusal = guard.check(headers, parse_qs(query).get("token", [None])[0])
    if refusal is not None:
        return refusal.status, text, f"{refusal.reason}\n".encode()
    if path == "/metrics":
        return 200, CONTENT_TYPE_LATEST, generate_latest(box.metrics)
    if path in ("/healthz", "/readyz"):
        good, detail = box.healthy() if path == "/healthz" else box.ready()
        return (200 if good else 503), text, f"{detail}\n".encode()
    if path in box.routes:
        content_type, body = box.routes[path]()
        return 200, content_type, body
    pages = ", ".join(["/metrics", "/healthz", "/readyz", *box.routes])
    return 404, text, f"no such page; there are {pages}\n".encode()


def _end_now(code: int) -> None:
    """End without the interpreter's own tear-down, which native threads may not survive."""
    with contextlib.suppress(OSError, RuntimeError):  # a pipe that is gone; a write under way
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _stop_on_signals(box: Box) -> None:
    def stop(signum: int, frame: object) -> None:
        if box.stopping.is_set():
            _end_now(128 + signum)
        if not box.started:
            _end_now(EXIT_OK)
        box.stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _stop_with_parent(box: Box) -> None:
    parent = os.environ.get("READROOM_PARENT_PID")
    if parent is None:
        return

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(0.5)
        box.stopping.set()
        # A loop that hangs mustn't outlive its supervisor either.
        time.sleep(ORPHAN_S)
        os._exit(EXIT_FAILED)

    threading.Thread(target=watch, daemon=True, name="parent-watch").start()
