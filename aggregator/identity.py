"""Who is who: one person in several cameras, and one who left and came back, is one person.

Two states. :class:`Links` says who is who, as plain numbers, and goes into the checkpoint.
:class:`~readroom.aggregator.gallery.Gallery` says how faces look to the identity network; it stays
in memory and ends with the process. So after a crash everybody is who they were, what was merged
or split by hand included; how people look is learnt anew from those in sight, and whoever was
away when it happened is not recognised on return: they are somebody new, until merged by hand.
A verdict that was still to be given may come out otherwise than without the crash, never one
that was given.

A track of a camera is at first nobody's: :func:`see` answers with :class:`Entered` (somebody new)
or :class:`Joined` (somebody known). It answers at once where there is nobody whom it could be: in
the first moment, while everybody known stands in the same picture, and without the network, so
that every track is its own person then. Else it waits for :data:`ENOUGH_LOOKS` looks, and not
longer than :data:`WAIT_S`. Verdicts of one camera's tracks are given together, as the
assignment of the greatest sum of cosines (:func:`scipy.optimize.linear_sum_assignment`).

Two faces in one picture are two people. This holds against the network, and it holds against
a merge by hand: one that it contradicts is refused, and two tracks of one person that are seen at
once come apart (:class:`Parted`). The network undoes nothing that was done by hand: it never
splits, and joins nobody with whom they were split from.

Thresholds: docs/semantics/identity.md has the figures that they rest on.

What an answer means for those who are shown and stored: :mod:`readroom.aggregator.people`. A
person has left when :func:`leave` names them, not when a track of theirs ends, and is remembered
while their number is in ``links.people``. Numbers have gaps: a track that is joined has used one
up. Another identity network begins with a new gallery, since what two networks say of a face can't
be compared; a new session with new links, too.

Times are those of the camera that the track is of; each camera's never goes back (an earlier one
counts as no time passed). Cameras need not be in step. The order of tracks in one call means
nothing. Where people look clearly different the order of calls of different cameras doesn't
change who is who either; near a threshold it may.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from readroom.aggregator import gallery as templates
from readroom.aggregator.gallery import MAX_PEOPLE, Gallery, Look, TrackKey, Vector

#: Cosine of two mean looks from which they may be one person's. For pairs of single pictures of
#: mobilefacenet_112 the best threshold is .305 (balanced accuracy .985, each pair as likely as not
#: the same); but somebody new is compared with everybody, and wrongly joined people are worse than
#: people who are counted twice for a while. Above .45 lie .08 % of the pairs of different people
#: (faces of 40 px and wider), below it 14 % of the means of 3 looks of one woman at 48 px, upset
#: and laughing: for those there is the late merge.
SAME: Final = 0.45
#: The second best, if that is somebody else, must be worse by this much: one standard deviation of
#: the cosine of different people (.105).
MARGIN: Final = 0.1
#: Looks of both that a first verdict rests on, and how long it is waited for, s: the network reads
#: a face about once a second.
ENOUGH_LOOKS: Final = 3
WAIT_S: Final = 4.0
#: Cosine and looks of both from which two people who are on show are one: more than for a
#: first verdict, since it takes something back, and is asked again every second.
LATE: Final = 0.5
LATE_LOOKS: Final = 8
#: What sums of cosines may differ by without being different.
_ROUNDING: Final = 1e-9


class Held(msgspec.Struct, array_like=True):
    """A track that is followed: whose it is, and when it was last in a picture."""

    person: int
    seen_s: float


class Linked(msgspec.Struct):
    """Somebody. ``decided``: the verdict has been given. ``gone_s`` is since when nobody sees them,
    None while somebody does."""

    since_s: float
    decided: bool = False
    gone_s: float | None = None


class Links(msgspec.Struct):
    """Who is who, as plain data for the checkpoint; no embedding, no figure made of one.

    ``held`` maps camera and track to their person; ``together`` has the pairs of tracks that were
    in one picture of a camera (lower number first). ``apart`` has the pairs of people of whom that
    is known from tracks that are over, ``split`` those that were split by hand. ``at_s`` is each
    camera's time; ``made`` counts the people's numbers that were given.
    """

    people: dict[int, Linked] = {}
    held: dict[str, dict[int, Held]] = {}
    together: dict[str, set[tuple[int, int]]] = {}
    apart: set[tuple[int, int]] = set()
    split: set[tuple[int, int]] = set()
    at_s: dict[str, float] = {}
    made: int = 0


@dataclass(frozen=True, slots=True)
class Entered:
    """The track is of somebody new."""

    person: int
    camera: str
    track: int


@dataclass(frozen=True, slots=True)
class Joined:
    """The track is of somebody who is known already."""

    person: int
    camera: str
    track: int


@dataclass(frozen=True, slots=True)
class Merged:
    """Two people on show are one; ``kept`` was there first."""

    kept: int
    gone: int


@dataclass(frozen=True, slots=True)
class Parted:
    """The track was ``person``'s, who was seen beside it in one picture: it is nobody's now."""

    person: int
    camera: str
    track: int


@dataclass(frozen=True, slots=True)
class SplitOff:
    """What the camera sees of ``person`` is ``other`` from now on, who is new."""

    person: int
    other: int
    tracks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A command that can't be done and changed nothing; ``reason`` is for a log."""

    reason: str


Outcome = Entered | Joined | Merged | Parted


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What verdicts rest on, at one moment: mean looks (unit length) and their number, by person,
    and the pairs (lower first) who can't be one."""

    means: dict[int, Vector]
    counts: dict[int, int]
    apart: set[tuple[int, int]]

    def cosine(self, a: int, b: int) -> float:
        return float(self.means[a] @ self.means[b])

    def differ(self, a: int, b: int) -> bool:
        """Whether ``a`` and ``b`` are surely two, or at least don't look like one."""
        return _pair(a, b) in self.apart or self.cosine(a, b) < SAME


def see(
    links: Links,
    gallery: Gallery,
    camera: str,
    faces: Mapping[int, Look | None],
    at_s: float,
    *,
    reads: bool,
) -> list[Outcome]:
    """Take a picture of a camera in: ``faces`` are the (confirmed) tracks that were found in it,
    with what the identity network says of them, if it does. ``reads``: whether it is running for
    this camera at all. Call it for every frame in which faces were looked for."""
    at_s = links.at_s[camera] = max(at_s, links.at_s.get(camera, at_s))
    held = links.held.setdefault(camera, {})
    outcomes: list[Outcome] = [*_part(links, gallery, camera, sorted(faces))]
    for track in sorted(faces):
        if track not in held:
            held[track] = Held(_new_person(links, at_s), at_s)
        held[track].seen_s = at_s
    together = links.together.setdefault(camera, set())
    together.update(itertools.combinations(sorted(faces), 2))
    learnt = _learn(links, gallery, camera, faces, at_s)
    outcomes += _decide(links, gallery, camera, reads)
    if learnt:
        outcomes += _merge_late(links, gallery)
    _bound(links, gallery)
    return outcomes


def leave(links: Links, gallery: Gallery, camera: str, track: int) -> int | None:
    """The camera follows the track no longer. Returns the person whom nobody sees any more with
    that, if it was their last track: they are remembered, to be known on return. A track without a
    verdict leaves nothing behind."""
    held = links.held.get(camera, {})
    if track not in held:
        return None
    _settle_pairs(links, camera, track)
    number = held.pop(track).person
    templates.fold(gallery, (camera, track), number)
    person = links.people[number]
    if tracks_of(links, number):
        return None
    person.gone_s = links.at_s[camera]
    if not person.decided:
        _drop(links, gallery, number)
        return None
    return number


def merge(links: Links, gallery: Gallery, a: int, b: int) -> Merged | Refused:
    """By hand: ``a`` and ``b`` are one person. Undoes a split of the two by hand."""
    for number in (a, b):
        if not _is_decided(links, number):
            return Refused(f"merge: there is no person {number}")
    if a == b:
        return Refused(f"merge: person {a} can't be merged with themselves; name two people")
    if _pair(a, b) in _seen_apart(links):
        return Refused(f"merge: one camera saw persons {a} and {b} at once, so they are two")
    links.split.discard(_pair(a, b))
    _unite(links, gallery, min(a, b), max(a, b))
    return Merged(min(a, b), max(a, b))


def split(links: Links, person: int, camera: str) -> SplitOff | Refused:
    """By hand: whom ``camera`` sees as ``person`` now is somebody else. The rest of what is known
    of ``person`` stays theirs; the two are never joined again but by hand."""
    if not _is_decided(links, person):
        return Refused(f"split: there is no person {person}")
    tracks = [track for name, track in tracks_of(links, person) if name == camera]
    if not tracks:
        return Refused(f"split: camera {camera!r} doesn't see person {person} now")
    old = links.people[person]
    at_s = links.at_s[camera]
    other = _new_person(links, at_s)
    links.people[other].decided = True
    for track in tracks:
        links.held[camera][track].person = other
    links.split.add(_pair(person, other))
    if not tracks_of(links, person):
        old.gone_s = at_s
    return SplitOff(person, other, tuple(tracks))


def person_of(links: Links, camera: str, track: int) -> int | None:
    """Whose track it is; None before the verdict, and for one that isn't followed."""
    held = links.held.get(camera, {}).get(track)
    return held.person if held is not None and links.people[held.person].decided else None


def tracks_of(links: Links, person: int) -> list[TrackKey]:
    """The tracks of a person that are followed now, also those out of sight for a moment."""
    return [
        (camera, track)
        for camera, held in links.held.items()
        for track, one in held.items()
        if one.person == person
    ]


# -- what a picture says ----------------------------------------------------------------------


def _part(links: Links, gallery: Gallery, camera: str, tracks: list[int]) -> list[Parted]:
    """Two tracks of one person in one picture are two people. The one seen last before this
    picture keeps the person: the other was lost meanwhile, and who stands where somebody was
    lost needn't be the same. What was learnt from it until then was the person's."""
    held = links.held[camera]
    by_person: dict[int, list[int]] = {}
    for track in tracks:
        if track in held:
            by_person.setdefault(held[track].person, []).append(track)
    parted = []
    for person, several in by_person.items():
        several.sort(key=lambda track: (-held[track].seen_s, track))
        for track in several[1:]:
            templates.fold(gallery, (camera, track), person)
            _settle_pairs(links, camera, track)
            held[track].person = _new_person(links, links.at_s[camera])
            parted.append(Parted(person, camera, track))
    return parted


def _settle_pairs(links: Links, camera: str, track: int) -> None:
    """Beside whom the track was seen until now, its person was seen, whatever follows."""
    held, together = links.held[camera], links.together[camera]
    for pair in [pair for pair in together if track in pair]:
        a, b = (held[number].person for number in pair)
        links.apart.add(_pair(a, b))
        together.discard(pair)


def _learn(
    links: Links, gallery: Gallery, camera: str, faces: Mapping[int, Look | None], at_s: float
) -> bool:
    """Take the looks of a picture in; whether any changed a template."""
    read = {track: look for track, look in sorted(faces.items()) if look is not None}
    if not read:
        return False
    known = set(gallery.past)
    known |= {links.held[name][track].person for name, track in gallery.tracks}
    learnt = False
    for track, look in read.items():
        person = links.held[camera][track].person
        if person not in known and len(known) >= MAX_PEOPLE:
            continue
        if templates.learn(gallery, (camera, track), look, at_s):
            known.add(person)
            learnt = True
    return learnt


# -- verdicts -----------------------------------------------------------------------------------


def _decide(links: Links, gallery: Gallery, camera: str, reads: bool) -> list[Outcome]:
    """Give the verdicts that are due for the camera's new tracks."""
    outcomes: list[Outcome] = []
    while waiting := _waiting(links, camera):
        evidence = _evidence(links, gallery)
        joins = _joins(links, evidence, list(waiting)) if reads else {}
        if joins:
            for new, known in sorted(joins.items()):
                _unite(links, gallery, known, new)
                outcomes.append(Joined(known, camera, waiting[new]))
            continue
        fresh = next((new for new in waiting if _is_new(links, evidence, camera, new, reads)), None)
        if fresh is None:
            break
        links.people[fresh].decided = True
        outcomes.append(Entered(fresh, camera, waiting[fresh]))
    return outcomes


def _waiting(links: Links, camera: str) -> dict[int, int]:
    """Who has no verdict yet among a camera's people, with their track, the oldest first."""
    held = links.held[camera].items()
    return dict(
        sorted((one.person, track) for track, one in held if not links.people[one.person].decided)
    )


def _joins(links: Links, evidence: _Evidence, waiting: list[int]) -> dict[int, int]:
    """Which of those waiting are surely whom: the best assignment, without what is doubtful, that
    is where another assignment would be nearly as good."""
    rows = [new for new in waiting if evidence.counts.get(new, 0) >= ENOUGH_LOOKS]
    columns = [
        number
        for number, person in links.people.items()
        if person.decided and evidence.counts.get(number, 0) >= ENOUGH_LOOKS
    ]
    if not rows or not columns:
        return {}
    gains = np.array([[_gain(evidence, new, known) for known in columns] for new in rows])
    pairs, total = _assign(gains)
    joins = {}
    for i, j in pairs:
        # Who may be the same person as one of the two is no other choice.
        same_rows = [not evidence.differ(rows[i], row) for row in rows]
        same_columns = [not evidence.differ(columns[j], column) for column in columns]
        others = np.where(np.outer(same_rows, same_columns), 0.0, gains)
        sure = total - _assign(others)[1] >= MARGIN - _ROUNDING
        if sure and _clear(evidence, columns[j], rows[i], columns):
            joins[rows[i]] = columns[j]
    return joins


def _gain(evidence: _Evidence, a: int, b: int) -> float:
    """What it is worth to take two for one person, where to take somebody for nobody known is
    worth 0: their cosine above SAME - MARGIN; 0 where they can't be one, or are below SAME."""
    if _pair(a, b) in evidence.apart:
        return 0.0
    cosine = evidence.cosine(a, b)
    return cosine - (SAME - MARGIN) if cosine >= SAME else 0.0


def _assign(gains: NDArray[np.float64]) -> tuple[list[tuple[int, int]], float]:
    """The pairs (row, column) of the greatest sum of gains, and that sum."""
    rows, columns = linear_sum_assignment(gains, maximize=True)
    chosen = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(i, j) for i, j in chosen if gains[i, j] > 0], float(gains[rows, columns].sum())


def _clear(evidence: _Evidence, a: int, b: int, others: list[int]) -> bool:
    """Whether ``a`` looks less like everybody else than like ``b``, by MARGIN. Who may be ``b``
    too (a second track of the same person, not joined yet) is nobody else."""
    limit = evidence.cosine(a, b) - MARGIN
    return not any(
        other not in (a, b)
        and _pair(a, other) not in evidence.apart
        and evidence.cosine(a, other) > limit
        and evidence.differ(b, other)
        for other in others
    )


def _is_new(links: Links, evidence: _Evidence, camera: str, new: int, reads: bool) -> bool:
    """Whether the one waiting is somebody new: there is nobody whom it could be, or it looked
    like nobody, or it has waited long enough."""
    if not reads or links.at_s[camera] - links.people[new].since_s >= WAIT_S:
        return True
    for number, person in links.people.items():
        if not person.decided or _pair(number, new) in evidence.apart:
            continue
        if number not in evidence.counts and person.gone_s is not None:
            continue  # Nobody will ever know how they looked.
        if min(evidence.counts.get(number, 0), evidence.counts.get(new, 0)) < ENOUGH_LOOKS:
            return False
        if evidence.cosine(number, new) >= SAME:
            return False
    return True


def _merge_late(links: Links, gallery: Gallery) -> list[Merged]:
    """Join the people on show who turned out to be one, the most alike first."""
    merged: list[Merged] = []
    while True:
        evidence = _evidence(links, gallery)
        pair = _most_alike(links, evidence)
        if pair is None:
            return merged
        _unite(links, gallery, *pair)
        merged.append(Merged(*pair))


def _most_alike(links: Links, evidence: _Evidence) -> tuple[int, int] | None:
    """The two people on show who are surely one, the older first; None where nobody is."""
    known = sorted(n for n in evidence.means if links.people[n].decided)
    settled = [number for number in known if evidence.counts[number] >= LATE_LOOKS]
    if len(settled) < 2:
        return None
    means = np.stack([evidence.means[number] for number in settled])
    first, second = np.nonzero(np.triu(means @ means.T, 1) >= LATE)
    pairs = [(settled[i], settled[j]) for i, j in zip(first.tolist(), second.tolist(), strict=True)]
    possible = [
        (-evidence.cosine(a, b), a, b)
        for a, b in pairs
        if (a, b) not in evidence.apart
        and _clear(evidence, a, b, known)
        and _clear(evidence, b, a, known)
    ]
    return min(possible)[1:] if possible else None


# -- the people ---------------------------------------------------------------------------------


def _evidence(links: Links, gallery: Gallery) -> _Evidence:
    tracks: dict[int, list[TrackKey]] = {number: [] for number in links.people}
    for camera, held in links.held.items():
        for track, one in held.items():
            tracks[one.person].append((camera, track))
    means: dict[int, Vector] = {}
    counts: dict[int, int] = {}
    for number, own in tracks.items():
        known = templates.person_look(gallery, number, own)
        if known is not None:
            means[number], counts[number] = known
    return _Evidence(means, counts, _seen_apart(links) | links.split)


def _seen_apart(links: Links) -> set[tuple[int, int]]:
    """The pairs of people who were in one picture of a camera."""
    pairs = set(links.apart)
    for camera, together in links.together.items():
        held = links.held[camera]
        pairs.update(_pair(held[a].person, held[b].person) for a, b in together)
    return pairs


def _unite(links: Links, gallery: Gallery, kept: int, gone: int) -> None:
    """All that was ``gone``'s is ``kept``'s."""
    for held in links.held.values():
        for one in held.values():
            if one.person == gone:
                one.person = kept
    links.apart = _renamed(links.apart, gone, kept)
    links.split = _renamed(links.split, gone, kept)
    templates.combine(gallery, gone, kept)
    old, new = links.people[kept], links.people.pop(gone)
    old.since_s = min(old.since_s, new.since_s)
    if old.gone_s is not None:
        old.gone_s = None if new.gone_s is None else max(old.gone_s, new.gone_s)


def _renamed(pairs: set[tuple[int, int]], old: int, new: int) -> set[tuple[int, int]]:
    return {_pair(new if a == old else a, new if b == old else b) for a, b in pairs}


def _new_person(links: Links, at_s: float) -> int:
    links.made += 1
    links.people[links.made] = Linked(since_s=at_s)
    return links.made


def _drop(links: Links, gallery: Gallery, person: int) -> None:
    """Nothing is known any more of the person, who has no track."""
    templates.erase(gallery, person)
    del links.people[person]
    links.apart = {pair for pair in links.apart if person not in pair}
    links.split = {pair for pair in links.split if person not in pair}


def _bound(links: Links, gallery: Gallery) -> None:
    """Drop those who are away, while there are too many people: first whom nobody could recognise,
    then the one gone longest."""
    while len(links.people) > MAX_PEOPLE:
        away = [
            (number in gallery.past, person.gone_s, number)
            for number, person in links.people.items()
            if person.gone_s is not None
        ]
        if not away:
            return
        _drop(links, gallery, min(away)[2])


def _is_decided(links: Links, person: int) -> bool:
    return person in links.people and links.people[person].decided


def _pair(a: int, b: int) -> tuple[int, int]:
    return (a, b) if a < b else (b, a)
