"""What the live page and the report cost, in a real Chromium, with a room of twelve.

All parts are fed by the same session, which the aggregator's own code has made
(benchmarks/hour.py), through a real Redis and a real ``readroom live``:

- **update**: from publishing a room state until Chromium has painted it. The page's clock is set
  against this process's; half of the fastest round trip is how far that may be off. Painted is
  when the frame after the changed one begins, so the time is up to 17 ms too long. Beside it, a
  bare reader of the same stream of events shows which part of it is the server's.
- **viewers**: processor time of the server while 50 connections read 4 states a second.
- **hour**: all states and events of an hour, faster than they were, into one page: its longest
  task, and how its heap and its elements grow after the history has filled. More than one state
  goes into a drawn frame then, so tasks are rather longer than at their own pace. A task lasts
  longer where others use the machine; how much processor time the longest took says whether it
  was the page. At the end the page is opened anew, with everything that a server keeps.
- **report**: the same session's report.

``python -m benchmarks.page --only update`` measures a part alone.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import importlib
import json
import os
import random
import re
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

import psutil
import redis
from msgspec.structs import replace
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from benchmarks.hour import HZ, PEOPLE, Hour, Moment, make
from readroom.messages import RoomState
from readroom.redis_server import socket_path, start
from readroom.sessions.timelines import Timelines
from readroom.streams import EVENTS_KEPT, PEOPLE_KEPT, Keys, add

PARTS: Final = ("update", "viewers", "hour", "report")
#: Connections of the part "viewers".
VIEWERS: Final = 50
#: The session's length, and how often a page's heap is measured, s: its history has filled before
#: the first time.
HOUR_S, FULL_S = 3600, 720
#: States a second when the hour is played into the page.
REPLAY_HZ: Final = 80
#: States in a stretch of which Chromium writes a trace: a whole hour's wouldn't fit into memory.
TRACED: Final = 20 * REPLAY_HZ
#: What a trace calls a task.
_TASK: Final = "ThreadControllerImpl::RunTask"
#: How often the page's clock is compared with this process's.
LOOKS_AT_CLOCK: Final = 40
#: How often a heap is looked at, and how long before each time, s.
LOOKS_AT_HEAP, LOOK_EVERY_S = 3, 0.4
#: The page has fallen behind for good after this long, s.
PATIENCE_S: Final = 60.0
_ROOM: Final = "bench"
_CHROMIUMS: Final = ("chromium", "chromium-browser", "google-chrome")

#: Notes when a title with a number has been painted: {number: Unix ms by the page's clock}.
_WATCH_TITLE: Final = """() => {
  window.painted = {};
  const title = document.querySelector("h1");
  let last = "";
  new MutationObserver(() => {
    const number = /^Update (\\d+)$/.exec(title.textContent)?.[1];
    if (number === undefined || number === last) return;
    last = number;
    requestAnimationFrame(() => {
      window.painted[number] = performance.timeOrigin + performance.now();
    });
  }).observe(title, { characterData: true, childList: true, subtree: true });
}"""
#: Collects tasks of 50 ms and more: [start, duration], ms.
_WATCH_TASKS: Final = """window.longTasks = [];
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) window.longTasks.push([task.startTime, task.duration]);
}).observe({ type: "longtask", buffered: true });"""


def measure(
    seconds: float, say: Callable[[str], None], parts: Sequence[str] = PARTS
) -> dict[str, Any]:
    """The parts that are asked for; ``say`` is told what is being done."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="rr-bench-") as name:
        whole = {"hour", "report"} & set(parts)
        say("page: an hour of a room of twelve is made (about two minutes)" if whole else "page")
        hour = make(Path(name), HOUR_S if whole else 120, say)
        if "update" in parts:
            say(f"page: from update to pixels, {seconds:.0f} s")
            found["update"] = update(hour, seconds)
        if "viewers" in parts:
            say(f"page: {VIEWERS} viewers, {seconds:.0f} s")
            found["viewers"] = viewers(hour, seconds)
        if "hour" in parts:
            say(f"page: the hour in Chromium, {HOUR_S * HZ / REPLAY_HZ / 60:.0f} minutes")
            found["hour"] = whole_hour(hour)
        if "report" in parts:
            say("page: the report")
            found["report"] = report(hour)
    return found


def rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures as rows of the table."""
    told = []
    if "update" in found:
        told += _update_rows(found["update"])
    if "viewers" in found:
        told.append(_viewers_row(found["viewers"]))
    if "hour" in found:
        told += _hour_rows(found["hour"])
    if found.get("report") is not None:
        told.append(_report_row(found["report"]))
    return told


def _update_rows(update: dict[str, float]) -> list[tuple[str, str]]:
    return [
        (
            f"live page, {PEOPLE} people: published → painted in Chromium, p50 / p95 (goal ≤ 150)",
            f"{update['p50_ms']:.0f} / **{update['p95_ms']:.0f} ms** ({update['updates']:.0f}; "
            f"clocks agree to {update['clock_ms']:.1f})",
        ),
        (
            "beside it: → a bare reader of the page's stream has it, p50 / p95",
            f"{update['bare_p50_ms']:.0f} / {update['bare_p95_ms']:.0f} ms",
        ),
    ]


def _viewers_row(viewers: dict[str, float]) -> tuple[str, str]:
    return (
        f"live page's server, {VIEWERS} viewers × {HZ} states/s of {PEOPLE} people (goal ≤ 1)",
        f"**{viewers['core']:.2f} of a core**, {viewers['rss_mb']:.0f} MB, "
        f"{viewers['kb_a_s']:.0f} kB/s a viewer, {100 * viewers['arrived']:.0f} % arrived singly",
    )


def _hour_rows(hour: dict[str, Any]) -> list[tuple[str, str]]:
    full, *_, end = hour["kept"]
    heaps = " → ".join(f"{kept['heap_mb']:.2f}" for kept in hour["kept"])
    return [
        (
            f"an hour of {PEOPLE} people in Chromium, {REPLAY_HZ // HZ}× as fast: longest task "
            "(goal ≤ 100)",
            f"**{hour['longest_ms']:.0f} ms** ({hour['over_100']} over 100, {hour['tasks']} over "
            f"50), at most {hour['longest_cpu_ms']:.0f} of processor time; opening: "
            f"{hour['opening_ms']:.0f} ms, with a full history {hour['reopening_ms']:.0f} ms",
        ),
        (
            "its heap every 12 minutes, late ÷ early (goal ≤ 1.10)",
            f"{heaps} MB, **{end['heap_mb'] / full['heap_mb']:.2f}**; objects {full['objects']} → "
            f"{end['objects']}, elements {full['nodes']} → {end['nodes']}, listeners "
            f"{full['listeners']} → {end['listeners']}",
        ),
    ]


def _report_row(report: dict[str, float]) -> tuple[str, str]:
    return (
        f"report of {HOUR_S // 60} minutes with {PEOPLE} people (goals ≤ 5 s, ≤ 3 MB)",
        f"**{report['seconds']:.1f} s** ({report['cpu_s']:.1f} s of CPU), "
        f"**{report['mb']:.2f} MB**",
    )


# -- the program ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Serving:
    """A running ``readroom live`` and the Redis that feeds it."""

    client: redis.Redis
    port: int
    process: psutil.Process

    @property
    def address(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.port}/"

    def publish(self, moment: Moment, **changes: Any) -> float:
        """Say what an aggregator says at a moment, as if it were now; returns when (Unix s)."""
        keys = Keys(_ROOM)
        for event in moment.events:
            add(self.client, keys.events, event, maxlen=EVENTS_KEPT)
        state = _as_of_now(moment.state, **changes)
        now = time.time()
        add(self.client, keys.people, state, maxlen=PEOPLE_KEPT)
        return now


def _as_of_now(state: RoomState, **changes: Any) -> RoomState:
    now = time.time()
    return replace(state, at=now, started_at=now - state.time_s, **changes)


@contextlib.contextmanager
def serving() -> Iterator[Serving]:
    """The live page's server as users start it, above an empty Redis."""
    with tempfile.TemporaryDirectory(prefix="rr-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        server = start(folder, 512)
        stack.callback(server.wait)
        stack.callback(server.kill)
        client = stack.enter_context(
            redis.Redis(unix_socket_path=str(socket_path(folder)), protocol=2)
        )
        port = _free_port()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("READROOM_")}
        environment |= {
            "READROOM_REDIS__URL": f"unix://{socket_path(folder)}",
            "READROOM_DATA": str(folder),
            "READROOM_HTTP__PORT": str(port),
            "READROOM_LOG_LEVEL": "warning",
        }
        command = [sys.executable, "-m", "readroom", "live", "--room", _ROOM]
        page = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            _wait_until_ready(page, f"http://127.0.0.1:{port}/readyz")
            yield Serving(client, port, psutil.Process(page.pid))
        finally:
            page.send_signal(signal.SIGTERM)
            page.wait(15)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the live page doesn't start; see what it said above")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Headless Chromium."""
    program = next((found for name in _CHROMIUMS if (found := shutil.which(name))), None)
    if program is None:
        raise RuntimeError(f"needs a Chromium on PATH: one of {', '.join(_CHROMIUMS)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--disable-quic", "--disable-background-networking"],
        )
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def opened(address: str) -> Iterator[Page]:
    """The page in a window of a desktop's size, its long tasks collected from its beginning."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(_WATCH_TASKS)
        page.goto(address)
        yield page


# -- from update to pixels ----------------------------------------------------------------------


@dataclass(slots=True)
class Listener:
    """A bare reader of the page's stream of events: when each title was there (Unix s)."""

    port: int
    arrived: dict[str, float] = field(default_factory=dict)

    def run(self) -> None:
        """Until the server ends the stream."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", STREAM)
        answer = connection.getresponse()
        with contextlib.suppress(OSError, ValueError):
            while line := answer.readline():
                now = time.time()
                if line.startswith(b"data:") and (place := line.find(b'"title":"Update ')) >= 0:
                    number = line[place + 16 : line.index(b'"', place + 16)]
                    self.arrived.setdefault(number.decode(), now)


#: Where the page's stream of events is.
STREAM: Final = "/api/v1/stream"


def update(hour: Hour, seconds: float) -> dict[str, float]:
    """Milliseconds from publishing a state until it is painted, and until a bare reader has it."""
    moments = list(islice(hour.moments(), 60 * HZ, 60 * HZ + round(seconds * HZ)))
    draw = random.Random(1)
    with serving() as live, opened(live.address) as page:
        listener = Listener(live.port)
        threading.Thread(target=listener.run, daemon=True).start()
        live.publish(moments[0], title="Update")
        _wait_for_title(page, "Update")
        page.evaluate(_WATCH_TITLE)
        offset_ms, within_ms = _clock(page)
        published: dict[str, float] = {}
        for number, moment in enumerate(moments):
            # Never in step with the screen.
            time.sleep(1 / HZ + draw.uniform(-0.03, 0.03))
            published[str(number)] = live.publish(moment, title=f"Update {number}")
        time.sleep(0.5)
        painted: dict[str, float] = page.evaluate("window.painted")
        after_ms, _ = _clock(page)
    lasted = [painted[n] - offset_ms - 1e3 * at for n, at in published.items() if n in painted]
    bare = [
        1e3 * (listener.arrived[n] - at) for n, at in published.items() if n in listener.arrived
    ]
    if min(len(lasted), len(bare)) < 0.9 * len(published):
        raise RuntimeError(f"of {len(published)} updates {len(lasted)} were painted")
    return {
        "updates": len(lasted),
        "p50_ms": _of(lasted, 0.5),
        "p95_ms": _of(lasted, 0.95),
        "bare_p50_ms": _of(bare, 0.5),
        "bare_p95_ms": _of(bare, 0.95),
        "clock_ms": within_ms + abs(after_ms - offset_ms),
    }


def _clock(page: Page) -> tuple[float, float]:
    """How far the page's clock is ahead of this process's, ms, and how far that may be off."""
    best = (0.0, float("inf"))
    for _ in range(LOOKS_AT_CLOCK):
        before = time.time()
        theirs_ms: float = page.evaluate("performance.timeOrigin + performance.now()")
        after = time.time()
        half_ms = 1e3 * (after - before) / 2
        if half_ms < best[1]:
            best = (theirs_ms - 1e3 * (before + after) / 2, half_ms)
    return best


def _of(values: list[float], share: float) -> float:
    """A quantile by rank."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


# -- viewers ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Audience:
    """Connections that read the page's stream and throw it away."""

    port: int
    bytes_read: int = 0
    states: int = 0
    _stopping: bool = False
    _connections: list[socket.socket] = field(default_factory=list)
    _ends: dict[int, bytes] = field(default_factory=dict)

    def open(self, count: int) -> None:
        """Open so many."""
        ask = f"GET {STREAM} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n"
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", self.port))
            connection.sendall(ask.encode())
            self._connections.append(connection)
        threading.Thread(target=self._read, daemon=True).start()

    def close(self) -> None:
        """Hang up."""
        self._stopping = True

    def _read(self) -> None:
        with selectors.DefaultSelector() as selector:
            for connection in self._connections:
                selector.register(connection, selectors.EVENT_READ)
            while not self._stopping:
                for key, _ in selector.select(0.2):
                    self._take(key.fd, key.fileobj.recv(65536))  # type: ignore[union-attr]
        for connection in self._connections:
            connection.close()

    def _take(self, fd: int, part: bytes) -> None:
        self.bytes_read += len(part)
        kind = b"event: room\n"
        whole = self._ends.get(fd, b"") + part
        self.states += whole.count(kind)
        # The beginning of a kind that goes on with the next part; never a whole one.
        self._ends[fd] = whole[1 - len(kind) :]


def viewers(hour: Hour, seconds: float) -> dict[str, float]:
    """The server's share of a core while all read, its memory, kB a second for each, and the share
    of states that arrived as single messages."""
    moments = list(islice(hour.moments(), 60 * HZ, (60 + 10) * HZ + round(seconds * HZ)))
    with serving() as live:
        audience = Audience(live.port)
        audience.open(VIEWERS)
        began = time.monotonic()
        _pace(live, moments[: 10 * HZ], began)  # Everybody has joined by then.
        time.sleep(0.2)
        audience.states = audience.bytes_read = 0
        before, at = _spent_s(live.process), time.monotonic()
        sent = _pace(live, moments[10 * HZ :], time.monotonic())
        time.sleep(0.2)
        elapsed_s = time.monotonic() - at
        core = (_spent_s(live.process) - before) / elapsed_s
        found = {
            "core": core,
            "rss_mb": live.process.memory_info().rss / 1e6,
            "kb_a_s": audience.bytes_read / VIEWERS / elapsed_s / 1e3,
            "arrived": audience.states / VIEWERS / sent,
        }
        audience.close()
    return found


def _pace(live: Serving, moments: Sequence[Moment], began: float) -> int:
    """Publish at the pace of an aggregator; returns how many."""
    for number, moment in enumerate(moments):
        time.sleep(max(0.0, began + number / HZ - time.monotonic()))
        live.publish(moment)
    return len(moments)


def _spent_s(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:2]))


# -- an hour ------------------------------------------------------------------------------------


def whole_hour(hour: Hour) -> dict[str, Any]:
    """The hour in a page: its long tasks, and what it holds after every :data:`FULL_S`."""
    with serving() as live, opened(live.address) as page:
        tools = page.context.new_cdp_session(page)
        replay = Replay(live, page, islice(hour.moments(), hour.seconds * HZ))
        replay.play(HZ)
        opening_ms = _tasks(page)
        kept = []
        for _ in range(hour.seconds // FULL_S):
            replay.play(FULL_S * HZ)
            kept.append(held(tools))
        tasks_ms = _tasks(page)[len(opening_ms) :]
        page.reload()
        _wait_for_title(page, replay.title)
        page.wait_for_timeout(1000)
        reopening_ms = _tasks(page)
    return {
        "longest_ms": max(tasks_ms, default=0.0),
        "over_100": sum(ms > 100 for ms in tasks_ms),
        "tasks": len(tasks_ms),
        "longest_cpu_ms": max(replay.cpu_ms),
        "opening_ms": max(opening_ms, default=0.0),
        "reopening_ms": max(reopening_ms, default=0.0),
        "kept": kept,
    }


@dataclass(slots=True)
class Replay:
    """Plays a session into a page at :data:`REPLAY_HZ`. ``cpu_ms`` are the processor times of the
    longest task in each stretch."""

    live: Serving
    page: Page
    moments: Iterator[Moment]
    title: str = ""
    cpu_ms: list[float] = field(default_factory=list)

    def play(self, count: int) -> None:
        """The next ``count`` moments, until the page shows the last of them."""
        for _ in range(0, count, TRACED):
            browser = self.page.context.browser
            if browser is None:
                raise RuntimeError("Chromium has ended")
            browser.start_tracing(page=self.page, categories=["toplevel"])
            self._play(list(islice(self.moments, min(TRACED, count))))
            count -= TRACED
            self.cpu_ms.append(_longest_cpu_ms(json.loads(browser.stop_tracing())["traceEvents"]))

    def _play(self, moments: Sequence[Moment]) -> None:
        began = time.monotonic()
        for number, moment in enumerate(moments):
            time.sleep(max(0.0, began + number / REPLAY_HZ - time.monotonic()))
            self.title = f"Second {moment.state.time_s:.2f}"
            self.live.publish(moment, title=self.title)
        _wait_for_title(self.page, self.title)


def _longest_cpu_ms(trace: list[dict[str, Any]]) -> float:
    """Processor time of the longest task of a page's main thread in a trace, ms."""
    main = {
        (event["pid"], event["tid"])
        for event in trace
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    spent_us = (
        event.get("tdur", 0)
        for event in trace
        if event["name"] == _TASK and (event["pid"], event["tid"]) in main
    )
    return max(spent_us, default=0) / 1e3


def _tasks(page: Page) -> list[float]:
    """Durations of the page's long tasks so far, ms."""
    return [duration for _, duration in page.evaluate("window.longTasks")]


def _wait_for_title(page: Page, title: str) -> None:
    exactly = re.compile(f"^{re.escape(title)}$")
    page.locator("h1", has_text=exactly).wait_for(timeout=PATIENCE_S * 1e3)


def held(tools: CDPSession) -> dict[str, float]:
    """What a page holds once its garbage is collected: heap, MB (with compiled code, which comes
    with time), and numbers of JavaScript objects, of nodes and of listeners. The least of some
    looks: messages may still be on their way through it."""
    looks = []
    for _ in range(LOOKS_AT_HEAP):
        time.sleep(LOOK_EVERY_S)
        tools.send("HeapProfiler.collectGarbage")
        heap = tools.send("Runtime.getHeapUsage")
        counters = tools.send("Memory.getDOMCounters")
        looks.append(
            {
                "heap_mb": heap["usedSize"] / 1e6,
                "objects": _objects(tools),
                "nodes": counters["nodes"],
                "listeners": counters["jsEventListeners"],
            }
        )
    return min(looks, key=lambda look: look["heap_mb"])


def _objects(tools: CDPSession) -> int:
    """How many JavaScript objects are alive."""
    base = tools.send("Runtime.evaluate", {"expression": "Object.prototype"})["result"]
    found = tools.send("Runtime.queryObjects", {"prototypeObjectId": base["objectId"]})["objects"]
    count = {"functionDeclaration": "function () { return this.length; }", "returnByValue": True}
    said = tools.send("Runtime.callFunctionOn", {"objectId": found["objectId"], **count})
    for each in (found, base):
        tools.send("Runtime.releaseObject", {"objectId": each["objectId"]})
    return int(said["result"]["value"])


# -- the report ---------------------------------------------------------------------------------


def report(hour: Hour) -> dict[str, float]:
    """Seconds that the session's report takes, and its size, MB."""
    render = importlib.import_module("readroom.dashboards.report").render
    taken: list[tuple[float, float]] = []
    for _ in range(3):
        began, spent = time.perf_counter(), time.process_time()
        html: str = render(Timelines(hour.folder), hour.session, made_at=time.time())
        taken.append((time.perf_counter() - began, time.process_time() - spent))
    return {
        "seconds": statistics.median(wall for wall, _ in taken),
        "cpu_s": statistics.median(cpu for _, cpu in taken),
        "mb": len(html.encode()) / 1e6,
    }


def main() -> None:
    """Some parts alone."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--seconds", type=float, default=20, help="per measurement (default 20)")
    options = parser.parse_args()
    found = measure(options.seconds, lambda line: print(line, file=sys.stderr), options.only)
    print(json.dumps(found, indent=2))
    for left, right in rows(found):
        print(f"| {left} | {right} |")


if __name__ == "__main__":
    main()
