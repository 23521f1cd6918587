"""The moments that stand out, of what the aggregator found: each as the sentence it stands for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from readroom.dashboards.report.material import Material
from readroom.dashboards.report.words import Words
from readroom.messages import Event
from readroom.words import event_sentence

#: How many of each kind are listed at most.
MOST: Final = {"inflection": 6, "peak": 4, "deviation": 5, "look_ended": 8, "action_ended": 6}
#: Looks that are listed where they lasted long; the others are what one expects.
LOOKS: Final = frozenset({"displeased", "puzzled", "amused"})
#: Actions that are listed where no look may be named.
ACTIONS: Final = frozenset({"nodding", "shaking_head", "hand_raised", "arms_crossed", "talking"})
#: Of one person and look, or measurement, so many at most.
ALIKE: Final = 2
#: Shorter looks and actions don't stand out, s.
LEAST_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Moment:
    """Something from ``start_s`` to ``end_s``, as a sentence."""

    start_s: float
    end_s: float
    kind: str
    sentence: str


def moments(material: Material, words: Words) -> list[Moment]:
    """The largest turns, peaks and deviations and the longest looks (without emotion: actions), in
    order of time. What the words don't name isn't listed."""
    found: list[Moment] = []
    for kind, most in MOST.items():
        worth = _worth(kind, material.without_emotion)
        ranked = sorted(
            (event for event in material.events if event.kind == kind and worth(event) > 0),
            key=lambda event: -worth(event),
        )
        chosen = list(_various(ranked))[:most]
        found += [told for event in chosen for told in _told(event, material, words)]
    return sorted(found, key=lambda moment: (moment.start_s, moment.end_s))


def _various(ranked: Iterable[Event]) -> Iterator[Event]:
    """Not more than ALIKE of the same of the same person."""
    seen: Counter[tuple[int | None, str | None]] = Counter()
    for event in ranked:
        seen[event.person, event.state] += 1
        if event.person is None or seen[event.person, event.state] <= ALIKE:
            yield event


def _worth(kind: str, without_emotion: bool) -> Callable[[Event], float]:
    if kind in ("look_ended", "action_ended"):
        if (kind == "action_ended") is not without_emotion:
            return lambda event: 0.0
        wanted = ACTIONS if kind == "action_ended" else LOOKS
        return lambda event: _lasted(event) if event.state in wanted else 0.0
    return _size


def _lasted(event: Event) -> float:
    lasted_s = event.end_s - event.start_s
    return lasted_s if lasted_s >= LEAST_S else 0.0


def _size(event: Event) -> float:
    return abs(event.measure.value) if event.measure and event.measure.value is not None else 0.0


def _told(event: Event, material: Material, words: Words) -> list[Moment]:
    try:
        sentence = event_sentence(words.vocabulary, event, material.labels)
    except KeyError:
        return []
    return [Moment(event.start_s, event.end_s, event.kind, sentence)]
