"""Actions of scripted people, and what must hold whatever is seen."""

from __future__ import annotations

import math
import random

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from readroom.aggregator.actions import state as actions
from readroom.aggregator.actions.state import ActionEnded, ActionState
from readroom.aggregator.sight import Sight
from readroom.messages import ACTIONS, BLENDSHAPES, KEYPOINTS, Box
from tests.aggregator.actions.scripted import (
    FACE,
    LANDMARKS,
    PLACES,
    bare,
    body,
    larger,
    play,
    shapes,
    sight,
    spans,
    wave,
)

#: Largest state of one person as msgpack, bytes.
MOST_BYTES = 2048
#: What shows which action for as long as it is shown.
SHOWN: dict[str, Sight] = {
    "smiling": sight(blendshapes=shapes(mouthSmile=0.8)),
    "brow_lowered": sight(blendshapes=shapes(browDown=0.5)),
    "brow_raised": sight(blendshapes=shapes(browInnerUp=0.7)),
    "mouth_open": sight(blendshapes=shapes(jawOpen=0.4)),
    "eyes_closed": sight(blendshapes=shapes(eyeBlink=0.8)),
    "facing_away": sight(yaw_deg=38.0),
    "head_down": sight(pitch_deg=-35.0),
    "hand_at_face": sight(
        keypoints=body(left_elbow=(390, 250), left_wrist=(352, 165), right_wrist=(280, 340))
    ),
    "arms_crossed": sight(keypoints=body(left_wrist=(270, 275), right_wrist=(370, 275))),
    "hand_raised": sight(keypoints=body(left_elbow=(430, 190), left_wrist=(440, 90))),
}


@pytest.mark.parametrize("action", SHOWN)
@pytest.mark.parametrize("fps", [2, 10, 30])
def test_what_is_shown_for_four_seconds_is_one_span_of_about_that(action: str, fps: int) -> None:
    person, ended = play(lambda t: SHOWN[action] if 3 < t <= 7 else sight(), 11.0, fps)
    (span,) = spans(person, ended, action)
    # A frame late, and smoothed: up to a second for what is smoothed most.
    assert span == pytest.approx((3.0, 7.0), abs=1.0 + 1 / fps)
    shown = {one.action for one in ended}
    assert shown <= {action, "facing_front", "still", "fidgeting"}
    assert action in actions.measured(person, 11.0)


def test_who_sits_and_looks_to_the_front_does_only_that() -> None:
    person, ended = play(lambda t: sight(), 20.0)
    assert not ended
    assert set(actions.running(person)) == {"facing_front", "still"}
    assert set(actions.measured(person, 20.0)) == set(ACTIONS)


def test_of_whom_nothing_is_seen_nothing_is_said() -> None:
    person, ended = play(lambda t: bare(), 20.0)
    assert not ended
    assert actions.running(person) == {}
    assert actions.measured(person, 20.0) == ()
    assert actions.blinks_per_min(person, 20.0) is None


def test_an_action_that_isnt_seen_any_more_ends_after_a_grace_and_is_unknown() -> None:
    person, ended = play(lambda t: SHOWN["smiling"] if t <= 3 else bare(), 3.8)
    assert not ended
    assert "smiling" in actions.running(person)
    person, ended = play(lambda t: bare(), 3.0, person=person)
    (span,) = spans(person, ended, "smiling")
    assert span == pytest.approx((0.1, 3.0))
    assert actions.measured(person, person.at_s) == ()


def test_frames_in_which_poses_didnt_run_are_no_evidence() -> None:
    def script(t: float) -> Sight:
        raised = SHOWN["hand_raised"]
        return raised if round(t * 10) % 5 == 0 else sight(keypoints=None)

    person, ended = play(script, 6.0)
    assert "hand_raised" in actions.running(person)
    assert not spans(person, ended, "hand_raised")[1:]


def test_wrists_below_the_table_leave_hands_unknown() -> None:
    person, _ = play(lambda t: sight(keypoints=body(("left_wrist", "right_wrist"))), 5.0)
    unknown = {"hand_at_face", "hand_raised", "arms_crossed"}
    assert not unknown & set(actions.measured(person, 5.0))


def test_one_hand_can_confirm_but_not_deny() -> None:
    hidden = body(("right_wrist",))
    person, _ = play(lambda t: sight(keypoints=hidden), 5.0)
    assert "hand_at_face" not in actions.measured(person, 5.0)
    shown = body(("right_wrist",), left_elbow=(390, 250), left_wrist=(352, 165))
    person, ended = play(lambda t: sight(keypoints=shown if t <= 3 else hidden), 6.0, person=person)
    assert len(spans(person, ended, "hand_at_face")) == 1
    assert "hand_at_face" not in actions.running(person)


def test_a_face_turned_away_hides_the_mouth() -> None:
    person, _ = play(lambda t: sight(yaw_deg=50.0), 5.0)
    known = actions.measured(person, 5.0)
    assert "facing_away" in known
    assert "smiling" not in known


def test_small_faces_say_nothing_of_nods_and_tiny_ones_nothing() -> None:
    person, _ = play(lambda t: sight(face=Box(305, 90, 20, 25), weight=0.1), 5.0)
    known = set(actions.measured(person, 5.0))
    assert "facing_front" in known
    assert not {"smiling", "nodding", "head_down"} & known
    person, _ = play(lambda t: sight(face=Box(312, 95, 12, 15), weight=0.0), 5.0)
    assert "facing_front" not in actions.measured(person, 5.0)


def test_without_a_mesh_a_wider_mouth_than_at_rest_confirms_a_smile() -> None:
    wide = (*LANDMARKS[:3], (306.0, 139.0), (334.0, 139.0))
    person, ended = play(lambda t: sight(blendshapes=None), 15.0)
    assert "smiling" not in actions.measured(person, 15.0)
    person, ended = play(
        lambda t: sight(blendshapes=None, landmarks=wide if t <= 3 else LANDMARKS),
        6.0,
        person=person,
    )
    (span,) = spans(person, ended, "smiling")
    assert span == pytest.approx((15.0, 18.0), abs=0.4)


@pytest.mark.parametrize(("by", "action"), [(1.15, "leaning_in"), (0.85, "leaning_out")])
def test_who_comes_nearer_leans(by: float, action: str) -> None:
    face = Box(320 - 30 * by, 117.5 - 37.5 * by, 60 * by, 75 * by)
    moved = sight(face=face, keypoints=larger(body(), by))
    person, ended = play(lambda t: moved if 30 < t <= 40 else sight(), 60.0)
    (span,) = spans(person, ended, action)
    assert span == pytest.approx((30.5, 40.5), abs=1.2)
    other = {"leaning_in", "leaning_out"} - {action}
    assert not other & {one.action for one in ended}


def test_a_turned_head_or_trunk_alone_is_no_lean() -> None:
    turned = larger(body(), 0.85)
    person, ended = play(lambda t: sight(keypoints=turned if t > 30 else body()), 40.0)
    assert not spans(person, ended, "leaning_out")
    narrow = Box(295, 80, 50, 75)
    person, ended = play(lambda t: sight(face=narrow if t > 30 else FACE), 40.0)
    assert not spans(person, ended, "leaning_out")


def test_a_new_way_to_sit_becomes_the_usual_one() -> None:
    moved = sight(face=Box(285.5, 74.4, 69, 86.25), keypoints=larger(body(), 1.15))
    person, ended = play(lambda t: moved if t > 60 else sight(), 300.0, 5)
    (span,) = spans(person, ended, "leaning_in")
    assert span[1] is not None
    assert 20 < span[1] - span[0] < 150


def moving(t: float, part: str, hz: float, px: float) -> Sight:
    x, y = PLACES[part]
    return sight(keypoints=body((), **{part: (x + wave(t, hz, px), y)}))


@pytest.mark.parametrize("fps", [5, 10, 30])
def test_a_hand_that_keeps_moving_fidgets(fps: int) -> None:
    person, _ = play(lambda t: moving(t, "left_wrist", 0.8, 80.0), 12.0, fps)
    assert "fidgeting" in actions.running(person)
    assert "still" not in actions.running(person)


@pytest.mark.parametrize("fps", [5, 10, 30])
def test_keypoints_that_tremble_are_still(fps: int) -> None:
    noise = random.Random(4)

    def script(t: float) -> Sight:
        # As on the clips: 0.008 shoulder widths.
        return sight(
            keypoints=tuple(
                (x + noise.gauss(0, 1), y + noise.gauss(0, 1), score) for x, y, score in body()
            )
        )

    person, _ = play(script, 15.0, fps)
    assert "still" in actions.running(person)


def test_a_camera_that_repeats_or_turns_back_its_time_changes_nothing() -> None:
    person, _ = play(lambda t: SHOWN["smiling"], 3.0)
    before = msgspec.msgpack.encode(person)
    for at_s in (3.0, 3.0, 1.0, -5.0, math.nan, -math.inf):
        assert actions.step(person, SHOWN["smiling"], at_s) == []
    again = msgspec.msgpack.decode(before, type=ActionState)
    assert actions.running(person) == actions.running(again)
    assert person.at_s == again.at_s


def test_the_worked_example_of_the_page_is_true() -> None:
    # 4 s are 40 frames; the one at 4.0 s is the first that shows the turn.
    person, ended = play(lambda t: sight(yaw_deg=40.0 if t > 3.95 else 3.0), 4.55)
    assert "facing_away" not in actions.running(person)
    (front,) = spans(person, ended, "facing_front")
    assert front[1] == pytest.approx(4.1)
    person, _ = play(lambda t: sight(yaw_deg=40.0), 0.1, person=person)
    assert actions.running(person)["facing_away"].since_s == pytest.approx(4.2)


def test_what_is_no_number_once_leaves_nothing_behind() -> None:
    nonsense = [
        sight(
            yaw_deg=bad,
            pitch_deg=bad,
            roll_deg=bad,
            blendshapes=(bad,) * len(BLENDSHAPES),
            landmarks=((bad, bad),) * 5,
            keypoints=((bad, bad, 0.9),) * len(KEYPOINTS),
        )
        for bad in (math.nan, math.inf, -1e308, 1e308, -7.0)
    ]
    plain, _ = play(lambda t: sight(), 30.0)
    person, ended = play(lambda t: nonsense[round(10 * t) % 5] if 10 < t < 11 else sight(), 30.0)
    assert set(actions.running(person)) == set(actions.running(plain))
    assert {one.action for one in ended} <= {"facing_front", "still"}


def test_when_somebody_goes_everything_ends() -> None:
    person, _ = play(lambda t: SHOWN["smiling"], 5.0)
    ended = actions.finish(person, 5.0)
    assert {one.action for one in ended} >= {"smiling", "facing_front"}
    assert all(one.end_s == 5.0 for one in ended)
    assert actions.running(person) == {}
    assert actions.finish(person, 6.0) == []


def busy(t: float) -> Sight:
    """Somebody who does everything at once, so that everything there is to keep is kept."""
    jaw = 0.2 + wave(t, 3, 0.3)
    return sight(
        yaw_deg=wave(t, 2, 24.0) + 1e-3,
        pitch_deg=wave(t, 2, 12.0),
        roll_deg=0.7,
        blendshapes=shapes(jawOpen=jaw, mouthSmile=0.7, eyeBlink=0.9 if t % 3 < 0.2 else 0.1),
        keypoints=body(left_wrist=(352 + 20 * math.sin(9 * t), 165)),
    )


def test_a_person_takes_at_most_two_kilobytes() -> None:
    person, most = actions.begin(0.0), 0
    for frame in range(900):
        at_s = frame / 13
        actions.step(person, busy(at_s), at_s)
        most = max(most, len(msgspec.msgpack.encode(person)))
    assert 500 < most <= MOST_BYTES


# -- whatever is seen -------------------------------------------------------------------------

numbers = st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -1e308, 1e308, 1e-320]) | st.floats(
    -500, 500
)
maybe = st.none() | numbers
point = st.tuples(numbers, numbers)


def rows(item: st.SearchStrategy[object], count: int) -> st.SearchStrategy[object]:
    """A tuple of as many items, rarely of another number."""
    other = st.lists(item, max_size=3).map(tuple)
    same = item.map(lambda one: (one,) * count)
    return st.none() | same | other


strange = st.builds(
    Sight,
    width=st.just(640),
    height=st.just(360),
    face=st.none() | st.builds(Box, numbers, numbers, numbers, numbers),
    landmarks=rows(point, 5),
    yaw_deg=maybe,
    pitch_deg=maybe,
    roll_deg=maybe,
    weight=numbers,
    blendshapes=rows(numbers, len(BLENDSHAPES)),
    keypoints=rows(st.tuples(numbers, numbers, numbers), len(KEYPOINTS)),
)
plausible = st.builds(
    sight,
    yaw_deg=st.floats(-60, 60),
    pitch_deg=st.floats(-60, 60),
    roll_deg=maybe,
    weight=st.floats(0, 1),
    blendshapes=st.none()
    | st.builds(
        shapes, jawOpen=st.floats(0, 1), eyeBlink=st.floats(0, 1), mouthSmile=st.floats(0, 1)
    ),
    keypoints=st.none()
    | st.builds(body, left_wrist=st.tuples(st.floats(0, 640), st.floats(0, 360))),
)
watched = st.lists(
    st.tuples(
        strange | plausible | st.sampled_from([*SHOWN.values(), sight(), bare()]),
        st.sampled_from([0.0, -1.0, 0.03, 0.1, 0.5, 1.1, 70.0, math.nan]),
        st.integers(1, 12),
    ),
    max_size=12,
)


def watch(
    steps: list[tuple[Sight, float, int]], *, stored: bool
) -> tuple[ActionState, list[ActionEnded]]:
    """Show each sight so many times, with so much time between; ``stored``: every time through
    msgpack."""
    person, at_s, ended = actions.begin(0.0), 0.0, []
    for seen, step_s, times in steps:
        for _ in range(times):
            at_s = at_s + step_s if math.isfinite(step_s) else at_s
            ended += actions.step(person, seen, at_s if math.isfinite(step_s) else step_s)
            if stored:
                blob = msgspec.msgpack.encode(person)
                assert len(blob) <= MOST_BYTES
                person = msgspec.msgpack.decode(blob, type=ActionState)
    return person, ended


@given(watched)
@settings(max_examples=60)
def test_whatever_is_seen_spans_are_in_order_and_nothing_fails(
    steps: list[tuple[Sight, float, int]],
) -> None:
    person, ended = watch(steps, stored=False)
    at_s = person.at_s
    for action, span in actions.running(person).items():
        assert action in ACTIONS
        assert span.since_s <= at_s
        assert 0 <= span.confidence <= 1
    rate = actions.blinks_per_min(person, at_s)
    assert rate is None or 0 <= rate < 1200
    assert set(actions.measured(person, at_s)) <= set(ACTIONS)
    ended += actions.finish(person, at_s)
    for action in ACTIONS:
        before_s = -math.inf
        for span_over in (one for one in ended if one.action == action):
            assert before_s <= span_over.start_s < span_over.end_s <= at_s
            assert 0 <= span_over.confidence <= 1
            before_s = span_over.end_s


@given(watched)
@settings(max_examples=40)
def test_a_restart_between_any_two_frames_changes_nothing(
    steps: list[tuple[Sight, float, int]],
) -> None:
    person, ended = watch(steps, stored=False)
    again, ended_again = watch(steps, stored=True)
    assert ended_again == ended
    assert msgspec.msgpack.encode(again) == msgspec.msgpack.encode(person)
