"""One person in one frame, as everything that measures people sees it."""

from __future__ import annotations

from dataclasses import dataclass

from readroom.messages import Box, Point, Probabilities

#: 17 keypoints (x, y, score) in the order of messages.KEYPOINTS.
Keypoints = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class Sight:
    """What one frame of one camera says of one person; None is what it doesn't say.

    Lengths are px of the frame (``width`` × ``height``), origin top left; angles degrees with the
    signs of messages.Quality; ``blendshapes`` 0..1 in the order of messages.BLENDSHAPES.
    ``weight`` (0..1) is how much what is read of the face counts (expression_state.weight).
    ``face`` and ``keypoints`` are each None where that was not looked for, or not found.
    """

    width: int
    height: int
    face: Box | None = None
    landmarks: tuple[Point, ...] | None = None
    yaw_deg: float | None = None
    pitch_deg: float | None = None
    roll_deg: float | None = None
    weight: float = 0.0
    expression: Probabilities | None = None
    blendshapes: tuple[float, ...] | None = None
    keypoints: Keypoints | None = None
