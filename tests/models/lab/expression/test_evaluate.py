"""Any network with a class list is measured on the same pictures, by the same rules."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rich.console import Console

from readroom.errors import BadSettings
from readroom.messages import EXPRESSIONS
from readroom.models.lab.expression import classifiers, score_table, scoring
from readroom.models.lab.expression.classifiers import (
    Facts,
    LabelSet,
    OnnxClassifier,
    Predictions,
    given,
)
from readroom.models.lab.expression.dataset import FER2013, Pictures
from readroom.models.lab.expression.evaluate import read_split, run_evaluate
from readroom.models.lab.expression.measurement import READINGS, describe_sample, evaluate_network
from readroom.models.lab.expression.results import Key, Result
from readroom.models.lab.figures import Figure
from readroom.models.registry import REGISTRY
from readroom.workers.engines.inputs import crop_face
from tests.conftest import shared_folder

onnx = pytest.importorskip("onnx", reason="the lab needs onnx: pip install -e '.[lab]'")

NEUTRAL, HAPPINESS = EXPRESSIONS.index("neutral"), EXPRESSIONS.index("happiness")
QUIET = Console(quiet=True)


def votes_for(classes: Any, count: int = 10) -> Any:
    votes = np.zeros((len(classes), 10), np.uint8)
    votes[np.arange(len(classes)), classes] = count
    return votes


def pictures(count: int = 80, wrong: int = 0) -> Pictures:
    """Dark neutral faces and bright happy ones; the first ``wrong`` are bright neutral ones."""
    bright = np.arange(count) % 2 == 1
    shown = bright | (np.arange(count) < 2 * wrong)
    level = np.where(shown, 200, 20)[:, None, None]
    noise = np.random.default_rng(0).integers(0, 20, (count, 48, 48))
    labels = np.where(bright, FER2013.index("happiness"), FER2013.index("neutral"))
    return Pictures(
        "valid",
        (level + noise).astype(np.uint8),
        labels.astype(np.int64),
        votes_for(np.where(bright, HAPPINESS, NEUTRAL)),
        tuple(f"valid/{number}" for number in range(count)),
    )


@dataclass
class ByBrightness:
    """Says happiness of bright pictures and neutral of dark ones, each with ``sure``."""

    sure: float = 0.8
    temperatures: dict[LabelSet, float] = field(default_factory=dict)

    @property
    def facts(self) -> Facts:
        return Facts("brightness", frozenset(EXPRESSIONS), 1, 4, self.temperatures)

    def predict(self, images: Any) -> Predictions:
        bright = images.mean((1, 2)) > 128
        return Predictions(self._said(bright, EXPRESSIONS), self._said(bright, FER2013))

    def _said(self, bright: Any, classes: tuple[str, ...]) -> Any:
        said = np.full((len(bright), len(classes)), (1 - self.sure) / (len(classes) - 1), "f4")
        happy, neutral = classes.index("happiness"), classes.index("neutral")
        said[np.arange(len(bright)), np.where(bright, happy, neutral)] = self.sure
        return said


def network(
    path: Path,
    weights: Sequence[float],
    *,
    batch: int | str = "batch",
    size: int = 48,
    softmax: bool = True,
    output: str = "probabilities",
    says: dict[str, str] | None = None,
) -> Path:
    """A network that reads the picture's mean: one class a weight, most for the largest."""
    helper, tensor = onnx.helper, onnx.TensorProto
    table = np.array([weights], np.float32)
    steps = [
        helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["mean"]),
        helper.make_node("MatMul", ["mean", "table"], ["logits" if softmax else output]),
    ]
    if softmax:
        steps.append(helper.make_node("Softmax", ["logits"], [output], axis=1))
    graph = helper.make_graph(
        steps,
        "toy",
        [helper.make_tensor_value_info("image", tensor.FLOAT, [batch, 1, size, size])],
        [helper.make_tensor_value_info(output, tensor.FLOAT, [batch, len(weights)])],
        [onnx.numpy_helper.from_array(table, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    for key, value in (says or {}).items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)
    return path


def self_description(**changes: str) -> dict[str, str]:
    says = {"task": "expression", "version": "1", "classes": ",".join(EXPRESSIONS)}
    says |= {"input_size": "48", "color": "gray", "scale": str(1 / 255), "mean": "0.5"}
    says |= {"std": "0.25", "crop": "scale=1.0,shift_y=0.0", "data": "d", "recipe": "r"}
    return says | changes


def bright_is(name: str, classes: Sequence[str]) -> list[float]:
    """Weights of a network for which bright pictures are one class and dark ones the first."""
    return [
        4.0 if one == name else -4.0 if number == 0 else 0 for number, one in enumerate(classes)
    ]


def data_set(folder: Path, chosen: Pictures | None = None) -> Path:
    chosen = chosen or pictures()
    names = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
    answers = [*EXPRESSIONS, "unknown", "NF"]
    np.savez(
        folder / "valid.npz",
        images=chosen.images,
        fer2013=chosen.labels.astype(np.uint8),
        fer2013_classes=names,
        ferplus_votes=chosen.votes,
        ferplus_classes=answers,
        ferplus_present=np.ones(len(chosen), bool),
    )
    return folder


def value(result: Result, labels: LabelSet, name: str, part: str = "") -> float:
    return result.figures[Key(labels, name, part)].value


# The measurement


def test_what_is_right_on_three_quarters_has_that_accuracy_on_both_label_sets() -> None:
    result = evaluate_network(ByBrightness(), pictures(80, wrong=20))
    for labels in ("ferplus", "fer2013"):
        found = result.figures[Key(labels, "accuracy")]
        assert (found.value, found.n) == (0.75, 80)
        assert 0.6 < found.low < 0.7 < 0.8 < found.high < 0.9
        assert value(result, labels, "recall", "neutral") == 0.5
        assert value(result, labels, "precision", "happiness") == pytest.approx(40 / 60)
        assert value(result, labels, "accuracy_four") == 0.75


def test_every_figure_has_an_interval_around_it_and_its_number_of_pictures() -> None:
    result = evaluate_network(ByBrightness(), pictures(80, wrong=20))
    for key, found in result.figures.items():
        assert found.n >= 0
        # A calibration error is a sum of absolute values: chance only adds to it.
        if not math.isnan(found.value) and not key.name.startswith("ece"):
            assert found.low - 1e-9 <= found.value <= found.high + 1e-9, key


def test_ties_and_pictures_that_are_unknown_are_left_out_and_counted_by_reason() -> None:
    whole = pictures(8)
    votes = whole.votes.copy()
    votes[0] = votes_for([NEUTRAL], 5) + votes_for([HAPPINESS], 5)
    votes[1], votes[2], votes[3] = votes_for([8])[0], votes_for([9])[0], 0
    changed = Pictures("valid", whole.images, whole.labels, votes, whole.names)
    coverage = describe_sample(changed).coverage["ferplus"]
    assert (coverage.used, coverage.total) == (4, 8)
    assert coverage.left_out == {
        "no votes": 1, "a tie": 1, "most say unknown": 1, "most say not a face": 1,
    }  # fmt: skip
    result = evaluate_network(ByBrightness(), changed)
    assert result.figures[Key("ferplus", "accuracy")].n == 4
    assert result.figures[Key("fer2013", "accuracy")].n == 8


def test_a_temperature_that_came_with_the_network_is_undone_for_the_figure_before_it() -> None:
    wrong, own = pictures(80, wrong=20), ByBrightness(0.75, {"ferplus": 2.0})
    result = evaluate_network(own, wrong)
    assert result.calibrations["ferplus"].own
    assert not result.calibrations["fer2013"].own
    assert value(result, "ferplus", "ece_after") == pytest.approx(0, abs=1e-6)
    said = own.predict(wrong.images).ferplus
    assert value(result, "ferplus", "ece_before") == pytest.approx(
        scoring.tempered(said, 1 / 2)[0].max() - 0.75, abs=1e-3
    )


def test_a_network_without_a_temperature_gets_one_from_the_other_half() -> None:
    result = evaluate_network(ByBrightness(0.99), pictures(400, wrong=100))
    assert result.calibrations["ferplus"].temperature > 1.5
    assert value(result, "ferplus", "ece_before") == pytest.approx(0.24, abs=0.01)
    assert value(result, "ferplus", "ece_after") < 0.06


def test_only_votes_or_only_labels_are_measured_on_alone() -> None:
    whole = pictures(20)
    unlabelled = Pictures("t", whole.images, np.full(20, -1), whole.votes, whole.names)
    assert set(evaluate_network(ByBrightness(), unlabelled).confusions) == {"ferplus"}
    unasked = Pictures("t", whole.images, whole.labels, whole.votes * 0, whole.names)
    assert set(evaluate_network(ByBrightness(), unasked).confusions) == {"fer2013"}
    assert describe_sample(unasked).tagger is None


def test_pictures_without_any_label_are_refused() -> None:
    whole = pictures(4)
    nothing = Pictures("t", whole.images, np.full(4, -1), whole.votes * 0, whole.names)
    with pytest.raises(BadSettings, match="no picture has a label"):
        evaluate_network(ByBrightness(), nothing)


def test_progress_is_told_for_every_reading() -> None:
    steps: list[int] = []
    evaluate_network(ByBrightness(), pictures(8), step=lambda: steps.append(1))
    assert len(steps) == READINGS


# The networks


def test_the_input_is_what_the_worker_gives_a_face_that_fills_the_picture() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)
    picture = np.repeat(grey[..., None], 3, axis=2)
    for name in ("faceapi_expression", "mini_xception_fer2013"):
        spec = REGISTRY[name].input
        wanted = np.empty((spec.channels, spec.height, spec.width), np.float32)
        crop_face(picture, np.array([0, 0, 48, 48], np.float32), spec, wanted)
        assert (classifiers.to_input(grey[None], spec)[0] == wanted).all()


def test_a_file_that_describes_itself_needs_nothing_else(tmp_path: Path) -> None:
    says = self_description(temperature="1.5", fer2013_temperature="1.2")
    path = network(tmp_path / "a.onnx", bright_is("happiness", EXPRESSIONS), says=says)
    found = OnnxClassifier(path)
    assert found.facts.temperatures == {"ferplus": 1.5, "fer2013": 1.2}
    assert (found.facts.parameters, found.facts.knows) == (8, frozenset(EXPRESSIONS))
    result = evaluate_network(found, pictures())
    assert value(result, "ferplus", "accuracy") == value(result, "fer2013", "accuracy") == 1


def test_a_network_of_seven_classes_is_read_by_the_names_it_is_given(tmp_path: Path) -> None:
    names = "Angry, disgusted, fear, happy, sad, surprised, neutral"
    weights = [0, 0, 0, 4, 0, 0, -4]
    path = network(tmp_path / "seven.onnx", weights, size=64, output="out")
    found = OnnxClassifier(path, given(names, size_px=64, scale=1 / 255, mean="0.5", std="0.1"))
    said = found.predict(pictures(4).images)
    assert said.ferplus.argmax(1).tolist() == [NEUTRAL, HAPPINESS] * 2
    assert (
        said.fer2013.argmax(1).tolist()
        == [FER2013.index("neutral"), FER2013.index("happiness")] * 2
    )
    assert (said.ferplus[:, EXPRESSIONS.index("contempt")] == 0).all()
    assert said.ferplus.sum(1) == pytest.approx(1)


def test_contempt_is_wrong_for_a_network_that_does_not_know_it(tmp_path: Path) -> None:
    path = network(tmp_path / "seven.onnx", [0.0] * 7)
    found = OnnxClassifier(path, given(",".join(FER2013), size_px=48))
    whole = pictures(8)
    contempt = np.full(8, EXPRESSIONS.index("contempt"))
    changed = Pictures("t", whole.images, whole.labels, votes_for(contempt), whole.names)
    result = evaluate_network(found, changed)
    assert value(result, "ferplus", "accuracy") == value(result, "ferplus", "macro_f1") == 0
    assert math.isfinite(value(result, "ferplus", "kl"))


def test_a_network_of_a_fixed_batch_reads_any_number_of_pictures(tmp_path: Path) -> None:
    weights = bright_is("happiness", EXPRESSIONS)
    description = given(",".join(EXPRESSIONS), size_px=48, scale=1 / 255, mean="0.5")
    free = OnnxClassifier(network(tmp_path / "free.onnx", weights), description)
    fixed = OnnxClassifier(network(tmp_path / "fixed.onnx", weights, batch=4), description)
    images = pictures(70).images
    assert fixed.predict(images).ferplus == pytest.approx(free.predict(images).ferplus)


def test_logits_are_turned_into_probabilities_and_it_is_told(tmp_path: Path) -> None:
    weights = bright_is("happiness", EXPRESSIONS)
    description = given(",".join(EXPRESSIONS), size_px=48, scale=1 / 255, mean="0.5")
    plain = OnnxClassifier(network(tmp_path / "p.onnx", weights), description)
    raw = OnnxClassifier(network(tmp_path / "r.onnx", weights, softmax=False), description)
    images = pictures(6).images
    assert raw.predict(images).ferplus == pytest.approx(plain.predict(images).ferplus)
    assert "logits" in raw.facts.notes
    assert plain.facts.notes == ""


@pytest.mark.parametrize(
    ("classes", "size", "mean", "error"),
    [
        ("happy,sad", 48, "0", "2 classes .* for output probabilities .*--classes"),
        (",".join(EXPRESSIONS), 64, "0", r"takes image .* not float \[batch, 1, 64, 64\]"),
        ("happy,tired", 48, "0", "'tired': no expression .* say one of"),
        ("happy,joy", 48, "0", "happiness is there twice"),
        ("happy,sad", 48, "half", "mean 'half': no number"),
        ("happy,sad", 48, "nan", "mean 'nan': no number"),
        ("happy,sad", 48, "1,2,3", "3 numbers for 1 channel"),
        ("happy,sad", 0, "0", "size 0: no picture side"),
    ],
)
def test_a_class_list_or_input_that_does_not_fit_is_one_line(
    classes: str, size: int, mean: str, error: str, tmp_path: Path
) -> None:
    path = network(tmp_path / "a.onnx", [0.0] * 8)
    with pytest.raises(BadSettings, match=error) as caught:
        OnnxClassifier(path, given(classes, size_px=size, mean=mean))
    assert "\n" not in str(caught.value)


def test_what_is_no_network_for_expressions_is_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a network")
    nameless = network(tmp_path / "nameless.onnx", [0.0] * 8)
    elsewhere = network(tmp_path / "e.onnx", [0.0] * 8, output="out", says=self_description())
    seven = self_description(fer2013_classes=",".join(FER2013))
    for path, error in (
        (broken, "not a network that ONNX Runtime can load"),
        (tmp_path / "missing.onnx", "can't be read"),
        (nameless, "doesn't say its classes .* give --classes"),
        (elsewhere, "has no output probabilities"),
        (network(tmp_path / "s.onnx", [0.0] * 8, says=seven), "has no output 'fer2013'"),
        (network(tmp_path / "u.onnx", [0.0] * 8, says=self_description(fer2013_classes="a,b")),
         "u.onnx: fer2013_classes .* 'a': no expression"),
        (network(tmp_path / "t.onnx", [0.0] * 8, says=self_description(temperature="0")),
         "temperature '0': no temperature"),
    ):  # fmt: skip
        with pytest.raises(BadSettings, match=error) as caught:
            OnnxClassifier(path)
        assert "\n" not in str(caught.value)


# The command


def test_the_command_writes_one_table_of_all_and_their_plots(tmp_path: Path) -> None:
    says = self_description()
    first = network(tmp_path / "first.onnx", bright_is("happiness", EXPRESSIONS), says=says)
    second = network(tmp_path / "second.onnx", [0.0] * 8, says=says)
    out = tmp_path / "out"
    run_evaluate([first, second], data_set(tmp_path), out=out, reference=second, console=QUIET)
    table = (out / "table.md").read_text("utf-8")
    assert table.startswith("# Expressions read off `valid`\n\n**Protocol.**")
    assert "| FER+: accuracy, % | 80 | 100.0 (100.0–100.0) |" in table
    assert "80 of 80" in table
    found = json.loads((out / "table.json").read_text("utf-8"))
    assert [one["facts"]["name"] for one in found["classifiers"]] == ["first", "second"]
    assert found["classifiers"][0]["cost"]["value"] > 0
    with (out / "table.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["name"] == "accuracy"]
    assert {(row["classifier"], row["labels"], row["n"]) for row in rows} == {
        (name, labels, "80") for name in ("first", "second") for labels in ("ferplus", "fer2013")
    }
    plots = sorted(path.name for path in out.glob("*.png"))
    assert "confusion_first_ferplus.png" in plots
    assert "reliability_second.png" in plots
    assert "quality.png" in plots


def test_without_a_folder_the_table_is_printed_and_names_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    paths = [tmp_path / "net.onnx", tmp_path / "b" / "net.onnx"]
    for path in paths:
        network(path, [0.0] * 8, says=self_description())
    console = Console(record=True, width=400, file=io.StringIO())
    results = run_evaluate(paths, data_set(tmp_path), console=console)
    assert [result.facts.name for result in results] == ["net (1)", "net (2)"]
    assert [result.cost for result in results] == [None, None]
    assert "FER-2013: accuracy, %" in console.export_text()


def test_a_split_that_is_not_there_and_no_network_at_all_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="no split 'test'; give --split with one of valid"):
        read_split(data_set(tmp_path), "test")
    with pytest.raises(BadSettings, match="no network to evaluate"):
        run_evaluate([], tmp_path, console=QUIET)


def test_what_can_not_be_read_is_told_and_stands_in_the_table(tmp_path: Path) -> None:
    folder, whole = tmp_path / "faces", pictures(8)
    for image, label, name in zip(whole.images, whole.labels, whole.names, strict=True):
        path = folder / "valid" / FER2013[label] / f"{name.replace('/', '_')}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image)
    (folder / "valid" / "happiness" / "a.jpg").write_bytes(b"no picture")
    net = network(tmp_path / "a.onnx", [0.0] * 8, says=self_description())
    console = Console(record=True, width=400, file=io.StringIO())
    run_evaluate([net], folder, out=tmp_path / "out", console=console)
    told = "1 file passed over, the first: valid/happiness/a.jpg is damaged, or no picture"
    assert told in console.export_text()
    assert told in (tmp_path / "out" / "table.md").read_text("utf-8")
    found = json.loads((tmp_path / "out" / "table.json").read_text("utf-8"))
    assert found["sample"]["unreadable"] == [["valid/happiness/a.jpg", "is damaged, or no picture"]]


def test_a_folder_that_can_not_be_written_is_one_line(tmp_path: Path) -> None:
    path = network(tmp_path / "a.onnx", [0.0] * 8, says=self_description())
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(BadSettings, match="can't be written"):
        run_evaluate([path], data_set(tmp_path), out=in_the_way / "out", console=QUIET)


def test_what_is_not_defined_is_null_in_json_and_a_dash_in_the_table() -> None:
    whole = pictures(20)
    sample, results = describe_sample(whole), [evaluate_network(ByBrightness(), whole)]
    json.loads(score_table.as_json(sample, results), parse_constant=lambda _: 1 / 0)
    assert "| contempt | 0 | – |" in score_table.as_markdown(sample, results)


def test_a_bound_that_is_not_defined_is_a_dash() -> None:
    nan = float("nan")
    assert score_table.cell(Figure(0.5, nan, nan, 3), percent=True) == "50.0 (–)"
    assert score_table.cell(Figure(0.5, 0.25, 0.75, 3), percent=False) == ".500 (.250–.750)"


def test_the_area_of_a_class_that_a_network_does_not_know_is_one_half(tmp_path: Path) -> None:
    seven = [name for name in EXPRESSIONS if name != "contempt"]
    says = self_description(classes=",".join(seven))
    path = network(tmp_path / "a.onnx", bright_is("happiness", seven), says=says)
    whole = pictures()
    votes = whole.votes.copy()
    votes[:3] = votes_for([EXPRESSIONS.index("contempt")] * 3)
    result = evaluate_network(OnnxClassifier(path), replace(whole, votes=votes), resamples=20)
    assert value(result, "ferplus", "auc", "contempt") == 0.5
    others = [value(result, "ferplus", "auc", name) for name in ("neutral", "happiness")]
    assert value(result, "ferplus", "auc") == pytest.approx((0.5 + sum(others)) / 3)


def test_public_networks_reach_on_real_pictures_what_they_are_known_for() -> None:
    folder, networks = shared_folder("datasets/ferplus"), shared_folder("models")
    some, unreadable = read_split(folder, "valid")
    assert unreadable == ()
    some = some.take(np.arange(0, len(some), 10))
    for name, least in (("mini_xception_fer2013", 0.6), ("faceapi_expression", 0.5)):
        said = OnnxClassifier(networks / f"{name}.onnx").predict(some.images).fer2013
        assert (said.argmax(1) == some.labels).mean() > least
