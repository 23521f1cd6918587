"""Duplicates are found in every disguise that is common, and never taught and measured at once."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from readroom.errors import BadSettings
from readroom.models.lab.expression.cleaning import clean, find, hold_out
from readroom.models.lab.expression.dataset import FERPLUS, SIDE_PX, Pictures
from readroom.models.lab.expression.duplicates import find_duplicates, join, thumbnails


def photographs(count: int, seed: int = 0) -> Any:
    """Pictures with shading and details, no two alike: uint8 [count, 48, 48]."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        layers = [cv2.resize(random.normal(size=(n, n)), (SIDE_PX, SIDE_PX)) for n in (4, 12, 24)]
        found.append(np.clip(128 + 50 * layers[0] + 20 * layers[1] + 15 * layers[2], 0, 255))
    return np.array(found, np.uint8)


def split(name: str, images: Any, labels: Any = 0, votes: Any = None) -> Pictures:
    count = len(images)
    if votes is None:
        votes = np.tile(np.eye(10, dtype=np.uint8)[0] * 10, (count, 1))
    names = tuple(f"{name}/{i}" for i in range(count))
    return Pictures(name, images, np.broadcast_to(np.int64(labels), count).copy(), votes, names)


def shifted(image: Any) -> Any:
    return np.roll(image, 1, axis=1)


def with_a_watermark(image: Any) -> Any:
    return cv2.addWeighted(
        image, 0.6, cv2.putText(image.copy(), "stock", (2, 30), 0, 0.35, 255), 0.4, 0
    )


def darker(image: Any) -> Any:
    return (image * 0.6).astype(np.uint8)


def compressed(image: Any) -> Any:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], 0)


@pytest.mark.parametrize("disguise", [shifted, with_a_watermark, darker, compressed])
def test_a_photograph_is_known_again_in_disguise(disguise: Any) -> None:
    images = photographs(30)
    found = find_duplicates(np.concatenate([images, [disguise(images[7])]]))
    assert found.near.tolist() == [[7, 30]]
    assert found.groups.tolist() == [*range(30), 7]


def test_a_mirrored_photograph_is_known_again() -> None:
    images = photographs(30)
    found = find_duplicates(np.concatenate([images, images[3:4, :, ::-1]]))
    assert found.mirrored.tolist() == [[3, 30]]
    assert len(found.near) == len(found.exact) == 0


def test_equal_bytes_are_exact_duplicates_of_the_first() -> None:
    images = photographs(4)[[0, 1, 0, 2, 0]]
    found = find_duplicates(images)
    assert found.exact.tolist() == [[0, 2], [0, 4]]
    assert len(found.near) == 0
    assert found.groups.tolist() == [0, 1, 0, 3, 0]


def test_different_photographs_and_blank_ones_are_no_duplicates() -> None:
    blank = np.stack([np.full((SIDE_PX, SIDE_PX), grey, np.uint8) for grey in (0, 1, 255)])
    found = find_duplicates(np.concatenate([photographs(50), blank]))
    assert found.groups.tolist() == list(range(53))


def test_pairs_are_found_across_the_blocks_of_the_comparison() -> None:
    images = photographs(2100)
    images[2090] = darker(images[5])
    images[2095] = images[2060, :, ::-1]
    found = find_duplicates(images)
    assert found.near.tolist() == [[5, 2090]]
    assert found.mirrored.tolist() == [[2060, 2095]]


def test_groups_reach_over_pairs() -> None:
    pairs = np.array([[1, 4], [4, 5]]), np.array([[0, 3]])
    assert join(7, *pairs).tolist() == [0, 1, 2, 0, 1, 1, 6]
    assert join(3).tolist() == [0, 1, 2]


def test_thumbnails_do_not_see_brightness_and_contrast() -> None:
    image = photographs(1)
    one, other = thumbnails(np.concatenate([image, image // 2 + 60]))
    assert float(one @ other) == pytest.approx(1, abs=1e-3)
    assert not thumbnails(np.full((1, SIDE_PX, SIDE_PX), 9, np.uint8)).any()


def votes_for(*answers: str) -> Any:
    return np.stack([np.eye(10, dtype=np.uint8)[FERPLUS.index(answer)] * 10 for answer in answers])


def test_findings_name_the_pictures_over_all_splits() -> None:
    train, valid = photographs(6), photographs(2, seed=1)
    train[1] = 7
    train[4] = darker(train[0])
    votes = votes_for("neutral", "neutral", "not a face", "unknown", "neutral", "happiness")
    valid_votes = votes_for("anger", "anger")
    valid_votes[1] = 0
    found = find(
        {
            "train": split("train", train, [0, 4, 4, 4, 4, 3], votes),
            "valid": split("valid", valid, 0, valid_votes),
        }
    )
    assert found.blank.tolist() == [1]
    assert found.not_a_face.tolist() == [2]
    assert found.unknown.tolist() == [3]
    assert found.left_out.tolist() == [7]
    assert found.disputed.tolist() == [0, 4]
    assert found.outvoted.tolist() == [0]
    assert found.within("valid") == slice(6, 8)
    assert found.mask(found.blank).sum() == 1


def test_nobody_is_left_out_where_nobody_voted() -> None:
    none = np.zeros((3, 10), np.uint8)
    found = find({"train": split("train", photographs(3), votes=none)})
    assert len(found.left_out) == len(found.not_a_face) == len(found.outvoted) == 0


def test_cleaning_takes_each_bad_picture_out_once_and_says_why() -> None:
    train, valid = photographs(8), photographs(3, seed=1)
    train[1] = 7
    train[4] = darker(train[0])
    train[5] = shifted(valid[2])
    train[6] = valid[1, :, ::-1]
    votes = votes_for(*["neutral"] * 8)
    votes[2] = votes_for("not a face")[0]
    votes[7] = 0
    splits = {"train": split("train", train, votes=votes), "valid": split("valid", valid)}
    cleaned = clean(splits, find(splits))
    assert cleaned.dropped == {
        "blank": 1,
        "not a face": 1,
        "left out by FER+": 1,
        "also in valid or test": 2,
        "repeats another": 1,
    }
    assert np.flatnonzero(cleaned.kept).tolist() == [0, 3]
    assert cleaned.pictures.names == ("train/0", "train/3")


def test_the_one_that_stays_speaks_for_its_group() -> None:
    images = photographs(2)[[0, 0, 0, 1]]
    votes = votes_for("neutral", "anger", "anger", "fear")
    splits = {"train": split("train", images, [4, 0, 0, 2], votes)}
    left = clean(splits, find(splits)).pictures
    assert left.labels.tolist() == [0, 2]
    assert left.votes[0, [FERPLUS.index("neutral"), FERPLUS.index("anger")]].tolist() == [10, 20]
    np.testing.assert_array_equal(left.votes[1], votes[3])


def test_votes_of_bad_members_do_not_count_and_a_bad_first_does_not_stay() -> None:
    images = photographs(1)[[0, 0]]
    splits = {"train": split("train", images, votes=votes_for("not a face", "fear"))}
    cleaned = clean(splits, find(splits))
    assert cleaned.kept.tolist() == [False, True]
    np.testing.assert_array_equal(cleaned.pictures.votes, votes_for("fear"))


def test_a_tie_between_labels_leaves_none() -> None:
    splits = {"train": split("train", photographs(1)[[0, 0]], [3, 4])}
    assert clean(splits, find(splits)).pictures.labels.tolist() == [-1]


def test_many_votes_keep_their_shares() -> None:
    answers = ["anger"] * 30 + ["fear"] * 10
    splits = {"train": split("train", photographs(1)[[0] * 40], votes=votes_for(*answers))}
    votes = clean(splits, find(splits)).pictures.votes[0]
    assert votes[FERPLUS.index("anger")] == 255
    assert votes[FERPLUS.index("fear")] == 85


def test_cleaning_needs_a_train_split_and_may_leave_nothing_of_it() -> None:
    valid = {"valid": split("valid", photographs(2))}
    with pytest.raises(BadSettings, match="no split 'train'"):
        clean(valid, find(valid))
    blank = {"train": split("train", np.zeros((2, SIDE_PX, SIDE_PX), np.uint8))}
    cleaned = clean(blank, find(blank))
    assert len(cleaned.pictures) == 0
    assert cleaned.dropped["blank"] == 2


class TestHoldOut:
    labels = np.repeat(np.arange(-1, 7), [10, 400, 20, 100, 100, 100, 100, 100])
    images = np.random.default_rng(3).integers(0, 256, (930, SIDE_PX, SIDE_PX), np.uint8)
    pictures = split("train", images, labels)
    groups = np.arange(930)

    def test_it_holds_its_share_of_each_label(self) -> None:
        held = hold_out(self.pictures, self.groups, 0.1, 1)
        counts = np.bincount(self.labels[held] + 1, minlength=8)
        assert counts.tolist() == [1, 40, 2, 10, 10, 10, 10, 10]

    def test_it_is_the_same_again_whatever_the_order(self) -> None:
        held = hold_out(self.pictures, self.groups, 0.1, 1)
        order = np.random.default_rng(0).permutation(930)
        again = hold_out(self.pictures.take(order), self.groups, 0.1, 1)
        np.testing.assert_array_equal(again, held[order])

    def test_another_seed_holds_another_part(self) -> None:
        one, other = (hold_out(self.pictures, self.groups, 0.1, seed) for seed in (1, 2))
        assert (one & other).sum() < 30

    def test_a_larger_share_holds_the_smaller_one_too(self) -> None:
        small, large = (hold_out(self.pictures, self.groups, share, 1) for share in (0.1, 0.3))
        assert (small <= large).all()

    def test_it_never_parts_a_group(self) -> None:
        groups = np.arange(930) // 7 * 7
        held = hold_out(self.pictures, groups, 0.2, 1)
        sizes = np.bincount(groups, minlength=930)
        taken = np.bincount(groups, weights=held, minlength=930)
        assert set(zip(taken.tolist(), sizes.tolist(), strict=True)) <= {
            *((0.0, n) for n in sizes.tolist()),
            *((float(n), n) for n in sizes.tolist()),
        }
        assert held.sum() == pytest.approx(186, abs=30)
