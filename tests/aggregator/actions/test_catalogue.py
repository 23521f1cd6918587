"""The table of actions, and the page that is written from it."""

from __future__ import annotations

import pytest

from docs import actions_page
from readroom.aggregator.actions.catalogue import CATALOGUE, RULES
from readroom.messages import ACTIONS


def test_every_action_has_its_entry_in_the_order_of_the_contract() -> None:
    assert tuple(CATALOGUE) == ACTIONS
    assert tuple(RULES) == ACTIONS


@pytest.mark.parametrize("name", ACTIONS)
def test_thresholds_differ_and_times_are_times(name: str) -> None:
    rule = RULES[name]
    assert rule.enter != rule.leave
    assert min(rule.tau_s, rule.hold_on_s, rule.hold_off_s) >= 0
    assert rule.entered(rule.enter)
    assert not rule.left(rule.leave)


def test_the_page_is_what_the_table_says() -> None:
    """Else: ``python -m docs.actions_page``."""
    assert actions_page.PAGE.read_text("utf-8") == actions_page.page()
