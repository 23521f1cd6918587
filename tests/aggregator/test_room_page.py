"""The worked examples of docs/semantics/room.md, computed: the page says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from readroom.aggregator import audience as audiences, deviation as deviations, responses
from readroom.aggregator.audience import Audience, Point
from readroom.aggregator.deviation import Values
from readroom.aggregator.inflections import HEIGHT, H, K
from readroom.aggregator.synchrony import synchrony
from readroom.messages import Measure
from tests.aggregator.made import looks
from tests.aggregator.simulated import shared, turned, turns

PAGE = Path(__file__).resolve().parents[2] / "docs" / "semantics" / "room.md"


def spelled(measure: Measure) -> str:
    """As the page writes it: value (low to high), n, coverage."""
    value, low, high = (
        round(v or 0.0, 2) + 0.0 for v in (measure.value, measure.low, measure.high)
    )
    return f"{value:.2f} ({low:.2f} to {high:.2f}), n {measure.n}, coverage {measure.coverage:.2f}"


def minute() -> Audience:
    """Five people; the fifth can be read for half of the minute, and looks away."""
    room = Audience()
    for n in range(240):
        for person, valence in enumerate((0.1, 0.3, 0.2, -0.1), 1):
            audiences.add(room, Point(person, n / 4, valence, abs(valence), facing_front=True))
        read = 0.4 if n < 120 else None
        audiences.add(room, Point(5, n / 4, read, read, facing_front=False))
    return room


def marked() -> Measure:
    """Four people who change by 0.2, 0.3, 0.1 and 0.2 at a marker."""
    room, state = Audience(), responses.Responses()
    for n in range(160):
        for person, change in enumerate((0.2, 0.3, 0.1, 0.2), 1):
            at_s = n / 4
            valence = 0.1 + (change if at_s >= 20 else 0)
            audiences.add(room, Point(person, at_s, valence))
    responses.mark(state, "a", "pricing", 20.0)
    (response,) = responses.settle(state, room, 40.0, 40.0)
    return response.measures["valence"]


def turned_at() -> str:
    """A level that goes up and down by 0.02 and rises by 0.3 at second 150."""
    (found,) = turns(turned([0.0, 0.02] * 100, 150, 0.3))
    return (
        f"from {found.start_s:.0f} s, noticed at {found.at_s:.0f} s, {found.direction}, "
        f"by {found.size:.2f}"
    )


def deviated() -> str:
    """Half a minute of a still face, then the brow comes down a little for 5 s."""
    state = deviations.begin()
    tense = (0.53, 0.01, 0.01, 0.08, 0.31, 0.03, 0.015, 0.015)
    found = []
    for n in range(100):
        calm = Values(looks("neutral"), 0.0, float(n % 4), 0.0, 0.02)
        values = Values(tense, -0.2, -15.0, 0.0, 0.02) if 60 <= n < 70 else calm
        found.append(deviations.step(state, values, n / 2, named=False))
    (over,) = (one for one in found if one is not None)
    return (
        f"{over.start_s:.0f} to {over.end_s:.0f} s, {over.measurement} most, "
        f"z {over.z:.1f}, strength {over.strength:.1f}"
    )


def moved_together() -> str:
    """Six simulated people who share half of their variance."""
    found = synchrony(shared(np.random.default_rng(1), 6, 0.5**0.5), 1)
    return f"{spelled(found)}, p {found.p:.3f}"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("valence", lambda: spelled(audiences.measures(minute(), 60.0)["valence"])),
        ("expressiveness", lambda: spelled(audiences.measures(minute(), 60.0)["expressiveness"])),
        ("facing the front", lambda: spelled(audiences.measures(minute(), 60.0)["facing_front"])),
        ("response", lambda: spelled(marked())),
        ("turn", turned_at),
        ("deviation", deviated),
        ("synchrony", moved_together),
    ],
)
def test_the_pages_examples_are_what_comes_out(name: str, text: object) -> None:
    page = re.sub(r"\s+", " ", PAGE.read_text("utf-8"))
    assert callable(text)
    assert text() in page, name


def test_the_page_has_the_thresholds_of_the_program() -> None:
    page = re.sub(r"\s+", " ", PAGE.read_text("utf-8"))
    for said in (
        f"K = {K:g}, H = {H:g}",
        f"{HEIGHT:g} robust deviations",
        f"begins at {deviations.ENTER:g} and ends below {deviations.LEAVE:g}",
        f"less than {audiences.MIN_COVERAGE:.0%}".replace("%", " %"),
    ):
        assert said in page, said
