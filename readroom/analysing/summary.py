"""What an analysis found, in a few words: who looked how, for how long, and how much of it could
be read. The report (``--report``) says more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from readroom.messages import NOT_VISIBLE
from readroom.sessions.rows import Sample
from readroom.sessions.timelines import StoredPerson, Timelines, whole_people
from readroom.words import Vocabulary, clock, percent, seconds

#: What lasted less in all isn't worth a word, s.
LEAST_S: Final = 0.5
#: States that are told of a person, and people that are told of, at most.
MOST_STATES: Final = 4
MOST_PEOPLE: Final = 12
#: Time that a sample's coverage speaks for: the window it is taken over, s.
COVERAGE_WINDOW_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class PersonSummary:
    """One person: what they are called, when they were there (session time, s), the share of that
    in which the face could be read, and how long they were in which state, s, longest first."""

    person: int
    called: str
    from_s: float
    to_s: float
    coverage: float
    states_s: dict[str, float]


@dataclass(frozen=True, slots=True)
class Summary:
    """A session in a few words; ``coverage`` is the mean over people, None without any."""

    session: str
    title: str
    length_s: float
    frames: int
    dropped: dict[str, int]
    people: tuple[PersonSummary, ...]
    markers: tuple[tuple[float, str], ...]

    @property
    def coverage(self) -> float | None:
        """The mean over people, None without any."""
        if not self.people:
            return None
        return sum(person.coverage for person in self.people) / len(self.people)


def summarise(timelines: Timelines, session: str) -> Summary:
    """Read a stored session; people who turned out to be one are one."""
    stored = next(one for one in timelines.sessions() if one.name == session)
    events, people = timelines.events(session), timelines.people(session)
    whole = whole_people(people)
    cameras = timelines.cameras(session)
    length_s = max((event.end_s for event in events if event.kind == "session_closed"), default=0.0)
    states: dict[int, dict[str, float]] = {}
    for event in events:
        if event.kind == "state_ended" and event.person is not None and event.state:
            found = states.setdefault(whole.get(event.person, event.person), {})
            lasted_s = event.end_s - event.start_s
            found[event.state] = found.get(event.state, 0.0) + lasted_s
    dropped: Counter[str] = Counter()
    for camera in cameras:
        dropped.update(camera.dropped)
    return Summary(
        session=session,
        title=stored.title,
        length_s=length_s,
        frames=sum(camera.frames for camera in cameras),
        dropped=dict(dropped),
        people=tuple(
            _person(one, states.get(one.person, {}), timelines, session, length_s)
            for one in people
            if one.merged_into is None
        ),
        markers=tuple((row.time_s, row.label) for row in timelines.markers(session)),
    )


def _person(
    one: StoredPerson, states: dict[str, float], timelines: Timelines, session: str, end_s: float
) -> PersonSummary:
    return PersonSummary(
        person=one.person,
        called=one.name or one.pseudonym,
        from_s=one.entered_s,
        to_s=end_s if one.left_s is None else one.left_s,
        coverage=coverage(timelines.samples(session, one.person)),
        states_s=dict(sorted(states.items(), key=lambda each: -each[1])),
    )


def coverage(samples: Sequence[Sample]) -> float:
    """The share of somebody's whole presence in which the face could be read, 0..1, of samples in
    order of time. Each one's coverage is that of the minute before it: so minutes are taken from
    the end backwards, the first one for as much of it as there was."""
    if not samples:
        return 0.0
    first_s, at_s = samples[0].time_s, samples[-1].time_s
    if at_s == first_s:
        return samples[-1].coverage
    readable_s = 0.0
    for sample in reversed(samples):
        if sample.time_s <= at_s:
            length_s = min(COVERAGE_WINDOW_S, sample.time_s - first_s)
            readable_s += sample.coverage * length_s
            at_s = sample.time_s - COVERAGE_WINDOW_S
    return min(1.0, readable_s / (samples[-1].time_s - first_s))


def lines(summary: Summary, words: Vocabulary) -> Iterator[str]:
    """The summary for people."""
    if not summary.people:
        yield (
            f"nobody's face was found in {seconds(summary.length_s)} ({pictures(summary.frames)}): "
            "faces have to be lit, turned to the camera, and some 30 px wide"
        )
        return
    for person in summary.people[:MOST_PEOPLE]:
        said = _states(person, words) or "nothing lasted long enough to be told"
        yield (
            f"{person.called} ({clock(person.from_s)} to {clock(person.to_s)}): {said}; "
            f"face readable for {percent(person.coverage)} of the time"
        )
    left = len(summary.people) - MOST_PEOPLE
    if left > 0:
        yield f"and {left} more"


def pictures(count: int) -> str:
    """``1 picture``, ``40 pictures``."""
    return "1 picture" if count == 1 else f"{count} pictures"


def _states(person: PersonSummary, words: Vocabulary) -> str:
    told = [
        (state, length_s)
        for state, length_s in person.states_s.items()
        if length_s >= LEAST_S and state != NOT_VISIBLE
    ]
    return ", ".join(
        f"{words.states[state]['past']} for {seconds(length_s)}"
        for state, length_s in told[:MOST_STATES]
    )


def as_data(summary: Summary) -> dict[str, Any]:
    """The summary for machines."""
    return {**asdict(summary), "coverage": summary.coverage}
