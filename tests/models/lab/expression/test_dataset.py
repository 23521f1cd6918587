"""A data set is read whole, or one line says what is wrong with it and what to do."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from readroom.errors import BadSettings
from readroom.messages import EXPRESSIONS
from readroom.models.lab.expression.dataset import (
    FER2013,
    FERPLUS,
    SIDE_PX,
    Pictures,
    distribution,
    load,
    majority,
)
from tests.conftest import shared_folder

CLASSES = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
ANSWERS = ["neutral", "happiness", "surprise", "sadness", "anger"]
ANSWERS += ["disgust", "fear", "contempt", "unknown", "NF"]


def noise(count: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE_PX, SIDE_PX), np.uint8)


def npz(path: Path, count: int = 3, **changes: Any) -> Path:
    """An npz as load_npz wants it, but for the changes; None takes an array out."""
    arrays = {
        "images": noise(count),
        "fer2013": np.arange(count, dtype=np.uint8) % 7,
        "fer2013_classes": np.array(CLASSES),
        "ferplus_votes": np.eye(10, dtype=np.uint8)[np.arange(count) % 10] * 10,
        "ferplus_classes": np.array(ANSWERS),
        "ferplus_present": np.ones(count, bool),
    }
    kept = {name: array for name, array in (arrays | changes).items() if array is not None}
    np.savez(path, **kept)
    return path


def picture(path: Path, image: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


def fer_csv(folder: Path, rows: list[list[Any]], header: str = "emotion,pixels,Usage") -> Path:
    path = folder / "fer2013.csv"
    with path.open("w", newline="") as file:
        file.write(header + "\n")
        csv.writer(file).writerows(rows)
    return path


def votes_csv(folder: Path, rows: list[list[Any]]) -> None:
    with (folder / "fer2013new.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["Usage", "Image name", *ANSWERS], *rows])


def pixels(image: Any) -> str:
    return " ".join(map(str, image.ravel()))


def one_line(path: Path) -> str:
    """What load says of a bad data set."""
    with pytest.raises(BadSettings) as caught:
        load(path)
    text = str(caught.value)
    assert "\n" not in text
    return text


class TestNpz:
    def test_every_npz_in_a_folder_is_a_split(self, tmp_path: Path) -> None:
        npz(tmp_path / "train.npz", 8)
        npz(tmp_path / "valid.npz", 2)
        splits = load(tmp_path).splits
        assert {name: len(split) for name, split in splits.items()} == {"train": 8, "valid": 2}
        assert splits["train"].labels[:5].tolist() == [0, 1, 2, 3, 4]
        assert splits["valid"].names == ("valid/0", "valid/1")
        np.testing.assert_array_equal(splits["train"].images, noise(8))

    def test_one_npz_alone_is_a_data_set(self, tmp_path: Path) -> None:
        assert list(load(npz(tmp_path / "validation.npz")).splits) == ["valid"]

    def test_labels_and_votes_follow_the_names_of_their_classes(self, tmp_path: Path) -> None:
        path = npz(
            tmp_path / "train.npz",
            fer2013_classes=np.array(CLASSES[::-1]),
            ferplus_classes=np.array(ANSWERS[::-1]),
        )
        found = load(path).splits["train"]
        assert [FER2013[label] for label in found.labels] == ["surprise", "sadness", "neutral"]
        assert [FERPLUS[vote] for vote in found.votes.argmax(axis=1)] == [
            "not a face", "unknown", "contempt",
        ]  # fmt: skip

    def test_votes_that_are_not_present_are_nobodys(self, tmp_path: Path) -> None:
        present = np.array([True, False, True])
        found = load(npz(tmp_path / "train.npz", ferplus_present=present)).splits["train"]
        assert found.votes.any(axis=1).tolist() == present.tolist()

    def test_an_npz_without_votes_has_labels_alone(self, tmp_path: Path) -> None:
        none = {"ferplus_votes": None, "ferplus_classes": None, "ferplus_present": None}
        found = load(npz(tmp_path / "train.npz", **none)).splits["train"]
        assert not found.votes.any()
        assert found.votes.shape == (3, 10)

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"images": noise(3).astype(np.float32)}, "images is float32 [3, 48, 48]"),
            ({"images": noise(3)[:, :40]}, "images is uint8 [3, 40, 48]"),
            ({"images": np.uint8(3)}, "images is uint8 []"),
            ({"fer2013": np.array([0, 1, 7])}, "fer2013 has values 0..7: wanted 0..6"),
            ({"fer2013": np.array([0, 1])}, "fer2013 is int64 [2]"),
            ({"fer2013": np.array([0.0, 1.0, 2.0])}, "fer2013 is float64"),
            ({"fer2013": None}, "has no array 'fer2013'"),
            ({"fer2013_classes": np.array([*CLASSES[:6], "suprise"])}, "'surprise' was probably"),
            ({"ferplus_present": None}, "has no array 'ferplus_present'"),
            ({"ferplus_votes": np.zeros((3, 8), np.uint8)}, "ferplus_votes is uint8 [3, 8]"),
            ({"ferplus_classes": np.array(ANSWERS[:8])}, "ferplus_classes is neutral, happiness"),
            ({"images": None}, "has no array 'images'"),
        ],
    )
    def test_an_array_that_does_not_fit_is_named(
        self, tmp_path: Path, changes: dict[str, Any], said: str
    ) -> None:
        path = npz(tmp_path / "train.npz", **changes)
        assert said in one_line(path)
        assert str(path) in one_line(path)

    def test_an_empty_split_is_refused(self, tmp_path: Path) -> None:
        npz(tmp_path / "train.npz", 0)
        assert "split 'train' is empty" in one_line(tmp_path)

    @pytest.mark.parametrize("left_ratio", [0.0, 0.3, 0.99])
    def test_a_truncated_npz_is_refused(self, tmp_path: Path, left_ratio: float) -> None:
        path = npz(tmp_path / "train.npz")
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * left_ratio)])
        assert "get the file again" in one_line(tmp_path)

    def test_damage_inside_an_npz_is_refused(self, tmp_path: Path) -> None:
        path = npz(tmp_path / "train.npz")
        data = bytearray(path.read_bytes())
        data[1000] ^= 0xFF
        path.write_bytes(data)
        assert "get the file again" in one_line(tmp_path)

    def test_two_files_of_one_split_are_refused(self, tmp_path: Path) -> None:
        npz(tmp_path / "val.npz")
        npz(tmp_path / "valid.npz")
        assert "same split (val.npz, valid.npz)" in one_line(tmp_path)


class TestCsv:
    def test_rows_go_to_their_splits_with_their_own_numbering_of_classes(
        self, tmp_path: Path
    ) -> None:
        images = noise(7)
        usages = ["Training"] * 5 + ["PublicTest", "PrivateTest"]
        rows = [[i, pixels(image), usages[i]] for i, image in enumerate(images)]
        found = load(fer_csv(tmp_path, rows))
        labels = {
            name: [FER2013[label] for label in split.labels] for name, split in found.splits.items()
        }
        assert labels == {
            "train": ["anger", "disgust", "fear", "happiness", "sadness"],
            "valid": ["surprise"],
            "test": ["neutral"],
        }
        np.testing.assert_array_equal(found.splits["test"].images[0], images[6])
        assert found.unreadable == ()

    def test_votes_beside_it_belong_to_the_same_row(self, tmp_path: Path) -> None:
        images = noise(3)
        fer_csv(tmp_path, [[0, pixels(image), "Training"] for image in images])
        said = [[0] * 4 + [9, 0, 0, 0, 1, 0], [10] + [0] * 9, [0] * 9 + [10]]
        votes_csv(tmp_path, [["Training", f"{i}.png", *votes] for i, votes in enumerate(said)])
        np.testing.assert_array_equal(load(tmp_path).splits["train"].votes, said)

    def test_a_skipped_row_does_not_shift_the_votes(self, tmp_path: Path) -> None:
        images = noise(3)
        rows = [[0, pixels(image), "Training"] for image in images]
        rows[1][1] = "1 2 3"
        fer_csv(tmp_path, rows)
        said = np.eye(10, dtype=int)[:3] * 10
        votes_csv(tmp_path, [["Training", "x", *votes] for votes in said])
        found = load(tmp_path)
        assert found.splits["train"].votes.argmax(axis=1).tolist() == [0, 2]
        assert found.unreadable == (("row 2", "not 2304 pixels of 0 to 255"),)

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ([9, pixels(noise(1)), "Training"], "unknown emotion '9' (known: 0 to 6)"),
            ([0, pixels(noise(1).astype(int) + 200), "Training"], "not 2304 pixels"),
            ([0, "a b", "Training"], "pixels that are no numbers"),
            ([0, pixels(noise(1)), "Learning"], "unknown Usage 'Learning'"),
            ([0], "not 2304 pixels of 0 to 255"),
        ],
    )
    def test_a_bad_row_is_listed(self, tmp_path: Path, row: list[Any], reason: str) -> None:
        found = load(fer_csv(tmp_path, [[0, pixels(noise(1)), "Training"], row]))
        assert len(found.splits["train"]) == 1
        assert found.unreadable[0][0] == "row 2"
        assert reason in found.unreadable[0][1]

    def test_spaces_around_the_names_of_columns_do_not_matter(self, tmp_path: Path) -> None:
        path = fer_csv(tmp_path, [[3, "Training", pixels(noise(1))]], "emotion, Usage, pixels")
        assert load(path).splits["train"].labels.tolist() == [FER2013.index("happiness")]

    def test_wrong_columns_are_refused(self, tmp_path: Path) -> None:
        path = fer_csv(tmp_path, [[0, "1 2", "Training"]], "label,pixels,Usage")
        assert "has no column 'emotion': wanted emotion, pixels, Usage" in one_line(path)

    def test_a_csv_without_one_good_row_is_refused(self, tmp_path: Path) -> None:
        assert "no files" in one_line(fer_csv(tmp_path, []))
        assert "row 1 not 2304 pixels" in one_line(fer_csv(tmp_path, [[0, "1", "Training"]]))

    @pytest.mark.parametrize(
        ("usages", "said"),
        [
            (["Training"], "only 1 rows"),
            (["Training"] * 3, "3 rows for 2 pictures"),
            (["Training", "PublicTest"], "row 2 is 'PublicTest', not 'Training'"),
        ],
    )
    def test_votes_of_another_edition_are_refused(
        self, tmp_path: Path, usages: list[str], said: str
    ) -> None:
        fer_csv(tmp_path, [[0, pixels(image), "Training"] for image in noise(2)])
        votes_csv(tmp_path, [[usage, "x", *([1] * 10)] for usage in usages])
        assert said in one_line(tmp_path)

    def test_votes_that_are_no_numbers_are_refused(self, tmp_path: Path) -> None:
        fer_csv(tmp_path, [[0, pixels(noise(1)), "Training"]])
        votes_csv(tmp_path, [["Training", "x", *(["many"] * 10)]])
        assert "row 1: votes that are no numbers" in one_line(tmp_path)


class TestFolders:
    def test_a_folder_per_split_and_class(self, tmp_path: Path) -> None:
        for split, word, count in [("train", "happy", 2), ("train", "sad", 1)] + [
            ("validation", "surprise", 1), ("test", "neutral", 1),
        ]:  # fmt: skip
            for i, image in enumerate(noise(count)):
                picture(tmp_path / split / word / f"{i}.png", image)
        splits = load(tmp_path).splits
        assert {name: [FER2013[i] for i in each.labels] for name, each in splits.items()} == {
            "train": ["happiness", "happiness", "sadness"],
            "valid": ["surprise"],
            "test": ["neutral"],
        }
        assert splits["train"].names[0] == "train/happy/0.png"

    def test_class_folders_alone_are_the_split_train(self, tmp_path: Path) -> None:
        picture(tmp_path / "Angry" / "a.png", noise(1)[0])
        assert load(tmp_path).splits["train"].labels.tolist() == [FER2013.index("anger")]

    def test_a_grey_48_px_picture_stays_as_it_is(self, tmp_path: Path) -> None:
        picture(tmp_path / "happy" / "a.png", noise(1)[0])
        np.testing.assert_array_equal(load(tmp_path).splits["train"].images, noise(1))

    def test_a_large_colour_picture_keeps_its_aspect(self, tmp_path: Path) -> None:
        image = np.full((300, 200, 3), 40, np.uint8)
        cv2.circle(image, (100, 150), 60, (255, 255, 255), -1)
        picture(tmp_path / "happy" / "a.jpg", image)
        found = load(tmp_path).splits["train"].images[0]
        rows, columns = np.nonzero(found > 140)
        assert found.shape == (48, 48)
        assert np.ptp(rows) == np.ptp(columns) == pytest.approx(120 / 300 * 48, abs=1.5)
        assert (rows.mean(), columns.mean()) == pytest.approx((23.5, 23.5), abs=0.3)

    def test_what_can_not_be_read_is_listed_and_the_rest_is_read(self, tmp_path: Path) -> None:
        folder = tmp_path / "train" / "happy"
        picture(folder / "good.png", noise(1)[0])
        picture(folder / "cut.jpg", cv2.resize(noise(1)[0], (200, 200)))
        picture(folder / "cut.png", noise(1)[0])
        for name in ("cut.jpg", "cut.png"):
            data = (folder / name).read_bytes()
            (folder / name).write_bytes(data[: len(data) // 2])
        (folder / "empty.png").touch()
        (folder / "text.png").write_text("no picture")
        (folder / "notes.txt").write_text("hello")
        (folder / ".hidden").touch()
        picture(tmp_path / "train" / "loose.png", noise(1)[0])
        found = load(tmp_path)
        assert found.splits["train"].names == ("train/happy/good.png",)
        assert [name for name, _ in found.unreadable] == [
            "train/loose.png",
            *(f"train/happy/{n}" for n in ("cut.jpg", "cut.png", "empty.png", "notes.txt")),
            "train/happy/text.png",
        ]
        reasons = dict(found.unreadable)
        assert all(reasons.values())
        assert reasons["train/loose.png"] == "lies in no class folder"

    def test_a_jpeg_that_is_damaged_inside_is_listed(self, tmp_path: Path) -> None:
        folder = tmp_path / "train" / "happy"
        for name in ("good.jpg", "bad.jpg"):
            picture(folder / name, cv2.resize(noise(1)[0], (200, 200)))
        data = bytearray((folder / "bad.jpg").read_bytes())
        del data[len(data) // 2 : len(data) // 2 + 1000]
        (folder / "bad.jpg").write_bytes(data)
        assert load(tmp_path).unreadable == (("train/happy/bad.jpg", "is a damaged JPEG"),)

    def test_an_unknown_class_is_named_with_its_nearest(self, tmp_path: Path) -> None:
        picture(tmp_path / "train" / "hapy" / "a.png", noise(1)[0])
        said = one_line(tmp_path)
        assert str(tmp_path / "train" / "hapy") in said
        assert "'happy' was probably meant" in said
        assert "known: neutral, happiness, surprise" in said
        assert "contempt" not in said

    def test_a_word_like_no_class_gets_no_guess(self, tmp_path: Path) -> None:
        picture(tmp_path / "xyzzy" / "a.png", noise(1)[0])
        assert "'xyzzy': rename it or take it out" in one_line(tmp_path)

    def test_a_class_beside_splits_is_refused(self, tmp_path: Path) -> None:
        picture(tmp_path / "train" / "happy" / "a.png", noise(1)[0])
        picture(tmp_path / "vaild" / "happy" / "a.png", noise(1)[0])
        assert "'valid' was probably meant" in one_line(tmp_path)

    def test_two_names_of_one_split_are_refused(self, tmp_path: Path) -> None:
        for split in ("val", "validation"):
            picture(tmp_path / split / "happy" / "a.png", noise(1)[0])
        assert "same split (val, validation)" in one_line(tmp_path)

    def test_an_empty_split_is_refused(self, tmp_path: Path) -> None:
        picture(tmp_path / "train" / "happy" / "a.png", noise(1)[0])
        (tmp_path / "test" / "happy").mkdir(parents=True)
        assert "split 'test' is empty (no files)" in one_line(tmp_path)

    def test_a_split_of_broken_pictures_alone_says_the_first(self, tmp_path: Path) -> None:
        (tmp_path / "happy").mkdir()
        (tmp_path / "happy" / "a.png").touch()
        assert "the first: happy/a.png is empty" in one_line(tmp_path)


def test_a_missing_or_empty_place_is_refused(tmp_path: Path) -> None:
    assert "no such file or folder" in one_line(tmp_path / "nowhere")
    assert "no data set there" in one_line(tmp_path)
    (tmp_path / "a.zip").touch()
    assert "wanted an npz, a csv or a folder" in one_line(tmp_path / "a.zip")


def test_a_tie_or_a_way_out_has_no_majority() -> None:
    votes = np.zeros((5, 10), np.uint8)
    votes[0, :2] = 6, 4
    votes[1, :2] = 5, 5
    votes[2, 8] = 10
    votes[3, 9] = 10
    assert majority(votes).tolist() == [0, -1, -1, -1, -1]


def test_the_distribution_leaves_the_ways_out_aside() -> None:
    votes = np.zeros((2, 10), np.uint8)
    votes[0, [0, 4, 8]] = 3, 1, 6
    shares = distribution(votes)
    assert shares[0, [0, EXPRESSIONS.index("anger")]].tolist() == [0.75, 0.25]
    assert shares[1].sum() == 0


def test_taking_some_keeps_everything_about_them() -> None:
    split = Pictures(
        "train", noise(3), np.arange(3), np.eye(10, dtype=np.uint8)[:3], ("a", "b", "c")
    )
    taken = split.take(np.array([False, True, True]), "some")
    assert (taken.split, taken.names, taken.labels.tolist()) == ("some", ("b", "c"), [1, 2])
    np.testing.assert_array_equal(taken.images, split.images[1:])
    np.testing.assert_array_equal(split.take(np.array([2, 0])).votes, split.votes[[2, 0]])


def test_the_shared_pictures_are_what_their_readme_says() -> None:
    splits = load(shared_folder("datasets") / "ferplus").splits
    assert {name: len(split) for name, split in splits.items()} == {"train": 28006, "valid": 3543}
