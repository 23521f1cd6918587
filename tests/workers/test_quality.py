"""Size, sharpness and brightness mean what the messages say, and the head pose is the one of all
points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import cv2
import numpy as np
import pytest

from readroom.models.boxes import Floats
from readroom.models.detection import Faces
from readroom.models.head_pose import head_pose
from readroom.pixels import Picture
from readroom.workers.analysis import Analyser
from readroom.workers.engines.quality import assess, brightness, grey_face, sharpness
from tests.models.heads import straight_body, straight_face

#: Pure blue, green and red.
BGR = ((255, 0, 0), (0, 255, 0), (0, 0, 255))


def test_blur_lowers_sharpness_and_a_flat_face_has_none(noise: Picture) -> None:
    face = noise[:128, :128]
    blurred = cv2.GaussianBlur(face, (0, 0), 4).astype(np.uint8)
    assert sharpness(grey_face(face)) > 10 * sharpness(grey_face(blurred)) > 0
    assert sharpness(grey_face(np.full((40, 40, 3), 99, np.uint8))) == 0


def test_brightness_is_the_mean_grey_level_of_the_face_alone() -> None:
    picture = np.full((100, 200, 3), 255, np.uint8)
    picture[20:60, 40:60] = 40
    picture[20:60, 60:80] = 120
    assert assess(picture, np.array([40, 20, 40, 40], np.float32), None).brightness == (
        pytest.approx(80, abs=1)
    )
    assert assess(picture, np.array([120, 20, 40, 40], np.float32), None).brightness == 255


def test_colours_are_as_bright_as_they_look() -> None:
    """ITU-R BT.601: red .299, green .587, blue .114."""
    levels = [brightness(grey_face(np.full((9, 9, 3), colour, np.uint8))) for colour in BGR]
    assert levels == pytest.approx([29, 150, 76], abs=1)


def test_a_face_at_the_edge_is_as_bright_as_what_is_seen_of_it() -> None:
    picture = np.full((100, 100, 3), 200, np.uint8)
    assert assess(picture, np.array([80, 80, 60, 60], np.float32), None).brightness == 200


def test_a_detector_without_landmarks_gives_no_angles(noise: Picture) -> None:
    quality = assess(noise, np.array([10, 10, 33, 40], np.float32), None)
    assert quality.width_px == 33
    assert (quality.yaw_deg, quality.pitch_deg, quality.roll_deg) == (None, None, None)


def test_the_angles_are_those_of_landmarks_and_pose_together(noise: Picture) -> None:
    face, body = straight_face(), straight_body()
    body[3:5, 1] += 8  # Both ears sink, which landmarks alone can't see.
    box = np.array([250, 150, 120, 150], np.float32)
    alone, together = assess(noise, box, face), assess(noise, box, face, body)
    assert (alone.yaw_deg, alone.pitch_deg, alone.roll_deg) == head_pose(face)
    assert (together.yaw_deg, together.pitch_deg, together.roll_deg) == head_pose(face, body)
    assert together.pitch_deg != alone.pitch_deg


class Finder:
    """Two mean faces in every picture, side by side."""

    model = "finder"

    def find(self, pictures: Sequence[Picture]) -> list[Faces]:
        boxes = np.array([[250, 150, 120, 150], [450, 150, 120, 150]], np.float32)
        landmarks = np.stack([straight_face(), straight_face() + [200, 0]]).astype(np.float32)
        return [Faces(boxes, np.ones(2, np.float32), landmarks) for _ in pictures]


class Poses:
    """The bodies of those two, the ears of the second lower."""

    model = "poses"

    def submit(self, people: Sequence[object]) -> Poses:
        assert len(people) == 2
        return self

    def result(self) -> Floats:
        bodies = np.stack([straight_body(), straight_body()])
        bodies[1, :, 0] += 200
        bodies[1, 3:5, 1] += 12
        return bodies


def test_every_face_is_read_with_the_pose_of_its_own_body(noise: Picture) -> None:
    analyser = Analyser(faces=Finder(), poses=cast(Any, Poses()), min_face_px=24)
    (together,) = analyser.analyse([noise])
    first, second = (face.quality.pitch_deg or 0 for face in together.faces)
    assert second > first + 2
    assert first == pytest.approx((head_pose(straight_face(), straight_body()) or (0, 99))[1])
    (alone,) = analyser.analyse([noise], [frozenset({"face"})])
    by_landmarks = head_pose(straight_face())
    assert by_landmarks is not None
    for face in alone.faces:
        assert face.quality.pitch_deg == pytest.approx(by_landmarks[1], abs=1e-3)
