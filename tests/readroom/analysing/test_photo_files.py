"""Picture files of every kind: read as they are meant, or refused in words."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from readroom.analysing.photo_files import (
    MOST_SIDE_PX,
    Photo,
    Unreadable,
    free_name,
    is_picture,
    pictures_in,
    read,
)
from readroom.errors import BadSettings

#: Left half dark, right half light; the top rows are red.
WIDTH, HEIGHT = 120, 80
ORIENTATION = 0x0112


def scene() -> NDArray[np.uint8]:
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[:, WIDTH // 2 :] = 200
    picture[:10] = (255, 0, 0)
    return picture


def saved(path: Path, image: Image.Image | None = None, **options: Any) -> Path:
    (image or Image.fromarray(scene())).save(path, **options)
    return path


def looks_like_the_scene(photo: Photo, tolerance: int = 12) -> bool:
    # The file is RGB, what is read BGR.
    grey = photo.picture[20:].astype(int).mean(axis=2)
    half = grey.shape[1] // 2
    return bool(
        photo.picture.shape[2] == 3
        and grey[:, : half - 10].mean() < tolerance
        and abs(grey[:, half + 10 :].mean() - 200) < tolerance
    )


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "bmp", "gif"])
def test_every_usual_format_is_read_whatever_the_file_is_called(
    tmp_path: Path, suffix: str
) -> None:
    path = saved(tmp_path / f"a picture.{suffix}")
    path = path.rename(tmp_path / "-größe 1.mp4")
    assert is_picture(path)
    photo = read(path)
    assert photo.size == (WIDTH, HEIGHT)
    assert photo.scale == 1
    assert looks_like_the_scene(photo)


def test_colours_are_read_as_blue_green_red(tmp_path: Path) -> None:
    top = read(saved(tmp_path / "x.png")).picture[:10]
    assert top.reshape(-1, 3).mean(axis=0).tolist() == [0, 0, 255]


@pytest.mark.parametrize("mode", ["L", "1", "LA", "RGBA", "P", "CMYK", "YCbCr", "I;16", "F"])
def test_every_kind_of_pixel_is_read(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(scene())
    if mode == "I;16":
        levels = np.asarray(image.convert("L")).astype(np.uint16) * 257
        image = Image.fromarray(levels)
    elif mode == "1":
        image = image.convert("L").point(lambda level: 255 * (level > 100)).convert("1")
    else:
        image = image.convert(mode)
    suffix = "tiff" if mode in ("CMYK", "YCbCr", "F", "LA") else "png"
    photo = read(saved(tmp_path / f"x.{suffix}", image))
    assert photo.picture.dtype == np.uint8
    assert looks_like_the_scene(photo, tolerance=60 if mode == "1" else 15)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    assert read(saved(tmp_path / "x.png", image)).picture.min() == 255


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [(1, None), (3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90)]
    + [(8, Image.Transpose.ROTATE_270), (2, Image.Transpose.FLIP_LEFT_RIGHT)],
)
@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff"])
def test_a_picture_is_turned_as_its_exif_data_says(
    tmp_path: Path, suffix: str, orientation: int, turn: Image.Transpose | None
) -> None:
    image = Image.fromarray(scene())
    stored = image if turn is None else image.transpose(turn)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    photo = read(saved(tmp_path / f"x.{suffix}", stored, exif=exif))
    assert photo.size == (WIDTH, HEIGHT)
    assert photo.picture.shape[:2] == (HEIGHT, WIDTH)
    assert looks_like_the_scene(photo)


def test_a_turned_grey_picture_of_16_bits_stands_upright(tmp_path: Path) -> None:
    levels = np.rot90(np.asarray(Image.fromarray(scene()).convert("L")).astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    photo = read(saved(tmp_path / "x.png", Image.fromarray(levels.copy()), exif=exif))
    assert photo.size == (WIDTH, HEIGHT)
    assert looks_like_the_scene(photo)


def test_a_hundred_million_pixels_are_scaled_down(tmp_path: Path) -> None:
    huge = Image.new("L", (11_600, 8_700), 90)
    photo = read(saved(tmp_path / "x.png", huge, compress_level=1))
    assert photo.size == (11_600, 8_700)
    assert max(photo.picture.shape) == MOST_SIDE_PX
    assert photo.scale == pytest.approx(11_600 / MOST_SIDE_PX)
    assert "read at 4096×3072 px" in photo.note


def png_of(width: int, height: int) -> bytes:
    """The beginning of a PNG that says it has so many pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(1000))
    chunks = [
        struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        for body in (header, data, b"IEND")
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("size", [(60_000, 60_000), (13_000, 10_000)])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_of(*size))
    assert is_picture(path)
    with pytest.raises(Unreadable, match=r"bomb\.png: has more than 128 million pixels"):
        read(path)


def test_of_a_moving_picture_the_first_is_read_and_it_is_said(tmp_path: Path) -> None:
    first = Image.fromarray(scene())
    for suffix in ("gif", "webp"):
        others = [Image.new("RGB", (WIDTH, HEIGHT), (n, n, n)) for n in (10, 90, 250)]
        path = saved(tmp_path / f"x.{suffix}", first, save_all=True, append_images=others)
        photo = read(path)
        assert photo.note == "the first of its 4 pictures"
        assert looks_like_the_scene(photo, tolerance=15)


@pytest.mark.parametrize("ratio", [0.3, 0.7, 0.95])
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "gif"])
def test_a_truncated_picture_is_refused_in_words(tmp_path: Path, suffix: str, ratio: float) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    path = saved(tmp_path / f"x.{suffix}", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * ratio)])
    with pytest.raises(Unreadable, match=rf"x\.{suffix}: "):
        read(path)


def test_what_is_no_picture_is_told_from_one(tmp_path: Path) -> None:
    for name, data in {
        "text.jpg": b"hello " * 100,
        "nothing.png": b"",
        "magic.jpg": b"\xff\xd8\xff",
        "page.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    }.items():
        (tmp_path / name).write_bytes(data)
        assert not is_picture(tmp_path / name), name
        with pytest.raises(Unreadable, match=name):
            read(tmp_path / name)


def test_a_picture_smaller_than_any_face_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="8×40 px, too small"):
        read(saved(tmp_path / "x.png", Image.new("RGB", (8, 40))))


def test_a_folder_stands_for_the_pictures_in_it(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg", ".hidden.png"):
        saved(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "inner").mkdir()
    saved(tmp_path / "inner" / "c.png")
    assert [path.name for path in pictures_in(tmp_path)] == ["a.jpg", "b.png"]


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="no pictures in this folder"):
        pictures_in(tmp_path)


def test_a_name_that_is_taken_isnt_used_again(tmp_path: Path) -> None:
    assert free_name(tmp_path, "x", ".jpg") == tmp_path / "x.jpg"
    (tmp_path / "x.jpg").touch()
    (tmp_path / "x-2.jpg").symlink_to("nowhere")
    assert free_name(tmp_path, "x", ".jpg") == tmp_path / "x-3.jpg"
