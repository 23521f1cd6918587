"""Valence and arousal follow from the probabilities, and from nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from readroom.affect import PLACES, affect
from readroom.messages import EXPRESSIONS, NOT_READ, NOT_VISIBLE, TOO_SMALL, UNCERTAIN
from tests.aggregator.made import looks


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_sure_expression_stands_at_its_own_place(name: str) -> None:
    assert affect(name, looks(name, 1.0)) == pytest.approx(PLACES[name])


def test_the_places_lie_where_the_circumplex_has_them() -> None:
    assert list(PLACES) == list(EXPRESSIONS)
    pleasant = {name for name, (valence, _) in PLACES.items() if valence > 0}
    assert pleasant == {"happiness", "surprise"}
    quiet = {name for name, (_, arousal) in PLACES.items() if arousal < 0}
    assert quiet == {"sadness"}


def test_a_mixture_lies_between_what_it_is_mixed_of() -> None:
    half = tuple(0.5 if name in ("anger", "disgust") else 0.0 for name in EXPRESSIONS)
    assert affect(UNCERTAIN, half) == pytest.approx(PLACES["contempt"])  # type: ignore[arg-type]


@given(st.lists(st.floats(0, 1), min_size=8, max_size=8).filter(lambda p: sum(p) > 0.01))
def test_both_stay_within_the_places(raw: list[float]) -> None:
    told = affect("neutral", tuple(p / sum(raw) for p in raw))  # type: ignore[arg-type]
    assert told is not None
    for axis in (0, 1):
        values = [place[axis] for place in PLACES.values()]
        assert min(values) - 1e-9 <= told[axis] <= max(values) + 1e-9


@pytest.mark.parametrize("state", [NOT_VISIBLE, TOO_SMALL, NOT_READ])
def test_a_face_that_is_not_read_has_neither(state: str) -> None:
    assert affect(state, looks("happiness")) is None


def test_without_evidence_there_is_neither() -> None:
    assert affect(UNCERTAIN, None) is None
