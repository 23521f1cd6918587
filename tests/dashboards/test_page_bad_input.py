"""What the page makes of rooms that are empty, crowded, long asleep or badly named."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, expect

from readroom.messages import EXPRESSIONS, LOOKS, Measure, RoomState, Span
from tests.dashboards.conftest import Watched
from tests.dashboards.running import Live, live as running_live
from tests.dashboards.scene import Publisher, person, recording, room_state

MARKUP = '<img src=x onerror="document.title=1">'
LONGEST = f"{MARKUP}{'W' * 262}"

LOOK = """(state) => {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  Object.defineProperty(document, "hidden", { value: state === "hidden", configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


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


def names(page: Page) -> list[str]:
    return page.locator("#strips .name").all_inner_texts()


def test_a_slot_that_becomes_somebody_else_s_begins_a_strip_of_its_own(
    page: Page, publisher: Publisher
) -> None:
    for half in range(40):
        number = 1 if half < 20 else 7
        publisher.say(recording(half / 2, [replace(person(1, "neutral"), person=number)]))
    expect(page.locator("#strips .name")).to_have_text(["P1 (earlier)", "P1"])
    expect(page.locator('#strips > li[data-key="1"] .readout')).to_have_text("not in view")
    expect(page.locator('#strips > li[data-key="7"] .readout')).to_have_text("looks neutral")
    # A page opened later is told the same by the server's samples.
    page.reload()
    expect(page.locator("#strips .name")).to_have_text(["P1 (earlier)", "P1"])


def test_two_who_are_merged_have_one_strip(page: Page, publisher: Publisher) -> None:
    for half in range(20):
        number = 1 if half < 10 else 2
        publisher.say(room_state(half / 2, [replace(person(number, "neutral"))]))
    expect(page.locator("#strips > li")).to_have_count(2)
    publisher.happen("merged", slot=2, person=2, other=1, state="P1", start_s=9.5, end_s=9.5)
    expect(page.locator("#strips > li")).to_have_count(1)
    strip = page.locator('#strips > li[data-key="2"] .strip')
    strip.focus()
    page.keyboard.press("Home")
    expect(strip).to_have_attribute("aria-valuetext", re.compile(r": looked neutral$"))


def test_names_of_300_characters_and_of_markup_are_text_and_fit_a_phone(
    browser: Browser, live: Live, publisher: Publisher
) -> None:
    assert len(LONGEST) == 300
    page = browser.new_page(viewport={"width": 360, "height": 740})
    named = replace(person(1, "happiness"), name=LONGEST, look="puzzled", look_since_s=20.0)
    for half in range(60):
        publisher.say(room_state(half / 2, [named, person(2, "neutral")], title=LONGEST))
    publisher.happen("marker", state=LONGEST, start_s=10.0, end_s=10.0)
    publisher.happen("state_ended", slot=1, state="happiness", start_s=5.0, end_s=9.0)
    page.goto(live.address)
    expect(page.locator('#strips > li[data-key="1"] .name')).to_have_text(LONGEST)
    expect(page.locator("#event-list")).to_contain_text(f"Marked: {LONGEST}")
    for mode in ("", "wall", "speaker"):
        page.goto(f"{live.address}#{mode}")
        expect(page.locator(f"#{mode or 'page'}")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.locator("img").count() == 0
    assert page.title() != "1"
    page.close()


def test_a_thousand_markers_leave_a_list_of_the_newest(page: Page, publisher: Publisher) -> None:
    valence = {"valence": Measure(value=0.2, low=0.1, high=0.3, n=2, coverage=0.9)}
    publisher.say(*(room_state(half / 2, measures=valence) for half in range(100)))
    expect(page.locator("#curve-told")).to_contain_text("+0.20")
    for number in range(1000):
        at_s = number / 25
        publisher.happen("marker", state=f"slide {number}", start_s=at_s, end_s=at_s)
    texts = page.locator("#event-list > li > span")
    expect(texts.first).to_have_text("Marked: slide 999")
    assert texts.count() == 60
    publisher.say(room_state(50.0, measures=valence))
    expect(page.locator("#curve-told")).to_contain_text("+0.20")


def test_a_browser_that_was_asleep_for_an_hour_goes_on_with_what_is_now(
    page: Page, publisher: Publisher
) -> None:
    publisher.say(*(room_state(half / 2, [person(1, "neutral")]) for half in range(20)))
    expect(page.locator("#strips .readout")).to_have_text("looks neutral")
    page.evaluate(LOOK, "hidden")
    later = [room_state(3600 + half / 2, [person(2, "happiness")]) for half in range(20)]
    publisher.say(*later)
    page.evaluate(LOOK, "visible")
    expect(page.locator('#strips > li[data-key="2"] .readout')).to_have_text("looks happy")
    expect(page.locator("#banner")).to_be_hidden()
    # What was told before it fell asleep is further back than is shown.
    assert names(page) == ["P2"]


def test_a_machine_that_was_asleep_opens_its_stream_anew(
    browser: Browser, live: Live, publisher: Publisher
) -> None:
    page = browser.new_page()
    page.clock.install()
    publisher.say(room_state(5.0, [person(1, "neutral")]))
    page.goto(live.address)
    expect(page.locator("#strips .readout")).to_have_text("looks neutral")
    with page.expect_request(lambda request: request.url.endswith("/stream")):
        page.clock.fast_forward("01:00:00")
    page.close()


def test_a_room_without_people_says_so_in_every_mode(
    page: Page, live: Live, publisher: Publisher
) -> None:
    with publisher.keep_saying(room_state(5.0, measures={"valence": Measure(value=None)})):
        expect(page.locator("#empty-title")).to_have_text("Nobody has been in view yet")
        expect(page.locator("#gauge-told")).to_contain_text("Too little was seen to say (0 people")
        expect(page.locator("#mix-list")).to_have_text("Nobody in view.")
        page.goto(f"{live.address}#wall")
        expect(page.locator("#wall .mix-list")).to_have_text("Nobody in view.")
        page.goto(f"{live.address}#speaker")
        expect(page.locator("#speaker .told")).to_have_text(
            ["Can't tell", "Can't tell", "Can't tell"]
        )


def test_one_person_has_a_card_and_no_room(page: Page, live: Live, publisher: Publisher) -> None:
    alone = [person(1, "happiness", affect=(0.5, 0.1))]
    measures = {"valence": Measure(value=None, n=1, coverage=0.9)}
    publisher.say(*(room_state(half / 2, alone, measures=measures) for half in range(180)))
    with publisher.keep_saying(room_state(90.0, alone, measures=measures)):
        expect(page.locator("#strips .readout")).to_have_text("looks happy")
        expect(page.locator("#gauge-told")).to_contain_text("Too little was seen to say (1 person,")
        expect(page.locator(".gauge-needle").first).to_be_hidden()
        page.goto(f"{live.address}#speaker")
        expect(page.locator("#speaker .told").first).to_have_text("Can't tell")
        expect(page.locator("#speaker .rests").first).to_contain_text("Takes two people")
        expect(page.locator("#speaker .told").nth(1)).to_have_text("Can't tell")
        expect(page.locator("#speaker .rests").nth(1)).to_have_text("Too little was seen to say")
    with publisher.keep_saying(room_state(91.0, [replace(alone[0], look="amused")])):
        expect(page.locator("#speaker .told").nth(1)).to_have_text("Nobody just now")


def test_no_mode_names_an_emotion_where_none_may_be_inferred(
    watched: Watched, publisher: Publisher, redis_url: str
) -> None:
    page = watched.page
    facing = {"facing_front": Span(since_s=1.0, confidence=0.9)}

    def at(time_s: float, *, front: bool) -> RoomState:
        seen = {"measured": ("facing_front",), "actions": facing if front else {}}
        away = {} if front else {"look": "turned_away", "look_since_s": 70.0}
        people = [replace(person(slot, "anger"), **seen, **away) for slot in (1, 2, 3)]
        measures = {"facing_front": Measure(value=0.5, low=0.3, high=0.7, n=3, coverage=0.9)}
        return room_state(time_s, people, measures=measures, purpose="education", engines={})

    shown = []
    with running_live(redis_url, READROOM_PURPOSE="education") as started:
        publisher.say(*(at(half / 2, front=half < 80) for half in range(160)))
        with publisher.keep_saying(at(80.0, front=False)):
            page.goto(started.address)
            expect(page.locator("#gauge-told")).to_contain_text("0.50 (0.30 to 0.70)")
            shown.append(page.inner_text("body"))
            page.get_by_role("button", name="Help").click()
            shown.append(page.inner_text("#help-dialog"))
            page.goto(f"{started.address}#wall")
            expect(page.locator("#wall .wall-gauge")).to_contain_text("facing the front")
            shown.append(page.inner_text("body"))
            page.goto(f"{started.address}#speaker")
            expect(page.locator("#speaker .told")).to_have_text(
                ["Fewer face the front", "P1, P2", "90 %"]
            )
            shown.append(page.inner_text("body"))
    for word in (*EXPRESSIONS, *LOOKS[:4], "happy", "pleased", "valence", "arousal", "emotion"):
        assert word not in " ".join(shown).lower(), word
    assert watched.complaints == []
