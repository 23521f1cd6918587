from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from readroom.dashboards.report import compare, render
from readroom.dashboards.report.compare import (
    Mean,
    answer,
    compared,
    mover,
    over_time,
    shares,
    welch,
)
from readroom.dashboards.report.material import Person, read
from readroom.dashboards.report.spans import Track
from readroom.errors import BadSettings
from readroom.intervals import t_quantile
from readroom.messages import Measure
from tests.dashboards.report.made import HZ, Made, walk


def test_welch_s_interval_covers_what_it_says_of_few_people() -> None:
    dice = np.random.default_rng(1)
    inside = []
    for _ in range(1500):
        a, b = dice.normal(0.2, 0.1, 4), dice.normal(0.0, 0.3, 7)
        found = welch(*(Mean(float(x.mean()), float(x.var(ddof=1)) / len(x), len(x) - 1, len(x))
                        for x in (a, b)))  # fmt: skip
        assert found.low is not None
        assert found.high is not None
        inside.append(found.low <= 0.2 <= found.high)
    assert 0.93 <= np.mean(inside) <= 0.97


def test_shares_of_whom_everybody_faces_the_front_are_not_known_to_the_last_digit() -> None:
    found = shares([1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0])
    assert found.value == 0.0
    assert found.low is not None
    assert found.high is not None
    assert found.low < -0.2
    assert found.high > 0.2
    assert shares([], [1.0]).value is None


def somebody(valence: NDArray[np.float64]) -> Person:
    """A person whose face had these valences, HZ a second."""
    count = len(valence)
    nothing = np.zeros(count, np.int64)
    track = Track(
        np.arange(count) / HZ, np.full(count, 1 / HZ), nothing, nothing,
        valence, valence, valence, nothing, nothing,
    )  # fmt: skip
    return Person(1, "P1", None, 0.0, None, (), track)


def test_a_person_s_mean_over_time_rests_on_stretches_and_not_on_points() -> None:
    # The interval of the mean of an autocorrelated face, by batch means: it covers 0.
    dice = np.random.default_rng(6)
    inside, naively = [], []
    for _ in range(300):
        valence = walk(dice, 900)
        mean = over_time(somebody(valence), "valence", 900.0)
        assert mean.value is not None
        half = t_quantile(int(mean.freedom)) * np.sqrt(mean.variance)
        inside.append(abs(mean.value) <= half)
        # Points as if each stood for itself.
        naively.append(abs(mean.value) <= 1.96 * valence.std() / np.sqrt(len(valence)))
    assert 0.91 <= np.mean(inside) <= 0.98
    assert np.mean(naively) < 0.5


def test_mover_s_interval_is_the_difference_s_own() -> None:
    found = mover(
        Measure(value=0.3, low=0.1, high=0.6, n=4), Measure(value=0.1, low=0.0, high=0.2, n=5)
    )
    assert found.value == pytest.approx(0.2)
    assert found.low == pytest.approx(0.2 - np.hypot(0.2, 0.1))
    assert found.high == pytest.approx(0.2 + np.hypot(0.3, 0.1))
    assert mover(Measure(value=None), Measure(value=0.1, low=0.0, high=0.2)).value is None


def two_sessions(folder: Path) -> None:
    dice = np.random.default_rng(8)
    for name, lift in (("now", 0.4), ("then", 0.0)):
        made = Made(name=name, title=f"Pitch {name}")
        made.person(np.clip(walk(dice, 400) + lift, -0.6, 0.8), name="Anna")
        for _ in range(3):
            made.person(np.clip(walk(dice, 400) + lift, -0.6, 0.8))
        made.mark(100.0, "Pricing  slide" if name == "now" else "pricing slide")
        made.mark(200.0, f"only {name}")
        label = made.rows.markers[0].label
        made.event(
            "response", 100.0, 105.0, state=label, figure="valence",
            measure=Measure(value=lift, low=lift - 0.1, high=lift + 0.1, n=4, coverage=0.9),
        )  # fmt: skip
        made.into(folder)


def test_of_two_markers_of_one_label_the_first_counts_whatever_the_second_found(
    tmp_path: Path,
) -> None:
    made = Made()
    made.person(walk(np.random.default_rng(1), 60))
    for at_s, value in ((10.0, None), (30.0, 0.5)):
        made.mark(at_s, "slide")
        measure = Measure(value=value, low=value and 0.4, high=value and 0.6, n=4)
        made.event(
            "response", at_s, at_s + 5, state="slide",
            figure="valence" if value else None, measure=measure if value else None,
        )  # fmt: skip
    material = read(made.into(tmp_path), "s1")
    first, second = material.markers
    assert answer(material, first, "valence").value is None
    assert answer(material, second, "valence").value == 0.5
    difference = compared(material, material).markers["slide"]
    assert (difference.now, difference.value) == (None, None)


def test_sessions_are_compared_by_room_by_name_and_by_label(tmp_path: Path) -> None:
    two_sessions(tmp_path)
    from readroom.sessions.timelines import Timelines

    timelines = Timelines(tmp_path)
    found = compared(read(timelines, "now"), read(timelines, "then"))
    assert set(found.room) == {"valence", "expressiveness", "facing_front"}
    valence = found.room["valence"]
    assert valence.value == pytest.approx(0.4, abs=0.1)
    assert valence.low is not None
    assert valence.low > 0.2
    # P2 of one is anybody in the other: only the name is compared.
    assert list(found.people) == ["Anna"]
    assert found.people["Anna"].low is not None
    assert found.people["Anna"].low > 0
    assert list(found.markers) == ["Pricing  slide"]
    assert found.markers["Pricing  slide"].value == pytest.approx(0.4)
    html = render(timelines, "now", "then")
    assert "Beside the other session" in html
    assert "“Pitch then”" in html
    assert "Anna" in html


def test_people_of_two_sessions_without_names_are_compared_as_rooms_only(tmp_path: Path) -> None:
    for name in ("a", "b"):
        made = Made(name=name)
        made.person(np.zeros(60 * HZ))
        timelines = made.into(tmp_path)
    html = render(timelines, "a", "b")
    assert "Nobody bears the same name in both" in html
    assert ", 1 person<" in html
    assert "1 people" not in html
    # One person on each side has no interval over people.
    found = compared(read(timelines, "a"), read(timelines, "b"))
    assert found.room["valence"].value is None


def test_a_session_is_not_compared_with_itself(tmp_path: Path) -> None:
    timelines = Made().into(tmp_path)
    with pytest.raises(BadSettings, match="same session"):
        render(timelines, "s1", "s1")


def test_beside_a_session_without_emotion_nothing_else_is_compared(tmp_path: Path) -> None:
    for name, purpose in (("a", "research"), ("b", "workplace")):
        made = Made(name=name, purpose=purpose)
        for _ in range(2):
            made.person(np.full(60 * HZ, 0.1))
        timelines = made.into(tmp_path)
    found = compared(read(timelines, "a"), read(timelines, "b"))
    assert list(found.room) == ["facing_front"]
    assert compare.MIN_KNOWN_S <= 60
