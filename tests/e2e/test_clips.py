"""The real clips with the networks that the package brings, through the whole program."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from readroom.messages import EXPRESSIONS, STATES
from tests.e2e.running import play

pytestmark = pytest.mark.slow

#: Looks that are summed up as displeased: a viewer wouldn't tell them apart by name either.
DISPLEASED = {"sadness", "anger", "disgust"}


def timeline(found: sqlite3.Connection, person: int = 1) -> list[tuple[float, str]]:
    """A person's samples: session time and state."""
    rows = found.execute(
        "SELECT time_s, state FROM sample WHERE person = ? ORDER BY time_s", (person,)
    )
    return [(time_s, STATES[state]) for time_s, state in rows]


def phases(samples: Sequence[tuple[float, str]]) -> list[str]:
    """The sequence of states without repetitions."""
    said: list[str] = []
    for _, state in samples:
        if not said or said[-1] != state:
            said.append(state)
    return said


def people(found: sqlite3.Connection) -> list[tuple[int, float]]:
    """Every person of the session with the seconds they were sampled over."""
    return [
        (person, last - first)
        for person, first, last in found.execute(
            "SELECT person, min(time_s), max(time_s) FROM sample GROUP BY person"
        )
    ]


def test_four_people_stay_the_same_four_over_three_loops(
    tmp_path: Path, shared_videos: Path
) -> None:
    clip = shared_videos / "classroom_4_people.mp4"
    with play(tmp_path, clip, "--loop", "3", "--fps", "15") as found:
        seen = people(found)
        assert len(seen) == 4, seen
        # Nearly the whole nine seconds each: nobody was lost at a cut and found as somebody else.
        assert all(seconds > 8 for _, seconds in seen), seen
        for person, _ in seen:
            said = {state for _, state in timeline(found, person)}
            assert "too_small" in said
            assert said <= {"too_small", "not_visible"}, said


def test_upset_turns_to_laughing_without_flicker(tmp_path: Path, shared_videos: Path) -> None:
    clip = shared_videos / "upset_to_laughing_1_person.mp4"
    with play(tmp_path, clip) as found:
        samples = timeline(found)
        assert len(people(found)) == 1
        early = {state for at, state in samples if at < 6}
        assert early & DISPLEASED, phases(samples)
        assert "happiness" not in early
        late = [state for at, state in samples if at >= 11]
        assert late.count("happiness") / len(late) > 0.9, phases(samples)
        said = phases(samples)
        first = next(i for i, state in enumerate(said) if state in DISPLEASED)
        last = len(said) - 1 - said[::-1].index("happiness")
        assert len(said[first + 1 : last]) <= 2, said


def test_neutral_turns_to_a_smile(tmp_path: Path, shared_videos: Path) -> None:
    clip = shared_videos / "neutral_to_smile_1_person.mp4"
    with play(tmp_path, clip, "--fps", "30") as found:
        samples = timeline(found)
        said = [state for state in phases(samples) if state in ("neutral", "happiness")]
        assert said == ["neutral", "happiness"], samples
        smile_s = next(at for at, state in samples if state == "happiness")
        assert 0.8 < smile_s < 2.2


def test_people_seen_from_behind_are_never_given_an_expression(
    tmp_path: Path, shared_videos: Path
) -> None:
    clip = shared_videos / "walking_past_no_faces.mp4"
    with play(tmp_path, clip, "--fps", "2") as found:
        said = {STATES[state] for (state,) in found.execute("SELECT DISTINCT state FROM sample")}
        assert not said & set(EXPRESSIONS), said
