"""How the parts of a face move, by networks that say what they are told to, and by real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from readroom.messages import BLENDSHAPES, Face
from readroom.models.boxes import Floats
from readroom.models.mesh import SUBSET
from readroom.models.registry import MESH_POINTS, REGISTRY
from readroom.pixels import Picture
from readroom.settings import load_settings
from readroom.workers.analysis import Analyser
from readroom.workers.assembly import assemble
from readroom.workers.backends.base import Outputs
from readroom.workers.backends.onnxruntime import Finished
from readroom.workers.engines.mesh import (
    MIN_WIDTH_PX,
    LandmarkedFace,
    MeshReader,
    MovementReader,
)
from tests.workers.conftest import Clip, Load

LANDMARKS = REGISTRY["mediapipe_face_landmarks"]
MOVES = REGISTRY["mediapipe_face_blendshapes"]
SMILE = ("mouthSmileLeft", "mouthSmileRight")
BLINK = ("eyeBlinkLeft", "eyeBlinkRight")


class Saying:
    """A network that says what ``answer`` makes of what it is fed."""

    def __init__(self, name: str, max_batch: int, answer: Any) -> None:
        self.inputs = (type("Spec", (), {"name": name}),)
        self.max_batch = max_batch
        self.batches: list[int] = []
        self._answer = answer

    def input_buffer(self, name: str, shape: tuple[int, ...]) -> Floats:
        return np.zeros(shape, np.float32)

    def submit(self, feeds: Any) -> Finished:
        (items,) = feeds.values()
        self.batches.append(len(items))
        return Finished(self._answer(items))


def reader(logits: list[float], answer: Any = None) -> tuple[MeshReader, Saying, Saying]:
    """A mesh whose network says these logits of the faces one after the other, and of each face its
    brightness as every point; its second network says the first point's x of all movements."""
    left = list(logits)

    def mesh(items: Floats) -> Outputs:
        said = np.repeat(items.mean(axis=(1, 2, 3)), 3 * MESH_POINTS).reshape(-1, 1, 1, 1434)
        sure = [left.pop(0) for _ in items]
        return {
            "StatefulPartitionedCall:1": said,
            "StatefulPartitionedCall:0": np.array(sure, np.float32).reshape(-1, 1, 1, 1),
        }

    def moves(items: Floats) -> Outputs:
        assert items.shape == (1, 146, 2)
        return {"StatefulPartitionedCall:0": np.full(52, items[0, 0, 0], np.float32)}

    first = Saying("serving_default_input_28:0", 3, mesh)
    second = Saying("serving_default_input_points:0", 1, answer or moves)
    networks: Any = (first, second)
    return MeshReader(networks[0], LANDMARKS, networks[1], MOVES), first, second


def grey_faces(*greys: int) -> list[LandmarkedFace]:
    box = np.array([10, 10, 40, 50], np.float32)
    return [(np.full((80, 90, 3), grey, np.uint8), box, None) for grey in greys]


def test_faces_go_in_batches_and_their_points_one_by_one_in_order() -> None:
    meshes, first, second = reader([4.0] * 5)
    said = meshes.submit(grey_faces(51, 102, 153, 204, 255)).result()
    assert first.batches == [3, 2]
    assert second.batches == [1] * 5
    for row, wanted in zip(said, (0.2, 0.4, 0.6, 0.8, 1.0), strict=True):
        assert row is not None
        assert row == pytest.approx([wanted] * len(BLENDSHAPES), abs=1e-5)


def test_a_mesh_that_is_unsure_of_its_face_says_nothing() -> None:
    meshes, _, second = reader([4.0, -0.1, 4.0])
    first_row, unsure, last_row = meshes.submit(grey_faces(51, 102, 153)).result()
    assert unsure is None
    assert first_row is not None
    assert last_row is not None
    assert last_row[0] == pytest.approx(0.6, abs=1e-5)
    assert second.batches == [1, 1]


def test_no_faces_are_no_work() -> None:
    meshes, first, _ = reader([])
    assert meshes.submit([]).result() == []
    assert first.batches == []


@pytest.mark.parametrize("logit", [float("nan"), float("inf")])
def test_points_that_are_no_numbers_are_an_error(logit: float) -> None:
    def nonsense(items: Floats) -> Outputs:
        return {"StatefulPartitionedCall:0": np.full(52, logit, np.float32)}

    meshes, _, _ = reader([4.0], nonsense)
    with pytest.raises(FloatingPointError, match=r"mediapipe_face_blendshapes gave .* no numbers"):
        meshes.submit(grey_faces(51)).result()
    meshes, _, _ = reader([float("nan")])
    with pytest.raises(FloatingPointError, match=r"mediapipe_face_landmarks gave .* no numbers"):
        meshes.submit(grey_faces(51)).result()


def test_the_model_id_names_both_networks() -> None:
    assert reader([])[0].model == "mediapipe_face_landmarks+mediapipe_face_blendshapes"
    assert SUBSET.max() == MESH_POINTS - 1


@pytest.fixture(scope="module")
def with_mesh(shared_models: Path) -> Analyser:
    settings = load_settings(
        models=shared_models,
        workers={"engines": ("face", "mesh"), "networks": ("yunet_n_dynamic",)},
    )
    return assemble(settings).analyser


def mean(faces: list[Face], names: tuple[str, ...]) -> float:
    columns = [BLENDSHAPES.index(name) for name in names]
    rows = [face.blendshapes for face in faces if face.blendshapes is not None]
    assert rows, "no mesh was sure"
    return float(np.mean(np.array(rows)[:, columns]))


def faces_of(analyser: Analyser, pictures: list[Picture]) -> list[Face]:
    return [face for picture in pictures for face in analyser.analyse([picture])[0].faces]


def test_a_smile_raises_the_corners_of_the_mouth(with_mesh: Analyser, clip: Clip) -> None:
    pictures = clip("neutral_to_smile_1_person", 6)
    before = faces_of(with_mesh, pictures[:3])
    after = faces_of(with_mesh, pictures[-4:])
    assert mean(before, SMILE) < 0.1
    assert mean(after, SMILE) > 0.7
    assert mean(after, BLINK) < 0.4


def test_closed_eyes_are_seen(with_mesh: Analyser, clip: Clip) -> None:
    # A picture a second: eyes closed from the second to the sixth, then wide open for three.
    pictures = clip("upset_to_laughing_1_person", 24)
    assert mean(faces_of(with_mesh, pictures[1:6]), BLINK) > 0.5
    assert mean(faces_of(with_mesh, pictures[7:10]), BLINK) < 0.2


def test_where_there_is_no_face_the_mesh_is_mostly_unsure(shared_models: Path, clip: Clip) -> None:
    meshes = assemble(load_settings(models=shared_models, workers={"engines": ("face", "mesh")}))
    random = np.random.default_rng(0)
    squares: list[LandmarkedFace] = []
    for picture in clip("walking_past_no_faces", 200):
        height, width = picture.shape[:2]
        for side in random.uniform(40, 130, 4):
            x, y = random.uniform(0, width - side), random.uniform(0, height - side)
            squares.append((picture, np.array([x, y, side, side], np.float32), None))
    reader = meshes.analyser._meshes
    assert reader is not None
    said = reader.submit(squares).result()
    assert sum(row is not None for row in said) <= len(squares) // 10


def test_place_and_unit_of_the_points_dont_matter_but_their_aspect_does(load: Load) -> None:
    moves = MovementReader(load(MOVES.name), MOVES)
    angles = np.linspace(0, 6, 146)
    found = np.stack([50 * np.cos(angles), 70 * np.sin(2 * angles)], axis=1).astype(np.float32)
    as_is, moved, wide = moves.read([found, 3 * found + 100, found * np.array([16 / 9, 1], "f")])
    assert moved == pytest.approx(as_is, abs=1e-3)
    assert np.abs(wide - as_is).max() > 0.02


def test_every_coefficient_is_in_0_to_1_and_faces_too_small_for_a_mesh_have_none(
    with_mesh: Analyser, clip: Clip
) -> None:
    for face in faces_of(with_mesh, clip("head_turns_2_people", 20)):
        if face.blendshapes is not None:
            assert len(face.blendshapes) == len(BLENDSHAPES)
            assert min(face.blendshapes) >= 0
            assert max(face.blendshapes) <= 1
    (seen,) = with_mesh.analyse(clip("classroom_4_people", 100))
    assert len(seen.faces) == 4
    assert all(face.quality.width_px < MIN_WIDTH_PX for face in seen.faces)
    assert all(face.blendshapes is None for face in seen.faces)
    assert seen.engines == ("face", "mesh")
    assert "mesh" not in seen.stages_s


def test_a_tilted_head_smiles_as_an_upright_one_does(with_mesh: Analyser, clip: Clip) -> None:
    picture = clip("neutral_to_smile_1_person", 6)[-1]
    height, width = picture.shape[:2]
    upright = mean(faces_of(with_mesh, [picture]), SMILE)
    for deg in (-25, 25):
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), deg, 1)
        tilted = cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        assert mean(faces_of(with_mesh, [tilted.astype(np.uint8)]), SMILE) == pytest.approx(
            upright, abs=0.15
        )


def test_a_face_half_its_width_moves_as_it_does_in_full(with_mesh: Analyser, clip: Clip) -> None:
    pictures = clip("neutral_to_smile_1_person", 12)
    small = [cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for p in pictures]
    full, half = faces_of(with_mesh, pictures), faces_of(with_mesh, small)  # type: ignore[arg-type]
    differences = np.array([one.blendshapes for one in full], float) - np.array(
        [one.blendshapes for one in half], float
    )
    assert np.abs(differences).mean() < 0.05
