"""From a face to what a speaker reads of it: the live page in Chromium, the store, the report.

One run of the demo room for all tests here. Chromium drives its page: somebody is given a name, a
moment is marked, and then a scripted smile is waited for. Afterwards the session gets its report.

Time is the session's own throughout: the smile begins when its script says so, which runs on the
wall clock as the cameras' own times do, and the card shows it when the newest room state that the
page had been handed was so many seconds into the session.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from readroom.dashboards.report.curve import WIDTH
from readroom.dashboards.report.material import read
from readroom.ingest.demo import CAMERAS
from readroom.ingest.demo.script import DEFAULT, EXPRESSION_CHANGE_S, Seat, segments, truth
from readroom.messages import STATES
from readroom.pixels import decode_jpeg
from readroom.sessions.rows import Sample
from readroom.sessions.timelines import Timelines
from readroom.settings import load_settings
from readroom.workers.assembly import assemble
from tests.dashboards.conftest import browser
from tests.e2e.running import ROOT, Run, run

pytestmark = pytest.mark.slow

__all__ = ["browser"]

#: From the moment at which a smile begins to appear until the card shows it, s.
SHOWN_WITHIN_S: Final = 1.5
#: A smile is waited for that begins at least this much later, s.
AHEAD_S: Final = 2.0
#: What comes of a smile is watched for so long, s.
WATCHED_S: Final = 5.0
#: Width of the demo room's pictures, px.
PICTURE_PX: Final = 1280
LABEL, NAME = "pricing slide", "Ada <b>Lovelace</b>"
SMILE: Final = "happiness"
WAIT_MS: Final = 30_000

#: Notes whenever a card shows another state: the card, the state, and how far into the session the
#: newest room state was that the page had been handed.
_WATCH: Final = """
window.handed_s = 0;
window.shown = [];
window.EventSource = class extends window.EventSource {
  constructor(...words) {
    super(...words);
    this.addEventListener("room", (message) => {
      window.handed_s = JSON.parse(message.data).room.time_s;
    });
  }
};
new MutationObserver((changes) => {
  for (const { target, oldValue } of changes) {
    const { key, state } = target.dataset;
    if (key !== undefined && state !== oldValue) {
      window.shown.push({ key: Number(key), state, before: oldValue, at_s: window.handed_s });
    }
  }
}).observe(document, { subtree: true, attributeFilter: ["data-state"], attributeOldValue: true });
"""


@dataclass(frozen=True)
class Smile:
    """A scripted smile: who sits where, the person's number, and when it begins to appear, in
    seconds of the session."""

    seat: Seat
    person: int
    begins_s: float


@dataclass(frozen=True)
class Story:
    """What was seen while the room ran, and what it left behind. ``shown`` are the cards' changes
    of state, ``fed`` is the feed's newest line of a marker, ``called`` the card's name,
    ``pictures`` are the cameras' as the API handed them out, ``folder`` holds the room's data."""

    smile: Smile
    shown: list[dict[str, Any]]
    fed: str
    called: str
    pictures: dict[str, bytes]
    folder: Path
    timelines: Timelines
    session: str
    report: Path

    def samples(self) -> list[Sample]:
        """The smiling person's points in the store."""
        return self.timelines.samples(self.session, self.smile.person)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Story:
    """The run, from its first people to its report."""
    folder = tmp_path_factory.mktemp("room")
    with run(folder, READROOM_HTTP__PICTURES="blurred") as running:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(_WATCH)
        page.goto(f"{running.page}?token={running.token}")
        running.until(lambda: len(seated(running)) >= 2, "two people in their seats")
        smile = next_smile(running)
        running.until(lambda: asked_for(page, smile.person), "the menu of a card", 30)
        rename(page, smile.person)
        mark(page)
        called = card(page, smile.person).locator(".name").inner_text()
        fed = page.locator("#event-list > li", has_text=LABEL).first.inner_text()
        running.until(
            lambda: now_s(running) > smile.begins_s + WATCHED_S, "what comes of the smile", 90
        )
        shown = page.evaluate("window.shown")
        pictures = {camera: picture(running, camera) for camera in CAMERAS}
        page.close()
        running.interrupt()
        assert running.process.returncode == 0, running.output
    timelines = Timelines(folder)
    (session,) = timelines.sessions()
    return Story(
        smile, shown, fed, called, pictures, folder, timelines, session.name, report(folder)
    )


def seated(running: Run) -> dict[str, tuple[int, Seat]]:
    """Who sits where, as the program sees it: the script's name → person's number and seat."""
    found: dict[str, tuple[int, Seat]] = {}
    for person in (room(running) or {"people": []})["people"]:
        x, _, width, _ = person["box"]
        for seat in DEFAULT.view(person["camera"]).seats:
            if abs((x + width / 2) / PICTURE_PX - seat.x_ratio) < 0.1 and person["visible"]:
                found[seat.person] = (person["person"], seat)
    return found


def room(running: Run) -> dict[str, Any] | None:
    """The newest room state, as the API answers it."""
    found: dict[str, Any] | None = json.loads(running.fetch(f"{running.page}api/v1/room"))
    return found


def picture(running: Run, camera: str) -> bytes:
    """A camera's picture, as the API answers it, once there is one."""
    found: bytes = running.until(lambda: answered(running, camera), f"a picture of {camera}")
    return found


def answered(running: Run, camera: str) -> bytes:
    """The same, empty where there is none: its newest frame may be too old, or gone."""
    try:
        address = f"{running.page}api/v1/cameras/{camera}/picture"
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert answer.headers["Content-Type"] == "image/jpeg"
            found: bytes = answer.read()
    except urllib.error.HTTPError:
        return b""
    return found


def now_s(running: Run) -> float:
    """How far into the session the program is."""
    state = room(running)
    return 0.0 if state is None else float(state["time_s"])


def next_smile(running: Run) -> Smile:
    """The next smile that the script has and that can be read: it runs on the wall clock."""
    now = time.time()
    people, state = seated(running), room(running)
    assert state is not None
    coming = [
        ((cue.start_s - now - AHEAD_S) % DEFAULT.loop_s + AHEAD_S, name)
        for name in people
        for cue, start_s, _ in segments(DEFAULT.person(name), DEFAULT.loop_s)
        if cue.read_as == SMILE and truth(name, start_s + EXPRESSION_CHANGE_S).readable
    ]
    ahead_s, name = min(coming)
    person, seat = people[name]
    return Smile(seat, person, now + ahead_s - state["started_at"])


def card(page: Page, person: int) -> Locator:
    return page.locator(f'#strips > li[data-key="{person}"]')


def asked_for(page: Page, person: int) -> bool:
    """Whether the menu of a person's card is open after it was asked for: while the page has not
    been told of the person, or is being put together, nothing happens."""
    menu = card(page, person).locator("button.menu")
    if menu.is_visible():
        menu.click()
        page.wait_for_timeout(200)
    return page.locator("#rename-text").is_visible()


def rename(page: Page, person: int) -> None:
    """By the card's menu, which is open."""
    page.fill("#rename-text", NAME)
    page.click("#rename-form button[type=submit]")
    expect(card(page, person).locator(".name")).to_have_text(NAME, timeout=WAIT_MS)


def mark(page: Page) -> None:
    """With the marker bar."""
    page.fill("#mark-label", LABEL)
    page.click("#mark")
    expect(page.locator("#event-list")).to_contain_text(LABEL, timeout=WAIT_MS)


def report(folder: Path) -> Path:
    """The session's report, as somebody asks for it at a terminal."""
    target = folder / "report.html"
    made = subprocess.run(
        [sys.executable, "-m", "readroom", "report", "last", "--out", str(target)],
        cwd=ROOT,
        env={**os.environ, "READROOM_DATA": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return target


@pytest.fixture
def reported(story: Story, browser: Browser) -> Iterator[Page]:
    """The report, opened."""
    page = browser.new_page()
    page.goto(story.report.as_uri())
    yield page
    page.close()


def first_after(begins_s: float, times: list[float]) -> float:
    """How long after the smile's beginning the first of these moments is, s; infinite for none.
    What was a little before it belongs to it as well: it would show a mistake of the test's."""
    return min((at_s - begins_s for at_s in times if at_s > begins_s - 3), default=float("inf"))


def test_a_scripted_smile_shows_on_the_right_card_in_time(story: Story) -> None:
    smiles = [change for change in story.shown if change["state"] == SMILE]
    begins_s = story.smile.begins_s
    late_s = first_after(begins_s, [c["at_s"] for c in smiles if c["key"] == story.smile.person])
    assert 0 < late_s <= SHOWN_WITHIN_S, (
        f"{story.smile.seat.person}'s smile began {begins_s:.2f} s into the session, and the card "
        f"showed it {late_s:.2f} s later; all cards: {story.shown}"
    )


def test_nobody_elses_card_shows_the_smile(story: Story) -> None:
    begins_s = story.smile.begins_s
    others = [
        change
        for change in story.shown
        if change["state"] == SMILE
        and change["key"] != story.smile.person
        and begins_s <= change["at_s"] <= begins_s + SHOWN_WITHIN_S
    ]
    assert others == []


def test_the_smile_is_in_the_store_at_the_right_second(story: Story) -> None:
    smiling = [sample.time_s for sample in story.samples() if sample.state == SMILE]
    late_s = first_after(story.smile.begins_s, smiling)
    assert 0 < late_s <= SHOWN_WITHIN_S, f"{late_s:.2f} s later"


def test_the_smile_is_in_the_report_at_the_right_second(story: Story, reported: Page) -> None:
    strip = reported.locator(".strips > li", has_text=NAME).locator("svg.strip")
    drawn = strip.locator(f"path.state-{STATES.index(SMILE)}").get_attribute("d") or ""
    length_s = read(story.timelines, story.session).end_s
    begins = [float(x) / WIDTH * length_s for x in re.findall(r"M([\d.]+) ", drawn)]
    late_s = first_after(story.smile.begins_s, begins)
    assert 0 < late_s <= SHOWN_WITHIN_S, f"{late_s:.2f} s later, of {begins}"


def test_a_marker_set_in_the_page_is_in_the_feed_the_store_and_the_report(
    story: Story, reported: Page
) -> None:
    assert LABEL in story.fed
    (marker,) = story.timelines.markers(story.session)
    assert marker.label == LABEL
    assert 0 < marker.time_s < story.smile.begins_s + WATCHED_S
    row = reported.locator("section[aria-labelledby=h-markers] tbody th", has_text=LABEL)
    assert row.count() >= 1
    assert told_s(row.first.inner_text()) == pytest.approx(marker.time_s, abs=1)


def told_s(text: str) -> float:
    """The session time at a text's end, s: "1. pricing slide 2.0 s", "1. pricing slide 1:02"."""
    found = re.search(r"(?:(\d+):)?([\d.]+)(?: s)?$", text)
    assert found, text
    return 60 * float(found[1] or 0) + float(found[2])


def test_who_was_renamed_in_the_page_is_so_called_everywhere(story: Story, reported: Page) -> None:
    assert story.called == NAME
    people = {person.person: person for person in story.timelines.people(story.session)}
    assert people[story.smile.person].name == NAME
    assert reported.locator(".strips > li .who", has_text=NAME).count() == 1
    assert reported.locator("b", has_text="Lovelace").count() == 0
    columns = reported.locator("section[aria-labelledby=h-markers] thead th", has_text=NAME)
    assert columns.count() == 1


def test_the_cameras_pictures_show_nobodys_face(story: Story) -> None:
    cv2.setNumThreads(1)
    analyser = assemble(load_settings(workers={"engines": ("face",)})).analyser
    seen = [decode_jpeg(jpeg) for jpeg in story.pictures.values()]
    assert [picture.shape for picture in seen] == [(360, 640, 3)] * len(CAMERAS)
    assert [found.faces for found in analyser.analyse(seen)] == [()] * len(CAMERAS)


def test_no_picture_is_left_on_the_disk(story: Story) -> None:
    files = [path for path in story.folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".sqlite3" for path in files)
    for path in files:
        held = path.read_bytes()
        assert b"JFIF" not in held, path
        assert b"\xff\xd8\xff" not in held, path
