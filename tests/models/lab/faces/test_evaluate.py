"""Detectors side by side on painted photographs, whose faces one of them knows."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import pytest
from rich.console import Console

pytest.importorskip("onnx", reason="the lab needs onnx: pip install -e '.[lab]'")
pytest.importorskip("matplotlib", reason="the lab needs matplotlib: pip install -e '.[lab]'")

from readroom.errors import BadSettings
from readroom.models.lab.faces import evaluate
from readroom.models.lab.faces.detectors import teacher_path
from readroom.models.lab.faces.evaluate import run_evaluate
from readroom.models.lab.faces.measurement import Key
from readroom.models.lab.faces.photos import of_split, read_photos
from tests.models.lab.faces.photographs import folder_of
from tests.models.own_network import own_detector

QUIET = Console(quiet=True)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "set", 40)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "bright.onnx"
    path.write_bytes(own_detector())
    return path


def test_a_detector_that_finds_all_has_all_of_the_area_and_haar_says_what_it_is(
    tmp_path: Path, data: Path, file: Path
) -> None:
    out = tmp_path / "table"
    ours, haar = run_evaluate([file, "haar"], data, out=out, console=QUIET)
    faces = sum(len(photo.boxes) for photo in of_split(read_photos(data), "test"))
    for name in ("ap", "recall"):
        found = ours.figures[Key(name, "≥ 12")]
        assert (found.value, found.low, found.high, found.n) == (1, 1, 1, faces)
    # All are of 32 px.
    assert ours.figures[Key("ap", "≥ 48")].n == 0
    assert ours.figures[Key("recall_by_size", "32–48")].value == 1
    assert haar.figures[Key("ap", "≥ 12")].value < 0.5
    assert haar.note == "scores are ranks"
    assert haar.parameters is None
    assert ours.parameters
    # The teacher isn't at hand: nothing is compared with it.
    assert Key("ap_ratio", "≥ 12") not in ours.figures
    assert ours.cost is None

    table = (out / "table.md").read_text("utf-8")
    assert "**Protocol.**" in table
    assert "1.000 (1.000–1.000)" in table
    told = json.loads((out / "table.json").read_text("utf-8"))
    # Ours is called as the worker calls it, not as its file is.
    names = [one["name"] for one in told["detectors"]]
    assert names == ["readroom_faces_1", "haar_frontalface_default"]
    assert told["sample"]["faces"] == faces
    rows = list(csv.reader((out / "table.csv").read_text("utf-8").splitlines()))
    assert ["readroom_faces_1", "ap", "≥ 12", "1", "1", "1", str(faces)] in rows
    assert {"precision_recall.png", "recall_by_size.png"} <= {path.name for path in out.iterdir()}


def test_with_the_teacher_at_hand_there_are_ratios_and_costs(
    data: Path, file: Path, shared_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "ROUNDS", 2)
    monkeypatch.setenv("READROOM_MODELS", str(shared_models))
    yunet = shared_models / "yunet_n_dynamic.onnx"
    threads = cv2.getNumThreads()
    ours, teacher = run_evaluate([file, yunet], data, console=QUIET)
    assert teacher.name == "yunet_n_dynamic"
    assert ours.cost is not None
    assert ours.cost.n == 2
    assert 0 < ours.cost.value < 1
    assert cv2.getNumThreads() == threads
    assert Key("ap_ratio", "≥ 12") in ours.figures


def test_two_of_one_name_are_told_apart(tmp_path: Path, data: Path, file: Path) -> None:
    other = tmp_path / "elsewhere" / file.name
    other.parent.mkdir()
    other.write_bytes(own_detector(recipe="another"))
    results = run_evaluate([file, other], data, console=QUIET)
    assert [one.name for one in results] == ["readroom_faces_1 (1)", "readroom_faces_1 (2)"]


def test_what_is_no_detector_is_refused_in_one_line(tmp_path: Path, data: Path) -> None:
    for body, told in (
        (b"nothing", "can load"),
        (own_detector(left_out="kps_16"), "no output kps_16"),
    ):
        path = tmp_path / "other.onnx"
        path.write_bytes(body)
        with pytest.raises(BadSettings, match=told) as refused:
            run_evaluate([path], data, console=QUIET)
        assert "\n" not in str(refused.value)
    with pytest.raises(BadSettings, match="can't be read"):
        run_evaluate([tmp_path / "gone.onnx"], data, console=QUIET)
    with pytest.raises(BadSettings, match="name at least one"):
        run_evaluate([], data, console=QUIET)


def test_a_set_without_kept_apart_photographs_is_refused(tmp_path: Path, file: Path) -> None:
    data = folder_of(tmp_path / "few", 1)
    assert of_split(read_photos(data), "test") == ()
    with pytest.raises(BadSettings, match="split test"):
        run_evaluate([file], data, console=QUIET)


def test_a_teacher_of_another_hash_isnt_learnt_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "yunet_n_dynamic.onnx").write_bytes(own_detector())
    monkeypatch.setenv("READROOM_MODELS", str(tmp_path))
    with pytest.raises(BadSettings, match="wrong SHA-256"):
        teacher_path()
