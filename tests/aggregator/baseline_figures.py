"""What a baseline changes on recorded faces: ``python -m tests.aggregator.baseline_figures``.

For everybody in tests/truth/timelines: what the face is read as while the labels say neutral, and
the share of the labelled time after calibration in which the read-out is the label, without a
baseline and with limits (baseline.LIMIT) to choose from; a Markdown table for each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from readroom.aggregator import baseline, expression_state as expressions
from readroom.messages import EXPRESSIONS, Probabilities
from tests.truth.format import Label, recorded
from tests.truth.people import MIN_FACE_PX, Followed, followed

NEUTRAL_S = 3.0
LIMITS = (1.25, 1.5, 1.75, 2.0, 3.0, math.inf)
_LEAST_READINGS = 20


def everybody() -> Iterator[tuple[str, Followed]]:
    """Everybody with readings enough, and the name of their timeline."""
    for name, timeline in recorded().items():
        for person in followed(timeline):
            if sum(_reads(person)) >= _LEAST_READINGS:
                yield f"{name}, {person.truth.name} ({timeline.header.kind})", person


def _reads(person: Followed) -> list[bool]:
    return [
        reading.probabilities is not None and reading.weight >= expressions.READABLE_WEIGHT
        for reading in person.readings
    ]


def label_at(person: Followed, at_s: float) -> Label | None:
    """What is sure enough to judge by."""
    found = (label for label in person.truth.expressions if label.start_s <= at_s < label.end_s)
    label = next(found, None)
    return label if label is not None and label.scored else None


def at_rest(person: Followed) -> list[float]:
    """Mean probabilities while the labels say neutral; empty where they never do."""
    rows: list[Probabilities] = []
    for at_s, reading, counts in zip(person.times, person.readings, _reads(person), strict=True):
        label = label_at(person, at_s)
        if counts and reading.probabilities and label and label.name == "neutral":
            rows.append(reading.probabilities)
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def states(person: Followed, limit: float | None) -> tuple[list[str], baseline.Baseline]:
    """The state at each moment (``limit`` None: without a baseline), and what was learnt."""
    state, rest = expressions.begin(person.times[0]), baseline.begin()
    neutral_s, before = (0.0 if limit is None else NEUTRAL_S), baseline.LIMIT
    said: list[str] = []
    baseline.LIMIT = before if limit is None else limit  # type: ignore[misc]
    try:
        for at_s, reading in zip(person.times, person.readings, strict=True):
            read = baseline.step(rest, reading.probabilities, reading.weight, at_s, neutral_s)
            changed = expressions.Reading(
                reading.visible, reading.network_runs, reading.width_px, reading.weight, read
            )
            expressions.step(state, changed, at_s, MIN_FACE_PX)
            said.append(state.state)
    finally:
        baseline.LIMIT = before  # type: ignore[misc]
    return said, rest


def agreement(person: Followed, said: Sequence[str], from_s: float) -> dict[str, tuple[int, int]]:
    """Of each label: moments after calibration, and those in which the read-out says it."""
    counts: dict[str, tuple[int, int]] = {}
    for at_s, state in zip(person.times, said, strict=True):
        label = label_at(person, at_s)
        if label is not None and at_s >= from_s and label.name in EXPRESSIONS:
            n, right = counts.get(label.name, (0, 0))
            counts[label.name] = (n + 1, right + (state == label.name))
    return counts


def main() -> None:
    """Print both tables."""
    print(f"| read as, labelled neutral | {' | '.join(EXPRESSIONS)} |")
    print("|---" * (1 + len(EXPRESSIONS)) + "|")
    for name, person in everybody():
        if means := at_rest(person):
            print(f"| {name} | {' | '.join(f'{mean:.3f}' for mean in means)} |")
    shown = " | ".join("none" if limit == math.inf else f"{limit:g}" for limit in LIMITS)
    print(f"\n| right, calibrated for {NEUTRAL_S:g} s | label | n | no baseline | {shown} |")
    print("|---" * (4 + len(LIMITS)) + "|")
    for name, person in everybody():
        _rows(name, person)


def _rows(name: str, person: Followed) -> None:
    from_s = person.times[0] + NEUTRAL_S
    plain = agreement(person, states(person, None)[0], from_s)
    columns = []
    for limit in LIMITS:
        said, rest = states(person, limit)
        columns.append(agreement(person, said, from_s) if rest.factors else {})
    for label, (n, right) in plain.items():
        cells = [f"{column[label][1] / n:.0%}" if column else "refused" for column in columns]
        print(f"| {name} | {label} | {n} | {right / n:.0%} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
