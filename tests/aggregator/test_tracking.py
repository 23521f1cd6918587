"""People keep their numbers: through misses, crossings, cuts, and in any order of detections."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings, strategies as st

from readroom.aggregator import tracking
from readroom.aggregator.tracking import Detection, Tracker, TrackUpdate

STEP_S = 0.1


def at(
    x: float, y: float = 100.0, width: float = 60.0, score: float = 0.9, index: int = 0
) -> Detection:
    return Detection(x, y, width, 1.2 * width, score, index)


def indexed(detections: list[Detection]) -> list[Detection]:
    return [Detection(d.x, d.y, d.width, d.height, d.score, i) for i, d in enumerate(detections)]


def play(
    frames: list[list[Detection]], step_s: float = STEP_S, tracker: Tracker | None = None
) -> tuple[Tracker, list[TrackUpdate]]:
    tracker = tracker or Tracker()
    begin_s = tracker.at_s + step_s if tracker.made else 0.0
    updates = [
        tracking.update(tracker, indexed(frame), begin_s + n * step_s)
        for n, frame in enumerate(frames)
    ]
    return tracker, updates


def entered(updates: list[TrackUpdate]) -> int:
    return sum(len(update.entered) for update in updates)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_the_order_of_detections_does_not_matter(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 8))
    straight, shuffled = Tracker(), Tracker()
    for n in range(12):
        row = [
            at(90.0 * i + 3 * n, 100 + 40 * (i % 2), score=data.draw(st.sampled_from([0.5, 0.9])))
            for i in range(count)
            if data.draw(st.booleans()) or n < 4
        ]
        order = data.draw(st.permutations(row))
        tracking.update(straight, indexed(row), n * STEP_S)
        tracking.update(shuffled, indexed(order), n * STEP_S)
        assert msgspec.to_builtins(straight) == msgspec.to_builtins(shuffled)


@given(st.lists(st.booleans(), min_size=30, max_size=60), st.sampled_from([0.05, 0.1, 0.3]))
@settings(max_examples=60, deadline=None)
def test_misses_change_nobodys_number(found: list[bool], step_s: float) -> None:
    frames = [
        [at(100 + 2 * n), at(320 - n)] if n < 4 else [at(100 + 2 * n)] + [at(320 - n)] * hit
        for n, hit in enumerate(found)
    ]
    tracker, updates = play(frames, step_s)
    assert entered(updates) == 2
    assert {track.number for track in tracker.tracks if track.confirmed} == {1, 2}


def test_two_people_who_cross_keep_their_numbers() -> None:
    frames = []
    for n in range(40):
        left, right = at(100 + 8 * n, 100), at(412 - 8 * n, 125)
        # At the crossing one hides the other.
        frames.append([left] if 17 <= n <= 21 else [left, right])
    _, updates = play(frames)
    first, last = updates[5].seen, updates[-1].seen
    assert first == last
    assert entered(updates) == 2


def test_one_false_detection_is_nobody() -> None:
    frames = [[at(100)] + [at(400)] * (n in (5, 9, 14)) for n in range(20)]
    _, updates = play(frames)
    assert entered(updates) == 1


def test_a_weak_detection_keeps_a_person_but_makes_none() -> None:
    frames = [[at(100, score=0.9 if n < 4 else 0.4), at(400, score=0.4)] for n in range(40)]
    tracker, updates = play(frames)
    assert entered(updates) == 1
    assert len(updates[-1].seen) == 1
    assert len(tracker.tracks) == 1


def test_a_cut_leaves_people_on_their_seats() -> None:
    """The view jumps by two face widths: everybody vanishes, as many appear."""
    before = [[at(x) for x in (100, 300, 500, 700)]] * 6
    after = [[at(x + 90, 180, 66) for x in (100, 300, 500, 700)]] * 6
    _, updates = play(before + after)
    assert entered(updates) == 4
    assert updates[5].seen == updates[-1].seen


def test_a_single_newcomer_is_not_taken_for_somebody_who_left() -> None:
    before = [[at(100), at(300)]] * 6
    after = [[at(100), at(600)]] * 6
    _, updates = play(before + after)
    assert entered(updates) == 3


def test_who_comes_back_within_half_a_minute_to_the_same_place_is_the_same() -> None:
    tracker, _ = play([[at(100), at(400)]] * 5)
    play([[]] * 200, tracker=tracker)
    _, updates = play([[at(130), at(400)]] * 5, tracker=tracker)
    assert entered(updates) == 0
    assert sorted(updates[-1].seen) == [1, 2]


def test_who_walks_out_and_in_at_a_brisk_pace_is_the_same() -> None:
    """Half a face at the picture's edge first, then steps of one and a half face widths."""
    out = [[at(700.0 + 90 * n, width=130)] for n in range(6)]
    tracker, _ = play([[at(700, width=130)]] * 5 + out, step_s=0.2)
    play([[]] * 15, step_s=0.2, tracker=tracker)
    steps = [(1230.0, 75.0), (1164.0, 132.0), (971.0, 135.0), (800.0, 131.0), (727.0, 131.0)]
    _, updates = play([[at(x, width=width)] for x, width in steps], step_s=0.2, tracker=tracker)
    assert entered(updates) == 0
    assert all(1 in update.seen for update in updates)


def test_who_stays_away_longer_has_left_and_comes_back_as_somebody_new() -> None:
    tracker, _ = play([[at(100)]] * 5)
    _, gone = play([[]] * 310, tracker=tracker)
    assert [track.number for update in gone for track in update.left] == [1]
    _, updates = play([[at(100)]] * 5, tracker=tracker)
    assert entered(updates) == 1


def test_after_a_reconnect_people_are_looked_for_where_they_were() -> None:
    tracker, _ = play([[at(100 + 9 * n), at(400)] for n in range(8)])
    tracking.reset(tracker)
    play([[]] * 50, tracker=tracker)
    _, updates = play([[at(150), at(405)]] * 4, tracker=tracker)
    assert entered(updates) == 0
    assert len(updates[-1].seen) == 2


def test_a_face_that_grows_by_far_is_somebody_else() -> None:
    _, updates = play([[at(100, width=30)]] * 5 + [[at(100, width=120)]] * 5)
    assert entered(updates) == 2


def test_a_thousand_faces_are_bounded() -> None:
    crowd = [at(70.0 * (i % 40), 90.0 * (i // 40), 30, score=0.7 + i / 5000) for i in range(1000)]
    tracker, updates = play([crowd] * 4)
    assert len(tracker.tracks) <= tracking.MAX_TRACKS
    assert len(updates[-1].seen) <= tracking.MAX_FACES


def test_a_tracker_survives_its_own_checkpoint_bit_for_bit() -> None:
    frames = [[at(100 + 3.3 * n), at(400 - 1.7 * n, 120)] for n in range(30)]
    whole, _ = play(frames)
    half, _ = play(frames[:15])
    half = msgspec.msgpack.decode(msgspec.msgpack.encode(half), type=Tracker)
    for n in range(15, 30):
        tracking.update(half, indexed(frames[n]), n * STEP_S)
    assert msgspec.msgpack.encode(half) == msgspec.msgpack.encode(whole)
