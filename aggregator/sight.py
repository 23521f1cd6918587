"""One person in one frame, as everything that measures people sees it: for actions a
:class:`Sight`, for the expression a :class:`~readroom.aggregator.expression_state.Reading`."""

from __future__ import annotations

from dataclasses import dataclass

from readroom.aggregator import expression_state as expressions
from readroom.aggregator.expression_state import Reading
from readroom.legibility import face_weight
from readroom.messages import Box, Face, Point

#: 17 keypoints (x, y, score) in the order of messages.KEYPOINTS.
Keypoints = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class Sight:
    """What one frame of one camera says of one person; None is what it doesn't say.

    Lengths are px of the frame (``width`` × ``height``), origin top left; angles degrees with the
    signs of messages.Quality; ``blendshapes`` 0..1 in the order of messages.BLENDSHAPES.
    ``weight`` (0..1) is how much what is read of the face counts (legibility.weight).
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
    blendshapes: tuple[float, ...] | None = None
    keypoints: Keypoints | None = None


def sight_of(
    face: Face | None, keypoints: Keypoints | None, size: tuple[int, int], min_face_px: float
) -> Sight:
    """What a frame of ``size`` (width, height) says of somebody, for their actions."""
    width, height = size
    if face is None:
        return Sight(width=width, height=height, keypoints=keypoints)
    return Sight(
        width=width,
        height=height,
        face=face.box,
        landmarks=face.landmarks,
        yaw_deg=face.quality.yaw_deg,
        pitch_deg=face.quality.pitch_deg,
        roll_deg=face.quality.roll_deg,
        weight=face_weight(face, min_face_px),
        blendshapes=face.blendshapes,
        keypoints=keypoints,
    )


def reading_of(
    face: Face | None, *, visible: bool, network_runs: bool, min_face_px: float
) -> Reading:
    """What a frame says of somebody, for their expression; ``network_runs`` False: nothing is read
    of it, whatever the face carries."""
    if face is None:
        return Reading(visible=visible, network_runs=network_runs)
    return Reading(
        visible=visible,
        network_runs=network_runs,
        width_px=face.box.width,
        weight=face_weight(face, min_face_px),
        probabilities=expressions.clean(face.expression) if network_runs else None,
    )
