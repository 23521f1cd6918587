"""``readroom analyse`` of a clip against bare loops: whether all cores are kept busy.

Two cases: every picture is analysed (``--fps`` as the clip has), and every third, as with the usual
10 frames a second of a clip with 30, where decoding weighs three times as much and is done in one
process. The bare loops do the same with the same networks, one process for each core, each decoding
the file itself: no stream, no aggregator, no store.

The ratio is that of pictures a second from the first that is analysed to the end of the session.
Starting the processes and loading the networks is a cost of its own, which doesn't depend on the
video's length, and is told beside it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import clip as clips, loops

#: Kind of bare loop, and frames a second that are analysed of the clip.
CASES: dict[str, float] = {"bare": clips.FPS, "bare-third": clips.FPS / 3}


def once(clip: Path, models: Path | None, data: Path, fps: float) -> dict[str, float]:
    """One analysis of the clip: seconds to start, seconds of analysing, frames/s meanwhile, and
    the length of the clip, s."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("READROOM_")}
    environment |= {"READROOM_DATA": str(data), "READROOM_PURPOSE": "research"}
    if models is not None:
        environment["READROOM_MODELS"] = str(models)
    command = [sys.executable, "-m", "readroom", "analyse", str(clip), "--json", "-"]
    done = subprocess.run(
        [*command, "--fps", f"{fps:.3f}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"readroom analyse ended with {done.returncode}: {done.stderr}")
    said = json.loads(done.stdout)
    return {**said["took"], "length_s": said["length_s"]}


def measure(
    clip: Path, models: Path | None, data: Path, rounds: int, seconds: float
) -> dict[str, Any]:
    """Both cases, bare loops and analysis alternating; medians over the rounds."""
    processes = os.cpu_count() or 1
    found: dict[str, Any] = {}
    for kind, fps in CASES.items():
        bare: list[float] = []
        runs: list[dict[str, float]] = []
        for _ in range(rounds):
            bare.append(loops.measure(kind, clip, models, seconds, processes))
            runs.append(once(clip, models, data, fps))
            rate, starting_s = runs[-1]["frames_per_s"], runs[-1]["starting_s"]
            print(
                f"{kind}: {bare[-1]:.1f} frames/s; analyse: {rate:.1f} frames/s after "
                f"{starting_s:.1f} s to start",
                file=sys.stderr,
                flush=True,
            )
        rates = [run["frames_per_s"] for run in runs]
        found[kind] = {
            "fps": fps,
            "bare_frames_per_s": bare,
            "analyse_frames_per_s": rates,
            "to_bare": statistics.median(a / b for a, b in zip(rates, bare, strict=True)),
            "starting_s": statistics.median(run["starting_s"] for run in runs),
            "times_real_time": statistics.median(rates) / fps,
        }
    return found


def rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Rows of the bench's table."""
    told: list[tuple[str, str]] = []
    for case in found.values():
        of = f"{case['fps']:.0f} of {clips.FPS} frames/s"
        told += [
            (
                f"**analyse ÷ bare** ({of}, goal ≥ 0.85)",
                f"**{case['to_bare']:.2f}**",
            ),
            (
                f"analyse, {of}: × real time; to start, once",
                f"{case['times_real_time']:.1f}; {case['starting_s']:.1f} s",
            ),
        ]
    return told
