"""Training on generated people: it learns, stops and goes on, and knows what isn't asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab isn't installed: pip install -e '.[lab]'")

from readroom.errors import BadSettings
from readroom.models.lab.poses.networks import Seen, build, expectation
from readroom.models.lab.poses.recipe import Recipe
from readroom.models.lab.poses.training import Targets, Trainer, crowd_of, loss_of
from readroom.models.lab.runs import Run, keep_going, resume
from tests.models.lab.poses.people import crowd

RECIPE = Recipe(architecture="simcc-tiny", epochs=2, batch=8, average_decay=0.9)


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
            architecture="simcc-tiny",
            epochs=12,
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
    other = Recipe(architecture="simcc-tiny", epochs=3, batch=8, average_decay=0.9)
    with pytest.raises(BadSettings, match="epochs=2"):
        resume(_trainer(other, "one"), Run(tmp_path).checkpoint)


def test_fewer_people_than_a_batch_are_refused() -> None:
    with pytest.raises(BadSettings, match="24 people to learn from are fewer than a batch of 32"):
        _trainer(Recipe(architecture="simcc-tiny", batch=32))


def test_the_place_is_where_the_bins_are_and_half_a_pixel_is_one_bin() -> None:
    logits = torch.full((1, 2, 40), -50.0)
    logits[0, 0, 20] = 50
    logits[0, 1, [10, 11]] = 50
    np.testing.assert_allclose(expectation(logits)[0], (10, 5.25), atol=1e-4)


def _said(x: float, y: float, score: float) -> Seen:
    def along(place: float, bins: int) -> torch.Tensor:
        away = (torch.arange(bins) / 2 - place) / RECIPE.spread_px
        return (-0.5 * away**2).expand(1, 17, bins)

    visible = torch.logit(torch.tensor(score)).expand(1, 17)
    return Seen(along(x, 128), along(y, 192), visible)


def test_the_right_answer_costs_nothing_but_the_scores_own_doubt() -> None:
    places = torch.tensor([30.0, 50.0]).expand(1, 17, 2)
    wanted = Targets(places, torch.ones(1, 17), torch.full((1, 17), 0.5))
    doubt = float(np.log(2))
    assert float(loss_of(_said(30, 50, 0.5), wanted, RECIPE)) == pytest.approx(doubt, abs=2e-3)
    assert float(loss_of(_said(33, 50, 0.5), wanted, RECIPE)) > doubt + 0.5


def test_where_a_joint_without_weight_is_does_not_matter() -> None:
    places = torch.tensor([30.0, 50.0]).expand(1, 17, 2).clone()
    weights = torch.ones(1, 17)
    weights[0, 3], places[0, 3] = 0, torch.tensor([600.0, -80.0])
    visible = torch.full((1, 17), 0.5)
    visible[0, 3] = 0
    loss = loss_of(_said(30, 50, 0.5), Targets(places, weights, visible), RECIPE)
    assert float(loss) == pytest.approx(np.log(2), abs=2e-3)


def test_people_go_with_the_photos_that_were_chosen() -> None:
    everyone = crowd(5)
    chosen = [1, 4]
    some = crowd_of(everyone.people, [everyone.pictures[i] for i in chosen], chosen)
    assert len(some) == 2
    np.testing.assert_array_equal(some.people.face, everyone.people.face[chosen])
    np.testing.assert_array_equal(some.people.photo, [0, 1])


def test_augmentation_calms_down_at_the_end() -> None:
    recipe = Recipe(epochs=100, calm_ratio=0.2)
    assert recipe.strength(0) == recipe.strength(79) == 1
    assert 0.4 < recipe.strength(99) < 0.45
    with pytest.raises(ValueError, match="calm_ratio"):
        Recipe(calm_ratio=2)


def test_an_unknown_architecture_is_refused_by_name() -> None:
    with pytest.raises(BadSettings, match="architecture=nothing: no such network; known are simcc"):
        build("nothing")
