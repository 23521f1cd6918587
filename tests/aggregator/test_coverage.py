"""How much of somebody's presence could be read."""

from __future__ import annotations

import pytest

from readroom.aggregator import coverage as coverages
from readroom.aggregator.coverage import Coverage


def test_coverage_is_the_last_minute_and_readable_the_last_moment() -> None:
    found = Coverage()
    for second in range(31):
        coverages.add(found, float(second), False)
    assert (coverages.ratio(found), found.readable) == (0.0, False)
    for second in range(31, 41):
        coverages.add(found, float(second), True)
    assert found.readable
    assert coverages.ratio(found) == pytest.approx(0.25)
    coverages.add(found, 41.0, False)
    assert not found.readable
