"""Two cameras of a room that see the same people, through the whole program."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from tests.e2e.running import play

pytestmark = pytest.mark.slow

#: Two crops of a clip of two people (rows, columns, px): each has both in it, at other places.
VIEWS = {
    "left": (slice(0, 270), slice(0, 400)),
    "right": (slice(0, 260), slice(16, 480)),
}
LOOPS = 2


def crops(clip: Path, folder: Path) -> list[Path]:
    """Each view as a recording of its own, played twice."""
    video = cv2.VideoCapture(str(clip))
    fps = video.get(cv2.CAP_PROP_FPS)
    frames = []
    while (read := video.read())[0]:
        frames.append(read[1])
    video.release()
    made = []
    for name, (rows, columns) in VIEWS.items():
        height, width = frames[0][rows, columns].shape[:2]
        made.append(folder / f"{name}.mp4")
        writer = cv2.VideoWriter(
            str(made[-1]), cv2.VideoWriter.fourcc(*"mp4v"), fps, (width, height)
        )
        for frame in frames * LOOPS:
            writer.write(frame[rows, columns])
        writer.release()
    return made


def test_two_people_before_two_cameras_are_two_people(
    shared_videos: Path, shared_models: Path, tmp_path: Path
) -> None:
    left, right = crops(shared_videos / "head_turns_2_people.mp4", tmp_path)
    found = play(
        tmp_path / "data",
        left,
        str(right),
        models=shared_models,
        READROOM_WORKERS__ENGINES="face expression identity",
    )
    people = found.execute("SELECT cameras, merged_into FROM person").fetchall()
    assert sorted(json.loads(cameras) for cameras, _ in people) == [["left", "right"]] * 2
    assert [merged for _, merged in people] == [None, None]
    # One timeline each, four points a second.
    seconds = found.execute("SELECT max(time_s) FROM sample").fetchone()[0]
    count = found.execute("SELECT count(*) FROM sample").fetchone()[0]
    assert count == pytest.approx(2 * 4 * seconds, rel=0.1)
