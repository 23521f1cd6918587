"""The live page's words: what it needs of the vocabulary, as ``/words`` serves it.

Placeholders in braces are filled by the page (static/words.js), as text and never as markup.
"""

from __future__ import annotations

from typing import TypedDict

from readroom.messages import STATES
from readroom.words import StateWords, vocabulary


class Words(TypedDict):
    """Everything the page says. ``order`` is that of a sample's state numbers, null for a state
    that may not be named."""

    order: tuple[str | None, ...]
    states: dict[str, StateWords]
    looks: dict[str, StateWords]
    actions: dict[str, StateWords]
    measures: dict[str, str]
    deviations: dict[str, str]
    phases: dict[str, str]
    drops: dict[str, str]
    sentences: dict[str, str]


def page_words(without_emotion: bool) -> Words:
    """The page's words; ``without_emotion``: no expression may be named."""
    words = vocabulary(without_emotion)
    events = {f"event_{kind}": text for kind, text in words.events.items()}
    return {
        "order": tuple(state if state in words.states else None for state in STATES),
        "states": dict(words.states),
        "looks": dict(words.looks),
        "actions": dict(words.actions),
        "measures": dict(words.measures),
        "deviations": dict(words.deviations),
        "phases": dict(words.phases),
        "drops": dict(words.drops),
        "sentences": {**words.page, **events},
    }
