from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab needs PyTorch: pip install -e '.[lab]'")

from readroom.errors import BadSettings
from readroom.messages import EXPRESSIONS
from readroom.models.lab.expression.dataset import FER2013, FERPLUS, SIDE_PX, Pictures
from readroom.models.lab.expression.networks import ARCHITECTURES, build
from readroom.models.lab.expression.recipe import Recipe
from readroom.models.lab.expression.training import (
    Trainer,
    draw_weights,
    look,
    loss_of,
    mixed_loss,
    targets_of,
    taught,
)
from readroom.models.lab.runs import Run, cosine_rate, keep_going, read_checkpoint, resume
from tests.models.lab.expression.faces import drawn

SHORT = Recipe(
    architecture="plain-b", epochs=6, batch=32, learning_rate=0.05, warm_up_epochs=1.0,
    average_decay=0.9, augmentation=0.5, mixup=0.2,
)  # fmt: skip


def trainer(recipe: Recipe = SHORT, n: int = 320) -> Trainer:
    pictures = drawn(n)
    return Trainer(recipe, pictures, drawn(80, seed=1, split="held out"), targets_of(pictures))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_gives_both_heads_for_any_batch(name: str) -> None:
    network = build(name).eval()
    with torch.inference_mode():
        expression, fer2013 = network(torch.zeros(3, 1, SIDE_PX, SIDE_PX))
    assert expression.shape == (3, 8)
    assert fer2013.shape == (3, 7)


def test_an_unknown_architecture_is_named_with_those_that_are_known() -> None:
    with pytest.raises(BadSettings, match=r"resnet-9000.*residual-f"):
        build("resnet-9000")


def test_a_short_run_learns_a_smile_from_a_frown(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    it = trainer()
    before = it.assess()
    keep_going(it, run)
    after = it.assess()
    rows = run.curves.read_text().splitlines()
    assert len(rows) == 1 + SHORT.epochs
    losses = [float(row.split(",")[1]) for row in rows[1:]]
    assert losses[-1] < 0.85 * losses[0]
    assert after["accuracy"] > 0.9
    assert after["cross_entropy"] < before["cross_entropy"]
    assert msgspec.json.decode(run.recipe.read_bytes(), type=Recipe) == SHORT
    assert msgspec.json.decode(run.environment.read_bytes())["torch"] == str(torch.__version__)


def test_opencv_works_on_as_many_threads_after_an_epoch_as_before() -> None:
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(2)
        trainer(msgspec.structs.replace(SHORT, epochs=1), 64).run_epoch()
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    recipe = msgspec.structs.replace(SHORT, epochs=2)
    whole, first = trainer(recipe, 96), trainer(recipe, 96)
    keep_going(whole, Run(tmp_path / "whole"))
    keep_going(first, Run(tmp_path / "parts"), until=1)
    second = trainer(recipe, 96)
    resume(second, Run(tmp_path / "parts").checkpoint)
    keep_going(second, Run(tmp_path / "parts"))
    for name, value in whole.average.state_dict().items():
        assert torch.equal(value, second.average.state_dict()[name]), name


def test_what_was_trained_on_other_pictures_is_not_gone_on_with(tmp_path: Path) -> None:
    recipe = msgspec.structs.replace(SHORT, epochs=1)
    pictures = drawn(64)

    def on(data: str) -> Trainer:
        return Trainer(recipe, pictures, drawn(16), targets_of(pictures), data_hash=data)

    keep_going(on("one"), Run(tmp_path))
    with pytest.raises(BadSettings, match="trained on data one, this is another"):
        resume(on("another"), Run(tmp_path).checkpoint)


def test_the_last_epochs_learn_from_the_data_alone(tmp_path: Path) -> None:
    """Teachers who always say contempt are believed up to the late epochs, and no longer."""
    recipe = msgspec.structs.replace(SHORT, epochs=12, late_epochs=9, late_augmentation=0.5)
    pictures = drawn(160)
    own = targets_of(pictures)
    wrong = np.eye(8, dtype=np.float32)[np.full(160, 7)], own.fer2013
    it = Trainer(recipe, pictures, drawn(40, 1), taught(own, wrong, 1.0), own)
    keep_going(it, Run(tmp_path), until=3)
    assert (look(it.average, drawn(40, 1).images)[0].argmax(1) == 7).mean() > 0.9
    keep_going(it, Run(tmp_path))
    assert (look(it.average, drawn(40, 1).images)[0].argmax(1) == 7).mean() < 0.5
    assert it.optimiser.param_groups[0]["weight_decay"] == recipe.late_weight_decay


def test_a_run_stopped_at_the_turn_to_the_late_epochs_goes_on_exactly(tmp_path: Path) -> None:
    recipe = msgspec.structs.replace(SHORT, epochs=2, late_epochs=1)
    whole, first = trainer(recipe, 96), trainer(recipe, 96)
    keep_going(whole, Run(tmp_path / "whole"))
    keep_going(first, Run(tmp_path / "parts"), until=1)
    second = trainer(recipe, 96)
    resume(second, Run(tmp_path / "parts").checkpoint)
    keep_going(second, Run(tmp_path / "parts"))
    for name, value in whole.average.state_dict().items():
        assert torch.equal(value, second.average.state_dict()[name]), name


def test_fewer_pictures_than_a_batch_are_refused() -> None:
    with pytest.raises(BadSettings, match=r"20 pictures .* batch of 32"):
        trainer(SHORT, 20)


def test_a_folder_that_cant_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadSettings, match="can't be written"):
        keep_going(trainer(SHORT, 64), Run(tmp_path / "file" / "run"))


def test_a_checkpoint_of_another_recipe_is_refused_by_what_differs(tmp_path: Path) -> None:
    recipe = msgspec.structs.replace(SHORT, epochs=1)
    keep_going(trainer(recipe, 64), Run(tmp_path))
    with pytest.raises(BadSettings, match="architecture=plain-b"):
        resume(
            trainer(msgspec.structs.replace(recipe, architecture="residual-g"), 64),
            Run(tmp_path).checkpoint,
        )


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04nonsense", b"\x80\x02."])
def test_a_file_that_is_no_checkpoint_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(content)
    with pytest.raises(BadSettings) as error:
        read_checkpoint(path, Recipe)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_checkpoint_says_to_train_first(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="train first"):
        read_checkpoint(tmp_path / "none.pt", Recipe)


def test_targets_are_vote_shares_weighted_by_how_many_saw_an_expression() -> None:
    votes = np.zeros((2, len(FERPLUS)), np.uint8)
    votes[0, FERPLUS.index("fear")] = 3
    votes[0, FERPLUS.index("surprise")] = 2
    votes[0, FERPLUS.index("unknown")] = 5
    images = np.zeros((2, SIDE_PX, SIDE_PX), np.uint8)
    targets = targets_of(
        Pictures("train", images, np.array([FER2013.index("fear"), -1]), votes, ("a", "b"))
    )
    assert targets.expression[0, FERPLUS.index("fear")] == pytest.approx(0.6)
    assert targets.expression_weight.tolist() == [0.5, 0.0]
    assert targets.fer2013[0].argmax() == FER2013.index("fear")
    assert targets.fer2013_weight.tolist() == [1.0, 0.0]


def test_without_votes_the_label_is_the_expression() -> None:
    faces = drawn(4)
    unasked = Pictures("train", faces.images, faces.labels, np.zeros_like(faces.votes), faces.names)
    targets = targets_of(unasked)
    assert [EXPRESSIONS[i] for i in targets.expression.argmax(1)] == ["happiness", "sadness"] * 2
    assert targets.expression_weight.tolist() == [1.0] * 4


def test_of_a_mixed_pair_each_counts_with_its_own_weight() -> None:
    """A picture nobody labelled adds nothing, whichever part of the mix it is."""
    logits = torch.tensor([[3.0, 0.0], [0.0, 3.0]])
    target = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    weight = torch.tensor([1.0, 0.0])
    first = loss_of(logits[:1], target[:1], weight[:1], 0.0)
    second = loss_of(logits[1:], target[:1], weight[:1], 0.0)
    mixed = mixed_loss(logits, target, weight, 0.0, 0.75)
    assert mixed == pytest.approx(float(0.75 * first + 0.25 * second))


def test_a_teacher_changes_the_targets_by_its_weight() -> None:
    targets = targets_of(drawn(4))
    even = np.full((4, 8), 1 / 8, np.float32), np.full((4, 7), 1 / 7, np.float32)
    mixed = taught(targets, even, 0.25)
    np.testing.assert_allclose(mixed.expression, 0.75 * targets.expression + 0.25 / 8, rtol=1e-6)
    assert np.allclose(mixed.fer2013.sum(axis=1), 1)


def test_a_rare_class_is_drawn_more_often_than_its_share() -> None:
    pictures = drawn(100)
    rare = pictures.take(np.r_[np.arange(0, 100, 2), [1, 3]])
    even, drawn_more = draw_weights(rare, 0.0), draw_weights(rare, 0.5)
    assert even == pytest.approx(1 / 52)
    assert drawn_more[-1] / drawn_more[0] == pytest.approx(5.0)
    assert drawn_more.sum() == pytest.approx(1)


def test_a_picture_without_weight_doesnt_count_in_the_loss() -> None:
    logits = torch.tensor([[5.0, 0.0], [0.0, 5.0]])
    target = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    both = loss_of(logits, target, torch.tensor([1.0, 1.0]), 0.0)
    first = loss_of(logits, target, torch.tensor([1.0, 0.0]), 0.0)
    assert first < 0.01 < both


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    rates = [
        cosine_rate(progress, highest=0.1, warm_up_epochs=2.0, epochs=10)
        for progress in np.linspace(0, 10, 41)
    ]
    assert rates[0] == 0
    assert max(rates) == pytest.approx(0.1)
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    assert all(a >= b for a, b in itertools.pairwise(rates[8:]))
