"""Every query of the dashboards, with its variables filled in as Grafana would."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from readroom.dashboards.grafana.panels import Board, Panel, Target

from .prometheus import Prometheus

#: What Grafana fills in by itself, for a second's scrapes.
_BUILT_IN = {"$__rate_interval": "10s", "$__interval": "1s", "$__range": "30s"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One query of a panel, ready to be asked."""

    board: Board
    panel: Panel
    target: Target
    expression: str

    @property
    def name(self) -> str:
        """What it is called in a test's name."""
        return f"{self.board.title} · {self.panel.title} · {self.target.legend or 'value'}"


def filled(expression: str, choices: Mapping[str, str]) -> str:
    """The expression with Grafana's and the dashboard's variables filled in. Raises ValueError
    where one is left."""
    for name, value in {**_BUILT_IN, **{f"${k}": v for k, v in choices.items()}}.items():
        expression = re.sub(rf"{re.escape(name)}\b", value.replace("\\", r"\\"), expression)
    if "$" in expression:
        raise ValueError(f"nothing is known of a variable in {expression}")
    return expression


def choices_of(board: Board, prometheus: Prometheus, room: str) -> dict[str, str]:
    """The first value that each variable of a dashboard offers; several: all of them."""
    found = {"room": room}
    for variable in board.variables:
        offered = prometheus.label_values(variable.name, filled(variable.series, found))
        assert offered, f"{board.title}: nothing to choose for {variable.name}"
        if variable.name == "room":
            assert room in offered
        else:
            found[variable.name] = "|".join(offered)
    return found


def asked(board: Board, choices: Mapping[str, str]) -> Iterator[Asked]:
    """Every query of a dashboard."""
    for panel in board.panels:
        for target in panel.targets:
            yield Asked(board, panel, target, filled(target.expr, choices))
