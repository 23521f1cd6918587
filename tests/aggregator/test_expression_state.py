"""What is said of a face: slowly enough to trust, quickly enough to be of use."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings, strategies as st

from readroom.aggregator import expression_state as expressions
from readroom.aggregator.expression_state import ExpressionState, Reading, StateEnded
from readroom.messages import (
    EXPRESSIONS,
    NOT_READ,
    NOT_VISIBLE,
    STATES,
    TOO_SMALL,
    UNCERTAIN,
    Quality,
)
from tests.aggregator.made import looks

MIN_PX = 24.0


def reading(expression: str | None = "neutral", **changes: object) -> Reading:
    fields: dict[str, object] = {
        "visible": True,
        "network_runs": True,
        "width_px": 80.0,
        "weight": 1.0,
        "probabilities": None if expression is None else looks(expression),
    }
    return Reading(**{**fields, **changes})  # type: ignore[arg-type]


GONE = Reading(visible=False, network_runs=True)


def play(
    readings: list[Reading], step_s: float = 0.1, person: ExpressionState | None = None
) -> tuple[ExpressionState, list[StateEnded]]:
    person = person or expressions.begin(0.0)
    begin_s = person.at_s + step_s if person.at_s is not None else 0.0
    ended = [
        expressions.step(person, what, begin_s + n * step_s, MIN_PX)
        for n, what in enumerate(readings)
    ]
    return person, [state for state in ended if state is not None]


readings = st.builds(
    Reading,
    visible=st.booleans(),
    network_runs=st.sampled_from([True, True, True, False]),
    width_px=st.none() | st.floats(1, 400),
    weight=st.floats(0, 1),
    probabilities=st.none()
    | st.lists(st.floats(0, 1), min_size=8, max_size=8).map(
        lambda p: expressions.clean(tuple(p))  # type: ignore[arg-type]
    )
    | st.sampled_from(EXPRESSIONS).map(lambda name: looks(name, 1.0)),
)


@given(st.lists(st.tuples(readings, st.floats(0.001, 2.0)), max_size=80))
@settings(max_examples=200, deadline=None)
def test_no_state_ends_before_its_dwell_and_everything_stays_in_bounds(
    steps: list[tuple[Reading, float]],
) -> None:
    person, at_s, ended = expressions.begin(0.0), 0.0, []
    for what, step_s in steps:
        at_s += step_s
        over = expressions.step(person, what, at_s, MIN_PX)
        ended += [over] if over else []
        assert person.state in STATES
        assert 0 <= expressions.confidence(person) <= 1
        assert 0 <= person.evidence <= 1
        said = expressions.probabilities(person)
        assert said is None or math.isclose(math.fsum(said), 1)
        assert said is None or all(0 <= p <= 1 for p in said)
    for state in ended[1:]:  # The first one replaces nothing.
        assert state.end_s - state.start_s >= expressions.dwell_s(state.state) - 1e-9
    assert all(0 <= state.confidence <= 1 for state in ended)
    assert all(a.end_s == b.start_s for a, b in itertools.pairwise(ended))


@given(st.sampled_from(EXPRESSIONS[1:]), st.sampled_from([0.04, 0.1, 0.2]))
@settings(max_examples=30, deadline=None)
def test_one_raw_reading_never_flips_it_however_sure(name: str, step_s: float) -> None:
    person, _ = play([reading("neutral")] * 40, step_s)
    sure = reading(name, probabilities=looks(name, 1.0))
    _, ended = play([sure] + [reading("neutral")] * 10, step_s, person)
    assert ended == []
    assert person.state == "neutral"


def test_a_change_is_shown_within_a_second_at_any_frame_rate() -> None:
    for fps in (4, 10, 30):
        person, _ = play([reading("neutral")] * (3 * fps), 1 / fps)
        _, ended = play([reading("happiness")] * fps, 1 / fps, person)
        assert person.state == "happiness"
        assert [state.state for state in ended] == ["neutral"]


def test_a_mixture_is_uncertain_and_hysteresis_keeps_it_from_flickering() -> None:
    person, _ = play([reading("neutral")] * 30)
    mixed = [
        reading("neutral", probabilities=looks("neutral", 0.49 + 0.1 * (n % 2))) for n in range(100)
    ]
    _, ended = play(mixed, person=person)
    assert ended == []
    spread = looks("happiness", 0.3)
    play([reading("happiness", probabilities=spread)] * 30, person=person)
    assert person.state == UNCERTAIN


def test_a_poorly_seen_face_counts_for_less() -> None:
    clear, _ = play([reading("neutral")] * 30)
    blurred, _ = play([reading("neutral")] * 30)
    play([reading("happiness")] * 4, person=clear)
    play([reading("happiness", weight=0.1)] * 4, person=blurred)
    index = EXPRESSIONS.index("happiness")
    assert clear.sums[index] > 3 * blurred.sums[index]


def test_a_face_that_is_gone_is_not_visible_and_then_read_again() -> None:
    person, _ = play([reading("happiness")] * 20)
    play([GONE] * 10, person=person)
    assert person.state == NOT_VISIBLE
    assert expressions.confidence(person) == 0
    play([reading("happiness")] * 20, person=person)
    assert person.state == "happiness"


def test_evidence_fades_while_nothing_is_read() -> None:
    person, _ = play([reading("happiness")] * 20)
    play([reading(None)] * 40, person=person)
    assert person.state == UNCERTAIN
    assert expressions.probabilities(person) is None


def test_a_small_face_is_too_small_whatever_a_network_says_of_it() -> None:
    person, _ = play([reading("happiness", width_px=15.0)] * 20)
    assert person.state == TOO_SMALL
    assert expressions.probabilities(person) is None


def test_a_face_at_the_limit_does_not_flicker() -> None:
    around = [reading("happiness", width_px=24.0 + (1.0 if n % 2 else -1.2)) for n in range(200)]
    _, ended = play(around)
    assert len(ended) <= 2


def test_without_a_network_nothing_is_said() -> None:
    person, _ = play([reading(None, network_runs=False)] * 20)
    assert person.state == NOT_READ


def test_time_that_goes_back_is_no_time() -> None:
    person, _ = play([reading("neutral")] * 30)
    evidence = person.evidence
    assert expressions.step(person, reading("happiness"), 0.5, MIN_PX) is None
    assert person.evidence == evidence
    assert person.at_s == pytest.approx(2.9)


@pytest.mark.parametrize(
    "bad",
    [
        (float("nan"),) * 8,
        (float("inf"), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        (0.0,) * 8,
        (1.0, -1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        (1e308,) * 8,
    ],
)
def test_probabilities_that_are_none_are_refused(bad: tuple[float, ...]) -> None:
    assert expressions.clean(bad) is None  # type: ignore[arg-type]


@given(st.floats(), st.floats(), st.none() | st.floats(), st.floats())
@settings(deadline=None)
def test_the_weight_is_a_share_whatever_the_quality_says(
    width: float, sharpness: float, yaw: float | None, score: float
) -> None:
    quality = Quality(width_px=width, sharpness=sharpness, yaw_deg=yaw)
    assert 0 <= expressions.weight(quality, score, MIN_PX) <= 1


def test_a_clear_frontal_face_weighs_most() -> None:
    def weight(width: float = 90, sharpness: float = 300, yaw: float | None = 0) -> float:
        quality = Quality(width_px=width, sharpness=sharpness, yaw_deg=yaw)
        return expressions.weight(quality, 0.95, MIN_PX)

    assert weight() == weight(yaw=None) == 1
    assert weight(width=30) < 0.5
    assert weight(sharpness=5) < 0.5
    assert weight(yaw=-60) < 0.5
    assert weight(yaw=90) == 0


def test_what_a_detector_is_not_sure_of_is_not_read() -> None:
    quality = Quality(width_px=90, sharpness=300, yaw_deg=0)
    assert expressions.weight(quality, 0.7, MIN_PX) == 0
    assert expressions.weight(quality, 0.8, MIN_PX) == pytest.approx(0.5)
    assert expressions.weight(quality, 0.9, MIN_PX) == 1


def test_readings_that_dont_count_as_readable_say_nothing() -> None:
    barely = expressions.READABLE_WEIGHT
    person, _ = play([reading("anger", weight=barely - 0.01)] * 200)
    assert person.state == UNCERTAIN
    assert person.evidence == 0
    person, _ = play([reading("anger", weight=barely)] * 200)
    assert person.state == "anger"


def test_the_worked_example_of_the_documentation() -> None:
    far = Quality(width_px=48, sharpness=60, yaw_deg=-40)
    assert expressions.weight(far, 0.85, 32) == pytest.approx(0.615 * 1 * 0.75 * 0.833, abs=0.001)
    person, ended = play([reading("neutral")] * 30)
    assert [(state.state, state.start_s) for state in ended] == [(UNCERTAIN, 0.0)]
    assert (person.state, round(person.since_s, 3)) == ("neutral", 0.2)
    smiles = []
    for _ in range(6):
        play([reading("happiness")], person=person)
        said = expressions.probabilities(person)
        assert said is not None
        smiles.append((person.state, *(round(p, 2) for p in said[:2])))
    assert smiles == [
        ("neutral", 0.76, 0.15),
        ("neutral", 0.65, 0.27),
        ("neutral", 0.55, 0.36),
        ("neutral", 0.47, 0.45),
        ("neutral", 0.4, 0.52),
        ("happiness", 0.34, 0.58),
    ]
    assert round(person.since_s, 3) == 3.5
    assert round(expressions.confidence(person), 2) == 0.58
