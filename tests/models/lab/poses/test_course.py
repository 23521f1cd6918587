"""The whole way on generated photographs: labels, training, file, card, tables."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab isn't installed: pip install -e '.[lab]'")
pytest.importorskip("onnxscript", reason="the lab isn't installed: pip install -e '.[lab]'")

from readroom.errors import BadSettings
from readroom.models.lab.faces.photos import read_photos
from readroom.models.lab.poses import course, evaluate, subjects
from readroom.models.lab.poses.recipe import Recipe
from readroom.models.lab.poses.teacher import MIRRORED, Teacher, merge, teach
from readroom.models.lab.recipes import read_recipe
from readroom.settings import load_settings
from tests.models.lab.poses.people import Knows, photo_folder

RECIPE = Recipe(architecture="maps-tiny", epochs=1, early_epochs=0, batch=4)


def test_from_photographs_to_a_file_with_a_card_and_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, run, path = tmp_path / "photos", tmp_path / "run", tmp_path / "pose.onnx"
    everyone = photo_folder(data, {"train": 8, "held_out": 2, "test": 3})
    for module in (course, subjects):
        monkeypatch.setattr(module, "Teacher", lambda settings: Knows(everyone))
    course.run_course(RECIPE, data, run)
    made = course.export_run(run, data, path)
    assert path.read_bytes() == made.body
    card = path.with_suffix(".md").read_text("utf-8")
    assert "8 people in 8 photos were learnt from" in " ".join(card.split())
    assert "$" not in card
    (result,) = evaluate.run_evaluate([path], data, out=tmp_path / "table")
    assert result.name.startswith("readroom_keypoints_1")
    # Card and table count in one way.
    assert f"{result.parameters:,} parameters" in card
    told = json.loads((tmp_path / "table" / "table.json").read_text("utf-8"))
    assert {figure["figure" if "figure" in figure else "name"] for figure in
            told["networks"][0]["figures"]} >= {"oks_ap", "pck", "covered_auc"}  # fmt: skip
    assert (tmp_path / "table" / "table.md").read_text("utf-8").count("OKS-AP") >= 2
    assert (tmp_path / "table" / "table.csv").read_text("utf-8").startswith("network,figure")


def test_labels_are_made_once_and_anew_for_other_photos(tmp_path: Path) -> None:
    data = tmp_path / "photos"
    everyone = photo_folder(data, {"train": 3})
    photos, asked = read_photos(data), list[int]()

    def teacher() -> Knows:
        asked.append(1)
        return Knows(everyone)

    cache = tmp_path / "labels.npz"
    first, second = (teach(photos, cache, teacher) for _ in range(2))
    np.testing.assert_array_equal(first.keypoints, second.keypoints)
    assert len(asked) == 1
    teach(photos[:2], cache, teacher)
    assert len(asked) == 2
    cache.write_bytes(b"something else")
    with pytest.raises(BadSettings, match="not what the lab kept there"):
        teach(photos, cache, teacher)


def test_without_a_teacher_a_run_says_where_to_get_one() -> None:
    with pytest.raises(BadSettings, match=r"tinypose_256x192\.onnx.*READROOM_MODELS"):
        Teacher(load_settings())


def test_views_that_agree_are_averaged_and_the_surest_one_wins_where_they_dont() -> None:
    views = np.zeros((1, 3, 17, 3), np.float32)
    views[0, :, 0] = [(10, 10, 0.8), (12, 10, 0.4), (90, 90, 0.6)]
    merged = merge(views, np.array([20.0], np.float32))
    np.testing.assert_allclose(merged[0, 0], (10 + 2 / 3, 10, 0.8), rtol=1e-5)
    assert np.isfinite(merged).all()


def test_left_and_right_change_places_in_a_mirror() -> None:
    assert MIRRORED[:3].tolist() == [0, 2, 1]
    np.testing.assert_array_equal(MIRRORED[MIRRORED], np.arange(17))


def test_the_shipped_recipe_can_be_read_and_trained_for_fewer_epochs() -> None:
    path = Path(course.__file__).with_name("pose.toml")
    recipe = read_recipe(path, Recipe)
    short = recipe.over(2)
    assert short.early_epochs <= short.epochs == 2


def test_a_clip_that_is_none_and_no_network_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="no network to evaluate"):
        evaluate.run_evaluate([], tmp_path)
    with pytest.raises(BadSettings, match="can't be read"):
        evaluate.run_evaluate([tmp_path / "none.onnx"], tmp_path)
