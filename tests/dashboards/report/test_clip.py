"""The report of a real clip tells its story: upset first, laughing from about 10.3 s on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from readroom.dashboards.report import render
from readroom.dashboards.report.facts import course, facts
from readroom.dashboards.report.material import Material, read
from readroom.sessions.timelines import Timelines
from tests.e2e.running import play

CLIP = "upset_to_laughing_1_person.mp4"


@pytest.fixture(scope="module")
def timelines(shared_videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Timelines:
    """The session of the clip, as ``readroom run`` stores it."""
    folder = tmp_path_factory.mktemp("clip")
    play(folder, shared_videos / CLIP, "--workers", "1", "--title", "A clip").close()
    return Timelines(folder)


def material(timelines: Timelines) -> Material:
    return read(timelines, timelines.sessions()[-1].name)


def test_its_summary_tells_upset_first_and_laughing_then(timelines: Timelines) -> None:
    session = timelines.sessions()[-1].name
    html = render(timelines, session).replace("\N{NO-BREAK SPACE}", " ")
    assert "One person was seen over 20 s." in html
    told = re.search(r"P1 looked amused for ([\d.]+) s and displeased for ([\d.]+) s of the", html)
    assert told is not None
    assert 8.0 <= float(told[1]) <= 11.0
    assert 3.0 <= float(told[2]) <= 9.0
    after = re.search(
        r"the face looked sad from ([\d.]+) s to ([\d.]+) s and happy from ([\d.]+) s on", html
    )
    assert after is not None
    began, ended, laughed = (float(time) for time in after.groups())
    assert began < 1.0
    assert 6.0 <= ended <= 9.0
    assert laughed == pytest.approx(10.3, abs=0.6)


def test_the_same_stands_in_its_figures(timelines: Timelines) -> None:
    found = material(timelines)
    (person,) = found.people
    parts = course(facts(found, person))
    assert [part.state for part in parts] == ["sadness", "happiness"]
    assert parts[-1].last
    valence = person.track.valence
    early, late = person.track.time_s < 7, person.track.time_s > 11
    assert valence[early].mean() < -0.3
    assert valence[late].mean() > 0.5


def test_the_place_of_the_file_is_not_told(timelines: Timelines) -> None:
    html = render(timelines, timelines.sessions()[-1].name)
    assert CLIP in html
    assert f"/{CLIP}" not in html
