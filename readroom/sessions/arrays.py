"""All points of a session's timelines as arrays, one per column: an hour of twelve people is
170,000 points, which as values one by one would take seconds to make and to look through.

Numbers stand for words as in the store (readroom.sessions.schema).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from readroom.affect import PLACES
from readroom.messages import EXPRESSIONS, STATES, UNCERTAIN

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: States in which a face is being read.
_READ: Final = tuple(STATES.index(name) for name in (*EXPRESSIONS, UNCERTAIN))
_PLACES: Final = np.array([PLACES[name] for name in EXPRESSIONS])


@dataclass(frozen=True, slots=True)
class Points:
    """The points of a session, by person and time; n points.

    ``person``, ``state`` (index in STATES), ``look`` (index in LOOKS), ``actions`` and ``measured``
    (bits of ACTIONS) are int64 [n]. ``time_s`` (session time), ``confidence`` and ``coverage``
    (0..1) are float64 [n]. ``expression`` is float64 [n, 8], probabilities of EXPRESSIONS as stored
    (steps of 1/255), NaN where nothing was read. ``box`` is float32 [n, 4]: x, y, width, height in
    px of the frame of ``camera`` (text [n], None: the person's own).
    """

    person: Numbers
    time_s: Floats
    state: Numbers
    confidence: Floats
    expression: Floats
    coverage: Floats
    box: NDArray[np.float32]
    look: Numbers
    actions: Numbers
    measured: Numbers
    camera: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.person)

    def of(self, chosen: Flags | Numbers) -> Points:
        """Only some of the points: a mask [n], or their places in the order wanted."""
        return Points(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})

    def affect(self) -> tuple[Floats, Floats]:
        """Valence and arousal, each −1..1 [n], as :func:`readroom.affect.affect` says them of one
        point; NaN where the face wasn't being read."""
        read = np.isin(self.state, _READ)
        places = self.expression @ _PLACES
        valence, arousal = np.where(read[:, None], places, np.nan).T
        return valence, arousal


def points_of(rows: Sequence[tuple[Any, ...]]) -> Points:
    """Arrays of rows of schema.SAMPLE_COLUMNS."""
    by_column = zip(*rows, strict=True) if rows else ((),) * len(fields(Points))
    person, time_s, state, confidence, expression, coverage, box, *rest = by_column
    look, actions, measured, camera = rest
    return Points(
        person=np.array(person, np.int64),
        time_s=np.array(time_s, np.float64),
        state=np.array(state, np.int64),
        confidence=np.array(confidence, np.float64),
        expression=_probabilities(expression),
        coverage=np.array(coverage, np.float64),
        box=np.frombuffer(b"".join(box), "<f4").reshape(-1, 4),
        look=np.array(look, np.int64),
        actions=np.array(actions, np.int64),
        measured=np.array(measured, np.int64),
        camera=np.array(camera, np.object_),
    )


def joined(parts: Sequence[Points]) -> Points:
    """The points of all parts (at least one), in their order."""
    if len(parts) == 1:
        return parts[0]
    return Points(
        **{
            f.name: np.concatenate([getattr(part, f.name) for part in parts])
            for f in fields(Points)
        }
    )


def _probabilities(stored: Sequence[bytes | None]) -> Floats:
    """Float64 [n, 8] of what ``sample.expression`` holds."""
    nothing = bytes(len(EXPRESSIONS))
    known = np.array([value is not None for value in stored], np.bool_)
    raw = np.frombuffer(b"".join(value or nothing for value in stored), np.uint8)
    values = raw.reshape(-1, len(EXPRESSIONS)) / 255.0
    return np.where(known[:, None], values, np.nan)
