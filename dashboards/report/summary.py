"""The summary in words: what can be said, who too little was seen of, and nothing beyond."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from readroom.dashboards.report.changes import Table, named
from readroom.dashboards.report.facts import Facts, course, most_after
from readroom.dashboards.report.material import Material
from readroom.dashboards.report.words import Words, listed
from readroom.messages import EXPRESSIONS, Event
from readroom.words import clock, event_sentence, percent, seconds, signed

#: People, and changes at markers, that have a sentence of their own.
MOST_PEOPLE: Final = 8
MOST_CHANGES: Final = 5
#: Looks in the order in which they are worth telling; being turned away is told of the head.
_TOLD: Final = ("displeased", "puzzled", "amused")
#: Actions that say no more than that somebody sat there.
_USUAL: Final = frozenset({"still", "facing_front", "facing_away"})
#: Up to this length times are told to the tenth of a second, s.
FINE_S: Final = 120.0
_MOST_ACTIONS: Final = 3


def summary(material: Material, people: Sequence[Facts], table: Table, words: Words) -> list[str]:
    """Sentences, the most important first."""
    if not people:
        return [words.say("nobody")]
    told = [*_seen(material, people, words)]
    chosen = sorted(people, key=_worth, reverse=True)[:MOST_PEOPLE]
    told += [sentence for found in people if found in chosen
             for sentence in _person(material, found, words)]  # fmt: skip
    if len(people) > len(chosen):
        count = len(people) - len(chosen)
        told.append(words.say("other" if count == 1 else "others", count=count))
    told += _markers(material, table, words)
    told += _turn(material, words)
    return told


def fine(material: Material) -> bool:
    """Whether times are told to the tenth of a second."""
    return material.end_s <= FINE_S


def _worth(found: Facts) -> tuple[bool, float, float]:
    """Who comes first: who looked displeased, puzzled or amused the longest."""
    return found.enough, sum(found.looks.get(look, 0.0) for look in _TOLD), found.readable_s


def _seen(material: Material, people: Sequence[Facts], words: Words) -> Iterator[str]:
    length = seconds(material.end_s)
    there = sum(found.there_s for found in people)
    share = percent(sum(found.readable_s for found in people) / there if there else 0.0)
    if len(people) == 1:
        seen, readable = (
            words.say("seen_one", length=length),
            words.say("readable_one", percent=share),
        )
        yield f"{seen} {readable} {words.say('one_room')}"
        return
    shares = sorted(found.coverage for found in people)
    least, most = percent(shares[0]), percent(shares[-1])
    key = "readable" if least == most else "readable_range"
    readable = words.say(key, percent=share, least=least, most=most)
    yield f"{words.say('seen', count=len(people), length=length)} {readable}"


def _person(material: Material, found: Facts, words: Words) -> Iterator[str]:
    if material.without_emotion:
        yield _did(found, words)
        return
    who, readable = found.person.label, seconds(found.readable_s)
    if not found.enough:
        yield words.say("too_little", who=who, readable=readable, there=seconds(found.there_s))
        return
    basis = {"who": who, "readable": readable, "percent": percent(found.coverage)}
    told = " ".join([_looked(material, found, words, basis), *_course(material, found, words)])
    yield told


def _looked(material: Material, found: Facts, words: Words, basis: dict[str, str]) -> str:
    first = [look for look in _TOLD if found.looks.get(look, 0.0) >= found.least_s]
    first.sort(key=lambda look: -found.looks[look])
    also = ["attentive"] if found.looks.get("attentive", 0.0) >= found.least_s else []
    if not first and not also:
        return _expressed(found, words, basis)
    clauses = [
        words.say("look_for", look=_bare(words, look), duration=seconds(found.looks[look]))
        for look in [*first, *also]
    ]
    most = most_after(material, found, first[0]) if first else None
    if most is None:
        return words.say("looked", looks=listed(clauses), **basis)
    # "most of it" is about one look only.
    where = words.say(f"most_{most[0]}", label=most[1])
    one = words.say("looked_most", looks=clauses[0], most=where, **basis)
    if len(clauses) == 1:
        return one
    return f"{one[:-1]}; {listed(clauses[1:])}."


def _expressed(found: Facts, words: Words, basis: dict[str, str]) -> str:
    states = {state: time for state, time in found.states.items() if state in EXPRESSIONS}
    if not states:
        there = seconds(found.there_s)
        return words.say("too_little", there=there, who=basis["who"], readable=basis["readable"])
    state = max(states, key=lambda name: states[name])
    label = words.vocabulary.states[state]["past"].removeprefix("looked ")
    return words.say("state_mostly", state=label, duration=seconds(states[state]), **basis)


def _course(material: Material, found: Facts, words: Words) -> Iterator[str]:
    parts = course(found)
    if len(parts) < 2:
        return
    told = []
    for part in parts:
        fields = {
            "state": words.vocabulary.states[part.state]["past"].removeprefix("looked "),
            "start": clock(part.start_s, fine=fine(material)),
            "end": clock(part.end_s, fine=fine(material)),
        }
        told.append(words.say("course_part_last" if part.last else "course_part", **fields))
    yield words.say("course", parts=listed(told))


def _did(found: Facts, words: Words) -> str:
    there = seconds(found.there_s)
    if found.in_view_s <= 0:
        return words.say("too_little", who=found.person.label, readable=seconds(0), there=there)
    front = ""
    if found.front is not None:
        known = seconds(found.front_known_s)
        front = words.say("did_front", percent=percent(found.front), known=known)
    told = words.say(
        "did", who=found.person.label, in_view=seconds(found.in_view_s), there=there, front=front
    )
    acted = {a: time for a, time in found.actions.items() if a not in _USUAL and time >= 1.0}
    longest = sorted(acted, key=lambda name: -acted[name])[:_MOST_ACTIONS]
    if not longest:
        return told
    clauses = [
        words.say(
            "did_action", action=words.vocabulary.actions[a]["past"], duration=seconds(acted[a])
        )
        for a in longest
    ]
    return f"{told} {words.say('did_actions', actions=listed(clauses))}"


def _markers(material: Material, table: Table, words: Words) -> Iterator[str]:
    if not material.markers:
        yield words.say("no_markers")
        return
    found = named(table)
    if not found:
        yield _no_change(table, words)
        return
    for place, change in found[:MOST_CHANGES]:
        value, low, high = change.value or 0.0, change.low or 0.0, change.high or 0.0
        if value < 0:
            value, low, high = -value, -high, -low
        yield words.say(
            "named",
            label=material.markers[place].label,
            who=material.labels[change.person],
            direction=words.say(f"direction_{change.verdict}"),
            value=f"{value:.2f}",
            low=signed(low),
            high=signed(high),
        )
    if len(found) > MOST_CHANGES:
        yield words.say("named_more", count=len(found) - MOST_CHANGES)


def _no_change(table: Table, words: Words) -> str:
    """That nothing was found, and in how many comparisons something could have been: where nothing
    can be told, nothing is ruled out."""
    if not table.telling:
        return words.say("named_unknown")
    key = "named_none_one" if table.comparisons == 1 else "named_none"
    return words.say(key, telling=table.telling, all=table.comparisons)


def _turn(material: Material, words: Words) -> Iterator[str]:
    """The largest turn of the room, where there was one that could be measured."""
    turns = [e for e in material.events if e.kind == "inflection" and _size(e) > 0]
    if not turns:
        return
    largest = max(turns, key=_size)
    try:
        sentence = event_sentence(words.vocabulary, largest, material.labels)
    except KeyError:
        return
    time = clock(largest.start_s, fine=fine(material))
    yield words.say("turn", time=time, sentence=f"{sentence}.")


def _size(event: Event) -> float:
    return abs(event.measure.value) if event.measure and event.measure.value is not None else 0.0


def _bare(words: Words, look: str) -> str:
    return words.vocabulary.looks[look]["past"].removeprefix("looked ")
