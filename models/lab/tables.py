"""Figures as text: cells and Markdown tables for people, plain values for JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from readroom.models.lab.figures import Figure


def cell(found: Figure | None, *, percent: bool) -> str:
    """A figure as ``value (low–high)``, in percent or with a leading dot; – where undefined."""
    if found is None or math.isnan(found.value):
        return "–"
    low, high = number(found.low, percent), number(found.high, percent)
    bounds = "–" if low == high == "–" else f"{low}–{high}"
    return f"{number(found.value, percent)} ({bounds})"


def number(value: float, percent: bool) -> str:
    """A value in percent with one decimal, or with three and no zero before the dot; – for NaN."""
    if math.isnan(value):
        return "–"
    if percent:
        return f"{100 * value:.1f}"
    text = f"{value:.3f}"
    return text.removeprefix("0") if 0 <= value < 1 else text


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table, each line with its end."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def plain(value: Any) -> Any:
    """Arrays as lists, NaN as None, all the way down: what JSON takes."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
