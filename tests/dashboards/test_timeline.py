"""The page's pure model of who looked how when, run where it runs: in the browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.dashboards.running import Live

NEUTRAL, HAPPY = 0, 1

#: Folds samples ([time_s, at, people]) and returns the spans of each person.
FOLD = """async (samples) => {
  const { Timeline } = await import("/static/timeline.js");
  const timeline = new Timeline();
  for (const [time_s, at, people] of samples) timeline.add(time_s, at, people);
  const short = (span) => [span.start, span.end, span.state];
  return Object.fromEntries([...timeline.people].map(([key, spans]) => [key, spans.map(short)]));
}"""

Sample = list[Any]


#: The same, then the true bounds of states that are over ([key, state, start_s, end_s]).
SETTLE = """async ([samples, ended]) => {
  const { Timeline } = await import("/static/timeline.js");
  const timeline = new Timeline();
  for (const [time_s, at, people] of samples) timeline.add(time_s, at, people);
  for (const [key, state, start_s, end_s] of ended) timeline.settle(key, state, start_s, end_s);
  const short = (span) => [span.start, span.end, span.state];
  return Object.fromEntries([...timeline.people].map(([key, spans]) => [key, spans.map(short)]));
}"""


@pytest.fixture
def page(browser: Browser, live: Live) -> Iterator[Page]:
    opened = browser.new_page()
    opened.goto(live.address)
    yield opened
    opened.close()


def sample(time_s: float, *people: tuple[int, int, float], at: float | None = None) -> Sample:
    """(key, state, since_s) of each person; live unless ``at`` says otherwise."""
    seen = [[key, state, since_s] for key, state, since_s in people]
    return [time_s, 1000 + time_s if at is None else at, seen]


def fold(page: Page, samples: list[Sample]) -> dict[str, list[list[float]]]:
    spans: dict[str, list[list[float]]] = page.evaluate(FOLD, samples)
    return spans


def test_the_same_state_is_one_span(page: Page) -> None:
    spans = fold(page, [sample(half / 2, (1, NEUTRAL, 0.0)) for half in range(9)])
    assert spans == {"1": [[0, 4, NEUTRAL]]}


def test_a_change_lies_where_it_happened_between_two_samples(page: Page) -> None:
    spans = fold(page, [sample(1.0, (1, NEUTRAL, 0.0)), sample(1.5, (1, HAPPY, 1.2))])
    assert spans == {"1": [[1.0, 1.2, NEUTRAL], [1.2, 1.5, HAPPY]]}


def test_silence_of_the_aggregator_is_a_gap(page: Page) -> None:
    spans = fold(page, [sample(1.0, (1, NEUTRAL, 0.0)), sample(31.0, (1, NEUTRAL, 0.0))])
    assert spans == {"1": [[1.0, 1.0, NEUTRAL], [31.0, 31.0, NEUTRAL]]}


def test_a_recording_played_fast_has_no_gaps(page: Page) -> None:
    fast = [sample(step * 5.0, (1, NEUTRAL, 0.0), at=1000 + step / 4) for step in range(5)]
    assert fold(page, fast) == {"1": [[0, 20, NEUTRAL]]}


def test_a_recording_that_paused_has_no_gaps(page: Page) -> None:
    paused = [
        sample(1.0, (1, NEUTRAL, 0.0), at=1000),
        sample(1.5, (1, NEUTRAL, 0.0), at=1060),
    ]
    assert fold(page, paused) == {"1": [[1.0, 1.5, NEUTRAL]]}


def test_an_absence_isn_t_filled(page: Page) -> None:
    spans = fold(
        page,
        [sample(1.0, (1, NEUTRAL, 0.0)), sample(1.5), sample(2.0, (1, NEUTRAL, 2.0))],
    )
    assert spans == {"1": [[1.0, 1.0, NEUTRAL], [2.0, 2.0, NEUTRAL]]}


def test_what_comes_twice_or_late_changes_nothing(page: Page) -> None:
    once = [sample(half / 2, (1, half % 3, 0.0), (2, NEUTRAL, 0.0)) for half in range(12)]
    assert fold(page, [*once, *once]) == fold(page, once)


def test_an_event_puts_a_span_s_ends_right(page: Page) -> None:
    samples = [sample(1.0, (1, NEUTRAL, 0.3)), sample(2.0, (1, NEUTRAL, 0.3)), sample(2.5)]
    spans = page.evaluate(SETTLE, [samples, [[1, NEUTRAL, 0.3, 2.4]]])
    assert spans == {"1": [[0.3, 2.4, NEUTRAL]]}


def test_an_event_adds_what_fell_between_two_samples(page: Page) -> None:
    samples = [sample(1.0, (1, NEUTRAL, 0.6)), sample(1.5, (1, NEUTRAL, 0.6))]
    spans = page.evaluate(SETTLE, [samples, [[1, HAPPY, 0.2, 0.6], [2, HAPPY, 0.1, 0.3]]])
    assert spans == {"1": [[0.2, 0.6, HAPPY], [1.0, 1.5, NEUTRAL]], "2": [[0.1, 0.3, HAPPY]]}


def test_an_event_corrects_what_samples_far_apart_could_only_guess(page: Page) -> None:
    # A recording played fast: sad until 9.1, then hard to read, then happy from 9.9 on.
    sad, unclear = 3, 8
    samples = [
        sample(8.0, (1, sad, 0.5), at=1000),
        sample(12.0, (1, HAPPY, 9.9), at=1000.25),
    ]
    guessed = fold(page, samples)
    assert guessed == {"1": [[8.0, 9.9, sad], [9.9, 12.0, HAPPY]]}
    ended = [[1, sad, 0.5, 9.1], [1, unclear, 9.1, 9.9]]
    spans = page.evaluate(SETTLE, [samples, ended])
    assert spans == {"1": [[0.5, 9.1, sad], [9.1, 9.9, unclear], [9.9, 12.0, HAPPY]]}
    assert page.evaluate(SETTLE, [samples, [*ended, *ended]]) == spans


def test_an_hour_takes_no_more_than_the_last_ten_minutes(page: Page) -> None:
    spans = page.evaluate(
        """async () => {
          const { Timeline, KEPT_S } = await import("/static/timeline.js");
          const timeline = new Timeline();
          for (let quarter = 0; quarter < 4 * 3600; quarter += 1) {
            const time_s = quarter / 4;
            const state = Math.floor(time_s / 2) % 8;
            timeline.add(time_s, 1000 + time_s, [[1, state, time_s]]);
            if (quarter < 400) timeline.add(time_s + 0.01, 1000 + time_s, [[2, 0, 0]]);
          }
          const kept = timeline.people.get(1);
          return { kept: kept.length, oldest: kept[0].end, people: timeline.people.size, KEPT_S };
        }"""
    )
    assert spans["kept"] <= spans["KEPT_S"] / 2 + 2
    assert spans["oldest"] >= 3599 - spans["KEPT_S"]
    assert spans["people"] == 1
