"""The page's other faces: wall, speaker's signs, light, dark, pictures; and axe-core on all."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, expect

from readroom.messages import Box, Measure, PersonState, RoomState, Span
from tests.dashboards.axe import violations
from tests.dashboards.conftest import Watched
from tests.dashboards.running import Live, live as running_live
from tests.dashboards.scene import Publisher, camera, person, room_state

LONG = "Bernhard-Friedrich von und zu " * 10

#: Letters that are shown and lower than a share of the screen's height: [text, size].
SMALL = """(share) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const { width, height } = element.getBoundingClientRect();
    const size = parseFloat(getComputedStyle(element).fontSize);
    const seen = element.checkVisibility() && width > 1 && height > 1;
    if (seen && walker.currentNode.data.trim() && size < innerHeight * share) {
      found.push([walker.currentNode.data, size]);
    }
  }
  return found;
}"""

#: Whether the whole document is in the window.
FITS = "(root) => root.scrollWidth <= innerWidth && root.scrollHeight <= innerHeight"


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    expect.set_options(timeout=15_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def page(watched: Watched, live: Live) -> Iterator[Page]:
    """The open page; at the end its console was silent and nobody else was asked anything."""
    watched.page.goto(live.address)
    yield watched.page
    assert watched.complaints == []
    assert [url for url in watched.requests if not url.startswith(live.address)] == []


def somebody(slot: int, state: str = "neutral", **changes: object) -> PersonState:
    seen = replace(person(slot, state, affect=(0.3, 0.1)), box=Box(90.0 * slot, 100.0, 80.0, 90.0))
    return replace(seen, **changes)


def scene(time_s: float, people: int = 5, **changes: object) -> RoomState:
    """A room with everything in it."""
    span = Span(since_s=3.0, confidence=0.9)
    busy = somebody(1, "happiness", name="Anna", look="amused", actions={"nodding": span})
    crowd = [busy, *(somebody(slot) for slot in range(2, people + 1))][:people]
    valence = Measure(value=0.3, low=0.1, high=0.5, n=people, coverage=0.9)
    return room_state(time_s, crowd, **{"measures": {"valence": valence}, **changes})


@pytest.mark.parametrize("people", [0, 1, 5, 32])
def test_every_letter_on_the_wall_is_a_twentieth_of_the_screen_high(
    page: Page, live: Live, publisher: Publisher, people: int
) -> None:
    page.set_viewport_size({"width": 1920, "height": 1080})
    publisher.say(scene(5.0, people, title=LONG))
    page.goto(f"{live.address}#wall")
    expect(page.locator("#wall h1")).to_have_text(LONG.strip())
    expect(page.locator("#wall .wall-people > li")).to_have_count(people if people <= 8 else 0)
    expect(page.locator("#page")).to_be_hidden()
    assert page.evaluate(SMALL, 0.05) == []
    assert page.locator("html").evaluate(FITS)


def test_the_wall_says_what_is_wrong(page: Page, live: Live, publisher: Publisher) -> None:
    old = scene(30.0)
    publisher.say(replace(old, at=old.at - 20))
    page.goto(f"{live.address}#wall")
    expect(page.locator("#wall .banner")).to_contain_text("No data since")
    expect(page.locator("#wall .mix-list")).to_have_text("No data.")
    expect(page.locator("#wall .wall-people > li")).to_have_count(0)
    assert page.evaluate(SMALL, 0.05) == []
    publisher.say(scene(31.0, phase="closed"))
    expect(page.locator("#wall .banner")).to_contain_text("The session has ended")
    expect(page.locator("#wall .mix-list")).to_be_hidden()
    expect(page.locator("#wall .mix-bar > *")).to_have_count(0)


def told(page: Page) -> list[str]:
    return page.locator("#speaker .told").all_inner_texts()


def test_a_speaker_sees_three_signs_and_nothing_else(
    page: Page, live: Live, publisher: Publisher
) -> None:
    def pleased(at_s: float, by: float) -> RoomState:
        people = [somebody(slot, valence=0.1 * slot + by) for slot in (1, 2, 3)]
        turned = somebody(4, valence=0.2 + by, name="Anna", look="puzzled", look_since_s=76.0)
        return room_state(at_s, [*people, turned])

    publisher.say(*(pleased(half / 2, 0.0 if half < 80 else 0.4) for half in range(160)))
    with publisher.keep_saying(pleased(80.0, 0.4)):
        page.goto(f"{live.address}#speaker")
        expect(page.locator("#speaker .told")).to_have_text(["Looks more pleased", "Anna", "90 %"])
        expect(page.locator("#speaker .rests").nth(1)).to_have_text("puzzled-looking for 4 s")
        expect(page.locator("#speaker .rests").first).to_contain_text("4 people")
    # Silence takes every sign back.
    publisher.say(replace(pleased(80.5, 0.4), at=pleased(80.5, 0.4).at - 30))
    expect(page.locator("#speaker .told")).to_have_text(["Can't tell"] * 3)
    page.keyboard.press("Escape")
    expect(page.locator("#page")).to_be_visible()
    assert page.url.rstrip("#") == live.address


def test_the_scheme_is_the_system_s_until_another_is_chosen_and_is_remembered(
    page: Page,
) -> None:
    root = page.locator("html")
    page.emulate_media(color_scheme="dark")
    page.reload()
    expect(root).to_have_attribute("data-scheme", "dark")
    page.locator("#scheme").select_option("light")
    expect(root).to_have_attribute("data-scheme", "light")
    page.reload()
    expect(page.locator("#scheme")).to_have_value("light")
    expect(root).to_have_attribute("data-scheme", "light")
    page.locator("#scheme").select_option("auto")
    expect(root).to_have_attribute("data-scheme", "dark")
    page.emulate_media(color_scheme="light")
    expect(root).to_have_attribute("data-scheme", "light")


def test_outlines_are_where_faces_are_and_pictures_are_not_offered(
    page: Page, publisher: Publisher
) -> None:
    away = somebody(3, camera="back")
    cameras = (camera("front"), camera("back"))
    publisher.say(room_state(5.0, [somebody(1), somebody(2, visible=False), away], cameras=cameras))
    outlines = page.locator('#camera-list > li[data-key="front"] .outlines')
    expect(outlines).to_have_attribute("viewBox", "0 0 1280 720")
    expect(outlines.locator("rect")).to_have_count(1)
    expect(outlines.locator("rect")).to_have_attribute("x", "90")
    expect(outlines.locator("text")).to_have_text("P1")
    expect(page.locator("#pictures-row")).to_be_hidden()


def test_pictures_are_asked_for_only_once_they_are_switched_on(
    watched: Watched, redis_url: str, publisher: Publisher
) -> None:
    # A camera that gives no picture: that none is there is no complaint of ours.
    with running_live(redis_url, READROOM_HTTP__PICTURES="blurred") as started:
        page = watched.page
        publisher.say(scene(5.0))
        page.goto(started.address)
        expect(page.locator("#camera-list > li")).to_have_count(1)
        tick = page.get_by_label("Show pictures, faces blurred")
        expect(tick).not_to_be_checked()
        assert not [url for url in watched.requests if url.endswith("/picture")]
        with page.expect_request(re.compile(r"/api/v1/cameras/front/picture$")):
            tick.check()
        expect(page.locator(".picture")).to_be_hidden()
        page.reload()
        expect(tick).not_to_be_checked()


def test_what_all_of_it_rests_on_is_told(page: Page, publisher: Publisher) -> None:
    lossy = camera("front", frames=900, dropped={"stale": 100, "rate": 5000})
    lost = camera("back", phase="retrying", frames=0)
    publisher.say(scene(5.0, cameras=(lossy, lost)))
    expect(page.locator("#figure-drops")).to_have_text("10 %")
    expect(page.locator("#figure-cameras")).to_have_text("1 of 2")
    expect(page.locator("#figure-lag")).to_contain_text(" s")
    link = page.get_by_role("link", name="Model card: face")
    expect(link).to_have_attribute("href", "/cards/face")
    answer = page.request.get(link.evaluate("(link) => link.href"))
    assert answer.ok
    assert "#" in answer.text()


def test_the_gauge_and_the_curve_are_told_in_words(page: Page, publisher: Publisher) -> None:
    for half in range(20):
        publisher.say(scene(half / 2))
    expect(page.locator("#gauge-told")).to_have_text(
        "+0.30 (+0.10 to +0.50), 5 people, readable 90 %"
    )
    expect(page.locator("#chart")).to_have_attribute("aria-label", re.compile(r"now \+0\.30 \("))
    page.get_by_label("Which figure").select_option("synchrony")
    expect(page.locator("#curve-told")).to_have_text("Too little was seen to say.")


def test_axe_finds_what_is_wrong(page: Page) -> None:
    page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    assert any(found.startswith("image-alt") for found in violations(page))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(
    browser: Browser, live: Live, publisher: Publisher, scheme: str
) -> None:
    page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
    publisher.say(scene(4.5), scene(5.0))
    publisher.happen("marker", state="Prices")
    page.goto(live.address)
    expect(page.locator("#strips > li")).to_have_count(5)
    expect(page.locator("#event-list > li")).to_have_count(1)
    assert violations(page) == []
    page.get_by_role("button", name="Help").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Rename, merge or split P2").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    for mode in ("wall", "speaker"):
        page.goto(f"{live.address}#{mode}")
        expect(page.locator(f"#{mode}")).to_be_visible()
        assert violations(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{live.address}#")
    expect(page.locator("#page")).to_be_visible()
    assert violations(page) == []
    page.close()
