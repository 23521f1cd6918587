"""People to measure on: from COCO's format and from a teacher."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="the lab isn't installed: pip install -e '.[lab]'")

from readroom.errors import BadSettings
from readroom.models.lab.poses import subjects
from readroom.models.lab.poses.subjects import face_of, read_subjects
from readroom.models.lab.poses.teacher import unit_of
from tests.conftest import shared_folder
from tests.models.lab.poses.people import Knows, photo_folder


def _points(**labelled: tuple[float, float]) -> np.ndarray:
    points = np.zeros((17, 3), np.float32)
    names = ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder")
    for name, (x, y) in labelled.items():
        points[names.index(name)] = (x, y, 2)
    return points


def test_a_face_is_as_large_as_its_ears_are_apart_and_lies_around_them() -> None:
    box = face_of(_points(nose=(50, 52), left_ear=(60, 50), right_ear=(40, 50)))
    assert box is not None
    assert unit_of(box[None])[0] == pytest.approx(1.06 * 20, rel=0.01)
    assert box[0] + box[2] / 2 == pytest.approx(50)
    assert box[1] < 50 < box[1] + box[3]


def test_a_face_of_which_one_ear_is_seen_is_made_larger_than_its_points() -> None:
    box = face_of(_points(nose=(50, 52), left_eye=(53, 48), left_ear=(64, 50)))
    assert box is not None
    assert unit_of(box[None])[0] == pytest.approx(1.2 * np.hypot(14, 2), rel=0.01)


def test_two_points_make_no_face_and_a_shoulder_is_none_of_them() -> None:
    assert face_of(_points(nose=(50, 52), left_eye=(53, 48), left_shoulder=(70, 90))) is None


def _coco(folder: Path) -> Path:
    (folder / "images").mkdir(parents=True)
    cv2.imwrite(str(folder / "images" / "one.png"), np.zeros((160, 120, 3), np.uint8))
    seen = _points(nose=(50, 52), left_ear=(60, 50), right_ear=(40, 50), left_shoulder=(70, 80))
    hidden = _points(left_shoulder=(20, 80))
    people = [
        {"image_id": 7, "keypoints": points.ravel().tolist(), "bbox": [10, 20, 80, 100],
         "area": 4000.0, "iscrowd": crowd}
        for points, crowd in ((seen, 0), (hidden, 0), (np.zeros((17, 3)), 0), (seen, 1))
    ]  # fmt: skip
    image = {"id": 7, "file_name": "one.png", "width": 120, "height": 160}
    path = folder / "person_keypoints.json"
    path.write_text(json.dumps({"images": [image], "annotations": people}))
    return path


def test_labelled_people_are_boxed_twice_where_they_show_a_face(tmp_path: Path) -> None:
    path = _coco(tmp_path / "coco")
    found = read_subjects(path.parent, tmp_path / "unused")
    assert len(found) == 2
    assert {kind: boxed.who.tolist() for kind, boxed in found.boxed.items()} == {
        "grown from the face": [0],
        "labelled": [0, 1],
    }
    np.testing.assert_array_equal(found.known.sum(axis=1), [4, 1])
    assert found.area.tolist() == [4000, 4000]
    assert not np.isnan(found.torso[0])
    assert np.isnan(found.torso[1])
    left, top, width, height = found.boxed["grown from the face"].boxes[0]
    assert left >= 0
    assert top >= 0
    assert left + width <= 120
    assert top + height <= 160


def test_a_folder_with_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="neither photographs with"):
        read_subjects(tmp_path, tmp_path / "unused")
    (tmp_path / "keypoints.json").write_text('{"images": 3}')
    with pytest.raises(BadSettings, match="no COCO keypoints"):
        read_subjects(tmp_path, tmp_path / "unused")


def test_a_teachers_people_are_those_of_the_split_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everyone = photo_folder(tmp_path / "photos", {"train": 2, "test": 3})
    monkeypatch.setattr(subjects, "Teacher", lambda settings: Knows(everyone))
    found = read_subjects(tmp_path / "photos", tmp_path / "labels.npz")
    assert len(found) == len(found.photos) == 3
    assert set(found.boxed) == {"grown from the face"}
    known = {tuple(points[0, :2].round(2)) for points in everyone.people.keypoints}
    assert all(tuple(points[0].round(2)) in known for points in found.truth)


def test_the_labelled_people_beside_this_checkout_can_be_read(tmp_path: Path) -> None:
    found = read_subjects(shared_folder("datasets") / "coco_pose", tmp_path / "unused")
    assert len(found) == 86
    assert found.known.any(axis=1).all()
    assert all(path.is_file() for path in found.photos)


def test_a_person_with_other_than_seventeen_keypoints_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.json"
    path.write_text(
        '{"images": [{"id": 7, "file_name": "a.jpg", "width": 9, "height": 9}], "annotations": '
        '[{"image_id": 7, "keypoints": [1, 2, 2], "bbox": [0, 0, 5, 5], "area": 9}]}'
    )
    with pytest.raises(BadSettings, match="image 7 has 3 numbers for keypoints, wanted 51"):
        subjects.from_coco(path)
