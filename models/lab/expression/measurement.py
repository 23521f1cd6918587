"""Everything that is measured of one classifier on one split: readings in, figures out.

The protocol is told in ``score_table.PROTOCOL``, which stands at the head of every table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from readroom.errors import BadSettings
from readroom.messages import EXPRESSIONS
from readroom.models.lab.expression import dataset, scoring
from readroom.models.lab.expression.classifiers import (
    Classifier,
    LabelSet,
    Predictions,
)
from readroom.models.lab.expression.data_statistics import sharpness
from readroom.models.lab.expression.dataset import Images, Labels, Pictures, majority
from readroom.models.lab.expression.results import (
    CLASSES,
    FOUR,
    Calibration,
    Coverage,
    Key,
    Result,
    Sample,
)
from readroom.models.lab.figures import RESAMPLES, Figure, Floats, draw, figure, interval

#: Sides that pictures are shrunk to, and enlarged again, px: what a far face has left.
SIZES_PX: Final = (48, 32, 24, 16, 12)
#: Readings of all pictures that an evaluation needs: as they are, mirrored, and each smaller size.
READINGS: Final = 1 + len(SIZES_PX)


@dataclass(frozen=True, slots=True)
class _Readings:
    """Everything that a classifier said: of the pictures, averaged with their mirror images, and
    of the pictures shrunk to each of SIZES_PX."""

    plain: Predictions
    flipped: Predictions
    shrunk: Mapping[int, Predictions]


@dataclass(frozen=True, slots=True)
class _Ground:
    """The pictures that one set of labels measures on.

    ``used`` bool [all]; ``truth`` int64 [n]; ``weights`` [resamples, n]; ``quarters`` int64 [n]
    numbers the quarter of the sharpness, named by ``quarter_names``.
    """

    labels: LabelSet
    used: NDArray[np.bool_]
    truth: Labels
    weights: NDArray[np.float32]
    quarters: Labels
    quarter_names: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names."""
        return CLASSES[self.labels]

    def of(self, said: Predictions) -> Floats:
        """What was said of the pictures that are used, [n, c]."""
        probabilities = said.ferplus if self.labels == "ferplus" else said.fer2013
        return probabilities[self.used].astype(np.float64)


def evaluate_network(
    classifier: Classifier,
    pictures: Pictures,
    *,
    resamples: int = RESAMPLES,
    step: Callable[[], None] = lambda: None,
) -> Result:
    """Everything measured of one classifier on one split; ``step`` is called READINGS times.

    Raises BadSettings where no picture has a label.
    """
    grounds = _grounds(pictures, resamples)
    readings = _read(classifier, pictures.images, step)
    # The readings come first: only after them a network's facts say what its outputs were.
    facts = classifier.facts
    figures: dict[Key, Figure] = {}
    calibrations: dict[LabelSet, Calibration] = {}
    for ground in grounds:
        own = facts.temperatures.get(ground.labels)
        calibration, sure = _calibrate(ground, ground.of(readings.plain), own)
        calibrations[ground.labels] = calibration
        rows = (
            *_of_all(ground, readings),
            *_of_classes(ground, readings),
            *_of_four(ground, readings),
            *_by_quality(ground, readings),
            *sure,
        )
        figures.update({Key(ground.labels, name, part): found for name, part, found in rows})
        if ground.labels == "ferplus":
            figures.update(_with_people(ground, readings, pictures, resamples))
    confusions = {
        ground.labels: scoring.confusion(
            ground.truth, ground.of(readings.plain).argmax(1), len(ground.classes)
        )
        for ground in grounds
    }
    return Result(facts, figures, confusions, calibrations)


def describe_sample(pictures: Pictures, *, resamples: int = RESAMPLES) -> Sample:
    """What was measured on; raises BadSettings where no picture has a label."""
    grounds = _grounds(pictures, resamples)
    agreed, asked = scoring.against_the_rest(pictures.votes, len(EXPRESSIONS))
    return Sample(
        pictures.split,
        {ground.labels: _coverage(ground, pictures) for ground in grounds},
        {
            ground.labels: tuple(np.bincount(ground.truth, minlength=len(ground.classes)).tolist())
            for ground in grounds
        },
        _share(agreed, asked, resamples) if asked.any() else None,
    )


def _grounds(pictures: Pictures, resamples: int) -> list[_Ground]:
    truths: dict[LabelSet, Labels] = {
        "ferplus": majority(pictures.votes),
        "fer2013": pictures.labels,
    }
    sharp = sharpness(pictures.images)
    found = []
    for labels, truth in truths.items():
        used = truth >= 0
        if not used.any():
            continue
        quarters, names = _quarters(sharp[used])
        weights = draw(int(used.sum()), resamples)
        found.append(_Ground(labels, used, truth[used], weights, quarters, names))
    if not found:
        raise BadSettings(f"split {pictures.split!r}: no picture has a label; name another split")
    return found


def _quarters(sharp: NDArray[np.float64]) -> tuple[Labels, tuple[str, ...]]:
    """Quarters of the pictures by sharpness, the most blurred first, and their names."""
    edges = np.percentile(sharp, [25, 50, 75])
    low, middle, high = (f"{edge:.0f}" for edge in edges)
    names = (f"below {low}", f"{low} to {middle}", f"{middle} to {high}", f"above {high}")
    return np.digitize(sharp, edges).astype(np.int64), names


def _coverage(ground: _Ground, pictures: Pictures) -> Coverage:
    if ground.labels == "fer2013":
        reasons = {"no label": ~ground.used}
    else:
        votes = pictures.votes
        most = votes.max(1)
        tied = ((votes == most[:, None]).sum(1) > 1) & (most > 0)
        one = ~ground.used & (most > 0) & ~tied
        reasons = {
            "no votes": most == 0,
            "a tie": tied,
            "most say unknown": one & (votes.argmax(1) == dataset.FERPLUS.index("unknown")),
            "most say not a face": one & (votes.argmax(1) == dataset.FERPLUS.index("not a face")),
        }
    counts = {reason: int(where.sum()) for reason, where in reasons.items() if where.any()}
    return Coverage(int(ground.used.sum()), len(pictures), counts)


def _read(classifier: Classifier, images: Images, step: Callable[[], None]) -> _Readings:
    def read(pictures: Images) -> Predictions:
        said = classifier.predict(pictures)
        step()
        return said

    plain = read(images)
    mirrored = read(np.ascontiguousarray(images[:, :, ::-1]))
    half = np.float32(0.5)
    flipped = Predictions(
        half * (plain.ferplus + mirrored.ferplus), half * (plain.fer2013 + mirrored.fer2013)
    )
    full = images.shape[1]
    shrunk = {px: plain if px == full else read(_shrink(images, px)) for px in SIZES_PX}
    return _Readings(plain, flipped, shrunk)


def _shrink(images: Images, side_px: int) -> Images:
    """Pictures as if the face had been so small: averaged down, enlarged linearly."""
    full = images.shape[1:][::-1]
    small = (
        cv2.resize(image, (side_px, side_px), interpolation=cv2.INTER_AREA) for image in images
    )
    return np.stack(
        [cast(Images, cv2.resize(image, full, interpolation=cv2.INTER_LINEAR)) for image in small]
    )


_Rows = Iterator[tuple[str, str, Figure]]


def _of_all(ground: _Ground, readings: _Readings) -> _Rows:
    """Accuracy, balanced accuracy and macro-F1, with and without the mirror image."""
    for said, suffix in ((readings.plain, ""), (readings.flipped, "_flip")):
        predicted = ground.of(said).argmax(1)
        counts = scoring.confusion(ground.truth, predicted, len(ground.classes))
        drawn = scoring.confusion(ground.truth, predicted, len(ground.classes), ground.weights)
        for name, statistic in (
            ("accuracy", scoring.accuracy),
            ("balanced_accuracy", scoring.balanced_accuracy),
            ("macro_f1", scoring.macro_f1),
        ):
            low, high = interval(statistic(drawn))
            yield name + suffix, "", Figure(float(statistic(counts)), low, high, len(predicted))


def _of_classes(ground: _Ground, readings: _Readings) -> _Rows:
    """Precision, recall, F1 and ROC-AUC of each class; n is the class's pictures."""
    said = ground.of(readings.plain)
    counts = scoring.confusion(ground.truth, said.argmax(1), len(ground.classes))
    drawn = scoring.confusion(ground.truth, said.argmax(1), len(ground.classes), ground.weights)
    pictures = counts.sum(1).astype(int)
    for name, statistic in (
        ("precision", scoring.precisions),
        ("recall", scoring.recalls),
        ("f1", scoring.f1s),
    ):
        once, often = statistic(counts), statistic(drawn)
        for number, part in enumerate(ground.classes):
            low, high = interval(often[:, number])
            yield name, part, Figure(float(once[number]), low, high, int(pictures[number]))
    areas, drawn_areas = [], []
    for number, part in enumerate(ground.classes):
        positive = ground.truth == number
        areas.append(float(scoring.roc_auc(positive, said[:, number])))
        drawn_areas.append(scoring.roc_auc(positive, said[:, number], ground.weights))
        low, high = interval(drawn_areas[-1])
        yield "auc", part, Figure(areas[-1], low, high, int(pictures[number]))
    low, high = interval(scoring.mean_of_defined(np.stack(drawn_areas, axis=1)))
    mean = float(scoring.mean_of_defined(np.array(areas)))
    yield "auc", "", Figure(mean, low, high, len(said))


def _of_four(ground: _Ground, readings: _Readings) -> _Rows:
    """Pictures of the four classes, the likeliest of the four being what was said."""
    columns = np.array([ground.classes.index(name) for name in FOUR])
    chosen = np.isin(ground.truth, columns)
    if not chosen.any():
        return
    said = columns[ground.of(readings.plain)[chosen][:, columns].argmax(1)]
    truth, weights = ground.truth[chosen], ground.weights[:, chosen]
    size = len(ground.classes)
    for name, statistic in (
        ("accuracy_four", scoring.accuracy),
        ("balanced_accuracy_four", scoring.balanced_accuracy),
    ):
        once = statistic(scoring.confusion(truth, said, size))
        low, high = interval(statistic(scoring.confusion(truth, said, size, weights)))
        yield name, "", Figure(float(once), low, high, len(said))


def _by_quality(ground: _Ground, readings: _Readings) -> _Rows:
    """Accuracy by sharpness and by size."""
    correct = ground.of(readings.plain).argmax(1) == ground.truth
    for number, part in enumerate(ground.quarter_names):
        chosen = ground.quarters == number
        if chosen.any():
            yield "accuracy_by_blur", part, _mean(correct[chosen], ground.weights[:, chosen])
    for px, said in readings.shrunk.items():
        correct = ground.of(said).argmax(1) == ground.truth
        yield "accuracy_by_size", f"{px} px", _mean(correct, ground.weights)


def _calibrate(
    ground: _Ground, said: Floats, own: float | None
) -> tuple[Calibration, list[tuple[str, str, Figure]]]:
    """Before and after a temperature: reliability, ECE and negative log-likelihood."""
    if own is None:
        temperature, after = _cross_fitted(said, ground.truth)
        before = said
    else:
        temperature, before, after = own, scoring.tempered(said, 1 / own), said
    rows, bins = [], []
    for name, probabilities in (("before", before), ("after", after)):
        correct, sure = probabilities.argmax(1) == ground.truth, probabilities.max(1)
        bins.append(scoring.reliability(correct, sure))
        rows.append((f"ece_{name}", "", _ece(correct, sure, ground.weights)))
        loss = scoring.surprise(probabilities, ground.truth)
        rows.append((f"nll_{name}", "", _mean(loss, ground.weights)))
    return Calibration(temperature, own is not None, *bins), rows


def _cross_fitted(said: Floats, truth: Labels) -> tuple[float, Floats]:
    """Each half of the pictures at the temperature of the other half, and the two's mean."""
    first = np.random.default_rng(0).permutation(len(truth)) < len(truth) / 2
    cooled, logs = said.copy(), []
    for half in (first, ~first):
        if not half.any() or half.all():
            continue
        temperature = scoring.fit_temperature(said[~half], truth[~half])
        cooled[half] = scoring.tempered(said[half], temperature)
        logs.append(np.log(temperature))
    return float(np.exp(np.mean(logs))) if logs else 1.0, cooled


def _with_people(
    ground: _Ground, readings: _Readings, pictures: Pictures, resamples: int
) -> Mapping[Key, Figure]:
    """Distance from the votes, and agreement with the majority in a tagger's place."""
    shares = dataset.distribution(pictures.votes)[ground.used]
    found = {
        Key("ferplus", f"kl{suffix}"): _mean(
            scoring.divergence(shares, ground.of(said)), ground.weights
        )
        for said, suffix in ((readings.plain, ""), (readings.flipped, "_flip"))
    }
    said = readings.plain.ferplus.argmax(1)
    agreed, asked = scoring.against_the_rest(pictures.votes, len(EXPRESSIONS), said)
    if asked.any():
        found[Key("ferplus", "as_a_tagger")] = _share(agreed, asked, resamples)
    return found


def _share(agreed: Floats, asked: Floats, resamples: int) -> Figure:
    some = asked > 0
    weights = draw(int(some.sum()), resamples)
    return figure(lambda drawn: scoring.ratio(agreed[some], asked[some], drawn), weights)


def _mean(values: NDArray[np.bool_] | Floats, weights: Floats) -> Figure:
    return figure(lambda drawn: scoring.mean(values, drawn), weights)


def _ece(correct: NDArray[np.bool_], sure: Floats, weights: Floats) -> Figure:
    return figure(lambda drawn: scoring.ece(correct, sure, drawn), weights)
