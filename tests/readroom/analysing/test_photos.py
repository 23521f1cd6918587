"""`readroom analyse` of pictures, from the command line to the table, the data, and the copies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import pytest
from PIL import Image

from readroom.analysing.photos import Seen, why_not
from readroom.cli import main
from readroom.ingest.demo.faces import eileen, grace
from readroom.messages import Box, Face, Quality
from readroom.words import vocabulary
from tests.e2e.leaks import in_json, in_text

ORIENTATION, GPS = 0x0112, 0x8825


@pytest.fixture(autouse=True)
def purpose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READROOM_PURPOSE", "research")
    monkeypatch.setenv("COLUMNS", "140")


def saved(path: Path, picture: Any, **options: Any) -> Path:
    Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)).save(path, **options)
    return path


def analysed(*words: str | Path, code: int = 0) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["analyse", *map(str, words)])
    assert ended.value.code == code


def found(path: Path) -> list[dict[str, Any]]:
    pictures: list[dict[str, Any]] = json.loads(path.read_text())["pictures"]
    return pictures


def test_a_table_says_what_each_face_looked_like_and_what_one_picture_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "von der [bold]Feier"
    folder.mkdir()
    saved(folder / "1.jpg", grace().image)
    saved(folder / "2.png", eileen().image)
    (folder / "notes.txt").write_text("no picture")
    analysed(folder, "--json", tmp_path / "out.json")
    said = capsys.readouterr().out
    assert "1.jpg, 512×600 px: 1 face" in said
    assert "neutral 9" in said
    assert "happy over 99 %" in said
    assert "at one moment, not what somebody felt" in said
    one, two = found(tmp_path / "out.json")
    assert one["file"] == str(folder / "1.jpg")
    assert [one["faces"][0]["state"], two["faces"][0]["state"]] == ["neutral", "happiness"]
    face = two["faces"][0]
    assert face["readable"] is True
    assert face["confidence"] == face["expression"]["happiness"] > 0.9
    assert face["valence"] > 0.7
    assert face["body"] is True
    assert abs(face["quality"]["yaw_deg"]) < 15
    # Nothing is stored of a picture.
    assert not (tmp_path / "data" / "sessions.sqlite3").exists()


def test_boxes_are_in_pixels_of_the_file_however_large_and_however_turned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = saved(tmp_path / "1.png", grace().image)
    large = cv2.resize(grace().image, None, fx=9, fy=9, interpolation=cv2.INTER_LINEAR)
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    turned = saved(tmp_path / "2.jpg", cv2.rotate(large, cv2.ROTATE_90_COUNTERCLOCKWISE), exif=exif)
    analysed(plain, turned, "--json", "-")
    ran = capsys.readouterr()
    one, two = json.loads(ran.out)["pictures"]  # Standard output is JSON and nothing else.
    assert "1.png" in ran.err
    assert (two["width"], two["height"]) == (512 * 9, 600 * 9)
    assert "read at" in two["note"]
    for side, value in one["faces"][0]["box"].items():
        assert two["faces"][0]["box"][side] / 9 == pytest.approx(value, abs=20)


def test_for_a_workplace_no_picture_says_anything_of_an_expression(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READROOM_PURPOSE", "workplace")
    photo = saved(tmp_path / "x.png", eileen().image)
    analysed(photo, "--json", tmp_path / "out.json", "--annotate", tmp_path)
    ran = capsys.readouterr()
    assert "in view" in ran.out
    assert list(in_text(ran.out)) == []
    assert list(in_json((tmp_path / "out.json").read_text())) == []
    face = found(tmp_path / "out.json")[0]["faces"][0]
    assert not {"state", "expression", "confidence", "valence"} & set(face)


def test_a_copy_is_made_only_where_it_is_asked_for_without_what_the_file_says_of_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 8
    exif[0x010F] = "maker of the camera"
    exif.get_ifd(GPS)[2] = (52.0, 31.0, 7.0)
    sideways = cv2.rotate(eileen().image, cv2.ROTATE_90_CLOCKWISE)
    photo = saved(tmp_path / "x.jpg", sideways, exif=exif, comment=b"a comment")
    before = photo.read_bytes()
    analysed(photo)
    assert [path.name for path in tmp_path.iterdir()] == ["x.jpg"]
    for _ in range(2):
        analysed(photo, "--annotate", tmp_path)
    assert photo.read_bytes() == before
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["x-2.annotated.jpg", "x.annotated.jpg", "x.jpg"]
    assert (tmp_path / "x.annotated.jpg").stat().st_mode & 0o777 == 0o600
    assert "x.annotated.jpg" in capsys.readouterr().out.replace("\n", "")
    with Image.open(tmp_path / "x.annotated.jpg") as copy:
        assert copy.size == (372, 350)  # Upright.
        assert dict(copy.getexif()) == {}
        assert not {"exif", "comment", "icc_profile", "xmp"} & set(copy.info)
        # Something was drawn around the face.
        assert copy.getpixel((200, 5)) is not None


def test_a_folder_for_copies_that_isnt_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    analysed(saved(tmp_path / "x.png", grace().image), "--annotate", tmp_path / "no", code=2)
    assert "make it first" in capsys.readouterr().err


def test_one_damaged_picture_doesnt_keep_the_others_from_being_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = saved(tmp_path / "a.jpg", grace().image)
    bad = tmp_path / "b.jpg"
    bad.write_bytes(good.read_bytes()[:5000])
    analysed(bad, good, "--json", tmp_path / "out.json", code=2)
    ran = capsys.readouterr()
    assert "b.jpg: can't be read" in ran.err
    assert "a.jpg" in ran.out
    assert len(found(tmp_path / "out.json")) == 1


def seen(why: Any, **quality: Any) -> Seen:
    measured = {"width_px": 20.4, "sharpness": 12.3, "brightness": 30.0, **quality}
    face = Face(box=Box(0, 0, 20, 20), score=0.8, quality=Quality(**measured))
    return Seen(1, face, 1.0, None, why, body=False)


@pytest.mark.parametrize(
    ("why", "says"),
    [
        ("too_small", "the face is 20 px wide, reading it takes 32 px"),
        ("blurred", "the face is blurred: sharpness 12, 30 at least"),
        ("dark", "the face is dark: light 30 of 255, 50 at least"),
        ("overlit", "light 30 of 255, 215 at most"),
        ("turned", "the face is turned 61° aside"),
        ("bowed", "the face is bowed by 40°"),
        ("raised", "the face is raised by 40°"),
        ("doubtful", "it may be no face"),
    ],
)
def test_why_a_face_isnt_read_is_said_in_words(why: str, says: str) -> None:
    one = seen(why, yaw_deg=-61.2, pitch_deg=40.0)
    assert says in why_not(one, vocabulary(False), 32)
