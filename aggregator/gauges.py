"""Puts what the room says into the metrics."""

from __future__ import annotations

import math

from readroom.aggregator.room_data import Changes
from readroom.messages import STATES, RoomState
from readroom.metrics import STATE_VALUES, AggregatorMetrics


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

    def show(self, state: RoomState) -> None:
        """Set every gauge to how the room is now."""
        for camera in state.cameras:
            self.metrics.lag.labels(self._room, camera.camera).set(camera.lag_s)
            self.metrics.people_visible.labels(self._room, camera.camera).set(camera.people)
        cameras = {camera.camera for camera in state.cameras}
        for forgotten in self._cameras - cameras:
            self.metrics.forget(forgotten)
        self._cameras = cameras
        # An empty room isn't badly covered: no number, so that no alert compares with it. What a
        # closed session's people had is for the page.
        coverage = None if state.phase == "closed" else state.coverage
        self.metrics.coverage.labels(self._room).set(_number(coverage))
        for name in STATES:
            self.metrics.share.labels(self._room, name).set(state.shares.get(name, 0.0))
        for person in state.people:
            slot = str(person.slot)
            self.metrics.person_state.labels(self._room, slot).set(STATE_VALUES[person.state])
            self.metrics.person_coverage.labels(self._room, slot).set(person.coverage)
            self.metrics.person_valence.labels(self._room, slot).set(_number(person.valence))
            self.metrics.person_arousal.labels(self._room, slot).set(_number(person.arousal))
        present = {person.slot for person in state.people}
        for gone in self._slots - present:
            self.metrics.forget_person(str(gone))
        self._slots = present

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
