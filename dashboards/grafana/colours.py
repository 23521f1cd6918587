"""The live page's colours, read from its style sheet: one state is one colour everywhere.

Grafana knows one colour for both of its themes; those of the page's dark one can be seen on either.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

import readroom.dashboards.live as live_page
from readroom.messages import (
    EXPRESSIONS,
    LOOKS,
    NOT_READ,
    NOT_VISIBLE,
    STATES,
    TOO_SMALL,
    UNCERTAIN,
)

_STYLE: Final = Path(live_page.__file__).parent / "static" / "style.css"
_COLOUR: Final = re.compile(r"--([\w-]+): (#[0-9a-fA-F]{6});")
#: What is no expression is a shade of grey: the less is known, the darker.
_GREYS: Final = {
    UNCERTAIN: "#b9bec4",
    TOO_SMALL: "#8b9097",
    NOT_READ: "#6b7178",
    NOT_VISIBLE: "#3f444a",
}
#: A look has the colour of the expression that it is nearest to, and grey where nothing is told.
_LOOKS: Final = {
    "attentive": "good",
    "puzzled": "state-2",
    "displeased": "state-4",
    "amused": "state-1",
    "turned_away": "state-3",
}


@cache
def _page() -> dict[str, str]:
    """The page's colours by name; its dark scheme is written behind its light one."""
    return dict(_COLOUR.findall(_STYLE.read_text("utf-8")))


def of_state(state: str) -> str:
    """The colour of one of STATES, as ``#rrggbb``."""
    return _page()[f"state-{STATES.index(state)}"] if state in EXPRESSIONS else _GREYS[state]


def of_look(look: str) -> str:
    """The colour of one of LOOKS, as ``#rrggbb``."""
    if look not in LOOKS:
        raise KeyError(look)
    return _page()[_LOOKS[look]] if look in _LOOKS else _GREYS[UNCERTAIN]
