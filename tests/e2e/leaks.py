"""Looks for emotions in what leaves the boxes: in words, and in numbers that are nothing else."""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from readroom.messages import EXPRESSIONS, LOOKS, STATES

#: Words for an emotion, or for an inference of one. "neutral" is one here: nothing else is neutral.
NAMED = re.compile(
    rf"(?<![a-z])({'|'.join(EXPRESSIONS)}|{'|'.join(LOOKS[:4])}|happy|sad|angry|surprised|disgusted|"
    r"afraid|contemptuous|pleased|valence|arousal|expressiveness|emotion\w*|feel\w*|felt)"
    r"(?![a-z])",
    re.IGNORECASE,
)
#: Fields that every version of a message has: their names say nothing where they hold nothing.
EMPTY_FIELDS = frozenset({"expression", "valence", "arousal"})


def in_text(text: str) -> Iterator[str]:
    """Every word for an emotion, with what stands around it."""
    for found in NAMED.finditer(text):
        yield text[max(0, found.start() - 30) : found.end() + 30]


def in_value(value: Any, where: str = "") -> Iterator[str]:
    """Every word for an emotion, and every list of eight probabilities, in decoded JSON or
    MessagePack; ``where`` is the path that led there."""
    if isinstance(value, str):
        yield from (f"{where}: {found}" for found in in_text(value))
    elif isinstance(value, dict):
        for key, held in value.items():
            if key in EMPTY_FIELDS and held is None:
                continue
            yield from in_value(key, f"{where} key")
            yield from in_value(held, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        if is_expression(value):
            yield f"{where}: {value}"
        for held in value:
            yield from in_value(held, f"{where}[]")


def is_expression(numbers: Iterable[Any]) -> bool:
    """Whether these are eight probabilities, one for each of EXPRESSIONS, that aren't all 0."""
    values = list(numbers)
    return (
        len(values) == len(EXPRESSIONS)
        and all(isinstance(x, int | float) and 0 <= x <= 1.0001 for x in values)
        and math.isclose(sum(values), 1.0, abs_tol=0.05)
    )


def in_message(body: bytes) -> Iterator[str]:
    """The same in one MessagePack message."""
    return in_value(msgspec.msgpack.decode(body))


def in_json(text: str) -> Iterator[str]:
    """The same in JSON."""
    return in_value(json.loads(text))


def in_store(path: Path) -> Iterator[str]:
    """The same in every cell of a session store, its schema and its checkpoint included."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as found:
        found.row_factory = sqlite3.Row
        tables = [
            row[0] for row in found.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        for row in found.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"):
            yield from in_text(row[0])
        for table in tables:
            for row in found.execute(f"SELECT * FROM {table}"):
                yield from in_row(table, dict(row))


def in_row(table: str, row: dict[str, Any]) -> Iterator[str]:
    """One row: text as it is, numbers that stand for words as these, the checkpoint unpacked."""
    for column, value in row.items():
        where = f"{table}.{column}"
        if column == "state" and isinstance(value, int):
            yield from in_value(STATES[value], where)
        elif column == "look":
            yield from in_value(LOOKS[value], where)
        elif column == "expression" and value is not None:
            yield f"{where}: {value!r}"
        elif table == "checkpoint" and column == "data":
            yield from (f"{where}: {found}" for found in in_message(value))
        elif isinstance(value, str):
            yield from (f"{where}: {found}" for found in in_text(value))
