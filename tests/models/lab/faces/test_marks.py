"""Landmarks of labelled faces, by a small real teacher that puts them into a face's middle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from readroom.models.lab.faces.detectors import OnnxDetector
from readroom.models.lab.faces.marks import averaged, mark, marks_of
from readroom.models.lab.faces.photos import read_photos
from tests.models.lab.faces.photographs import folder_of
from tests.models.own_network import own_detector


def test_what_the_teacher_sees_on_the_enlarged_face_is_put_back_into_the_picture() -> None:
    picture = np.zeros((200, 300, 3), np.uint8)
    # Enlarged five times, the middle 32 px of the face fill a cell of the teacher's.
    box = np.array([100, 80, 32, 32], np.float32)
    picture[80:112, 100:132] = 255
    marks = mark(OnnxDetector(own_detector()), picture, np.array([box, [0, 0, 5, 5]], np.float32))
    assert marks.scores[0] > 0.9
    assert np.abs(marks.landmarks[0] - (116, 96)).max() < 32 / 5
    # Too small for a look.
    assert marks.scores[1] == 0


def test_marks_are_kept_for_the_same_photographs(tmp_path: Path) -> None:
    photos = read_photos(folder_of(tmp_path / "set", 3))
    teacher = OnnxDetector(own_detector())
    cache = tmp_path / "marks.npz"
    made = marks_of(photos, teacher, cache)
    assert [len(one.scores) for one in made] == [len(photo.boxes) for photo in photos]
    written = cache.read_bytes()
    again = marks_of(photos, teacher, cache)
    assert cache.read_bytes() == written
    for one, other in zip(made, again, strict=True):
        assert (one.landmarks == other.landmarks).all()
    assert len(marks_of(photos[:2], teacher, cache)) == 2
    assert cache.read_bytes() != written


def test_a_cache_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    photos = read_photos(folder_of(tmp_path / "set", 3))
    teacher = OnnxDetector(own_detector())
    cache = tmp_path / "marks.npz"
    made = marks_of(photos, teacher, cache)
    whole = cache.read_bytes()
    for body in (b"", whole[:5], whole[: len(whole) // 2], b"no archive at all"):
        cache.write_bytes(body)
        again = marks_of(photos, teacher, cache)
        assert cache.read_bytes() == whole
        assert all((a.landmarks == b.landmarks).all() for a, b in zip(made, again, strict=True))
    np.savez(cache, data="of an older kind")
    marks_of(photos, teacher, cache)
    assert cache.read_bytes() == whole
    assert [path.name for path in tmp_path.glob("marks*")] == ["marks.npz"]


def test_marks_of_another_teacher_arent_taken(tmp_path: Path) -> None:
    photos = read_photos(folder_of(tmp_path / "set", 3))
    cache = tmp_path / "marks.npz"
    marks_of(photos, OnnxDetector(own_detector()), cache)
    first = cache.read_bytes()
    marks_of(photos, OnnxDetector(own_detector(version="2")), cache)
    assert cache.read_bytes() != first


def test_a_face_larger_than_it_is_shown_is_averaged_and_not_sampled() -> None:
    picture = np.zeros((1200, 1600, 3), np.uint8)
    picture[400:800, 600:1000] = 255
    # Of every five columns one is black: those that interpolation would skip.
    picture[:, 2::5] = 0
    box = np.array([600, 400, 400, 400], np.float32)
    axes = np.eye(2) * 0.4
    small, fitting = averaged(picture, axes, 0.4)
    assert small.shape == (480, 640, 3)
    assert fitting == pytest.approx(np.eye(2))
    assert small[170:310, 250:390].mean() == pytest.approx(0.8 * 255, abs=1)
    marks = mark(OnnxDetector(own_detector()), picture, box[None])
    assert marks.scores[0] > 0.3
    assert np.abs(marks.landmarks[0] - (800, 600)).max() < 400 / 5
