"""What steadiness is, in figures: pure functions over what was read of one person.

``probabilities`` is float64 [n, 8], one row per frame in the order of messages.EXPRESSIONS, NaN
where the face wasn't read; ``times_s`` [n] are the frames' media times. Distances between two
rows are total variation, ½ Σ|p − q|, 0..1: the largest difference that the two make to any
statement about the face.

A *still face* is a window of at least :data:`STILL_S` in which none of the five landmarks, found
at full size, lies further than :data:`STILL_WIDTHS` face widths from its place in the window's
first frame. Measured from the first frame, slow drift ends a window as a jerk does. The limit was
set by the detector alone, before any network was read: from frame to frame half of the faces'
landmarks move by 1 to 3 % of the width, jitter included, and a mouth that begins to smile widens
by more than 5 %. No network has a say in it, so that all are judged on the same windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.steadiness.clips import Strip
from readroom.aggregator import expression_state
from readroom.aggregator.scene import VISIBLE_S
from readroom.messages import EXPRESSIONS, UNCERTAIN

Floats = NDArray[np.floating[Any]]

#: Shortest still window, s, and how far a landmark may be from where it was, face widths.
STILL_S: Final = 0.5
STILL_WIDTHS: Final = 0.05
_UNREAD: Final = (float("nan"),) * len(EXPRESSIONS)


@dataclass(frozen=True, slots=True)
class Count:
    """Events in an observed time."""

    events: int
    seconds: float

    def __add__(self, other: Count) -> Count:
        return Count(self.events + other.events, self.seconds + other.seconds)

    @property
    def per_s(self) -> float:
        """Events per second; NaN where nothing was observed."""
        return self.events / self.seconds if self.seconds > 0 else float("nan")


def probabilities(faces: Strip) -> Floats:
    """What was read of a person: [n, 8]."""
    rows = [_UNREAD if face is None else face.expression or _UNREAD for face in faces]
    return np.array(rows, np.float64).reshape(-1, len(EXPRESSIONS))


def still_windows(faces: Strip, times_s: Sequence[float]) -> list[slice]:
    """The windows in which the face is still; see the module's docstring."""
    windows: list[slice] = []
    start = 0
    for index in range(1, len(faces) + 1):
        if index < len(faces) and _near(faces[start], faces[index]):
            continue
        if times_s[index - 1] - times_s[start] >= STILL_S - 1e-6:
            windows.append(slice(start, index))
        start = index
    return windows


def flips(read: Floats, times_s: Sequence[float], windows: Sequence[slice]) -> Count:
    """Changes of the most probable class between neighbouring frames inside the windows; frames
    that weren't read are no neighbours of any."""
    events, seconds = 0, 0.0
    for window in windows:
        rows, at_s = read[window], np.asarray(times_s[window])
        both = _read(rows[:-1]) & _read(rows[1:])
        top = rows.argmax(axis=1)
        events += int((top[1:] != top[:-1])[both].sum())
        seconds += float(np.diff(at_s)[both].sum())
    return Count(events, seconds)


def step_distance(read: Floats) -> float:
    """Mean distance between neighbouring frames; NaN without any."""
    return distance(read[1:], read[:-1])


def distance(read: Floats, others: Floats) -> float:
    """Mean distance over the frames read in both; NaN without any."""
    both = _read(read) & _read(others)
    if not both.any():
        return float("nan")
    return float(np.abs(read - others)[both].sum(axis=1).mean() / 2)


def agreement(read: Floats, others: Floats) -> float:
    """Share of the frames read in both with the same most probable class; NaN without any."""
    both = _read(read) & _read(others)
    if not both.any():
        return float("nan")
    return float((read.argmax(axis=1) == others.argmax(axis=1))[both].mean())


def scatter(read: Floats, windows: Sequence[slice]) -> tuple[Floats, int]:
    """Sum of squared deviations of each class [8] from its mean in each window, and the degrees
    of freedom: what a standard deviation over windows and people is pooled from."""
    total, freedom = np.zeros(len(EXPRESSIONS)), 0
    for window in windows:
        rows = read[window][_read(read[window])]
        if len(rows) > 1:
            total += ((rows - rows.mean(axis=0)) ** 2).sum(axis=0)
            freedom += len(rows) - 1
    return total, freedom


def smooth(faces: Strip, times_s: Sequence[float], min_face_px: float) -> tuple[list[str], Floats]:
    """What the aggregator would have said of the person at each frame, with that quality gate:
    the state [n], and its smoothed probabilities [n, 8], NaN while it has none."""
    person = expression_state.begin(times_s[0])
    seen_s = times_s[0]
    said: list[str] = []
    smoothed: list[Sequence[float]] = []
    for face, at_s in zip(faces, times_s, strict=True):
        if face is None:
            reading = expression_state.Reading(at_s - seen_s <= VISIBLE_S, network_runs=True)
        else:
            seen_s = at_s
            # The worker reads no narrower face.
            read = face.expression if face.box.width >= min_face_px else None
            reading = expression_state.Reading(
                visible=True,
                network_runs=True,
                width_px=face.box.width,
                weight=expression_state.weight(face.quality, face.score, min_face_px),
                probabilities=expression_state.clean(read),
            )
        expression_state.step(person, reading, at_s, min_face_px)
        said.append(person.state)
        smoothed.append(expression_state.probabilities(person) or _UNREAD)
    return said, np.array(smoothed, np.float64)


def state_flips(said: Sequence[str], times_s: Sequence[float]) -> Count:
    """Changes of state; the first state that is found is none."""
    first = next((index for index, state in enumerate(said) if state != UNCERTAIN), len(said))
    events = sum(a != b for a, b in zip(said[first:], said[first + 1 :], strict=False))
    return Count(events, times_s[-1] - times_s[0])


def _read(rows: Floats) -> NDArray[np.bool_]:
    return cast(NDArray[np.bool_], np.isfinite(rows).all(axis=1))


def _near(first: Any, face: Any) -> bool:
    """Whether two sightings (None: not found) of a face count as still."""
    if first is None or face is None:
        return False
    moved = np.subtract(face.landmarks, first.landmarks)
    return bool(np.hypot(*moved.T).max() <= STILL_WIDTHS * first.box.width)
