"""States and looks as Grafana shows them: numbers and labels become the page's words and colours.

Where no emotion may be inferred, only what is plain has a word.
"""

from __future__ import annotations

from readroom.dashboards.grafana.colours import of_look, of_state
from readroom.dashboards.grafana.panels import JSON
from readroom.messages import LOOKS, STATES
from readroom.metrics import LOOK_VALUES, STATE_VALUES
from readroom.words import vocabulary


def state_words(without_emotion: bool) -> dict[int, tuple[str, str]]:
    """Value of readroom_person_state → label and colour."""
    said = vocabulary(without_emotion).states
    return {
        STATE_VALUES[state]: (said[state]["label"], of_state(state))
        for state in STATES
        if state in said
    }


def look_words(without_emotion: bool) -> dict[int, tuple[str, str]]:
    """Value of readroom_person_look → label and colour."""
    said = vocabulary(without_emotion).looks
    return {
        LOOK_VALUES[look]: (said[look]["label"], of_look(look)) for look in LOOKS if look in said
    }


def share_looks(without_emotion: bool) -> dict[str, JSON]:
    """Label ``look`` → how its series is shown."""
    said = vocabulary(without_emotion).looks
    return {look: _series(said[look]["label"], of_look(look)) for look in LOOKS if look in said}


def mix_looks() -> dict[str, JSON]:
    """Label ``expression`` → how its series is shown, for rooms that may read expressions."""
    said = vocabulary(False).states
    return {state: _series(said[state]["label"], of_state(state)) for state in STATES}


def _series(label: str, colour: str) -> JSON:
    return {"displayName": label, "color": {"mode": "fixed", "fixedColor": colour}}
