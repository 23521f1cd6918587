"""Training on generated people: it learns, stops and goes on, and knows what isn't asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab isn't installed: pip install -e '.[lab]'")

from readroom.errors import BadSettings
from readroom.models.lab.poses.networks import Seen, build, expectation
from readroom.models.lab.poses.recipe import Recipe
from readroom.models.lab.poses.training import Targets, Trainer, loss_of
from readroom.models.lab.runs import Run, keep_going, resume
from tests.models.lab.poses.people import crowd

RECIPE = Recipe(
    architecture="maps-tiny", epochs=2, early_epochs=1, early_size=(32, 64), batch=8,
    average_decay=0.9,
)  # fmt: skip


def _trainer(recipe: Recipe = RECIPE, data_hash: str = "") -> Trainer:
    return Trainer(recipe, crowd(24), crowd(4, seed=1), data_hash)


def test_a_run_that_is_resumed_ends_as_one_that_was_not_stopped(tmp_path: Path) -> None:
    whole = _trainer()
    keep_going(whole, Run(tmp_path / "whole"))
    stopped = _trainer()
    keep_going(stopped, Run(tmp_path / "parts"), until=1)
    resumed = _trainer()
    resume(resumed, Run(tmp_path / "parts").checkpoint)
    assert resumed.epoch == 1
    keep_going(resumed, Run(tmp_path / "parts"))
    for one, other in zip(
        whole.average.state_dict().values(), resumed.average.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other)


def test_training_lowers_the_loss() -> None:
    trainer = _trainer(
        Recipe(
            architecture="maps-tiny",
            epochs=12,
            early_epochs=0,
            batch=8,
            learning_rate=0.01,
            warm_up_epochs=0.5,
            augmentation=0,
        )
    )
    losses = [trainer.run_epoch()["loss"] for _ in range(12)]
    assert losses[-1] < 0.8 * losses[0]


def test_a_run_of_other_photos_or_another_recipe_is_refused(tmp_path: Path) -> None:
    keep_going(_trainer(data_hash="one"), Run(tmp_path), until=1)
    with pytest.raises(BadSettings, match="was trained on data one, this is two"):
        resume(_trainer(data_hash="two"), Run(tmp_path).checkpoint)
    with pytest.raises(BadSettings, match="epochs=2"):
        resume(_trainer(RECIPE.over(3), "one"), Run(tmp_path).checkpoint)


def test_fewer_people_than_a_batch_are_refused() -> None:
    with pytest.raises(BadSettings, match="24 people to learn from are fewer than a batch of 32"):
        _trainer(Recipe(architecture="maps-tiny", batch=32))


def test_the_place_is_the_middle_of_the_cells_that_a_map_points_to() -> None:
    maps = torch.full((1, 2, 6, 8), -50.0)
    maps[0, 0, 2, 3] = 50
    maps[0, 1, 0, [4, 5]] = 50
    np.testing.assert_allclose(expectation(maps)[0], [(14, 10), (20, 2)], atol=1e-4)


def _said(x: float, y: float, score: float) -> Seen:
    """What a network of 64×96 px would say: a Gaussian around a place, 3 px wide."""
    across = ((torch.arange(16) + 0.5) * 4 - x) / RECIPE.spread_px
    down = ((torch.arange(24) + 0.5) * 4 - y) / RECIPE.spread_px
    maps = -0.5 * (across**2 + down[:, None] ** 2)
    visible = torch.logit(torch.tensor(score)).expand(1, 17)
    return Seen(maps.expand(1, 17, 24, 16), visible)


def _wanted(weights: list[float]) -> Targets:
    """Everything at (30, 50) and half seen."""
    places = torch.tensor([30.0, 50.0]).expand(1, 17, 2).clone()
    return Targets(places, torch.tensor([weights]), torch.full((1, 17), 0.5))


def test_the_right_answer_costs_nothing_but_the_scores_own_doubt() -> None:
    wanted, doubt = _wanted([1.0] * 17), float(np.log(2))
    assert float(loss_of(_said(30, 50, 0.5), wanted, RECIPE, plain=True)) == pytest.approx(
        doubt, abs=5e-3
    )
    assert float(loss_of(_said(33, 50, 0.5), wanted, RECIPE, plain=True)) > doubt + 0.3


def test_an_error_costs_more_on_the_nose_than_on_a_hip_unless_all_joints_are_alike() -> None:
    def cost(joint: int, *, plain: bool) -> float:
        weights = [0.0] * 17
        weights[joint] = 1.0
        wrong = loss_of(_said(34, 50, 0.5), _wanted(weights), RECIPE, plain=plain)
        return float(wrong - loss_of(_said(30, 50, 0.5), _wanted(weights), RECIPE, plain=plain))

    assert cost(0, plain=False) > 1.3 * cost(11, plain=False)
    assert cost(0, plain=True) == pytest.approx(cost(11, plain=True), rel=1e-3)


def test_joints_that_the_teacher_doubts_count_with_the_square_of_its_score() -> None:
    def cost(sure: float, doubted: float) -> float:
        seen = _said(30, 50, 0.5)
        wanted = _wanted([sure] * 8 + [doubted] * 9)
        wanted.places[0, 8:, 0] = 38
        return float(loss_of(seen, wanted, RECIPE, plain=False))

    base, whole = cost(1.0, 0.0), cost(0.0, 1.0)
    assert base < cost(1.0, 0.5) < cost(1.0, 1.0) < whole


def test_where_a_joint_without_weight_is_does_not_matter() -> None:
    wanted = _wanted([1.0] * 3 + [0.0] + [1.0] * 13)
    wanted.places[0, 3] = torch.tensor([600.0, -80.0])
    loss = loss_of(_said(30, 50, 0.5), wanted, RECIPE, plain=True)
    assert float(loss) == pytest.approx(np.log(2), abs=5e-3)


def test_people_go_with_the_photos_that_were_chosen_in_that_order() -> None:
    everyone = crowd(5).people
    some = everyone.of([4, 1])
    assert len(some) == 2
    np.testing.assert_array_equal(some.face, everyone.face[[1, 4]])
    np.testing.assert_array_equal(some.photo, [1, 0])


def test_augmentation_calms_down_at_the_end() -> None:
    recipe = Recipe(epochs=100, augmentation=1, calm_ratio=0.2)
    assert recipe.strength(0) == recipe.strength(79) == 1
    assert 0.4 < recipe.strength(99) < 0.45
    with pytest.raises(ValueError, match="calm_ratio"):
        Recipe(calm_ratio=2)


def test_an_unknown_architecture_is_refused_by_name() -> None:
    with pytest.raises(BadSettings, match="architecture=nothing: no such network; known are maps"):
        build("nothing")


def test_people_are_shown_smaller_at_first_and_shorter_recipes_keep_the_proportion() -> None:
    trainer = _trainer()
    assert (trainer.spec.width, trainer.spec.height) == (32, 64)
    trainer.epoch = 1
    assert (trainer.spec.width, trainer.spec.height) == (64, 96)
    assert Recipe(epochs=190, early_epochs=100).over(19).early_epochs == 10
    with pytest.raises(ValueError, match="early_size"):
        Recipe(early_size=(100, 128))
    with pytest.raises(ValueError, match="early_epochs=5: wanted 0 to epochs=4"):
        Recipe(epochs=4, early_epochs=5)


def test_the_rate_begins_anew_where_the_recipe_says_and_ends_at_nothing() -> None:
    recipe = Recipe(
        architecture="maps-tiny", batch=8, epochs=10, early_epochs=0, restart_epoch=6,
        learning_rate=1e-2, restart_rate=5e-3, warm_up_epochs=1,
    )  # fmt: skip
    trainer = Trainer(recipe, crowd(8), crowd(2, seed=1))
    after = [trainer.run_epoch()["rate"] for _ in range(10)]
    assert after[0] == 1e-2
    assert after[1] > after[4] > after[5]
    assert after[5] == 5e-3
    assert after[7] == pytest.approx(2.5e-3)
    assert after[9] == pytest.approx(0, abs=1e-9)
    assert recipe.over(5).restart_epoch == 3
