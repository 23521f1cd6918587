"""The room over its last minute."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from readroom.aggregator import audience as audiences
from readroom.aggregator.audience import Audience, Point
from readroom.messages import MEASURES
from tests.aggregator.made import looks

floats = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-1, 1)
any_points = st.builds(
    Point,
    person=st.integers(1, 4),
    at_s=floats | st.floats(-10, 300),
    valence=st.none() | floats,
    expressiveness=st.none() | floats,
    facing_front=st.none() | st.booleans(),
    weight=floats,
)


def seated(
    valences: dict[int, float], seconds: float = 60.0, begin_s: float = 0.0, **changes: object
) -> Audience:
    """People with the same valence all the time, four points a second."""
    room = Audience()
    for n in range(int(seconds * 4)):
        for person, valence in valences.items():
            fields = {"valence": valence, "expressiveness": abs(valence), "facing_front": True}
            at_s = begin_s + n / 4
            audiences.add(room, Point(person=person, at_s=at_s, **{**fields, **changes}))  # type: ignore[arg-type]
    return room


def test_the_worked_example_of_the_documentation() -> None:
    room = seated({1: 0.1, 2: 0.3, 3: 0.2, 4: -0.1})
    for n in range(240):  # A fifth one can be read for half of the minute, and looks away.
        valence = 0.4 if n < 120 else None
        audiences.add(
            room,
            Point(person=5, at_s=n / 4, valence=valence, expressiveness=0.4, facing_front=False),
        )
    said = audiences.measures(room, 60.0)
    valence = said["valence"]
    assert valence.value == pytest.approx(0.18)
    wanted = stats.t.interval(0.95, 4, loc=0.18, scale=stats.sem([0.1, 0.3, 0.2, -0.1, 0.4]))
    assert (valence.low, valence.high) == pytest.approx(wanted)
    assert (valence.low, valence.high) == pytest.approx((-0.059, 0.419), abs=0.001)
    assert (valence.n, valence.coverage) == (5, pytest.approx(0.9))
    front = said["facing_front"]
    assert front.value == pytest.approx(0.8)
    assert (front.low, front.high) == pytest.approx((0.376, 0.964), abs=0.001)


def test_one_person_is_no_room() -> None:
    said = audiences.measures(seated({1: 0.5}), 60.0)
    assert list(said) == list(MEASURES)
    assert all(measure.value is None for measure in said.values())
    assert said["valence"].n == 1


def test_faces_that_can_hardly_be_read_say_nothing_but_where_they_face_is_known() -> None:
    said = audiences.measures(seated({1: 0.5, 2: 0.1, 3: 0.1}, weight=0.05), 60.0)
    assert said["valence"].value is None
    assert said["valence"].coverage == 0
    assert said["facing_front"].value == 1.0


def test_a_few_readable_people_do_not_stand_for_a_room() -> None:
    room = seated({1: 0.5, 2: 0.4})
    for n in range(240):
        for person in range(3, 12):
            audiences.add(room, Point(person=person, at_s=n / 4))
    said = audiences.measures(room, 60.0)["valence"]
    assert said.value is None
    assert said.n == 2
    assert said.coverage == pytest.approx(2 / 11)


def test_without_expressions_only_facing_the_front_is_said() -> None:
    said = audiences.measures(seated({1: 0, 2: 0, 3: 0}, valence=None, expressiveness=None), 60.0)
    assert {name for name, one in said.items() if one.value is not None} == {"facing_front"}


def test_a_moment_is_not_enough() -> None:
    assert audiences.measures(seated({1: 0.5, 2: 0.1}, 4.0), 4.0)["valence"].value is None
    assert audiences.measures(seated({1: 0.5, 2: 0.1}, 6.0), 6.0)["valence"].value is not None


def test_what_is_over_is_forgotten() -> None:
    room = seated({1: 0.5, 2: 0.1})
    assert audiences.measures(room, 130.0)["valence"].value is None
    audiences.settled(room, 130.0)
    assert room.people == {}


def test_an_interval_stays_within_the_figures_range() -> None:
    said = audiences.measures(seated({1: 0.0, 2: 0.9}), 60.0)
    assert said["expressiveness"].low == 0.0
    assert said["expressiveness"].high == 1.0
    assert said["valence"].low == -1.0


def test_who_leaves_is_gone() -> None:
    room = seated({1: 0.5, 2: 0.1, 3: 0.2})
    audiences.leave(room, 1)
    audiences.leave(room, 1)
    assert audiences.measures(room, 60.0)["valence"].n == 2


def test_the_level_is_the_mean_while_the_same_people_are_there() -> None:
    room = Audience()
    for n in range(40):
        for person in (1, 2):
            audiences.add(
                room, Point(person=person, at_s=n / 4, valence=person / 10 + n // 4 / 100)
            )
    seconds = audiences.settled(room, 10.0)
    assert [one.at_s for one in seconds] == [float(n) for n in range(1, 11)]
    for n, one in enumerate(seconds):
        assert one.levels["valence"] == pytest.approx(0.15 + n / 100)
        assert one.levels["expressiveness"] is None


def test_who_comes_or_turns_away_does_not_move_the_level() -> None:
    room, levels = Audience(), []
    for n in range(160):
        at_s = n / 4
        for person, valence in ((1, -0.2), (2, 0.0), (3, 0.6)):
            there = person < 3 or 10 <= at_s < 20 or at_s >= 23
            audiences.add(room, Point(person, at_s, valence=valence if there else None))
        levels += [one.levels["valence"] for one in audiences.settled(room, at_s)]
    assert len(levels) == 39
    assert levels == pytest.approx([-0.1] * 39)


def test_a_second_is_given_once_and_a_jump_gives_the_last_minute_only() -> None:
    room = seated({1: 0.1, 2: 0.2}, 10.0)
    assert len(audiences.settled(room, 9.0)) == 9
    assert audiences.settled(room, 9.0) == []
    assert audiences.settled(room, 5.0) == []
    assert audiences.settled(room, math.nan) == []
    seated_later = audiences.settled(room, 500.0)
    assert len(seated_later) == audiences.WINDOW_S
    assert all(one.levels["valence"] is None for one in seated_later)


def test_synchrony_is_computed_every_five_seconds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    room, calls = seated({1: 0.1, 2: 0.2, 3: 0.1}), []
    original = audiences.synchrony
    monkeypatch.setattr(
        audiences, "synchrony", lambda people, seed: calls.append(seed) or original(people, seed)
    )
    for at_s in (60.0, 60.25, 62.0, 64.9, 65.0):
        audiences.measures(room, at_s)
    assert calls == [60, 65]


def test_expressiveness_is_what_is_not_neutral() -> None:
    assert audiences.expressiveness(looks("neutral", 0.9)) == pytest.approx(0.1)
    assert audiences.expressiveness(looks("anger", 1.0)) == pytest.approx(1.0)
    assert audiences.expressiveness(None) is None
    assert audiences.expressiveness((math.nan,) * 8) is None  # type: ignore[arg-type]


@settings(max_examples=60)
@given(st.lists(any_points, max_size=40), floats | st.floats(0, 300))
def test_whatever_comes_measures_are_in_range_and_the_state_survives(
    points: list[Point], at_s: float
) -> None:
    room = Audience()
    for point in points:
        audiences.add(room, point)
    once = Audience()
    for point in points:
        audiences.add(once, point)
        audiences.add(once, point)
    assert once == room
    for measure in audiences.measures(room, at_s).values():
        assert 0 <= measure.coverage <= 1
        if measure.value is not None:
            assert measure.n >= audiences.MIN_PEOPLE
    audiences.settled(room, at_s)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(room), type=Audience) == room
