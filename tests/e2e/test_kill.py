"""Kill any process at any time: a recording comes out as if nothing had happened."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import av
import pytest

from readroom.ingest.demo import DemoRoom
from tests.e2e.running import Run, play, run, store

pytestmark = pytest.mark.slow

#: Two people of the demo room for this long: enough to be killed in the middle of, s.
SECONDS = 14
FPS = 10


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of the demo room."""
    path = tmp_path_factory.mktemp("clip") / "demo.mp4"
    room = DemoRoom("left", (640, 360))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for index in range(SECONDS * FPS):
            frame = av.VideoFrame.from_ndarray(room.render(index / FPS), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def undisturbed(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> list[list[object]]:
    """What the recording says when nobody is killed."""
    with play(tmp_path_factory.mktemp("calm"), clip) as found:
        seen = outcome(found)
    frames, samples = seen[0], seen[2]
    assert frames == [(SECONDS * FPS, SECONDS * FPS - 1)]
    assert len(samples) > SECONDS, "nobody was seen: there is nothing to compare"
    return seen


def outcome(found: sqlite3.Connection) -> list[list[object]]:
    """Everything a session store says about what was seen."""
    questions = (
        "SELECT frames, last_seq FROM camera",
        "SELECT person, slot, entered_s, left_s FROM person ORDER BY person",
        "SELECT person, time_s, state, confidence, coverage, box FROM sample ORDER BY 1, 2",
        "SELECT kind, start_s, end_s, slot, state, confidence FROM event"
        " WHERE kind != 'camera' ORDER BY start_s, end_s, kind, slot",
    )
    return [found.execute(question).fetchall() for question in questions]


@pytest.mark.parametrize("victim", ["ingest", "work w1", "aggregate", "redis"])
def test_a_recording_is_exact_whoever_is_killed(
    victim: str, clip: Path, undisturbed: list[list[object]], tmp_path: Path
) -> None:
    # Real time, so that every victim dies in the middle of its work.
    with run(tmp_path, str(clip)) as running:
        running.wait_for(r"0:0[3-9] .* (people|person)")
        kill(running, victim)
        time.sleep(2)
        kill(running, victim)
        running.wait_for("the session is closed", 120)
        running.interrupt()
        assert "starting it again" in running.output
    with store(tmp_path) as found:
        assert outcome(found) == undisturbed


def kill(running: Run, victim: str) -> None:
    """SIGKILL, as the kernel's out-of-memory killer sends it."""
    title = victim if victim == "redis" else f"readroom: {victim}"
    running.child(title).kill()
