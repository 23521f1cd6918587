"""Joins the lanes' observations of each frame and puts a camera's frames back into order.

Two promises, one per mode:

``live``: a frame waits for the lanes that are alive and for the frames before it, but never
longer than ``reorder_s``, counted both by the camera's clock (the newest picture seen is that
much newer) and by ours (its first result came that long ago). Two clocks, since hosts disagree
on the time and since the last frame before a silence has no newer one. A gap in ``seq`` holds
nothing up: ``previous_seq`` says that ingest dropped what lies between.

``recording``: every published frame exactly once, in order, with every lane in it. ``seq`` grows
across epochs, so one number says what is done. Only one thing is ever given up, after
``patience_s``: a frame that a lane has passed over (it reported newer ones): the lane put that
frame aside as poison and will never report it. It is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from readroom.messages import Body, CameraReport, Face, Mode, Observation

#: Frames held per live camera; beyond it the oldest go at once (a lane floods or clocks are off).
MAX_HELD: Final = 512
#: Released frames whose lanes are remembered, to tell a duplicate from a late result.
MAX_RECENT: Final = 128
#: Earlier epochs remembered, to tell a late result of one from a new start.
MAX_RETIRED: Final = 8
#: Why a worker may skip a frame (see Observation.skipped); anything else is counted as "other".
SKIP_REASONS: Final = frozenset({"cadence", "stale", "undecodable", "overwritten", "failed"})


@dataclass(frozen=True, slots=True)
class JoinRules:
    """How long to wait, s, and the lanes that every recorded frame passes."""

    lanes: tuple[str, ...]
    reorder_s: float = 0.5
    lane_timeout_s: float = 5.0
    patience_s: float = 60.0


class Held(msgspec.Struct):
    """A frame that waits: when its first observation came (our clock), and one per lane."""

    first_at: float
    lanes: dict[str, Observation]

    @property
    def any(self) -> Observation:
        """One of the observations: they agree on everything that describes the frame."""
        return next(iter(self.lanes.values()))


class CameraJoin(msgspec.Struct):
    """Where one camera's frames stand. ``released_seq`` is the last one let go (None: none yet
    in this run); ``lanes_at`` is when each lane last reported, by our clock.

    ``in_epoch`` counts a live epoch's frames that had their turn (let go, or known to be
    trimmed), ``audit`` is (frames published, up to which seq), ``unaudited`` the frames published
    before we looked, and ``whole`` says that there were none.
    """

    mode: Mode = "live"
    epoch: int = -1
    retired: list[int] = []
    released_seq: int | None = None
    in_epoch: int = 0
    audit: tuple[int, int] | None = None
    unaudited: int | None = None
    whole: bool = False
    newest_seq: int = -1
    newest_captured_at: float = 0.0
    held: dict[int, Held] = {}
    lanes_at: dict[str, float] = {}
    recent: dict[int, list[str]] = {}
    ended_seq: int | None = None
    ended_at: float = 0.0
    progress_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Joined:
    """One frame with everything that was seen in it.

    ``faces`` is None where no face engine ran on it; ``bodies`` likewise. ``face_of_body``
    holds where ``bodies`` and ``faces`` come from one lane, so that ``Body.face`` is an index
    into ``faces``. ``ran`` are the engines of all lanes. ``restarted``: the first frame of a new
    epoch of a live camera. ``skipped`` says why no engine ran at all.
    """

    camera: str
    epoch: int
    seq: int
    previous_seq: int
    mode: Mode
    captured_at: float
    media_time_s: float | None
    width: int
    height: int
    faces: tuple[Face, ...] | None
    bodies: tuple[Body, ...] | None
    face_of_body: bool
    ran: frozenset[str]
    restarted: bool
    skipped: str | None
    models: dict[str, str]


@dataclass(slots=True)
class JoinOutcome:
    """What came of it: frames in order, and what has to be counted."""

    frames: list[Joined] = field(default_factory=list)
    duplicates: int = 0
    late: int = 0
    dropped: dict[str, int] = field(default_factory=dict)

    def drop(self, reason: str, count: int = 1) -> None:
        """Count frames that reach no timeline."""
        self.dropped[reason] = self.dropped.get(reason, 0) + count


def offer(join: CameraJoin, observation: Observation, now: float, rules: JoinRules) -> JoinOutcome:
    """Take one observation in, and let go what has become releasable."""
    outcome = JoinOutcome()
    join.mode = observation.mode
    if not _enter_epoch(join, observation, outcome):
        outcome.late += 1
        return outcome
    lane, seq = observation.lane, observation.seq
    join.lanes_at[lane] = now
    if seq >= join.newest_seq:  # Newest by seq: a clock that is set back mustn't look like age.
        join.newest_seq, join.newest_captured_at = seq, observation.captured_at
    if join.released_seq is not None and seq <= join.released_seq:
        _count_too_late(join, lane, seq, outcome)
        return outcome
    held = join.held.get(seq)
    if held is None:
        join.held[seq] = Held(first_at=now, lanes={lane: observation})
    elif lane in held.lanes:
        outcome.duplicates += 1
    else:
        held.lanes[lane] = observation
    _release(join, now, rules, outcome)
    return outcome


def release(join: CameraJoin, now: float, rules: JoinRules) -> JoinOutcome:
    """Let go what the passing of time has made releasable."""
    outcome = JoinOutcome()
    _release(join, now, rules, outcome)
    return outcome


def report(
    join: CameraJoin, said: CameraReport, now: float, *, replaced: bool = False
) -> JoinOutcome:
    """Take in order what ingest says: a new epoch begins, or nothing more comes.

    A recording that is stopped is over, like one that has ended: its ingest begins anew at a
    later start. One that begins with nothing published (``last_seq`` -1) after that, or that
    plays another source (``replaced``), begins anew; else it goes on behind a crash.
    """
    outcome = JoinOutcome()
    if said.epoch in join.retired:
        return outcome
    over = said.phase == "ended" or (said.phase == "stopped" and said.mode == "recording")
    if said.epoch != join.epoch:
        if said.mode == "live":
            join.mode = "live"
            _begin_epoch(join, said.epoch, outcome)
        elif not over and said.last_seq == -1 and (replaced or join.ended_seq is not None):
            _begin_anew(join, said.epoch)
    if over:
        join.ended_seq, join.ended_at = said.last_seq, now
        join.audit = None  # The last word counts.
    check(join, said)
    return outcome


def check(join: CameraJoin, said: CameraReport) -> None:
    """Note how many frames a live camera had published up to a seq, so that those which were
    trimmed unread can be counted as soon as that seq is passed.

    ``previous_seq`` alone proves one lost frame per gap, and a slow lane loses them in runs.
    """
    if said.mode == "live" and said.epoch == join.epoch and join.audit is None:
        join.audit = (said.frames, said.last_seq)
        join.whole = join.whole or said.frames == 0


def close(join: CameraJoin) -> JoinOutcome:
    """The session is over. A live camera's waiting frames go now, what was trimmed at its end is
    counted, and what its epoch still yields after it has ended is late."""
    outcome = JoinOutcome()
    if join.mode != "live":
        return outcome
    for seq in sorted(join.held):
        _let_go(join, seq, outcome)
    if join.ended_seq is not None:
        _count_trimmed(join, outcome)
        if join.epoch != -1:
            join.retired = [*join.retired, join.epoch][-MAX_RETIRED:]
    return outcome


def finished(join: CameraJoin, now: float, rules: JoinRules) -> bool:
    """Whether the camera has ended and all that it published has been let go.

    A live camera's last frames may have been trimmed unread: once every lane has been silent
    for ``lane_timeout_s``, nothing more can come.
    """
    if join.ended_seq is None or join.held:
        return False
    if played(join):
        return True
    silent_since = max([join.ended_at, *join.lanes_at.values()])
    return join.mode == "live" and now - silent_since >= rules.lane_timeout_s


def resume(join: CameraJoin, now: float) -> None:
    """Start the clocks again after time that nobody watched."""
    join.progress_at = now
    for held in join.held.values():
        held.first_at = now


def _enter_epoch(join: CameraJoin, observation: Observation, outcome: JoinOutcome) -> bool:
    """Whether the observation counts; begins a new epoch where it is the first of one."""
    epoch = observation.epoch
    if epoch == join.epoch:
        return epoch not in join.retired
    if observation.mode == "recording":
        # An epoch says nothing in a recording, unless it plays again after it had ended. That
        # it has ended may be heard before its first frame: a short one outruns the workers.
        if played(join) and observation.previous_seq == -1 and not join.held:
            _begin_anew(join, epoch)
        join.epoch = max(join.epoch, epoch)
        return True
    if epoch in join.retired:
        return False
    _begin_epoch(join, epoch, outcome)
    return True


def played(join: CameraJoin) -> bool:
    """Whether a recording has ended and all of it has been let go."""
    released_seq = -1 if join.released_seq is None else join.released_seq
    return join.ended_seq is not None and join.ended_seq <= released_seq


def _begin_anew(join: CameraJoin, epoch: int) -> None:
    """A recording that had ended is played again, from whatever seq."""
    join.epoch, join.released_seq, join.ended_seq = epoch, None, None
    join.held, join.recent = {}, {}
    join.newest_seq = -1


def _begin_epoch(join: CameraJoin, epoch: int, outcome: JoinOutcome) -> None:
    """A live camera starts again: what waits of the old epoch goes first."""
    for seq in sorted(join.held):
        _let_go(join, seq, outcome)
    if join.epoch != -1 and join.epoch not in join.retired:
        join.retired = [*join.retired, join.epoch][-MAX_RETIRED:]
    join.epoch, join.released_seq, join.ended_seq = epoch, None, None
    join.recent = {}
    join.newest_seq, join.newest_captured_at = -1, 0.0
    join.in_epoch, join.audit, join.unaudited, join.whole = 0, None, None, False


def _count_too_late(join: CameraJoin, lane: str, seq: int, outcome: JoinOutcome) -> None:
    if join.mode == "recording" or lane in join.recent.get(seq, ()):
        outcome.duplicates += 1
        return
    outcome.late += 1
    if seq in join.recent:
        join.recent[seq].append(lane)


def _release(join: CameraJoin, now: float, rules: JoinRules, outcome: JoinOutcome) -> None:
    live = join.mode == "live"
    overdue_seq = _overdue_seq(join, now, rules) if live else -1
    may_go = _live_may_go if live else _recorded_may_go
    for seq in sorted(join.held):
        if seq > overdue_seq and not may_go(join, seq, now, rules):
            return
        _let_go(join, seq, outcome, rules)
        join.progress_at = now


def _overdue_seq(join: CameraJoin, now: float, rules: JoinRules) -> int:
    """The watermark: the newest live frame that has waited long enough, -1 without any. What
    lies before it goes with it, even if its own first result has only just come."""
    if len(join.held) > MAX_HELD:
        return min(join.held)
    return max(
        (
            seq
            for seq, held in join.held.items()
            if now - held.first_at >= rules.reorder_s
            or join.newest_captured_at - held.any.captured_at >= rules.reorder_s
        ),
        default=-1,
    )


def _live_may_go(join: CameraJoin, seq: int, now: float, rules: JoinRules) -> bool:
    held = join.held[seq]
    frame = held.any
    in_order = join.released_seq is None or frame.previous_seq <= join.released_seq
    return in_order and all(
        lane in held.lanes
        for lane, reported_at in join.lanes_at.items()
        if now - reported_at <= rules.lane_timeout_s
    )


def _recorded_may_go(join: CameraJoin, seq: int, now: float, rules: JoinRules) -> bool:
    held = join.held[seq]
    missing = [lane for lane in rules.lanes if lane not in held.lanes]
    if not missing and _follows(join, held.any):
        return True
    if now - max(join.progress_at, held.first_at) < rules.patience_s:
        return False
    return all(_passed_over(join, lane, seq) for lane in missing)


def _follows(join: CameraJoin, frame: Observation) -> bool:
    """Whether a recorded frame is the next one.

    The first frame of an epoch (``previous_seq`` -1) doesn't say what came before: it is taken
    as next where nothing has been released, or where it leaves no gap.
    """
    if join.released_seq is None:
        return frame.previous_seq == -1
    if frame.previous_seq == -1:
        return frame.seq == join.released_seq + 1
    return frame.previous_seq <= join.released_seq


def _passed_over(join: CameraJoin, lane: str, seq: int) -> bool:
    return any(lane in held.lanes for later, held in join.held.items() if later > seq)


def _let_go(
    join: CameraJoin, seq: int, outcome: JoinOutcome, rules: JoinRules | None = None
) -> None:
    held = join.held.pop(seq)
    frame = held.any
    first = join.released_seq is None
    restarted = join.mode == "live" and first and bool(join.retired)
    if first:
        join.whole = join.whole or frame.previous_seq == -1
    if join.audit is not None and seq > join.audit[1]:
        _count_trimmed(join, outcome)
    joined = _merge(held, restarted)
    if joined.skipped is not None:
        outcome.drop(joined.skipped)
    elif join.mode == "recording" and rules and any(lane not in held.lanes for lane in rules.lanes):
        outcome.drop("unreported")
    join.released_seq = seq
    join.in_epoch += 1
    join.recent[seq] = list(held.lanes)
    if len(join.recent) > MAX_RECENT:
        del join.recent[next(iter(join.recent))]
    outcome.frames.append(joined)


def _count_trimmed(join: CameraJoin, outcome: JoinOutcome) -> None:
    """Every frame up to the audited seq has had its turn: those missing were never reported."""
    if join.audit is None:
        return
    missing = join.audit[0] - join.in_epoch
    join.audit = None
    if join.unaudited is None:
        # What was published before this aggregator looked is nothing it has lost.
        join.unaudited = 0 if join.whole else missing
    lost = missing - join.unaudited
    if lost > 0:
        outcome.drop("trimmed", lost)
        join.in_epoch += lost


def _merge(held: Held, restarted: bool) -> Joined:
    """One frame out of its lanes' observations; lanes in order of name, so that the order of
    arrival doesn't matter."""
    ordered = [held.lanes[lane] for lane in sorted(held.lanes)]
    first = ordered[0]
    faces = next(_with_engine(ordered, "face"), None)
    bodies = next(_with_engine(ordered, "pose"), None)
    ran = frozenset(engine for observation in ordered for engine in observation.engines)
    models: dict[str, str] = {}
    for observation in ordered:
        models.update(observation.models)
    return Joined(
        camera=first.camera,
        epoch=first.epoch,
        seq=first.seq,
        previous_seq=first.previous_seq,
        mode=first.mode,
        captured_at=first.captured_at,
        media_time_s=first.media_time_s,
        width=first.width,
        height=first.height,
        faces=None if faces is None else faces.faces,
        bodies=None if bodies is None else bodies.bodies,
        face_of_body=bodies is not None and bodies is faces,
        ran=ran,
        restarted=restarted,
        skipped=None if ran else _skip_reason(ordered),
        models=models,
    )


def _with_engine(ordered: list[Observation], engine: str) -> Iterator[Observation]:
    return (observation for observation in ordered if engine in observation.engines)


def _skip_reason(ordered: list[Observation]) -> str | None:
    """Why no engine ran: the first reason given; None where the lanes have nothing to run."""
    reason = next((o.skipped for o in ordered if o.skipped is not None), None)
    return reason if reason is None or reason in SKIP_REASONS else "other"
