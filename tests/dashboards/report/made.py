"""Sessions made of scripted faces and written to a store, for tests of the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from readroom.aggregator.room_data import RoomData
from readroom.aggregator.rows import SessionRows
from readroom.aggregator.session import Session
from readroom.aggregator.store import Store
from readroom.messages import Box, Event, Measure, Probabilities
from readroom.sessions.rows import MarkerRow, MeasureRow, PersonRow, Sample
from readroom.sessions.timelines import Timelines

#: Unix s at which the sessions start: 15 January 2027, 08:00 UTC.
START = 1_800_000_000.0
HZ = 4
#: Markup that must be shown and never be run, as long as a title may be.
MARKUP = '<script>alert("x")</script><img src=x onerror=alert(1)>\u202e&amp;\x00'
LONG = "Ä" * 300


@dataclass
class Made:
    """A session in the making; see :func:`faces` for a person's timeline."""

    name: str = "s1"
    title: str = "A talk"
    purpose: str | None = "research"
    closed: bool = True
    rows: SessionRows = field(init=False)

    def __post_init__(self) -> None:
        of = Session(self.name, self.title, START, recording=False, closed=self.closed)
        self.rows = SessionRows("room", of, purpose=self.purpose)

    def person(
        self,
        valence: Sequence[float | None] | NDArray[np.float64],
        *,
        name: str | None = None,
        from_s: float = 0.0,
        slot: int | None = None,
        merged_into: int | None = None,
        **changes: object,
    ) -> int:
        """Add somebody whose face had these valences, HZ a second; None: not in view. Returns the
        number."""
        number = len(self.rows.people) + 1
        left_s = from_s + len(valence) / HZ
        row = PersonRow(number, slot or number, "front", from_s, left_s, ("front",))
        self.rows.people.append(replace(row, merged_into=merged_into, name=name))
        self.rows.samples += [
            replace(sample, **changes)  # type: ignore[arg-type]
            for sample in faces(number, valence, from_s, plain=self.purpose == "workplace")
        ]
        return number

    def mark(self, time_s: float, label: str) -> None:
        """Mark a moment."""
        self.rows.markers.append(MarkerRow(f"m{len(self.rows.markers)}", time_s, label))

    def event(self, kind: str, start_s: float, end_s: float, **fields: object) -> None:
        """Let something happen."""
        made = Event(room="room", session=self.name, kind=kind, start_s=start_s, end_s=end_s)
        self.rows.events.append(_with(made, fields))

    def measured(self, values: Sequence[float | None], name: str = "valence") -> None:
        """What was said of the room, once a second; the interval is ± 0.1."""
        for second, value in enumerate(values):
            known = value is not None
            measure = Measure(
                value=value,
                low=value - 0.1 if known else None,  # type: ignore[operator]
                high=value + 0.1 if known else None,  # type: ignore[operator]
                n=3 if known else 1,
                coverage=0.9,
            )
            self.rows.measures.append(MeasureRow(float(second), name, measure))

    def into(self, folder: Path) -> Timelines:
        """Write it to a store."""
        with Store(folder) as store:
            data = RoomData(room="room", session=self.rows.session)
            store.commit([self.rows], data, START + 60)
        return Timelines(folder)


def faces(
    person: int,
    valence: Sequence[float | None] | NDArray[np.float64],
    from_s: float = 0.0,
    *,
    plain: bool = False,
) -> Iterator[Sample]:
    """One person's points; a face is a mixture of neutral with happiness or sadness, and facing the
    front where the valence isn't below 0."""
    for tick, value in enumerate(valence):
        time_s = from_s + tick / HZ
        box = Box(10.0, 10.0, 64.0, 64.0)
        if value is None or value != value:
            yield Sample(person, time_s, "not_visible", 0.0, None, 0.5, box)
            continue
        front = frozenset({"facing_front"} if value >= 0 else ())
        measured = frozenset({"facing_front", "nodding"})
        if plain:
            yield Sample(
                person, time_s, "not_read", 0.0, None, 1.0, box, "cant_tell", front, measured
            )
            continue
        state, look = named(float(value))
        yield Sample(
            person, time_s, state, 0.8, mixture(float(value)), 1.0, box, look, front, measured
        )


def named(valence: float) -> tuple[str, str]:
    """The state and look of a face of that valence."""
    if valence > 0.4:
        return "happiness", "amused"
    if valence < -0.3:
        return "sadness", "displeased"
    return "neutral", "attentive"


def mixture(valence: float) -> Probabilities:
    """Probabilities whose valence it is (readroom.affect: happiness .81, sadness −.63)."""
    happy, sad = max(0.0, valence) / 0.81, max(0.0, -valence) / 0.63
    return (1 - happy - sad, happy, 0.0, sad, 0.0, 0.0, 0.0, 0.0)


def walk(dice: np.random.Generator, seconds: float, *, keeps: float = 0.97) -> NDArray[np.float64]:
    """A face that drifts: each point resembles the one before; valence within −.6 and .7."""
    count = int(seconds * HZ)
    steps = dice.standard_normal(count) * np.sqrt(1 - keeps**2)
    found = np.empty(count)
    found[0] = dice.standard_normal()
    for n in range(1, count):
        found[n] = keeps * found[n - 1] + steps[n]
    return np.clip(0.15 * found, -0.6, 0.7)


def _with(event: Event, fields: dict[str, object]) -> Event:
    import msgspec

    return msgspec.structs.replace(event, **fields)
