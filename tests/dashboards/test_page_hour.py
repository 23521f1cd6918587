"""An hour in one page: what it holds after twelve minutes is what it holds after sixty.

Played fast, with a state every 3 s; `make bench ARGS="--only page"` plays all of them, holds the
heap to within a tenth and measures how long tasks take.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace
from playwright.sync_api import Page

from benchmarks.page import held
from readroom.messages import EXPRESSIONS, NOT_VISIBLE, TOO_SMALL, UNCERTAIN, Event, PersonState
from readroom.streams import add
from tests.dashboards.conftest import Watched
from tests.dashboards.running import Live
from tests.dashboards.scene import Publisher, person, room_state

PEOPLE: Final = 12
#: The page keeps ten minutes.
FULL_S, HOUR_S = 720, 3600
STEP_S: Final = 3.0
#: What may be held at the end, as a multiple of what was held after twelve minutes. The heap has
#: compiled code in it, which goes on coming: twelve minutes are over in a few seconds here. Of the
#: objects some hundred are there or not as the browser likes.
MOST: Final = {"objects": 1.2, "nodes": 1.1, "listeners": 1.1, "heap_mb": 1.2}
#: States that go to the page before it is waited for. With more of them, or of events, the server
#: would send everything anew, and the page throw away what it should be seen to bound.
AT_ONCE: Final = 6
STATES: Final = (*EXPRESSIONS, UNCERTAIN, NOT_VISIBLE, TOO_SMALL)
#: Resolves once the page's title is the one that is named.
_TITLED: Final = """(wanted) => new Promise((done) => {
  const title = document.querySelector("h1");
  const watch = new MutationObserver(() => look());
  const look = () => {
    if (title.textContent !== wanted) return;
    watch.disconnect();
    done();
  };
  watch.observe(title, { childList: true, characterData: true, subtree: true });
  look();
})"""


def somebody(slot: int, time_s: float) -> PersonState:
    """Changes every few seconds, each person at their own pace; a third come back as others."""
    lasts_s = 16.0 + 3 * slot
    turn = int(time_s // lasts_s)
    who = slot + PEOPLE * int(time_s // (200 + 10 * slot)) if slot % 3 == 0 else slot
    state = STATES[(turn * 7 + slot) % len(STATES)]
    since_s = turn * lasts_s
    return replace(
        person(slot, state, since_s=since_s, coverage=0.5 + 0.04 * slot),
        person=who,
        valence=0.1 * (turn % 7 - 3),
        arousal=0.1 * (turn % 5),
        look="attentive" if turn % 2 else "cant_tell",
        look_since_s=since_s,
    )


def events(publisher: Publisher, time_s: float) -> list[Event]:
    """Whose state has ended by now, and a marker a minute."""
    session = f"s1-{publisher.mark}"
    told = []
    for slot in range(1, PEOPLE + 1):
        lasts_s = 16.0 + 3 * slot
        ended_s = time_s // lasts_s * lasts_s
        if ended_s > time_s - STEP_S and ended_s >= lasts_s:
            before = somebody(slot, ended_s - lasts_s)
            told.append(
                Event(
                    room="room", session=session, kind="state_ended", start_s=ended_s - lasts_s,
                    end_s=ended_s, slot=slot, state=before.state, confidence=0.8,
                    person=before.person,
                )
            )  # fmt: skip
    if time_s % 60 < STEP_S:
        told.append(
            Event(
                room="room", session=session, kind="marker", start_s=time_s, end_s=time_s,
                state=f"slide {time_s // 60:.0f}",
            )
        )  # fmt: skip
    return told


def play(publisher: Publisher, page: Page, from_s: float, to_s: float) -> None:
    """Publish a stretch of the hour, and wait until the page shows its end."""
    count = int((to_s - from_s) / STEP_S)
    for number in range(count + 1):
        time_s = from_s + number * STEP_S
        for event in events(publisher, time_s):
            add(publisher.client, publisher.keys.events, event, maxlen=5000)
        everybody = [somebody(slot, time_s) for slot in range(1, PEOPLE + 1)]
        publisher.say(room_state(time_s, everybody, title=f"Second {time_s:.1f}"))
        if number % AT_ONCE == 0 or number == count:
            page.evaluate(_TITLED, f"Second {time_s:.1f}")


def test_an_hour_of_twelve_people_leaves_no_more_behind_than_its_first_minutes(
    watched: Watched, live: Live, publisher: Publisher
) -> None:
    page = watched.page
    page.goto(live.address)
    tools = page.context.new_cdp_session(page)
    play(publisher, page, 0.0, FULL_S)
    full = held(tools)
    play(publisher, page, FULL_S + STEP_S, HOUR_S)
    end = held(tools)
    grown = {name: end[name] / full[name] for name in MOST}
    assert all(grown[name] <= most for name, most in MOST.items()), (grown, full, end)
    assert watched.complaints == []
