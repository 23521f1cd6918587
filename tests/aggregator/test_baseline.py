"""A face at rest is read as one, a smile stays a smile, and nobody's laughing is taken for rest."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given, strategies as st

from readroom.aggregator import baseline, expression_state as expressions, readout
from readroom.aggregator.baseline import LIMIT, RESTING, Baseline
from readroom.aggregator.expression_state import Reading
from readroom.aggregator.readout import ReadoutRules
from readroom.messages import EXPRESSIONS, UNCERTAIN, Probabilities
from readroom.settings import AggregatorSettings
from tests.aggregator.made import looks
from tests.truth.format import recorded
from tests.truth.people import followed

NEUTRAL_S = 2.0
STEP_S = 0.1
#: A face whose rest is read as half a smile.
HALF_SMILE: Probabilities = (0.50, 0.38, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02)
SMILE: Probabilities = (0.03, 0.90, *(0.07 / 6,) * 6)


def play(
    readings: list[Probabilities],
    person: Baseline | None = None,
    *,
    weight: float = 1.0,
    neutral_s: float = NEUTRAL_S,
) -> tuple[Baseline, list[Probabilities | None]]:
    person = person or baseline.begin()
    begin_s = 0.0 if person.last_s is None else person.last_s + STEP_S
    said = [
        baseline.step(person, reading, weight, begin_s + number * STEP_S, neutral_s)
        for number, reading in enumerate(readings)
    ]
    return person, said


def resting(rest: Probabilities) -> Baseline:
    """Somebody who was calibrated."""
    person, _ = play([rest] * 30)
    assert person.done
    return person


def corrected(rest: Probabilities, reading: Probabilities) -> Probabilities:
    _, (said,) = play([reading], resting(rest))
    assert said is not None
    return said


def test_the_worked_example_of_the_documentation() -> None:
    """c = .80/.50, .04/.38, .02/.02, .06/.02, all within 2/3..3/2, and 1 for the others."""
    assert resting(HALF_SMILE).factors == pytest.approx([1.5, 2 / 3, 1, 1.5, 1, 1, 1, 1])
    # At rest: .75, .2533, .02, .03 and four times .02, which sum to 1.1333.
    rest = corrected(HALF_SMILE, HALF_SMILE)
    assert rest == pytest.approx([0.662, 0.224, 0.018, 0.026, *[0.018] * 4], abs=0.001)
    assert rest[0] > expressions.ENTER > HALF_SMILE[0]
    # Smiling: .045, .6, .0117, .0175 and four times .0117, which sum to .7208.
    smile = corrected(HALF_SMILE, SMILE)
    assert smile == pytest.approx([0.062, 0.832, 0.016, 0.024, *[0.016] * 4], abs=0.001)


def test_it_is_off_by_default_and_then_changes_and_keeps_nothing() -> None:
    assert AggregatorSettings().neutral_s == 0
    person, said = play([HALF_SMILE] * 100, neutral_s=0.0)
    assert said == [HALF_SMILE] * 100
    assert person == baseline.begin()
    assert baseline.step(resting(HALF_SMILE), SMILE, 1.0, 9.0, 0.0) == SMILE


@pytest.mark.parametrize(("neutral_s", "state"), [(0.0, UNCERTAIN), (NEUTRAL_S, "neutral")])
def test_a_persons_read_out_uses_it_where_it_is_asked_for(neutral_s: float, state: str) -> None:
    rules = ReadoutRules(24.0, neutral_s)
    person = readout.begin(0.0, rules)
    reading = Reading(
        visible=True, network_runs=True, width_px=80.0, weight=1.0, probabilities=HALF_SMILE
    )
    for number in range(60):
        readout.step(person, None, reading, number * STEP_S, rules)
    assert person.expression.state == state


def test_readings_count_as_they_are_until_the_calibration_is_over() -> None:
    person, said = play([HALF_SMILE] * 20)
    assert said == [HALF_SMILE] * 20
    assert not person.done
    _, said = play([HALF_SMILE] * 2, person)
    assert person.done
    assert said[-1] != HALF_SMILE


def test_a_face_that_is_read_as_neutral_faces_are_changes_by_nothing() -> None:
    assert resting(RESTING).factors == pytest.approx([1.0] * 8)
    assert corrected(RESTING, SMILE) == pytest.approx(SMILE)
    assert math.fsum(RESTING) == pytest.approx(1)


@pytest.mark.parametrize("name", EXPRESSIONS[1:])
def test_whoever_shows_an_expression_meanwhile_is_not_taken_for_resting(name: str) -> None:
    for how_much in (0.6, 0.9, 1.0):
        person = resting(looks(name, how_much))
        assert person.factors == []
        assert play([looks(name)], person)[1] == [looks(name)]


def test_of_a_calibration_half_laughed_through_nothing_is_learnt() -> None:
    person, _ = play([looks("neutral"), looks("happiness")] * 6 + [looks("happiness")] * 18)
    assert person.done
    assert person.factors == []


def test_a_smile_within_the_calibration_is_left_out_of_it() -> None:
    plain = looks("neutral")
    person, _ = play([plain] * 12 + [looks("happiness", 0.99)] * 8 + [plain] * 10)
    assert person.factors == pytest.approx(resting(plain).factors)


def test_time_that_is_not_readable_is_no_calibration() -> None:
    person, said = play([HALF_SMILE] * 100, weight=expressions.READABLE_WEIGHT - 0.01)
    assert said == [HALF_SMILE] * 100
    assert person == baseline.begin()
    assert baseline.step(person, None, 0.0, 20.0, NEUTRAL_S) is None
    assert person == baseline.begin()


def test_a_pause_counts_for_no_more_than_a_reading_may_speak_for() -> None:
    person = baseline.begin()
    for at_s in (0.0, 60.0, 120.0, 30.0):
        baseline.step(person, HALF_SMILE, 1.0, at_s, NEUTRAL_S)
    assert person.readable_s == 2 * expressions.MAX_STEP_S
    assert not person.done


def test_readings_count_by_their_weight() -> None:
    person, _ = play([HALF_SMILE] * 10)
    play([looks("neutral")] * 10, person, weight=0.2)
    mean = math.exp(person.sums[0] / person.weight_s)
    # 9 steps of .1 s with weight 1 at .5, 10 with weight .2 at .9.
    assert mean == pytest.approx(math.exp((0.9 * math.log(0.5) + 0.2 * math.log(0.9)) / 1.1))


def test_it_goes_on_from_a_checkpoint() -> None:
    halfway, _ = play([HALF_SMILE] * 12)
    for person in (halfway, resting(HALF_SMILE), baseline.begin()):
        again = msgspec.msgpack.decode(msgspec.msgpack.encode(person), type=Baseline)
        assert again == person
        assert play([HALF_SMILE, SMILE] * 10, again)[1] == play([HALF_SMILE, SMILE] * 10, person)[1]


probabilities = st.lists(st.floats(0, 1), min_size=8, max_size=8).map(
    lambda p: expressions.clean(tuple(p))  # type: ignore[arg-type]
)


@given(st.lists(st.tuples(probabilities, st.floats(0, 1), st.floats(-1, 3)), max_size=60))
def test_whatever_comes_probabilities_stay_probabilities_and_move_within_the_limit(
    steps: list[tuple[Probabilities | None, float, float]],
) -> None:
    person, at_s = baseline.begin(), 0.0
    for reading, weight, later_s in steps:
        at_s += later_s
        said = baseline.step(person, reading, weight, at_s, NEUTRAL_S)
        assert (said is None) == (reading is None)
        if said is not None:
            assert math.fsum(said) == pytest.approx(1)
            assert all(0 <= p <= 1 for p in said)
        assert all(1 / LIMIT <= factor <= LIMIT for factor in person.factors)


def test_on_recorded_faces_the_upset_one_is_refused_and_half_a_smile_is_known() -> None:
    found = {
        person.truth.name: person
        for name in ("upset_to_laughing_1_person", "demo_left")
        for person in followed(recorded()[name])
    }
    learnt = {}
    for name, person in found.items():
        learnt[name] = baseline.begin()
        for at_s, reading in zip(person.times, person.readings, strict=True):
            baseline.step(learnt[name], reading.probabilities, reading.weight, at_s, 5.0)
        assert learnt[name].done
    assert learnt["woman"].factors == []
    assert learnt["blend"].factors[EXPRESSIONS.index("happiness")] == pytest.approx(1 / LIMIT)
