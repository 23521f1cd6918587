"""What head poses are computed with is fitted as it says, and written as it was fitted."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from readroom.cli import main
from readroom.errors import BadSettings
from readroom.models import head_pose_fit
from readroom.models.boxes import Floats
from readroom.models.head_pose import FITTED, Linear, features, from_features
from readroom.models.lab.heads.course import Origin, as_module
from readroom.models.lab.heads.fitting import fit, lesson
from readroom.models.lab.heads.fsanet import FILES, FsaNet, reordered
from readroom.models.lab.heads.gathering import Heads
from tests.models.heads import body, face


def turned_heads(count: int, seed: int) -> tuple[Heads, Floats]:
    """Heads at random angles, whose reference says the truth: those angles [n, 3]."""
    random = np.random.default_rng(seed)
    angles = random.uniform((-40, -25, -30), (40, 25, 30), (count, 3)).astype(np.float32)
    landmarks = np.stack([face(*each) for each in angles])
    keypoints = np.stack([body(*each) for each in angles])
    landmarks += random.normal(0, 0.5, landmarks.shape).astype(np.float32)
    boxes = np.tile(np.array([200, 100, 150, 180], np.float32), (count, 1))
    return Heads(boxes, landmarks, keypoints, np.stack([angles, angles], axis=1)), angles


def said(linear: Linear, heads: Heads) -> Floats:
    seen = [features(p, k) for p, k in zip(heads.landmarks, heads.keypoints, strict=True)]
    return np.array([from_features(one, linear) for one in seen if one is not None])


def test_the_fit_finds_the_angles_of_heads_it_has_not_seen() -> None:
    taught, _ = turned_heads(400, 0)
    others, angles = turned_heads(100, 1)
    away = np.abs(said(fit(lesson(taught)), others) - angles).mean(axis=0)
    # A turn's sine, and what a turn does to a nod, aren't linear.
    assert (away < (4, 4, 4)).all()
    assert (away < np.abs(angles).mean(axis=0) / 2).all()


def test_a_reference_that_errs_now_and_then_hardly_moves_the_fit() -> None:
    right, _ = turned_heads(400, 0)
    wrong = right.angles.copy()
    wrong[::12] = (80, 60, -80)
    others, angles = turned_heads(100, 1)
    erring = Heads(right.boxes, right.landmarks, right.keypoints, wrong)
    away = np.abs(said(fit(lesson(erring)), others) - angles).mean(axis=0)
    assert (away < (6, 6, 6)).all()


def test_heads_whose_pose_was_not_seen_teach_nothing() -> None:
    heads, _ = turned_heads(20, 0)
    heads.keypoints[:5, 0, 2] = 0
    taught = lesson(heads)
    assert len(taught.seen) == len(taught.angles) == len(taught.weights) == 15


def test_the_written_module_holds_the_fit() -> None:
    linear = fit(lesson(turned_heads(100, 0)[0]))
    written: dict[str, object] = {}
    exec(as_module(linear, Origin("face.onnx", "pose.onnx", "0123", 100)), written)
    assert written["YAW"] == linear.yaw
    assert written["PITCH_MIDDLE"] == linear.pitch_middle
    assert {name for name in written if name.isupper()} == {
        name.upper() for name in Linear.__slots__
    }


def test_the_shipped_constants_fit_the_features() -> None:
    seen = features(face(0, 0, 0), body(0, 0, 0))
    assert seen is not None
    assert len(seen.even) == len(FITTED.even_middles) == len(FITTED.even_spreads)
    assert len(seen.odd) == len(FITTED.odd_spreads)
    assert len(FITTED.yaw) == len(FITTED.roll) == len(seen.odd) + 1
    assert len(FITTED.pitch) == len(seen.even) + 1
    assert min(*FITTED.even_spreads, *FITTED.odd_spreads) > 0


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("degrees", [-50, 0, 20])
def test_in_any_order_a_single_angle_is_the_same(axis: int, degrees: float) -> None:
    angles = np.zeros((2, 3), np.float32)
    angles[:, axis] = degrees
    assert reordered(angles) == pytest.approx(angles, abs=1e-4)


def test_reordered_angles_point_a_head_to_the_same_side() -> None:
    def about(axis: int, degrees: float) -> Floats:
        turn = cv2.Rodrigues(np.eye(3)[axis] * math.radians(degrees))[0]
        return np.asarray(turn, np.float32)

    # About y (down), x (right) and z (away), each with the sign that messages.Quality gives it.
    angles = np.array([[35, -20, 25], [-60, 10, -30], [5, 40, 70]], np.float32)
    for (yaw, pitch, roll), (y, p, r) in zip(angles, reordered(angles), strict=True):
        theirs = about(0, -pitch) @ about(1, -yaw) @ about(2, roll)
        ours = about(2, r) @ about(0, -p) @ about(1, -y)
        assert ours == pytest.approx(theirs, abs=1e-5)


def test_a_missing_reference_is_told_in_words(tmp_path: Path) -> None:
    for folder in (None, tmp_path):
        with pytest.raises(BadSettings, match=r"fsanet_1x1\.onnx.*READROOM_MODELS"):
            FsaNet(folder)


def test_another_file_of_that_name_is_refused(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes(b"something else")
    with pytest.raises(BadSettings, match="wrong SHA-256"):
        FsaNet(tmp_path)


def test_the_command_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "none.onnx")
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "lab",
                "fit-heads",
                str(tmp_path),
                "--face",
                missing,
                "--pose",
                missing,
                "--out",
                "fit.py",
            ]
        )
    assert ended.value.code == 2
    assert "none.onnx: can't be read" in capsys.readouterr().err


def test_the_shipped_constants_and_those_written_name_the_command_that_is_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    written = as_module(FITTED, Origin("face.onnx", "pose.onnx", "0123", 100))
    for text in (written, head_pose_fit.__doc__ or ""):
        assert (
            "``READROOM_MODELS=… readroom lab fit-heads DATA --face FILE --pose FILE --out FILE``"
            in text
        )
    with pytest.raises(SystemExit) as ended:
        main(["lab", "fit-heads", "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert all(
        word in told
        for word in ("annotations.jsonl", "--face", "--pose", "--out", "fsanet_1x1.onnx")
    )


def test_the_reference_counts_angles_as_the_messages_do(shared_models: Path) -> None:
    # A portrait's mirror image turns the other way.
    from readroom.ingest.demo.figure import Figure, Place, Pose
    from readroom.ingest.demo.people import SHEETS

    picture = np.full((448, 448, 3), 190, np.uint8)
    Figure(SHEETS["grace"](124.0), Place(224.0, 200.0, 448)).draw(picture, Pose(yaw_rad=0.45))
    box = np.array([[165, 150, 118, 150]], np.float32)
    reference = FsaNet(shared_models)
    angles = reference.look(picture, box).mean(axis=1)[0]
    assert angles[0] > 10
    mirror = np.array([[448 - 165 - 118, 150, 118, 150]], np.float32)
    mirrored = reference.look(np.ascontiguousarray(picture[:, ::-1]), mirror).mean(axis=1)[0]
    assert mirrored[0] < -10
