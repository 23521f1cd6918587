"""An hour in one page: what it holds after twelve minutes is what it holds after sixty.

Played fast, with a state every 3 s (every second until all of the page's code has been run for
long enough to be compiled, which takes memory of its own); `make bench ARGS="--only page"` plays all of them and
measures how long its tasks take.
"""

from __future__ import annotations

import re
import time
from typing import Final

from msgspec.structs import replace
from playwright.sync_api import Page, expect

from benchmarks.page import held
from readroom.messages import EXPRESSIONS, NOT_VISIBLE, TOO_SMALL, UNCERTAIN, Event, PersonState
from readroom.streams import add
from tests.dashboards.conftest import Watched
from tests.dashboards.running import Live
from tests.dashboards.scene import Publisher, person, room_state

PEOPLE: Final = 12
#: The page keeps ten minutes.
FULL_S, HOUR_S = 720, 3600
FIRST_STEP_S, STEP_S = 1.0, 3.0
#: Real time between two states, s: slower than the server follows, so that each goes its own way.
PACE_S: Final = 0.003
STATES: Final = (*EXPRESSIONS, UNCERTAIN, NOT_VISIBLE, TOO_SMALL)
#: Far more than it takes.
WAIT_MS: Final = 30_000


def somebody(slot: int, time_s: float) -> PersonState:
    """Changes every few seconds, each person at their own pace; a third come back as others."""
    lasts_s = 5.0 + slot
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


def events(publisher: Publisher, time_s: float, step_s: float) -> list[Event]:
    """Whose state has ended by now, and a marker a minute."""
    session = f"s1-{publisher.mark}"
    told = []
    for slot in range(1, PEOPLE + 1):
        lasts_s = 5.0 + slot
        ended_s = time_s // lasts_s * lasts_s
        if ended_s > time_s - step_s and ended_s >= lasts_s:
            before = somebody(slot, ended_s - lasts_s)
            told.append(
                Event(
                    room="room", session=session, kind="state_ended", start_s=ended_s - lasts_s,
                    end_s=ended_s, slot=slot, state=before.state, confidence=0.8,
                    person=before.person,
                )
            )  # fmt: skip
    if time_s % 60 < step_s:
        told.append(
            Event(
                room="room", session=session, kind="marker", start_s=time_s, end_s=time_s,
                state=f"slide {time_s // 60:.0f}",
            )
        )  # fmt: skip
    return told


def play(publisher: Publisher, page: Page, from_s: float, to_s: float, step_s: float) -> None:
    """Publish a stretch of the hour, and wait until the page shows its end."""
    steps = [from_s + n * step_s for n in range(int((to_s - from_s) / step_s) + 1)]
    title = ""
    for time_s in steps:
        title = f"Second {time_s:.1f}"
        for event in events(publisher, time_s, step_s):
            add(publisher.client, publisher.keys.events, event, maxlen=5000)
        everybody = [somebody(slot, time_s) for slot in range(1, PEOPLE + 1)]
        publisher.say(room_state(time_s, everybody, title=title))
        time.sleep(PACE_S)
    expect(page.locator("h1")).to_have_text(re.compile(re.escape(title)), timeout=WAIT_MS)


def test_an_hour_of_twelve_people_leaves_no_more_behind_than_its_first_minutes(
    watched: Watched, live: Live, publisher: Publisher
) -> None:
    page = watched.page
    page.goto(live.address)
    tools = page.context.new_cdp_session(page)
    play(publisher, page, 0.0, FULL_S, FIRST_STEP_S)
    full = held(tools)
    play(publisher, page, FULL_S + STEP_S, HOUR_S, STEP_S)
    end = held(tools)
    assert end["heap_mb"] <= 1.1 * full["heap_mb"], (full, end)
    assert end["nodes"] <= 1.1 * full["nodes"], (full, end)
    assert end["listeners"] <= 1.1 * full["listeners"], (full, end)
    assert watched.complaints == []
