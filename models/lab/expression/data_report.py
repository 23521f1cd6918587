"""The data report: one HTML file that shows what a data set is worth, with its pictures.

It holds the set's pictures, so it is written where the user says and nowhere by default.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from readroom.errors import BadSettings
from readroom.messages import EXPRESSIONS
from readroom.models.lab.expression import data_statistics as statistics
from readroom.models.lab.expression.cleaning import Cleaned, Findings, clean, find
from readroom.models.lab.expression.data_page import (
    bars,
    face,
    faces,
    histogram,
    page,
    pair,
    section,
    shaded_table,
    table,
)
from readroom.models.lab.expression.dataset import (
    FER2013,
    FERPLUS,
    DataSet,
    Labels,
    Pictures,
    Votes,
    load,
    majority,
)
from readroom.models.lab.expression.duplicates import Indices

#: Pictures shown of each class: a row on a wide screen.
EXAMPLES = 13
#: Pairs or pictures shown of each kind of finding.
SHOWN = 16
_SEED = 0


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about. ``all`` are the pictures of all splits, in the findings' order."""

    name: str
    data: DataSet
    findings: Findings
    all: Pictures
    cleaned: Cleaned | None

    @property
    def voted(self) -> bool:
        """Whether anybody was asked about any picture."""
        return bool(self.all.votes.any())


def run_data(path: Path, out: Path) -> Path:
    """Checks a data set and writes ``out/report.html``, whose path it returns and prints after a
    short summary; raises BadSettings where the set can't be read or the report not written."""
    _writable(out)
    subject = look_at(path.resolve().name, load(path))
    file = out / "report.html"
    try:
        file.write_text(report(subject), encoding="utf-8")
    except OSError as error:
        raise BadSettings(
            f"{file}: can't be written ({error.strerror}): name another folder"
        ) from None
    print("\n".join(summary(subject)))
    print(file)
    return file


def look_at(name: str, data: DataSet) -> Subject:
    """Everything that the report needs of a data set."""
    findings = find(data.splits)
    sets = list(data.splits.values())
    everything = Pictures(
        "all",
        np.concatenate([each.images for each in sets]),
        np.concatenate([each.labels for each in sets]),
        np.concatenate([each.votes for each in sets]),
        tuple(picture for each in sets for picture in each.names),
    )
    cleaned = clean(data.splits, findings) if "train" in data.splits else None
    return Subject(name, data, findings, everything, cleaned)


def summary(subject: Subject) -> list[str]:
    """The report in a few lines of text."""
    findings, duplicates = subject.findings, subject.findings.duplicates
    sizes = ", ".join(f"{name} {len(split):,}" for name, split in subject.data.splits.items())
    lines = [
        f"pictures      {sizes}",
        f"duplicates    {len(duplicates.exact):,} exact, {len(duplicates.near):,} near, "
        f"{len(duplicates.mirrored):,} mirrored pairs; "
        f"{sum(_across(subject, pairs).sum() for pairs in _kinds(subject).values()):,} "
        "of them across splits",
        f"no use        {len(findings.blank)} blank, {len(findings.not_a_face)} voted not a face, "
        f"{len(findings.left_out)} left out by FER+",
        f"labels        {len(findings.disputed):,} pictures disagree with a duplicate of theirs",
        f"unreadable    {len(subject.data.unreadable):,} files",
    ]
    if subject.voted:
        rate, count = statistics.label_agreement(subject.all.labels, subject.all.votes)
        lines.append(f"agreement     label and FER+ majority {_rate(rate)} of {count:,} pictures")
    if subject.cleaned:
        lines.append(f"to train on   {len(subject.cleaned.pictures):,} after cleaning")
    return lines


def report(subject: Subject) -> str:
    """The whole page."""
    parts = [
        _splits(subject),
        _examples(subject),
        _mean_faces(subject),
        _duplicates(subject),
        _cleaning(subject),
        _no_use(subject),
        _disputed(subject),
    ]
    if subject.voted:
        parts += [_label_against_votes(subject), _agreement(subject)]
    parts += [_quality(subject), _unreadable(subject)]
    return page(f"Data report: {subject.name}", summary(subject), parts)


def _splits(subject: Subject) -> str:
    body = []
    for name, split in subject.data.splits.items():
        body.append(f"<h3>{escape(name)}: {len(split):,} pictures</h3>")
        counts = statistics.class_counts(split.labels, len(FER2013))
        charts = [bars("FER-2013 label", [*FER2013, "none"], counts)]
        if split.votes.any():
            counts = statistics.class_counts(majority(split.votes), len(EXPRESSIONS))
            charts.append(bars("FER+ majority", [*EXPRESSIONS, "none"], counts))
        body.append(f'<div class="columns">{"".join(charts)}</div>')
    note = ""
    if subject.voted:
        note = (
            "The majority is the answer that alone has the most of a picture's votes. “none”: a "
            "tie, mostly “unknown” or “not a face”, or nobody asked."
        )
    return section("Splits and classes", note, body)


def _examples(subject: Subject) -> str:
    random = np.random.default_rng(_SEED)
    body = []
    for title, classes, labels in _labellings(subject):
        rows = []
        for number, word in enumerate(classes):
            members = np.flatnonzero(labels == number)
            chosen = np.sort(random.permutation(members)[:EXAMPLES])
            shown = [_face(subject, int(index), described=word) for index in chosen]
            rows.append((word, faces(shown) if shown else "no picture"))
        body.append(f"<h3>By {escape(title)}</h3>{_rows(rows)}")
    return section("Examples", "Drawn at random, the same at every run.", body)


def _mean_faces(subject: Subject) -> str:
    body = []
    for title, classes, labels in _labellings(subject):
        shown = []
        for number, word in enumerate(classes):
            members = subject.all.images[labels == number]
            if len(members):
                mean = statistics.mean_face(members)
                shown.append(face(mean, f"mean of {len(members)} faces: {word}", word))
        body.append(f"<h3>By {escape(title)}</h3>{faces(shown)}")
    return section("Mean faces", "Contrast stretched. What differs is what a mean can hold.", body)


def _duplicates(subject: Subject) -> str:
    rows = []
    body = []
    random = np.random.default_rng(_SEED)
    for kind, pairs in _kinds(subject).items():
        across = _across(subject, pairs)
        rows.append([kind, f"{(~across).sum():,}", f"{across.sum():,}"])
        for where, chosen in (("across splits", pairs[across]), ("in one split", pairs[~across])):
            some = chosen[np.sort(random.permutation(len(chosen))[:SHOWN])]
            if len(some):
                shown = [pair(*(_face(subject, int(i)) for i in each)) for each in some]
                body.append(f"<h3>{kind}, {where}: {len(chosen):,}</h3>{faces(shown)}")
    sizes = np.bincount(subject.findings.groups)
    groups = sizes[sizes > 1]
    note = (
        f"{len(groups):,} photographs occur more than once, in {int(groups.sum()):,} pictures; "
        f"the most frequent {int(groups.max(initial=0))} times. Exact pairs join each repetition "
        "to the first; near and mirrored pairs are between pictures that differ. How pictures are "
        "compared, and what is missed, is written in models/lab/expression/duplicates.py."
    )
    return section(
        "Duplicates", note, [table(["pairs", "in one split", "across splits"], rows), *body]
    )


def _cleaning(subject: Subject) -> str:
    if not subject.cleaned:
        return section("After cleaning", "There is no split “train” to clean.", [])
    rows = [[reason, f"{count:,}"] for reason, count in subject.cleaned.dropped.items()]
    before, after = len(subject.data.splits["train"]), len(subject.cleaned.pictures)
    rows.append(["left to train on", f"{after:,} of {before:,}"])
    note = (
        "Only training pictures are taken out, each under the first reason that holds. The one "
        "that stays of a group of duplicates carries the group's votes and most frequent label."
    )
    return section("After cleaning", note, [table(["taken out because", "pictures"], rows)])


def _no_use(subject: Subject) -> str:
    findings = subject.findings
    kinds = {
        "Blank": findings.blank,
        "Voted “not a face”": findings.not_a_face,
        "Left out by FER+ (no votes, though others have some)": findings.left_out,
        "Voted “unknown” (stay in)": findings.unknown,
    }
    body = []
    for title, found in kinds.items():
        body.append(f"<h3>{title}: {len(found):,}</h3>")
        if len(found):
            body.append(faces([_face(subject, int(i)) for i in _some(found)]))
    return section("Blank, not a face", "", body)


def _disputed(subject: Subject) -> str:
    disputed = subject.findings.disputed
    groups = subject.findings.groups
    numbers = np.unique(groups[disputed])
    known = np.flatnonzero(subject.all.labels >= 0)
    sizes = np.bincount(groups[known], minlength=len(groups))
    several = int((sizes > 1).sum())
    note = (
        f"{len(numbers):,} of {several:,} photographs that occur more than once with a label have "
        f"more than one ({len(disputed):,} pictures): the label's own noise, without any network."
    )
    rows = []
    for number in _some(numbers):
        members = disputed[groups[disputed] == number][:6]
        shown = [_face(subject, int(i), FER2013[subject.all.labels[i]]) for i in members]
        rows.append(f'<div class="group">{"".join(shown)}</div>')
    return section("One photograph, several labels", note, [faces(rows)] if rows else [])


def _label_against_votes(subject: Subject) -> str:
    counts = statistics.label_vote_counts(subject.all.labels, subject.all.votes)
    totals = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    columns = [*EXPRESSIONS, "no majority"]
    outvoted = subject.findings.outvoted
    votes = subject.all.votes[outvoted]
    strongest = outvoted[np.argsort(-votes.max(axis=1).astype(np.int64), kind="stable")]
    sure = strongest[subject.all.votes[strongest].max(axis=1) == votes.max(initial=0)]
    random = np.random.default_rng(_SEED)
    shown = [
        _face(subject, int(i), f"{FER2013[subject.all.labels[i]]} → {_voted(subject.all.votes, i)}")
        for i in random.permutation(sure)[:SHOWN]
    ]
    body = [
        shaded_table(
            "label \\ votes", FER2013, columns, counts / totals, "{:.2f}", "Rates per label"
        ),
        shaded_table(
            "label \\ votes", FER2013, columns, counts, "{:,}", "Pictures", counts / totals
        ),
        f"<h3>Most clearly outvoted: label → votes</h3>{faces(shown)}" if shown else "",
    ]
    note = "Rows: FER-2013's label. Columns: FER+'s majority. All splits."
    return section("Labels against votes", note, body)


def _agreement(subject: Subject) -> str:
    names = [*subject.data.splits, "all"]
    sets = [*subject.data.splits.values(), subject.all]

    def row(title: str, results: Sequence[tuple[float, int]]) -> list[str]:
        return [title, *(f"{_rate(rate)} (n={count:,})" for rate, count in results)]

    rows = [
        row(
            "Label is FER+'s untied majority of eight expressions",
            [statistics.label_agreement(each.labels, each.votes) for each in sets],
        ),
        row(
            "Label is the expression with the most votes; of tied ones the first",
            [statistics.label_agreement_with_ties(each.labels, each.votes) for each in sets],
        ),
        row(
            "One tagger says what most others say, of all ten answers (ties left out; n: votes)",
            [statistics.tagger_agreement(each.votes) for each in sets],
        ),
        row(
            "Share of votes for the most given answer, each tagger being part of the majority",
            [statistics.top_share(each.votes) for each in sets],
        ),
    ]
    entropies = {
        name: statistics.vote_entropy_bits(each.votes)
        for name, each in zip(names, sets, strict=True)
        if each.votes.any() and name != "all"
    }
    body = [table(["", *names], rows)]
    body += [
        histogram(f"Vote entropy, {name}", values, (0.0, np.log2(len(FERPLUS))), "bits")
        for name, values in entropies.items()
    ]
    note = (
        "How much people agree bounds what a network can be asked for. 0 bits: all said the same. "
        "“One tagger” stands here over all ten answers. The tagger of `readroom lab evaluate` is "
        "asked only about expressions: only taggers who named one of the eight, only where most of "
        "the others did too. On FER+’s validation pictures that gives .782, here .751; neither is "
        "exactly the .77 that goals for FER+ name."
    )
    return section("Agreement", note, [body[0], f'<div class="columns">{"".join(body[1:])}</div>'])


def _quality(subject: Subject) -> str:
    sharp = {n: statistics.sharpness(each.images) for n, each in subject.data.splits.items()}
    most = max(float(np.percentile(values, 99)) for values in sharp.values())
    body = []
    for name, split in subject.data.splits.items():
        light = statistics.brightness(split.images)
        charts = [
            histogram(f"Brightness, {name}", light, (0.0, 255.0), "mean grey level"),
            histogram(f"Sharpness, {name}", sharp[name], (0.0, most), "variance of the Laplacian"),
        ]
        body.append(f'<div class="columns">{"".join(charts)}</div>')
    note = "The sharpest hundredth lies beyond the right edge."
    return section("Brightness and sharpness", note, body)


def _unreadable(subject: Subject) -> str:
    unreadable = subject.data.unreadable
    if not unreadable:
        return section("Passed over", "Every file could be read.", [])
    rows = [[name, reason] for name, reason in unreadable]
    note = f"{len(rows):,} could not be read, and are in none of the figures above."
    return section("Passed over", note, [table(["file or row", "reason"], rows)])


def _labellings(subject: Subject) -> list[tuple[str, Sequence[str], Labels]]:
    """The ways to sort pictures into classes: title, classes, class of each picture."""
    ways: list[tuple[str, Sequence[str], Labels]] = [
        ("FER-2013 label", FER2013, subject.all.labels)
    ]
    if subject.voted:
        ways.append(("FER+ majority", EXPRESSIONS, majority(subject.all.votes)))
    return ways


def _kinds(subject: Subject) -> dict[str, Indices]:
    found = subject.findings.duplicates
    return {"Exact": found.exact, "Near": found.near, "Mirrored": found.mirrored}


def _across(subject: Subject, pairs: Indices) -> NDArray[np.bool_]:
    """Which pairs lie in two splits."""
    where = subject.findings.split_of[pairs]
    return np.asarray(where[:, 0] != where[:, 1])


def _some(found: Indices) -> Indices:
    """A few of what was found, spread evenly."""
    return found[np.unique(np.linspace(0, len(found) - 1, min(SHOWN, len(found))).astype(int))]


def _face(subject: Subject, index: int, caption: str = "", described: str = "") -> str:
    name, told = subject.all.names[index], described or caption
    return face(subject.all.images[index], f"{told} ({name})" if told else name, caption)


def _voted(votes: Votes, index: int) -> str:
    return FERPLUS[int(votes[index].argmax())]


def _rows(rows: Sequence[tuple[str, str]]) -> str:
    return "".join(f"<h4>{escape(title)}</h4>{content}" for title, content in rows)


def _rate(rate: float) -> str:
    return "–" if np.isnan(rate) else f"{rate:.3f}"


def _writable(out: Path) -> None:
    """Makes the folder, before the work and not after."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSettings(
            f"{out}: no folder can be made there ({error.strerror}): name another"
        ) from None
