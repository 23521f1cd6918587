"""The three people of the demo room, each made at start-up at the size at which it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from readroom.ingest.demo.calm import calmed
from readroom.ingest.demo.expressions import FROWN_SAD, SMILE, SOBER
from readroom.ingest.demo.faces import EILEEN_HAIRLINE, eileen, grace, resized
from readroom.ingest.demo.mixture import mixture
from readroom.ingest.demo.sheet import Face, Sheet, gasping, make_sheet, mirrored, settled, warped


def grace_sheet(face_px: float) -> Sheet:
    """Grace Hopper: every expression is a warp of her calm portrait."""
    portrait = settled(resized(grace(), face_px), SOBER)
    return make_sheet(
        portrait,
        {
            "happiness": warped(portrait, SMILE, 1.2),
            "sadness": warped(portrait, FROWN_SAD),
            "surprise": gasping(portrait),
        },
    )


def eileen_sheet(face_px: float) -> Sheet:
    """Eileen Collins: the portrait is her happiness, a calm mouth is cloned in for the rest."""
    smiling = resized(eileen(), face_px)
    calm = calmed(smiling, resized(grace(), face_px))
    return make_sheet(
        calm,
        {
            "happiness": Face(smiling.landmarks, smiling.image),
            "sadness": warped(calm, FROWN_SAD),
            "surprise": gasping(calm),
        },
    )


def blend_sheet(face_px: float) -> Sheet:
    """The look-alike, a mixture of the two others, seen in a mirror."""
    smiling, other = resized(eileen(), face_px), resized(grace(), face_px)
    factor = face_px / eileen().landmarks.face_width_px
    hairline = np.array(EILEEN_HAIRLINE, dtype=np.float32) * np.float32(factor)
    portrait, faces = mixture(calmed(smiling, other), smiling, other, hairline)
    return mirrored(make_sheet(settled(portrait, SOBER, 2.0), faces))


#: How to make each person's sheet for a face width in pixels.
SHEETS: Mapping[str, Callable[[float], Sheet]] = MappingProxyType(
    {"grace": grace_sheet, "eileen": eileen_sheet, "blend": blend_sheet}
)
