"""Engines that run only where they are named, and what a purpose without emotion leaves out."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from readroom.messages import WITHOUT_EMOTION, Frame
from readroom.models import files
from readroom.models.choice import available, describe
from readroom.models.registry import OWN
from readroom.settings import Settings, load_settings
from readroom.workers.analysis import Analyser
from readroom.workers.assembly import assemble, tasks
from readroom.workers.engines.haar import Haar
from readroom.workers.lane import observe
from tests.models.own_network import own_detector, own_network, own_pose
from tests.workers.conftest import Clip

ALL = ("face", "expression", "pose", "mesh", "identity")
PURPOSES = sorted(WITHOUT_EMOTION)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of networks that find white squares; the package came without any."""
    monkeypatch.setattr(files, "PACKAGED", tmp_path / "none")
    folder = tmp_path / "weights"
    folder.mkdir()
    for task, body in (
        ("faces", own_detector()),
        ("expression", own_network()),
        ("keypoints", own_pose()),
    ):
        (folder / OWN[task].file).write_bytes(body)  # type: ignore[index]
    return folder


def settings_with(folder: Path, purpose: str | None = None, **workers: Any) -> Settings:
    return load_settings(models=folder, purpose=purpose, workers=workers)


def white_square() -> np.ndarray:
    picture = np.zeros((360, 640, 3), np.uint8)
    picture[160:192, 320:352] = 255
    return picture


def frame() -> Frame:
    fields: dict[str, Any] = {"room": "room", "camera": "left", "mode": "live"}
    numbers = {"epoch": 1, "seq": 0, "previous_seq": -1, "width": 640, "height": 360}
    return Frame(**fields, **numbers, captured_at=1.0)


def test_by_default_neither_meshes_nor_identities_are_read(shared_models: Path) -> None:
    settings = load_settings(models=shared_models)
    assert set(assemble(settings).analyser.models) <= {"face", "expression", "pose"}
    assert {choice.task for choice in available(settings)} == {
        *("faces", "expression", "keypoints", "people")
    }


def test_named_without_their_files_they_are_missing_and_the_remedy_is_said(weights: Path) -> None:
    settings = settings_with(weights, engines=ALL)
    assembled = assemble(settings)
    assert set(assembled.analyser.models) == {"face", "expression", "pose"}
    assert assembled.missing == ("mesh", "identity")
    line = describe(settings)
    assert line.startswith("mesh and identity off: ")
    assert "put mediapipe_face_landmarks.onnx into a folder and name it in READROOM_MODELS" in line
    assert len(line.splitlines()) == 1


def test_half_a_mesh_is_none(weights: Path, shared_models: Path) -> None:
    shutil.copy(shared_models / "mediapipe_face_landmarks.onnx", weights)
    assembled = assemble(settings_with(weights, engines=("face", "mesh")))
    assert "mesh" not in assembled.analyser.models
    assert assembled.missing == ("mesh",)


def test_each_engine_asks_for_its_own_networks() -> None:
    assert tasks(ALL) == ("faces", "expression", "keypoints", "mesh", "blendshapes", "identity")
    assert tasks(("face", "mesh")) == ("faces", "mesh", "blendshapes")


def test_everything_at_once_is_read_and_timed(shared_models: Path, clip: Clip) -> None:
    analyser = assemble(load_settings(models=shared_models, workers={"engines": ALL})).analyser
    pictures = clip("neutral_to_smile_1_person", 40)
    together = analyser.analyse(pictures)
    for picture, seen in zip(pictures, together, strict=True):
        assert seen.engines == ALL
        assert set(seen.stages_s) == set(ALL)
        (face,) = seen.faces
        assert face.expression is not None
        assert face.embedding is not None
        assert face.blendshapes is not None
        (alone,) = analyser.analyse([picture])[0].faces
        assert face.blendshapes == pytest.approx(alone.blendshapes, abs=1e-3)
        assert face.embedding == pytest.approx(alone.embedding, abs=1e-4)


def test_what_is_not_due_is_not_read(shared_models: Path, clip: Clip) -> None:
    analyser = assemble(load_settings(models=shared_models, workers={"engines": ALL})).analyser
    pictures = clip("neutral_to_smile_1_person", 40)[:2]
    dues = [frozenset({"face", "mesh"}), frozenset({"face", "identity"})]
    first, second = analyser.analyse(pictures, dues)  # type: ignore[arg-type]
    assert (first.engines, second.engines) == (("face", "mesh"), ("face", "identity"))
    assert (first.faces[0].embedding, second.faces[0].blendshapes) == (None, None)
    assert first.faces[0].blendshapes is not None
    assert second.faces[0].embedding is not None


def test_a_detector_without_landmarks_gives_meshes_and_no_identities(shared_models: Path) -> None:
    from skimage import data

    analyser = assemble(load_settings(models=shared_models, workers={"engines": ALL})).analyser
    analyser._faces = Haar(width_px=640, most=32)
    astronaut = np.ascontiguousarray(data.astronaut()[..., ::-1])
    faces = analyser.analyse([astronaut])[0].faces
    assert any(face.blendshapes is not None for face in faces)
    assert all(face.embedding is None for face in faces)


def test_a_purpose_with_emotion_reads_expressions(weights: Path) -> None:
    assembled = assemble(settings_with(weights, "audience"))
    (seen,) = assembled.analyser.analyse([white_square()])
    assert seen.faces[0].expression is not None


@pytest.mark.parametrize("purpose", PURPOSES)
def test_without_emotion_no_expression_is_computed_and_nothing_is_missing(
    purpose: str, weights: Path
) -> None:
    settings = settings_with(weights, purpose)
    assembled = assemble(settings)
    assert set(assembled.analyser.models) == {"face", "pose"}
    assert assembled.missing == ()
    assert [choice.task for choice in assembled.choices] == ["faces", "keypoints"]
    assert describe(settings) == ""
    seen_all = assembled.analyser.analyse([white_square()] * 2)
    for seen in seen_all:
        observation = observe(
            frame(),
            lane="face+expression+pose",
            worker="w1",
            engines=seen.engines,
            faces=seen.faces,
            models={str(engine): model for engine, model in assembled.analyser.models.items()},
            stages_s=seen.stages_s,
        )
        assert observation.faces
        assert all(face.expression is None for face in observation.faces)
        assert observation.engines == ("face", "pose")
        assert "expression" not in observation.models
        assert "expression" not in observation.stages_s


@pytest.mark.parametrize("purpose", PURPOSES)
def test_without_emotion_not_even_the_networks_file_is_looked_at(
    purpose: str, weights: Path
) -> None:
    (weights / OWN["expression"].file).write_bytes(b"no network")
    settings = settings_with(weights, purpose)
    assert "expression" not in assemble(settings).analyser.models
    assert "expression" not in {choice.task for choice in available(settings)}


@pytest.mark.parametrize("purpose", PURPOSES)
def test_without_emotion_meshes_and_identities_go_on(
    purpose: str, shared_models: Path, clip: Clip
) -> None:
    settings = settings_with(shared_models, purpose, engines=ALL)
    analyser: Analyser = assemble(settings).analyser
    (seen,) = analyser.analyse(clip("neutral_to_smile_1_person", 1000))
    assert seen.engines == ("face", "pose", "mesh", "identity")
    (face,) = seen.faces
    assert face.expression is None
    assert face.blendshapes is not None
    assert face.embedding is not None
