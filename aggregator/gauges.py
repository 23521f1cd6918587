"""Puts what the room says into the metrics."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from readroom.aggregator.room_data import Changes
from readroom.messages import STATES, BoxInfo, Event, Measure, PersonState, RoomState
from readroom.metrics import (
    BOX_KINDS,
    CAMERA_PHASES,
    LOOK_VALUES,
    SESSION_PHASES,
    STATE_VALUES,
    AggregatorMetrics,
)

#: A box that said nothing for this long isn't running any more, s.
BOX_FRESH_S: Final = 10.0
#: A measure that nothing is known of.
NOTHING: Final = Measure(value=None)


class Gauges:
    """The aggregator's metrics, and which labels they have, so that they can be taken away."""

    def __init__(self, metrics: AggregatorMetrics, room: str) -> None:
        self.metrics = metrics
        self._room = room
        self._slots: set[int] = set()
        self._cameras: set[str] = set()
        metrics.overflow.labels(room)
        metrics.duplicates.labels(room)
        metrics.late.labels(room)

    def count(self, changes: Changes) -> None:
        """Add what came of some messages to the counters."""
        for camera, reason, count in changes.dropped:
            self.metrics.dropped(camera, reason, count)
        self.metrics.duplicates.labels(self._room).inc(changes.duplicates)
        self.metrics.late.labels(self._room).inc(changes.late)
        self.metrics.overflow.labels(self._room).inc(changes.overflow)
        for _ in range(changes.unusable):
            self.metrics.dead("undecodable")
        self._happened(changes.events)

    def _happened(self, events: list[Event]) -> None:
        for event in events:
            self.metrics.events.labels(self._room, event.kind).inc()

    def show(self, state: RoomState) -> None:
        """Set every gauge to how the room is now."""
        self._show_session(state)
        self._show_cameras(state)
        self._show_room(state)
        for person in state.people:
            self._show_person(person)
        present = {person.slot for person in state.people}
        for gone in self._slots - present:
            self.metrics.forget_person(str(gone))
        self._slots = present

    def _show_session(self, state: RoomState) -> None:
        for phase in SESSION_PHASES:
            self.metrics.session_phase.labels(self._room, phase).set(phase == state.phase)
        self.metrics.session_seconds.labels(self._room).set(state.time_s)

    def _show_cameras(self, state: RoomState) -> None:
        cameras = {camera.camera for camera in state.cameras}
        for new in cameras - self._cameras:
            self.metrics.knows(new)
        for camera in state.cameras:
            self.metrics.lag.labels(self._room, camera.camera).set(camera.lag_s)
            self.metrics.people_visible.labels(self._room, camera.camera).set(camera.people)
            for phase in CAMERA_PHASES:
                self.metrics.camera_phase.labels(self._room, camera.camera, phase).set(
                    phase == camera.phase
                )
        for forgotten in self._cameras - cameras:
            self.metrics.forget(forgotten)
        self._cameras = cameras

    def _show_room(self, state: RoomState) -> None:
        metrics, room = self.metrics, self._room
        # An empty room isn't badly covered: no number, so that no alert compares with it. What a
        # closed session's people had is for the page.
        coverage = None if state.phase == "closed" else state.coverage
        metrics.coverage.labels(room).set(_number(coverage))
        for name in STATES:
            metrics.share.labels(room, name).set(state.shares.get(name, 0.0))
        for look in metrics.looks:
            # Without any share there were too few people; with some, this one has nobody.
            share = state.look_shares.get(look)
            value = share.value if share else 0.0 if state.look_shares else None
            metrics.look_share.labels(room, look).set(_number(value))
        for name in metrics.measures:
            measure = state.measures.get(name, NOTHING)
            metrics.measure_value.labels(room, name).set(_number(measure.value))
            metrics.measure_low.labels(room, name).set(_number(measure.low))
            metrics.measure_high.labels(room, name).set(_number(measure.high))
            metrics.measure_people.labels(room, name).set(measure.n)
            metrics.measure_coverage.labels(room, name).set(measure.coverage)
            metrics.measure_chance.labels(room, name).set(_number(measure.p))

    def _show_person(self, person: PersonState) -> None:
        metrics, room, slot = self.metrics, self._room, str(person.slot)
        metrics.person_state.labels(room, slot).set(STATE_VALUES[person.state])
        # A look that may not be told isn't, whoever says it.
        look = person.look if person.look in metrics.looks else "cant_tell"
        metrics.person_look.labels(room, slot).set(LOOK_VALUES[look])
        metrics.person_coverage.labels(room, slot).set(person.coverage)
        metrics.person_valence.labels(room, slot).set(_number(person.valence))
        metrics.person_arousal.labels(room, slot).set(_number(person.arousal))

    def running(self, boxes: Iterable[BoxInfo], now: float) -> None:
        """How many boxes of each kind have spoken lately; ``now`` is Unix seconds."""
        alive = Counter(box.kind for box in boxes if now - box.at <= BOX_FRESH_S)
        for kind in BOX_KINDS:
            self.metrics.boxes.labels(self._room, kind).set(alive[kind])

    def redis(self, memory: Mapping[str, Any]) -> None:
        """What Redis says of its memory (INFO memory)."""
        self.metrics.redis_memory.labels(self._room).set(memory["used_memory"])
        self.metrics.redis_maxmemory.labels(self._room).set(memory.get("maxmemory", 0))

    def stored(self, seconds: float) -> None:
        """A commit of the session store that took so long, s."""
        self.metrics.store_seconds.labels(self._room).observe(seconds)
        self.metrics.store_failing.set(0)

    def not_stored(self) -> None:
        """A commit of the session store that failed."""
        self.metrics.store_errors.inc()
        self.metrics.store_failing.set(1)

    def joined(self, changes: Changes, now: float) -> None:
        """Frames whose results the gauges now show: count them, and how old they are.

        A recording's frames are as old as their reading, so ingest's wait for a full stream
        counts in: that is how far the metrics are behind the picture.
        """
        for camera, captured_at in changes.joined:
            self.metrics.frames_joined.labels(self._room, camera).inc()
            age_s = max(0.0, now - captured_at)
            self.metrics.frame_age.labels(self._room, camera).observe(age_s)


def _number(value: float | None) -> float:
    """None is NaN to a gauge."""
    return math.nan if value is None else value
