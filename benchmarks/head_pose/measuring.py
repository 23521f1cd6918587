"""Every way to tell a head's pose, on rendered turns, on photographs and on a clip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.head_pose.figures import Agreement, agreement
from benchmarks.head_pose.turns import STRAIGHT, Turn
from readroom.errors import BadSettings
from readroom.ingest.sources import Lost
from readroom.ingest.sources.file import VideoFile
from readroom.models.boxes import Floats
from readroom.models.head_pose import head_pose
from readroom.models.lab.faces.photos import Photo
from readroom.models.lab.heads.gathering import Heads, Observer, gather, join

ANGLES: Final = ("yaw", "pitch", "roll")
#: The ways that are compared.
REFERENCE: Final = "FSA-Net"
WITH_POSE: Final = "landmarks and pose"
ALONE: Final = "landmarks alone"
#: How far the reference agrees with itself.
HALVES: Final = "FSA-Net's two networks"
#: Sizes of faces (√ of the box's area) on photographs, px.
SIZES_PX: Final = (24, 48)
CLIP: Final = "head_turns_2_people.mp4"
#: Later on the clip shows heads that stay tilted.
CLIP_S: Final = 1.0
#: Wider pictures would be scaled down on the way; the clip isn't.
_WIDEST_PX: Final = 4096


@dataclass(frozen=True, slots=True)
class Row:
    """One way on one set: ``heads`` of which it could say something, and how well it agrees in
    yaw, pitch and roll."""

    data: str
    way: str
    angles: tuple[Agreement, Agreement, Agreement]


def ways(heads: Heads) -> dict[str, Floats]:
    """What each way says of heads: yaw, pitch and roll [n, 3], NaN where it says nothing."""
    return {
        REFERENCE: heads.angles.mean(axis=1),
        WITH_POSE: _each(head_pose(p, k) for p, k in zip(*_points(heads), strict=True)),
        ALONE: _each(head_pose(p) for p in heads.landmarks),
    }


def on_turns(turns: Iterable[Turn], observer: Observer) -> tuple[list[Row], list[Row]]:
    """On rendered turns: change since the straight portrait against the known change, and what
    is said of the straight portraits themselves, whose own angles count as 0."""
    shown: list[Turn] = []
    parts: list[Heads] = []
    for turn in turns:
        found = observer.find(turn.picture)
        if found.landmarks is None or not len(found):
            continue
        shown.append(turn)
        parts.append(observer.look(turn.picture, found.boxes[:1], found.landmarks[:1]))
    known = np.array([turn.angles for turn in shown], np.float32).reshape(-1, 3)
    said = ways(join(parts))
    straight = (known == np.array(STRAIGHT)).all(axis=1)
    tilted = known[:, 2] != 0
    groups = [(turn.person, turn.face_px) for turn in shown]
    rows = []
    for name, chosen in (("turned and nodding", ~tilted), ("tilted", tilted)):
        rows += [
            _row(f"rendered, {name}", way, _since(angles, groups, straight)[chosen], known[chosen])
            for way, angles in said.items()
        ]
    zeros = np.zeros((int(straight.sum()), 3), np.float32)
    at_rest = [
        _row("rendered, straight", way, angles[straight], zeros) for way, angles in said.items()
    ]
    return rows, at_rest


def on_photos(photos: Sequence[Photo], observer: Observer) -> list[Row]:
    """On photographs, against the reference."""
    heads = gather(photos, observer, "photos")
    return [
        row
        for px in SIZES_PX
        for row in against_reference(f"photos, faces ≥ {px} px", heads.of(heads.sizes >= px))
    ]


def on_clip(folder: Path, observer: Observer) -> list[Row]:
    """On the clip's first second, against the reference. Raises BadSettings where it isn't a
    video."""
    source = VideoFile(folder / CLIP, 1)
    parts = []
    try:
        source.open()
        while (captured := source.read()) is not None:
            if (captured.media_time_s or 0.0) > CLIP_S:
                break
            picture = captured.pixels(_WIDEST_PX)
            found = observer.find(picture)
            if found.landmarks is not None:
                parts.append(observer.look(picture, found.boxes, found.landmarks))
    except Lost as lost:
        raise BadSettings(
            f"{folder / CLIP}: {lost}; name the clips' folder with --videos"
        ) from None
    finally:
        source.close()
    return against_reference("clip, first second", join(parts))


def against_reference(data: str, heads: Heads) -> list[Row]:
    """Ours against the reference, and its two networks against each other."""
    said = ways(heads)
    rows = [_row(data, way, said[way], said[REFERENCE]) for way in (WITH_POSE, ALONE)]
    return [*rows, _row(data, HALVES, heads.angles[:, 0], heads.angles[:, 1])]


def _since(angles: Floats, groups: Sequence[tuple[str, int]], straight: np.ndarray) -> Floats:
    """The change since the straight portrait of the same person at the same size."""
    at_rest: Mapping[tuple[str, int], Floats] = {
        group: row for group, row, rests in zip(groups, angles, straight, strict=True) if rests
    }
    nothing = np.full(3, np.nan, np.float32)
    return angles - np.array([at_rest.get(group, nothing) for group in groups], np.float32)


def _row(data: str, way: str, said: Floats, known: Floats) -> Row:
    yaw, pitch, roll = (agreement(said[:, axis], known[:, axis]) for axis in range(len(ANGLES)))
    return Row(data, way, (yaw, pitch, roll))


def _points(heads: Heads) -> tuple[Floats, Floats]:
    return heads.landmarks, heads.keypoints


def _each(found: Iterable[tuple[float, float, float] | None]) -> Floats:
    nothing = (np.nan,) * len(ANGLES)
    rows = [nothing if angles is None else angles for angles in found]
    return np.array(rows, np.float32).reshape(-1, len(ANGLES))
