"""What the aggregator costs, how soon it tells what it was told, and whether it grows.

Three parts, all fed by a made-up audience (benchmarks/crowd.py) of which two lanes say ten times a
second what they see:

- **rooms**: the pure core on simulated time, without Redis and disk; rooms of several sizes in
  turn, so that their ratio holds on any machine. A room has 32 slots: 50 people are two rooms of
  25. What one room does with 50 before its camera (18 of them without a slot) stands beside it.
- **processes**: the box as users start it, against a real Redis, in real time: processor time,
  time from the last lane's word on a frame until it is told, time of a scrape of /metrics. Beside
  it runs a bare reader of the same stream, which says at once that it has read a frame: how long
  that takes is the machine's part in the times, and on a busy machine most of them.
- **hours**: the pure core on simulated time, with people who come and go.

``python -m benchmarks.aggregator --profile 12`` says where the time goes.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import gc
import json
import os
import pstats
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil
import redis
from prometheus_client import CollectorRegistry, generate_latest

from benchmarks.crowd import CAMERA_FPS, LANES, Crowd
from benchmarks.pipeline import quantile, scrape
from readroom.aggregator.gauges import Gauges
from readroom.aggregator.process import rules_of
from readroom.aggregator.room import Room
from readroom.messages import MAJOR, CameraReport, Event, Observation, RoomState, decode, encode
from readroom.metrics import AggregatorMetrics
from readroom.redis_server import socket_path, start
from readroom.settings import Settings
from readroom.streams import Keys, add

#: Frames a second that the lanes say something of.
FPS: Final = 10
#: How often room states and checkpoints are made, per second (the settings' defaults).
PUBLISH_HZ, COMMIT_HZ = 4, 2
#: Audiences whose cost is compared: people by room.
AUDIENCES: Final[dict[str, tuple[int, ...]]] = {
    "12": (12,),
    "32": (32,),
    "25 + 25": (25, 25),
    "50 (18 of them without a slot)": (50,),
}
#: The last minute of everybody has to be full before anything is measured, s.
FILL_S: Final = 65
#: Messages that wait in a stream at most while it is filled.
BACKLOG: Final = 400
#: The stream of the bare reader.
BARE: Final = "bare"
#: Seconds of a room's time by turns, and turns.
TURN_S, TURNS = 5, 3
#: Times that a page of metrics is written.
PAGES: Final = 50
#: A room's start, Unix s: simulated time begins here.
START_AT: Final = 1.8e9
#: Frames a second in the simulated hours, but for the minute before each figure: what grows with
#: time does so at any rate.
HOURS_FPS: Final = 2
_KIND: Final = Observation | CameraReport
_VERSION: Final = b"%d" % MAJOR
#: The field of a stream entry that holds the message (readroom.streams).
_BODY: Final = b"m"


def measure(seconds: float, hours: float, say: Callable[[str], None]) -> dict[str, Any]:
    """All three parts; ``say`` is told what is being done."""
    say("aggregator: rooms on simulated time")
    found: dict[str, Any] = {"rooms": rooms(), "processes": {}}
    for name in ("12", "32", "25 + 25"):
        say(f"aggregator: {name} people in real time, {seconds:.0f} s")
        found["processes"][name] = process(AUDIENCES[name], seconds)
    say(f"aggregator: {hours:.0f} simulated hours")
    found["hours"] = simulated_hours(hours)
    return found


def rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures as rows of the table."""
    told = _room_rows(found["rooms"])
    for name, box in found["processes"].items():
        told += _process_rows(name, box)
    return told + _hour_rows(found["hours"])


def _room_rows(costs: dict[str, Any]) -> list[tuple[str, str]]:
    told = []
    least = costs["12"]["ms_a_s"] / costs["12"]["people"]
    for name, cost in costs.items():
        goal = " (goal about 1)" if name in ("32", "25 + 25") else ""
        told.append(
            (
                f"aggregator, pure core, {name} people: CPU a second of the room",
                f"{cost['ms_a_s']:.0f} ms ({_parts(cost['parts'])}); "
                f"a person ÷ at 12: **{cost['ms_a_s'] / cost['people'] / least:.2f}**{goal}",
            )
        )
    told += [
        (f"/metrics of {name} people, CPU (goal ≤ 10)", f"**{costs[name]['page_ms']:.1f} ms**")
        for name in ("12", "32")
        if name in costs
    ]
    return told


def _process_rows(name: str, box: dict[str, Any]) -> list[tuple[str, str]]:
    goal = " (goal ≤ 15)" if name == "12" else ""
    return [
        (
            f"aggregator, process, {name} people × {FPS} observations/s",
            f"**{100 * box['core']:.1f} % of a core**{goal}, {box['rss_mb']:.0f} MB",
        ),
        (
            "last lane's word on a frame → in the metrics, p50 / p95 (goal ≤ 60)",
            f"{_ms(box['frame_p50_s'])} / **{_ms(box['frame_p95_s'])} ms**",
        ),
        (
            "→ an event that the frame brought is on its stream, p50 / p95 (goal ≤ 60)",
            f"{_ms(box['event_p50_s'])} / **{_ms(box['event_p95_s'])} ms** ({box['events']})",
        ),
        (
            "beside it: → a bare reader has said so on a stream, p50 / p95",
            f"{_ms(box['bare_p50_s'])} / {_ms(box['bare_p95_s'])} ms",
        ),
        (
            f"→ a room state that holds it ({PUBLISH_HZ} a second) is on its stream, p50 / p95",
            f"{_ms(box['state_p50_s'])} / {_ms(box['state_p95_s'])} ms",
        ),
        (
            "a scrape of /metrics meanwhile, p50 / p95",
            f"{box['scrape_p50_ms']:.1f} / {box['scrape_p95_ms']:.1f} ms",
        ),
    ]


def _hour_rows(hours: list[dict[str, float]]) -> list[tuple[str, str]]:
    if not hours:
        return []
    early, late = hours[0], hours[-1]
    span = f"hour {early['hour']:.0f} → {late['hour']:.0f}"
    return [
        (
            f"aggregator, {span}, 12 seats, people came {late['entered']:.0f} times: checkpoint",
            f"{early['checkpoint_kb']:.0f} → {late['checkpoint_kb']:.0f} kB",
        ),
        (
            f"{span}: memory blocks in use, late ÷ early (goal ≤ 1.05)",
            f"**{late['blocks'] / early['blocks']:.2f}**; "
            f"resident {early['rss_mb']:.0f} → {late['rss_mb']:.0f} MB",
        ),
    ]


def _parts(parts: dict[str, float]) -> str:
    return ", ".join(f"{name} {ms:.0f}" for name, ms in parts.items())


def _ms(seconds: float | None) -> str:
    return "–" if seconds is None else f"{1e3 * seconds:.0f}"


# -- the pure core ----------------------------------------------------------------------------


class Driven:
    """A room on simulated time, fed by a crowd of its own. ``parts`` adds up processor time, s:
    ``decode`` the messages, ``room`` (taking them in and letting time pass), ``tell`` (states and
    events, encoded), ``keep`` (checkpoints, encoded). ``entered`` counts people's coming."""

    def __init__(self, people: int, *, seed: int = 0, comes_and_goes: bool = False) -> None:
        settings = Settings(room="bench", purpose="research", lanes=LANES)
        self.people = people
        self.room = Room(rules_of(settings))
        self.parts = dict.fromkeys(("decode", "room", "tell", "keep"), 0.0)
        self.checkpoint = b""
        self.entered = 0
        self._crowd = Crowd(people, seed=seed, comes_and_goes=comes_and_goes)
        self._seq = 0
        self._told = self._kept = 0

    def make(self, seconds: float, fps: float = FPS) -> list[tuple[float, list[bytes]]]:
        """The next ``seconds`` of messages: when each frame was captured, and its bodies."""
        made = []
        for _ in range(round(seconds * fps)):
            previous, self._seq = self._seq, self._seq + round(CAMERA_FPS / fps)
            at = START_AT + self._seq / CAMERA_FPS
            said = self._crowd.observe(self._seq, previous, captured_at=at)
            made.append((at, [encode(message) for message in said]))
        return made

    def take(self, made: Sequence[tuple[float, list[bytes]]]) -> None:
        """Take the messages in as the box does, each when it was captured."""
        clock = time.process_time
        for at, bodies in made:
            t0 = clock()
            messages: list[Any] = [decode(body, _VERSION, _KIND) for body in bodies]
            t1 = clock()
            for message in messages:
                self.room.take(message, at)
            self.room.tick(at)
            changes = self.room.drain()
            t2 = clock()
            for event in changes.events:
                self.entered += event.kind == "person_entered"
                encode(event)
            if self._due(at, PUBLISH_HZ, self._told):
                self._told = int(at * PUBLISH_HZ)
                encode(self.room.state(at, at))
            t3 = clock()
            if self._due(at, COMMIT_HZ, self._kept):
                self._kept = int(at * COMMIT_HZ)
                self.checkpoint = encode(self.room.checkpoint())
            t4 = clock()
            for name, spent_s in zip(self.parts, (t1 - t0, t2 - t1, t3 - t2, t4 - t3), strict=True):
                self.parts[name] += spent_s

    @staticmethod
    def _due(at: float, hz: int, last: int) -> bool:
        return int(at * hz) > last


def rooms() -> dict[str, Any]:
    """By audience: milliseconds of processor time per second of the room, all and by part, the
    median of turns in which the audiences take their time one after another."""
    audiences = {
        name: [Driven(people, seed=seed) for seed, people in enumerate(sizes)]
        for name, sizes in AUDIENCES.items()
    }
    for driven in (one for several in audiences.values() for one in several):
        driven.take(driven.make(FILL_S))
    spent: dict[str, list[dict[str, float]]] = {name: [] for name in audiences}
    for _ in range(TURNS):
        for name, several in audiences.items():
            spent[name].append(_turn(several))
    found = {}
    for name, turns in spent.items():
        parts = {part: statistics.median(turn[part] for turn in turns) for part in turns[0]}
        whole = statistics.median(sum(turn.values()) for turn in turns)
        found[name] = {
            "people": sum(AUDIENCES[name]),
            "ms_a_s": whole,
            "parts": parts,
            "page_ms": max(_page_ms(driven.room) for driven in audiences[name]),
        }
    return found


def _page_ms(room: Room) -> float:
    """Milliseconds of processor time that a room's /metrics takes to be written."""
    registry = CollectorRegistry()
    metrics = AggregatorMetrics(registry, "bench")
    Gauges(metrics, "bench").show(room.state(START_AT, START_AT))
    began = time.process_time()
    for _ in range(PAGES):
        generate_latest(registry)
    return (time.process_time() - began) / PAGES * 1e3


def _turn(several: list[Driven]) -> dict[str, float]:
    """Milliseconds of each part per second of the rooms' time."""
    spent: dict[str, float] = {}
    for driven in several:
        made, before = driven.make(TURN_S), dict(driven.parts)
        driven.take(made)
        for part, total_s in driven.parts.items():
            spent[part] = spent.get(part, 0.0) + (total_s - before[part]) / TURN_S * 1e3
    return spent


def profile(people: int, seconds: float, lines: int) -> None:
    """Print where the pure core's time goes."""
    driven = Driven(people)
    driven.take(driven.make(FILL_S))
    made = driven.make(seconds)
    profiler = cProfile.Profile()
    profiler.runcall(driven.take, made)
    for order in ("cumulative", "tottime"):
        pstats.Stats(profiler).sort_stats(order).print_stats(lines)


# -- hours ------------------------------------------------------------------------------------


def simulated_hours(hours: float) -> list[dict[str, float]]:
    """Figures at the end of every hour, of a process of its own; the first hour is the first."""
    command = [sys.executable, "-m", "benchmarks.aggregator", "--hours", str(hours)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    if said.returncode != 0:
        raise RuntimeError(f"the simulated hours failed: {said.stderr.strip()[-2000:]}")
    return [json.loads(line) for line in said.stdout.splitlines()]


def live_hours(hours: float) -> Iterator[dict[str, float]]:
    """Let hours pass in this process; at the end of each: the size of the checkpoint, blocks of
    memory in use (sys.getallocatedblocks), resident memory, and how often people have come."""
    driven = Driven(12, comes_and_goes=True)
    for hour in range(1, max(1, round(hours)) + 1):
        for _ in range(59):
            driven.take(driven.make(60, HOURS_FPS))
        driven.take(driven.make(60))
        gc.collect()
        yield {
            "hour": hour,
            "checkpoint_kb": len(driven.checkpoint) / 1e3,
            "blocks": sys.getallocatedblocks(),
            "rss_mb": psutil.Process().memory_info().rss / 1e6,
            "entered": driven.entered,
        }


# -- processes --------------------------------------------------------------------------------


@dataclass(slots=True)
class Fed:
    """A room that is fed in real time: its crowd, keys, process, and when each frame was sent."""

    name: str
    crowd: Crowd
    keys: Keys
    box: subprocess.Popen[bytes]
    metrics_url: str
    seq: int = 0
    sent: list[float] = field(default_factory=list)

    def send(self, client: redis.Redis, captured_at: float) -> None:
        """Every lane's word on the next frame."""
        previous, self.seq = self.seq, self.seq + CAMERA_FPS // FPS
        said = self.crowd.observe(self.seq, previous, room=self.name, captured_at=captured_at)
        for message in said:
            add(client, self.keys.observations, message)


def process(sizes: Sequence[int], seconds: float) -> dict[str, Any]:
    """One aggregator for each room of ``sizes``, for ``seconds`` after everybody's last minute is
    full. Shares of a core are of all of them together; times are those of all."""
    with tempfile.TemporaryDirectory(prefix="rr-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        server = start(folder, 512)
        stack.callback(server.wait)
        stack.callback(server.kill)
        client = stack.enter_context(
            redis.Redis(unix_socket_path=str(socket_path(folder)), protocol=2)
        )
        fed = [
            stack.enter_context(_running(folder, f"bench{number}", people, seed=number))
            for number, people in enumerate(sizes)
        ]
        _fill(fed, client)
        stack.enter_context(_bare(folder, fed[0].keys))
        return _watch(fed, client, seconds)


@contextlib.contextmanager
def _running(folder: Path, room: str, people: int, seed: int) -> Iterator[Fed]:
    port = _free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("READROOM_")}
    environment |= {
        "READROOM_REDIS__URL": f"unix://{socket_path(folder)}",
        "READROOM_DATA": str(folder / room),
        "READROOM_LANES": " ".join(LANES),
        "READROOM_PURPOSE": "research",
        "READROOM_HTTP__METRICS_PORT": str(port),
        "READROOM_LOG_LEVEL": "warning",
    }
    command = [sys.executable, "-m", "readroom", "aggregate", "--room", room]
    box = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}/metrics"
        _wait_until_ready(box, url.replace("/metrics", "/readyz"))
        yield Fed(room, Crowd(people, seed=seed), Keys(room), box, url)
    finally:
        box.send_signal(signal.SIGTERM)
        box.wait(15)


@contextlib.contextmanager
def _bare(folder: Path, keys: Keys) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.aggregator", "--bare"]
    with subprocess.Popen([*command, str(socket_path(folder)), keys.observations]) as reader:
        time.sleep(1)
        try:
            yield
        finally:
            reader.kill()


def bare_reader(path: str, key: str) -> None:
    """Say of every last lane's word on a frame that it has been read: the frame's capture, on a
    stream of its own."""
    with redis.Redis(unix_socket_path=path, protocol=2) as client:
        position = b"$"
        while True:
            answer: Any = client.xread({key: position}, block=1000)
            for entry_id, fields in (entry for _, entries in answer or () for entry in entries):
                position = entry_id
                said: Any = decode(fields[_BODY], _VERSION, _KIND)
                if isinstance(said, Observation) and said.lane == LANES[-1]:
                    client.xadd(BARE, {_BODY: repr(said.captured_at)})


def _wait_until_ready(box: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        if box.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the aggregator doesn't start; see what it said above")
        time.sleep(0.1)


def _fill(fed: list[Fed], client: redis.Redis) -> None:
    """Fill everybody's last minute with frames of the past, as fast as they are taken in."""
    for one in fed:
        begin = time.time() - FILL_S - 30
        for number in range(FILL_S * FPS):
            one.send(client, begin + number / FPS)
            while client.xlen(one.keys.observations) > BACKLOG:
                time.sleep(0.05)
    deadline = time.monotonic() + 60
    # Trimmed once a second, as far as everything is on disk.
    while any(client.xlen(one.keys.observations) > 2 * len(LANES) for one in fed):
        if time.monotonic() > deadline:
            raise RuntimeError("the aggregator doesn't take in what it is sent")
        time.sleep(0.05)


def _watch(fed: list[Fed], client: redis.Redis, seconds: float) -> dict[str, Any]:
    boxes = [psutil.Process(one.box.pid) for one in fed]
    ages = [_ages(one.metrics_url) for one in fed]
    spent_s = _spent_s(boxes)
    scrapes: list[float] = []
    began, frames = time.monotonic(), round(seconds * FPS)
    for number in range(frames):
        time.sleep(max(0.0, began + number / FPS - time.monotonic()))
        for one in fed:
            now = time.time()
            one.send(client, now)
            one.sent.append(now)
        if number % 5 == 2:  # Somewhere between two frames, never at the same place.
            time.sleep(0.013 * (number // 5 % 5))
            scrapes.append(_scrape_ms(fed[number // 5 % len(fed)].metrics_url))
    elapsed_s = time.monotonic() - began
    time.sleep(0.3)
    core = (_spent_s(boxes) - spent_s) / elapsed_s
    window: dict[float, float] = {}
    for one, before in zip(fed, ages, strict=True):
        for bound, count in _ages(one.metrics_url).items():
            window[bound] = window.get(bound, 0.0) + count - before.get(bound, 0.0)
    states = [age for one in fed for age in _state_ages(client, one)]
    events = [age for one in fed for age in _event_ages(client, one)]
    bare = [at - float(body) for at, body in _entries(client, BARE, fed[0].sent[0])]
    return {
        "core": core,
        "rss_mb": sum(box.memory_info().rss for box in boxes) / 1e6,
        "frames": sum(len(one.sent) for one in fed),
        "frame_p50_s": quantile(window, 0.5),
        "frame_p95_s": quantile(window, 0.95),
        "events": len(events),
        "event_p50_s": _of(events, 0.5),
        "event_p95_s": _of(events, 0.95),
        "bare_p50_s": _of(bare, 0.5),
        "bare_p95_s": _of(bare, 0.95),
        "state_p50_s": _of(states, 0.5),
        "state_p95_s": _of(states, 0.95),
        "scrape_p50_ms": _of(scrapes, 0.5),
        "scrape_p95_ms": _of(scrapes, 0.95),
    }


def _spent_s(boxes: list[psutil.Process]) -> float:
    return sum(float(sum(box.cpu_times()[:2])) for box in boxes)


def _ages(url: str) -> dict[float, float]:
    """Cumulative histogram of the frames' ages when they were in the metrics: bound in s → frames.
    A frame's capture is the moment at which its observations were sent."""
    return {
        float(labels["le"]): value
        for name, labels, value in scrape(url)
        if name == "readroom_frame_age_seconds_bucket"
    }


def _scrape_ms(url: str) -> float:
    began = time.perf_counter()
    with urllib.request.urlopen(url, timeout=10) as answer:
        answer.read()
    return (time.perf_counter() - began) * 1e3


def _event_ages(client: redis.Redis, fed: Fed) -> list[float]:
    """Of every state that ended with a frame: from when that frame was sent until the event was on
    its stream, s."""
    started_at = _started_at(client, fed)
    found = []
    for at, body in _entries(client, fed.keys.events, fed.sent[0]):
        event: Event = decode(body, _VERSION, Event)
        ended_at = started_at + event.end_s
        sent = min(fed.sent, key=lambda sent: abs(sent - ended_at))
        if event.kind == "state_ended" and abs(sent - ended_at) < 1e-3:
            found.append(at - sent)
    return found


def _state_ages(client: redis.Redis, fed: Fed) -> list[float]:
    """Of every frame: from when it was sent until a state that holds it was on its stream, s."""
    states: list[tuple[float, float]] = []
    for at, body in _entries(client, fed.keys.people, fed.sent[0]):
        state: RoomState = decode(body, _VERSION, RoomState)
        states.append((state.started_at + state.time_s, at))
    firsts = (next((at for until, at in states if until > sent - 1e-3), None) for sent in fed.sent)
    return [at - sent for at, sent in zip(firsts, fed.sent, strict=True) if at is not None]


def _started_at(client: redis.Redis, fed: Fed) -> float:
    (_, body) = list(_entries(client, fed.keys.people, fed.sent[0]))[-1]
    state: RoomState = decode(body, _VERSION, RoomState)
    return state.started_at


def _entries(client: redis.Redis, key: str, since: float) -> Iterator[tuple[float, bytes]]:
    """What was put on a stream since then: when (Unix s, to a millisecond), and the body."""
    found: Any = client.xrange(key, min=f"{int(since * 1e3)}")
    for entry_id, fields in found:
        yield int(entry_id.split(b"-")[0]) / 1e3, fields[_BODY]


def _of(values: list[float], share: float) -> float | None:
    """A quantile by rank; None of nothing."""
    if not values:
        return None
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def main() -> None:
    """One part alone."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.aggregator")
    parser.add_argument("--profile", type=int, metavar="PEOPLE", help="where the time goes")
    parser.add_argument("--seconds", type=float, default=20, help="of the profile (default 20)")
    parser.add_argument("--lines", type=int, default=45, help="of the profile (default 45)")
    parser.add_argument("--bare", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--hours", type=float, help="a line of JSON for every simulated hour")
    options = parser.parse_args()
    if options.bare:
        bare_reader(*options.bare)
    if options.profile:
        profile(options.profile, options.seconds, options.lines)
    if options.hours:
        for found in live_hours(options.hours):
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
