"""Follows the faces of one camera from frame to frame: Kalman, Hungarian, two stages and a half.

Each face is a centre with constant, slowly decaying velocity (a Kalman filter per axis) and a
smoothed size. Distances are in face widths, so that one set of gates fits a face of 12 px and one
of 300 px. A frame's detections go, in this order, to

1. people seen a moment ago, by surely detected faces (ByteTrack's first stage: Zhang et al. 2022),
2. people seen a moment ago, by weakly detected faces that overlap them,
3. people lost for a while, near the place where they were last seen, at about the same size,
4. people lost in this very frame, where at least two vanish while others appear: that is a cut
   or the jump of a looped clip, so the same people are taken to sit about where they sat,
5. candidates, and new candidates: nobody becomes a person before ``CONFIRM_HITS`` hits.

Measured on the clips of ../shared/videos (tests/aggregator/test_clips.py): the 4 people of the
classroom clip keep their numbers over three loops, the 2 of the head turns clip over theirs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np
from scipy.optimize import linear_sum_assignment

#: Detector score from which a face may start a person, and be matched before weaker ones.
SURE_SCORE: Final = 0.65
#: Hits that make a candidate a person, and consecutive misses that end it.
CONFIRM_HITS: Final = 3
CANDIDATE_MISSES: Final = 2
#: A person unseen for longer counts as lost, s: looked for where last seen, not where heading.
LOST_S: Final = 1.0
#: A person unseen for longer has left, s; who comes back later is somebody new.
ABSENCE_S: Final = 30.0
#: Widest gate, in face widths: when seen just now, per second unseen, and at most.
GATE_WIDTHS: Final = 0.9
GATE_WIDTHS_PER_S: Final = 1.5
GATE_WIDTHS_MAX: Final = 2.4
#: Gate over a cut, in face widths.
CUT_WIDTHS: Final = 5.0
#: A face's width changes at most by this factor between two sightings.
SIZE_RATIO: Final = 1.8
#: The same for somebody just found again, whose box the picture's edge may have cut in two; and
#: so many hits after that they are steady, and how fast they move is known.
FOUND_AGAIN_SIZE_RATIO: Final = 2.5
STEADY_HITS: Final = 3
#: A weak detection must overlap the prediction by this much (IoU).
WEAK_IOU: Final = 0.3
#: An unmatched detection that overlaps a matched one by this much is the same face again (IoU).
SAME_FACE_IOU: Final = 0.45
#: Faces and tracks looked at per frame, at most.
MAX_FACES: Final = 64
MAX_TRACKS: Final = 128

#: Standard deviations, in face widths: of a measured centre, and of the acceleration per s².
_MEASURE_WIDTHS: Final = 0.06
_ACCELERATION_WIDTHS: Final = 3.0
#: Velocity decays with this time constant, s: heads stop soon.
_VELOCITY_S: Final = 0.7
#: Weight of a new size against the old.
_SIZE_GAIN: Final = 0.35
_IMPOSSIBLE: Final = 1e6


class Axis(msgspec.Struct, array_like=True):
    """Kalman filter of one coordinate: position px, velocity px/s, and their covariance."""

    position: float
    velocity: float
    p00: float
    p01: float
    p11: float

    def predict(self, dt_s: float, acceleration: float) -> None:
        """Move on by ``dt_s``; ``acceleration`` is its standard deviation, px/s²."""
        decay = math.exp(-dt_s / _VELOCITY_S)
        reach = _VELOCITY_S * (1 - decay)
        noise = acceleration * acceleration
        self.position += self.velocity * reach
        self.velocity *= decay
        p11 = self.p11
        self.p00 += 2 * reach * self.p01 + reach * reach * p11 + noise * dt_s**4 / 4
        self.p01 = decay * (self.p01 + reach * p11) + noise * dt_s**3 / 2
        self.p11 = decay * decay * p11 + noise * dt_s * dt_s

    def update(self, measured: float, deviation: float) -> None:
        """Correct by a measurement, px, with that standard deviation."""
        spread = self.p00 + deviation * deviation
        gain0, gain1 = self.p00 / spread, self.p01 / spread
        error = measured - self.position
        self.position += gain0 * error
        self.velocity += gain1 * error
        self.p11 -= gain1 * self.p01
        self.p01 *= 1 - gain0
        self.p00 *= 1 - gain0


@dataclass(frozen=True, slots=True, order=True)
class Detection:
    """A face in one frame: centre, width and height in px, score 0..1, and its index there."""

    x: float
    y: float
    width: float
    height: float
    score: float
    index: int = field(compare=False, default=0)


class Track(msgspec.Struct):
    """One face over time. ``number`` is never used twice. ``last`` is the last measured centre
    and size (x, y, width, height), px. ``steady`` counts hits since it was found again, up to
    STEADY_HITS."""

    number: int
    x: Axis
    y: Axis
    width: float
    height: float
    seen_at_s: float
    last: tuple[float, float, float, float]
    hits: int = 1
    misses: int = 0
    confirmed: bool = False
    steady: int = STEADY_HITS


class Tracker(msgspec.Struct):
    """The tracks of one camera, at time ``at_s``."""

    tracks: list[Track] = []
    made: int = 0
    at_s: float = 0.0


@dataclass(slots=True)
class TrackUpdate:
    """What a frame changed: ``seen`` maps track number to detection index (confirmed tracks
    only); ``entered`` became people; ``left`` are people gone for good."""

    seen: dict[int, int] = field(default_factory=dict)
    entered: list[Track] = field(default_factory=list)
    left: list[Track] = field(default_factory=list)


def update(tracker: Tracker, detections: Sequence[Detection], at_s: float) -> TrackUpdate:
    """Take a frame's faces in. The order of ``detections`` doesn't matter; only the
    :data:`MAX_FACES` with the highest scores are looked at."""
    # First: after a jump of the clock, who stands where somebody stood an hour ago is somebody new.
    gone = expire(tracker, at_s)
    _predict(tracker, at_s)
    best = sorted(detections, key=lambda d: (-d.score, d))[:MAX_FACES]
    pairs = _associate(tracker.tracks, sorted(best), at_s)
    outcome = TrackUpdate()
    for track in tracker.tracks:
        found = pairs.get(track.number)
        if found is None:
            track.misses += 1
            continue
        _correct(track, found, at_s)
        if not track.confirmed and track.hits >= CONFIRM_HITS:
            track.confirmed = True
            outcome.entered.append(track)
        if track.confirmed:
            outcome.seen[track.number] = found.index
    _begin_candidates(tracker, sorted(best), list(pairs.values()), at_s)
    outcome.left = [*gone, *expire(tracker, at_s)]
    return outcome


def expire(tracker: Tracker, at_s: float) -> list[Track]:
    """Forget candidates that were missed and people gone for :data:`ABSENCE_S`; returns the
    people among them."""
    left = [t for t in tracker.tracks if t.confirmed and at_s - t.seen_at_s > ABSENCE_S]
    tracker.tracks = [
        t
        for t in tracker.tracks
        if (t.confirmed and at_s - t.seen_at_s <= ABSENCE_S)
        or (not t.confirmed and t.misses < CANDIDATE_MISSES and at_s - t.seen_at_s <= ABSENCE_S)
    ]
    return left


def reset(tracker: Tracker) -> None:
    """Nobody knows how long the camera was away: people stay where they were last seen, with
    no velocity; candidates are forgotten."""
    tracker.tracks = [track for track in tracker.tracks if track.confirmed]
    for track in tracker.tracks:
        x, y, width, height = track.last
        track.x, track.y = _axis(x, width), _axis(y, width)
        track.width, track.height = width, height


def iou(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    """Intersection over union, 0..1, of two (centre x, centre y, width, height)."""
    across = min(a[0] + a[2] / 2, b[0] + b[2] / 2) - max(a[0] - a[2] / 2, b[0] - b[2] / 2)
    down = min(a[1] + a[3] / 2, b[1] + b[3] / 2) - max(a[1] - a[3] / 2, b[1] - b[3] / 2)
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def _axis(position: float, width: float) -> Axis:
    return Axis(position, 0.0, (_MEASURE_WIDTHS * width) ** 2, 0.0, (2.0 * width) ** 2)


def _predict(tracker: Tracker, at_s: float) -> None:
    dt_s = max(0.0, at_s - tracker.at_s) if tracker.made else 0.0
    tracker.at_s = at_s
    for track in tracker.tracks:
        # Beyond LOST_S the last sighting is what counts, see _expected.
        step_s = min(dt_s, LOST_S)
        track.x.predict(step_s, _ACCELERATION_WIDTHS * track.width)
        track.y.predict(step_s, _ACCELERATION_WIDTHS * track.width)


def _correct(track: Track, found: Detection, at_s: float) -> None:
    if at_s - track.seen_at_s > LOST_S or _widths_apart(_predicted(track), found) > GATE_WIDTHS_MAX:
        # Found again, or jumped: the old motion says nothing about the new.
        track.x, track.y = _axis(found.x, found.width), _axis(found.y, found.width)
        track.width, track.height = found.width, found.height
        track.steady = 0
    deviation = _MEASURE_WIDTHS * found.width
    track.x.update(found.x, deviation)
    track.y.update(found.y, deviation)
    track.width += _SIZE_GAIN * (found.width - track.width)
    track.height += _SIZE_GAIN * (found.height - track.height)
    track.last = (found.x, found.y, found.width, found.height)
    track.seen_at_s = at_s
    track.hits += 1
    track.steady = min(STEADY_HITS, track.steady + 1)
    track.misses = 0


def _begin_candidates(
    tracker: Tracker, detections: list[Detection], matched: list[Detection], at_s: float
) -> None:
    used = {found.index for found in matched}
    for found in detections:
        if found.index in used or found.score < SURE_SCORE or len(tracker.tracks) >= MAX_TRACKS:
            continue
        if any(iou(_shape(found), _shape(other)) > SAME_FACE_IOU for other in matched):
            continue
        tracker.made += 1
        tracker.tracks.append(
            Track(
                number=tracker.made,
                x=_axis(found.x, found.width),
                y=_axis(found.y, found.width),
                width=found.width,
                height=found.height,
                seen_at_s=at_s,
                last=_shape(found),
            )
        )


def _associate(
    tracks: list[Track], detections: list[Detection], at_s: float
) -> dict[int, Detection]:
    """The stages of the module's docstring; returns detections by track number."""
    pairs: dict[int, Detection] = {}
    left = list(detections)

    def stage(
        people: list[Track], faces: list[Detection], cost: Callable[[Track, Detection], float]
    ) -> None:
        for track, found in _assign(people, faces, cost):
            pairs[track.number] = found
            left.remove(found)

    def near(track: Track, found: Detection) -> float:
        return _cost(track, found, at_s)

    people = [track for track in tracks if track.confirmed]
    recent = [track for track in people if at_s - track.seen_at_s <= LOST_S]
    stage(recent, [f for f in left if f.score >= SURE_SCORE], near)
    stage([t for t in recent if t.number not in pairs], left, _weak_cost)
    stage([t for t in people if t.number not in pairs and t not in recent], left, near)
    vanished = [t for t in recent if t.number not in pairs and t.misses == 0]
    fresh = [
        f for f in left if all(iou(_shape(f), _shape(o)) <= SAME_FACE_IOU for o in pairs.values())
    ]
    if len(vanished) >= 2 and len(fresh) >= 2 and 2 * len(vanished) >= len(recent):
        stage(vanished, fresh, _cut_cost)
    stage([track for track in tracks if not track.confirmed], left, near)
    return pairs


def _assign(
    tracks: list[Track], detections: list[Detection], cost: Callable[[Track, Detection], float]
) -> list[tuple[Track, Detection]]:
    """The assignment of least total cost (Hungarian method), without the impossible pairs."""
    if not tracks or not detections:
        return []
    costs = np.array([[cost(track, found) for found in detections] for track in tracks])
    rows, columns = linear_sum_assignment(costs)
    return [
        (tracks[row], detections[column])
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if costs[row, column] < _IMPOSSIBLE
    ]


def _cost(track: Track, found: Detection, at_s: float) -> float:
    gap_s = at_s - track.seen_at_s
    expected = _predicted(track) if gap_s <= LOST_S else track.last
    apart = _widths_apart(expected, found)
    # Who walks back in was found at the edge a moment ago, and where to they walk isn't known yet.
    steady = track.steady == STEADY_HITS
    wide = GATE_WIDTHS + GATE_WIDTHS_PER_S * gap_s if steady else GATE_WIDTHS_MAX
    ratio = SIZE_RATIO if steady else FOUND_AGAIN_SIZE_RATIO
    if apart > min(GATE_WIDTHS_MAX, wide) or not _similar(expected[2], found.width, ratio):
        return _IMPOSSIBLE
    return (1 - iou(expected, _shape(found))) + apart


def _weak_cost(track: Track, found: Detection) -> float:
    overlap = iou(_predicted(track), _shape(found))
    return 1 - overlap if overlap >= WEAK_IOU else _IMPOSSIBLE


def _cut_cost(track: Track, found: Detection) -> float:
    apart = _widths_apart(track.last, found)
    if apart > CUT_WIDTHS or not _similar(track.last[2], found.width, SIZE_RATIO):
        return _IMPOSSIBLE
    return apart + abs(math.log(found.width / track.last[2]))


def _predicted(track: Track) -> tuple[float, float, float, float]:
    return track.x.position, track.y.position, track.width, track.height


def _shape(found: Detection) -> tuple[float, float, float, float]:
    return found.x, found.y, found.width, found.height


def _widths_apart(expected: tuple[float, float, float, float], found: Detection) -> float:
    distance = math.hypot(expected[0] - found.x, expected[1] - found.y)
    return 2 * distance / (expected[2] + found.width)


def _similar(width: float, other: float, ratio: float) -> bool:
    return max(width, other) <= ratio * min(width, other)
