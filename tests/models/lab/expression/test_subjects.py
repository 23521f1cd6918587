"""Which face is explained: it is found where it is, and a mistake is one line."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.ingest.clips import turn_clip, write_clip, write_picture

pytest.importorskip("torch", reason="the lab needs PyTorch: pip install -e '.[lab]'")
pytest.importorskip("onnx", reason="the lab needs onnx: pip install -e '.[lab]'")

from readroom.errors import BadSettings
from readroom.models.crop import cut_square
from readroom.models.lab.expression import subjects
from readroom.models.lab.expression.framing import CROP

# --- which face ----------------------------------------------------------------------------------


def test_the_portraits_faces_are_found_where_they_are() -> None:
    hopper, collins = subjects.portraits()
    assert abs(hopper.square.x - 266) < 30
    assert abs(hopper.square.y - 240) < 40
    assert abs(collins.square.x - 225) < 20
    assert abs(collins.square.y - 120) < 25
    assert "the only face" in collins.found or "the largest" in collins.found


def test_of_two_faces_the_larger_is_taken() -> None:
    collins = subjects.portraits()[1].picture
    half = cv2.resize(collins, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    wide = np.full((512, 800, 3), 127, np.uint8)
    wide[:256, :256] = half
    wide[:, 288:] = collins
    subject = subjects.subject_of("both", wide)
    assert abs(subject.square.x - 288 - 225) < 20
    assert subject.found.startswith("the largest of 2 faces")


def test_a_small_picture_is_the_face() -> None:
    picture = np.random.default_rng(1).integers(0, 255, (48, 48), np.uint8)
    subject = subjects.subject_of("small", picture)
    np.testing.assert_array_equal(subject.face(), picture)
    assert "the whole picture" in subject.found


def test_a_given_box_is_cut_as_the_worker_cuts_it() -> None:
    picture = subjects.portraits()[1].picture
    subject = subjects.subject_of("boxed", picture, (177, 66, 95, 90))
    square = CROP.square(177, 66, 95, 90)
    np.testing.assert_array_equal(subject.face(), cut_square(picture, square, 48))


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ((-1, 0, 50, 50), "reaches out of"),
        ((100, 100, 413, 50), "512×512 px"),
        ((10, 10, 0, 50), "size of 1 px or more"),
        ((10, 10, float("nan"), 50), "size of 1 px or more"),
    ],
)
def test_a_box_that_cannot_be_is_one_line(box: subjects.Box, said: str) -> None:
    with pytest.raises(BadSettings, match=said) as told:
        subjects.subject_of("astronaut", subjects.portraits()[1].picture, box)
    assert "\n" not in str(told.value)


def test_a_box_is_read_from_four_numbers() -> None:
    assert subjects.read_box("1,2.5, 30,40") == (1, 2.5, 30, 40)
    for text in ("1,2,3", "a,b,c,d", "", "1,2,3,4,5"):
        with pytest.raises(BadSettings, match="wanted x,y,width,height"):
            subjects.read_box(text)


def test_no_face_names_the_remedy() -> None:
    with pytest.raises(BadSettings, match="no face found: say where it is with --box"):
        subjects.subject_of("wall", np.full((300, 300, 3), 127, np.uint8))


# --- pictures and videos -------------------------------------------------------------------------


def level_at(path: Path, at_s: float) -> float:
    return float(subjects.read_moment(path, at_s).mean())


def test_the_frame_on_screen_at_a_time_is_read(tmp_path: Path) -> None:
    levels = [np.full((48, 64, 3), 40 + 20 * index, np.uint8) for index in range(10)]
    clip = write_clip(tmp_path / "clip.mp4", fps=10, pictures=levels)
    assert abs(level_at(clip, 0.0) - 40) < 9
    assert abs(level_at(clip, 0.55) - 140) < 9
    assert abs(level_at(clip, 0.95) - 220) < 9
    with pytest.raises(BadSettings, match=r"--at 1: .* ends after 1\.00 s"):
        subjects.read_moment(clip, 1.0)


def test_a_video_held_upright_is_read_upright(tmp_path: Path) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24] = 200
    clip = write_clip(tmp_path / "clip.mp4", pictures=[picture] * 3, faststart=True)
    turn_clip(clip)
    upright = subjects.read_moment(clip, 0.0)
    assert upright.shape == (64, 48, 3)
    assert upright[:, 30:].mean() > 150 > 50 > upright[:, :18].mean()


def test_a_video_wants_a_moment_and_a_picture_none(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4")
    with pytest.raises(BadSettings, match="say which moment with --at"):
        subjects.read_subject(clip, None, None)
    for at_s in (-1.0, float("nan"), float("inf")):
        with pytest.raises(BadSettings, match="--at"):
            subjects.read_subject(clip, at_s, None)
    still = write_picture(tmp_path / "still.png", np.zeros((48, 48), np.uint8))
    with pytest.raises(BadSettings, match="leave --at out"):
        subjects.read_subject(still, 1.0, None)


def test_what_is_no_picture_is_one_line(tmp_path: Path) -> None:
    text = tmp_path / "notes.png"
    text.write_text("not a picture")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    empty = tmp_path / "empty.jpg"
    empty.write_bytes(b"")
    for path in (text, broken, empty, tmp_path / "missing.png", tmp_path):
        with pytest.raises(BadSettings) as told:
            subjects.read_subject(path, None, None)
        assert str(told.value).startswith(str(path))
        assert "\n" not in str(told.value)
