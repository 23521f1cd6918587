"""An HTTP camera on loopback: multipart/x-mixed-replace, with whatever JPEGs it is given."""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class MjpegServer:
    """Sends ``jpegs`` over and over, one every ``interval_s``, until ``hang`` or ``close``."""

    def __init__(self, jpegs: list[bytes], *, interval_s: float = 0.02, login: str = "") -> None:
        self.jpegs = jpegs
        self.interval_s = interval_s
        self.hanging = threading.Event()
        self.dropping = threading.Event()
        self._closed = threading.Event()
        expected = f"Basic {b64encode(login.encode()).decode()}" if login else None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if expected is not None and self.headers.get("Authorization") != expected:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                    self.end_headers()
                    return
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                outer._send(self.wfile)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, login: str = "") -> str:
        return f"http://{login + '@' if login else ''}127.0.0.1:{self.port}/stream"

    def _send(self, out: Any) -> None:
        index = 0
        try:
            while not self._closed.is_set() and not self.dropping.is_set():
                if not self.hanging.is_set():
                    jpeg = self.jpegs[index % len(self.jpegs)]
                    index += 1
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}"
                    out.write(head.encode() + b"\r\n\r\n" + jpeg + b"\r\n")
                    out.flush()
                time.sleep(self.interval_s)
        except OSError:
            pass

    def close(self) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> MjpegServer:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()
