"""Contact sheets, with small real networks that say what is known."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from rich.console import Console

pytest.importorskip("onnx", reason="needs onnx: pip install -e '.[dev]'")

from readroom.cli import main
from readroom.errors import BadSettings
from readroom.models.detection import Faces
from readroom.models.lab import sheets
from readroom.models.lab.sheets import draw_faces, draw_skeleton, files_of, run_look
from tests.models.lab.faces.photographs import painted
from tests.models.own_network import own_detector, own_pose


@pytest.fixture
def networks(tmp_path: Path) -> dict[str, Path]:
    face, pose = tmp_path / "face.onnx", tmp_path / "pose.onnx"
    face.write_bytes(own_detector())
    pose.write_bytes(own_pose())
    return {"face": face, "pose": pose}


def picture(path: Path, seed: int = 0) -> Path:
    cv2.imwrite(str(path), painted(np.random.default_rng(seed))[0])
    return path


def clip(path: Path, frames: int = 20, first: int = 0) -> Path:
    """Ever brighter frames, ten a second, the first at ``first`` tenths of a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 192, 128, "yuv420p"
        for number in range(frames):
            pixels = np.full((128, 192, 3), number * 10, np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="bgr24")
            frame.pts = first + number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_pictures_folders_and_clips_fill_pages(
    tmp_path: Path, networks: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(5):
        picture(folder / f"{number}.png", number)
    (folder / "notes.txt").write_text("no picture")
    one, moving = picture(tmp_path / "one.jpg"), clip(tmp_path / "clip.mp4")
    out = tmp_path / "out"
    pages = run_look([one, folder, moving], out, console=Console(width=200), **networks)
    # 1 + 5 pictures and 12 moments: a page of 16 and one of 2.
    assert [page.name for page in pages] == ["sheet-001.jpg", "sheet-002.jpg"]
    whole, rest = (cv2.imread(str(page)) for page in pages)
    assert whole.shape[1] == sheets.COLUMNS * sheets.TILE_PX
    assert rest.shape[1] == 2 * sheets.TILE_PX
    assert "Wrote 18 pictures on 2 contact sheets into" in capsys.readouterr().out


def test_the_moments_of_a_clip_are_spread_over_it(tmp_path: Path) -> None:
    shown = list(sheets.frames_of(clip(tmp_path / "clip.mp4"), 4))
    assert [float(one.caption.split()[1]) for one in shown] == pytest.approx(
        [0, 0.5, 1, 1.5], abs=0.11
    )
    levels = [one.picture.mean() for one in shown]
    assert levels == sorted(levels)


def test_a_clip_that_was_cut_out_of_a_longer_one_is_counted_from_its_first_frame(
    tmp_path: Path,
) -> None:
    path = clip(tmp_path / "clip.ts", first=300)
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).time > 29
    shown = list(sheets.frames_of(path, 4))
    assert [float(one.caption.split()[1]) for one in shown] == pytest.approx(
        [0, 0.5, 1, 1.5], abs=0.11
    )


def test_what_was_found_is_drawn_where_it_is_and_hidden_joints_are_not() -> None:
    canvas = np.zeros((240, 240, 3), np.uint8)
    faces = Faces(
        np.array([[20, 40, 30, 30]], np.float32),
        np.array([0.9], np.float32),
        np.full((1, 5, 2), 35, np.float32),
    )
    draw_faces(canvas, faces, 2.0)
    assert canvas[80:140, 40].any(axis=1).all()
    assert canvas[70, 70].any()
    canvas[:] = 0
    person = np.zeros((17, 3), np.float32)
    person[5], person[6], person[7] = (20, 20, 0.9), (80, 20, 0.8), (20, 80, 0.05)
    draw_skeleton(canvas, person, 2.0)
    assert canvas[40, 100].any()
    assert not canvas[60:].any()


def test_a_surer_line_is_a_stronger_one() -> None:
    drawn = []
    for score in (0.4, 1.0):
        canvas = np.zeros((100, 100, 3), np.uint8)
        person = np.zeros((17, 3), np.float32)
        person[5], person[6] = (20, 50, score), (80, 50, score)
        draw_skeleton(canvas, person, 1.0)
        drawn.append(int(canvas.sum()))
    assert drawn[1] > 1.5 * drawn[0]


def test_what_cant_be_looked_at_is_told_in_one_line(
    tmp_path: Path, networks: dict[str, Path]
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(BadSettings, match="no picture in it"):
        files_of([empty])
    with pytest.raises(BadSettings, match="no such file"):
        files_of([tmp_path / "gone.png"])
    with pytest.raises(BadSettings, match="nothing to look at"):
        run_look([], tmp_path / "out", **networks)
    for name, told in (("torn.png", "no picture that can be read"), ("notes.txt", "neither")):
        torn = tmp_path / name
        torn.write_text("not what it says")
        with pytest.raises(BadSettings, match=told):
            run_look([torn], tmp_path / "out", console=Console(quiet=True), **networks)
    empty_file = tmp_path / "empty.png"
    empty_file.touch()
    with pytest.raises(BadSettings, match=r"empty\.png: no picture .*any of the other 1\)"):
        run_look([empty_file, torn], tmp_path / "out", console=Console(quiet=True), **networks)


def test_what_cant_be_read_is_named_and_the_rest_is_looked_at(
    tmp_path: Path, networks: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    cut_off = picture(tmp_path / "1.jpg")
    cut_off.write_bytes(cut_off.read_bytes()[:-100])
    (tmp_path / "2.mp4").write_text("no clip")
    files = [cut_off, tmp_path / "2.mp4", picture(tmp_path / "3.png"), picture(tmp_path / "4.png")]
    options = [part for name, path in networks.items() for part in (f"--{name}", str(path))]
    with pytest.raises(SystemExit) as ended:
        main(["lab", "look", *map(str, files), "--out", str(tmp_path / "out"), *options])
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert f"{cut_off}: no picture that can be read, or not all of it" in said.out
    assert "2.mp4: neither a picture nor a clip" in said.out
    assert f"Wrote 2 pictures on 1 contact sheet into {tmp_path / 'out'}: they may" in said.out
    assert "2 of 4 files could not be looked at" in said.err
    assert (tmp_path / "out" / "sheet-001.jpg").is_file()


def test_without_a_network_it_says_how_to_name_one(
    tmp_path: Path, networks: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("readroom.models.files.PACKAGED", tmp_path / "nothing")
    with pytest.raises(BadSettings, match="--pose"):
        run_look([picture(tmp_path / "a.png")], tmp_path / "out", face=networks["face"])


def test_the_demo_rooms_portraits_need_no_picture_of_anybody_else(
    tmp_path: Path, networks: dict[str, Path]
) -> None:
    pages = run_look([], tmp_path / "out", portraits=True, console=Console(quiet=True), **networks)
    assert len(pages) == 1
    assert cv2.imread(str(pages[0])).shape[1] == 2 * sheets.TILE_PX
