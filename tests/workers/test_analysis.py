"""Real networks on real clips: who is found, how they look, where their bodies are."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from readroom.messages import EXPRESSIONS, KEYPOINTS, LANDMARKS, Box
from readroom.models.files import read_verified
from readroom.models.registry import REGISTRY
from readroom.settings import load_settings
from readroom.workers.analysis import Analyser, Analysis
from readroom.workers.assembly import assemble
from readroom.workers.engines.pose import PoseReader
from tests.conftest import shared_folder
from tests.workers.conftest import PUBLIC, Clip, Load

NOSE, LEFT_SHOULDER, RIGHT_SHOULDER = (
    KEYPOINTS.index(name) for name in ("nose", "left_shoulder", "right_shoulder")
)


def expression_of(analysis: Analysis) -> dict[str, float]:
    (face,) = analysis.faces
    assert face.expression is not None
    return dict(zip(EXPRESSIONS, face.expression, strict=True))


def test_four_people_are_found_in_the_classroom_at_720p(analyser: Analyser, clip: Clip) -> None:
    for picture in clip("classroom_4_people", 9, 1280):
        (seen,) = analyser.analyse([picture])
        assert len(seen.faces) == 4
        assert [body.face for body in seen.bodies] == [0, 1, 2, 3]
        assert seen.engines == ("face", "expression", "pose")
        assert set(seen.stages_s) == {"face", "expression", "pose"}


def test_faces_that_are_too_small_are_not_read(analyser: Analyser, clip: Clip) -> None:
    (seen,) = analyser.analyse(clip("classroom_4_people", 100))
    assert len(seen.faces) == 4
    for face in seen.faces:
        assert face.quality.width_px < 24
        assert face.expression is None


def test_two_people_who_turn_their_heads_are_found_and_their_heads_turn(
    analyser: Analyser, clip: Clip
) -> None:
    yaws = []
    for picture in clip("head_turns_2_people", 8):
        (seen,) = analyser.analyse([picture])
        assert len(seen.faces) == 2
        yaws += [face.quality.yaw_deg or 0.0 for face in seen.faces]
    assert max(yaws) - min(yaws) > 30


def test_people_seen_from_behind_have_no_face(analyser: Analyser, clip: Clip) -> None:
    pictures = clip("walking_past_no_faces", 70)
    found = [len(analyser.analyse([p], [frozenset({"face"})])[0].faces) for p in pictures]
    assert sum(found) <= len(found) // 10


def test_upset_becomes_laughing(analyser: Analyser, clip: Clip) -> None:
    # 24 pictures a second: upset in the first five seconds, laughing from the tenth on.
    pictures = clip("upset_to_laughing_1_person", 24)
    early = [expression_of(analyser.analyse([picture])[0]) for picture in pictures[:5]]
    late = [expression_of(analyser.analyse([picture])[0]) for picture in pictures[12:19]]
    assert np.mean([said["happiness"] for said in early]) < 0.2
    assert np.mean([said["happiness"] for said in late]) > 0.9
    displeased = ("sadness", "anger", "disgust")
    assert np.mean([sum(said[name] for name in displeased) for said in early]) > 0.7


def test_a_batch_says_what_its_pictures_say_alone(analyser: Analyser, clip: Clip) -> None:
    pictures = [*clip("head_turns_2_people", 25), *clip("neutral_to_smile_1_person", 60)]
    together = analyser.analyse(pictures)
    for picture, seen in zip(pictures, together, strict=True):
        (alone,) = analyser.analyse([picture])
        assert len(seen.faces) == len(alone.faces)
        for one, other in zip(seen.faces, alone.faces, strict=True):
            assert one.box == other.box
            assert one.expression == pytest.approx(other.expression, abs=1e-4)
        for body, again in zip(seen.bodies, alone.bodies, strict=True):
            assert np.array(body.keypoints) == pytest.approx(np.array(again.keypoints), abs=0.05)


def test_landmarks_and_shoulders_are_on_the_sides_their_names_say(
    analyser: Analyser, clip: Clip
) -> None:
    (seen,) = analyser.analyse(clip("head_turns_2_people", 100))
    for face, body in zip(seen.faces, seen.bodies, strict=True):
        assert face.landmarks is not None
        points = dict(zip(LANDMARKS, face.landmarks, strict=True))
        # They face the camera: their own right is the picture's left.
        assert points["right_eye"][0] < points["left_eye"][0]
        assert points["right_mouth"][0] < points["left_mouth"][0]
        assert points["right_eye"][1] < points["nose"][1] < points["right_mouth"][1]
        assert body.keypoints[RIGHT_SHOULDER][0] < body.keypoints[LEFT_SHOULDER][0]
        assert body.keypoints[NOSE][1] < body.keypoints[LEFT_SHOULDER][1]
        nose = np.array(body.keypoints[NOSE][:2])
        assert np.linalg.norm(nose - points["nose"]) < face.box.width / 2


def test_only_what_is_due_runs(analyser: Analyser, clip: Clip) -> None:
    (picture,) = clip("head_turns_2_people", 100)
    faces_only, poses_unplaced = analyser.analyse(
        [picture] * 2, [frozenset({"face"}), frozenset({"pose"})]
    )
    assert faces_only.engines == ("face",)
    assert faces_only.bodies == ()
    assert all(face.expression is None for face in faces_only.faces)
    assert poses_unplaced.engines == ()


def test_poses_are_read_of_people_whose_faces_were_seen_before(
    analyser: Analyser, clip: Clip
) -> None:
    (picture,) = clip("head_turns_2_people", 100)
    (before,) = analyser.analyse([picture])
    known: list[list[Box] | None] = [[face.box for face in before.faces]]
    (seen,) = analyser.analyse([picture], [frozenset({"pose"})], known)
    assert seen.engines == ("pose",)
    assert [body.face for body in seen.bodies] == [None, None]
    for body, again in zip(seen.bodies, before.bodies, strict=True):
        assert np.array(body.keypoints) == pytest.approx(np.array(again.keypoints), abs=0.05)


def test_a_worker_for_poses_alone_finds_people_itself(shared_models: Path, clip: Clip) -> None:
    settings = load_settings(models=shared_models, workers={**PUBLIC, "engines": ("pose",)})
    alone = assemble(settings).analyser
    assert alone.models == {"pose": "yolox_nano_416+tinypose_128x96"}
    (seen,) = alone.analyse(clip("classroom_4_people", 100, 1280))
    assert len(seen.bodies) == 4
    assert seen.faces == ()


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((1, 1, 3), np.uint8),
        np.full((3, 2000, 3), 128, np.uint8),
        np.full((2000, 3, 3), 255, np.uint8),
        np.repeat(np.arange(97 * 61, dtype=np.uint8).reshape(97, 61, 1), 3, axis=2),
        np.zeros((6000, 8000, 3), np.uint8),
    ],
    ids=["one pixel", "a line", "a column", "odd and grey", "huge"],
)
def test_bad_pictures_are_analysed_like_any_other(analyser: Analyser, picture: np.ndarray) -> None:
    (seen,) = analyser.analyse([picture])
    assert seen.faces == ()
    assert seen.engines == ("face", "expression", "pose")


def test_grey_faces_are_found_and_read(analyser: Analyser, clip: Clip) -> None:
    (picture,) = clip("upset_to_laughing_1_person", 1000)
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    assert len(analyser.analyse([grey.astype(np.uint8)])[0].faces) == 1


def test_no_pictures_are_no_work(analyser: Analyser) -> None:
    assert analyser.analyse([]) == []


@pytest.mark.parametrize(("name", "least"), [("tinypose_128x96", 0.8), ("tinypose_256x192", 0.75)])
def test_keypoints_agree_with_the_annotations_of_coco(
    load: Load, shared_models: Path, name: str, least: float
) -> None:
    folder = shared_folder("datasets") / "coco_pose"
    truth = json.loads((folder / "person_keypoints.json").read_text())
    files = {image["id"]: image["file_name"] for image in truth["images"]}
    model = read_verified(shared_models / f"{name}.onnx", REGISTRY[name])
    reader = PoseReader(load(name), model.entry)
    near: list[bool] = []
    for person in truth["annotations"]:
        points = np.array(person["keypoints"], float).reshape(17, 3)
        if (points[:, 2] > 0).sum() < 8:
            continue
        picture = cv2.imread(str(folder / "images" / files[person["image_id"]]))
        box = np.array(person["bbox"], np.float32)
        (found,) = reader.submit([(picture.astype(np.uint8), box)]).result()
        error = np.linalg.norm(found[:, :2] - points[:, :2], axis=1)
        near += (error < 0.1 * max(box[2:]))[points[:, 2] > 0].tolist()
    # PCK at a tenth of the box; a wrong order of keypoints scores below 0.3.
    assert np.mean(near) > least
