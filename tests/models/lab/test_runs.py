"""What every training shares, on a training of its own: a line through drawn points."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec
import pytest

torch = pytest.importorskip("torch", reason="the lab needs PyTorch: pip install -e '.[lab]'")

from rich.progress import Progress
from torch import nn

from readroom.errors import BadSettings, ReadroomError
from readroom.models.lab.expression.recipe import Recipe as ExpressionRecipe
from readroom.models.lab.recipes import BaseRecipe
from readroom.models.lab.runs import (
    Run,
    check_loss,
    keep_going,
    load_weights,
    read_checkpoint,
    read_environment,
    resume,
    shown,
    update_average,
)


class Line(BaseRecipe, frozen=True, kw_only=True):
    task: Literal["line"] = "line"
    architecture: str = "straight"
    epochs: int = 3


class Trainer:
    """y = 2x + 1, from points with noise."""

    def __init__(self, recipe: Line, data_hash: str = "points") -> None:
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.data_hash = data_hash
        self.network = nn.Linear(1, 1)
        self.average = nn.Linear(1, 1)
        self.average.load_state_dict(self.network.state_dict())
        self.optimiser = torch.optim.SGD(self.network.parameters(), lr=0.3, momentum=0.5)
        self.epoch = self.steps = 0

    def run_epoch(self, progress: Progress | None = None) -> dict[str, float]:
        torch.manual_seed(self.epoch)
        loss = torch.zeros(())
        for x in shown(progress, self.epoch, torch.rand(10, 16, 1), 10):
            loss = (self.network(x) - 2 * x - 1 + torch.randn(16, 1) / 100).square().mean()
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            self.steps += 1
            update_average(self.average, self.network, 0.9, self.steps)
        self.epoch += 1
        return {"loss": float(loss.detach())}

    def assess(self) -> dict[str, float]:
        x = torch.linspace(0, 1, 5)[:, None]
        with torch.no_grad():
            off = float((self.average(x) - 2 * x - 1).abs().mean())
        return {"off": off, "nothing": float("nan")}


def again(run: Run) -> Trainer:
    """A trainer that goes on where a run stands."""
    recipe, _ = read_checkpoint(run.checkpoint, Line)
    trainer = Trainer(recipe)
    resume(trainer, run.checkpoint)
    return trainer


def test_any_training_is_kept_going_and_leaves_its_curves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer, run = Trainer(Line(epochs=20)), Run(tmp_path)
    before = trainer.assess()["off"]
    keep_going(trainer, run, name="line: ")
    assert trainer.assess()["off"] < 0.2 * before
    rows = run.curves.read_text().splitlines()
    assert rows[0] == "epoch,loss,off,nothing,seconds"
    assert len(rows) == 21
    told = capsys.readouterr().out
    assert "line: epoch 20: loss 0.0" in told
    assert "nothing" not in told
    assert read_environment(run)["torch"] == str(torch.__version__)


def test_a_training_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole, first, second = (Trainer(Line(epochs=2)) for _ in range(3))
    keep_going(whole, Run(tmp_path / "whole"))
    keep_going(first, Run(tmp_path / "parts"), until=1)
    resume(second, Run(tmp_path / "parts").checkpoint)
    assert (second.epoch, second.steps) == (1, 10)
    keep_going(second, Run(tmp_path / "parts"))
    for name, value in whole.average.state_dict().items():
        assert torch.equal(value, second.average.state_dict()[name]), name


def test_a_run_that_ended_before_its_checkpoint_has_each_epoch_once(tmp_path: Path) -> None:
    run = Run(tmp_path)
    keep_going(Trainer(Line()), run, until=1)
    held = run.checkpoint.read_bytes()
    keep_going(again(run), run, until=2)
    run.checkpoint.write_bytes(held)  # As if it had ended between row and checkpoint …
    with run.curves.open("a") as file:
        file.write("1")  # … and in the middle of another row.
    keep_going(again(run), run)
    rows = run.curves.read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["epoch", "1", "2", "3"]

    # Before the first checkpoint it begins anew.
    run.checkpoint.unlink()
    keep_going(Trainer(Line()), run, until=1)
    assert len(run.curves.read_text().splitlines()) == 2


def test_a_run_that_is_over_stays_as_it_is(tmp_path: Path) -> None:
    run = Run(tmp_path)
    keep_going(Trainer(Line(epochs=1)), run, until=0)
    assert not run.checkpoint.exists()
    keep_going(Trainer(Line(epochs=1)), run)
    run.environment.write_text('{"torch": "of another time"}')
    keep_going(again(run), run)
    assert read_environment(run) == {"torch": "of another time"}


def test_a_checkpoint_of_another_task_is_refused(tmp_path: Path) -> None:
    keep_going(Trainer(Line(epochs=1)), Run(tmp_path))
    assert read_checkpoint(Run(tmp_path).checkpoint, Line)[0] == Line(epochs=1)
    with pytest.raises(BadSettings, match=r"not a checkpoint of this lab.*task"):
        read_checkpoint(Run(tmp_path).checkpoint, ExpressionRecipe)


def test_a_checkpoint_goes_on_only_with_its_own_recipe_and_data(tmp_path: Path) -> None:
    keep_going(Trainer(Line(epochs=1)), Run(tmp_path))
    with pytest.raises(BadSettings, match="was trained with seed=1"):
        resume(Trainer(Line(epochs=1, seed=2)), Run(tmp_path).checkpoint)
    with pytest.raises(BadSettings, match="trained on data points, this is others"):
        resume(Trainer(Line(epochs=1), "others"), Run(tmp_path).checkpoint)


def test_weights_of_another_architecture_are_refused() -> None:
    with pytest.raises(BadSettings, match=r"run/x\.pt: weights of another architecture"):
        load_weights(nn.Linear(1, 1), nn.Linear(2, 1).state_dict(), Path("run/x.pt"))


def test_a_run_without_its_environment_isnt_whole(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="the run isn't whole"):
        read_environment(Run(tmp_path))


def test_a_young_average_follows_and_an_old_one_remembers() -> None:
    network, young, old = nn.Linear(1, 1), nn.Linear(1, 1), nn.Linear(1, 1)
    for each, value in ((network, 1.0), (young, 0.0), (old, 0.0)):
        nn.init.constant_(each.weight, value)
    update_average(young, network, 0.99, 1)
    update_average(old, network, 0.99, 10_000)
    assert young.weight.item() == pytest.approx(1 - 2 / 11)
    assert old.weight.item() == pytest.approx(0.01)


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_the_run(loss: float) -> None:
    check_loss(1.0, 0, 0.1)
    with pytest.raises(ReadroomError, match=r"epoch 3: lower learning_rate=0\.1"):
        check_loss(loss, 2, 0.1)


def test_the_recipe_that_is_left_can_be_read_again(tmp_path: Path) -> None:
    keep_going(Trainer(Line(epochs=1, seed=5)), Run(tmp_path))
    left = msgspec.json.decode(Run(tmp_path).recipe.read_bytes(), type=Line)
    assert left == Line(epochs=1, seed=5)
    assert left.hash != Line(epochs=1, seed=6).hash
