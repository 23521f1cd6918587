"""What networks say is decoded as their authors define it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from readroom.messages import EXPRESSIONS
from readroom.models.boxes import Floats
from readroom.models.detection import MAX_CANDIDATES, STRIDES, decode
from readroom.models.files import read_own
from readroom.models.keypoints import from_points, grow, peaks, reader as keypoint_reader, window
from readroom.models.registry import OWN, REGISTRY, Entry, Task
from readroom.pixels import Picture
from readroom.workers.backends.base import Outputs, Profile
from readroom.workers.backends.onnxruntime import Finished, OnnxNetwork, OnnxRuntime
from readroom.workers.engines.batches import Batches
from readroom.workers.engines.expression import ExpressionReader
from readroom.workers.engines.face import FaceNetwork
from readroom.workers.engines.haar import Haar
from readroom.workers.engines.people import PeopleFinder
from readroom.workers.engines.pose import PoseReader
from tests.models.own_network import own_detector, own_pose
from tests.workers.conftest import Load


def silent_outputs(height: int, width: int) -> Outputs:
    """YuNet's outputs for one picture in which it sees nothing."""
    outputs: Outputs = {}
    for stride in STRIDES:
        cells = (height // stride) * (width // stride)
        for head, size in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            outputs[f"{head}_{stride}"] = np.zeros((1, cells, size), np.float32)
    return outputs


@pytest.mark.parametrize("stride", STRIDES)
def test_a_yunet_cell_becomes_a_face_at_its_place(stride: int) -> None:
    outputs = silent_outputs(64, 128)
    column, row = 2, 1
    cell = row * (128 // stride) + column
    outputs[f"cls_{stride}"][0, cell] = 0.9
    outputs[f"obj_{stride}"][0, cell] = 0.4
    outputs[f"bbox_{stride}"][0, cell] = [0.5, 0.25, np.log(2), np.log(3)]
    outputs[f"kps_{stride}"][0, cell, :2] = [1, -1]
    faces = decode(outputs, 0, 128, 0.5)
    assert faces.scores == pytest.approx([0.6])
    centre = np.array([(column + 0.5) * stride, (row + 0.25) * stride])
    size = np.array([2 * stride, 3 * stride])
    assert faces.boxes[0] == pytest.approx([*(centre - size / 2), *size])
    assert faces.landmarks is not None
    assert faces.landmarks[0, 0] == pytest.approx([(column + 1) * stride, (row - 1) * stride])
    assert len(decode(outputs, 0, 128, 0.61)) == 0


def test_a_network_gone_wrong_finds_no_endless_faces() -> None:
    outputs = silent_outputs(640, 640)
    for stride in STRIDES:
        outputs[f"cls_{stride}"][:] = 1
        outputs[f"obj_{stride}"][:] = 1
        outputs[f"bbox_{stride}"][:] = 1e30
    faces = decode(outputs, 0, 640, 0.5)
    assert len(faces) == MAX_CANDIDATES
    for stride in STRIDES:
        outputs[f"cls_{stride}"][:] = np.nan
    assert len(decode(outputs, 0, 640, 0.5)) == 0


@given(st.floats(3, 20), st.floats(3, 28), st.floats(0.8, 2.5))
def test_a_gaussian_peak_is_found_between_the_cells(x: float, y: float, sigma: float) -> None:
    columns, rows = np.arange(24), np.arange(32)
    heat = np.exp(-((columns - x) ** 2 + (rows[:, None] - y) ** 2) / (2 * sigma**2))
    found = peaks(heat[None, None].astype(np.float32))[0, 0]
    assert found[:2] == pytest.approx([x, y], abs=0.02)
    assert found[2] == pytest.approx(heat.max(), abs=1e-5)


def test_a_flat_or_broken_heatmap_has_a_peak_without_a_score() -> None:
    found = peaks(np.zeros((2, 17, 32, 24), np.float32))
    assert found.shape == (2, 17, 3)
    assert (found[..., 2] == 0).all()
    for nonsense in (np.nan, np.inf, -np.inf):
        broken = peaks(np.full((1, 1, 32, 24), nonsense, np.float32))
        assert np.isfinite(broken).all()
        assert (broken[..., 2] == 0).all()


def test_points_that_are_no_numbers_have_no_score_and_the_rest_stay_inside() -> None:
    said = np.array(
        [[[np.nan, 5, 0.9], [5, np.inf, 0.9], [5, 6, -np.inf], [5, 6, np.nan]]]
        + [[[-3, 7, 0.5], [200, 300, 7], [10, 20, -1], [96, 128, 1]]],
        np.float32,
    )
    broken, far = from_points(said, 96, 128)
    assert np.isfinite(broken).all()
    assert (broken[:, 2] == 0).all()
    assert far.tolist() == [[0, 7, 0.5], [96, 128, 1], [10, 20, 0], [96, 128, 1]]


@pytest.mark.parametrize("head", ["bbox_8", "kps_8"])
def test_a_face_at_a_place_that_is_no_number_is_no_face(head: str) -> None:
    outputs = silent_outputs(64, 64)
    outputs["cls_8"][0, :2] = outputs["obj_8"][0, :2] = 0.9
    outputs[head][0, 0, -1] = np.inf
    faces = decode(outputs, 0, 64, 0.5)
    assert len(faces) == 1
    assert np.isfinite(faces.boxes).all()


def test_a_peak_at_the_edge_stays_in_the_heatmap() -> None:
    heat = np.zeros((1, 1, 32, 24), np.float32)
    heat[0, 0, 31, 0] = 1
    x, y, score = peaks(heat)[0, 0]
    assert (x, y, score) == pytest.approx((0, 31, 1), abs=0.5)


def test_a_person_is_grown_from_a_face_down_to_the_waist_inside_the_picture() -> None:
    faces = np.array([[100, 50, 20, 20], [0, 0, 20, 20]], np.float32)
    first, second = grow(faces, 1000, 500)
    assert first == pytest.approx([75, 40, 70, 110])
    assert second[0] == 0
    assert second[1] == 0


@given(*[st.floats(0.5, 500)] * 4)
def test_the_window_holds_the_whole_box_in_the_inputs_aspect(
    x: float, y: float, width: float, height: float
) -> None:
    spec = REGISTRY["tinypose_128x96"].input
    left, top, scale = window(np.array([x, y, width, height], np.float32), spec)
    assert left <= x + 0.01
    assert top <= y + 0.01
    assert left + spec.width / scale >= x + width - 0.01
    assert top + spec.height / scale >= y + height - 0.01


class Saying:
    """A network that says the same of every item; for what real ones never say."""

    inputs = (type("Spec", (), {"name": "input"}),)
    max_batch = 3

    def __init__(self, row: list[float]) -> None:
        self.row = row
        self.batches: list[int] = []

    def input_buffer(self, name: str, shape: tuple[int, ...]) -> Floats:
        return np.zeros(shape, np.float32)

    def submit(self, feeds: Any) -> Finished:
        (items,) = feeds.values()
        self.batches.append(len(items))
        return Finished({"probs": np.tile(np.array(self.row, np.float32), (len(items), 1))})


FACE = np.array([10, 10, 40, 40], np.float32)


def test_classes_are_put_into_the_order_of_fer_plus(noise: Picture) -> None:
    network: Any = Saying([0.1, 0.2, 0.3, 0.05, 0.06, 0.07, 0.22])
    reader = ExpressionReader(network, REGISTRY["faceapi_expression"])
    (said,) = reader.submit([(noise, FACE)]).result()
    by_name = dict(zip(EXPRESSIONS, said.tolist(), strict=True))
    assert by_name == pytest.approx(
        {
            "neutral": 0.1,
            "happiness": 0.2,
            "sadness": 0.3,
            "anger": 0.05,
            "fear": 0.06,
            "disgust": 0.07,
            "surprise": 0.22,
            "contempt": 0,
        }
    )


def test_probabilities_that_are_no_numbers_are_an_error(noise: Picture) -> None:
    network: Any = Saying([float("nan")] * 7)
    reader = ExpressionReader(network, REGISTRY["faceapi_expression"])
    with pytest.raises(FloatingPointError, match="no numbers"):
        reader.submit([(noise, FACE)]).result()


def test_many_items_go_in_bounded_batches_in_order() -> None:
    network: Any = Saying([1.0])
    filled: list[int] = []
    runs: list[int] = []
    batches = Batches(
        network, (1, 2, 2), lambda out: out["probs"], lambda items, seconds: runs.append(items)
    )
    rows = batches.submit(8, lambda index, out: filled.append(index)).result()
    assert rows.shape == (8, 1)
    assert filled == list(range(8))
    assert network.batches == runs == [3, 3, 2]
    assert len(batches.submit(0, lambda index, out: None).result()) == 0


def test_haar_finds_a_face_without_landmarks_and_none_in_a_tiny_picture() -> None:
    from skimage import data

    astronaut = np.ascontiguousarray(data.astronaut()[..., ::-1])
    haar = Haar(width_px=640, most=32)
    faces, nothing = haar.find([astronaut, np.zeros((1, 1, 3), np.uint8)])
    x, y, width, height = faces.boxes[0]
    assert x < 225 < x + width
    assert y < 115 < y + height
    assert faces.landmarks is None
    assert ((faces.scores >= 0) & (faces.scores < 1)).all()
    assert len(nothing) == 0


def test_people_are_found_best_first_and_inside_the_picture(load: Load) -> None:
    from skimage import data

    astronaut = np.ascontiguousarray(data.astronaut()[..., ::-1])
    finder = PeopleFinder(load("yolox_nano_416"), REGISTRY["yolox_nano_416"], most=4)
    person, nobody = finder.find([astronaut, np.zeros((100, 50, 3), np.uint8)])
    x, y, width, height = person.boxes[0]
    assert person.scores[0] > 0.7
    assert width > 250
    assert height > 400
    assert min(x, y) >= 0
    assert max(x + width, y + height) <= 512
    assert len(nobody.boxes) == 0


def test_pictures_of_different_sizes_may_be_mixed(load: Load, noise: Picture) -> None:
    from skimage import data

    entry = REGISTRY["yunet_n_dynamic"]
    finder = FaceNetwork(load(entry.name), entry, width_px=640, min_score=0.6, most=32)
    astronaut = np.ascontiguousarray(data.astronaut()[..., ::-1])
    tall = np.ascontiguousarray(np.vstack([astronaut, np.zeros((700, 512, 3), np.uint8)]))
    empty, first, second = finder.find([noise, astronaut, tall])
    assert [len(empty), len(first), len(second)] == [0, 1, 1]
    assert second.boxes[0] == pytest.approx(first.boxes[0], abs=12)


def own(tmp_path: Path, body: bytes, task: Task) -> tuple[OnnxNetwork, Entry]:
    """A network that describes itself, loaded."""
    path = tmp_path / OWN[task].file
    path.write_bytes(body)
    model = read_own(path, task)
    spec = model.entry.input
    item = (spec.channels, spec.height or 384, spec.width or 640)
    shapes = Profile((1, *item), (1, *item), (8, *item))
    return OnnxRuntime().load(model, "cpu", {model.entry.input_name: shapes}), model.entry


def test_faces_of_the_projects_own_detector_lie_where_it_saw_them(tmp_path: Path) -> None:
    network, entry = own(tmp_path, own_detector(), "faces")
    finder = FaceNetwork(network, entry, width_px=160, min_score=0.6, most=32)
    large = np.zeros((200, 320, 3), np.uint8)
    large[64:128, 192:256] = 255
    small = np.zeros((60, 100, 3), np.uint8)
    small[32:, :32] = 255
    (first, second) = finder.find([large, small])
    assert finder.model.startswith("readroom_faces_1")
    assert first.boxes.tolist() == [[192, 64, 64, 64]]
    assert second.boxes.tolist() == [[0, 32, 32, 28]]
    assert first.landmarks is not None
    assert (first.landmarks == [224, 96]).all()
    assert min(first.scores[0], second.scores[0]) > 0.9


@pytest.mark.parametrize("size", [(96, 128), (72, 96)])
def test_keypoints_of_the_projects_own_network_lie_in_the_picture_as_it_saw_it(
    size: tuple[int, int], tmp_path: Path, noise: Picture
) -> None:
    says = np.tile(np.array([size[0] / 2, size[1] / 2, 0.5], np.float32), (17, 1))
    says[1, :2] = 0
    says[2] = np.nan
    body = own_pose(says, size=size, input_size=f"{size[0]}x{size[1]}")
    reader = PoseReader(*own(tmp_path, body, "keypoints"))
    box = np.array([200, 100, 60, 160], np.float32)
    (first, second) = reader.submit([(noise, box), (noise, box + 10)]).result()
    assert first.shape == (17, 3)
    assert first[0] == pytest.approx([230, 180, 0.5])
    # 160 px are the longer side of 3:4, enlarged to 200: 150 px wide.
    assert first[1] == pytest.approx([230 - 75, 180 - 100, 0.5])
    assert np.isfinite(first).all()
    assert first[2, 2] == 0
    assert second[0] == pytest.approx([245, 195, 0.5])
    assert reader.submit([]).result().shape == (0, 17, 3)


def test_heatmaps_and_points_of_one_place_are_the_same_keypoint() -> None:
    entry = REGISTRY["tinypose_128x96"]
    heat = np.zeros((1, 17, 32, 24), np.float32)
    heat[..., 8, 6] = 1
    said = np.tile(np.array([6 * 4, 8 * 4, 1], np.float32), (1, 17, 1))
    points = replace(entry, outputs=MappingProxyType({"keypoints": (0, 17, 3)}))
    assert keypoint_reader(entry)(heat) == pytest.approx(keypoint_reader(points)(said))
