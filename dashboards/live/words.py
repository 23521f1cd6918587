"""The live page's words: what it needs of the vocabulary, as ``/words`` serves it.

Placeholders in braces are filled by the page (static/words.js), as text and never as markup.
"""

from __future__ import annotations

from typing import Final, TypedDict

from readroom.dashboards.live.history import PersonSample
from readroom.messages import ON_PURPOSE, STATES
from readroom.words import ChangeWords, StateWords, Vocabulary, vocabulary


class Scale(TypedDict):
    """How a measure of the room is drawn: from ``low`` to ``high``. ``sampled`` is where a person's
    own figure stands in a history.PersonSample, None where it doesn't."""

    measure: str
    low: float
    high: float
    sampled: int | None


_FIELDS: Final = PersonSample.__struct_fields__

#: The room's measures as they are drawn; the first that may be named is the gauge's.
_SCALES: Final[tuple[Scale, ...]] = (
    {"measure": "valence", "low": -1.0, "high": 1.0, "sampled": _FIELDS.index("valence")},
    {"measure": "facing_front", "low": 0.0, "high": 1.0, "sampled": _FIELDS.index("facing")},
    {"measure": "expressiveness", "low": 0.0, "high": 1.0, "sampled": None},
    {"measure": "synchrony", "low": -1.0, "high": 1.0, "sampled": None},
)
#: Looks that a speaker is told of when somebody turns to one.
_TURNING: Final = ("displeased", "puzzled", "turned_away")


class Words(TypedDict):
    """Everything the page says. ``order`` is that of a sample's state numbers, null for a state
    that may not be named. ``turning`` are looks that a speaker is told of; frames that are dropped
    for a reason ``on_purpose`` aren't lost."""

    order: tuple[str | None, ...]
    states: dict[str, StateWords]
    looks: dict[str, StateWords]
    actions: dict[str, StateWords]
    measures: dict[str, str]
    changes: dict[str, ChangeWords]
    deviations: dict[str, str]
    phases: dict[str, str]
    drops: dict[str, str]
    sentences: dict[str, str]
    scales: tuple[Scale, ...]
    turning: tuple[str, ...]
    on_purpose: tuple[str, ...]


def page_words(without_emotion: bool) -> Words:
    """The page's words; ``without_emotion``: no expression may be named."""
    words = vocabulary(without_emotion)
    return {
        "order": tuple(state if state in words.states else None for state in STATES),
        "states": dict(words.states),
        "looks": dict(words.looks),
        "actions": dict(words.actions),
        "measures": dict(words.measures),
        "changes": dict(words.changes),
        "deviations": dict(words.deviations),
        "phases": dict(words.phases),
        "drops": dict(words.drops),
        "sentences": _sentences(words),
        "scales": tuple(scale for scale in _SCALES if scale["measure"] in words.measures),
        "turning": tuple(look for look in _TURNING if look in words.looks),
        "on_purpose": ON_PURPOSE,
    }


def _sentences(words: Vocabulary) -> dict[str, str]:
    events = {f"event_{kind}": text for kind, text in words.events.items()}
    return {**words.page, **events, "change": words.room["change"]}
