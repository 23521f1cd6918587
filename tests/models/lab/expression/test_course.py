"""From pictures to a network that runs: the commands one after the other, on drawn faces."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab needs PyTorch: pip install -e '.[lab]'")
pytest.importorskip("onnxscript", reason="the lab needs onnxscript: pip install -e '.[lab]'")

import msgspec

from readroom.cli import main
from readroom.errors import BadSettings, ReadroomError
from readroom.models.choice import choose
from readroom.models.lab.expression.course import teachers_of, temperatures, train_course
from readroom.models.lab.expression.dataset import FER2013, FERPLUS, Pictures, majority
from readroom.models.lab.expression.networks import build
from readroom.models.lab.expression.prepare import Prepared, prepare
from readroom.models.lab.expression.recipe import Recipe
from readroom.models.lab.recipes import read_recipe
from readroom.settings import load_settings
from tests.models.lab.expression.faces import drawn

SMALL = Recipe(
    architecture="plain-b", epochs=3, batch=32, learning_rate=0.05, warm_up_epochs=1.0,
    average_decay=0.9, augmentation=0.5, held_out=0.2,
)  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def written(folder: Path, splits: list[Pictures]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for each in splits:
        np.savez(
            folder / f"{each.split}.npz",
            images=each.images,
            fer2013=each.labels.astype(np.uint8),
            fer2013_classes=np.array(FER2013),
            ferplus_votes=each.votes,
            ferplus_classes=np.array([*FERPLUS[:-1], "NF"]),
            ferplus_present=np.ones(len(each), bool),
        )
    return folder


def lab(*words: object) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["lab", *map(str, words)])
    assert ended.value.code == 0


def test_pictures_become_a_network_that_the_program_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = written(tmp_path / "data", [drawn(240), drawn(60, seed=9, split="valid")])
    recipe = tmp_path / "recipe.json"
    recipe.write_bytes(msgspec.json.encode(SMALL))
    lab("train", data, "--out", tmp_path / "run", "--recipe", recipe, "--threads", 1)
    lab("export", tmp_path / "run", "--data", data, "--out", tmp_path / "own" / "expression.onnx")
    assert "differs from PyTorch by" in capsys.readouterr().out

    monkeypatch.setenv("READROOM_MODELS", str(tmp_path / "own"))
    choice = choose(load_settings(), "expression")
    assert choice.path == tmp_path / "own" / "expression.onnx"
    assert choice.model.startswith("readroom_expression_1_")

    card = (tmp_path / "own" / "expression.md").read_text("utf-8")
    assert "| FER+, 8 classes: accuracy, % |" in card
    assert "$" not in card
    assert f"`{SMALL.hash}`" in card

    lab("evaluate", tmp_path / "own" / "expression.onnx", "--data", data, "--out", tmp_path / "t")
    table = json.loads((tmp_path / "t" / "table.json").read_text("utf-8"))
    assert table["classifiers"][0]["facts"]["name"] == "expression"


def test_a_student_learns_from_teachers_that_are_trained_first(tmp_path: Path) -> None:
    recipe = msgspec.structs.replace(
        SMALL, epochs=1, teachers=("plain-b", "residual-g"), teacher_epochs=1
    )
    prepared = Prepared(drawn(64), drawn(32, 5), {}, "d", drawn(32, 6))
    train_course(recipe, prepared, tmp_path)
    for number, architecture in ((1, "plain-b"), (2, "residual-g")):
        path = tmp_path / f"teacher-{number}" / "recipe.json"
        taught = msgspec.json.decode(path.read_bytes(), type=Recipe)
        assert (taught.architecture, taught.seed) == (architecture, recipe.seed + number)
        assert taught.teachers == ()
    assert (tmp_path / "checkpoint.pt").is_file()


def test_each_teacher_starts_elsewhere() -> None:
    recipe = msgspec.structs.replace(SMALL, teachers=("plain-b", "plain-b"))
    assert len({each.seed for each in teachers_of(recipe)} | {recipe.seed}) == 3


def test_a_network_twice_as_sure_gets_twice_the_temperature() -> None:
    network = build("plain-b").eval()
    faces = drawn(64)
    assert (faces.votes.argmax(1) == majority(faces.votes)).all()
    before, _ = temperatures(network, faces)
    with torch.no_grad():
        network.expression.weight.mul_(2)
        network.expression.bias.mul_(2)
    assert temperatures(network, faces)[0] == pytest.approx(2 * before, rel=1e-3)


def test_what_is_measured_on_is_never_learnt_from(tmp_path: Path) -> None:
    train, valid = drawn(120), drawn(40, seed=9, split="valid")
    leaked = Pictures(
        "valid", np.concatenate([valid.images, train.images[:10]]),
        np.concatenate([valid.labels, train.labels[:10]]),
        np.concatenate([valid.votes, train.votes[:10]]), tuple(f"v/{i}" for i in range(50)),
    )  # fmt: skip
    prepared = prepare(written(tmp_path, [train, leaked]), 0.2)
    learnt = {image.tobytes() for image in prepared.train.images}
    apart = {image.tobytes() for image in prepared.held_out.images}
    measured = {image.tobytes() for image in prepared.measured_on.images}
    assert not learnt & apart
    assert not (learnt | apart) & measured
    assert len(learnt) + len(apart) == 110


def test_the_shipped_recipes_can_be_read() -> None:
    folder = Path(__file__).resolve().parents[4] / "models" / "lab" / "expression"
    shipped = read_recipe(folder / "expression.toml", Recipe)
    assert shipped.teachers
    assert read_recipe(folder / "prototype.toml", Recipe).architecture == "prototype"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("epochs = 0", "epochs=0"),
        ("epoch = 3", "epoch"),
        ("epochs = 'three'", "epochs"),
        ("held_out = 1.5", "held_out=1.5"),
        ("learning_rate = nan", "learning_rate=nan"),
        ("= 3", "no recipe"),
    ],
)
def test_a_recipe_with_a_wrong_value_is_one_line_that_names_it(
    tmp_path: Path, content: str, told: str
) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(content)
    with pytest.raises(BadSettings) as error:
        read_recipe(path, Recipe)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_export_wants_one_place_to_write_to(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["lab", "export", "run", "--data", "data"])
    assert ended.value.code == 2
    assert "--out FILE.onnx, or --ship" in capsys.readouterr().err


def test_pictures_without_votes_become_a_network_too(tmp_path: Path) -> None:
    """Folders of labelled faces: the label is all there is."""
    for split, n, seed in (("train", 240, 0), ("valid", 60, 9)):
        faces = drawn(n, seed)
        for index, (image, label) in enumerate(zip(faces.images, faces.labels, strict=True)):
            folder = tmp_path / "data" / split / FER2013[label]
            folder.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / f"{index}.png"), image)
    (tmp_path / "data" / "train" / "sadness" / "broken.png").write_bytes(b"no picture")
    recipe = tmp_path / "recipe.json"
    recipe.write_bytes(msgspec.json.encode(SMALL))
    lab("train", tmp_path / "data", "--out", tmp_path / "run", "--recipe", recipe)
    out = tmp_path / "expression.onnx"
    lab("export", tmp_path / "run", "--data", tmp_path / "data", "--out", out)
    card = out.with_suffix(".md").read_text("utf-8")
    assert "1 that can't be read" in card
    assert "| FER-2013, 7 classes: accuracy, % |" in card
    assert "| FER+, 8 classes: accuracy, % |" not in card


def test_a_run_is_exported_with_the_pictures_that_it_was_trained_on_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_bytes(msgspec.json.encode(msgspec.structs.replace(SMALL, epochs=1)))
    mine = written(tmp_path / "mine", [drawn(120)])
    other = written(tmp_path / "other", [drawn(120, seed=4)])
    lab("train", mine, "--out", tmp_path / "run", "--recipe", recipe)
    with pytest.raises(SystemExit) as ended:
        main(
            ["lab", "export", str(tmp_path / "run"), "--data", str(other)]
            + ["--out", str(tmp_path / "own.onnx")]
        )
    assert ended.value.code == 2
    assert "was trained on data" in capsys.readouterr().err
    assert not (tmp_path / "own.onnx").exists()


def test_a_card_says_where_nothing_was_measured_independently(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_bytes(msgspec.json.encode(msgspec.structs.replace(SMALL, epochs=1)))
    data = written(tmp_path / "data", [drawn(160)])
    lab("train", data, "--out", tmp_path / "run", "--recipe", recipe)
    lab("export", tmp_path / "run", "--data", data, "--out", tmp_path / "own.onnx")
    assert "no independent measurement" in (tmp_path / "own.md").read_text("utf-8")


def test_fewer_epochs_keep_the_share_of_late_ones() -> None:
    folder = Path(__file__).resolve().parents[4] / "models" / "lab" / "expression"
    recipe = read_recipe(folder / "expression.toml", Recipe)
    assert recipe.late_epochs > 0
    for epochs in (1, 7, recipe.epochs):
        shorter = recipe.over(epochs)
        assert shorter.epochs == epochs
        share = recipe.late_epochs / recipe.epochs
        assert shorter.late_epochs == pytest.approx(share * epochs, abs=0.51)


def test_too_few_pictures_are_told_with_where_the_others_went(tmp_path: Path) -> None:
    alike = drawn(2).take(np.zeros(50, np.int64))
    with pytest.raises(
        BadSettings, match=r"of 50 training pictures 1 are left.*49 repeats"
    ) as error:
        prepare(written(tmp_path, [alike]), 0.2)
    assert "lab data" in str(error.value)


def test_a_recipe_that_leads_nowhere_ends_with_the_first_loss_that_is_no_number(
    tmp_path: Path,
) -> None:
    recipe = msgspec.structs.replace(SMALL, learning_rate=1e30, epochs=2)
    prepared = Prepared(drawn(96), drawn(32, 5), {}, "d", drawn(32, 6))
    with pytest.raises(ReadroomError, match=r"no number.*learning_rate=1e\+30"):
        train_course(recipe, prepared, tmp_path)
