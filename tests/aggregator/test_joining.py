"""What the joiner promises, over any order of arrival, loss and repetition."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings, strategies as st

from readroom.aggregator import joining
from readroom.aggregator.joining import CameraJoin, Joined, JoinOutcome, JoinRules
from readroom.messages import Observation
from tests.aggregator.made import LANE, START, face, observation, report

POSE = "pose"
BOTH = JoinRules(lanes=(LANE, POSE))
ONE = JoinRules(lanes=(LANE,))


def pose(seq: int, **changes: Any) -> Observation:
    return observation(seq, lane=POSE, engines=("pose",), **changes)


def feed(join: CameraJoin, arrivals: list[tuple[float, Observation]], rules: JoinRules) -> Joint:
    joint = Joint()
    for now, seen in arrivals:
        joint.add(joining.offer(join, seen, now, rules), now)
    return joint


class Joint:
    """Outcomes added up; ``released_at`` is when each frame was let go, by our clock."""

    def __init__(self) -> None:
        self.frames: list[Joined] = []
        self.released_at: dict[int, float] = {}
        self.duplicates = self.late = 0
        self.dropped: dict[str, int] = {}

    def add(self, outcome: JoinOutcome, now: float) -> None:
        self.frames += outcome.frames
        self.released_at.update({frame.seq: now for frame in outcome.frames})
        self.duplicates += outcome.duplicates
        self.late += outcome.late
        for reason, count in outcome.dropped.items():
            self.dropped[reason] = self.dropped.get(reason, 0) + count

    @property
    def seqs(self) -> list[int]:
        return [frame.seq for frame in self.frames]


@st.composite
def recordings(draw: st.DrawFn) -> tuple[list[int], list[Observation]]:
    """Published seqs (ingest drops some), and both lanes' observations in any order, some
    twice."""
    seqs = sorted(draw(st.sets(st.integers(0, 60), min_size=1, max_size=25)))
    previous = [-1, *seqs[:-1]]
    all_of_them = [
        make(seq, previous_seq=before, mode="recording")
        for seq, before in zip(seqs, previous, strict=True)
        for make in (observation, pose)
    ]
    again = draw(st.lists(st.sampled_from(all_of_them), max_size=10))
    return seqs, draw(st.permutations(all_of_them + again))


@given(recordings())
@settings(max_examples=150, deadline=None)
def test_a_recording_comes_out_whole_once_and_in_order_whatever_the_order_of_arrival(
    drawn: tuple[list[int], list[Observation]],
) -> None:
    seqs, arrivals = drawn
    join = CameraJoin()
    joint = feed(join, [(float(n), seen) for n, seen in enumerate(arrivals)], BOTH)
    assert joint.seqs == seqs
    assert all(frame.faces is not None and frame.bodies is not None for frame in joint.frames)
    assert joint.duplicates == len(arrivals) - 2 * len(seqs)
    assert joint.late == 0
    assert joint.dropped == {}


@given(recordings(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_recording_never_skips_a_frame_that_a_living_lane_still_owes(
    drawn: tuple[list[int], list[Observation]], data: st.DataObject
) -> None:
    seqs, arrivals = drawn
    owed = data.draw(st.sampled_from(seqs))
    kept = [(0.0, seen) for seen in arrivals if (seen.seq, seen.lane) != (owed, POSE)]
    join = CameraJoin()
    joint = feed(join, kept, BOTH)
    assert joint.seqs == [seq for seq in seqs if seq < owed]
    late = joining.offer(join, pose(owed, previous_seq=-1, mode="recording"), 0.1, BOTH)
    assert joint.seqs + [frame.seq for frame in late.frames] == seqs


@st.composite
def live_arrivals(draw: st.DrawFn) -> list[tuple[float, Observation]]:
    """A live camera at 10 frames/s: frames are lost to some lanes, or to all; each result comes
    up to 1.5 s after the picture, some twice; sorted by arrival."""
    arrivals: list[tuple[float, Observation]] = []
    previous = -1
    for seq in range(draw(st.integers(1, 25))):
        fate = draw(st.sampled_from(["seen", "seen", "seen", "half", "trimmed", "dropped"]))
        if fate == "dropped":
            continue  # By ingest: nobody's previous_seq names it.
        makes = {"seen": (observation, pose), "half": (observation,), "trimmed": ()}[fate]
        for make in makes:
            seen = make(seq, previous_seq=previous)
            for delay_s in draw(st.lists(st.floats(0, 1.5), min_size=1, max_size=2)):
                arrivals.append((seen.captured_at + delay_s, seen))
        previous = seq
    return sorted(arrivals, key=lambda arrival: arrival[0])


@given(live_arrivals())
@settings(max_examples=100, deadline=None)
def test_live_frames_come_in_order_once_and_never_wait_beyond_the_watermark(
    arrivals: list[tuple[float, Observation]],
) -> None:
    join, joint = CameraJoin(), Joint()
    for now, seen in arrivals:
        joint.add(joining.release(join, now, BOTH), now)  # The process asks every 50 ms.
        joint.add(joining.offer(join, seen, now, BOTH), now)
        waiting = [now - held.first_at for held in join.held.values()]
        assert all(waited_s < BOTH.reorder_s for waited_s in waiting)
    end = arrivals[-1][0] + BOTH.reorder_s + 0.01 if arrivals else 0.0
    joint.add(joining.release(join, end, BOTH), end)
    assert joint.seqs == sorted(set(joint.seqs))
    assert join.held == {}
    # Every observation is accounted for: in a frame, a duplicate, or late.
    merged = sum((f.faces is not None) + (f.bodies is not None) for f in joint.frames)
    assert merged + joint.duplicates + joint.late == len(arrivals)


def test_a_gap_that_ingest_counted_holds_nothing_up() -> None:
    join = CameraJoin()
    joint = feed(join, [(0, observation(0)), (0, observation(7, previous_seq=0))], ONE)
    assert joint.seqs == [0, 7]
    assert joint.dropped == {}


def test_a_frame_trimmed_unread_is_waited_for_until_the_watermark() -> None:
    join = CameraJoin()
    joint = feed(join, [(0.0, observation(0)), (0.1, observation(2, previous_seq=1))], ONE)
    assert joint.seqs == [0]
    joint.add(joining.release(join, 0.4, ONE), 0.4)
    assert joint.seqs == [0]
    joint.add(joining.release(join, 0.65, ONE), 0.65)
    assert joint.seqs == [0, 2]


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 9))
@settings(max_examples=100, deadline=None)
def test_frames_trimmed_unread_are_counted_exactly(analysed: list[bool], every: int) -> None:
    """Ingest publishes every third picture, and says now and then how many it has published;
    some frames are never reported."""
    join, joint, seqs = CameraJoin(), Joint(), [3 * n for n in range(len(analysed))]
    joining.report(join, report("connecting"), 0.0)
    for n, seen in enumerate(analysed):
        now = float(n)
        if seen:
            frame = observation(seqs[n], previous_seq=seqs[n - 1] if n else -1)
            joint.add(joining.offer(join, frame, now, ONE), now)
        if n % every == 0:
            said = report("streaming", frames=n + 1, last_seq=seqs[n], at=now)
            joint.add(joining.report(join, said, now), now)
    end = float(len(analysed))
    joint.add(joining.release(join, end, ONE), end)
    last = report("ended", frames=len(analysed), last_seq=seqs[-1], at=end)
    joint.add(joining.report(join, last, end), end)
    joint.add(joining.close(join), end)
    assert joint.dropped.get("trimmed", 0) == analysed.count(False)


def test_what_was_published_before_the_aggregator_came_is_not_counted_as_lost() -> None:
    join = CameraJoin()
    joining.offer(join, observation(50), 0.0, ONE)
    joining.report(join, report("streaming", frames=51, last_seq=50), 0.0)
    joint = feed(join, [(0.1, observation(51)), (0.2, observation(55, previous_seq=54))], ONE)
    joining.report(join, report("streaming", frames=56, last_seq=55, at=START + 1), 0.0)
    joint.add(joining.release(join, 1.0, ONE), 1.0)
    joint.add(joining.offer(join, observation(56), 1.1, ONE), 1.1)
    assert joint.dropped == {"trimmed": 3}


def test_a_lane_that_fell_silent_is_no_longer_waited_for() -> None:
    join = CameraJoin()
    joint = feed(join, [(0, observation(0)), (0, pose(0)), (6, observation(1))], BOTH)
    assert joint.seqs == [0, 1]
    assert joint.released_at[1] == 6


def test_a_clock_set_back_on_the_camera_holds_nothing_up_and_hurries_nothing() -> None:
    join = CameraJoin()
    feed(join, [(0, observation(0)), (0, pose(0))], BOTH)
    back = {"captured_at": START - 3600}
    joint = feed(join, [(0.1, observation(1, **back))], BOTH)
    assert joint.seqs == []  # The other lane still has its time,
    joint.add(joining.offer(join, pose(1, **back), 0.2, BOTH), 0.2)
    assert joint.frames[0].bodies is not None  # and was waited for.


def test_skipped_frames_are_counted_by_reason_and_unknown_reasons_stay_bounded() -> None:
    join = CameraJoin()
    nothing: dict[str, Any] = {"engines": (), "faces": ()}
    arrivals = [
        (0.0, observation(seq, skipped=reason, **nothing))
        for seq, reason in enumerate(("stale", "stale", "made-up-%d", "failed"))
    ]
    joint = feed(join, arrivals, ONE)
    assert joint.dropped == {"stale": 2, "other": 1, "failed": 1}


def test_a_new_epoch_flushes_the_old_one_and_makes_its_stragglers_late() -> None:
    join = CameraJoin()
    joint = feed(
        join,
        [
            (0.0, observation(0)),
            (0.0, pose(0)),
            (0.1, observation(1)),
            (0.2, observation(0, epoch=2000)),
            (0.3, pose(1)),
            (0.4, pose(0, epoch=2000)),
        ],
        BOTH,
    )
    assert [(f.epoch, f.seq, f.restarted) for f in joint.frames] == [
        (1000, 0, False),
        (1000, 1, False),
        (2000, 0, True),
    ]
    assert joint.late == 2  # pose(1), and pose(0), since nobody knew of that lane then.


def test_an_epoch_with_a_smaller_number_is_new_all_the_same() -> None:
    """The clock of the camera's host was set back before ingest started again."""
    join = CameraJoin()
    joint = feed(join, [(0, observation(5)), (1, observation(0, epoch=3))], ONE)
    assert joint.frames[-1].epoch == 3


def test_a_recording_played_again_after_it_ended_begins_anew() -> None:
    join = CameraJoin()
    joint = feed(join, [(0, observation(n, mode="recording")) for n in range(3)], ONE)
    joining.report(join, report("ended", mode="recording", last_seq=2), 1.0)
    assert joining.finished(join, 1.0, ONE)
    joint = feed(join, [(2, observation(n, mode="recording", epoch=2000)) for n in range(2)], ONE)
    assert joint.seqs == [0, 1]
    assert not joining.finished(join, 2.0, ONE)


def test_a_recording_that_ended_before_its_first_result_came_is_still_known_to_have_ended() -> None:
    join = CameraJoin()
    joining.report(join, report("streaming", mode="recording"), 0.0)
    joining.report(join, report("ended", mode="recording", last_seq=1), 0.1)
    joint = feed(join, [(1, observation(n, mode="recording")) for n in range(2)], ONE)
    assert joint.seqs == [0, 1]
    assert joining.finished(join, 1.0, ONE)


def test_a_resumed_recording_waits_for_the_stragglers_of_the_epoch_before() -> None:
    join = CameraJoin()
    feed(join, [(0, observation(n, mode="recording")) for n in range(3)], ONE)
    resumed = observation(5, mode="recording", epoch=2000, previous_seq=-1)
    joint = feed(join, [(1, resumed)], ONE)
    assert joint.seqs == []
    joint = feed(join, [(2, observation(n, mode="recording")) for n in (4, 3)], ONE)
    assert joint.seqs == [3, 4, 5]


def test_a_recorded_frame_that_a_lane_put_aside_is_given_up_in_the_end_and_counted() -> None:
    join = CameraJoin()
    joint = feed(join, [(0, observation(n, mode="recording")) for n in range(3)], BOTH)
    for n in (0, 2):
        joint.add(joining.offer(join, pose(n, mode="recording"), 1.0, BOTH), 1.0)
    assert joint.seqs == [0]
    joint.add(joining.release(join, 59.0, BOTH), 59.0)
    assert joint.seqs == [0]
    joint.add(joining.release(join, 62.0, BOTH), 62.0)
    assert joint.seqs == [0, 1, 2]
    assert joint.dropped == {"unreported": 1}


def test_a_camera_has_ended_once_its_last_frame_is_through() -> None:
    join = CameraJoin()
    feed(join, [(0, observation(0))], ONE)
    joining.report(join, report("ended", last_seq=1), 0.1)
    assert not joining.finished(join, 0.2, ONE)
    joining.offer(join, observation(1), 0.3, ONE)
    assert joining.finished(join, 0.3, ONE)


def test_a_live_camera_whose_last_frames_were_trimmed_ends_when_its_lanes_are_silent() -> None:
    join = CameraJoin()
    feed(join, [(0, observation(0))], ONE)
    joining.report(join, report("ended", last_seq=9), 0.1)
    assert not joining.finished(join, 4.0, ONE)
    assert joining.finished(join, 5.2, ONE)


def test_a_flood_is_bounded() -> None:
    join = CameraJoin()
    stuck = [
        (0.0, observation(seq, previous_seq=seq - 1, captured_at=START)) for seq in range(1, 3000)
    ]
    joint = feed(join, [(0.0, observation(0)), *stuck[1:]], ONE)
    assert len(join.held) <= joining.MAX_HELD
    assert len(join.recent) <= joining.MAX_RECENT
    assert joint.seqs == sorted(joint.seqs)


def test_faces_come_from_the_lane_that_looked_for_them() -> None:
    join = CameraJoin()
    seen = observation(0, faces=(face(10),))
    joint = feed(join, [(0, seen), (0, pose(0))], BOTH)  # The first report is all it knows of.
    assert joint.frames[0].faces == seen.faces
    assert joint.frames[0].bodies is None
    assert joint.late == 1
