"""What a prediction is worth, on numbers that can be checked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from readroom.models.lab import figures
from readroom.models.lab.expression import scoring

# Rows are the truth: 4 of class 0 (3 right), 2 of class 1 (1 right), none of class 2.
COUNTS = np.array([[3.0, 1, 0], [0, 1, 1], [0, 0, 0]])


def test_a_confusion_counts_truth_in_rows_and_what_was_said_in_columns() -> None:
    counts = scoring.confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
    assert counts.tolist() == [[1, 1], [0, 1]]


def test_a_weight_counts_a_picture_as_often_as_it_was_drawn() -> None:
    weights = np.array([[2, 1, 0], [0, 0, 3]], np.float32)
    counts = scoring.confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2, weights)
    assert counts.tolist() == [[[2, 1], [0, 0]], [[0, 0], [0, 3]]]


def test_accuracy_and_the_figures_of_each_class() -> None:
    assert scoring.accuracy(COUNTS) == pytest.approx(4 / 6)
    assert scoring.recalls(COUNTS)[:2] == pytest.approx([3 / 4, 1 / 2])
    assert scoring.precisions(COUNTS) == pytest.approx([1, 1 / 2, 0])
    assert scoring.f1s(COUNTS)[:2] == pytest.approx([6 / 7, 1 / 2])


def test_a_class_without_pictures_has_no_recall_and_leaves_the_means_alone() -> None:
    assert math.isnan(scoring.recalls(COUNTS)[2])
    assert math.isnan(scoring.f1s(COUNTS)[2])
    assert scoring.balanced_accuracy(COUNTS) == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert scoring.macro_f1(COUNTS) == pytest.approx((6 / 7 + 1 / 2) / 2)


def test_a_class_that_has_pictures_and_is_never_said_counts_as_nothing() -> None:
    never = np.array([[3.0, 0], [2, 0]])
    assert math.isnan(scoring.precisions(never)[1])
    assert scoring.f1s(never)[1] == 0
    assert scoring.macro_f1(never) == pytest.approx(6 / 8 / 2)


def test_no_picture_at_all_has_no_accuracy() -> None:
    assert math.isnan(scoring.accuracy(np.zeros((2, 2))))
    assert math.isnan(scoring.mean_of_defined(np.array([np.nan, np.nan])))


def pairs(positive: np.ndarray, scores: np.ndarray) -> float:
    """The definition of ROC-AUC, pair by pair."""
    won = [(p > n) + (p == n) / 2 for p in scores[positive] for n in scores[~positive]]
    return float(np.mean(won))


def test_roc_auc_is_the_share_of_pairs_in_the_right_order_and_ties_count_half() -> None:
    positive = np.array([True, False, True, False, False])
    scores = np.array([0.5, 0.5, 0.9, 0.1, 0.9])
    assert scoring.roc_auc(positive, scores) == pytest.approx(pairs(positive, scores))
    assert scoring.roc_auc(positive, np.zeros(5)) == 0.5


def test_roc_auc_under_weights_is_that_of_the_repeated_pictures() -> None:
    random = np.random.default_rng(1)
    positive, scores = random.random(40) < 0.3, random.integers(0, 9, 40) / 9
    weights = random.integers(0, 4, (3, 40)).astype(np.float32)
    repeated = [
        pairs(np.repeat(positive, row.astype(int)), np.repeat(scores, row.astype(int)))
        for row in weights
    ]
    assert scoring.roc_auc(positive, scores, weights) == pytest.approx(repeated)


def test_roc_auc_without_a_positive_or_a_negative_is_undefined() -> None:
    assert math.isnan(scoring.roc_auc(np.array([True, True]), np.array([0.1, 0.2])))
    assert math.isnan(scoring.roc_auc(np.array([False]), np.array([0.1])))


def test_calibration_error_is_the_gap_between_sure_and_right() -> None:
    correct, sure = np.array([True, False, True, True]), np.array([0.9, 0.9, 0.4, 0.4])
    # Half the pictures are .9 sure and half right, half are .4 sure and always right.
    assert scoring.ece(correct, sure) == pytest.approx(0.5 * 0.4 + 0.5 * 0.6)


def test_a_bin_holds_its_upper_edge_and_an_empty_one_says_nothing() -> None:
    bins = scoring.reliability(np.array([True, True]), np.array([1.0, 1 / 15]))
    assert (bins.count[0], bins.count[-1], bins.count.sum()) == (1, 1, 2)
    assert math.isnan(bins.accuracy[7])


def test_the_temperature_that_made_probabilities_too_sure_is_found_again() -> None:
    random = np.random.default_rng(0)
    honest = random.dirichlet(np.ones(4), 20_000)
    truth = (honest.cumsum(1) > random.random((20_000, 1))).argmax(1)
    too_sure = scoring.tempered(honest, 0.5)
    assert scoring.fit_temperature(too_sure, truth) == pytest.approx(2, rel=0.05)
    correct = too_sure.argmax(1) == truth
    assert scoring.ece(correct, scoring.tempered(too_sure, 2).max(1)) < 0.02
    assert scoring.ece(correct, too_sure.max(1)) > 0.05


def test_a_temperature_is_undone_by_its_inverse_and_keeps_what_is_impossible() -> None:
    said = np.array([[0.7, 0.3, 0.0], [0.1, 0.1, 0.8]])
    assert scoring.tempered(scoring.tempered(said, 3), 1 / 3) == pytest.approx(said)
    assert scoring.tempered(said, 3)[0, 2] == 0


def test_divergence_is_nothing_for_the_same_shares_and_finite_where_nothing_was_foreseen() -> None:
    shares = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    assert scoring.divergence(shares, shares) == pytest.approx(0)
    half = np.array([[0.25, 0.5, 0.25], [0.5, 0.5, 0.0]])
    assert scoring.divergence(shares, half) == pytest.approx([0.5 * math.log(2), math.log(2)])
    impossible = np.array([[1.0, 0, 0], [0, 1, 0]])
    assert np.isfinite(scoring.divergence(shares, impossible)).all()


def test_every_drawing_has_as_many_pictures_and_the_same_seed_draws_the_same() -> None:
    weights = figures.draw(50, 20, seed=3)
    assert (weights.sum(1) == 50).all()
    assert (weights == figures.draw(50, 20, seed=3)).all()
    assert (weights != figures.draw(50, 20, seed=4)).any()


def test_the_interval_of_a_share_is_the_one_that_theory_gives() -> None:
    right = np.arange(400) < 300
    found = figures.figure(lambda drawn: scoring.mean(right, drawn), figures.draw(400))
    reach = 1.96 * math.sqrt(0.75 * 0.25 / 400)
    assert (found.value, found.n) == (0.75, 400)
    assert (found.low, found.high) == pytest.approx((0.75 - reach, 0.75 + reach), abs=0.006)


def test_a_class_missing_from_a_resample_is_left_out_of_its_mean() -> None:
    truth = np.array([0] * 30 + [1])
    weights = figures.draw(31, 500)
    drawn = scoring.confusion(truth, truth, 2, weights)
    assert np.isnan(scoring.recalls(drawn)[:, 1]).any()
    assert figures.interval(scoring.recalls(drawn)[:, 1]) == (1, 1)
    assert (scoring.balanced_accuracy(drawn) == 1).all()


def test_nothing_defined_has_no_interval() -> None:
    assert all(map(math.isnan, figures.interval(np.full(9, np.nan))))


def test_each_tagger_is_held_against_the_others() -> None:
    # Nine say 0 and one says 1: the nine agree with the rest, the one doesn't.
    agreed, asked = scoring.against_the_rest(np.array([[9, 1, 0]], np.uint8), 2)
    assert (agreed.tolist(), asked.tolist()) == ([9], [10])


def test_a_tagger_whose_vote_makes_or_breaks_a_tie_is_told_apart() -> None:
    # Without one of the two who say 0, the rest is tied 1:1; without the one who says 1, it is 2:0.
    agreed, asked = scoring.against_the_rest(np.array([[2, 1, 0]], np.uint8), 2)
    assert (agreed.tolist(), asked.tolist()) == ([0], [1])


def test_answers_that_are_no_expression_neither_ask_nor_decide() -> None:
    # The third answer isn't an expression: its three voters aren't asked, and where they win the
    # others aren't either.
    agreed, asked = scoring.against_the_rest(np.array([[1, 1, 3], [5, 0, 3]], np.uint8), 2)
    assert (agreed.tolist(), asked.tolist()) == ([0, 5], [0, 5])


def test_a_classifier_answers_in_the_taggers_place_against_the_same_majorities() -> None:
    votes = np.array([[9, 1, 0], [9, 1, 0]], np.uint8)
    agreed, asked = scoring.against_the_rest(votes, 2, np.array([0, 1]))
    assert (agreed.tolist(), asked.tolist()) == ([10, 0], [10, 10])
