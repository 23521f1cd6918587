"""What an evaluation found, as values: one list of figures per classifier, each with its interval
and its number of pictures, from which tables and plots are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from numpy.typing import NDArray

from readroom.messages import EXPRESSIONS
from readroom.models.lab.expression.classifiers import Facts, LabelSet
from readroom.models.lab.expression.dataset import FER2013
from readroom.models.lab.expression.scoring import Reliability
from readroom.models.lab.figures import Figure

#: The classes of each set of labels, in order.
CLASSES: Final[Mapping[LabelSet, tuple[str, ...]]] = {"ferplus": EXPRESSIONS, "fer2013": FER2013}
#: The four classes that every set of pictures has enough of.
FOUR: Final = ("happiness", "sadness", "surprise", "neutral")
#: What people call the sets.
TITLES: Final[Mapping[LabelSet, str]] = {"ferplus": "FER+", "fer2013": "FER-2013"}


class Key(NamedTuple):
    """Which figure: on which labels, which one, and of what part (a class, a size), "" of all."""

    labels: LabelSet
    name: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many pictures a set of labels measures on, of how many; the others by reason."""

    used: int
    total: int
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Sample:
    """The pictures that were measured on.

    ``tagger`` is how often one person agrees with the majority of the others, None where nobody
    was asked; ``n_per_class`` counts the pictures of every class. ``unreadable``: what in the whole
    data set was passed over, (name, reason) each.
    """

    split: str
    coverage: Mapping[LabelSet, Coverage]
    n_per_class: Mapping[LabelSet, tuple[int, ...]]
    tagger: Figure | None
    unreadable: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Calibration:
    """How sure and how right before and after a temperature, and which one.

    ``own``: the temperature came with the classifier. Otherwise it was fitted here, for each half
    of the pictures on the other half, and ``temperature`` is the two halves' geometric mean.
    """

    temperature: float
    own: bool
    before: Reliability
    after: Reliability


@dataclass(frozen=True, slots=True)
class Result:
    """What is known of one classifier. ``confusions``: counts [c, c], rows are the truth.

    ``cost``: time on one CPU thread as a multiple of the reference's, None where not measured;
    its ``n`` counts runs.
    """

    facts: Facts
    figures: Mapping[Key, Figure]
    confusions: Mapping[LabelSet, NDArray[Any]]
    calibrations: Mapping[LabelSet, Calibration]
    cost: Figure | None = None
