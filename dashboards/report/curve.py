"""The room's curve as a picture: thinned to what can be seen, with its band, gaps and markers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from readroom.dashboards.report.markup import Markup, element, joined
from readroom.dashboards.report.material import Material
from readroom.dashboards.report.spans import binned
from readroom.dashboards.report.summary import fine
from readroom.dashboards.report.words import Words
from readroom.messages import Event, Measure
from readroom.sessions.arrays import Flags, Floats
from readroom.words import clock, percent, seconds, signed

#: Points of a curve at most, and how wide one is at least, s: measures come once a second.
MOST_POINTS: Final = 1200
LEAST_S: Final = 1.0
#: The thin line's points are means over at least so long, s, and there are at most so many.
THIN_S: Final = 5.0
THIN_POINTS: Final = 400
#: Fewer people are no room.
MIN_PEOPLE: Final = 2
#: The picture's own units.
WIDTH: Final = 1000
HEIGHT: Final = 240
#: Two numbers of markers stand this far apart at least, share of the width.
LEAST_APART: Final = 0.03


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve: n points at ``time_s``; NaN where nothing is known. ``low`` and ``high`` are the
    ends of its interval. ``thin`` is the means of short stretches, ``thin_s`` each long. ``bottom``
    and ``top`` are the ends of the scale."""

    time_s: Floats
    value: Floats
    low: Floats
    high: Floats
    thin: Floats
    thin_s: float
    bottom: float
    top: float

    @property
    def known(self) -> bool:
        """Whether there is anything to draw."""
        return bool(np.isfinite(self.value).any() or np.isfinite(self.thin).any())


def curve(material: Material) -> Curve:
    """The room's main measure as stored, once a second (of the minute before), and the mean over
    people of short stretches; of one person, only theirs."""
    name = "facing_front" if material.without_emotion else "valence"
    rows = [row for row in material.measures if row.name == name]
    table = np.array(
        [
            [row.time_s, *(math.nan if v is None else v for v in _values(row.measure))]
            for row in rows
        ]
    ).reshape(-1, 4)
    time_s, value, low, high = thinned(table, material.end_s)
    thin_s = max(THIN_S, material.end_s / THIN_POINTS) if material.end_s > 60 else LEAST_S
    thin = _thin(material, name, thin_s)
    bottom, top = (0.0, 1.0) if material.without_emotion else _scale([low, high, value, thin])
    return Curve(time_s, value, low, high, thin, thin_s, bottom, top)


def thinned(table: Floats, end_s: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Time, value, low, high of rows [n, 4], as means over at most MOST_POINTS even stretches of
    0 to ``end_s``; where nothing is known in one, NaN."""
    width_s = max(LEAST_S, end_s / MOST_POINTS)
    count = max(1, min(MOST_POINTS, math.ceil(end_s / width_s)))
    index = np.clip((table[:, 0] / width_s).astype(np.int64), 0, count - 1)
    known = np.isfinite(table[:, 1])
    number = np.bincount(index[known], minlength=count)
    means = [
        np.where(
            number > 0,
            np.bincount(index[known], np.nan_to_num(table[known, column]), minlength=count)
            / np.maximum(number, 1),
            np.nan,
        )
        for column in (1, 2, 3)
    ]
    middles: Floats = np.arange(count, dtype=np.float64) * width_s + width_s / 2
    return middles, means[0], means[1], means[2]


def picture(material: Material, found: Curve, words: Words) -> Markup:
    """The picture with its scales; what it shows is said in words, too."""
    end_s = max(material.end_s, 1e-6)
    lines = joined(
        element("title", _title(material, words), id="curve-title"),
        element("desc", _described(material, found, words), id="curve-desc"),
        _path("zero", f"M0 {_y(found, 0.0)}H{WIDTH}") if found.bottom < 0 < found.top else None,
        _path("marker", marker_lines(material, HEIGHT)),
        _path("band", "".join(_band(found, end_s))),
        _path(
            "line" if len(material.people) == 1 else "thin",
            _line(_middles(found), found.thin, found, end_s),
        ),
        _path("line", _line(found.time_s, found.value, found, end_s)),
    )
    svg = element(
        "svg",
        lines,
        viewbox=f"0 0 {WIDTH} {HEIGHT}",
        preserveaspectratio="none",
        role="img",
        aria_labelledby="curve-title curve-desc",
    )
    flags = element("div", *numbers(material), class_="flags", aria_hidden="true")
    signs = element("div", *_signs(material, found, end_s), class_="signs", aria_hidden="true")
    scale = element(
        "div",
        element("span", f"{_spelled(found.top, material)} {words.say('curve_up')}"),
        element("span", f"{_spelled(found.bottom, material)} {words.say('curve_down')}"),
        class_="scale",
        aria_hidden="true",
    )
    return joined(flags, element("div", svg, signs, scale, class_="plot"), time_axis(material))


def marker_lines(material: Material, height: float) -> str:
    """A path of a line at each marker, in WIDTH units."""
    places = {round(_x(m.time_s, material.end_s), 1) for m in material.markers}
    return "".join(f"M{x:g} 0V{height:g}" for x in sorted(places) if 0 <= x <= WIDTH)


def numbers(material: Material) -> Iterator[Markup]:
    """The markers' numbers, where there is room for them."""
    last = -1.0
    for number, marker in enumerate(material.markers, 1):
        share = marker.time_s / material.end_s if material.end_s > 0 else 0.0
        if share - last >= LEAST_APART and share <= 1:
            yield element("span", str(number), style=f"left:{100 * share:.2f}%")
            last = share


def time_axis(material: Material) -> Markup:
    """Times below a picture, at even steps."""
    step_s = _step(material.end_s)
    ticks = []
    for place in range(int(material.end_s / step_s) + 1 if material.end_s > 0 else 1):
        share = place * step_s / material.end_s if material.end_s > 0 else 0.0
        if share <= 0.96 or not place:
            label = clock(place * step_s, fine=fine(material) and step_s < 1)
            ticks.append(element("span", label, style=f"left:{100 * share:.2f}%"))
    return element("div", *ticks, class_="axis", aria_hidden="true")


def _values(measure: Measure) -> tuple[float | None, float | None, float | None]:
    return measure.value, measure.low, measure.high


def _thin(material: Material, name: str, width_s: float) -> Floats:
    """The mean over people of each stretch, [n]; NaN where fewer than two are known (one, where
    there is only one)."""
    count = max(1, math.ceil(material.end_s / width_s))
    if not material.people:
        return np.full(count, np.nan)
    rows = np.array(
        [
            binned(p.track, p.track.valence if name == "valence" else p.track.front, count, width_s)
            for p in material.people
        ]
    )
    known = np.isfinite(rows).sum(axis=0)
    total = np.nansum(rows, axis=0)
    enough = known >= min(MIN_PEOPLE, len(material.people))
    return np.where(enough, total / np.maximum(known, 1), np.nan)


def _scale(parts: Sequence[Floats]) -> tuple[float, float]:
    """A scale around 0 that holds everything, in quarters."""
    known = np.concatenate([part[np.isfinite(part)] for part in parts])
    reach = float(np.abs(known).max()) if len(known) else 0.0
    top = min(1.0, max(0.25, math.ceil(reach * 4) / 4))
    return -top, top


def _x(at_s: float, end_s: float) -> float:
    return WIDTH * at_s / end_s if end_s > 0 else 0.0


def _y(found: Curve, value: float) -> str:
    share = (found.top - value) / (found.top - found.bottom)
    return f"{HEIGHT * min(1.0, max(0.0, share)):.1f}"


def _path(name: str, d: str) -> Markup | None:
    return element("path", class_=name, d=d) if d else None


def _middles(found: Curve) -> Floats:
    middles: Floats = np.arange(len(found.thin), dtype=np.float64) * found.thin_s + found.thin_s / 2
    return middles


def _stretches(known: Flags) -> Iterator[tuple[int, int]]:
    """Begin and end of each run of what is known."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(np.int8), [0]])))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        yield int(begin), int(end)


def _line(time_s: Floats, value: Floats, found: Curve, end_s: float) -> str:
    parts = []
    for begin, end in _stretches(np.isfinite(value)):
        points = [f"{_x(time_s[n], end_s):.1f} {_y(found, value[n])}" for n in range(begin, end)]
        # A single point is seen by its round cap.
        parts.append("M" + "L".join(points if len(points) > 1 else points * 2))
    return "".join(parts)


def _band(found: Curve, end_s: float) -> Iterator[str]:
    for begin, end in _stretches(np.isfinite(found.low) & np.isfinite(found.high)):
        if end - begin < 2:
            continue
        there = [
            f"{_x(found.time_s[n], end_s):.1f} {_y(found, found.high[n])}"
            for n in range(begin, end)
        ]
        back = [
            f"{_x(found.time_s[n], end_s):.1f} {_y(found, found.low[n])}"
            for n in range(end - 1, begin - 1, -1)
        ]
        yield f"M{'L'.join([*there, *back])}Z"


def _signs(material: Material, found: Curve, end_s: float) -> Iterator[Markup]:
    """Turns and peaks, above the curve."""
    name = "facing_front" if material.without_emotion else "valence"
    for event in material.events:
        if event.kind in ("inflection", "peak") and (event.figure or event.state) == name:
            sign = "◆" if event.kind == "peak" else "▼" if _fell(event) else "▲"
            share = min(1.0, max(0.0, event.start_s / end_s))
            yield element("span", sign, style=f"left:{100 * share:.2f}%")


def _fell(event: Event) -> bool:
    return event.measure is not None and (event.measure.value or 0.0) < 0


def _title(material: Material, words: Words) -> str:
    key = "curve_what_one" if len(material.people) == 1 else "curve_what"
    return words.say("curve_title", what=words.say(key), length=seconds(material.end_s))


def _described(material: Material, found: Curve, words: Words) -> str:
    values = found.value if np.isfinite(found.value).any() else found.thin
    known = values[np.isfinite(values)]
    if not len(known):
        return words.say("curve_empty")
    moments = sum(event.kind in ("inflection", "peak") for event in material.events)
    return words.say(
        "curve_desc",
        low=_spelled(float(known.min()), material),
        high=_spelled(float(known.max()), material),
        first=_spelled(float(known[0]), material),
        last=_spelled(float(known[-1]), material),
        markers=len(material.markers),
        moments=moments,
        known=percent(len(known) / len(values)),
    )


def _spelled(value: float, material: Material) -> str:
    return percent(value) if material.without_emotion else signed(value)


def _step(end_s: float) -> float:
    """A round step that makes 4 to 10 ticks."""
    for step_s in (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400):
        if end_s / step_s <= 8:
            return float(step_s)
    return end_s / 8
