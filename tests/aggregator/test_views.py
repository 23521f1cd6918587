"""Which camera is believed: the one that sees best, and no sooner another than it is worth it."""

from __future__ import annotations

import math

import pytest

from readroom.aggregator import views
from readroom.aggregator.views import BETTER_BY, BETTER_RATIO, FASTEST, SPEAKS_S, View
from readroom.messages import Box, Quality

BOX = Box(100.0, 100.0, 60.0, 72.0)
SHARP = Quality(width_px=60.0, sharpness=500.0)
LONG_S = SPEAKS_S + 1


def view(camera: str, merit: float, *, visible: bool = True, seen_s: float = 0.0) -> View:
    return View(camera, 1, BOX, seen_s, seen_s, visible=visible, merit=merit)


# -- who speaks -----------------------------------------------------------------------------------


def test_without_any_view_nobody_speaks() -> None:
    assert views.best([], None, 0.0) is None
    assert views.best([], view("left", 0.9), LONG_S) is None


def test_at_first_the_one_that_sees_best_speaks() -> None:
    left, right = view("left", 0.4), view("right", 0.6)
    assert views.best([left, right], None, 0.0) is right
    assert views.best([right, left], None, 0.0) is right


def test_of_two_that_see_as_well_the_one_that_saw_last_speaks() -> None:
    left, right = view("left", 0.5, seen_s=1.0), view("right", 0.5, seen_s=2.0)
    assert views.best([left, right], None, 0.0) is right


def test_a_view_that_sees_nobody_now_speaks_only_where_none_does() -> None:
    lost, poor = view("left", 0.9, visible=False), view("right", 0.1)
    assert views.best([lost, poor], None, 0.0) is poor
    assert views.best([lost], None, 0.0) is lost


@pytest.mark.parametrize(
    ("now", "other", "changes"),
    [
        (0.6, 0.6 * BETTER_RATIO + 0.01, True),
        (0.6, 0.6 * BETTER_RATIO - 0.01, False),  # By much, but not by half as much again.
        (0.1, 0.1 + BETTER_BY + 0.01, True),
        (0.1, 0.1 + BETTER_BY - 0.01, False),  # Nearly twice as good, but both see badly.
        (0.6, 0.6, False),
        (0.6, 0.1, False),
    ],
)
def test_only_one_that_sees_clearly_better_takes_over(
    now: float, other: float, changes: bool
) -> None:
    left, right = view("left", now), view("right", other)
    assert views.best([left, right], left, LONG_S) is (right if changes else left)


def test_nobody_takes_over_from_one_that_has_only_begun_to_speak() -> None:
    left, right = view("left", 0.1), view("right", 0.9)
    assert views.best([left, right], left, SPEAKS_S - 0.01) is left
    assert views.best([left, right], left, SPEAKS_S) is right


def test_another_takes_over_at_once_where_the_speaking_one_sees_the_person_no_longer() -> None:
    lost, poor = view("left", 0.9, visible=False), view("right", 0.05)
    assert views.best([lost, poor], lost, 0.0) is poor


def test_the_speaking_one_stays_while_nobody_sees_the_person() -> None:
    left, right = view("left", 0.1, visible=False), view("right", 0.9, visible=False)
    assert views.best([left, right], left, LONG_S) is left


def test_two_cameras_that_see_about_as_well_do_not_take_turns() -> None:
    left, right = view("left", 0.0), view("right", 0.0)
    speaks: View | None = None
    said = []
    for tick in range(600):
        for one, phase in ((left, 0.0), (right, math.pi)):
            weight = 0.6 + 0.1 * math.sin(tick / 10 + phase)
            views.look(one, BOX, SHARP, weight, tick / 10)
        speaks = views.best([left, right], speaks, LONG_S)
        assert speaks is not None
        said.append(speaks.camera)
    assert len(set(said[50:])) == 1


# -- what is known of a view ----------------------------------------------------------------------


def test_merit_follows_what_can_be_read_within_seconds_and_not_at_once() -> None:
    one = view("left", 0.0)
    views.look(one, BOX, SHARP, 0.8, views.MERIT_S)
    assert one.merit == pytest.approx(0.8 * (1 - math.exp(-1)))
    for tick in range(1, 101):
        views.look(one, BOX, SHARP, 0.8, views.MERIT_S + tick / 10)
    assert one.merit == pytest.approx(0.8, abs=1e-3)
    views.look(one, BOX, SHARP, 0.0, one.at_s + 0.1)  # A blink.
    assert one.merit > 0.7


def test_merit_depends_on_the_time_that_passed_not_on_how_often_it_was_looked() -> None:
    often, seldom = view("left", 0.0), view("right", 0.0)
    for tick in range(1, 31):
        views.look(often, BOX, SHARP, 0.6, tick / 30)
    views.look(seldom, BOX, SHARP, 0.6, 1.0)
    assert often.merit == pytest.approx(seldom.merit)


def test_a_look_without_a_face_costs_merit_and_leaves_the_last_face() -> None:
    one = view("left", 0.8)
    views.look(one, BOX, SHARP, 0.8, 1.0)
    views.look(one, None, None, 0.0, 2.0)
    assert one.merit < 0.8 / 2
    assert (one.box, one.quality, one.seen_s, one.at_s) == (BOX, SHARP, 1.0, 2.0)


def test_speed_is_in_face_widths_a_second() -> None:
    one = view("left", 0.8)
    for tick in range(1, 101):  # 6 px each tenth of a second, of a face of 120 px.
        views.look(one, Box(70.0 + 6 * tick, 64.0, 120.0, 144.0), SHARP, 0.8, tick / 10)
    assert one.speed == pytest.approx(0.5, abs=1e-3)


def test_a_face_that_grows_around_its_centre_does_not_move() -> None:
    one = view("left", 0.8)
    views.look(one, Box(90.0, 88.0, 80.0, 96.0), SHARP, 0.8, 0.1)
    assert one.speed == 0


def test_a_box_that_jumps_counts_as_the_fastest_head_at_most() -> None:
    one = view("left", 0.8)
    for tick in range(1, 101):
        views.look(one, Box(1000.0 * (tick % 2), 100.0, 60.0, 72.0), SHARP, 0.8, tick / 10)
        assert one.speed <= FASTEST
    assert one.speed == pytest.approx(FASTEST)


def test_a_face_without_width_moves_at_a_finite_speed() -> None:
    one = view("left", 0.8)
    views.look(one, Box(500.0, 100.0, 0.0, 0.0), SHARP, 0.8, 0.1)
    assert 0 < one.speed <= FASTEST


@pytest.mark.parametrize("at_s", [5.0, 4.0])
def test_no_time_passed_changes_neither_merit_nor_speed(at_s: float) -> None:
    one = view("left", 0.8, seen_s=5.0)
    views.look(one, Box(0.0, 0.0, 60.0, 72.0), SHARP, 0.1, at_s)
    assert (one.merit, one.speed, one.at_s, one.seen_s) == (0.8, 0.0, 5.0, 5.0)
