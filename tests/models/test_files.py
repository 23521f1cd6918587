"""Network files are looked for in order, and loaded only when their hash is right."""

from __future__ import annotations

import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from readroom.errors import BadSettings
from readroom.models import files
from readroom.models.choice import available, choose, describe, render_list
from readroom.models.files import cache_folder, find, read_verified
from readroom.models.registry import HAAR, REGISTRY
from readroom.settings import Settings, load_settings

YUNET = REGISTRY["yunet_n_dynamic"]


def settings_with(folder: Path | None = None) -> Settings:
    return load_settings(models=folder)


def put(folder: Path, body: bytes = b"not a network", file: str = YUNET.file) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file
    path.write_bytes(body)
    return path


def test_the_named_folder_comes_before_the_packaged_weights_and_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PACKAGED", tmp_path / "weights")
    settings = settings_with(put(tmp_path / "named").parent)
    cached = put(cache_folder(settings))
    packaged = put(tmp_path / "weights")
    assert find(settings, YUNET) == tmp_path / "named" / YUNET.file
    assert find(settings_with(), YUNET) == packaged
    packaged.unlink()
    assert find(settings_with(), YUNET) == cached
    cached.unlink()
    assert find(settings_with(), YUNET) is None


def test_a_folder_that_does_not_exist_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"READROOM_MODELS=.*nowhere: no such folder"):
        available(settings_with(tmp_path / "nowhere"))


def test_a_file_with_the_right_hash_is_read(tmp_path: Path) -> None:
    entry = replace(YUNET, sha256=sha256(b"network").hexdigest())
    model = read_verified(put(tmp_path, b"network"), entry)
    assert model.body == b"network"
    assert model.entry is entry


def test_a_wrong_hash_is_one_line_that_names_file_network_and_remedy(tmp_path: Path) -> None:
    path = put(tmp_path)
    with pytest.raises(BadSettings) as caught:
        read_verified(path, YUNET)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{path}: wrong SHA-256 ")
    assert YUNET.sha256[:16] in line
    assert "not loaded" in line


def test_an_unreadable_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="can't be read"):
        read_verified(tmp_path, YUNET)


def test_without_files_faces_fall_back_to_haar_and_the_rest_is_off_with_a_remedy() -> None:
    choices = {choice.task: choice for choice in available(settings_with())}
    assert choices["faces"].model == HAAR
    assert "readroom models pull yunet_n_dynamic" in choices["faces"].reason
    for task in ("expression", "keypoints", "people"):
        assert not choices[task].runs
        assert "READROOM_MODELS" in choices[task].reason


def test_a_broken_file_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    put(tmp_path)
    choice = choose(settings_with(tmp_path), "faces")
    assert choice.broken
    assert not choice.runs
    assert "wrong SHA-256" in choice.reason


def test_the_best_network_at_hand_is_chosen(tmp_path: Path, shared_models: Path) -> None:
    settings = settings_with(tmp_path)
    shutil.copy(shared_models / "mini_xception_fer2013.onnx", tmp_path)
    assert choose(settings, "expression").model == "mini_xception_fer2013"
    shutil.copy(shared_models / "faceapi_expression.onnx", tmp_path)
    assert choose(settings, "expression").model == "faceapi_expression"


def test_what_is_missing_is_described_only_for_the_engines_asked_for() -> None:
    everything = describe(load_settings())
    assert everything.startswith(f"face by {HAAR}, expression and pose off: ")
    assert len(everything.splitlines()) == 1
    faces_only = describe(load_settings(workers={"engines": ("face",)}))
    assert faces_only.startswith(f"face by {HAAR}: ")
    pose_only = describe(load_settings(workers={"engines": ("pose",)}))
    assert pose_only.startswith("pose off: ")


def test_with_every_file_at_hand_nothing_is_missing(shared_models: Path) -> None:
    assert describe(settings_with(shared_models)) == ""


def test_the_list_says_where_each_network_is_or_why_it_is_not_loaded(tmp_path: Path) -> None:
    path = put(tmp_path)
    lines = render_list(settings_with(tmp_path)).splitlines()
    lines = [line for line in lines if not line.startswith(" ")]
    assert len(lines) == len(REGISTRY)
    assert f"{path}: wrong SHA-256" in lines[0]
    assert "no public address" in lines[1]


def test_the_list_says_of_each_network_its_licence_its_notes_and_what_to_cite() -> None:
    said = render_list(settings_with())
    for entry in REGISTRY.values():
        start = said.index(f"{entry.name} ")
        assert entry.licence in said[start:].splitlines()[0]
        assert said[start:].splitlines()[1:3] == [
            f"    note: {entry.notes}",
            f"    cite: {entry.citation}",
        ]
