"""What `readroom analyse` is given, as it is typed, before anything runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from readroom.aggregator.store import only_aggregator
from readroom.analysing.command import sort_out
from readroom.cli import main
from tests.ingest.clips import cut, write_clip


def refused(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """What a command that can't work says, which is one line."""
    with pytest.raises(SystemExit) as ended:
        main(["analyse", *map(str, words)])
    assert ended.value.code == 2
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1, said
    return said


def picture(path: Path) -> Path:
    Image.new("RGB", (64, 64)).save(path, "PNG")
    return path


# What is to be analysed.


def test_pictures_and_videos_are_told_apart_by_what_is_in_them(tmp_path: Path) -> None:
    photo, clip = picture(tmp_path / "x.mp4"), write_clip(tmp_path / "y.mp4")
    clip = clip.rename(tmp_path / "y.jpg")
    assert sort_out([str(photo)]) == ([photo], [])
    assert sort_out([str(clip)]) == ([], [clip])


def test_beside_pictures_what_is_called_like_one_is_a_damaged_one(tmp_path: Path) -> None:
    photo, damaged = picture(tmp_path / "x.png"), tmp_path / "y.jpg"
    damaged.write_text("no picture")
    assert sort_out([str(damaged), str(photo)]) == ([photo, damaged], [])


def test_pictures_and_videos_together_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = write_clip(tmp_path / "y.mp4")
    said = refused(capsys, picture(tmp_path / "x.png"), clip)
    assert "x.png is a picture" in said
    assert "one after the other" in said


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path, "no such file"),
        (lambda path: path.touch() or path, "is empty (0 bytes)"),
        (lambda path: path.write_bytes(b"not a video\n" * 50) and path, "not a video"),
        (lambda path: path.write_bytes(b"\0" * 5000) and path, "not a video"),
        (lambda path: cut(write_clip(path), 0.5), "not a video"),
        (lambda path: path.mkdir() or path, "no pictures in this folder"),
        (lambda path: path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(99)) and path, "save it as"),
    ],
)
def test_what_is_no_video_is_one_line_and_exit_code_2(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Path], Path],
    says: str,
) -> None:
    monkeypatch.setenv("READROOM_PURPOSE", "research")
    path = make(tmp_path / "a tälk [1].mp4")
    said = refused(capsys, path)
    assert says in said
    assert str(path) in said


def test_a_camera_isnt_analysed(capsys: pytest.CaptureFixture[str]) -> None:
    assert "`readroom run`" in refused(capsys, "/dev/null")


def test_a_file_that_may_not_be_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    monkeypatch.setenv("READROOM_PURPOSE", "research")
    clip = write_clip(tmp_path / "x.mp4")
    clip.chmod(0)
    assert "x.mp4: can't be read (Permission denied)" in refused(capsys, clip)


def test_a_name_that_isnt_utf_8_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"t\xe4lk.mp4")
    with open(path, "wb") as file:
        file.write(b"x")
    assert "isn't UTF-8" in refused(capsys, os.fsdecode(path))


def test_a_name_that_begins_with_a_dash_is_a_file_behind_two_dashes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "-talk.mp4: no such file" in refused(capsys, "--", "-talk.mp4")


def test_without_a_terminal_to_ask_at_nothing_is_read_without_a_purpose(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (write_clip(tmp_path / "x.mp4"), picture(tmp_path / "x.png")):
        assert "READROOM_PURPOSE" in refused(capsys, path)


# What is to be written.


@pytest.mark.parametrize("option", ["--report=r.html", "--pdf=r.pdf", "--title=x", "--fps=5"])
def test_options_of_videos_are_refused_for_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    said = refused(capsys, picture(tmp_path / "x.png"), option)
    assert option.partition("=")[0] in said
    assert "pictures" in said


def test_annotated_copies_are_refused_for_videos(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "--annotate" in refused(capsys, write_clip(tmp_path / "x.mp4"), "--annotate", tmp_path)


@pytest.mark.parametrize("marker", ["pricing", "12", "x=pricing", "-1=pricing", "12= "])
def test_a_marker_is_a_time_and_a_label(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], marker: str
) -> None:
    clip = write_clip(tmp_path / "x.mp4")
    assert "SECONDS=LABEL" in refused(capsys, clip, f"--marker={marker}")


def test_a_room_that_runs_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READROOM_PURPOSE", "research")
    data = tmp_path / "data"
    data.mkdir()
    with only_aggregator(data, "boardroom"):
        said = refused(capsys, write_clip(tmp_path / "x.mp4"), "--room", "boardroom")
    assert "room=boardroom" in said
    assert "stop it, or name another room" in said
