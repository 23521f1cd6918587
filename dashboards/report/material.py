"""What a report is made of: one session, read once from the store and put in order.

People who turned out to be one are one here. Where two views of theirs told of the same moment,
the kept one's counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from readroom.dashboards.report.spans import BIN_S, Track, lasting
from readroom.messages import ACTIONS, EXPRESSIONS, WITHOUT_EMOTION, Event
from readroom.sessions.arrays import Points
from readroom.sessions.choosing import named
from readroom.sessions.rows import MarkerRow, MeasureRow, NoteRow
from readroom.sessions.timelines import (
    StoredCamera,
    StoredPerson,
    StoredSession,
    Timelines,
    whole_people,
)

#: Step of a session without two points of one person, s: the usual one.
_USUAL_STEP_S: Final = 0.25
_NEUTRAL: Final = EXPRESSIONS.index("neutral")
_FRONT: Final = 1 << ACTIONS.index("facing_front")


@dataclass(frozen=True, slots=True)
class Person:
    """One person. ``label`` is what the report calls them: their name, else the pseudonym, with
    the number where two would be called alike. ``left_s`` None: still there when last written."""

    number: int
    label: str
    name: str | None
    entered_s: float
    left_s: float | None
    cameras: tuple[str, ...]
    track: Track


@dataclass(frozen=True, slots=True)
class Material:
    """A session. ``people`` in order of entering; ``labels`` maps everybody's number, also of who
    was merged, to a label. ``end_s`` is how far it goes; ``step_s`` the time between two points."""

    session: StoredSession
    people: tuple[Person, ...]
    labels: dict[int, str]
    cameras: tuple[StoredCamera, ...]
    markers: tuple[MarkerRow, ...]
    events: tuple[Event, ...]
    measures: tuple[MeasureRow, ...]
    notes: tuple[NoteRow, ...]
    end_s: float
    step_s: float

    @property
    def without_emotion(self) -> bool:
        """Whether nothing may be said of expressions."""
        return self.session.purpose in WITHOUT_EMOTION

    @property
    def running(self) -> bool:
        """Whether it goes on, as far as the store knows."""
        return self.session.state == "open"

    @property
    def points(self) -> int:
        """How many points its timelines have."""
        return sum(len(person.track) for person in self.people)

    @property
    def bins(self) -> int:
        """Half seconds from 0 to the end."""
        return int(np.ceil(self.end_s / BIN_S)) + 1


def read(timelines: Timelines, name: str) -> Material:
    """Read a session. Raises BadSettings where there is none of that name."""
    session = named(timelines.sessions(), name)
    points = timelines.arrays(name)
    stored = timelines.people(name)
    whole = whole_people(stored)
    events = tuple(timelines.events(name))
    measures = tuple(timelines.measures(name))
    markers = tuple(timelines.markers(name))
    step_s = _step(points)
    # Markers don't count: one may stand ahead of what has been seen.
    ends = [float(points.time_s.max()) + step_s] if len(points) else []
    ends += [event.end_s for event in events] + [row.time_s for row in measures]
    people, labels = _people(stored, whole, points, step_s, session.purpose in WITHOUT_EMOTION)
    return Material(
        session=session,
        people=people,
        labels=labels,
        cameras=tuple(timelines.cameras(name)),
        markers=markers,
        events=events,
        measures=measures,
        notes=tuple(timelines.notes(name)),
        end_s=max(ends, default=0.0),
        step_s=step_s,
    )


def _people(
    stored: Sequence[StoredPerson],
    whole: dict[int, int],
    points: Points,
    step_s: float,
    without_emotion: bool,
) -> tuple[tuple[Person, ...], dict[int, str]]:
    rows = {row.person: row for row in stored}
    kept = [row for row in stored if whole[row.person] == row.person]
    called = Counter(row.name or row.pseudonym for row in kept)
    labels, people = {}, []
    for row in kept:
        label = row.name or row.pseudonym
        labels[row.person] = label if called[label] == 1 else f"{label} (no. {row.person})"
    for row in kept:
        parts = [rows[number] for number, into in whole.items() if into == row.person]
        left = [part.left_s for part in parts]
        people.append(
            Person(
                number=row.person,
                label=labels[row.person],
                name=row.name,
                entered_s=min(part.entered_s for part in parts),
                left_s=None if None in left else max(s for s in left if s is not None),
                cameras=tuple(dict.fromkeys(c for part in parts for c in part.cameras)),
                track=_track(
                    points, [p.person for p in parts], row.person, step_s, without_emotion
                ),
            )
        )
    return tuple(people), {number: labels[into] for number, into in whole.items() if into in labels}


def _track(
    points: Points, numbers: list[int], kept: int, step_s: float, without_emotion: bool
) -> Track:
    """The timeline of somebody who was these numbers; ``kept``'s points go first."""
    if len(numbers) == 1:
        begin, end = np.searchsorted(points.person, (kept, kept + 1))
        mine = points.of(np.arange(begin, end))
    else:
        mine = points.of(np.isin(points.person, numbers))
        moments = (mine.time_s / BIN_S).astype(np.int64)
        first = mine.person == kept
        mine = mine.of(first | ~np.isin(moments, moments[first]))
        mine = mine.of(np.argsort(mine.time_s, kind="stable"))
    valence = np.full(len(mine), np.nan) if without_emotion else mine.affect()[0]
    known = (mine.measured & _FRONT) > 0
    return Track(
        time_s=mine.time_s,
        lasts_s=lasting(mine.time_s, step_s),
        state=mine.state,
        look=mine.look,
        valence=valence,
        expressive=np.where(np.isfinite(valence), 1.0 - mine.expression[:, _NEUTRAL], np.nan),
        front=np.where(known, ((mine.actions & _FRONT) > 0).astype(np.float64), np.nan),
        actions=mine.actions,
        measured=mine.measured,
    )


def _step(points: Points) -> float:
    """The usual time between two points of one person, s."""
    same = np.diff(points.person) == 0
    steps = np.diff(points.time_s)[same]
    steps = steps[steps > 0]
    return float(np.median(steps)) if len(steps) else _USUAL_STEP_S
