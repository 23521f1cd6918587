"""What the summary says, and what it doesn't where too little was seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from readroom.dashboards.report.changes import table
from readroom.dashboards.report.facts import facts
from readroom.dashboards.report.material import read
from readroom.dashboards.report.summary import MOST_PEOPLE, summary
from readroom.dashboards.report.words import words
from readroom.messages import Measure
from tests.dashboards.report.made import HZ, Made, walk


def told(made: Made, folder: Path) -> list[str]:
    material = read(made.into(folder), made.name)
    people = [facts(material, person) for person in material.people]
    return summary(material, people, table(material), words(material.without_emotion))


def parts(*seconds_and_valence: tuple[float, float | None]) -> list[float | None]:
    return [v for seconds, v in seconds_and_valence for _ in range(int(seconds * HZ))]


def test_how_long_somebody_looked_how_of_which_time_and_after_what(tmp_path: Path) -> None:
    made = Made()
    made.person(parts((60, 0.1), (41, -0.5), (89, 0.1), (116, None)), name="Anna")
    made.person(parts((306, 0.1)))
    made.mark(30.0, "welcome")
    made.mark(58.0, "pricing")
    made.mark(110.0, "team")
    said = told(made, tmp_path)
    assert (
        "Anna looked displeased for 41 s of the 3 min 10 s in which the face could be read "
        "(62 % of the time there), most of it after “pricing”; attentive for 2 min 29 s." in said[1]
    )
    assert said[0].startswith("2 people were seen over 5 min 6 s.")
    assert "from 62 % to 100 %" in said[0]


def test_a_short_session_is_told_as_what_came_after_what(tmp_path: Path) -> None:
    made = Made()
    made.person(parts((8, -0.5), (2, 0.1), (10, 0.7)))
    said = " ".join(told(made, tmp_path))
    assert (
        "One after the other the face looked sad from 0.0 s to 8.0 s, neutral from 8.0 s to 10.0 s "
        "and happy from 10.0 s on." in said
    )
    assert "What is said of a room needs two people" in said


def test_who_could_hardly_be_read_is_said_nothing_of(tmp_path: Path) -> None:
    made = Made()
    made.person(parts((4, -0.5), (60, None)))
    made.person(parts((20, -0.5), (80, None)))
    said = told(made, tmp_path)
    assert said[1] == (
        "P1 could be read for 4.0 s of 1 min 4 s only: too little to say how they looked."
    )
    assert said[2] == (
        "P2 could be read for 20 s of 1 min 40 s only: too little to say how they looked."
    )
    assert not any("displeased" in sentence for sentence in said)


def test_nobody_is_one_sentence(tmp_path: Path) -> None:
    made = Made()
    made.event("session_closed", 0.0, 12.0)
    assert told(made, tmp_path) == ["Nobody was seen in this session: no camera found a face."]


def test_of_many_people_the_most_telling_have_a_sentence(tmp_path: Path) -> None:
    made = Made()
    for number in range(12):
        made.person(parts((30, 0.1), (number, -0.5), (30, 0.1)))
    said = told(made, tmp_path)
    sentences = [s for s in said if s.startswith("P")]
    assert len(sentences) == MOST_PEOPLE
    assert sentences[-1].startswith("P12 looked displeased for 11 s")
    assert "For the other 4 people see the table below." in said


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (1, "Whether faces changed at the markers can't be told"),
        (
            10,
            "Of 3 comparisons (each face at each marker) a large change could have been told in 3",
        ),
    ],
)
def test_markers_without_a_change_say_no_more_than_that(
    minutes: int, expected: str, tmp_path: Path
) -> None:
    made = Made()
    made.person(walk(np.random.default_rng(1), 60 * minutes))
    for at_s in (20.0, 30.0, 40.0):
        made.mark(at_s, "slide")
    assert any(expected in sentence for sentence in told(made, tmp_path))


def test_what_could_not_be_compared_is_not_ruled_out(tmp_path: Path) -> None:
    made = Made()
    made.person(walk(np.random.default_rng(1), 600), name="Anna")
    for _ in range(11):
        made.person(parts((600, None)))
    for at_s in (100.0, 200.0, 300.0, 400.0, 500.0):
        made.mark(at_s, "slide")
    (found,) = [s for s in told(made, tmp_path) if "comparisons" in s]
    assert found == (
        "Of 60 comparisons (each face at each marker) a large change could have been told in 5; "
        "none was found there that is more than the face changes anyway."
    )


def test_a_session_too_short_for_its_comparisons_says_so_and_not_that_nothing_changed(
    tmp_path: Path,
) -> None:
    dice = np.random.default_rng(2)
    made = Made()
    for _ in range(3):
        made.person(walk(dice, 180))
    for number in range(6):
        made.mark(20.0 + 20 * number, "slide")
    said = " ".join(told(made, tmp_path))
    assert "Whether faces changed at the markers can't be told" in said
    assert "none was found" not in said


def test_one_face_at_one_marker_is_told_of_in_the_singular(tmp_path: Path) -> None:
    made = Made()
    made.person(walk(np.random.default_rng(1), 300))
    made.mark(100.0, "slide")
    assert any(s.startswith("At the marker a large change") for s in told(made, tmp_path))


def test_a_change_at_a_marker_is_told_with_its_interval_in_the_direction_it_names(
    tmp_path: Path,
) -> None:
    dice = np.random.default_rng(11)
    made = Made()
    turned = walk(dice, 900)
    turned[int(400.5 * HZ) : 420 * HZ] -= 0.55
    made.person(np.clip(turned, -0.62, 0.7), name="Anna")
    made.mark(400.0, "pricing")
    (found,) = [s for s in told(made, tmp_path) if s.startswith("At “pricing”")]
    assert found.startswith("At “pricing” Anna looked less pleased than in the 5 s before, by 0.")
    assert "(+" in found


def test_the_largest_turn_of_the_room_is_told(tmp_path: Path) -> None:
    made = Made()
    made.person(parts((60, 0.1)))
    made.person(parts((60, 0.1)))
    for at_s, size in ((20.0, 0.1), (40.0, -0.3)):
        measure = Measure(value=size, low=size - 0.1, high=size + 0.1, n=2, coverage=0.9)
        made.event("inflection", at_s, at_s + 4, state="valence", measure=measure)
    said = told(made, tmp_path)[-1]
    assert said.startswith("At 40.0 s: The room turned: the faces looked less pleased by 0.30")


def test_without_emotion_presence_and_actions_are_told(tmp_path: Path) -> None:
    made = Made(purpose="workplace")
    made.person(parts((60, 0.1), (20, -0.1), (20, None)), actions=frozenset({"nodding"}))
    said = told(made, tmp_path)
    assert said[0].startswith("One person was seen over 1 min 40 s. They were seen well for 80 %")
    assert said[1].startswith("P1 was in view for 1 min 20 s of 1 min 40 s, and faced the front")
    assert "nodded for" in said[1]
