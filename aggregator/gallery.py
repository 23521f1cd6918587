"""What faces look like to the identity network: a template per track and per person, in memory.

Nothing in here is ever written anywhere: a :class:`Gallery` is no part of RoomData, msgspec
refuses to encode it (it holds numpy arrays), and it ends with the process. Who is who
(:mod:`readroom.aggregator.identity`) is kept apart from it and outlives it.

A template is the weighted sum of unit embeddings; its direction is the mean look. A new look is
taken when it is one of a face large and good enough (:data:`LEAST_WIDTH_PX`,
:data:`LEAST_WEIGHT`), some time after the last (frames of the same moment say the same thing
again), and not unlike what the track has shown so far.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
#: A track of a camera: the camera's name, the track's number there.
TrackKey = tuple[str, int]

#: Narrower faces say too little of who it is, px: the smaller, the more alike they all look. Over
#: pairs of faces of different photographs (WIDER FACE, found by YuNet) a cosine of .45 is passed
#: by 2.3 % at 16 to 24 px, .75 % at 24 to 32, .34 % at 32 to 48, and by .08 % where both are 40 px
#: or wider.
LEAST_WIDTH_PX: Final = 40.0
#: Weight (expression_state.weight: sharpness, detector's score, yaw) from which a look counts. It
#: leaves out faces turned by more than 56°.
LEAST_WEIGHT: Final = 0.3
#: A track's looks are at least this far apart, s: the network reads each face about once a
#: second, and a look of the same moment is no further evidence.
LOOK_EVERY_S: Final = 0.4
#: A look is strange to a track when its cosine with the template is lower: of two looks of one
#: woman, upset and laughing, 1 in 20 has .35 or less; different people have .02 (sd .11).
STRANGE: Final = 0.2
#: Looks after which strangeness can be told, and strange looks in a row after which the track's
#: template begins anew: the tracker has put somebody else in its place.
SETTLED_LOOKS: Final = 3
STRANGE_RUN: Final = 5
#: Weight that a template remembers, in looks of full weight (2 minutes): old looks fade slowly.
REMEMBERED: Final = 120.0
#: People with a template, at most: twice the slots of a room.
MAX_PEOPLE: Final = 64


@dataclass(frozen=True, slots=True)
class Look:
    """What the identity network says of one face: ``embedding`` (any length, the same for all;
    normalised here), the face's ``width_px``, and how much what is read of it counts (0..1)."""

    embedding: tuple[float, ...]
    width_px: float
    weight: float


@dataclass(slots=True)
class Template:
    """The sum of ``looks`` unit embeddings, float64 [n], of total ``weight`` (at most
    REMEMBERED). ``at_s`` is when the last was taken; ``strange`` counts those refused since."""

    total: Vector
    weight: float
    looks: int
    at_s: float
    strange: int = 0


@dataclass(slots=True)
class Gallery:
    """All templates. ``tracks`` are those of tracks that are followed, ``past`` those of the
    people's tracks that are over."""

    tracks: dict[TrackKey, Template] = field(default_factory=dict)
    past: dict[int, Template] = field(default_factory=dict)


def learn(gallery: Gallery, track: TrackKey, look: Look, at_s: float) -> bool:
    """Take a look at a track's face in; whether it changed the track's template. ``at_s`` never
    goes back for a track. An embedding that is none (not finite, all zero, or of another length
    than the others) says no more of a face than one that is too small: it is left out the same."""
    if not (look.width_px >= LEAST_WIDTH_PX and look.weight >= LEAST_WEIGHT):
        return False
    seen = unit(np.asarray(look.embedding, np.float64))
    if seen is None or len(seen) != _length(gallery, len(seen)):
        return False
    template = gallery.tracks.get(track)
    if template is not None and at_s - template.at_s < LOOK_EVERY_S:
        return False
    if template is None or _begins_anew(template, seen):
        gallery.tracks[track] = Template(look.weight * seen, look.weight, 1, at_s)
        return True
    template.at_s = at_s
    if template.strange:
        return False
    _add(template, look.weight * seen, look.weight, 1)
    return True


def fold(gallery: Gallery, track: TrackKey, person: int) -> None:
    """The track is over, or is the person's no longer: what was learnt stays the person's."""
    template = gallery.tracks.pop(track, None)
    if template is not None:
        _add_past(gallery, person, template)


def combine(gallery: Gallery, gone: int, kept: int) -> None:
    """What is remembered of ``gone`` is of ``kept`` from now on."""
    template = gallery.past.pop(gone, None)
    if template is not None:
        _add_past(gallery, kept, template)


def erase(gallery: Gallery, person: int) -> None:
    """Nothing is remembered any more of how the person looks, who has no track."""
    gallery.past.pop(person, None)


def person_look(
    gallery: Gallery, person: int, tracks: Iterable[TrackKey]
) -> tuple[Vector, int] | None:
    """A person's mean look (unit length) and how many looks it rests on; None without any."""
    parts = [gallery.past.get(person), *(gallery.tracks.get(track) for track in tracks)]
    known = [part for part in parts if part is not None]
    if not known:
        return None
    total = known[0].total.copy()
    for part in known[1:]:
        total += part.total
    mean = unit(total)
    return None if mean is None else (mean, sum(part.looks for part in known))


def unit(vector: Vector) -> Vector | None:
    """The vector at length 1; None where it has no direction (zero, NaN, infinite)."""
    if vector.ndim != 1 or not vector.size:
        return None
    length = math.sqrt(float(vector @ vector))
    if not 1e-6 < length < math.inf:
        return None
    return np.asarray(vector / length, np.float64)


def _begins_anew(template: Template, seen: Vector) -> bool:
    """Count strange looks; whether there have been so many that somebody else is there now."""
    mean = unit(template.total)
    odd = mean is not None and float(mean @ seen) < STRANGE
    template.strange = template.strange + 1 if odd and template.looks >= SETTLED_LOOKS else 0
    return mean is None or template.strange >= STRANGE_RUN


def _add(template: Template, total: Vector, weight: float, looks: int) -> None:
    template.total = template.total + total
    template.weight += weight
    template.looks += looks
    if template.weight > REMEMBERED:
        template.total = template.total * (REMEMBERED / template.weight)
        template.weight = REMEMBERED


def _add_past(gallery: Gallery, person: int, template: Template) -> None:
    past = gallery.past.get(person)
    if past is None:
        gallery.past[person] = template
    else:
        _add(past, template.total, template.weight, template.looks)


def _length(gallery: Gallery, otherwise: int) -> int:
    """How long the embeddings are that are known so far."""
    for known in (gallery.tracks, gallery.past):
        for template in known.values():
            return len(template.total)
    return otherwise
