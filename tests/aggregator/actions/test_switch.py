"""A switch: two thresholds, held for a while, in seconds and not in frames."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from readroom.aggregator.actions import switch as switches
from readroom.aggregator.actions.switch import Over, Rule, Switch

HIGH = Rule(enter=0.6, leave=0.4, tau_s=0.0, hold_on_s=0.5, hold_off_s=0.5)
LOW = Rule(enter=20.0, leave=25.0, tau_s=0.0, hold_on_s=0.5, hold_off_s=0.5)


def play(
    rule: Rule, values: Sequence[float | None], step_s: float = 0.1
) -> tuple[Switch, list[Over]]:
    switch = Switch()
    ended = [switches.feed(switch, rule, value, n * step_s) for n, value in enumerate(values)]
    return switch, [over for over in ended if over is not None]


def test_a_span_begins_and_ends_where_the_value_crossed() -> None:
    _, ended = play(HIGH, [0.0] * 10 + [1.0] * 20 + [0.0] * 10)
    assert [(over.start_s, over.end_s) for over in ended] == [pytest.approx((1.0, 3.0))]
    assert ended[0].confidence == pytest.approx(1.0, abs=0.06)


def test_what_is_shorter_than_its_hold_is_no_span_and_no_interruption() -> None:
    switch, ended = play(HIGH, [0.0] * 10 + [1.0] * 4 + [0.0] * 10)
    assert not ended
    assert not switch.on
    switch, ended = play(HIGH, [1.0] * 10 + [0.0] * 4 + [1.0] * 10)
    assert not ended
    assert switch.on


def test_between_the_thresholds_it_stays_what_it_was() -> None:
    switch, ended = play(HIGH, [1.0] * 10 + [0.5] * 50)
    assert switch.on
    assert not ended
    assert not play(HIGH, [0.5] * 50)[0].on


def test_a_rule_with_enter_below_leave_is_on_while_the_value_is_low() -> None:
    _, ended = play(LOW, [40.0] * 10 + [5.0] * 20 + [23.0] * 10 + [40.0] * 10)
    assert [(over.start_s, over.end_s) for over in ended] == [pytest.approx((1.0, 4.0))]


def test_smoothing_takes_as_long_at_any_frame_rate() -> None:
    rule = Rule(enter=0.6, leave=0.4, tau_s=0.4, hold_on_s=0.0, hold_off_s=0.0)
    since = []
    for fps in (5, 10, 30):
        switch, _ = play(rule, [0.0] * fps + [1.0] * 3 * fps, 1 / fps)
        since.append(switch.since_s)
    # 0.4 s · ln(1 / 0.4) after the step at 1 s, which is seen up to a frame late.
    assert since == pytest.approx([1.37] * 3, abs=0.2)


def test_one_wrong_value_among_many_changes_nothing() -> None:
    rule = Rule(enter=0.6, leave=0.4, tau_s=0.3, hold_on_s=0.4, hold_off_s=0.4)
    switch, ended = play(rule, ([0.0] * 9 + [1.0]) * 10)
    assert not switch.on
    assert not ended


def test_without_evidence_it_ends_after_a_grace_where_evidence_was_last() -> None:
    switch, ended = play(HIGH, [1.0] * 11 + [None] * 8)
    assert switch.on
    assert not ended
    switch, ended = play(HIGH, [1.0] * 11 + [math.nan] * 20)
    assert [(over.start_s, over.end_s) for over in ended] == [pytest.approx((0.0, 1.0))]
    assert not switches.known(switch, 3.0)


def test_after_a_gap_it_begins_anew() -> None:
    switch, _ = play(HIGH, [1.0] * 11)
    over = switches.feed(switch, HIGH, 1.0, 60.0)
    assert over is not None
    assert over.end_s == pytest.approx(1.0)
    assert not switch.on
    for n in range(1, 7):
        switches.feed(switch, HIGH, 1.0, 60.0 + n / 10)
    assert switch.on
    assert switch.since_s == 60.0


def test_a_first_yes_is_not_told_before_it_has_held_and_a_no_at_once() -> None:
    switch = Switch()
    for n in range(8):
        switches.feed(switch, HIGH, 1.0, n / 10)
        assert switches.known(switch, n / 10) == switch.on
    assert switch.on
    switch = Switch()
    switches.feed(switch, HIGH, 0.0, 0.0)
    assert switches.known(switch, 0.0)
    switches.feed(switch, HIGH, 1.0, 0.1)
    assert switches.known(switch, 0.1)


def test_confidence_is_half_at_the_threshold_and_less_for_what_counts_less() -> None:
    assert HIGH.strength(0.6) == pytest.approx(0.5)
    assert HIGH.strength(0.4) == 0
    assert LOW.strength(20.0) == pytest.approx(0.5)
    assert LOW.strength(10.0) == 1
    switch = Switch()
    for n in range(20):
        switches.feed(switch, HIGH, 1.0, n / 10, weight=0.3)
    assert switches.confidence(switch) == pytest.approx(0.3, abs=0.02)


def test_what_can_only_confirm_is_asked_only_where_it_does() -> None:
    switch = Switch()
    assert not switches.confirms(switch, HIGH, 0.0)
    assert not switches.confirms(switch, HIGH, None)
    assert switches.confirms(switch, HIGH, 0.7)
    switch.on = True
    assert switches.confirms(switch, HIGH, 0.0)


values = st.none() | st.sampled_from([math.nan, math.inf, -math.inf]) | st.floats(-1e9, 1e9)


@given(
    st.lists(st.tuples(values, st.sampled_from([0.0, 0.03, 0.1, 0.5, 5.0]), st.floats(0, 1))),
    st.sampled_from([HIGH, LOW, Rule(0.5, 0.1, 0.3, 0.0, 0.0)]),
)
def test_spans_have_length_hold_and_order_whatever_comes(
    steps: list[tuple[float | None, float, float]], rule: Rule
) -> None:
    switch, at_s, ended = Switch(), 0.0, []
    for value, step_s, weight in steps:
        at_s += step_s
        over = switches.feed(switch, rule, value, at_s, weight)
        ended += [over] if over else []
        assert not switch.on or (switch.since_s is not None and switch.since_s <= at_s)
        assert 0 <= switches.confidence(switch) <= 1
    over = switches.finish(switch, at_s)
    ended += [over] if over else []
    before_s = -math.inf
    for span in ended:
        assert span.start_s >= before_s
        assert span.end_s > span.start_s
        assert span.end_s - span.start_s >= rule.hold_on_s - 1e-9
        assert 0 <= span.confidence <= 1
        before_s = span.end_s
