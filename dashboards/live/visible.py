"""What the page is handed where no emotion may be inferred (readroom.purpose): what is visible.

Nothing of the kind should come from the aggregator then. What comes all the same, from a box of
another version or another purpose, stops here: what isn't known to be plain (readroom.messages) is
left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from readroom.messages import (
    NOT_READ,
    PLAIN_ENGINES,
    PLAIN_LOOKS,
    PLAIN_MEASURES,
    PLAIN_STATES,
    Event,
    PersonState,
    RoomState,
)
from readroom.words import event_sentence, vocabulary

_WORDS: Final = vocabulary(True)
#: What a look is that may not be named.
_NO_LOOK: Final = "cant_tell"


def visible_only(room: RoomState) -> RoomState:
    """The state without any expression, figure derived from one, or look that names an emotion."""
    return replace(
        room,
        people=tuple(_visible_person(person) for person in room.people),
        shares=_visible_shares(room.shares),
        engines={name: model for name, model in room.engines.items() if name in PLAIN_ENGINES},
        measures={name: value for name, value in room.measures.items() if name in PLAIN_MEASURES},
        look_shares={name: s for name, s in room.look_shares.items() if name in PLAIN_LOOKS},
    )


def _visible_person(person: PersonState) -> PersonState:
    named = person.state in PLAIN_STATES
    return replace(
        person,
        state=person.state if named else NOT_READ,
        confidence=person.confidence if named else 0.0,
        expression=None,
        valence=None,
        arousal=None,
        look=person.look if person.look in PLAIN_LOOKS else _NO_LOOK,
        actions={name: span for name, span in person.actions.items() if name in _WORDS.actions},
    )


def _visible_shares(shares: Mapping[str, float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for state, share in shares.items():
        name = state if state in PLAIN_STATES else NOT_READ
        found[name] = found.get(name, 0.0) + share
    return found


def is_visible(event: Event) -> bool:
    """Whether an event names nothing but what is visible."""
    try:
        event_sentence(_WORDS, event, {})
    except KeyError:
        return False
    return True
