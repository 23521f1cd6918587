"""What is measured of networks whose answers are known."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="the lab isn't installed: pip install -e '.[lab]'")

from readroom.models.lab.pictures import read_picture
from readroom.models.lab.poses import measurement
from readroom.models.lab.poses.clip import jitter
from readroom.models.lab.poses.measurement import (
    Key,
    cover,
    measure,
    ratio,
    read_all,
)
from readroom.models.lab.poses.subjects import Boxed, Subjects
from readroom.pixels import Picture
from tests.models.lab.poses.people import Knows, crowd

KIND = "labelled"


def _subjects(folder: Path) -> tuple[Subjects, Knows, Knows]:
    """Eight people, a network that knows where they are, and one that is 6 px off."""
    everyone = crowd(8)
    everyone.people.keypoints[::2, 9, 2] = 0.05
    paths = tuple(folder / f"{number}.png" for number in range(8))
    for path, picture in zip(paths, everyone.pictures, strict=True):
        cv2.imwrite(str(path), picture)
    people = everyone.people
    boxes = np.tile(np.array([5, 5, 110, 150], np.float32), (8, 1))
    found = Subjects(
        "generated people", paths, np.arange(8), people.keypoints[..., :2],
        people.keypoints[..., 2] > 0.5, np.full(8, 3000.0, np.float32),
        np.full(8, 60.0, np.float32), MappingProxyType({KIND: Boxed(np.arange(8), boxes)}),
    )  # fmt: skip
    return found, Knows(everyone), Knows(everyone, error_px=6.0)


def test_whoever_knows_everything_reaches_everything_and_others_less(tmp_path: Path) -> None:
    subjects, right, wrong = _subjects(tmp_path)
    steps: list[int] = []
    readings = read_all([right, wrong], subjects, step=lambda: steps.append(1))
    best, worse = (measure(reading, subjects) for reading in readings)
    assert len(steps) == 8
    for joints in ("upper body", "all joints"):
        key = Key("oks_ap", KIND, joints)
        assert best.figures[key].value == pytest.approx(1)
        assert best.figures[Key("pck", KIND, joints)].value == 1
        assert worse.figures[key].value < 0.8
        share = ratio(worse.precisions[key], best.precisions[key], 8)
        assert share.value == pytest.approx(worse.figures[key].value)
        assert share.low <= share.value <= share.high
    # Its scores are high exactly where joints count, and zero for everybody who is covered.
    assert best.figures[Key("labelled_auc", KIND, "upper body")].value == 1
    assert best.figures[Key("covered_auc", KIND, "upper body")].value == 0.5


def test_what_covers_is_the_same_for_every_network_and_covers_some_joints(tmp_path: Path) -> None:
    subjects, right, _ = _subjects(tmp_path)
    picture = cv2.imread(str(subjects.photos[0]))
    box = subjects.boxed[KIND].boxes[0]
    one, where = cover(picture, box, 3)
    other, again = cover(picture, box, 3)
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(where, again)
    left, top, right_px, bottom = where
    changed = (one != picture).any(axis=2)
    assert changed[top:bottom, left:right_px].any()
    changed[top:bottom, left:right_px] = False
    assert not changed.any()
    (reading,) = read_all([right], subjects)
    assert 0.05 < reading.hidden[KIND].mean() < 0.8
    places = subjects.truth[3]
    inside = ((places >= (left, top)) & (places < (right_px, bottom))).all(axis=1)
    np.testing.assert_array_equal(reading.hidden[KIND][3], inside)


def test_each_photo_is_read_once_for_all_networks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subjects, right, wrong = _subjects(tmp_path)
    read: list[str] = []

    def reading(path: Path) -> Picture:
        read.append(path.name)
        return read_picture(path)

    monkeypatch.setattr(measurement, "read_picture", reading)
    for each in read_all([right, wrong], subjects):
        measure(each, subjects)
    assert read == [path.name for path in subjects.photos]


def test_jitter_is_the_mean_step_in_face_units_of_joints_that_all_are_sure_of() -> None:
    still = np.zeros((4, 1, 17, 3), np.float32)
    still[..., 2] = 0.9
    still[:, :, 4, 2] = 0.1
    jumping = still.copy()
    jumping[1::2, :, :, 0] = 3.0
    faces = np.array([[10, 10, 30, 30]], np.float32)
    calm, restless = jitter([still, jumping], faces)
    assert (calm.value, calm.n) == (0, 12)
    assert restless.value == pytest.approx(3 / 30)
    (nobody,) = jitter([still * 0], faces)
    assert np.isnan(nobody.value)
