"""The real program under load: ``readroom run`` as a user starts it, measured at its metrics."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
from prometheus_client.parser import text_string_to_metric_families

#: How long the program may take until the first frame is through, s.
START_TIMEOUT_S = 90.0


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A running ``readroom run``: its process and the aggregator's metrics page."""

    process: subprocess.Popen[str]
    metrics_url: str

    def frames(self) -> float:
        """Frames whose results have reached the timelines so far."""
        return sum(
            value
            for name, _, value in scrape(self.metrics_url)
            if name == "readroom_frames_joined_total"
        )

    def ages(self) -> dict[float, float]:
        """Cumulative histogram of captured-to-metric: upper bound in s → frames."""
        found: dict[float, float] = {}
        for name, labels, value in scrape(self.metrics_url):
            if name == "readroom_frame_age_seconds_bucket":
                bound = float(labels["le"])
                found[bound] = found.get(bound, 0.0) + value
        return found

    def memory_mb(self) -> dict[str, float]:
        """Resident memory of each process of the program, MB, by its title."""
        found: dict[str, float] = {}
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                words = process.cmdline()
                title = " ".join(words[:3]) if "readroom:" in words[0] else process.name()
                found[f"{title} ({process.pid})"] = process.memory_info().rss / 1e6
        return found


def scrape(url: str) -> Iterator[tuple[str, Mapping[str, str], float]]:
    """Name, labels and value of every sample on a metrics page."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


@contextlib.contextmanager
def running(clip: Path, models: Path | None, data: Path, *words: str) -> Iterator[Pipeline]:
    """``readroom run`` on the clip, from its first joined frame until the block ends."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("READROOM_")}
    environment |= {"READROOM_DATA": str(data), "READROOM_HTTP__METRICS_PORT": "0"}
    environment["READROOM_PURPOSE"] = "research"  # The clip shows people.
    if models is not None:
        environment["READROOM_MODELS"] = str(models)
    command = [sys.executable, "-m", "readroom", "run", f"bench={clip}"]
    command += ["--port", "0", "--loop", "0", "--fps", "240", *words]
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
    )
    try:
        pipeline = Pipeline(process, _metrics_url(process))
        deadline = time.monotonic() + START_TIMEOUT_S
        while pipeline.frames() == 0:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no frame came through within {START_TIMEOUT_S:.0f} s")
            time.sleep(0.1)
        yield pipeline
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=15)


def _metrics_url(process: subprocess.Popen[str]) -> str:
    for line in process.stdout or ():
        if "metrics: " in line:
            return line.split("metrics: ")[1].rstrip(")\n")
    raise RuntimeError(f"readroom run ended at its start (exit code {process.wait()})")


def throughput(clip: Path, models: Path | None, data: Path, seconds: float) -> float:
    """Frames/s of the whole program, every frame analysed in full, as fast as it goes."""
    with running(clip, models, data, "--mode", "recording", "--pace", "fast") as pipeline:
        time.sleep(3)  # past the first frames, which queued up while the workers warmed up
        return _rate(pipeline, seconds)


def _rate(pipeline: Pipeline, seconds: float) -> float:
    before, started = pipeline.frames(), time.monotonic()
    time.sleep(seconds)
    after, ended = pipeline.frames(), time.monotonic()
    return (after - before) / (ended - started)


def latency(
    clip: Path, models: Path | None, data: Path, seconds: float, fps: float
) -> tuple[float, float, float]:
    """At ``fps`` live frames/s: p50 and p95 of captured-to-metric, s, and frames/s reached."""
    words = ("--mode", "live", "--fps", f"{fps:.3f}")
    with running(clip, models, data, *words) as pipeline:
        time.sleep(3)
        before, frames, started = pipeline.ages(), pipeline.frames(), time.monotonic()
        time.sleep(seconds)
        after, elapsed = pipeline.ages(), time.monotonic() - started
        rate = (pipeline.frames() - frames) / elapsed
    window = {bound: count - before.get(bound, 0.0) for bound, count in after.items()}
    return quantile(window, 0.5), quantile(window, 0.95), rate


def quantile(cumulative: Mapping[float, float], share: float) -> float:
    """A quantile of a cumulative histogram, linear within its bucket (as PromQL's
    histogram_quantile does). The last finite bound where it lies beyond."""
    bounds = sorted(cumulative)
    wanted = share * cumulative[bounds[-1]]
    lower_bound, lower_count = 0.0, 0.0
    for bound in bounds:
        count = cumulative[bound]
        if count >= wanted and bound != float("inf"):
            inside = (wanted - lower_count) / max(count - lower_count, 1e-9)
            return lower_bound + (bound - lower_bound) * inside
        if bound != float("inf"):
            lower_bound, lower_count = bound, count
    return lower_bound


def memory(
    clip: Path, models: Path | None, data: Path, seconds: float
) -> dict[str, list[tuple[float, float]]]:
    """Resident memory over time at full load: process → (s since start, MB)."""
    series: dict[str, list[tuple[float, float]]] = {}
    with running(clip, models, data, "--mode", "recording", "--pace", "fast") as pipeline:
        started = time.monotonic()
        while (elapsed := time.monotonic() - started) < seconds:
            for name, megabytes in pipeline.memory_mb().items():
                series.setdefault(name, []).append((elapsed, megabytes))
            time.sleep(2)
    return series
