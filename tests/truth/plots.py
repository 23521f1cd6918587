"""A timeline drawn beside its labels: bands of colour over time, no pictures of people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import Patch

#: Colours that people who confuse red and green can tell apart (Wong 2011), and greys for what is
#: no expression and no look.
_ORANGE, _SKY, _GREEN, _YELLOW = "#e69f00", "#56b4e9", "#009e73", "#f0e442"
_BLUE, _RED, _PINK, _BROWN = "#0072b2", "#d55e00", "#cc79a7", "#7f5539"
COLOURS: Final[Mapping[str, str]] = {
    "neutral": _SKY,
    "happiness": _ORANGE,
    "surprise": _YELLOW,
    "sadness": _BLUE,
    "anger": _RED,
    "disgust": _GREEN,
    "fear": _PINK,
    "contempt": _BROWN,
    "attentive": _SKY,
    "amused": _ORANGE,
    "displeased": _BLUE,
    "puzzled": _PINK,
    "turned_away": _BROWN,
    "uncertain": "#d9d9d9",
    "cant_tell": "#d9d9d9",
    "not_visible": "#969696",
    "too_small": "#bdbdbd",
    "not_read": "#f0f0f0",
    "on": "#525252",
    "off": "#ededed",
}
#: Height of a row and of the rest, inches; width of the picture.
_ROW, _REST, _WIDTH = 0.34, 1.1, 9.0


class Band(NamedTuple):
    """From when to when (s) something of this name holds; ``doubt`` 0..1 pales it."""

    start_s: float
    end_s: float
    name: str
    doubt: float


class Curve(NamedTuple):
    """An action's smoothed value (None: not told) at ``times`` s, in its ``unit``, its thresholds
    (enter, leave), and when it is labelled and said."""

    action: str
    unit: str
    thresholds: tuple[float, float]
    times: Sequence[float]
    levels: Sequence[float | None]
    labels: Sequence[Band]
    said: Sequence[Band]


Rows = Sequence[tuple[str, Sequence[Band], Sequence[Band]]]


def draw(name: str, lasts_s: float, people: Mapping[str, Rows], path: Path) -> None:
    """Write the picture of one timeline, a block for each person."""
    count = sum(len(rows) for rows in people.values()) + len(people)
    with mpl.rc_context({"font.size": 8, "svg.hashsalt": "timeline"}):
        figure = Figure(figsize=(_WIDTH, _ROW * count + _REST), dpi=100, layout="constrained")
        axes: Any = figure.subplots()
        used = _draw_people(axes, people)
        axes.set(xlim=(0, lasts_s), xlabel="seconds", title=name)
        axes.invert_yaxis()
        axes.grid(axis="x", color="#e5e5e5", linewidth=0.5)
        axes.set_axisbelow(True)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        patches = [Patch(color=COLOURS[one], label=one.replace("_", " ")) for one in used]
        figure.legend(handles=patches, loc="outside lower center", ncols=7, frameon=False)
        figure.savefig(path, metadata={"Software": None})


def draw_curves(name: str, curves: Sequence[Curve], path: Path) -> None:
    """Write the values of one person's actions, one above the other: dashed lines are the
    thresholds, the upper band the labels, the lower one the read-out."""
    with mpl.rc_context({"font.size": 8, "svg.hashsalt": "timeline"}):
        figure = Figure(figsize=(_WIDTH, 1.5 * len(curves) + 0.7), dpi=100, layout="constrained")
        axes: Any = figure.subplots(len(curves), 1, sharex=True, squeeze=False)[:, 0]
        for axis, curve in zip(axes, curves, strict=True):
            _draw_curve(axis, curve)
        axes[0].set_title(name)
        axes[-1].set_xlabel("seconds")
        lines = [
            Patch(color=_BLUE, label="value, smoothed"),
            Patch(color=_RED, label="enter"),
            Patch(color=_ORANGE, label="leave"),
            Patch(color=COLOURS["on"], label="labelled (upper), said (lower)"),
        ]
        figure.legend(handles=lines, loc="outside lower center", ncols=4, frameon=False)
        figure.savefig(path, metadata={"Software": None})


def _draw_curve(axis: Any, curve: Curve) -> None:
    levels = [float("nan") if level is None else level for level in curve.levels]
    axis.plot(curve.times, levels, color=_BLUE, linewidth=1)
    for value, colour in zip(curve.thresholds, (_RED, _ORANGE), strict=True):
        axis.axhline(value, color=colour, linewidth=0.8, linestyle="--")
    low, high = axis.get_ylim()
    thick = 0.09 * (high - low)
    for top, bands in ((high + 1.3 * thick, curve.labels), (high + 0.2 * thick, curve.said)):
        for band in bands:
            axis.broken_barh(
                [(band.start_s, band.end_s - band.start_s)],
                (top, thick),
                color=COLOURS["on"],
                alpha=1 - 0.75 * band.doubt,
                linewidth=0,
            )
    axis.set(ylim=(low, high + 2.5 * thick), xlim=(0, curve.times[-1]))
    axis.set_ylabel(f"{curve.action.replace('_', ' ')}\n{curve.unit}")
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _draw_people(axes: Any, people: Mapping[str, Rows]) -> list[str]:
    """Draw all bands; returns the names that occur, in the order of COLOURS."""
    used: set[str] = set()
    ticks, words, at = [], [], 0.0
    for person, rows in people.items():
        axes.text(0, at + 0.1, person, fontweight="bold", va="center")
        at += 1
        for row, labels, said in rows:
            _draw_row(axes, at - 0.40, labels)
            _draw_row(axes, at + 0.02, said)
            used |= {band.name for band in (*labels, *said)}
            ticks.append(at)
            words.append(row.replace("_", " "))
            at += 1
    axes.set_yticks(ticks, words)
    axes.tick_params(axis="y", length=0)
    return [name for name in COLOURS if name in used]


def _draw_row(axes: Any, top: float, bands: Sequence[Band]) -> None:
    for band in bands:
        axes.broken_barh(
            [(band.start_s, band.end_s - band.start_s)],
            (top, 0.38),
            color=COLOURS[band.name],
            alpha=1 - 0.75 * band.doubt,
            linewidth=0,
        )
