"""Network files are looked for in order, and loaded only when their hash is right."""

from __future__ import annotations

import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from readroom.errors import BadSettings
from readroom.models import files, pins
from readroom.models.choice import available, choose, describe, render_list
from readroom.models.described import describe_network
from readroom.models.files import cache_folder, find, read_own, read_verified
from readroom.models.registry import HAAR, OWN, REGISTRY, Task
from readroom.settings import Settings, load_settings
from tests.models.own_network import own_detector, own_network, own_pose

#: What comes with the package; most tests here take it away.
SHIPPED = Path(files.__file__).resolve().parent / "weights"

OWN_FILE = OWN["expression"].file
YUNET = REGISTRY["yunet_n_dynamic"]


def settings_with(folder: Path | None = None) -> Settings:
    return load_settings(models=folder)


@pytest.fixture(autouse=True)
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the packaged weights: empty, whatever the package comes with."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setattr(files, "PACKAGED", folder)
    return folder


def put(folder: Path, body: bytes = b"not a network", file: str = YUNET.file) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file
    path.write_bytes(body)
    return path


def test_the_named_folder_comes_before_the_packaged_weights_and_the_cache(
    tmp_path: Path, weights: Path
) -> None:
    settings = settings_with(put(tmp_path / "named").parent)
    cached = put(cache_folder(settings))
    packaged = put(weights)
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
    assert "only workers without faces need it" in choices["people"].reason


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


def ship(weights: Path, body: bytes, task: Task = "expression") -> Path:
    path = put(weights, body, OWN[task].file)
    pins.pin(path)
    return path


def ship_all(weights: Path) -> None:
    """All that the package comes with."""
    ship(weights, own_detector(), "faces")
    ship(weights, own_network(), "expression")
    ship(weights, own_pose(), "keypoints")


def test_the_packaged_network_is_preferred_to_every_other(weights: Path, tmp_path: Path) -> None:
    path = ship(weights, own_network(version="7"))
    put(tmp_path / "named", b"x", "faceapi_expression.onnx")
    for settings in (settings_with(), settings_with(tmp_path / "named")):
        choice = choose(settings, "expression")
        assert (choice.model, choice.path) == ("readroom_expression_7", path)
        assert choice.entry is not None
        assert choice.entry.licence == OWN["expression"].licence
        assert choice.entry.citation == OWN["expression"].citation


def test_with_the_packaged_network_only_a_better_face_detector_and_poses_are_lacking(
    weights: Path,
) -> None:
    ship(weights, own_network())
    assert describe(load_settings()).startswith(f"face by {HAAR}, pose off: ")
    assert describe(load_settings(workers={"engines": ("pose",)})).startswith("pose off: ")


def test_with_the_packaged_networks_nothing_is_lacking_but_people_without_faces(
    weights: Path,
) -> None:
    ship_all(weights)
    choices = {choice.task: choice for choice in available(load_settings())}
    assert {task: choice.model for task, choice in choices.items()} == {
        "faces": "readroom_faces_1",
        "expression": "readroom_expression_1",
        "keypoints": "readroom_keypoints_1",
        "people": "",
    }
    for task in ("faces", "expression", "keypoints"):
        entry = choices[task].entry
        assert entry is not None
        assert (entry.licence, entry.citation) == (OWN[task].licence, OWN[task].citation)
    assert describe(load_settings()) == ""
    assert describe(load_settings(workers={"engines": ("pose",)})) == (
        "pose off: finding people without faces takes a network of its own: put "
        "yolox_nano_416.onnx into a folder and name it in READROOM_MODELS"
    )


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("faces", f"face by {HAAR}: face.onnx didn't come with this installation: "),
        ("keypoints", "pose off: pose.onnx didn't come with this installation: put pose.onnx or "),
    ],
)
def test_a_packaged_network_that_was_taken_away_is_named(
    task: Task, said: str, weights: Path
) -> None:
    ship_all(weights)
    (weights / OWN[task].file).unlink()
    assert describe(load_settings()).startswith(said)


def test_the_list_shows_the_projects_own_networks_first(weights: Path) -> None:
    ship_all(weights)
    lines = [line for line in render_list(load_settings()).splitlines() if line[0] != " "]
    assert [line.split()[0] for line in lines] == [
        *("readroom_faces_1", "readroom_expression_1", "readroom_keypoints_1"),
        *REGISTRY,
    ]


def preferring(*names: str, folder: Path | None = None) -> Settings:
    return load_settings(workers={"networks": names}, models=folder)


def test_public_networks_that_are_named_are_run_in_place_of_the_packaged_ones(
    weights: Path, shared_models: Path
) -> None:
    ship_all(weights)
    settings = preferring("faceapi_expression", "tinypose_256x192", folder=shared_models)
    assert [choice.model for choice in available(settings)] == [
        *("readroom_faces_1", "faceapi_expression", "tinypose_256x192", "yolox_nano_416")
    ]


def test_a_named_network_comes_before_a_better_public_one(shared_models: Path) -> None:
    settings = preferring("mini_xception_fer2013", folder=shared_models)
    assert choose(settings, "expression").model == "mini_xception_fer2013"


@pytest.mark.parametrize(
    ("name", "task", "remedy"),
    [
        ("yunet_n_dynamic", "faces", "`readroom models pull yunet_n_dynamic` fetches"),
        ("tinypose_128x96", "keypoints", "put tinypose_128x96.onnx into a folder and name it in"),
    ],
)
def test_a_named_network_that_is_not_here_is_not_replaced_in_silence(
    name: str, task: Task, remedy: str, weights: Path
) -> None:
    ship_all(weights)
    choice = choose(preferring(name), task)
    assert choice.broken
    assert not choice.runs
    assert choice.reason.startswith(f"workers.networks names {name}, which isn't at hand; ")
    assert remedy in choice.reason


def test_a_named_network_with_a_wrong_hash_is_refused(tmp_path: Path) -> None:
    put(tmp_path)
    choice = choose(preferring(YUNET.name, folder=tmp_path), "faces")
    assert choice.broken
    assert "wrong SHA-256" in choice.reason


def test_a_network_that_nobody_knows_is_one_line_that_names_those_that_are_known(
    weights: Path,
) -> None:
    ship(weights, own_network())
    with pytest.raises(BadSettings) as caught:
        available(preferring("yunet"))
    line = str(caught.value)
    assert line.startswith("workers.networks='yunet' (READROOM_WORKERS__NETWORKS): no such network")
    names = ("readroom_expression_1", *REGISTRY)
    assert (
        f"known are {', '.join(names)}; the project's own run for every task without a name" in line
    )
    assert "\n" not in line


def test_the_packaged_network_can_be_named_where_the_folder_holds_another(
    weights: Path, tmp_path: Path
) -> None:
    shipped = ship(weights, own_network())
    other = put(tmp_path / "named", own_network(seed=2), OWN_FILE)
    theirs = choose(settings_with(other.parent), "expression")
    assert theirs.path == other
    ours = choose(preferring("readroom_expression_1", folder=other.parent), "expression")
    assert (ours.model, ours.path) == ("readroom_expression_1", shipped)
    # Each can be named, and the list says how.
    assert choose(preferring(theirs.model, folder=other.parent), "expression") == theirs
    listed = render_list(settings_with(other.parent)).splitlines()
    assert [line.split()[0] for line in listed if line[0] != " "][:2] == [theirs.model, ours.model]


def test_two_networks_for_one_task_are_one_too_many(weights: Path) -> None:
    ship(weights, own_network())
    with pytest.raises(BadSettings, match=r"'readroom_expression_1 faceapi_expression' .*one for"):
        available(preferring("readroom_expression_1", "faceapi_expression"))
    with pytest.raises(BadSettings, match=r"='tinypose_128x96 tinypose_256x192' .*one for keypo"):
        available(preferring("tinypose_128x96", "yunet_n_dynamic", "tinypose_256x192"))


def test_a_network_of_ones_own_in_the_named_folder_is_taken_and_told_from_the_packaged_one(
    weights: Path, tmp_path: Path
) -> None:
    ship(weights, own_network())
    body = own_network(seed=2, version="2-ours")
    path = put(tmp_path / "named", body, OWN_FILE)
    choice = choose(settings_with(path.parent), "expression")
    assert choice.path == path
    assert choice.model == f"readroom_expression_2-ours_{sha256(body).hexdigest()[:8]}"


def test_a_copy_of_the_packaged_network_has_its_name(weights: Path, tmp_path: Path) -> None:
    shipped = ship(weights, own_network())
    path = put(tmp_path / "named", shipped.read_bytes(), OWN_FILE)
    assert choose(settings_with(path.parent), "expression").model == "readroom_expression_1"


def test_a_broken_network_of_ones_own_is_refused_and_the_packaged_one_not_taken_instead(
    weights: Path, tmp_path: Path
) -> None:
    ship(weights, own_network())
    path = put(tmp_path / "named", own_network(crop=None), OWN_FILE)
    choice = choose(settings_with(path.parent), "expression")
    assert choice.broken
    assert not choice.runs
    assert choice.reason.startswith(f"{path}: says no crop in its metadata")
    assert len(choice.reason.splitlines()) == 1


def test_a_packaged_network_that_was_changed_is_refused(weights: Path) -> None:
    path = ship(weights, own_network())
    put(weights, own_network(seed=1), OWN_FILE)
    with pytest.raises(
        BadSettings, match=r"expression\.onnx: wrong SHA-256 .* so it is not loaded"
    ):
        read_own(path, "expression")


def test_a_packaged_network_that_nobody_pinned_is_refused(weights: Path) -> None:
    put(weights, own_network(), OWN_FILE)
    choice = choose(settings_with(), "expression")
    assert choice.broken
    assert "SHA256SUMS.txt says none" in choice.reason


def test_a_pulled_network_is_never_taken_for_ones_own(tmp_path: Path) -> None:
    put(cache_folder(settings_with()), own_network(), OWN_FILE)
    assert not choose(settings_with(), "expression").runs


def test_pinning_again_replaces_the_hash_and_keeps_the_others(tmp_path: Path) -> None:
    for body in (b"one", b"two"):
        pins.pin(put(tmp_path, body, "b.onnx"))
        pins.pin(put(tmp_path, b"other", "a.onnx"))
    lines = (tmp_path / pins.LIST).read_text()
    assert lines == (
        f"{sha256(b'other').hexdigest()}  a.onnx\n{sha256(b'two').hexdigest()}  b.onnx\n"
    )


def test_a_list_in_any_form_that_sha256sum_writes_is_read(tmp_path: Path) -> None:
    digest = sha256(b"body").hexdigest()
    lines = f"{digest}  a.onnx\n\n{digest} *b.onnx\n{digest.upper()}  c d.onnx\n"
    (tmp_path / pins.LIST).write_text(lines)
    assert pins.pinned(tmp_path) == dict.fromkeys(("a.onnx", "b.onnx", "c d.onnx"), digest)


@pytest.mark.parametrize("line", [b"abc  a.onnx", b"0" * 64, b"a.onnx", b"\xff\xfe"])
def test_a_list_with_a_line_that_is_no_hash_and_name_is_one_line(
    line: bytes, tmp_path: Path
) -> None:
    good = sha256(b"body").hexdigest().encode()
    (tmp_path / pins.LIST).write_bytes(good + b"  a.onnx\n" + line + b"\n")
    with pytest.raises(BadSettings, match=r"SHA256SUMS\.txt: .*sha256sum") as caught:
        pins.pinned(tmp_path)
    assert "\n" not in str(caught.value)


def test_the_list_says_what_a_network_of_ones_own_says_of_itself(tmp_path: Path) -> None:
    path = put(tmp_path, own_network(), OWN_FILE)
    first, note = render_list(settings_with(tmp_path)).splitlines()[:2]
    assert first.startswith("readroom_expression_1_")
    assert f"{path} (describes itself)" in first
    assert "neutral, happiness, surprise" in note
    put(tmp_path, b"broken", OWN_FILE)
    assert render_list(settings_with(tmp_path)).startswith(f"{path}: not a network")


def test_what_comes_with_the_package_is_what_its_list_pins() -> None:
    shipped = sorted(path.name for path in SHIPPED.glob("*.onnx"))
    assert shipped == sorted(own.file for own in OWN.values())
    sums = pins.pinned(SHIPPED)
    assert sorted(sums) == shipped
    for name in shipped:
        assert sha256((SHIPPED / name).read_bytes()).hexdigest() == sums[name]


@pytest.mark.parametrize(
    ("task", "most_bytes", "most_parameters"),
    [("faces", 1_000_000, 250_000), ("keypoints", 6_000_000, 1_500_000)],
)
def test_the_packaged_networks_are_as_small_as_promised(
    task: Task, most_bytes: int, most_parameters: int
) -> None:
    path = SHIPPED / OWN[task].file
    body = path.read_bytes()
    assert len(body) <= most_bytes
    # What isn't weights is graph: four bytes a parameter bound their number.
    assert len(body) / 4 <= most_parameters
    assert describe_network(body, path, task).task == task
