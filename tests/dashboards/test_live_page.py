"""The page as people see it: headless Chromium, the real server, a real Redis."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import redis
from msgspec.structs import replace
from playwright.sync_api import Browser, Locator, Page, expect

from readroom.messages import (
    EXPRESSIONS,
    LOOKS,
    NOT_READ,
    NOT_VISIBLE,
    STATES,
    TOO_SMALL,
    UNCERTAIN,
    Measure,
    Span,
)
from tests.dashboards.conftest import Watched
from tests.dashboards.running import Live, OwnRedis, live as running_live
from tests.dashboards.scene import Publisher, camera, person, recording, room_state

MARKUP = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
WAIT_MS = 15_000

#: The colour of a strip's pixel at a share of its width, and the one the style sheet names.
PIXEL = """(strip, [share, number]) => {
  const pen = strip.getContext("2d");
  const x = Math.min(strip.width - 2, Math.floor(strip.width * share));
  const [r, g, b] = pen.getImageData(x, 3, 1, 1).data;
  const hex = "#" + [r, g, b].map((value) => value.toString(16).padStart(2, "0")).join("");
  const style = getComputedStyle(document.documentElement);
  return [hex, style.getPropertyValue(`--state-${number}`).trim()];
}"""


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    expect.set_options(timeout=WAIT_MS)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def page(watched: Watched, live: Live) -> Iterator[Page]:
    """The open page; at the end its console was silent and nobody else was asked anything."""
    watched.page.goto(live.address)
    yield watched.page
    assert watched.complaints == []
    assert [url for url in watched.requests if not url.startswith(live.address)] == []


def row(page: Page, slot: int) -> Locator:
    return page.locator(f'#strips > li[data-key="{slot}"]')


def banner(page: Page) -> Locator:
    return page.locator("#banner")


def scroll_width(page: Page) -> int:
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width


def test_before_any_data_it_waits_for_the_first_camera(
    watched: Watched, own_redis: OwnRedis
) -> None:
    page = watched.page
    with running_live(own_redis.url) as live:
        page.goto(live.address)
        expect(page.locator("#empty-title")).to_have_text("Waiting for the first camera")
        expect(page.locator("#honesty")).to_contain_text("not what people felt")
        expect(banner(page)).to_be_hidden()


def test_the_right_strip_shows_the_right_state(page: Page, publisher: Publisher) -> None:
    for quarter in range(40):
        publisher.say(room_state(quarter / 4, [person(1, "neutral"), person(2, "sadness")]))
    expect(row(page, 2).locator(".readout")).to_have_text("looks sad")
    people = [person(1, "happiness", since_s=9.9), person(2, "sadness")]
    for quarter in range(40, 60):
        publisher.say(room_state(quarter / 4, people))
    expect(row(page, 1).locator(".readout")).to_have_text("looks happy")
    expect(row(page, 1).locator(".detail")).to_have_text("for 5 s · 82 % sure")
    expect(row(page, 2).locator(".readout")).to_have_text("looks sad")
    # A session that is 15 s old fills the left half of its strips.
    for slot, share, state in ((1, 0.48, "happiness"), (1, 0.2, "neutral"), (2, 0.48, "sadness")):
        found, wanted = (
            row(page, slot).locator(".strip").evaluate(PIXEL, [share, STATES.index(state)])
        )
        assert found == wanted, (slot, share)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("neutral", "looks neutral"),
        (UNCERTAIN, "can't tell"),
        (NOT_VISIBLE, "not in view"),
        (TOO_SMALL, "face too small to read"),
        (NOT_READ, "expression not read"),
        ("pensive", "pensive"),
    ],
)
def test_a_read_out_tells_what_is_known(
    page: Page, publisher: Publisher, state: str, words: str
) -> None:
    publisher.say(room_state(5.0, [person(1, state)]))
    expect(row(page, 1).locator(".readout")).to_have_text(words)


def test_valence_and_arousal_are_told_to_whoever_points_at_a_person_that_is_read(
    page: Page, publisher: Publisher
) -> None:
    people = [person(1, "sadness", affect=(-0.574, 0.031)), person(2, TOO_SMALL)]
    publisher.say(room_state(5.0, people))
    told = row(page, 1).locator(".detail")
    expect(told).to_have_attribute("title", re.compile(r"^Valence −0\.57, arousal \+0\.03, "))
    expect(row(page, 2).locator(".detail")).to_have_attribute("title", "")


def test_without_an_expression_network_the_page_says_so(page: Page, publisher: Publisher) -> None:
    publisher.say(room_state(5.0, [person(1, NOT_READ)], engines={"face": "haar"}))
    expect(page.locator("#engines")).to_have_text(
        "Expressions are not being read. Networks: face haar."
    )


def test_the_room_s_mix_has_shares_and_counts(page: Page, publisher: Publisher) -> None:
    states = ["happiness", "happiness", "neutral", UNCERTAIN, NOT_VISIBLE]
    people = [person(slot + 1, state) for slot, state in enumerate(states)]
    publisher.say(room_state(5.0, people))
    shares = page.locator("#mix-list > li")
    expect(shares).to_have_text(["neutral 1 · 25 %", "happy 2 · 50 %", "can't tell 1 · 25 %"])
    expect(page.locator("#figure-people")).to_have_text("4 of 5")
    expect(page.locator("#figure-coverage")).to_have_text("90 %")


def test_each_camera_s_health_is_told(page: Page, publisher: Publisher) -> None:
    lost = camera(
        "back",
        phase="retrying",
        reason="no picture for 5.0 s",
        source="rtsp://admin:hunter2@cam/1",
        dropped={"stale": 12, "undecodable": 3, "full": 0},
    )
    publisher.say(room_state(5.0, cameras=(camera("front"), lost)))
    front = page.locator('#camera-list > li[data-key="front"]')
    back = page.locator('#camera-list > li[data-key="back"]')
    expect(front.locator(".facts")).to_have_text(
        "1280×720 · 9.8 frames/s · 0.2 s behind · 3 in view · 1893 frames"
    )
    expect(back.locator(".pill")).to_have_text("lost, trying again")
    expect(back.locator(".trouble")).to_have_text("no picture for 5.0 s")
    expect(back.locator(".drops")).to_have_text("dropped: 12 too old, 3 unreadable")
    expect(back.locator(".source")).to_have_text("rtsp://***@cam/1")


def test_a_recording_s_end_is_told_with_its_whole_timeline(
    page: Page, publisher: Publisher
) -> None:
    for half in range(38):
        publisher.say(recording(half / 2, [person(1, "sadness" if half < 20 else "happiness")]))
    expect(page.locator("#phase")).to_have_text("playing")
    publisher.say(recording(19.1, [person(1, "happiness", since_s=10.0)], phase="closed"))
    expect(banner(page)).to_have_text(
        "The recording has ended at 0:19; this is its whole timeline."
    )
    expect(page.locator("#phase")).to_have_text("ended")
    expect(row(page, 1).locator(".readout")).to_have_text("in view for 19 s")
    expect(row(page, 1).locator(".detail")).to_have_text("happy 50 % · sad 50 %")
    for share, state in ((0.01, "sadness"), (0.4, "sadness"), (0.6, "happiness")):
        found, wanted = row(page, 1).locator(".strip").evaluate(PIXEL, [share, STATES.index(state)])
        assert found == wanted, share


def test_people_who_left_before_the_end_keep_their_strips(page: Page, publisher: Publisher) -> None:
    for half in range(20):
        publisher.say(recording(half / 2, [person(1, "sadness")]))
    publisher.happen("state_ended", slot=1, state="sadness", start_s=0.0, end_s=9.9)
    publisher.say(recording(10.0, phase="closed"))
    expect(row(page, 1).locator(".readout")).to_have_text("in view for 10 s")
    expect(row(page, 1).locator(".detail")).to_have_text("sad 100 %")
    expect(page.locator("#seen")).to_have_text("1 person seen.")


def test_a_closed_session_isn_t_called_silent(page: Page, publisher: Publisher) -> None:
    state = recording(19.1, [person(1, "happiness")], phase="closed", at=1_700_000_000.0)
    publisher.say(recording(0.5), state)
    expect(banner(page)).to_contain_text("has ended")


def test_silence_is_told_and_nothing_old_is_told_as_the_present(
    page: Page, publisher: Publisher
) -> None:
    old = room_state(30.0, [person(1, "happiness")])
    publisher.say(room_state(30.0, [person(1, "happiness")], at=old.at - 20))
    expect(banner(page)).to_contain_text(re.compile(r"No data since \d\d:\d\d:\d\d"))
    expect(row(page, 1).locator(".readout")).to_have_text("looked happy")
    expect(page.locator("#phase")).to_have_text("no data")
    expect(page.locator("#figure-coverage")).to_have_text("–")
    expect(page.locator("#seen")).not_to_contain_text("readable")
    publisher.say(room_state(31.0, [person(1, "happiness")]))
    expect(banner(page)).to_be_hidden()
    expect(row(page, 1).locator(".readout")).to_have_text("looks happy")


def test_a_redis_restart_is_told_and_survived(watched: Watched, own_redis: OwnRedis) -> None:
    page = watched.page
    with running_live(own_redis.url) as live:
        page.goto(live.address)
        with redis.Redis.from_url(own_redis.url) as client:
            Publisher(client).say(room_state(5.0, [person(1, "neutral")]))
        expect(row(page, 1).locator(".readout")).to_have_text("looks neutral")
        own_redis.stop()
        expect(banner(page)).to_contain_text("the data store (Redis) doesn't answer")
        own_redis.start()
        with redis.Redis.from_url(own_redis.url) as client:
            Publisher(client).say(room_state(15.0, [person(1, "surprise")]))
        expect(row(page, 1).locator(".readout")).to_have_text("looks surprised")
        expect(banner(page)).to_be_hidden()
    assert watched.complaints == []


def test_a_restarted_server_is_found_again(watched: Watched, publisher: Publisher) -> None:
    page = watched.page
    address = str(publisher.client.connection_pool.connection_kwargs["path"])
    with running_live(f"unix://{address}") as first:
        port = first.address.rstrip("/").rpartition(":")[2]
        page.goto(first.address)
        publisher.say(room_state(5.0, [person(1, "neutral")]))
        expect(row(page, 1)).to_be_visible()
    expect(banner(page)).to_contain_text("this page has lost its server")
    with running_live(f"unix://{address}", READROOM_HTTP__PORT=port):
        publisher.say(room_state(9.0, [person(1, "anger")]))
        expect(row(page, 1).locator(".readout")).to_have_text("looks angry")
        expect(banner(page)).to_be_hidden()


def test_another_session_begins_with_empty_strips(page: Page, publisher: Publisher) -> None:
    publisher.say(room_state(50.0, [person(1, "neutral"), person(2, "neutral")]))
    expect(page.locator("#strips > li")).to_have_count(2)
    publisher.say(room_state(1.0, [person(3, "neutral")], session="s2", title="Second talk"))
    expect(page.locator("#title")).to_have_text("Second talk")
    expect(page.locator("#strips > li")).to_have_count(1)


def test_markup_is_shown_as_text(page: Page, publisher: Publisher) -> None:
    nasty = camera(MARKUP, source=MARKUP, reason=MARKUP, dropped={MARKUP: 1})
    people = [person(1, MARKUP, pseudonym=MARKUP)]
    publisher.say(room_state(5.0, people, title=MARKUP, cameras=(nasty,), engines={"face": MARKUP}))
    publisher.happen("camera", camera=MARKUP, state=MARKUP)
    expect(page.locator("#title")).to_have_text(MARKUP)
    expect(page.locator(".camera-name")).to_have_text(MARKUP)
    expect(row(page, 1).locator(".name")).to_have_text(MARKUP)
    expect(page.locator("#event-list")).to_contain_text("<img src=x")
    assert page.locator("img").count() == 0
    assert page.title().startswith("<img")


def test_what_happens_is_listed_newest_first(page: Page, publisher: Publisher) -> None:
    publisher.say(room_state(40.0, [person(2, "neutral")]))
    expect(row(page, 2)).to_be_visible()
    publisher.happen("person_entered", slot=2, start_s=3.0, end_s=3.0)
    publisher.happen("state_ended", slot=2, state="happiness", start_s=12.0, end_s=24.5)
    publisher.happen("camera", camera="front", state="retrying", start_s=30.0, end_s=30.0)
    texts = page.locator("#event-list > li > span")
    expect(texts).to_have_text(
        ["Camera front: lost, trying again", "P2 looked happy for 13 s", "P2 came into view"]
    )


def test_looks_and_turns_of_the_room_are_told_with_how_sure_that_is(
    page: Page, publisher: Publisher
) -> None:
    publisher.say(room_state(40.0, [person(3, "neutral", pseudonym="P3")]))
    expect(row(page, 3)).to_be_visible()
    lasted = {"slot": 3, "start_s": 12.0, "end_s": 24.5, "confidence": 0.82}
    publisher.happen("look_ended", state="displeased", **lasted)
    # Dozens a minute: they stand beside the name while they go on.
    publisher.happen("action_ended", state="arms_crossed", **lasted)
    publisher.happen("merged", slot=3, state="P5", person=3, other=6)
    publisher.happen(
        "inflection",
        state="facing_front",
        figure="facing_front",
        measure=Measure(value=-0.12, low=-0.3, high=0.06, n=5, coverage=0.84),
    )
    publisher.happen("response", state="prices")
    answer = Measure(value=0.25, low=0.1, high=0.4, n=4, coverage=0.9)
    publisher.happen("response", state="prices", figure="facing_front", measure=answer)
    texts = page.locator("#event-list > li > span")
    expect(texts).to_have_text(
        [
            "After “prices”: a larger share of people faced the front by 0.25 (+0.10 to +0.40) "
            "than in the 5 s before, 4 people, readable 90 %",
            "After “prices”: too little was seen to say",
            "The room turned: a smaller share of people faced the front by 0.12 (−0.06 to +0.30), "
            "5 people, readable 84 %",
            "P3 and P5 are one person",
            "P3 looked displeased for 13 s, 82 % sure",
        ]
    )


def test_what_somebody_does_stands_beside_their_name(page: Page, publisher: Publisher) -> None:
    span = Span(since_s=3.0, confidence=0.9)
    busy = replace(
        person(1, "neutral"),
        look="attentive",
        look_since_s=30.0,
        actions={"nodding": span, "facing_front": span},
    )
    publisher.say(room_state(40.0, [busy, person(2, "neutral")]))
    doing = row(page, 1).locator(".doing")
    expect(doing).to_have_text("attentive-looking for 10 s · facing the front · nodding")
    expect(row(page, 2).locator(".doing")).to_be_hidden()
    publisher.say(room_state(41.0, [busy], phase="closed"))
    expect(doing).to_be_hidden()


def test_a_room_without_a_session_is_live_and_says_that_nothing_is_stored(
    page: Page, publisher: Publisher
) -> None:
    publisher.say(room_state(5.0, [person(1, "neutral")], phase="rolling", title=""))
    expect(page.locator("#phase")).to_have_text("live, nothing is stored")
    expect(banner(page)).to_have_text(
        "Nothing is stored until a session is started, here or by `readroom session start`."
    )
    expect(page.locator("#figure-people")).to_have_text("1 of 1")
    expect(page.locator("#mix-list > li")).to_have_text(["neutral 1 · 100 %"])
    publisher.say(room_state(1.0, [person(1, "neutral")], session="s2"))
    expect(banner(page)).to_be_hidden()


#: Of the page served for a workplace, and of one that learns it from the room.
PURPOSES_SAID = pytest.mark.parametrize("said", [{"READROOM_PURPOSE": "workplace"}, {}])


@PURPOSES_SAID
def test_a_page_for_a_workplace_is_drawn_without_a_word_for_an_emotion(
    watched: Watched, publisher: Publisher, redis_url: str, said: dict[str, str]
) -> None:
    # An aggregator of another version says what it may not: the page doesn't pass it on.
    leaky = replace(
        person(1, "anger", affect=(-0.5, 0.5)),
        look="displeased",
        actions={"brow_lowered": Span(since_s=1.0, confidence=0.9)},
    )
    with running_live(redis_url, **said) as started:
        watched.page.goto(started.address)
        publisher.say(room_state(40.0, [leaky], purpose="workplace", engines={}))
        expect(row(watched.page, 1).locator(".readout")).to_have_text("in view")
        expect(row(watched.page, 1).locator(".doing")).to_have_text("brows lowered")
        expect(watched.page.locator("#honesty")).to_contain_text("what they visibly do")
        publisher.happen("state_ended", slot=1, state="anger", confidence=0.8)
        lasted = {"start_s": 12.0, "end_s": 24.5, "confidence": 0.8}
        publisher.happen("look_ended", slot=1, state="turned_away", **lasted)
        expect(watched.page.locator("#event-list > li > span")).to_have_text(
            ["P1 was turned away for 13 s, 80 % sure"]
        )
        shown = watched.page.inner_text("body").lower()
        titles = watched.page.evaluate(
            "[...document.querySelectorAll('[title]')].map((one) => one.title).join(' ')"
        )
    for word in (*EXPRESSIONS, *LOOKS[:4], "happy", "valence", "arousal", "emotion"):
        assert word not in f"{shown} {titles.lower()}"
    assert watched.complaints == []


def test_a_page_that_was_silent_speaks_again_from_the_first_moment_on(
    page: Page, publisher: Publisher
) -> None:
    publisher.say(room_state(9.0, [person(1, NOT_READ)], purpose="education"))
    expect(row(page, 1).locator(".readout")).to_have_text("in view")
    for half in range(20):
        publisher.say(recording(half / 2, [person(1, "happiness")], session="s2"))
    expect(row(page, 1).locator(".readout")).to_have_text("looks happy")
    strip = row(page, 1).locator(".strip")
    strip.focus()
    page.keyboard.press("Home")
    expect(strip).to_have_attribute("aria-valuetext", "0:00: looked happy")


def test_who_has_left_is_called_as_they_are_called_now(
    browser: Browser, page: Page, live: Live, publisher: Publisher
) -> None:
    publisher.say(room_state(4.0, [replace(person(1, "neutral"), name="Anna")]))
    publisher.say(room_state(5.0, away={1: "Anna"}))
    expect(row(page, 1).locator(".name")).to_have_text("Anna")
    publisher.say(room_state(5.1, away={1: "P1"}))
    expect(row(page, 1).locator(".name")).to_have_text("P1")
    later = browser.new_page()
    later.goto(live.address)
    expect(row(later, 1).locator(".name")).to_have_text("P1")
    later.close()


def test_earlier_moments_can_be_read_with_the_keyboard(page: Page, publisher: Publisher) -> None:
    for half in range(41):
        state, since_s = ("neutral", 0.0) if half < 20 else ("happiness", 10.0)
        publisher.say(recording(half / 2, [person(1, state, since_s=since_s)]))
    expect(row(page, 1).locator(".readout")).to_have_text("looks happy")
    strip = row(page, 1).locator(".strip")
    strip.focus()
    page.keyboard.press("Home")
    expect(strip).to_have_attribute("aria-valuetext", "0:00: looked neutral")
    expect(row(page, 1).locator(".detail")).to_have_text("0:00: looked neutral")
    page.keyboard.press("End")
    expect(strip).to_have_attribute("aria-valuetext", "0:20: looked happy")
    page.keyboard.press("Escape")
    expect(strip).to_have_attribute("aria-valuetext", "looks happy")


def test_the_time_shown_can_be_chosen(page: Page, publisher: Publisher) -> None:
    states = [recording(half / 2, [person(1, "neutral")]) for half in range(401)]
    publisher.say(*states)
    strip = row(page, 1).locator(".strip")
    expect(strip).to_have_attribute("aria-valuemin", "20")
    page.get_by_label("1 min", exact=True).check()
    expect(strip).to_have_attribute("aria-valuemin", "140")
    page.get_by_label("10 min").check()
    expect(strip).to_have_attribute("aria-valuemin", "0")


@pytest.mark.parametrize("people", [0, 1, 5, 12, 32])
def test_any_number_of_people_fits_a_phone(
    browser: Browser, live: Live, publisher: Publisher, people: int
) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(live.address)
    long_source = "rtsp://***@" + "a" * 200 + ".example/stream"
    crowd = [person(slot + 1, "contempt", camera="front") for slot in range(people)]
    seen = camera(source=long_source, people=people, dropped={"stale": 123456})
    publisher.say(room_state(5.0, crowd, cameras=(seen,), title="W" * 80))
    expect(page.locator(".source")).to_have_text(long_source)
    expect(page.locator("#strips > li")).to_have_count(people)
    assert scroll_width(page) == 360
    page.close()


def test_a_hidden_page_lets_go_of_its_stream(page: Page, publisher: Publisher) -> None:
    publisher.say(room_state(5.0, [person(1, "neutral")]))
    expect(row(page, 1).locator(".readout")).to_have_text("looks neutral")
    look = """(state) => {
      Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
      Object.defineProperty(document, "hidden", { value: state === "hidden", configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    viewers = """async (count) => {
      const text = await (await fetch("/metrics")).text();
      return text.includes(`readroom_live_viewers{room="room"} ${count}.0`);
    }"""
    page.evaluate(look, "hidden")
    page.wait_for_function(viewers, arg=0)
    publisher.say(room_state(6.0, [person(1, "fear")]))
    page.evaluate(look, "visible")
    page.wait_for_function(viewers, arg=1)
    expect(row(page, 1).locator(".readout")).to_have_text("looks afraid")


def test_a_token_in_the_address_opens_the_page_and_leaves_the_address_bar(
    watched: Watched, redis_url: str, publisher: Publisher
) -> None:
    page, token = watched.page, "sixteen characters"
    with running_live(redis_url, READROOM_HTTP__HOST="0.0.0.0", READROOM_HTTP__TOKEN=token) as live:
        page.goto(f"{live.address}?token=sixteen%20characters")
        publisher.say(room_state(5.0, [person(1, "neutral")]))
        expect(row(page, 1).locator(".readout")).to_have_text("looks neutral")
        assert page.url == live.address
        assert page.evaluate("document.cookie") == ""
        page.reload()
        expect(row(page, 1).locator(".readout")).to_have_text("looks neutral")
        assert watched.complaints == []
