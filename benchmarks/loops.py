"""What the program is compared with: plain loops, each a process that decodes the file itself.

``bare``: the same networks through the same engine code, no stream, no aggregator; as many
processes as the program has workers. ``bare-third``: the same of every third frame.
``prototype``: how the first versions of this idea worked,
one loop, Haar cascade and mini-Xception on 720p frames, OpenCV's default threads.

Run as ``python -m benchmarks.loops KIND CLIP``: prints ``ready`` once loaded, measures for as
many seconds as it reads from standard input, prints frames and seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import cv2.data
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Step = Callable[[Picture], None]

#: Frames that pass before the clock starts: allocations, caches.
WARM_UP_FRAMES = 5


def decoded(clip: Path, every: int = 1) -> Iterator[Picture]:
    """Every n-th of the clip's frames as uint8 BGR, for ever."""
    while True:
        with av.open(str(clip)) as container:
            container.streams.video[0].thread_count = 1
            for number, frame in enumerate(container.decode(video=0)):
                if number % every:
                    continue
                yield frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)


def bare_step() -> Step:
    """Every engine on every frame, as a worker runs them."""
    cv2.setNumThreads(1)
    from readroom.settings import load_settings  # noqa: PLC0415 - only this kind needs it
    from readroom.workers.assembly import assemble  # noqa: PLC0415

    analyser = assemble(load_settings()).analyser

    def step(picture: Picture) -> None:
        analyser.analyse([picture])

    return step


def prototype_step(scale: float) -> Step:
    """Haar (``scale``, minNeighbors 5) and mini-Xception on each face."""
    import onnxruntime  # noqa: PLC0415 - only this kind needs it

    haar = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    folder = os.environ.get("READROOM_MODELS")
    network = Path(folder, "mini_xception_fer2013.onnx") if folder else None
    session = (
        onnxruntime.InferenceSession(str(network), providers=["CPUExecutionProvider"])
        if network is not None and network.is_file()
        else None
    )

    def step(picture: Picture) -> None:
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        for x, y, w, h in haar.detectMultiScale(grey, scale, 5):
            face = cv2.resize(grey[y : y + h, x : x + w], (64, 64)).astype(np.float32)
            if session is not None:
                feeds = {session.get_inputs()[0].name: ((face / 255 - 0.5) * 2)[None, None]}
                session.run(None, feeds)

    return step


STEPS: dict[str, Callable[[], Step]] = {
    "bare": bare_step,
    "bare-third": bare_step,
    "prototype": lambda: prototype_step(1.3),
    "prototype-1.1": lambda: prototype_step(1.1),
}


def measure(kind: str, clip: Path, models: Path | None, seconds: float, processes: int) -> float:
    """Frames/s of ``processes`` loops of that kind side by side."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("READROOM_")}
    if models is not None:
        environment["READROOM_MODELS"] = str(models)
    loops = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.loops", kind, str(clip)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    for loop in loops:
        if loop.stdout is None or loop.stdout.readline().strip() != "ready":
            raise RuntimeError(f"the {kind} loop did not start")
    for loop in loops:
        if loop.stdin is not None:
            loop.stdin.write(f"{seconds}\n")
            loop.stdin.flush()
    total = 0.0
    for loop in loops:
        frames, elapsed = loop.communicate(timeout=seconds + 60)[0].split()
        total += int(frames) / float(elapsed)
    return total


def main(kind: str, clip: Path) -> None:
    """One loop, as a process of its own."""
    every = 3 if kind == "bare-third" else 1
    step, frames = STEPS[kind](), decoded(clip, every)
    for _ in range(WARM_UP_FRAMES):
        step(next(frames))
    print("ready", flush=True)
    seconds = float(sys.stdin.readline())
    count, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds:
        step(next(frames))
        count += 1
    print(count, elapsed)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
