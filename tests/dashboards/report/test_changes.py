"""Changes at markers, against simulated truths: how often nothing is taken for something, and what
is found of what was planted. Seeds are fixed; the bounds are those of the binomial."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from readroom.aggregator import audience, responses
from readroom.dashboards.report import changes, spans
from readroom.dashboards.report.changes import (
    RATE,
    differences,
    discoveries,
    judged,
    table,
    usual_of,
)
from readroom.dashboards.report.material import read
from tests.dashboards.report.made import HZ, Made, walk

Floats = NDArray[np.float64]


def face(dice: np.random.Generator, bins: int, keeps: float) -> Floats:
    """A drifting face in half seconds; seconds resemble each other by ``keeps``²."""
    steps = dice.standard_normal(bins) * np.sqrt(1 - keeps**2)
    found = np.empty(bins)
    found[0] = dice.standard_normal()
    for n in range(1, bins):
        found[n] = keeps * found[n - 1] + steps[n]
    return 0.25 * found


def smiles(dice: np.random.Generator, bins: int) -> Floats:
    """A still face that smiles now and then: most differences are next to nothing."""
    return np.maximum(0.0, 3 * face(dice, bins, 0.95) - 0.7) + 0.01 * dice.standard_normal(bins)


def judge(series: Floats, place: int) -> tuple[float, float, float]:
    moved = differences(series)
    return judged(float(moved[place]), usual_of(moved))


@pytest.mark.parametrize("kind", [0.8, 0.95, 0.99, "smiles"])
def test_a_marker_that_means_nothing_is_beyond_its_interval_as_often_as_said(
    kind: float | str,
) -> None:
    dice = np.random.default_rng(7)
    p = []
    for _ in range(150):
        series = smiles(dice, 1200) if kind == "smiles" else face(dice, 1200, float(kind))
        p += [judge(series, int(place))[2] for place in dice.integers(10, 1190, 6)]
    found = np.array(p)
    # 900 markers, of which six share a face: 5 % give or take three standard deviations.
    assert 0.025 <= (found < 0.05).mean() <= 0.08
    assert (found < 0.01).mean() <= 0.025
    assert 0.4 <= (found < 0.5).mean() <= 0.6


def test_ten_half_seconds_counted_as_ten_would_be_wrong_most_of_the_time() -> None:
    # Why it isn't done so: what the textbook's t makes of the same markers.
    dice = np.random.default_rng(7)
    beyond = 0
    for _ in range(300):
        series = face(dice, 60, 0.95)
        a, b = series[20:30], series[31:41]
        error = np.sqrt(a.var(ddof=1) / 10 + b.var(ddof=1) / 10)
        beyond += abs(b.mean() - a.mean()) > 2.1 * error
    assert beyond / 300 > 0.5


def test_a_change_that_was_planted_is_within_its_interval() -> None:
    dice = np.random.default_rng(3)
    inside = []
    for _ in range(300):
        series, place = face(dice, 1200, 0.95), int(dice.integers(10, 1100))
        series[place + 1 : place + 40] += 0.5
        low, high, _ = judge(series, place)
        inside.append(low <= 0.5 <= high)
    assert 0.92 <= np.mean(inside) <= 0.99


def test_over_a_whole_table_chance_names_hardly_anything() -> None:
    # With nothing there, a false discovery rate of 10 % is a chance of 10 % to name anything.
    dice = np.random.default_rng(5)
    named = 0
    for _ in range(200):
        p = []
        for _ in range(3):
            series = face(dice, 1200, 0.95)
            p += [judge(series, int(place))[2] for place in dice.integers(10, 1190, 6)]
        named += bool(discoveries(np.array(p), RATE).any())
    assert named / 200 <= RATE + 0.07
    assert named > 0


def test_benjamini_and_hochberg_s_own_example_is_reproduced() -> None:
    # Their table of 15 comparisons (1995, section 4.1): at .05 the first four are rejected.
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262]
    p += [0.5719, 0.6528, 0.7590, 1.0]
    assert discoveries(np.array(p), 0.05).tolist() == [True] * 4 + [False] * 11
    assert discoveries(np.array([np.nan, 0.5]), 0.05).tolist() == [False, False]
    assert discoveries(np.zeros(0), 0.05).tolist() == []


def test_the_interval_leaves_0_out_exactly_where_p_is_below_5_percent() -> None:
    dice = np.random.default_rng(2)
    for _ in range(60):
        series = face(dice, 800, 0.9)
        series[401:440] += dice.choice((0.0, 0.3, 0.6))
        low, high, p = judge(series, 400)
        assert (p < 0.049) <= (not low <= 0 <= high) <= (p < 0.051)


def test_sides_are_5_s_and_the_half_second_of_the_marker_is_in_neither() -> None:
    series = np.zeros(60)
    series[31:41] = 1.0
    series[30] = 100.0
    assert differences(series)[30] == 1.0
    assert np.isnan(differences(series)[[9, 50]]).all()
    assert np.isfinite(differences(series)[[10, 49]]).all()


def test_a_side_that_is_known_for_less_than_60_percent_says_nothing() -> None:
    series = np.zeros(60)
    series[31:35] = np.nan
    assert differences(series)[30] == 0.0
    series[35] = np.nan
    assert np.isnan(differences(series)[30])
    assert np.isnan(differences(np.zeros(3))).all()


def test_the_windows_are_those_of_the_aggregator_s_answer() -> None:
    assert changes.SIDE_S == responses.SIDE_S
    assert changes.MIN_SIDE_RATIO == responses.MIN_SIDE_RATIO
    assert spans.BIN_S == audience.BIN_S


def test_a_planted_turn_is_named_for_the_person_and_marker_it_was_planted_at(
    tmp_path: Path,
) -> None:
    dice = np.random.default_rng(11)
    made = Made()
    seconds = 900
    calm, turned = walk(dice, seconds), walk(dice, seconds)
    turned[int(400.5 * HZ) : int(420 * HZ)] -= 0.55
    made.person(calm)
    made.person(np.clip(turned, -0.62, 0.7))
    for at_s in (100.0, 250.0, 400.0, 600.0, 750.0):
        made.mark(at_s, f"slide at {at_s:.0f}")
    found = table(read(made.into(tmp_path), "s1"))
    assert found.tested == 10
    named = [(place, c.person, c.verdict) for place, c in changes.named(found)]
    assert named == [(2, 2, "less")]
    change = found.rows[2][1]
    assert change.value == pytest.approx(-0.55, abs=0.2)
    assert change.low is not None
    assert change.high is not None
    assert change.low < change.value < change.high < 0
    assert (change.before, change.after) == ("attentive", "displeased")


def test_what_cannot_be_told_says_why(tmp_path: Path) -> None:
    dice = np.random.default_rng(1)
    made = Made()
    away = walk(dice, 300)
    away[int(95 * HZ) : int(105 * HZ)] = np.nan
    made.person(away)
    made.person(walk(dice, 60), from_s=70.0)
    for at_s in (2.0, 100.0, 299.0):
        made.mark(at_s, "slide")
    rows = table(read(made.into(tmp_path), "s1")).rows
    reasons = [[change.reason for change in row] for row in rows]
    assert reasons == [["edge", "edge"], ["unreadable", "short"], ["edge", "edge"]]
    assert all(change.verdict == "cant_tell" for row in rows for change in row)


def test_where_a_single_change_could_never_hold_it_cannot_be_told(tmp_path: Path) -> None:
    # 3 minutes have some 340 moments: enough for 17 comparisons (2 / 340 ≤ .1 / 17), not for 18.
    for markers, verdict, reason in ((5, "none", ""), (6, "cant_tell", "many")):
        dice = np.random.default_rng(2)
        made = Made(name=f"s{markers}")
        for _ in range(3):
            made.person(walk(dice, 180))
        for number in range(markers):
            made.mark(20.0 + 20 * number, "slide")
        found = table(read(made.into(tmp_path / f"{markers}"), made.name))
        assert {(c.verdict, c.reason) for row in found.rows for c in row} == {(verdict, reason)}
        assert found.tested == found.comparisons == 3 * markers
        assert found.telling == (found.tested if verdict == "none" else 0)
        assert all(change.low is not None for row in found.rows for change in row)


def test_what_others_carry_is_named_though_it_could_not_stand_alone(tmp_path: Path) -> None:
    dice = np.random.default_rng(2)
    made = Made()
    for _ in range(3):
        face = 0.05 * walk(dice, 180)
        face[int(100.5 * HZ) : 110 * HZ] -= 0.5
        made.person(face)
    for number in range(6):
        made.mark(20.0 + 20 * number, "slide")
    found = table(read(made.into(tmp_path), made.name))
    assert [change.verdict for change in found.rows[4]] == ["less"] * 3
    assert found.telling == 0


def test_a_change_too_small_to_see_is_none_however_still_the_face(tmp_path: Path) -> None:
    made = Made()
    still = np.full(600 * HZ, 0.1)
    still[300 * HZ :] += 0.05
    made.person(still)
    made.mark(300.0, "slide")
    (row,) = table(read(made.into(tmp_path), "s1")).rows
    assert row[0].verdict == "none"
    assert row[0].value == pytest.approx(0.05, abs=0.01)


def test_where_no_expression_may_be_read_turning_to_the_front_is_compared(tmp_path: Path) -> None:
    dice = np.random.default_rng(4)
    made = Made(purpose="workplace")
    front = np.where(dice.random(900 * HZ) < 0.02, -0.1, 0.1)
    front[int(450.5 * HZ) : 470 * HZ] = -0.1
    made.person(front)
    made.mark(450.0, "slide")
    found = table(read(made.into(tmp_path), "s1"))
    assert found.figure == "facing_front"
    assert found.rows[0][0].verdict == "less"
    assert found.rows[0][0].value == pytest.approx(-1.0, abs=0.1)
