"""Which task a command is about, and what is told where that doesn't fit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import onnxruntime
import pytest

onnx = pytest.importorskip("onnx", reason="the lab needs onnx: pip install -e '.[lab]'")

from readroom.cli import main
from readroom.errors import BadSettings
from readroom.models.files import PACKAGED
from readroom.models.lab import tasks
from readroom.models.lab.tasks import Task
from readroom.models.registry import OWN


def network(path: Path, **metadata: str) -> Path:
    """The least that ONNX calls a network, saying these things of itself."""
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    graph = onnx.helper.make_graph(
        [node], "g", [value], [onnx.helper.make_tensor_value_info("y", 1, [1])]
    )
    model = onnx.helper.make_model(graph)
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path


def refused(*words: object, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["lab", *map(str, words)])
    assert ended.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("task", Task)
def test_every_task_has_a_recipe_and_a_place_among_the_programs_networks(task: Task) -> None:
    recipe = tasks.recipe_of(task, None)
    assert recipe.architecture
    assert tasks.network_task(task) in OWN
    other = tasks.recipe_of(task, None, architecture="a", epochs=2, seed=7)
    assert (other.architecture, other.epochs, other.seed) == ("a", 2, 7)
    assert other.hash != recipe.hash


@pytest.mark.parametrize("task", Task)
def test_the_shipped_networks_name_the_recipes_that_lie_here(task: Task) -> None:
    body = (PACKAGED / OWN[tasks.network_task(task)].file).read_bytes()
    session = onnxruntime.InferenceSession(body, providers=["CPUExecutionProvider"])
    said = session.get_modelmeta().custom_metadata_map["recipe"]
    assert tasks.recipe_of(task, None).hash == said


@pytest.mark.parametrize(("task", "other"), [("faces", "pose"), ("pose", "faces")])
def test_a_recipe_of_another_task_is_refused(tmp_path: Path, task: str, other: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(f'task = "{other}"')
    with pytest.raises(BadSettings, match=r"recipe\.toml: no recipe: .*task.*recipe\.py"):
        tasks.recipe_of(Task(task), path)
    with pytest.raises(BadSettings, match="no recipe"):
        tasks.recipe_of(Task.EXPRESSION, path)


@pytest.mark.parametrize(
    ("left", "task"),
    [('{"epochs": 3}', Task.EXPRESSION), ('{"task": "pose"}', Task.POSE),
     ('{"task": "faces", "side": 320}', Task.FACES)],
)  # fmt: skip
def test_a_run_says_what_it_was_for(tmp_path: Path, left: str, task: Task) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(left)
    assert tasks.task_of_run(path) is task


@pytest.mark.parametrize(
    ("left", "told"),
    [('{"task": "hands"}', "task=hands.*expression, faces, pose"), ("[]", "no recipe")],
)
def test_a_run_that_says_nothing_known_is_refused(tmp_path: Path, left: str, told: str) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(left)
    with pytest.raises(BadSettings, match=told):
        tasks.task_of_run(path)


def test_a_folder_that_no_run_was_in_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="name a folder that `readroom lab train` made"):
        tasks.task_of_run(tmp_path / "recipe.json")


def test_networks_say_which_task_they_are_measured_by(tmp_path: Path) -> None:
    face = network(tmp_path / "face.onnx", task="faces")
    pose = network(tmp_path / "pose.onnx", task="keypoints")
    silent = network(tmp_path / "silent.onnx")
    assert tasks.task_of_networks([face, "haar"]) is Task.FACES
    assert tasks.task_of_networks([pose, silent]) is Task.POSE
    assert tasks.task_of_networks([silent]) is Task.EXPRESSION
    assert tasks.task_of_networks([tmp_path / "hog.npz"]) is Task.EXPRESSION
    assert tasks.task_of_networks([tmp_path / "missing.onnx"]) is Task.EXPRESSION
    assert tasks.task_of_networks([PACKAGED / OWN["expression"].file]) is Task.EXPRESSION


def test_a_file_called_haar_is_a_file_with_a_path_before_it() -> None:
    assert tasks.named(["haar", "folder/haar"]) == ["haar", Path("folder/haar")]


def test_networks_for_different_tasks_arent_measured_together(tmp_path: Path) -> None:
    pose = network(tmp_path / "pose.onnx", task="keypoints")
    with pytest.raises(BadSettings, match=r"haar for faces.*pose\.onnx for keypoints"):
        tasks.task_of_networks(["haar", pose])
    with pytest.raises(BadSettings, match="for people, which this lab doesn't evaluate"):
        tasks.task_of_networks([network(tmp_path / "people.onnx", task="people")])


def test_options_of_another_task_are_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refused(
        "train", tmp_path, "--out", tmp_path, "--task", "faces", "--no-teachers", capsys=capsys
    )
    assert "--teachers is for expression networks, this is faces" in told
    told = refused("evaluate", "haar", "--data", tmp_path, "--split", "valid", capsys=capsys)
    assert "--split is for expression networks, this is faces" in told


@pytest.mark.parametrize("task", Task)
def test_an_architecture_that_isnt_known_is_told_before_data_is_read(
    task: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="the lab needs PyTorch: pip install -e '.[lab]'")
    told = refused(
        "train", tmp_path / "none", "--out", tmp_path / "run", "--task", task,
        "--architecture", "resnet-9000", capsys=capsys,
    )  # fmt: skip
    assert "architecture=resnet-9000: no such network" in told


def test_asking_for_help_needs_no_pytorch() -> None:
    code = "import sys, readroom.models.lab.cli; print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
