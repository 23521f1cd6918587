"""How large a session gets: an hour of twelve people, as a busy room fills it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from readroom.aggregator.room_data import RoomData
from readroom.aggregator.rows import SessionRows
from readroom.aggregator.store import Store
from readroom.messages import MEASURES
from readroom.sessions.rows import MeasureRow, PersonRow
from readroom.sessions.timelines import Timelines
from tests.aggregator.made import START
from tests.aggregator.stored import event, measure, sample, session

PEOPLE = 12
SECONDS = 3600
HZ = 4
#: Mean time between two ends of a person's states, looks and actions, s: livelier than real.
EVENTS_S = {"state_ended": 4.0, "look_ended": 6.0, "action_ended": 2.0}
LIMIT_BYTES = 40_000_000


@pytest.mark.slow
def test_an_hour_of_twelve_people_fits_forty_megabytes(tmp_path: Path) -> None:
    dice = random.Random(1)
    of = session()
    with Store(tmp_path) as store:
        # What is measured is where rows come to lie, which syncing doesn't change.
        store._connection.execute("PRAGMA synchronous=OFF")
        for half in range(2 * SECONDS):
            rows = SessionRows("room", of, purpose="audience")
            if half == 0:
                rows.people += [
                    PersonRow(n, n, "front-left", 0.0, None, ("front-left", "side-right"))
                    for n in range(1, PEOPLE + 1)
                ]
            fill(rows, half / 2, dice)
            store.commit([rows], RoomData(room="room", session=of), START)
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    timelines = Timelines(tmp_path)
    assert len(timelines.samples("s1", 7)) == SECONDS * HZ
    assert len(timelines.measures("s1")) == SECONDS * len(MEASURES)
    events = len(timelines.events("s1"))
    print(f"{size / 1e6:.1f} MB with {events} events")
    assert events > 35_000
    assert size <= LIMIT_BYTES


def measured(dice: random.Random) -> dict[str, object]:
    """What some of the events say."""
    if dice.random() >= 0.1:
        return {}
    return {"figure": "expressiveness", "measure": measure(dice.random(), 12, dice.random())}


def fill(rows: SessionRows, time_s: float, dice: random.Random) -> None:
    """Half a second of the room."""
    for person in range(1, PEOPLE + 1):
        # No two cameras' frames fall on the same instant.
        rows.samples += [sample(person, time_s + n / HZ + dice.random() / 50, dice) for n in (0, 1)]
        for kind, every_s in EVENTS_S.items():
            if dice.random() < 0.5 / every_s:
                rows.events.append(
                    event(
                        kind,
                        time_s - dice.random() * every_s,
                        time_s,
                        slot=person,
                        person=person,
                        camera="front-left",
                        state="hand_at_face",
                        confidence=dice.random(),
                        **measured(dice),
                    )
                )
    if time_s % 1 == 0:
        for name in MEASURES:
            figure = measure(dice.random() - 0.5, dice.randrange(13), dice.random())
            rows.measures.append(MeasureRow(time_s, name, figure))
