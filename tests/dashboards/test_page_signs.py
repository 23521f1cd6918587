"""The speaker's signs as values, computed where they are: in the browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from readroom.dashboards.live.words import page_words
from tests.dashboards.running import Live

#: 80 seconds of people's figures: {key: [a minute ago, now]}, null where nobody could tell.
FIGURES = """
  const { PersonFigures } = await import("/static/figures.js");
  const figures = new PersonFigures();
  for (let half = 0; half <= 160; half += 1) {
    const now = half > 80 ? 1 : 0;
    figures.add(half / 2, Object.entries(people).map(([key, means]) => [Number(key), means[now]]));
  }
"""
SIGN = f"""async ([people, coverage]) => {{
  {FIGURES}
  const {{ roomSign }} = await import("/static/signs.js");
  const room = {{ time_s: 80, coverage, people: [] }};
  return roomSign({{ figures, room, stale: false, closed: false }});
}}"""
TURNED = """async ([people, stale, coverage]) => {
  const { turnedSign } = await import("/static/signs.js");
  const { loadWords } = await import("/static/words.js");
  await loadWords();
  const room = { time_s: 100, people, coverage: coverage === undefined ? 0.9 : coverage };
  const timeline = { firstSeen: (key) => people.find((each) => each.person === key).entered_s };
  const keyOf = (each) => each.person;
  const found = turnedSign({ room, stale, closed: false, timeline, keyOf });
  return found && found.map(({ person }) => person.person);
}"""


@pytest.fixture
def page(browser: Browser, live: Live) -> Iterator[Page]:
    opened = browser.new_page()
    opened.goto(live.address)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("people", "told"),
    [
        ({1: [0.0, 0.3], 2: [0.1, 0.45], 3: [-0.2, 0.1]}, {"told": "more", "n": 3}),
        ({1: [0.3, 0.0], 2: [0.45, 0.1], 3: [0.1, -0.2]}, {"told": "less", "n": 3}),
        # One rose as much as the other fell.
        ({1: [0.0, 0.4], 2: [0.4, 0.0], 3: [0.1, 0.1]}, {"told": "same", "n": 3}),
        # Sure, and too small for a glance.
        ({1: [0.0, 0.05], 2: [0.1, 0.15], 3: [0.2, 0.25]}, {"told": "same", "n": 3}),
        # Who could be read at one of both times only isn't compared.
        ({1: [0.0, 0.5], 2: [None, 0.5], 3: [0.5, None]}, {"told": "cant_tell", "n": 0}),
        ({1: [0.0, 0.5]}, {"told": "cant_tell", "n": 0}),
        ({}, {"told": "cant_tell", "n": 0}),
    ],
)
def test_the_room_is_said_to_differ_only_where_that_is_clear(
    page: Page, people: dict[int, list[float | None]], told: dict[str, Any]
) -> None:
    assert page.evaluate(SIGN, [people, 0.9]) == told


def test_of_a_room_that_could_hardly_be_read_nothing_is_said(page: Page) -> None:
    people = {1: [0.0, 0.3], 2: [0.1, 0.45], 3: [-0.2, 0.1]}
    assert page.evaluate(SIGN, [people, 0.2])["told"] == "cant_tell"
    assert page.evaluate(SIGN, [people, None])["told"] == "cant_tell"


def test_the_interval_is_student_s(page: Page) -> None:
    # Differences .1, .2, .3: mean .2, s .1, t(2) 4.303, half .1 / sqrt(3) * 4.303 = .248.
    script = f"""async (people) => {{
      {FIGURES}
      const {{ change }} = await import("/static/signs.js");
      return change(figures, 80);
    }}"""
    found = page.evaluate(script, {1: [0.0, 0.1], 2: [0.0, 0.2], 3: [0.0, 0.3]})
    assert found["n"] == 3
    assert found["mean"] == pytest.approx(0.2)
    assert found["low"] == pytest.approx(0.2 - 0.2484, abs=1e-3)
    assert found["high"] == pytest.approx(0.2 + 0.2484, abs=1e-3)


def turned(person: int, look: str, since_s: float, **changes: object) -> dict[str, object]:
    return {
        "person": person,
        "look": look,
        "look_since_s": since_s,
        "visible": True,
        "entered_s": 0.0,
        "actions": {},
        "measured": [],
        **changes,
    }


def test_who_turned_are_the_two_who_did_last(page: Page) -> None:
    people = [
        turned(1, "displeased", 70.0),
        turned(2, "puzzled", 95.0),
        turned(3, "turned_away", 90.0),
        turned(4, "attentive", 99.0),
    ]
    assert page.evaluate(TURNED, [people, False]) == [2, 3]
    assert page.evaluate(TURNED, [people, True]) is None


def test_old_news_newcomers_and_people_out_of_view_did_not_turn(page: Page) -> None:
    people = [
        turned(1, "displeased", 50.0),
        turned(2, "puzzled", 95.0, entered_s=93.0),
        turned(3, "turned_away", 95.0, visible=False),
    ]
    assert page.evaluate(TURNED, [people, False]) == []


def test_nobody_turned_is_said_only_where_it_could_be_seen(page: Page) -> None:
    there = [turned(1, "attentive", 50.0)]
    assert page.evaluate(TURNED, [there, False, 0.9]) == []
    for coverage in (0.05, None):
        assert page.evaluate(TURNED, [there, False, coverage]) is None
    facing = {"measured": ["facing_front"]}
    untold = turned(1, "cant_tell", 50.0, **facing)
    away = turned(2, "attentive", 50.0, visible=False)
    for people in ([], [untold], [away], [untold, away]):
        assert page.evaluate(TURNED, [people, False, 0.9]) is None


def test_without_looks_it_takes_somebody_of_whom_it_is_known_where_they_face(page: Page) -> None:
    page.route("**/words", lambda route: route.fulfill(json=page_words(without_emotion=True)))
    there = turned(1, "cant_tell", 50.0, measured=["facing_front"])
    busy = turned(1, "cant_tell", 50.0, actions={"facing_front": {}})
    for somebody in (there, busy):
        assert page.evaluate(TURNED, [[somebody], False]) == []
    assert page.evaluate(TURNED, [[turned(1, "cant_tell", 50.0)], False]) is None
    assert page.evaluate(TURNED, [[turned(1, "turned_away", 90.0)], False]) == [1]


def test_figures_of_an_hour_take_no_more_than_the_last_minutes(page: Page) -> None:
    kept = page.evaluate(
        """async () => {
          const { Curves, PersonFigures } = await import("/static/figures.js");
          const [curves, figures] = [new Curves(), new PersonFigures()];
          for (let half = 0; half < 7200; half += 1) {
            curves.add(half / 2, { it: [0.1, 0, 0.2] });
            figures.add(half / 2, [[half < 100 ? 2 : 1, 0.5]]);
          }
          const lengths = curves.measures.get("it").map((column) => column.length);
          return [lengths, figures.people.get(1)[0].length, figures.people.size];
        }"""
    )
    assert max(kept[0]) <= 1.2 * 1200
    assert len(set(kept[0])) == 1
    assert kept[1] <= 1.3 * 180
    assert kept[2] == 1


def test_silence_is_a_gap_in_the_curve(page: Page) -> None:
    columns = page.evaluate(
        """async () => {
          const { Curves } = await import("/static/figures.js");
          const curves = new Curves();
          for (const time_s of [1, 1.5, 2, 30, 30.5]) curves.add(time_s, { it: [time_s, 0, 1] });
          return curves.since("it", 1.5).slice(0, 2);
        }"""
    )
    assert columns == [[1.5, 2, 2.5, 30, 30.5], [1.5, 2, None, 30, 30.5]]
