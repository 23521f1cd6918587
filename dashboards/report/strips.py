"""A strip for each person: two bands over time, states above and looks below, with the markers.

What is no expression is a grey pattern, as on the live page, so that "can't tell" never looks like
a result. The picture is stretched to the page's width, so that nothing in it is text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from readroom.dashboards.report.curve import WIDTH, marker_lines
from readroom.dashboards.report.facts import Facts
from readroom.dashboards.report.markup import Markup, element, joined
from readroom.dashboards.report.material import Material
from readroom.dashboards.report.spans import Span, Track, painted
from readroom.dashboards.report.words import Words, listed
from readroom.messages import EXPRESSIONS, LOOKS, NOT_READ, NOT_VISIBLE, STATES
from readroom.sessions.arrays import Numbers
from readroom.words import percent, seconds

#: Strips at most; who was there more briefly has none.
MOST: Final = 40
#: Columns of a strip: about one for each px on a desktop's page.
COLUMNS: Final = 600
#: The bands in the picture's own units: top and height.
STATE_BAND: Final = (0, 20)
LOOK_BAND: Final = (22, 10)
HEIGHT: Final = 32
#: Looks that are painted; nothing is painted where nothing can be told.
_PAINTED: Final = LOOKS[:-1]
#: Where no expression may be read, somebody in view is painted plainly, in the first colour.
_PLAIN_STATES: Final = tuple(EXPRESSIONS[0] if s == NOT_READ else s for s in STATES)

#: What the patterns are made of, by state; each is a tile of 8 × 8.
_TILES: Final = {
    "uncertain": "M-2 2L2 -2M0 8L8 0M6 10L10 6",
    "too_small": "M2 2h.01M6 6h.01",
    "not_read": "M0 4H8",
}


def patterns() -> Markup:
    """The patterns' definitions, once for the whole page."""
    tiles = [
        Markup(
            f'<pattern id="tile-{name}" width="8" height="8" patternUnits="userSpaceOnUse">'
            f'<rect width="8" height="8" class="tile-ground"/><path d="{d}" class="tile-{name}"/>'
            "</pattern>"
        )
        for name, d in _TILES.items()
    ]
    return element(
        "svg", element("defs", *tiles), class_="hidden", width="0", height="0", aria_hidden="true"
    )


def strip(material: Material, found: Facts, words: Words, number: int) -> Markup:
    """One person's picture; ``number`` makes its ids unlike the others'."""
    track, end_s = found.person.track, material.end_s
    title, desc = f"strip-{number}", f"strip-{number}-desc"
    plain = words.vocabulary.without_emotion
    below = _heads(track) if plain else track.look
    states = _PLAIN_STATES if plain else STATES
    shapes = [
        *_paths(painted(track, track.state, end_s, COLUMNS), states, "state", STATE_BAND, end_s),
        *_paths(painted(track, below, end_s, COLUMNS), _PAINTED, "look", LOOK_BAND, end_s),
        element("path", class_="marker", d=marker_lines(material, HEIGHT) or None),
    ]
    return element(
        "svg",
        element("title", words.say("strip_title", who=found.person.label,
                                   length=seconds(end_s)), id=title),
        element("desc", described(found, words), id=desc),
        *shapes,
        viewbox=f"0 0 {WIDTH} {HEIGHT}",
        preserveaspectratio="none",
        role="img",
        aria_labelledby=f"{title} {desc}",
        class_="strip",
    )  # fmt: skip


def described(found: Facts, words: Words) -> str:
    """What the strip shows, in words: each state with how long."""
    known = words.vocabulary.states
    parts = [
        f"{known[state]['past']} ({seconds(time)})"
        for state, time in sorted(found.states.items(), key=lambda each: -each[1])
        if state in known
    ]
    return words.say("strip_desc", who=found.person.label, states=listed(parts))


def legend(people: Sequence[Facts], words: Words) -> Markup:
    """What the colours and patterns stand for, of those that occur."""
    known = words.vocabulary
    occur = [s for s in STATES if s in known.states and any(s in f.states for f in people)]
    looks = [k for k in _PAINTED if k in known.looks and any(k in f.looks for f in people)]
    states = _PLAIN_STATES if known.without_emotion else STATES
    above = [(_paint("state", states[STATES.index(s)]), known.states[s]["label"]) for s in occur]
    below = [(_paint("look", look), known.looks[look]["label"]) for look in looks]
    if known.without_emotion and any(found.front for found in people):
        below.insert(0, (_paint("look", LOOKS[0]), known.actions["facing_front"]["label"]))
    return joined(
        _legend_line("legend_states", above, words),
        _legend_line("legend_looks", below, words) if below else None,
    )


def _heads(track: Track) -> Numbers:
    """Where no expression may be read: the front faced in the place of the first look, turned away,
    and nothing."""
    heads: Numbers = np.where(track.front == 1, 0, len(LOOKS) - 1)
    away = LOOKS.index("turned_away")
    return np.where(track.look == away, away, heads)


def _legend_line(key: str, painted_as: Sequence[tuple[str, str]], words: Words) -> Markup:
    items = [element("li", _swatch(paint), label) for paint, label in painted_as]
    head = f"{words.say(key)}: {words.say(f'{key}_what')}"
    return element(
        "div", element("p", head, class_="small"), element("ul", *items), class_="legend"
    )


def _swatch(paint: str) -> Markup:
    rect = Markup(f'<rect width="18" height="12" class="{paint}"/>')
    return element("svg", rect, class_="swatch", width="18", height="12", aria_hidden="true")


def _paint(kind: str, name: str) -> str:
    """The class that paints a state or a look."""
    if kind == "look":
        return f"look-{LOOKS.index(name)}"
    if name in EXPRESSIONS:
        return f"state-{STATES.index(name)}"
    return f"state-{name}"


def _paths(
    found: Sequence[Span], names: Sequence[str], kind: str, band: tuple[int, int], end_s: float
) -> Iterator[Markup]:
    """One path for each value that occurs: a rectangle for each run."""
    top, height = band
    for value in sorted({span.value for span in found}):
        if value >= len(names):
            continue
        name = names[value]
        # Who isn't in view is a thin line and no band.
        y, tall = (top + height / 2 - 0.5, 1.0) if name == NOT_VISIBLE else (top, height)
        d = "".join(
            f"M{_place(span.start_s, end_s)} {y:g}H{_place(span.end_s, end_s)}v{tall:g}"
            f"H{_place(span.start_s, end_s)}z"
            for span in found
            if span.value == value
        )
        yield element("path", class_=_paint(kind, name), d=d)


def _place(at_s: float, end_s: float) -> str:
    return f"{WIDTH * min(1.0, max(0.0, at_s / end_s)) if end_s > 0 else 0:.1f}".removesuffix(".0")


def share(found: Facts) -> str:
    """Beside the strip: the share of the time there that could be read."""
    return percent(found.coverage)
