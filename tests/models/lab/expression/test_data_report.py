"""The data report counts right, shows what it found, and needs nothing but itself."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from readroom.errors import BadSettings
from readroom.messages import EXPRESSIONS
from readroom.models.lab.expression import data_statistics as statistics
from readroom.models.lab.expression.data_report import run_data
from readroom.models.lab.expression.dataset import FER2013, FERPLUS, SIDE_PX
from tests.models.lab.expression.test_cleaning import darker, photographs, votes_for
from tests.models.lab.expression.test_dataset import npz, picture


class Page(HTMLParser):
    """What a browser would fetch and a screen reader would say of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.pictures: list[dict[str, str | None]] = []
        self.fetched: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "img"}:
            self.open.append(tag)
        found = dict(attrs)
        if tag == "img":
            self.pictures.append(found)
        for name in ("src", "href"):
            if name in found and not (found[name] or "").startswith("data:"):
                self.fetched.append(found[name] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A small set with a bit of everything that can be wrong."""
    folder = tmp_path / "a <set>"
    folder.mkdir()
    train, valid = photographs(20), photographs(5, seed=1)
    train[3] = 0
    train[5] = train[4]
    train[6] = darker(valid[0])
    votes = votes_for(*["happiness"] * 20)
    votes[8] = 0
    votes[9] = votes_for("not a face")[0]
    answers = [*EXPRESSIONS, "unknown", "NF"]
    for name, images, said in (("train", train, votes), ("valid", valid, votes[:5])):
        npz(
            folder / f"{name}.npz",
            len(images),
            images=images,
            ferplus_votes=said,
            ferplus_classes=np.array(answers),
        )
    return folder


def test_the_report_shows_what_was_found(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = run_data(data, tmp_path / "new" / "out")
    text = file.read_text()
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1] == str(file) == str(tmp_path / "new" / "out" / "report.html")
    assert "train 20, valid 5" in printed
    assert "1 exact, 1 near, 0 mirrored pairs; 1 of them across splits" in printed
    assert "1 blank, 1 voted not a face, 1 left out by FER+" in printed
    for title in ("Exact, in one split: 1", "Near, across splits: 1", "Labels against votes"):
        assert title in text
    assert "<td>left to train on</td><td>15 of 20</td>" in text


def test_the_page_is_whole_and_needs_nothing_from_elsewhere(data: Path, tmp_path: Path) -> None:
    text = run_data(data, tmp_path).read_text()
    page = Page(text)
    assert page.open == []
    assert page.fetched == []
    assert not re.search(r"https?://|url\(|@import", text)
    assert len(page.pictures) > 30
    assert all(found["alt"] for found in page.pictures)
    assert "Data report: a &lt;set&gt;" in text


def test_unreadable_files_are_listed(tmp_path: Path) -> None:
    for i, image in enumerate(photographs(3)):
        picture(tmp_path / "set" / "happy" / f"{i}.png", image)
    (tmp_path / "set" / "happy" / "<broken>.png").write_text("no picture")
    text = run_data(tmp_path / "set", tmp_path / "out").read_text()
    assert "<td>happy/&lt;broken&gt;.png</td><td>is damaged, or no picture</td>" in text
    assert "Labels against votes" not in text


def test_a_set_without_a_train_split_can_be_reported(tmp_path: Path) -> None:
    npz(tmp_path / "valid.npz")
    assert "no split “train”" in run_data(tmp_path / "valid.npz", tmp_path / "out").read_text()


def test_a_folder_that_can_not_be_made_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadSettings, match="name another"):
        run_data(tmp_path / "nowhere", tmp_path / "file" / "out")


def voted(**answers: int) -> Any:
    """One picture's votes."""
    found = np.zeros((1, len(FERPLUS)), np.uint8)
    for name, count in answers.items():
        found[0, FERPLUS.index(name)] = count
    return found


def test_classes_are_counted_with_the_ones_without() -> None:
    assert statistics.class_counts(np.array([0, 2, 2, -1]), 3).tolist() == [1, 0, 2, 1]


def test_labels_are_held_against_untied_majorities() -> None:
    anger, fear = FER2013.index("anger"), FER2013.index("fear")
    labels = np.array([anger, anger, fear, -1, fear])
    votes = np.concatenate(
        [voted(anger=9, fear=1), voted(fear=10), voted(fear=5, anger=5), voted(fear=10), voted()]
    )
    counts = statistics.label_vote_counts(labels, votes)
    assert counts[anger, EXPRESSIONS.index("anger")] == 1
    assert counts[anger, EXPRESSIONS.index("fear")] == 1
    assert counts[fear, -1] == 1
    assert counts.sum() == 3
    assert statistics.label_agreement(labels, votes) == (0.5, 2)
    assert statistics.label_agreement_with_ties(labels, votes) == (pytest.approx(1 / 3), 3)


def test_one_tagger_is_held_against_the_others_without_itself() -> None:
    # Each of the nine meets eight of its kind; the tenth meets nine others.
    assert statistics.tagger_agreement(voted(anger=9, fear=1)) == (0.9, 10)
    # Each of the five of one kind meets four and five: outvoted, every time.
    assert statistics.tagger_agreement(voted(anger=5, fear=5)) == (0.0, 10)
    # Each of the five meets four and four: a tie, which doesn't count; the four see five to three.
    rate, count = statistics.tagger_agreement(voted(anger=5, fear=4))
    assert (rate, count) == (0.0, 4)
    assert np.isnan(statistics.tagger_agreement(voted(anger=1))[0])


def test_the_top_share_counts_a_tagger_as_part_of_the_majority() -> None:
    votes = np.concatenate([voted(anger=9, fear=1), voted(anger=5, fear=5), voted()])
    assert statistics.top_share(votes) == (pytest.approx(0.7), 2)


def test_votes_that_agree_have_no_entropy() -> None:
    votes = np.concatenate([voted(anger=10), voted(anger=5, fear=5), voted()])
    assert statistics.vote_entropy_bits(votes).tolist() == [0, 1]


def test_blur_is_less_sharp_and_light_is_brighter() -> None:
    sharp = photographs(1)
    blurred = np.full_like(sharp, 200)
    assert statistics.sharpness(blurred)[0] < statistics.sharpness(sharp)[0]
    assert statistics.brightness(blurred).tolist() == [200]


def test_a_mean_face_uses_the_whole_range_of_grey() -> None:
    images = np.tile(np.linspace(100, 140, SIDE_PX).astype(np.uint8), (4, SIDE_PX, 1))
    mean = statistics.mean_face(images)
    assert (mean.min(), mean.max()) == (0, 255)
    assert not statistics.mean_face(np.zeros((2, SIDE_PX, SIDE_PX), np.uint8)).any()
