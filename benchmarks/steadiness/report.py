"""The tables (Markdown) and the plot of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.steadiness.gate import Row, gate_px, rows
from benchmarks.steadiness.measuring import BOXES, CONTROL, FULL, Boxes, Steadiness
from readroom.messages import EXPRESSIONS

_BOXES: Final = {"found": "boxes found at that size", "given": "boxes given from full size"}
_COLORS: Final = ("#1b6ca8", "#d1603d", "#4f8a4f", "#7b5aa6", "#8a7a3a", "#666666")
_LEGEND: Final = (
    "Agreement (of the most probable class) and distance (total variation, 0..1) are with the same "
    "frames at full size, step is the distance between neighbouring frames; flips are changes of "
    "the most probable class per second, in still windows and everywhere, and of the smoothed "
    "state. The state's agreement, doubt and contradiction (another expression than at full size) "
    "are shares of the frames, with the quality gate out of the way; silent is the share without "
    "an expression with the gate as it is set. Means over people; rates over time. Smoothing "
    "trails behind: after a change the smoothed probabilities of a face already still scatter more."
)


def markdown(measured: Sequence[Steadiness]) -> str:
    """All tables: the gates, each network's rows, the deviations by class, and each person."""
    parts = ["## Quality gate by the rule", _gates(measured), _LEGEND]
    for network in _networks(measured):
        for boxes in BOXES:
            table = rows(measured, network, boxes)
            parts += [f"## {network}, {_BOXES[boxes]}", _sizes(table)]
        found = rows(measured, network, "found")
        parts += [f"Standard deviation in still windows, {_BOXES['found']}, network → smoothed:"]
        parts += [_deviations(found), f"Each person, {_BOXES['found']}:"]
        parts += [_people(measured, network)]
    return "\n\n".join(parts) + "\n"


def plot(measured: Sequence[Steadiness]) -> Figure:
    """Agreement with full size, flips in still windows, and flips of the smoothed state, each
    against the face's size."""
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    agreement, flips, states = figure.subplots(1, 3)
    for network, color in zip(_networks(measured), _COLORS * 9, strict=False):
        for boxes in BOXES:
            table = rows(measured, network, boxes)
            label = f"{network}, box {boxes}"
            style = {"color": color, "linestyle": "-" if boxes == "found" else ":", "label": label}
            _line(agreement, table, [row.agreement for row in table], style)
            _line(flips, table, [row.still_flips.per_s for row in table], style)
            _line(states, table, [row.state_flips.per_s for row in table], style)
    agreement.set(title="Same class as at full size, share of frames", ylim=(0, 1.03))
    flips.set(title="Flips of a still face, per s, unsmoothed")
    states.set(title="Flips of the smoothed state, per s")
    flips.set_ylim(bottom=0)
    states.set_ylim(0, flips.get_ylim()[1])
    for axes in (agreement, flips, states):
        _size_axis(axes, rows(measured, _networks(measured)[0], "found"))
    agreement.legend(fontsize="small", loc="lower left")
    return figure


def write(measured: Sequence[Steadiness], folder: Path) -> Path:
    """Write the tables and the plot into ``folder``; returns the plot's path."""
    (folder / "steadiness.md").write_text(markdown(measured), "utf-8")
    path = folder / "steadiness.png"
    plot(measured).savefig(path, dpi=110)
    return path


def _networks(measured: Sequence[Steadiness]) -> list[str]:
    return list(dict.fromkeys(one.network for one in measured))


def _gates(measured: Sequence[Steadiness]) -> str:
    lines = [["network", *(_BOXES[boxes] for boxes in BOXES)]]
    for network in _networks(measured):
        gates = (gate_px(rows(measured, network, boxes)) for boxes in BOXES)
        lines.append([network, *("none" if px is None else f"{px} px" for px in gates)])
    return _table(lines)


def _sizes(table: Sequence[Row]) -> str:
    head = "face, px|people|found again|agreement|distance|step|flips/s still|flips/s all"
    head += "|state flips/s|state agrees|uncertain|contradicted|silent|by the rule"
    lines = [head.split("|")]
    for row in table:
        shares = (row.recall, row.agreement, row.distance, row.step_distance)
        rates = (row.still_flips, row.flips, row.state_flips)
        states = (row.state_agreement, row.uncertain, row.contradicted, row.silent)
        verdict = "" if not row.size.isdecimal() else "reads" if row.honest else "doesn't"
        cells = [_two(value) for value in (*shares, *(rate.per_s for rate in rates), *states)]
        lines.append([row.size, str(row.people), *cells, verdict])
    return _table(lines)


def _deviations(table: Sequence[Row]) -> str:
    lines = [["face, px", *EXPRESSIONS]]
    for row in table:
        pairs = zip(row.deviation, row.smoothed_deviation, strict=True)
        lines.append([row.size, *(f"{_two(raw)} → {_two(smoothed)}" for raw, smoothed in pairs)])
    return _table(lines)


def _people(measured: Sequence[Steadiness], network: str) -> str:
    head = "person|face, px|agreement|distance|flips still|flips all|state flips|uncertain"
    lines = [[*head.split("|"), *(f"sd {name}" for name in EXPRESSIONS)]]
    boxes: Boxes = "found"
    for one in measured:
        if (one.network, one.boxes) != (network, boxes):
            continue
        counts = (one.still_flips, one.flips, one.state_flips)
        cells = [f"{count.events} in {count.seconds:.1f} s" for count in counts]
        size = f"{one.width_px:.0f} ({one.size})" if one.size in (FULL, CONTROL) else one.size
        pooled = [math.sqrt(x / one.freedom) if one.freedom else math.nan for x in one.scatter]
        shares = [_two(one.agreement), _two(one.distance)]
        lines.append([one.person, size, *shares, *cells, _two(one.uncertain), *map(_two, pooled)])
    return _table(lines)


def _line(axes: Axes, table: Sequence[Row], values: list[float], style: dict[str, Any]) -> None:
    # Every size one step: the sizes are what is asked about, not the pixels between them.
    axes.plot(range(len(table), 0, -1), values, marker="o", markersize=4, **style)


def _size_axis(axes: Axes, table: Sequence[Row]) -> None:
    most = max(row.people for row in table)
    labels = [f"{row.size}\n{row.people if row.people < most else 'all'}" for row in table]
    axes.set_xticks(range(len(table), 0, -1), labels)
    axes.set_xlabel(f"median face width, px; people (of {most})")
    axes.grid(alpha=0.3)


def _two(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"


def _table(lines: Sequence[Sequence[str]]) -> str:
    ruled = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in ruled)
