"""Physical units from one frame, on scripted people."""

from __future__ import annotations

import math

import pytest

from readroom.aggregator.actions import geometry
from readroom.messages import Box
from tests.aggregator.actions.scripted import LANDMARKS, bare, body, larger, shapes, sight


def test_units_are_the_persons_own_so_that_distance_to_the_camera_cancels_out() -> None:
    raised = body(left_elbow=(430, 190), left_wrist=(440, 90))
    for by in (0.5, 1.0, 2.5):
        face = Box(320 - 30 * by, 180 - 100 * by, 60 * by, 75 * by)
        hands = geometry.hands(sight(face=face, keypoints=larger(raised, by)))
        trunk = geometry.trunk(sight(face=face, keypoints=larger(raised, by)))
        assert hands is not None
        assert trunk is not None
        assert hands.raised == pytest.approx(110 / 130)
        # The wrist is 90 px beside the face's box; the palm, above it, is further away.
        assert hands.at_face == pytest.approx(90 / 60)
        assert trunk.shoulders_px == pytest.approx(130 * by)


def test_the_palm_lies_beyond_the_wrist_as_seen_from_the_elbow() -> None:
    # Forearm of 85 px, upwards: the palm is 29.75 px above the wrist, 5.25 px below the box.
    arm = {"left_elbow": (340.0, 275.0), "left_wrist": (340.0, 190.0)}
    seen = geometry.hands(sight(keypoints=body((), **arm)))
    assert seen is not None
    assert seen.at_face == pytest.approx(5.25 / 60)
    alone = geometry.hands(sight(keypoints=body(("left_elbow",), **arm)))
    assert alone is not None
    assert alone.at_face == pytest.approx(35 / 60)


def test_a_tilted_body_crosses_its_arms_all_the_same() -> None:
    crossed = body(left_wrist=(270, 275), right_wrist=(370, 275))
    turn = math.radians(20)
    tilted = tuple(
        (
            320 + (x - 320) * math.cos(turn) - (y - 180) * math.sin(turn),
            180 + (x - 320) * math.sin(turn) + (y - 180) * math.cos(turn),
            score,
        )
        for x, y, score in crossed
    )
    upright, leaning = (
        geometry.trunk(sight(keypoints=crossed)),
        geometry.trunk(sight(keypoints=tilted)),
    )
    assert upright is not None
    assert leaning is not None
    assert upright.crossing == pytest.approx(50 / 130)
    assert leaning.crossing == pytest.approx(upright.crossing, abs=1e-6)


@pytest.mark.parametrize(
    ("left", "right", "crosses"),
    [
        ((360, 340), (280, 340), False),  # on the lap
        ((322, 290), (318, 290), False),  # folded
        ((270, 275), (280, 275), False),  # one arm across
        ((370, 110), (270, 110), False),  # at the head
        ((270, 275), (370, 275), True),
    ],
)
def test_arms_cross_where_both_wrists_do(
    left: tuple[float, float], right: tuple[float, float], crosses: bool
) -> None:
    trunk = geometry.trunk(sight(keypoints=body(left_wrist=left, right_wrist=right)))
    assert trunk is not None
    assert trunk.crossing is not None
    assert (trunk.crossing >= 0.1) is crosses


def test_the_mouths_ratio_doesnt_change_with_a_turn_of_the_head_or_the_picture() -> None:
    straight = geometry.mouth_width(sight())
    assert straight == pytest.approx(22 / 26)
    turned = tuple((320 + 0.87 * (x - 320), y) for x, y in LANDMARKS)
    assert geometry.mouth_width(sight(landmarks=turned, yaw_deg=29.5)) == pytest.approx(straight)
    rolled = tuple((-y, x) for x, y in LANDMARKS)
    assert geometry.mouth_width(sight(landmarks=rolled, roll_deg=90.0)) == pytest.approx(straight)
    assert geometry.mouth_width(sight(yaw_deg=31.0)) is None


def test_what_isnt_seen_is_none() -> None:
    for measure in (
        geometry.readable_shapes,
        geometry.head,
        geometry.hands,
        geometry.trunk,
        geometry.mouth_width,
        geometry.face_scale,
    ):
        assert measure(bare()) is None


def test_people_seen_from_the_side_have_no_shoulder_width() -> None:
    sideways = body(left_shoulder=(345, 200), right_shoulder=(300, 200))
    assert geometry.trunk(sight(keypoints=sideways)) is None


def test_shapes_of_a_face_that_can_hardly_be_read_say_nothing() -> None:
    smile = shapes(mouthSmile=0.9)
    assert geometry.readable_shapes(sight(blendshapes=smile)) is not None
    assert geometry.readable_shapes(sight(blendshapes=smile, weight=0.1)) is None
    assert geometry.readable_shapes(sight(blendshapes=smile, yaw_deg=-45.0)) is None
    assert geometry.readable_shapes(sight(blendshapes=smile[:-1])) is None
    assert geometry.readable_shapes(sight(blendshapes=shapes(jawOpen=math.nan))) is None
