"""What somebody does with the page: marks, sessions and people, as far as the room hears it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from msgspec.structs import replace
from playwright.sync_api import Locator, Page, expect

from readroom.messages import PersonState
from tests.dashboards.answering import REFUSED, Answering, answering
from tests.dashboards.conftest import Watched
from tests.dashboards.running import Live, live as running_live
from tests.dashboards.scene import Publisher, person, room_state

TOKEN = "sixteen characters"
MARKUP = '<img src=x onerror="document.title=1">'


@pytest.fixture(scope="module")
def guarded(redis_server: str) -> Iterator[Live]:
    """A server with a token, for the whole module."""
    with running_live(redis_server, READROOM_HTTP__TOKEN=TOKEN) as started:
        yield started


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    expect.set_options(timeout=15_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def room(client: redis.Redis) -> Iterator[Answering]:
    """Who hears what the page asks."""
    with answering(client) as aggregator:
        yield aggregator


@pytest.fixture
def page(watched: Watched, guarded: Live, room: Answering, publisher: Publisher) -> Page:
    """The page of somebody with the token; a session of three runs."""
    people = [replace(person(slot, "neutral"), cameras=("front", "side")) for slot in (1, 2, 3)]
    publisher.say(room_state(5.0, people))
    watched.page.goto(f"{guarded.address}?token={TOKEN.replace(' ', '%20')}")
    expect(watched.page.locator("#strips > li")).to_have_count(3)
    return watched.page


def answer(page: Page) -> Locator:
    return page.locator("#answer")


def labels(room: Answering, count: int) -> list[str]:
    room.wait_for(count)
    assert {verb for verb, *_ in room.heard} == {"mark"}
    return [text for _, text, *_ in room.heard]


def test_a_moment_is_marked_with_the_button_and_with_enter(page: Page, room: Answering) -> None:
    page.get_by_label("What is going on now").fill("Prices")
    page.get_by_role("button", name="Mark", exact=True).click()
    expect(answer(page)).to_have_text("Marked: Prices")
    expect(page.locator("#mark-label")).to_have_value("")
    page.get_by_label("What is going on now").fill(MARKUP)
    page.keyboard.press("Enter")
    expect(answer(page)).to_have_text(f"Marked: {MARKUP}")
    assert labels(room, 2) == ["Prices", MARKUP]


def test_single_keys_mark_where_nothing_has_the_focus_and_can_be_switched_off(
    page: Page, room: Answering
) -> None:
    page.keyboard.press("m")
    expect(answer(page)).to_have_text("Marked: mark 1")
    page.keyboard.press("Space")
    assert labels(room, 2) == ["mark 1", "mark 2"]
    page.locator("#mark-label").focus()
    page.keyboard.type("m m")
    expect(page.locator("#mark-label")).to_have_value("m m")
    page.locator("#mark-label").fill("")
    page.locator("#mark-label").blur()
    page.keyboard.press("?")
    page.get_by_label("Single keys (m, space, ?) work").uncheck()
    page.keyboard.press("Escape")
    expect(page.locator("#help-dialog")).to_be_hidden()
    page.keyboard.press("m")
    page.get_by_role("button", name="Mark", exact=True).click()
    assert labels(room, 3) == ["mark 1", "mark 2", "mark 3"]


def test_space_marks_nothing_where_it_scrolls(
    page: Page, room: Answering, publisher: Publisher
) -> None:
    publisher.happen("person_entered", slot=1)
    expect(page.locator("#event-list > li")).to_have_count(1)
    for focused in ("#event-list", "#people"):
        page.locator(focused).focus()
        page.keyboard.press("Space")
    page.locator("#people").blur()
    page.keyboard.press("Space")
    assert labels(room, 1) == ["mark 1"]


def test_a_clicker_marks_slides_once_it_is_switched_on(page: Page, room: Answering) -> None:
    page.keyboard.press("PageDown")  # Only scrolls.
    page.get_by_label("Clicker marks slides").check()
    clicks = ("F5", "PageDown", "PageDown", "PageUp", ".")
    marked = ("slide 1", "slide 2", "slide 3", "slide 2", "screen dark")
    for key, label in zip(clicks, marked, strict=True):
        page.keyboard.press(key)
        expect(answer(page)).to_have_text(f"Marked: {label}")
    assert labels(room, 5) == list(marked)
    page.reload()
    expect(page.get_by_label("Clicker marks slides")).to_be_checked()
    expect(page.locator("#strips > li")).to_have_count(3)
    page.keyboard.press("PageDown")
    assert labels(room, 6)[-1] == "slide 3"


def test_on_the_wall_and_among_the_signs_a_mark_is_answered_too(
    page: Page, guarded: Live, room: Answering
) -> None:
    for number, where in enumerate(("wall", "speaker"), start=1):
        page.goto(f"{guarded.address}#{where}")
        page.keyboard.press("m")
        expect(page.locator("#toast")).to_have_text(f"Marked: mark {number}")
    assert labels(room, 2) == ["mark 1", "mark 2"]
    expect(page.locator("#toast")).to_be_hidden()


def test_a_refusal_is_told_with_its_reason(page: Page) -> None:
    page.locator("#mark-label").fill(REFUSED)
    page.keyboard.press("Enter")
    expect(answer(page)).to_contain_text(f"Refused: no {REFUSED}")


def test_a_session_is_stopped_named_and_started(
    page: Page, room: Answering, publisher: Publisher
) -> None:
    page.get_by_role("button", name="Title", exact=True).click()
    expect(page.locator("#session-text")).to_have_value("Quarterly review")
    page.locator("#session-text").fill("Pitch")
    page.get_by_role("button", name="Save").click()
    expect(answer(page)).to_have_text("The title was changed.")
    page.get_by_role("button", name="Stop", exact=True).click()
    page.locator("#session-dialog").get_by_role("button", name="Stop").click()
    expect(answer(page)).to_have_text("The session was stopped.")
    publisher.say(room_state(6.0, phase="rolling", session="", title=""))
    page.get_by_role("button", name="Start a session").click()
    page.locator("#session-text").fill("Second pitch")
    page.keyboard.press("Enter")
    expect(answer(page)).to_have_text("The session was started.")
    assert [(verb, text) for verb, text, *_ in room.heard] == [
        *(("title", "Pitch"), ("stop", ""), ("start", "Second pitch"))
    ]


def test_a_person_is_renamed_merged_and_split_and_the_focus_comes_back(
    page: Page, room: Answering, publisher: Publisher
) -> None:
    menu = page.get_by_role("button", name="Rename, merge or split P2")
    dialog = page.locator("#person-dialog")
    menu.focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name (empty: the pseudonym)").fill("Anna")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(menu).to_be_focused()
    menu.click()
    page.get_by_label("Is the same person as").select_option("P3")
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(dialog).to_be_hidden()
    menu.click()
    page.get_by_label("Is somebody else in the view of").select_option("side")
    page.get_by_role("button", name="Split", exact=True).click()
    expect(dialog).to_be_hidden()
    assert room.heard == [
        ("rename", "Anna", 2, None, None),
        ("merge", "", 2, 3, None),
        ("split", "", 2, None, "side"),
    ]
    publisher.say(room_state(6.0, [replace(person(2, "neutral"), name="Anna")]))
    expect(page.locator('#strips > li[data-key="2"] .name')).to_have_text("Anna")


def test_whose_slot_became_somebody_else_s_is_neither_named_nor_merged(
    page: Page, room: Answering, publisher: Publisher
) -> None:
    def then(*people: PersonState) -> None:
        publisher.say(room_state(6.0 + people[0].person, people))
        expect(page.locator(f'#strips > li[data-key="{people[0].person}"]')).to_have_count(1)

    dialog, told = page.locator("#person-dialog"), page.locator("#person-answer")
    page.get_by_role("button", name="Rename, merge or split P2").click()
    third = person(3, "neutral")
    then(replace(person(2, "neutral"), person=9), third)
    page.get_by_label("Name (empty: the pseudonym)").fill("Anna")
    page.keyboard.press("Enter")
    expect(told).to_contain_text("isn't here any more")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Rename, merge or split P3").click()
    page.get_by_label("Is the same person as").select_option("P2")
    then(replace(person(2, "neutral"), person=10), third)
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(told).to_contain_text("isn't here any more")
    # Who moved to another slot is still whom it is about.
    then(replace(third, slot=4, person=3), replace(person(2, "neutral"), person=11))
    page.get_by_label("Name (empty: the pseudonym)").fill("Ben")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    assert room.heard == [("rename", "Ben", 4, None, None)]


def test_without_the_token_everything_is_shown_and_nothing_can_be_changed(
    watched: Watched, guarded: Live, publisher: Publisher
) -> None:
    publisher.say(room_state(5.0, [person(1, "neutral")]))
    page = watched.page
    page.goto(guarded.address)
    expect(page.locator("#strips > li .readout")).to_have_text("looks neutral")
    for name in ("Mark", "Title", "Stop"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()
    expect(page.locator("#deck .locked")).to_contain_text("the token")
    page.keyboard.press("m")
    expect(answer(page)).to_contain_text("the token")


def test_without_an_aggregator_a_mark_is_not_said_to_be_made(
    watched: Watched, guarded: Live, publisher: Publisher
) -> None:
    publisher.say(room_state(5.0, [person(1, "neutral")]))
    page = watched.page
    page.goto(f"{guarded.address}?token={TOKEN.replace(' ', '%20')}")
    expect(page.locator("#mark")).to_be_enabled()
    page.keyboard.press("m")
    expect(answer(page)).to_contain_text("Refused: room room doesn't run")
