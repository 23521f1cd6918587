"""`readroom analyse` of recorded videos, as a user starts it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest

from readroom.ingest.demo import DemoRoom
from readroom.sessions.timelines import Timelines
from tests.e2e.running import ROOT
from tests.ingest.clips import cut, write_clip

pytestmark = pytest.mark.slow

SIZE, FPS = (960, 540), 5
TALK_S = 6
#: Where it doesn't matter what is read, as little as can be.
SMALL = {"READROOM_WORKERS__COUNT": "1", "READROOM_WORKERS__ENGINES": "face"}


@pytest.fixture(scope="module")
def pictures() -> list[Any]:
    """Six seconds of the demo room: Grace and another, in view all the time."""
    room = DemoRoom("left", SIZE)
    return [room.render(number / FPS) for number in range(TALK_S * FPS)]


def start(data: Path, *words: str | Path, **environment: str) -> subprocess.Popen[str]:
    variables = {
        **os.environ,
        "READROOM_DATA": str(data),
        "READROOM_PURPOSE": "research",
        "PYTHONUNBUFFERED": "1",
        **environment,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "readroom", "analyse", *map(str, words)],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def analyse(data: Path, *words: str | Path, **environment: str) -> tuple[int, str, str]:
    """Exit code, what was found, and what was said meanwhile."""
    process = start(data, *words, **environment)
    try:
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert "Traceback" not in err, err
    return process.returncode, out, err


def only_session(data: Path) -> str:
    (session,) = Timelines(data).sessions()
    assert session.state == "closed"
    assert session.recording
    return session.name


def test_a_recorded_talk_ends_in_a_session_a_summary_and_a_report(
    tmp_path: Path, pictures: list[Any]
) -> None:
    folder = tmp_path / "a tälk, 1=2"
    folder.mkdir()
    talk = write_clip(folder / "-talk [1].mp4", size=SIZE, fps=FPS, pictures=pictures)
    data, report, out = tmp_path / "data", tmp_path / "talk.html", tmp_path / "talk.json"
    code, said, err = analyse(
        data, talk, "--report", report, "--json", out, "--marker", "2.5=the plan", "--marker=99=x"
    )
    assert code == 0, err
    assert f"-talk [1].mp4: 5.8 s ({len(pictures)} pictures)" in said
    for who in ("P1", "P2"):
        assert re.search(
            rf"^{who} \(0:0\d to 0:0\d\): (looked|was) .*; face readable for", said, re.M
        )
    assert "beyond the end, and not marked: x" in said
    assert "the plan" in report.read_text()
    assert "-talk [1].mp4" in report.read_text()
    found = json.loads(out.read_text())
    assert found["session"] == only_session(data)
    assert found["frames"] == len(pictures)
    assert found["markers"] == [[2.5, "the plan"]]
    assert [person["called"] for person in found["people"]] == ["P1", "P2"]
    assert all(person["coverage"] > 0.9 for person in found["people"])
    # Of the room that was made for it, nothing is left but the session.
    assert not list(data.glob("aggregator.*")), list(data.iterdir())
    with contextlib.closing(sqlite3.connect(data / "sessions.sqlite3")) as store:
        assert store.execute("SELECT count(*) FROM checkpoint").fetchone() == (0,)


def test_two_recordings_are_cameras_of_one_meeting_also_if_one_breaks_off(
    tmp_path: Path, pictures: list[Any]
) -> None:
    left = write_clip(tmp_path / "left.mkv", size=SIZE, fps=FPS, pictures=pictures)
    right = cut(
        write_clip(tmp_path / "right.mkv", size=SIZE, fps=FPS, pictures=pictures[::-1]), 0.6
    )
    data = tmp_path / "data"
    code, said, err = analyse(data, left, right, "--json", "-", READROOM_PURPOSE="workplace")
    assert code == 0, err
    assert "2 cameras of one meeting, in step: left, cut-right" in err
    assert "recording is damaged" in err
    found = json.loads(said)  # Standard output is JSON and nothing else.
    assert found["title"] == "left.mkv, cut-right.mkv"
    assert len(pictures) < found["frames"] < 2 * len(pictures)
    assert {state for one in found["people"] for state in one["states_s"]} <= {
        "not_read",
        "not_visible",
        "too_small",
    }
    assert set(Timelines(data).frames(only_session(data))) == {"left", "cut-right"}


def test_an_hour_without_a_face_is_analysed_to_its_end(tmp_path: Path) -> None:
    times_ms = [24_000 * number for number in range(151)]
    hour = write_clip(tmp_path / "hour.mkv", size=(64, 48), times_ms=times_ms)
    code, said, err = analyse(tmp_path / "data", hour, **SMALL)
    assert code == 0, err
    assert "hour.mkv: 1 h" in said
    assert "nobody's face was found in 1 h 0 min (151 pictures)" in said


def test_ctrl_c_ends_it_and_says_what_is_stored(tmp_path: Path, pictures: list[Any]) -> None:
    small = [cv2.resize(picture, (480, 270)) for picture in pictures]
    talk = write_clip(tmp_path / "talk.mp4", size=(480, 270), fps=FPS, pictures=small * 40)
    data = tmp_path / "data"
    process = start(data, talk, "--report", tmp_path / "talk.html", **SMALL)
    assert process.stderr is not None
    assert any("people in view" in line for line in process.stderr), "it never began"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert re.search(r"stopped at [0-3]:\d\d of 4:00. Until there it is stored: session ", out)
    (session,) = Timelines(data).sessions()
    assert f"`readroom report {session.name}`" in out
    assert Timelines(data).samples(session.name)
    assert not (tmp_path / "talk.html").exists()


def test_a_face_that_turns_from_upset_to_laughing_is_told_in_this_order(
    tmp_path: Path, shared_videos: Path
) -> None:
    clip = shared_videos / "upset_to_laughing_1_person.mp4"
    report = tmp_path / "report.html"
    code, said, err = analyse(tmp_path / "data", clip, "--report", report)
    assert code == 0, err
    assert "P1 (0:00 to 0:19): looked happy for 9." in said
    timelines = Timelines(tmp_path / "data")
    ended = [
        event
        for event in timelines.events(only_session(tmp_path / "data"))
        if event.kind == "state_ended"
    ]
    named = [event for event in ended if event.state in ("sadness", "happiness")]
    assert [event.state for event in named] == ["sadness", "happiness"]
    assert named[0].start_s < 1
    assert named[1].start_s == pytest.approx(10.3, abs=0.5)
    assert report.stat().st_size > 1000
