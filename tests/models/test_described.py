"""A network that describes itself is read as it says, or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from readroom.errors import BadSettings
from readroom.messages import EXPRESSIONS, KEYPOINTS, LANDMARKS
from readroom.models.described import describe_network
from readroom.models.registry import FACE_OUTPUTS, Entry, InputSpec, Task
from tests.models.own_network import own_detector, own_network, own_pose

PATH = Path("somewhere/expression.onnx")


def described(body: bytes, task: Task = "expression") -> Entry:
    return describe_network(body, PATH, task)


def test_everything_an_engine_needs_is_read_from_the_file() -> None:
    body = own_network()
    entry = described(body)
    assert entry.name == "readroom_expression_1"
    assert entry.engine == entry.task == "expression"
    assert entry.classes == EXPRESSIONS
    assert entry.input == InputSpec(
        48,
        48,
        "grey",
        "face",
        scale=0.00392156862745098,
        mean=(0.5,),
        std=(0.25,),
        margin_ratio=1.1,
        shift_ratio=-0.05,
    )
    assert dict(entry.inputs) == {"image": (0, 1, 48, 48)}
    assert dict(entry.outputs) == {"probabilities": (0, 8)}
    assert entry.file == PATH.name
    assert entry.sha256 == hashlib.sha256(body).hexdigest()
    assert entry.size_bytes == len(body)
    assert "ab" * 32 in entry.origin
    assert "cd" * 32 in entry.origin


def test_a_network_with_fewer_classes_in_another_order_is_taken() -> None:
    classes = ("sadness", "happiness", "neutral")
    assert described(own_network(classes=3, classes_said=",".join(classes))).classes == classes


def test_another_input_size_is_taken() -> None:
    spec = described(own_network(size=64, input_size="64")).input
    assert (spec.width, spec.height) == (64, 64)


@pytest.mark.parametrize(
    "key",
    ["task", "version", "classes", "input_size", "color", "scale", "mean", "std", "crop"]
    + ["data", "recipe"],
)
def test_a_missing_key_is_one_line_that_names_file_key_and_remedy(key: str) -> None:
    changes: dict[str, Any] = {"classes_said" if key == "classes" else key: None}
    with pytest.raises(BadSettings) as caught:
        described(own_network(**changes))
    line = str(caught.value)
    assert line.startswith(f"{PATH}: says no {key} in its metadata")
    assert "`readroom lab export`" in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("task", "pose", "should hold a network for expression"),
        ("version", "1 or\n2", "at most 32"),
        ("version", "x" * 33, "at most 32"),
        ("classes_said", ",".join(EXPRESSIONS[:7]) + ",boredom", "'boredom' is none of neutral"),
        ("classes_said", ",".join(EXPRESSIONS[:7]) + ",neutral", "named twice"),
        ("input_size", "48.0", "a whole number of px"),
        ("input_size", "4", "a whole number of px"),
        ("input_size", "²", "a whole number of px"),
        ("color", "rgb", "wanted gray"),
        ("scale", "1/255", "no number"),
        ("scale", "0", "above 0"),
        ("scale", "nan", "no finite number"),
        ("mean", "0.4,0.5,0.6", "wanted 1 of them"),
        ("std", "-1", "above 0"),
        ("crop", "1.0", "wanted scale="),
        ("crop", "scale=1.0", "wanted scale="),
        ("crop", "scale=big,shift_y=0", "wanted scale="),
        ("crop", "scale=nan,shift_y=0", "wanted scale="),
        ("crop", "scale=1,shift_y=0,turn=90", "nothing else"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_file_key_value_and_remedy(
    key: str, value: str, why: str
) -> None:
    changes: dict[str, Any] = {key: value}
    with pytest.raises(BadSettings) as caught:
        described(own_network(**changes))
    line = str(caught.value)
    assert line.startswith(f"{PATH}: {key.removesuffix('_said')}={value!r}"[:60])
    assert why in line
    assert "`readroom lab export`" in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ({"size": 64}, "its input image is 1×64×64, but its metadata say 1×48×48"),
        ({"classes": 7}, "its output probabilities is n×7, but its metadata ask for n×8"),
        ({"batch": 1}, "no float32 with a free batch size"),
        ({"output": "probs"}, "has no output probabilities (it has probs, fer2013)"),
    ],
)
def test_a_network_that_is_not_what_it_says_is_refused(made: dict[str, Any], why: str) -> None:
    with pytest.raises(BadSettings) as caught:
        described(own_network(**made))
    assert why in str(caught.value)
    assert str(caught.value).startswith(f"{PATH}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_network_is_refused() -> None:
    with pytest.raises(BadSettings, match="not a network that ONNX Runtime can load") as caught:
        described(b"not a network\nat all")
    assert "\n" not in str(caught.value)


def test_another_network_that_says_nothing_of_itself_is_refused(shared_models: Path) -> None:
    with pytest.raises(BadSettings, match="says no task in its metadata"):
        described((shared_models / "mini_xception_fer2013.onnx").read_bytes())


def refusal(body: bytes, task: Task) -> str:
    """The one line that a file is refused with."""
    with pytest.raises(BadSettings) as caught:
        described(body, task)
    line = str(caught.value)
    assert line.startswith(f"{PATH}: ")
    assert "`readroom lab export`" in line
    assert "\n" not in line
    return line


def test_a_face_detector_takes_whole_pictures_of_any_size() -> None:
    entry = described(own_detector(version="3"), "faces")
    assert (entry.name, entry.engine, entry.task) == ("readroom_faces_3", "face", "faces")
    assert entry.input == InputSpec(0, 0, "bgr", "letterbox", stride=32)
    assert dict(entry.inputs) == {"input": (0, 3, 0, 0)}
    assert entry.outputs == FACE_OUTPUTS
    assert entry.classes == LANDMARKS


def test_a_pose_network_takes_a_persons_box() -> None:
    entry = described(own_pose(size=(72, 96), input_size="72x96"), "keypoints")
    assert (entry.name, entry.engine, entry.task) == ("readroom_keypoints_1", "pose", "keypoints")
    assert entry.input == InputSpec(
        72,
        96,
        "rgb",
        "aspect",
        scale=0.00392156862745098,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        margin_ratio=1.25,
    )
    assert dict(entry.inputs) == {"image": (0, 3, 96, 72)}
    assert dict(entry.outputs) == {"keypoints": (0, 17, 3)}
    assert entry.classes == KEYPOINTS


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"task": "keypoints"}, "task='keypoints' in its metadata: this file should hold"),
        ({"classes_said": ",".join(sorted(LANDMARKS))}, f"wanted {','.join(LANDMARKS)}"),
        ({"input_size": "640x384"}, "wanted any,32: any multiple of 32 px"),
        ({"crop": "aspect,margin=1.25"}, "wanted letterbox"),
        ({"color": "gray"}, "wanted bgr or rgb"),
        ({"crop": None}, "says no crop"),
        ({"sides": (384, 640)}, "its input input is 3×384×640, but its metadata say 3×n×n"),
        ({"batch": 1}, "no float32 with a free batch size"),
        ({"points": 6}, "its output kps_8 is n×n×12, but its metadata ask for n×n×10"),
        ({"left_out": "obj_16"}, "has no output obj_16 (it has cls_8, "),
    ],
)
def test_a_face_detector_that_no_decoder_could_read_is_refused(
    changes: dict[str, Any], why: str
) -> None:
    assert why in refusal(own_detector(**changes), "faces")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"classes_said": ",".join(KEYPOINTS[:16])}, "wanted nose,left_eye"),
        ({"input_size": "96"}, "WIDTHxHEIGHT, px, 16 to 1024 each"),
        ({"input_size": "96x8"}, "WIDTHxHEIGHT"),
        ({"input_size": "9\u0663x128"}, "WIDTHxHEIGHT"),
        ({"input_size": "128x96"}, "its input image is 3×128×96, but its metadata say 3×96×128"),
        ({"crop": "letterbox"}, "wanted aspect,margin=0.25 to 4"),
        ({"crop": "aspect"}, "wanted aspect,margin="),
        ({"crop": "aspect,margin=nan"}, "wanted aspect,margin="),
        ({"crop": "aspect,margin=9"}, "wanted aspect,margin="),
        ({"color": "gray"}, "wanted bgr or rgb"),
        ({"mean": "0.4,0.5"}, "wanted 1 or 3 of them"),
        ({"output": "points"}, "has no output keypoints (it has points)"),
        (
            {"says": np.zeros((16, 3), np.float32)},
            "its output keypoints is n×16×3, but its metadata ask for n×17×3",
        ),
    ],
)
def test_a_pose_network_that_could_not_be_read_is_refused(
    changes: dict[str, Any], why: str
) -> None:
    assert why in refusal(own_pose(**changes), "keypoints")
