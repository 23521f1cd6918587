"""A single picture, looked at by a worker's engines: a pure function.

In a video a face that is missed once is found in the next frame. A photograph has no next, and may
show thirty people in a row as well as one that fills it. So faces are looked for at two widths, and
those that only one of them finds count as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace

from readroom.legibility import clean, why_unreadable
from readroom.messages import Body, Box, Face, Observation
from readroom.pixels import Picture
from readroom.settings import Settings
from readroom.workers.analysis import Analyser, Analysis
from readroom.workers.assembly import assemble

#: Width at which small faces are looked for, px: the widest that the setting takes.
WIDE_PX: Final = 1920
#: Two boxes that share this much of what they cover together are one face.
SAME_RATIO: Final = 0.4

#: Looks at a picture (uint8 BGR [height, width, 3]).
Look = Callable[[Picture], Observation]


def looker(settings: Settings) -> Look:
    """What looks at pictures with these settings. Raises as assemble does."""
    plain = assemble(settings).analyser
    workers = settings.workers.model_copy(update={"face_input_width_px": WIDE_PX})
    wide = assemble(settings.model_copy(update={"workers": workers})).analyser
    width_px, min_face_px = settings.workers.face_input_width_px, settings.workers.min_face_px

    def look(picture: Picture) -> Observation:
        small = max(picture.shape[:2]) <= width_px
        return observe(picture, [plain] if small else [plain, wide], min_face_px)

    return look


def observe(picture: Picture, analysers: Sequence[Analyser], min_face_px: float) -> Observation:
    """What is seen in a picture: every face that any of the analysers finds, from left to right,
    and the bodies. A face that can't be read has no expression, whatever a network says of it."""
    found = [analyser.analyse([picture])[0] for analyser in analysers]
    faces, bodies = _in_order(*_together(found))
    height, width = picture.shape[:2]
    return Observation(
        room="photo",
        camera="photo",
        epoch=0,
        seq=0,
        previous_seq=-1,
        captured_at=0.0,
        width=width,
        height=height,
        mode="recording",
        lane="photo",
        worker="photo",
        engines=found[0].engines,
        faces=tuple(_readable(face, min_face_px) for face in faces),
        bodies=tuple(bodies),
        models={str(engine): model for engine, model in analysers[0].models.items()},
    )


def _readable(face: Face, min_face_px: float) -> Face:
    read = why_unreadable(face, min_face_px) is None
    return replace(face, expression=clean(face.expression) if read else None)


def _together(found: Sequence[Analysis]) -> tuple[list[Face], list[Body]]:
    """All faces and bodies, each once: of two that are one, the face that is surer."""
    every = [
        (face, [body for body in one.bodies if body.face == number])
        for one in found
        for number, face in enumerate(one.faces)
    ]
    faces: list[Face] = []
    bodies: list[Body] = [body for body in found[0].bodies if body.face is None]
    for face, of_face in sorted(every, key=lambda each: -each[0].score):
        if any(overlap(face.box, other.box) > SAME_RATIO for other in faces):
            continue
        bodies += [replace(body, face=len(faces)) for body in of_face]
        faces.append(face)
    return faces, bodies


def _in_order(faces: list[Face], bodies: list[Body]) -> tuple[list[Face], list[Body]]:
    """Faces from left to right; bodies go on pointing at theirs."""
    order = sorted(range(len(faces)), key=lambda number: faces[number].box.x)
    place = {number: new for new, number in enumerate(order)}
    moved = [body if body.face is None else replace(body, face=place[body.face]) for body in bodies]
    return [faces[number] for number in order], moved


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(0.0, width) * max(0.0, height)
    union = one.width * one.height + other.width * other.height - shared
    return shared / union if union > 0 else 0.0
