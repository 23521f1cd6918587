"""The file: valid, self-contained, escaped, and defined for every edge."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

import readroom.dashboards.live as live_package
from readroom.dashboards.report import render
from readroom.dashboards.report.markup import element
from readroom.dashboards.report.page import style
from readroom.messages import EXPRESSIONS, LOOKS, Measure
from tests.dashboards.axe import violations
from tests.dashboards.report.made import HZ, LONG, MARKUP, START, Made, walk
from tests.readroom.test_words import EMOTIONAL

VOID = frozenset({"meta", "br", "hr", "col", "path", "rect"})


class Outline(HTMLParser):
    """Elements in order, ids, and whether every element is closed by its own end."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text.append(data)


def outline(html: str) -> Outline:
    found = Outline()
    found.feed(html)
    found.close()
    assert found.open == []
    return found


def checked(html: str) -> Outline:
    """The outline of a report that is as every report has to be."""
    found = outline(html)
    names = [tag for tag, _ in found.tags]
    assert names.count("h1") == 1
    assert not {"script", "link", "img", "iframe", "object", "form", "a"} & set(names)
    assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)
    assert "://" not in html
    assert not {"src", "href", "xlink:href"} & {name for _, a in found.tags for name in a}
    assert set(re.findall(r"url\(([^)]*)\)", html)) <= {
        f"#tile-{name}" for name in ("uncertain", "too_small", "not_read")
    }
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in found.tags:
        if tag == "th":
            assert attributes["scope"] in ("col", "row")
        if tag == "svg" and attributes.get("role") == "img":
            assert set((attributes["aria-labelledby"] or "").split()) <= set(ids)
    levels = [int(name[1]) for name in names if re.fullmatch("h[1-6]", name)]
    assert all(b - a <= 1 for a, b in pairwise(levels))
    return found


def a_talk(**changes: object) -> Made:
    dice = np.random.default_rng(2)
    made = Made(**changes)  # type: ignore[arg-type]
    for _ in range(3):
        made.person(walk(dice, 300))
    made.mark(100.0, "pricing slide")
    made.measured([None] * 5 + [0.1] * 290)
    made.event("look_ended", 50.0, 62.0, person=1, slot=1, state="displeased", confidence=0.8)
    change = Measure(value=-0.2, low=-0.3, high=-0.1, n=3, coverage=0.9)
    made.event("inflection", 120.0, 125.0, state="valence", figure="valence", measure=change)
    return made


def test_a_report_has_every_section_and_is_well_formed(tmp_path: Path) -> None:
    html = render(a_talk().into(tmp_path), "s1", made_at=START)
    found = checked(html)
    ids = {attributes.get("id") for _, attributes in found.tags}
    assert {f"h-{key}" for key in ("summary", "curve", "people", "markers", "moments")} <= ids
    assert {"h-coverage", "h-appendix"} <= ids
    text = " ".join(found.text)
    assert "What faces looked like, not what people felt." in text
    assert "P1 looked displeased for 12 s, 80 % sure" in text
    assert "Made on 15 January 2027, 08:00 UTC" in text
    assert "The room turned: the faces looked less pleased by 0.20" in text


def test_what_people_typed_is_text_wherever_it_stands(tmp_path: Path) -> None:
    made = a_talk(title=MARKUP)
    made.person(walk(np.random.default_rng(3), 100), name=MARKUP)
    made.person(walk(np.random.default_rng(3), 100), name=LONG)
    made.mark(50.0, MARKUP)
    made.mark(60.0, LONG)
    made.event("look_ended", 10.0, 30.0, person=4, slot=4, state="amused", confidence=0.8)
    from readroom.sessions.rows import NoteRow

    made.rows.notes.append(NoteRow("n1", 3.0, MARKUP))
    html = render(made.into(tmp_path), "s1")
    found = checked(html)
    assert "<script>" not in html
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;" in html
    # What would turn the reading direction, or is no character, isn't passed on.
    assert "\u202e" not in html
    assert "\x00" not in html
    assert sum(LONG in text for text in found.text) >= 4


def test_a_session_that_saw_nobody_has_a_report_that_says_so(tmp_path: Path) -> None:
    made = Made()
    made.event("session_started", 0.0, 0.0)
    html = render(made.into(tmp_path), "s1")
    checked(html)
    assert "Nobody was seen in this session" in html
    assert "No moment stands out." in html


def test_one_person_has_no_room(tmp_path: Path) -> None:
    made = Made()
    made.person(walk(np.random.default_rng(1), 30))
    html = render(made.into(tmp_path), "s1")
    checked(html)
    assert "What is said of a room needs two people" in html
    assert "this person, without an interval" in html


@pytest.mark.parametrize("closed", [True, False])
def test_a_session_that_still_runs_says_so_at_its_top(closed: bool, tmp_path: Path) -> None:
    html = render(a_talk(closed=closed).into(tmp_path), "s1")
    assert ("Still running, as of 15 January 2027, 08:01 UTC" in html) is not closed
    checked(html)


def test_an_abandoned_session_says_so(tmp_path: Path) -> None:
    from readroom.aggregator.store import Store

    timelines = a_talk(closed=False).into(tmp_path)
    with Store(tmp_path) as store:
        store.abandon("room")
    html = render(timelines, "s1")
    assert "This session never got to its end" in html
    assert "Still running" not in html


def test_a_thousand_markers_make_a_report_of_bounded_size(tmp_path: Path) -> None:
    made = Made()
    dice = np.random.default_rng(2)
    for _ in range(12):
        made.person(walk(dice, 600))
    for number in range(1000):
        made.mark(0.6 * number, f"slide {number} with a label of some length")
    html = render(made.into(tmp_path), "s1")
    found = checked(html)
    assert len(html) < 1_000_000
    assert "more markers have no row here" in html
    assert sum(tag == "tr" for tag, _ in found.tags) < 400


def test_people_who_are_one_are_one_and_those_called_alike_are_told_apart(tmp_path: Path) -> None:
    made = Made()
    dice = np.random.default_rng(2)
    made.person(walk(dice, 100), name="Anna")
    made.person(walk(dice, 100), from_s=50.0, merged_into=1)
    made.person(walk(dice, 60), slot=3)
    made.person(walk(dice, 60), slot=3, from_s=100.0)
    html = render(made.into(tmp_path), "s1")
    checked(html)
    assert "3 people were seen over 2 min 40 s" in html.replace("\N{NO-BREAK SPACE}", " ")
    assert "Anna, P3 (no. 3) and P3 (no. 4)" in html
    # Where two views told of the same moment, it counts once.
    assert '<td class="number">2 min 30 s</td>' in html.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("purpose", ["workplace", "education"])
def test_without_emotion_there_is_no_word_of_one_in_the_whole_file(
    purpose: str, tmp_path: Path
) -> None:
    made = Made(purpose="workplace")
    dice = np.random.default_rng(2)
    for _ in range(3):
        made.person(np.where(dice.random(300 * HZ) < 0.1, -0.1, 0.1))
    made.mark(100.0, "agenda")
    made.rows.purpose = purpose
    made.measured([0.8] * 300, name="facing_front")
    made.event("action_ended", 50.0, 55.0, person=1, slot=1, state="nodding", confidence=0.8)
    html = render(made.into(tmp_path), "s1")
    found = checked(html)
    assert "P1 nodded for 5.0 s, 80 % sure" in html
    names = re.compile(rf"\b({'|'.join((*EXPRESSIONS, *LOOKS[:4]))})\b", re.IGNORECASE)
    text = " ".join(found.text)
    # The purpose's own line and the banner of the law aren't asked for here.
    assert not EMOTIONAL.search(text), EMOTIONAL.search(text)
    assert not names.search(html), names.search(html)


def colours(css: str) -> set[tuple[str, str]]:
    return set(re.findall(r"--(state-\d): (#[0-9a-f]{6})", css))


def test_states_have_the_colours_of_the_live_page() -> None:
    live = Path(live_package.__file__).resolve().parent / "static" / "style.css"
    assert colours(style()) == colours(live.read_text())
    # Light and dark.
    assert len(colours(style())) == 2 * len(EXPRESSIONS)


def test_an_element_escapes_what_is_not_markup() -> None:
    assert element("p", "<b>", element("i", "&"), title='"') == (
        '<p title="&quot;">&lt;b&gt;<i>&amp;</i></p>'
    )
    assert element("br") == "<br>"
    assert element("p", None, hidden=True, class_=None) == "<p hidden></p>"


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[tuple[Browser, Path]]:
    made = a_talk(title="W" * 300)
    made.person(walk(np.random.default_rng(3), 100), name=LONG)
    target = tmp_path / "report.html"
    target.write_text(render(made.into(tmp_path / "data"), "s1", made_at=START))
    return browser, target


def test_the_page_fits_a_phone_and_asks_nobody_for_anything(
    opened: tuple[Browser, Path],
) -> None:
    browser, target = opened
    for width in (360, 1280):
        page = browser.new_page(viewport={"width": width, "height": 800})
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))  # type: ignore[misc]
        page.on("console", lambda message, said=said: said.append(message.text))  # type: ignore[misc]
        page.goto(target.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert asked == [target.as_uri()]
        assert said == []
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(opened: tuple[Browser, Path], scheme: str) -> None:
    browser, target = opened
    page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(target.as_uri())
    assert violations(page) == []
    page.close()


def test_markers_without_anybody_are_listed_and_say_nothing(tmp_path: Path) -> None:
    made = Made()
    made.mark(3.0, "welcome")
    html = render(made.into(tmp_path), "s1")
    found = checked(html)
    assert "1. welcome " in found.text
    assert "No comparison could be made" in html


def test_what_is_in_the_way_of_a_reading_is_told_of_this_session(tmp_path: Path) -> None:
    import json
    import sqlite3
    from contextlib import closing

    from readroom.sessions.file import FILE_NAME

    made = Made(purpose=None)
    made.person([0.1] * 200 + [None] * 300)
    made.person([0.1] * 300)
    timelines = made.into(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as file, file:
        key = file.execute("SELECT id FROM session").fetchone()[0]
        lost = json.dumps({"stale": 200, "rate": 900})
        camera = (key, "front", "/home/anna/talk.mp4", "recording", 800, 999, lost)
        file.execute("INSERT INTO camera VALUES (?, ?, ?, ?, ?, ?, ?)", camera)
        models = json.dumps({"face": "f", "expression": "e"})
        file.execute("UPDATE session SET models = ?", (models,))
    html = render(timelines, "s1")
    checked(html)
    text = html.replace("\N{NO-BREAK SPACE}", " ")
    assert "P1: readable for 40 % of the time only." in text
    # What the analysis rate leaves out is no loss.
    assert "Camera front: 20 % of its frames weren&#x27;t read (200 too old)." in text
    assert "talk.mp4" in text
    assert "anna" not in text
    assert "nobody can look puzzled here" in text
    assert "somebody who was away for longer than 30 s is a new person here" in text
    assert "2 people are few" in text
    assert "Nobody was asked what this was read for." in text
    assert "The first half could be read for" in text
