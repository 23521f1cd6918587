"""A detector learns from painted photographs and a small real teacher, on to its file."""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab needs PyTorch: pip install -e '.[lab]'")
pytest.importorskip("pytorch_optimizer", reason="the lab needs it: pip install -e '.[lab]'")
pytest.importorskip("onnxscript", reason="the lab needs onnxscript: pip install -e '.[lab]'")

from readroom.errors import BadSettings
from readroom.models.described import describe_network
from readroom.models.detection import Faces, faces_in
from readroom.models.lab import tasks
from readroom.models.lab.faces import course, scenes, training
from readroom.models.lab.faces.detectors import LEAST_SCORE, MOST_FACES, OnnxDetector
from readroom.models.lab.faces.export import export, planes, read_network
from readroom.models.lab.faces.networks import Detector, build
from readroom.models.lab.faces.recipe import Recipe
from readroom.models.lab.faces.scenes import Source
from readroom.models.lab.faces.targets import Targets, cells_of
from readroom.models.lab.faces.training import Trainer, encoded, generalised_overlap, losses
from readroom.models.lab.onnx_file import Exported
from readroom.models.lab.runs import Run, keep_going, resume
from readroom.models.lab.tasks import Task
from readroom.models.registry import FACE_OUTPUTS
from tests.models.lab.faces.photographs import folder_of, painted
from tests.models.own_network import own_detector

RECIPE = Recipe(epochs=3, calm_epochs=1, scenes=4, reuse=2, batch=2, side=64)


def sources(count: int = 4) -> list[Source]:
    random = np.random.default_rng(0)
    return [Source(*painted(random)) for _ in range(count)]


def trainer(recipe: Recipe = RECIPE) -> Trainer:
    return Trainer(recipe, sources(), sources(1), OnnxDetector(own_detector()), "data")


def lived_in() -> Detector:
    """A network that has seen something, and is sure of some of it."""
    torch.manual_seed(3)
    network = build("pyramid-48")
    network.train()
    with torch.no_grad():
        for head in network.heads:
            head[-1].bias[0] = -1.0
            head[-1].weight.normal_(std=0.2)
        for _ in range(3):
            network(torch.rand(2, 3, 64, 64))
    return network.eval()


@pytest.fixture(scope="module")
def made() -> tuple[Detector, Exported]:
    network = lived_in()
    picture, _ = painted(np.random.default_rng(1))
    return network, export(
        network, RECIPE, epochs=2, data_hash="d", teacher_hash="t", pictures=[picture]
    )


def test_at_the_target_nothing_is_left_to_lose() -> None:
    cells = cells_of(64)
    count = len(cells.strides)
    boxes = np.tile(np.array([8, 12, 24, 20], np.float32), (count, 1))
    points = np.tile(np.arange(10, dtype=np.float32), (count, 1))
    stride, grid = cells.strides[:, None], cells.grid
    said = np.concatenate(
        [
            np.full((count, 1), 30.0),
            (boxes[:, :2] + boxes[:, 2:] / 2) / stride - grid,
            np.log(boxes[:, 2:] / stride),
            (points.reshape(-1, 5, 2) / stride[:, None] - grid[:, None]).reshape(-1, 10),
        ],
        axis=1,
    ).astype(np.float32)
    ones = np.ones(count, np.float32)
    wanted = Targets(ones, ones, boxes, ones, points, ones)
    target = {name: torch.from_numpy(getattr(wanted, name))[None] for name in Targets.__slots__}
    network_said = torch.from_numpy(said)[None].requires_grad_()
    parts = losses(
        network_said, target, torch.from_numpy(cells.strides), torch.from_numpy(cells.grid)
    )
    assert [float(part.detach()) for part in parts] == pytest.approx([0, 0, 0], abs=1e-3)

    moved = (torch.from_numpy(said)[None] + 0.3).requires_grad_()
    parts = losses(moved, target, torch.from_numpy(cells.strides), torch.from_numpy(cells.grid))
    sum(parts[1:]).backward()
    assert all(float(part.detach()) > 0.01 for part in parts[1:])
    assert (moved.grad[0, :, 1:].abs() > 0).all()


def test_boxes_that_lie_apart_are_pulled_by_what_lies_between_them() -> None:
    one = torch.tensor([[0.0, 0, 10, 10]])
    assert float(generalised_overlap(one, one)) == pytest.approx(1)
    near, far = torch.tensor([[20.0, 0, 10, 10]]), torch.tensor([[90.0, 0, 10, 10]])
    assert float(generalised_overlap(one, near)) == pytest.approx(-1 / 3)
    assert float(generalised_overlap(one, far)) == pytest.approx(-0.8)


def test_a_run_that_was_stopped_ends_as_one_that_was_not(tmp_path: Path) -> None:
    whole = trainer()
    keep_going(whole, Run(tmp_path / "whole"))
    # Stopped in the middle of the epochs that share their scenes.
    keep_going(trainer(), Run(tmp_path / "part"), until=1)
    again = trainer()
    resume(again, Run(tmp_path / "part").checkpoint)
    assert again.epoch == 1
    keep_going(again, Run(tmp_path / "part"))
    for name, value in whole.average.state_dict().items():
        assert torch.equal(value, again.average.state_dict()[name]), name
    assert whole.assess() == again.assess()


def test_the_rate_rises_once_more_for_the_calm_epochs_and_ends_at_nothing() -> None:
    recipe = Recipe(
        epochs=10, calm_epochs=4, scenes=4, batch=2, side=64, learning_rate=8e-3, calm_rate=2e-3
    )
    rates = [trainer(recipe)._rate(epoch) for epoch in (0.5, 3.25, 5.999, 6, 8, 10)]
    assert rates == pytest.approx([8e-3, 4e-3, 0, 2e-3, 1e-3, 0], abs=1e-6)
    assert recipe.over(5).calm_epochs == 2
    with pytest.raises(ValueError, match="calm_epochs=4: wanted 0 to epochs=3"):
        Recipe(epochs=3, calm_epochs=4)


def test_scenes_are_made_anew_when_they_become_calm(monkeypatch: pytest.MonkeyPatch) -> None:
    calm: list[bool] = []

    def noted(*given: object, **named: bool) -> scenes.Scene:
        calm.append(named["calm"])
        return scenes.make_scene(*given, **named)

    monkeypatch.setattr(training, "make_scene", noted)
    learner = trainer(Recipe(epochs=3, calm_epochs=1, scenes=4, reuse=9, batch=2, side=64))
    for _ in range(3):
        learner.run_epoch()
    assert calm == [False] * 4 + [True] * 4


def test_a_short_run_learns_from_its_teacher(tmp_path: Path) -> None:
    recipe = Recipe(epochs=6, calm_epochs=0, scenes=24, reuse=6, batch=4, side=64)
    run = Run(tmp_path)
    keep_going(trainer(recipe), run)
    rows = list(csv.DictReader(run.curves.read_text().splitlines()))
    for name in ("confidence", "boxes"):
        losses = [float(row[name]) for row in rows]
        assert losses[-1] < 0.8 * losses[0], name


def test_a_folder_that_cant_be_made_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadSettings, match="can't be written"):
        course.run_course(RECIPE, tmp_path / "no data", tmp_path / "file" / "run")


def test_too_few_scenes_for_a_step_are_told_before_the_work() -> None:
    with pytest.raises(BadSettings, match="make no batch of 8"):
        trainer(Recipe(scenes=4, batch=8, side=64))


def test_the_file_finds_the_faces_that_the_network_finds_at_any_size(
    made: tuple[Detector, Exported],
) -> None:
    network, file = made
    assert file.parity < 1e-3
    detector = OnnxDetector(file.body)
    for size in ((192, 128), (150, 250)):
        picture, _ = painted(np.random.default_rng(2), *size)
        laid = planes(picture, 480)
        said = encoded(network, torch.from_numpy(laid))
        wanted: Faces = faces_in(
            said, 0, laid.shape[3], 1.0, size, min_score=LEAST_SCORE, most=MOST_FACES
        )
        found = detector.find(picture, 480)
        assert len(found) == len(wanted) > 3
        np.testing.assert_allclose(found.boxes, wanted.boxes, atol=0.05)
        np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-3)
        np.testing.assert_allclose(found.landmarks, wanted.landmarks, atol=0.05)


def test_a_picture_says_the_same_alone_and_in_a_batch(made: tuple[Detector, Exported]) -> None:
    detector = OnnxDetector(made[1].body)
    pictures = np.random.default_rng(0).uniform(0, 255, (3, 3, 64, 96)).astype(np.float32)
    together = detector.run(pictures)
    alone = detector.run(pictures[1:2])
    for name in FACE_OUTPUTS:
        np.testing.assert_allclose(together[name][1:2], alone[name], atol=1e-4)


def test_the_file_describes_itself_and_is_what_a_worker_takes(
    made: tuple[Detector, Exported],
) -> None:
    body = made[1].body
    entry = describe_network(body, Path("face.onnx"), "faces")
    assert (entry.input.color, entry.input.crop, entry.input.stride) == ("bgr", "letterbox", 32)
    said = made[1].described
    assert (said["recipe"], said["data"], said["teacher"]) == (RECIPE.hash, "d", "t")
    assert len(body) < 1_000_000
    assert said["epochs"] == "2 of 3"
    for place in (str(Path(__file__).parents[4]), str(Path(torch.__file__).parent), ".py"):
        assert place.encode() not in body


def test_the_shipped_recipes_network_has_at_most_a_quarter_of_a_million_parameters() -> None:
    network = build(tasks.recipe_of(Task.FACES, None).architecture)
    assert sum(part.numel() for part in network.parameters()) <= 250_000


def test_the_file_computes_no_shapes(made: tuple[Detector, Exported]) -> None:
    import onnx

    graph = onnx.load_from_string(made[1].body).graph
    used = {node.op_type for node in graph.node}
    assert used == {
        "Conv", "Relu", "Add", "Resize", "Reshape", "Transpose", "Slice", "Sigmoid", "Identity",
    }  # fmt: skip
    constants = {constant.name for constant in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Reshape", "Resize"):
            assert node.input[-1] in constants


def test_from_photographs_to_the_file_and_its_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = tmp_path / "teacher.onnx"
    teacher.write_bytes(own_detector())
    monkeypatch.setattr(course, "teacher_path", lambda: teacher)
    data, run, file = folder_of(tmp_path / "set"), tmp_path / "run", tmp_path / "out" / "face.onnx"
    recipe = Recipe(epochs=2, calm_epochs=0, scenes=2, batch=2, side=64)
    monkeypatch.setattr(course, "keep_going", partial(keep_going, until=1))
    course.run_course(recipe, data, run)
    made = course.export_run(run, data, file)
    assert file.read_bytes() == made.body
    text = file.with_suffix(".md").read_text("utf-8")
    assert "$" not in text
    assert "| epochs | 1 of 2 |" in text
    assert made.described["epochs"] == "1 of 2"
    assert (run / course.MARKS).is_file()
    for told in (recipe.hash, f"{made.parameters:,}", "AP at an overlap", "CC BY-NC-ND", "Not for"):
        assert told in text
    network, known = read_network(Run(run).checkpoint)
    assert known == recipe
    assert not network.training

    (data / "images" / "extra.png").write_bytes((data / "images" / "000.png").read_bytes())
    with (data / "annotations.jsonl").open("a") as lines:
        for name in ("a.png", "b.png", "c.png"):
            (data / "images" / name).write_bytes((data / "images" / "000.png").read_bytes())
            lines.write(
                f'{{"file":"{name}","width":192,"height":128,"boxes_xywh":[[0,0,32,32]]}}\n'
            )
    with pytest.raises(BadSettings, match="was trained on data"):
        course.export_run(run, data, tmp_path / "other.onnx")
    assert not (tmp_path / "other.onnx").exists()

    # Where the card can't be written, there is no new network either.
    blocked = tmp_path / "blocked"
    (blocked / "face.md").mkdir(parents=True)
    monkeypatch.setattr(course, "exported", lambda *_: made)
    with pytest.raises(BadSettings, match="can't be written"):
        course.export_run(run, data, blocked / "face.onnx")
    assert [each.name for each in blocked.iterdir()] == ["face.md"]


def test_photographs_of_which_none_is_learnt_from_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = folder_of(tmp_path / "photographs")
    monkeypatch.setattr(course, "of_split", lambda photos, split: [])
    teacher = tmp_path / "teacher.onnx"
    teacher.write_bytes(own_detector())
    monkeypatch.setattr(course, "teacher_path", lambda: teacher)
    with pytest.raises(BadSettings, match="none of its photographs belongs to the split train"):
        course.run_course(RECIPE, data, tmp_path / "run")
