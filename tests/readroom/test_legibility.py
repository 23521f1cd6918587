"""Why a single face can't be read: the same gates as in a room."""

from __future__ import annotations

from typing import Any

import pytest

from readroom.legibility import READABLE_WEIGHT, face_weight, flaw, why_unreadable
from readroom.messages import Box, Face, Quality

GOOD: dict[str, Any] = {"sharpness": 300.0, "brightness": 120.0, "yaw_deg": 0.0, "pitch_deg": 0.0}


def face(width_px: float = 80, score: float = 0.95, landmarks: bool = True, **quality: Any) -> Face:
    return Face(
        box=Box(0, 0, width_px, width_px),
        score=score,
        quality=Quality(width_px=width_px, **{**GOOD, **quality}),
        landmarks=((0, 0),) * 5 if landmarks else None,  # type: ignore[arg-type]
    )


def test_a_face_that_is_seen_well_is_read() -> None:
    assert why_unreadable(face(), 32) is None


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (face(31), "too_small"),
        (face(yaw_deg=70.0), "turned"),
        (face(yaw_deg=-70.0), "turned"),
        (face(33, sharpness=2.0), "blurred"),
        (face(33, 0.8, pitch_deg=-45.0), "bowed"),
        (face(33, 0.8, pitch_deg=45.0), "raised"),
        (face(33, 0.8, brightness=20.0), "dark"),
        (face(33, 0.8, brightness=240.0), "overlit"),
        (face(score=0.71), "doubtful"),
    ],
)
def test_the_first_thing_in_the_way_is_named(bad: Face, why: str) -> None:
    assert why_unreadable(bad, 32) == why


def test_what_counts_in_a_room_is_read_in_a_picture_and_nothing_else() -> None:
    for width in range(32, 90, 3):
        for score in (0.7, 0.75, 0.8, 0.9):
            one = face(width, score)
            counts = face_weight(one, 32) >= READABLE_WEIGHT
            assert (why_unreadable(one, 32) is None) == counts


def test_a_flaw_that_still_counts_is_none_in_the_way() -> None:
    bowed = face(pitch_deg=-45.0)
    assert flaw(bowed.quality) == "bowed"
    assert why_unreadable(bowed, 32) is None


def test_the_rank_of_a_detector_without_landmarks_says_nothing() -> None:
    assert why_unreadable(face(score=0.1, landmarks=False), 32) is None


def test_what_nothing_measures_is_no_flaw() -> None:
    assert flaw(Quality(width_px=50, sharpness=100)) is None
