"""``make bench``: what runs, how fast against what, how much memory. A table and a JSON file.

Absolute times mean little on a shared machine: every figure that is judged is a ratio of two
things measured in the same run, alternating, and the median of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import (
    aggregator,
    analyse,
    clip as clips,
    history,
    loops,
    networks,
    page,
    pipeline,
    transport,
)
from readroom.models.choice import available
from readroom.settings import load_settings

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Run the benchmarks that are asked for and print the table."""
    options = _options()
    os.chdir(ROOT)
    folder: Path = options.out
    folder.mkdir(parents=True, exist_ok=True)
    clip, what = clips.make_clip(folder)
    models = _models()
    result: dict[str, Any] = {
        "at": time.strftime("%Y-%m-%d %H:%M"),
        "machine": _machine(),
        "input": what,
        "networks": _networks(),
        "rounds": options.rounds,
        "seconds_a_round": options.seconds,
    }
    _say(f"{what}; {result['networks']}; {result['machine']}")
    if not options.only or "speed" in options.only:
        result |= _speed(clip, models, folder, options.rounds, options.seconds)
    if not options.only or "transport" in options.only:
        result["transport"] = transport.measure()
    if not options.only or "networks" in options.only:
        result["networks_ms"] = networks.measure(models)
    if not options.only or "aggregator" in options.only:
        result["aggregator"] = aggregator.measure(options.seconds, options.hours, _say)
    if not options.only or "page" in options.only:
        result["page"] = page.measure(max(20.0, options.seconds), _say)
    if not options.only or "analyse" in options.only:
        rounds = min(options.rounds, 3)
        result["analyse"] = analyse.measure(clip, models, folder, rounds, options.seconds)
    if not options.only or "memory" in options.only:
        result["memory"] = _memory(clip, models, folder, options.minutes * 60)
    (folder / "bench.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    print(table(result))
    _say(f"written to {folder / 'bench.json'}")
    if options.record:
        history.add(ROOT / history.PAGE, options.record, result)
        _say(f"a row added to {history.PAGE}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="alternations (default 5)")
    parser.add_argument("--seconds", type=float, default=12, help="per measurement (default 12)")
    parser.add_argument("--minutes", type=float, default=10, help="memory test (default 10)")
    parser.add_argument(
        "--hours", type=float, default=8, help="simulated, of the aggregator (default 8)"
    )
    parser.add_argument(
        "--only",
        nargs="*",
        choices=("speed", "transport", "networks", "aggregator", "analyse", "page", "memory"),
    )
    parser.add_argument(
        "--record", metavar="WHAT", help=f"what changed: adds a row to {history.PAGE}"
    )
    parser.add_argument("--out", type=Path, default=ROOT / ".out", help="folder for files")
    return parser.parse_args()


def _models() -> Path | None:
    """The folder of networks: named in the environment, or beside the checkout."""
    named = os.environ.get("READROOM_MODELS")
    folder = Path(named).resolve() if named else ROOT.parent / "shared" / "models"
    return folder if folder.is_dir() else None


def _networks() -> str:
    """The networks that workers with default settings run here."""
    chosen = [choice for choice in available(load_settings()) if choice.task != "people"]
    return ", ".join(choice.model or f"no {choice.engine}" for choice in chosen)


def _machine() -> str:
    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), name)
    return f"{os.cpu_count()} cores, {name}, Python {platform.python_version()}"


def _speed(
    clip: Path, models: Path | None, data: Path, rounds: int, seconds: float
) -> dict[str, Any]:
    processes = os.cpu_count() or 1
    rates: dict[str, list[float]] = {
        name: [] for name in ("bare", "pipeline", "prototype", "prototype-1.1")
    }
    for number in range(1, rounds + 1):
        rates["bare"].append(loops.measure("bare", clip, models, seconds, processes))
        rates["pipeline"].append(pipeline.throughput(clip, models, data, seconds))
        for name in ("prototype", "prototype-1.1"):
            rates[name].append(loops.measure(name, clip, models, seconds, 1))
        shown = ", ".join(f"{name} {values[-1]:.1f}" for name, values in rates.items())
        _say(f"round {number} of {rounds}: {shown} frames/s")
    median = {name: statistics.median(values) for name, values in rates.items()}
    ratios = [p / b for p, b in zip(rates["pipeline"], rates["bare"], strict=True)]
    frame_s = processes / median["bare"]
    half = median["pipeline"] / 2
    p50_s, p95_s, reached = pipeline.latency(clip, models, data, max(20.0, seconds), half)
    if reached < 0.9 * half:
        _say(f"half load would be {half:.1f} frames/s; the clip gives {reached:.1f} only")
    return {
        "frames_per_s": rates,
        "median_frames_per_s": median,
        "pipeline_to_bare": statistics.median(ratios),
        "pipeline_to_prototype": median["pipeline"] / median["prototype"],
        "pipeline_to_prototype_1.1": median["pipeline"] / median["prototype-1.1"],
        "latency": {
            "fps": reached,
            "p50_s": p50_s,
            "p95_s": p95_s,
            "bare_frame_s": frame_s,
            "p95_in_bare_frames": p95_s / frame_s,
        },
    }


def _memory(clip: Path, models: Path | None, data: Path, seconds: float) -> dict[str, Any]:
    _say(f"memory at full load, {seconds / 60:.0f} minutes")
    series = pipeline.memory(clip, models, data, seconds)
    found: dict[str, Any] = {}
    for name, points in series.items():
        if points[-1][0] - points[0][0] < seconds / 2:
            continue
        middle = [mb for at, mb in points if seconds * 0.2 <= at < seconds * 0.4]
        end = [mb for at, mb in points if at >= seconds * 0.8]
        found[name] = {
            "peak_mb": max(mb for _, mb in points),
            "early_mb": statistics.median(middle),
            "late_mb": statistics.median(end),
        }
    return found


def table(result: dict[str, Any]) -> str:
    """The results as a Markdown table."""
    rows = [("what", "figure"), ("---", "---")]
    if "median_frames_per_s" in result:
        median, latency = result["median_frames_per_s"], result["latency"]
        rows += [
            ("bare loops, frames/s", f"{median['bare']:.1f}"),
            ("pipeline, frames/s", f"{median['pipeline']:.1f}"),
            ("**pipeline ÷ bare** (goal ≥ 0.80)", f"**{result['pipeline_to_bare']:.2f}**"),
            ("first prototypes' loop (Haar 1.3), frames/s", f"{median['prototype']:.1f}"),
            ("pipeline ÷ prototype (goal ≥ 3)", f"**{result['pipeline_to_prototype']:.2f}**"),
            ("first prototypes' loop (Haar 1.1), frames/s", f"{median['prototype-1.1']:.1f}"),
            ("pipeline ÷ prototype, Haar 1.1", f"{result['pipeline_to_prototype_1.1']:.2f}"),
            (
                f"captured-to-metric at {latency['fps']:.1f} frames/s, p50 / p95",
                f"{latency['p50_s'] * 1e3:.0f} / {latency['p95_s'] * 1e3:.0f} ms",
            ),
            (
                "p95 ÷ bare loop's time per frame (goal ≤ 3)",
                f"**{latency['p95_in_bare_frames']:.2f}**",
            ),
        ]
    if "transport" in result:
        cost = result["transport"]
        rows.append(
            (
                "720p frame, ingest to worker: JPEG / shared memory, CPU",
                f"{cost['jpeg_ms']:.1f} / {cost['shared_ms']:.1f} ms",
            )
        )
    for name, cost in result.get("networks_ms", {}).items():
        figure = ", ".join(f"{kind} {ms:.1f}" for kind, ms in cost.items())
        rows.append((f"{name}, ms an item (threads/batch)", figure))
    if "aggregator" in result:
        rows += aggregator.rows(result["aggregator"])
    if "page" in result:
        rows += page.rows(result["page"])
    rows += analyse.rows(result.get("analyse", {}))
    for name, memory in result.get("memory", {}).items():
        limit = " (goal ≤ 200)" if "ingest" in name or "aggregate" in name else ""
        figure = (
            f"{memory['peak_mb']:.0f} MB peak{limit}, late ÷ early "
            f"{memory['late_mb'] / memory['early_mb']:.2f} (goal ≤ 1.05)"
        )
        rows.append((f"memory: {name}", figure))
    body = "\n".join(f"| {left} | {right} |" for left, right in rows)
    return f"\n{result['machine']}; {result['input']}; {result['at']}\n\n{body}\n"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
