"""How the room answered a marker: the 5 s after it minus the 5 s before it.

Per person first, so that everybody is compared with themselves and who comes or goes doesn't
shift the mean; then the mean over people, with a bootstrap interval over people, of shares one for
matched shares (intervals.py).
The same difference, over other stretches, says how much a turn of the room was worth
(:func:`of_turn`, :func:`of_peak`).

The bin that a marker falls into belongs to neither side. What a marker can meet: before the
session's first 5 s (or before its start): it is answered, with nothing said; several at one
instant: each is answered, all the same; less than 5 s before the end: answered at the end, with
nothing said; later than the last minute still knows: answered at once, with nothing said; sent
twice (same id): answered once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import msgspec

from readroom import intervals
from readroom.aggregator import bins
from readroom.aggregator.audience import BIN_S, CHANNELS, MIN_COVERAGE, WINDOW_S, Audience, within
from readroom.aggregator.inflections import Peak, Turn
from readroom.messages import Measure

#: Length of each side, s.
SIDE_S: Final = 5.0
#: Fewer people are no room's answer: two can't disagree with one.
MIN_PEOPLE: Final = 3
#: Somebody counts who was readable for this share of each side.
MIN_SIDE_RATIO: Final = 0.6
#: How long is waited for a camera that lags behind the newest, s: as long as a silent lane is
#: (aggregator.lane_timeout_s by default).
LATE_S: Final = 5.0
#: Markers that wait at most; one more answers the oldest at once. Ids remembered as answered.
MOST_WAITING: Final = 64
MOST_KNOWN: Final = 256
#: What comes before a turn is taken over this long, s: its slow mean can't be had by person.
BEFORE_TURN_S: Final = 20.0


class Waiting(msgspec.Struct):
    """A marker whose 5 s aren't over. ``at_s`` is session time."""

    id: str
    label: str
    at_s: float


class Responses(msgspec.Struct):
    """Markers that wait, in the order in which they came, and the ids of those known."""

    waiting: list[Waiting] = []
    known: list[str] = []


@dataclass(frozen=True, slots=True)
class Response:
    """How the room answered: ``measures`` maps "valence", "expressiveness" and "facing_front" to
    the mean change, in each one's unit (−2..2, −1..1, −1..1)."""

    id: str
    label: str
    at_s: float
    measures: dict[str, Measure]


def mark(responses: Responses, marker_id: str, label: str, at_s: float) -> bool:
    """Take a marker in; False for one that is known already, or whose time is no number."""
    if marker_id in responses.known or not bins.usable(at_s):
        return False
    responses.known = [*responses.known[1 - MOST_KNOWN :], marker_id]
    responses.waiting.append(Waiting(marker_id, label, at_s))
    return True


def settle(
    responses: Responses, audience: Audience, slowest_s: float, newest_s: float
) -> list[Response]:
    """Answer the markers whose 5 s every running camera has passed (``slowest_s`` is how far
    the last of them has come), or the first one by LATE_S more (``newest_s``)."""
    ready = [
        waiting
        for place, waiting in enumerate(responses.waiting)
        if slowest_s >= _due_s(waiting)
        or newest_s >= _due_s(waiting) + LATE_S
        or place < len(responses.waiting) - MOST_WAITING
    ]
    return _answer(responses, audience, ready, min(newest_s, max(slowest_s, newest_s - LATE_S)))


def finish(responses: Responses, audience: Audience, end_s: float) -> list[Response]:
    """The session has ended at ``end_s``: answer whatever waits."""
    return _answer(responses, audience, list(responses.waiting), end_s)


def change(
    audience: Audience, name: str, before: tuple[float, float], after: tuple[float, float]
) -> Measure:
    """By how much ``name`` (one of audience.CHANNELS) differs between two stretches of session
    time, each (begin, end) in s: the mean over people of each one's own difference. ``n`` are
    those readable enough in both, ``coverage`` the mean share over all who were seen in either."""
    channel, sides = CHANNELS.index(name), (_bins_within(before), _bins_within(after))
    changes, coverages = [], []
    for _, person in sorted(audience.people.items()):
        present = [bins.seen(person, first, end) for first, end in sides]
        if not any(present):
            continue
        known = [bins.mean(bins.read(person, channel, first, end)) for first, end in sides]
        shares = [
            count / max(1, end - first)
            for (_, count), (first, end) in zip(known, sides, strict=True)
        ]
        coverages.append(sum(shares) / 2)
        (was, _), (became, _) = known
        if was is not None and became is not None and min(shares) >= MIN_SIDE_RATIO:
            changes.append(became - was)
    n = len(changes)
    coverage = math.fsum(coverages) / len(coverages) if coverages else 0.0
    if n < MIN_PEOPLE or coverage < MIN_COVERAGE:
        return Measure(value=None, n=n, coverage=coverage)
    if name == "facing_front":
        low, high = _doubled(name, intervals.paired_shares(changes))
    else:
        low, high = _doubled(name, intervals.bootstrap(changes, _seed(after[0])))
    return Measure(value=math.fsum(changes) / n, low=low, high=high, n=n, coverage=coverage)


def of_turn(audience: Audience, name: str, found: Turn) -> Measure:
    """What a turn was worth: since it began, against the 20 s before."""
    before = (found.start_s - BEFORE_TURN_S, found.start_s)
    return change(audience, name, before, (found.start_s, found.at_s))


def of_peak(audience: Audience, name: str, found: Peak) -> Measure:
    """What a peak was worth: the 3 s around it, against the 20 s before these."""
    begin_s = found.peak_s - 2.0
    return change(audience, name, (begin_s - BEFORE_TURN_S, begin_s), (begin_s, begin_s + 3.0))


def _due_s(waiting: Waiting) -> float:
    return waiting.at_s + SIDE_S + BIN_S


def _answer(
    responses: Responses, audience: Audience, ready: list[Waiting], until_s: float
) -> list[Response]:
    ids = {waiting.id for waiting in ready}
    responses.waiting = [waiting for waiting in responses.waiting if waiting.id not in ids]
    return [_response(audience, waiting, until_s) for waiting in ready]


def _response(audience: Audience, waiting: Waiting, until_s: float) -> Response:
    at_s = waiting.at_s
    # With less than all of its sides nothing is said: half a side compares something else.
    whole = at_s >= SIDE_S and until_s >= at_s + SIDE_S and until_s - at_s < WINDOW_S - SIDE_S
    said = {
        name: change(audience, name, (at_s - SIDE_S, at_s), (at_s, at_s + SIDE_S))
        if whole
        else Measure(value=None)
        for name in CHANNELS
    }
    return Response(waiting.id, waiting.label, at_s, said)


def _bins_within(stretch: tuple[float, float]) -> tuple[int, int]:
    """The bins that lie wholly within: first, and one after the last."""
    first = math.ceil(stretch[0] / BIN_S)
    return first, max(first, math.floor(stretch[1] / BIN_S))


def _doubled(name: str, interval: tuple[float, float] | None) -> tuple[float | None, float | None]:
    """An interval of a difference, kept to what differences of ``name`` can be."""
    if interval is None:
        return None, None
    low, high = within(name, (-math.inf, math.inf))
    width = (high or 0.0) - (low or 0.0)
    return max(-width, interval[0]), min(width, interval[1])


def _seed(at_s: float) -> int:
    """A seed from a time, so that the same moment has the same interval in every run."""
    return abs(round(at_s * 1000))
