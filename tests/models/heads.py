"""A head whose points are known: a mean face, and the five points a pose network sees of it."""

from __future__ import annotations

import math

import numpy as np

from readroom.messages import KEYPOINTS
from readroom.models.boxes import Floats
from readroom.models.head_pose import MEAN_FACE_MM

#: Nose, left eye, right eye, left ear, right ear, mm, as MEAN_FACE_MM: ears lie far behind.
HEAD_MM = np.array(
    [[0, 38, -30], [31.5, 0, 0], [-31.5, 0, 0], [72, 18, 85], [-72, 18, 85]], np.float64
)
PX_PER_MM = 2.0
MIDDLE_PX = (300, 200)


def straight_face() -> Floats:
    """The mean face's landmarks [5, 2] from the front."""
    return face(0, 0, 0)


def straight_body() -> Floats:
    """Keypoints [17, 3] of the same person, all seen surely."""
    return body(0, 0, 0)


def face(yaw: float, pitch: float, roll: float, scale: float = PX_PER_MM) -> Floats:
    """The mean face's landmarks [5, 2], turned by degrees and seen from far away."""
    return _seen(MEAN_FACE_MM, (yaw, pitch, roll), scale)


def body(yaw: float, pitch: float, roll: float, scale: float = PX_PER_MM) -> Floats:
    """The same head's keypoints [17, 3]; what lies below the head is at 0, 0."""
    keypoints = np.zeros((len(KEYPOINTS), 3), np.float32)
    keypoints[:5, :2] = _seen(HEAD_MM, (yaw, pitch, roll), scale)
    keypoints[:, 2] = 1
    return keypoints


def mirrored_face(landmarks: Floats) -> Floats:
    """Landmarks in the picture's mirror image: left and right change places."""
    return np.array([-1, 1], np.float32) * landmarks[[1, 0, 2, 4, 3]]


def mirrored_body(keypoints: Floats) -> Floats:
    """Keypoints in the picture's mirror image."""
    swapped = [0, *(side for left in range(1, 17, 2) for side in (left + 1, left))]
    return np.array([-1, 1, 1], np.float32) * keypoints[swapped]


def turned_in_plane(points: Floats, degrees: float) -> Floats:
    """Points [n, 2 or 3] turned clockwise around the picture's origin."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    moved = points.copy()
    moved[:, :2] = points[:, :2] @ np.array([[cos, sin], [-sin, cos]], np.float32)
    return moved


def _seen(points_mm: np.ndarray, angles: tuple[float, float, float], scale: float) -> Floats:
    y, p, r = (math.radians(angle) for angle in angles)
    about_y = np.array([[math.cos(y), 0, -math.sin(y)], [0, 1, 0], [math.sin(y), 0, math.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(p), math.sin(p)], [0, -math.sin(p), math.cos(p)]])
    about_z = np.array([[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]])
    points = points_mm @ (about_z @ about_x @ about_y).T
    return (points[:, :2] * scale + MIDDLE_PX).astype(np.float32)
