"""Rooms in which is known what happens: series with a seed, for tests and for the figures of
docs/semantics/room.md (`python -m tests.aggregator.simulated` prints them).

A series is a first-order autoregression: a second resembles the one before by ``phi``; 0.8 stands
for looks that last four to five seconds. ``heavy`` draws Student's t with 5 degrees of freedom
instead of the normal distribution.
"""

from __future__ import annotations

import functools
import math
import time
from unittest import mock

import msgspec
import numpy as np
from numpy.typing import NDArray

from readroom import intervals
from readroom.affect import affect
from readroom.aggregator import audience as audiences, deviation, inflections
from readroom.aggregator.synchrony import synchrony

Floats = NDArray[np.float64]
Rows = list[list[float | None]]


def series(
    draw: np.random.Generator, rows: int, seconds: int, phi: float = 0.8, *, heavy: bool = False
) -> Floats:
    """``rows`` stationary series of mean 0 and deviation 1: [rows, seconds]."""
    shape = (rows, seconds)
    noise = draw.standard_t(5, shape) / math.sqrt(5 / 3) if heavy else draw.standard_normal(shape)
    found = noise.copy()
    for at in range(1, seconds):
        found[:, at] = phi * found[:, at - 1] + math.sqrt(1 - phi * phi) * noise[:, at]
    return found


def shared(draw: np.random.Generator, people: int, part: float, seconds: int = 60) -> Rows:
    """Valence-like series that share ``part`` of their deviation: corr(two people) = part²."""
    own = math.sqrt(1 - part * part) * series(draw, people, seconds)
    found: Rows = (0.1 * (own + part * series(draw, 1, seconds))).tolist()
    return found


def shared_truth(people: int, part: float) -> float:
    """The correlation of one of :func:`shared` with the mean of the others, in the long run."""
    return part * part / math.sqrt(part * part + (1 - part * part) / (people - 1))


def room(
    draw: np.random.Generator, seconds: int, phi: float, *, heavy: bool = False
) -> list[float]:
    """The level of a room in which nothing happens: deviation 0.05."""
    found: list[float] = (0.05 * series(draw, 1, seconds, phi, heavy=heavy)[0]).tolist()
    return found


def turned(level: list[float], at: int, by: float) -> list[float]:
    """The same, but from second ``at`` on ``by`` higher; it takes three seconds to get there."""
    return [v + by * min(1.0, max(0.0, (n - at + 1) / 3)) for n, v in enumerate(level)]


def turns(level: list[float]) -> list[inflections.Turn]:
    cusum = inflections.Cusum()
    found = [inflections.turn(cusum, n + 1.0, value) for n, value in enumerate(level)]
    return [one for one in found if one is not None]


def peaks(level: list[float]) -> list[inflections.Peak]:
    state = inflections.Peaks()
    found = [inflections.peak(state, n + 1.0, value) for n, value in enumerate(level)]
    return [one for one in found if one is not None]


def person(
    draw: np.random.Generator, seconds: int, phi: float, *, heavy: bool = False
) -> list[deviation.Values]:
    """Somebody neutral whose log-odds scatter by 0.7, head by 5° and 8°, one value a second."""
    x = series(draw, 11, seconds, phi, heavy=heavy)
    logits = 0.7 * x[:8]
    logits[0] += 3.0
    odds = np.exp(logits)
    found = []
    for row, pitch, yaw, movement in zip((odds / odds.sum(axis=0)).T.tolist(), *x[8:], strict=True):
        a, b, c, d, e, f, g, h = row
        looks = (a, b, c, d, e, f, g, h)
        placed = affect("neutral", looks)
        found.append(
            deviation.Values(
                expression=looks,
                valence=placed[0] if placed else None,
                pitch_deg=5 * float(pitch),
                yaw_deg=8 * float(yaw),
                movement=0.1 * abs(float(movement)),
            )
        )
    return found


def deviations(values: list[deviation.Values]) -> list[deviation.Deviated]:
    state = deviation.begin()
    found = [deviation.step(state, one, n + 0.5, named=False) for n, one in enumerate(values)]
    return [one for one in (*found, deviation.finish(state)) if one is not None]


def student_covers(draw: np.random.Generator, n: int, runs: int, *, skewed: bool) -> float:
    """How often Student's interval of ``n`` people holds the true mean."""
    hits = 0
    for values, truth in _samples(draw, n, runs, skewed=skewed):
        found = intervals.student(values)
        hits += found is not None and found[0] <= truth <= found[1]
    return hits / runs


def bootstrap_covers(
    draw: np.random.Generator, n: int, runs: int, *, skewed: bool, plain: bool = False
) -> float:
    """The same of the bootstrap (from 8 people on); ``plain``: of unexpanded percentiles."""
    hits = 0
    for seed, (values, truth) in enumerate(_samples(draw, n, runs, skewed=skewed)):
        if plain:
            places = np.random.default_rng(seed).integers(0, n, (500, n))
            low, high = np.quantile(np.asarray(values)[places].mean(axis=1), (0.025, 0.975))
        else:
            low, high = intervals.bootstrap(values, seed) or (math.nan, math.nan)
        hits += bool(low <= truth <= high)
    return hits / runs


def paired_covers(draw: np.random.Generator, n: int, runs: int, *, part: float) -> float:
    """How often the interval of matched shares holds the true mean change of people of whom
    ``part`` turn away at a marker (all of the 5 s, or a random share of them), the others not."""
    hits = 0
    for _ in range(runs):
        turned_away = draw.random(n) < part
        whole = draw.random(n) < 0.5
        changes = -np.where(turned_away, np.where(whole, 1.0, draw.random(n)), 0.0)
        low, high = intervals.paired_shares(changes.tolist())
        hits += low <= -0.75 * part <= high
    return hits / runs


def _samples(
    draw: np.random.Generator, n: int, runs: int, *, skewed: bool
) -> list[tuple[list[float], float]]:
    """Means of people: normal, or Beta(1, 4) as expressiveness of mostly neutral faces is."""
    if skewed:
        return [(one.tolist(), 0.2) for one in draw.beta(1, 4, (runs, n))]
    return [(one.tolist(), 0.0) for one in draw.normal(0, 1, (runs, n))]


def _table(*head: str) -> None:
    print("\n| " + " | ".join(head) + " |\n|" + "---|" * len(head), flush=True)


def _row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def _kind(phi: float, *, heavy: bool) -> str:
    return f"{phi:g}{', heavy tails' * heavy}"


def _print_intervals(runs: int) -> None:
    _table("people", "t", "plain percentiles", "ours for responses")
    for n in (2, 3, 5, 8, 12):
        cells = []
        for cover in (
            student_covers,
            functools.partial(bootstrap_covers, plain=True),
            bootstrap_covers,
        ):
            rates = [
                cover(np.random.default_rng(n), n, runs, skewed=skewed) for skewed in (False, True)
            ]
            cells.append(" / ".join(f"{rate:.3f}" for rate in rates))
        _row(n, *cells)


def _print_paired(runs: int) -> None:
    parts = (0.0, 0.1, 0.3, 0.5, 0.9)
    _table("people", *(f"{100 * part:.0f} % turn away" for part in parts))
    for n in (3, 5, 8, 12, 30):
        rates = [paired_covers(np.random.default_rng(n), n, runs, part=part) for part in parts]
        _row(n, *(f"{rate:.3f}" for rate in rates))


def _print_synchrony(rooms: int) -> None:
    _table("people", "shared variance", "p ≤ .05", "interval holds the truth")
    for people, part in ((3, 0.0), (6, 0.0), (12, 0.0), (6, 0.5), (12, 0.5), (6, 0.7), (12, 0.7)):
        draw, truth = np.random.default_rng(7), shared_truth(people, part)
        found = [synchrony(shared(draw, people, part), seed) for seed in range(rooms)]
        inside = sum((one.low or 0) <= truth <= (one.high or 0) for one in found)
        unlikely = sum((one.p or 0) <= 0.05 for one in found)
        _row(people, f"{part * part:.2f}", f"{unlikely / rooms:.3f}", f"{inside / rooms:.3f}")


def _print_moments(hours: int) -> None:
    changes = (0.1, 0.15, 0.2)
    found_head = [f"{by / 0.05:.0f} dev. found, after" for by in changes]
    _table("resemblance", "false turns per hour", "false peaks per hour", *found_head)
    for phi, heavy in _SERIES:
        draw = np.random.default_rng(11)
        levels = [room(draw, 3600, phi, heavy=heavy) for _ in range(hours)]
        alarms = sum(len(turns(level)) for level in levels) / hours
        heights = sum(len(peaks(level)) for level in levels) / hours
        cells = []
        for by in changes:
            first = [
                next((t for t in turns(turned(level[:330], 300, by)) if t.at_s > 300), None)
                for level in levels
            ]
            late = sorted(t.at_s - 300 for t in first if t)
            middle = late[len(late) // 2] if late else math.nan
            cells.append(f"{100 * len(late) / hours:.0f} %, {middle:.0f} s")
        _row(_kind(phi, heavy=heavy), f"{alarms:.2f}", f"{heights:.2f}", *cells)


def _print_deviations(people: int) -> None:
    limits = (deviation.ENTER, 4.0, 3.5)
    _table("resemblance", *(f"per person and hour, from {limit:g}" for limit in limits))
    for phi, heavy in _SERIES:
        counts = []
        for limit in limits:
            draw = np.random.default_rng(13)
            with mock.patch.object(deviation, "ENTER", limit):
                counts += [
                    sum(
                        len(deviations(person(draw, 3600, phi, heavy=heavy))) for _ in range(people)
                    )
                ]
        _row(_kind(phi, heavy=heavy), *(f"{count / people:.2f}" for count in counts))


def _print_cost(seconds: int) -> None:
    _table("people", "ms of processor per second", "checkpoint, kB")
    for people in (12, 50):
        draw = np.random.default_rng(17)
        audience, state = audiences.Audience(), [deviation.begin() for _ in range(people)]
        moments = [person(draw, seconds, 0.9) for _ in range(people)]
        begun_s = time.process_time()
        for n in range(seconds * 4):
            for one, values in enumerate(moments):
                moment, at_s = values[n // 4], n / 4
                expressive = audiences.expressiveness(moment.expression)
                point = audiences.Point(one, at_s, moment.valence, expressive, facing_front=True)
                audiences.add(audience, point)
                deviation.step(state[one], moment, at_s, named=False)
            audiences.measures(audience, n / 4)
            audiences.settled(audience, n / 4)
        spent_ms = 1000 * (time.process_time() - begun_s) / seconds
        size = len(msgspec.msgpack.encode((audience, state)))
        _row(people, f"{spent_ms:.0f}", f"{size / 1000:.0f}")


#: Resemblance of neighbouring seconds, and whether the tails are heavy.
_SERIES = ((0.5, False), (0.8, False), (0.9, False), (0.8, True))


if __name__ == "__main__":
    _print_cost(120)
    _print_intervals(2000)
    _print_paired(2000)
    _print_synchrony(400)
    _print_moments(48)
    _print_deviations(24)
