"""What is wrong with a data set, and the training pictures that are left without it.

Nothing here touches what a network is measured on: only training pictures are taken out or
joined, and what also lies in a split that is measured on, nearly or mirrored, is taken out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from readroom.errors import BadSettings
from readroom.models.lab.expression.dataset import (
    AS_EXPRESSION,
    FER2013,
    FERPLUS,
    Labels,
    Pictures,
    Votes,
    majority,
)
from readroom.models.lab.expression.duplicates import Duplicates, Indices, find_duplicates

Mask = NDArray[np.bool_]

#: Standard deviation of the grey levels (0..255) below which a picture is blank. Of FER-2013's, the
#: three below 5 are black or one grey; the darkest face that can be seen at all has 9.
BLANK_CONTRAST: Final = 5.0


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in a data set. Indices count through all splits, one after the other, in the
    order of ``splits``; all are int64.

    - ``split_of`` [n]: which of ``splits`` a picture is in.
    - ``duplicates``: pairs and ``duplicates.groups`` [n] (same number: same photograph).
    - ``blank``: nearly constant pictures.
    - ``not_a_face``: most taggers said so, alone at the top.
    - ``unknown``: most taggers could not tell the expression, alone at the top.
    - ``left_out``: nobody's votes, though others of the split have some: FER+ handed out no
      picture that it took for no face, or for one that is cut off.
    - ``disputed``: members of duplicate groups whose FER-2013 labels differ.
    - ``outvoted``: the label isn't what FER+'s majority says, where both are known.
    """

    splits: tuple[str, ...]
    split_of: Indices
    duplicates: Duplicates
    blank: Indices
    not_a_face: Indices
    unknown: Indices
    left_out: Indices
    disputed: Indices
    outvoted: Indices

    @property
    def groups(self) -> Indices:
        """Int64 [n]: pictures with the same number show the same photograph."""
        return self.duplicates.groups

    def within(self, split: str) -> slice:
        """Where a split's pictures lie among all."""
        inside = np.flatnonzero(self.split_of == self.splits.index(split))
        return slice(int(inside[0]), int(inside[-1]) + 1)

    def mask(self, found: Indices) -> Mask:
        """Indices as a mask over all pictures."""
        marked = np.zeros(len(self.split_of), bool)
        marked[found] = True
        return marked


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What is left of the training pictures: ``pictures``, ``kept`` (mask over the pictures as
    they were) and ``dropped``, how many went for which reason (each picture under the first)."""

    pictures: Pictures
    kept: Mask
    dropped: dict[str, int]


def find(splits: Mapping[str, Pictures]) -> Findings:
    """Looks through all splits: 10 to 15 s for FER-2013's 31,500 pictures on one core."""
    sets = list(splits.values())
    images = np.concatenate([each.images for each in sets])
    votes = np.concatenate([each.votes for each in sets])
    labels = np.concatenate([each.labels for each in sets])
    asked = votes.any(axis=1)
    some_asked = np.concatenate([np.full(len(each), each.votes.any()) for each in sets])
    duplicates = find_duplicates(images)
    return Findings(
        splits=tuple(splits),
        split_of=np.repeat(np.arange(len(sets)), [len(each) for each in sets]),
        duplicates=duplicates,
        blank=np.flatnonzero(_contrast(images) < BLANK_CONTRAST),
        not_a_face=np.flatnonzero(_most_say(votes, "not a face")),
        unknown=np.flatnonzero(_most_say(votes, "unknown")),
        left_out=np.flatnonzero(some_asked & ~asked),
        disputed=np.flatnonzero(_disputed(labels, duplicates.groups)),
        outvoted=np.flatnonzero(_outvoted(labels, votes)),
    )


def clean(
    splits: Mapping[str, Pictures],
    findings: Findings,
    held_out: Sequence[str] = ("valid", "test"),
    train: str = "train",
) -> Cleaned:
    """The training pictures worth learning from; raises BadSettings without that split.

    Taken out: blank pictures, those that are no face or that FER+ left out, every picture whose
    photograph is also in one of ``held_out`` (splits the set doesn't have are passed over), and
    all but the first of each group of duplicates. The one that stays speaks for its group: its
    votes are the sum over the group's members that aren't taken out for another reason, since
    each is ten more people's opinion of the same photograph (scaled down to at most 255 for one
    answer); its label is the group's most frequent, or -1 (none) where two tie.
    """
    if train not in splits:
        raise BadSettings(
            f"no split {train!r} (there are {', '.join(splits)}): add one to train on"
        )
    where = findings.within(train)
    groups = findings.groups
    measured = np.isin(
        findings.split_of, [i for i, name in enumerate(findings.splits) if name in held_out]
    )
    reasons = {
        "blank": findings.mask(findings.blank),
        "not a face": findings.mask(findings.not_a_face),
        "left out by FER+": findings.mask(findings.left_out),
        f"also in {' or '.join(held_out)}": np.isin(groups, groups[measured]),
    }
    kept = np.ones(len(splits[train]), bool)
    dropped = {}
    for reason, mask in reasons.items():
        dropped[reason] = int((kept & mask[where]).sum())
        kept &= ~mask[where]
    usable = kept.copy()
    candidates = np.flatnonzero(kept)
    firsts = candidates[np.unique(groups[where][candidates], return_index=True)[1]]
    kept = np.zeros_like(kept)
    kept[firsts] = True
    dropped["repeats another"] = int(usable.sum() - kept.sum())
    return Cleaned(_spoken_for(splits[train], groups[where], usable, kept), kept, dropped)


def hold_out(pictures: Pictures, groups: Indices, share: float, seed: int) -> Mask:
    """A part of the pictures to choose by (architecture, epoch, temperature): bool [n].

    About ``share`` (0..1) of each label, whole ``groups`` ([n], same number: same photograph) at a
    time, those with the smallest hash of seed and picture. So the part depends on nothing but the
    pictures and the seed: not on their order, and little on which others are there.
    """
    firsts, inverse = np.unique(groups, return_index=True, return_inverse=True)[1:]
    draws = np.array([_draw(pictures.images[i].tobytes(), seed) for i in range(len(pictures))])
    # A group draws once, the least of its members' draws, and counts under its first one's label.
    draw = np.full(len(firsts), np.inf)
    np.minimum.at(draw, inverse, draws)
    size = np.bincount(inverse)
    chosen = np.zeros(len(firsts), bool)
    for label in range(-1, len(FER2013)):
        of_label = np.flatnonzero(pictures.labels[firsts] == label)
        ordered = of_label[np.argsort(draw[of_label], kind="stable")]
        before = np.cumsum(size[ordered]) - size[ordered]
        chosen[ordered] = before + size[ordered] / 2 < share * size[ordered].sum()
    return chosen[inverse]


def _contrast(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Standard deviation of each picture's grey levels, [n]."""
    return np.array([image.std() for image in images])


def _most_say(votes: Votes, answer: str) -> Mask:
    """Where one of FERPLUS got more votes than each other."""
    column = FERPLUS.index(answer)
    return np.asarray(votes[:, column] > np.delete(votes, column, axis=1).max(axis=1))


def _outvoted(labels: Labels, votes: Votes) -> Mask:
    voted = majority(votes)
    return np.asarray((labels >= 0) & (voted >= 0) & (AS_EXPRESSION[labels] != voted))


def _disputed(labels: Labels, groups: Indices) -> Mask:
    """Members of groups in which two known labels differ."""
    known = np.flatnonzero(labels >= 0)
    least = np.full(len(groups), len(FER2013), np.int64)
    most = np.full(len(groups), -1, np.int64)
    np.minimum.at(least, groups[known], labels[known])
    np.maximum.at(most, groups[known], labels[known])
    return np.asarray((least < most)[groups])


def _spoken_for(pictures: Pictures, groups: Indices, usable: Mask, kept: Mask) -> Pictures:
    """The kept pictures with the votes and label of the usable members of their groups."""
    row_of = np.full(int(groups.max()) + 1, -1, np.int64)
    row_of[groups[kept]] = np.arange(int(kept.sum()))
    rows = row_of[groups[usable]]
    votes = np.zeros((int(kept.sum()), len(FERPLUS)), np.int64)
    np.add.at(votes, rows, pictures.votes[usable])
    votes = np.rint(votes * np.minimum(1, 255 / np.maximum(votes.max(axis=1, keepdims=True), 1)))
    labels = pictures.labels[usable]
    counts = np.zeros((len(votes), len(FER2013)), np.int64)
    np.add.at(counts, (rows[labels >= 0], labels[labels >= 0]), 1)
    most = counts.max(axis=1)
    clear = (most > 0) & ((counts == most[:, None]).sum(axis=1) == 1)
    chosen = pictures.take(kept)
    return Pictures(
        chosen.split,
        chosen.images,
        np.where(clear, counts.argmax(axis=1), -1),
        votes.astype(np.uint8),
        chosen.names,
    )


def _draw(picture: bytes, seed: int) -> float:
    """A number in 0..1 that only the picture and the seed decide."""
    digest = hashlib.blake2b(picture, digest_size=8, key=str(seed).encode()).digest()
    return int.from_bytes(digest, "big") / 2**64
