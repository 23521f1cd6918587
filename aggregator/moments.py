"""What is said of the room as a whole: its measures, its turns and peaks, how it answered markers.

points of all people (4 a second) ─▶ audience ─┬▶ measures, once a second
                                               ├▶ the room second by second ─▶ turns, peaks
                                               └▶ 5 s before and after a marker ─▶ responses
"""

from __future__ import annotations

import math
from collections.abc import Collection

import msgspec

from readroom.aggregator import audience as audiences, inflections, responses as answers
from readroom.aggregator.audience import Audience, Point
from readroom.aggregator.inflections import Cusum, Peaks
from readroom.aggregator.responses import Responses
from readroom.aggregator.rows import SessionRows
from readroom.aggregator.telling import tell
from readroom.messages import (
    MEASURES,
    Measure,
)
from readroom.sessions.rows import MarkerRow, MeasureRow


class Moments(msgspec.Struct):
    """The room over its last minute. ``turns`` and ``peaks`` are by measure; ``measures`` were
    taken at ``measured_s``."""

    audience: Audience = msgspec.field(default_factory=Audience)
    turns: dict[str, Cusum] = {}
    peaks: dict[str, Peaks] = {}
    responses: Responses = msgspec.field(default_factory=Responses)
    measures: dict[str, Measure] = {}
    measured_s: int = 0


def add(moments: Moments, point: Point) -> None:
    """Take in how somebody looks at a moment."""
    audiences.add(moments.audience, point)


def forget(moments: Moments, person: int) -> None:
    """The person turned out to be somebody else, who counts already."""
    audiences.leave(moments.audience, person)


def mark(moments: Moments, marker_id: str, label: str, at_s: float, rows: SessionRows) -> bool:
    """Somebody marked a moment (session time, s); False for a marker that is known already."""
    if not answers.mark(moments.responses, marker_id, label, at_s):
        return False
    rows.markers.append(MarkerRow(marker_id, at_s, label))
    tell(rows, "marker", at_s, at_s, state=label)
    return True


def advance(
    moments: Moments,
    slowest_s: float,
    newest_s: float,
    allowed: Collection[str],
    rows: SessionRows,
) -> None:
    """Every running camera has come to ``slowest_s``, the first one to ``newest_s``. ``allowed``
    are the measures that may be said."""
    if math.floor(slowest_s) > moments.measured_s:
        moments.measured_s = math.floor(slowest_s)
        said = audiences.measures(moments.audience, moments.measured_s)
        moments.measures = {name: said[name] for name in MEASURES if name in allowed}
        rows.measures += [
            MeasureRow(float(moments.measured_s), name, measure)
            for name, measure in moments.measures.items()
            if measure.n
        ]
        _look_for_moments(moments, slowest_s, allowed, rows)
    found = answers.settle(moments.responses, moments.audience, slowest_s, newest_s)
    _answer(found, allowed, rows)


def finish(moments: Moments, end_s: float, allowed: Collection[str], rows: SessionRows) -> None:
    """The session has ended: answer whatever waits."""
    _answer(answers.finish(moments.responses, moments.audience, end_s), allowed, rows)


def _look_for_moments(
    moments: Moments, slowest_s: float, allowed: Collection[str], rows: SessionRows
) -> None:
    for second in audiences.settled(moments.audience, slowest_s):
        for name, level in second.levels.items():
            if name not in allowed:
                continue
            turn = inflections.turn(moments.turns.setdefault(name, Cusum()), second.at_s, level)
            if turn is not None:
                measure = answers.of_turn(moments.audience, name, turn)
                _tell(rows, "inflection", turn.start_s, turn.at_s, name, measure)
            peak = inflections.peak(moments.peaks.setdefault(name, Peaks()), second.at_s, level)
            if peak is not None:
                measure = answers.of_peak(moments.audience, name, peak)
                _tell(rows, "peak", peak.peak_s, peak.peak_s, name, measure)


def _answer(found: list[answers.Response], allowed: Collection[str], rows: SessionRows) -> None:
    for response in found:
        said = {
            name: measure
            for name, measure in response.measures.items()
            if name in allowed and measure.value is not None
        }
        start_s, end_s = response.at_s, response.at_s + answers.SIDE_S
        if not said:
            tell(rows, "response", start_s, end_s, state=response.label)
        for name, measure in said.items():
            tell(
                rows,
                "response",
                start_s,
                end_s,
                state=response.label,
                measure=measure,
                figure=name,
            )


def _tell(
    rows: SessionRows, kind: str, start_s: float, end_s: float, name: str, measure: Measure
) -> None:
    """Of fewer people than a room, nothing is said."""
    if measure.value is not None:
        tell(rows, kind, start_s, end_s, state=name, measure=measure, figure=name)
