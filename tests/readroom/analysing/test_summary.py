"""What is said of an analysis."""

from __future__ import annotations

import pytest

from readroom.analysing.summary import PersonSummary, Summary, coverage, lines
from readroom.messages import Box
from readroom.sessions.rows import Sample
from readroom.words import vocabulary


def sample(time_s: float, share: float) -> Sample:
    return Sample(1, time_s, "neutral", 0.9, None, share, Box(0, 0, 9, 9))


def test_coverage_is_that_of_the_whole_presence() -> None:
    # Readable in the first minute, not in the second, half of the third: a minute's share each.
    share = {60.0: 1.0, 120.0: 0.0, 180.0: 0.5}
    samples = [sample(at, share.get(at, 0.123)) for at in [n * 0.25 for n in range(721)]]
    assert coverage(samples) == pytest.approx((1.0 + 0.0 + 0.5) / 3)


def test_coverage_of_a_short_presence_is_the_last_that_was_said() -> None:
    assert coverage([sample(5.0, 0.2), sample(5.25, 0.4), sample(9.0, 0.6)]) == pytest.approx(0.6)
    assert coverage([sample(5.0, 0.7)]) == pytest.approx(0.7)
    assert coverage([]) == 0


def summary(*people: PersonSummary) -> Summary:
    return Summary("s", "t", 20.0, 200, {}, people, ())


def test_a_summary_says_who_looked_how_for_how_long_and_what_it_rests_on() -> None:
    states = {"happiness": 9.4, "not_visible": 8.0, "uncertain": 2.8, "sadness": 0.3}
    said = list(lines(summary(PersonSummary(1, "P1", 0, 19, 0.86, states)), vocabulary(False)))
    assert said == [
        "P1 (0:00 to 0:19): looked happy for 9.4 s, was hard to read for 2.8 s; face readable for "
        "86 % of the time"
    ]


def test_a_summary_of_nobody_says_what_a_face_takes() -> None:
    assert "nobody's face was found in 20 s (200 pictures)" in next(
        lines(summary(), vocabulary(False))
    )


def test_a_summary_of_many_people_isnt_a_page_long() -> None:
    people = [PersonSummary(n, f"P{n}", 0, 9, 1.0, {"neutral": 9.0}) for n in range(1, 31)]
    said = list(lines(summary(*people), vocabulary(False)))
    assert len(said) == 13
    assert said[-1] == "and 18 more"
