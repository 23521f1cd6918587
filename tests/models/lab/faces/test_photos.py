from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from readroom.errors import BadSettings
from readroom.models.lab.faces.photos import (
    ANNOTATIONS,
    Photo,
    fingerprint,
    of_split,
    read_photos,
    read_pixels,
)
from tests.models.lab.faces.photographs import folder_of, line


def test_photographs_come_in_the_order_of_their_lines_with_their_faces(tmp_path: Path) -> None:
    photos = read_photos(folder_of(tmp_path / "set", 5))
    assert [photo.path.name for photo in photos] == [f"{n:03}.png" for n in range(5)]
    assert all(photo.boxes.shape[1] == 4 and len(photo.boxes) for photo in photos)
    assert read_pixels(photos[0]).shape == (photos[0].height, photos[0].width, 3)


def test_a_box_without_an_area_is_left_out(tmp_path: Path) -> None:
    data = folder_of(tmp_path / "set", 1)
    picture = np.zeros((128, 192, 3), np.uint8)
    boxes = np.array([[1, 2, 3, 4], [5, 5, 0, 9]], np.float32)
    (data / ANNOTATIONS).write_text(line("000.png", picture, boxes))
    (photo,) = read_photos(data)
    assert photo.boxes.tolist() == [[1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "can't be read"),
        ("", "is empty"),
        ("{}", "wanted on each line"),
        ('{"file": "gone.png", "width": 1, "height": 1, "boxes_xywh": []}', "isn't there"),
    ],
)
def test_what_is_no_set_of_photographs_is_told_in_one_line(
    tmp_path: Path, text: str | None, told: str
) -> None:
    if text is not None:
        (tmp_path / ANNOTATIONS).write_text(text)
    with pytest.raises(BadSettings, match=told) as refused:
        read_photos(tmp_path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ("{", r"annotations\.jsonl, line 3: .*truncated.*wanted on each line file, width"),
        (
            '{"file": "000.png", "width": 192, "height": 128, "boxes_xywh": [[1, 2, 3]]}',
            r"line 3: .*boxes_xywh.*wanted on each line",
        ),
        (
            '{"file": "gone.png", "width": 192, "height": 128, "boxes_xywh": []}',
            r"line 3: .*gone\.png isn't there: put it there, or take the line out",
        ),
        (
            '{"file": "000.png", "width": 192, "height": 128, "boxes_xywh": [[0, 0, 9, 9], '
            "[150, 20, 90, 40]]}",
            r"line 3: the box 150, 20, 90, 40 lies outside the 192×128 px of 000\.png.*mend it",
        ),
        (
            '{"file": "000.png", "width": 192, "height": 128, "boxes_xywh": [[500, 20, 9, 9]]}',
            r"line 3: the box 500, 20, 9, 9 lies outside",
        ),
    ],
)
def test_a_wrong_line_is_told_by_its_number_with_what_is_wrong(
    tmp_path: Path, second: str, told: str
) -> None:
    data = folder_of(tmp_path / "set", 1)
    first = (data / ANNOTATIONS).read_text().strip()
    (data / ANNOTATIONS).write_text(f"{first}\n\n{second}\n{first}\n")
    with pytest.raises(BadSettings, match=told) as refused:
        read_photos(data)
    assert "\n" not in str(refused.value)


def test_a_face_that_the_edge_cuts_off_is_a_face(tmp_path: Path) -> None:
    data = folder_of(tmp_path / "set", 1)
    picture = np.zeros((128, 192, 3), np.uint8)
    boxes = np.array([[-10, 20, 40, 40], [180, 100, 20, 20]], np.float32)
    (data / ANNOTATIONS).write_text(line("000.png", picture, boxes))
    (photo,) = read_photos(data)
    np.testing.assert_array_equal(photo.boxes, boxes)


@pytest.mark.parametrize("progressive", [0, 1])
def test_a_photograph_whose_file_was_cut_off_is_refused(tmp_path: Path, progressive: int) -> None:
    (whole,) = read_photos(folder_of(tmp_path / "set", 1))
    path = whole.path.with_suffix(".jpg")
    cv2.imwrite(str(path), read_pixels(whole), [cv2.IMWRITE_JPEG_PROGRESSIVE, progressive])
    photo = Photo(path, whole.width, whole.height, whole.boxes)
    assert read_pixels(photo).shape == (128, 192, 3)
    body = path.read_bytes()
    for left in (len(body) // 2, len(body) - 2):
        path.write_bytes(body[:left])
        with pytest.raises(BadSettings, match=r"000\.jpg: no picture .*not all of it; take it out"):
            read_pixels(photo)


def test_pixels_that_dont_fit_the_line_are_refused(tmp_path: Path) -> None:
    (photo,) = read_photos(folder_of(tmp_path / "set", 1))
    other = Photo(photo.path, photo.width + 1, photo.height, photo.boxes)
    with pytest.raises(BadSettings, match="192×128 px"):
        read_pixels(other)
    photo.path.write_bytes(b"no picture")
    with pytest.raises(BadSettings, match="no picture"):
        read_pixels(photo)


def test_a_photograph_keeps_its_part_whatever_stands_beside_it(tmp_path: Path) -> None:
    boxes = np.empty((0, 4), np.float32)
    names = [f"{number}.jpg" for number in range(3000)]
    splits = [Photo(Path("a") / name, 1, 1, boxes).split for name in names]
    assert splits == [Photo(tmp_path / name, 9, 9, boxes).split for name in names]
    shares = [splits.count(split) / len(names) for split in ("test", "held_out", "train")]
    assert shares == pytest.approx([51 / 256, 15 / 256, 190 / 256], abs=0.03)
    # By the hash of the name alone: whoever measures elsewhere keeps the same ones apart.
    assert Photo(Path("2.jpg"), 1, 1, boxes).split == splits[2]


def test_what_was_learnt_from_is_known_by_name_boxes_and_pixels(tmp_path: Path) -> None:
    data = folder_of(tmp_path / "set", 3)
    before = fingerprint(read_photos(data))
    assert before == fingerprint(read_photos(data))
    path = data / "images" / "001.png"
    picture = cv2.imread(str(path))
    picture[0, 0] += 1
    cv2.imwrite(str(path), picture)
    assert fingerprint(read_photos(data)) != before
    assert fingerprint(of_split(read_photos(data), "test")) != before
