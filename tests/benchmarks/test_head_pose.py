"""The comparison of head poses compares what it says."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.head_pose import measuring, turns
from benchmarks.head_pose.__main__ import main, markdown
from benchmarks.head_pose.figures import agreement
from benchmarks.head_pose.turns import STRAIGHT, Turn
from readroom.models.boxes import Floats
from readroom.models.detection import Faces
from readroom.models.lab.heads.gathering import Heads
from readroom.pixels import Picture
from tests.models.heads import body, face


class Seer:
    """In place of networks: sees a mean head at the angles written into the picture's pixels."""

    def __init__(self, bias: float) -> None:
        self._bias = bias

    def find(self, picture: Picture) -> Faces:
        box = np.array([[200, 100, 150, 180]], np.float32)
        return Faces(box, np.ones(1, np.float32), face(*self._angles(picture))[None])

    def look(self, picture: Picture, boxes: Floats, landmarks: Floats) -> Heads:
        angles = np.array(self._angles(picture), np.float32)
        both = np.stack([angles * 0.5 + self._bias, angles * 0.5 - self._bias])[None]
        return Heads(boxes, landmarks, body(*self._angles(picture))[None], both)

    @staticmethod
    def _angles(picture: Picture) -> tuple[float, float, float]:
        yaw, pitch, roll = (float(value) - 100 for value in picture[0, 0])
        return yaw, pitch, roll


def picture_of(angles: tuple[float, float, float]) -> Picture:
    return np.array([[[angle + 100 for angle in angles]]], np.uint8)


def test_agreement_tells_slope_offset_and_spread() -> None:
    reference = np.array([-20, -10, 0, 10, 20], np.float32)
    found = agreement(0.5 * reference + 3, reference)
    assert found.n == 5
    assert found.correlation == pytest.approx(1)
    assert found.slope == pytest.approx(0.5)
    assert found.mean == pytest.approx(3)
    assert found.absolute == pytest.approx(np.abs(3 - 0.5 * reference).mean())


def test_agreement_leaves_out_what_was_not_said_and_knows_when_nothing_changes() -> None:
    some = agreement(np.array([1, np.nan, 3], np.float32), np.array([1, 2, 3], np.float32))
    assert (some.n, some.absolute) == (2, 0)
    still = agreement(np.array([1, 2], np.float32), np.zeros(2, np.float32))
    assert math.isnan(still.correlation)
    assert math.isnan(still.slope)
    assert still.mean == 1.5
    assert agreement(np.empty(0, np.float32), np.empty(0, np.float32)).n == 0


def test_turns_are_compared_with_the_change_since_the_straight_portrait() -> None:
    angles = [STRAIGHT, (20.0, 0.0, 0.0), (-20.0, 10.0, 0.0), (0.0, 0.0, 20.0), (0.0, 0.0, -20.0)]
    shown = [Turn("somebody", 100, each, picture_of(each)) for each in angles]
    rows, at_rest = measuring.on_turns(shown, Seer(bias=5))
    known = {(row.data, row.way): row.angles for row in rows}
    turned = known["rendered, turned and nodding", measuring.REFERENCE]
    assert turned[0].n == 3
    assert turned[0].slope == pytest.approx(0.5)
    tilted = known["rendered, tilted", measuring.ALONE]
    assert tilted[2].n == 2
    assert tilted[2].absolute == pytest.approx(0, abs=0.2)
    assert {row.angles[0].n for row in at_rest} == {1}
    assert "| rendered, tilted | landmarks alone | 2 |" in markdown(rows, at_rest)


def test_ours_is_compared_with_the_references_mean_and_its_halves_with_each_other() -> None:
    seer = Seer(bias=5)
    pictures = [picture_of((yaw, 0.0, 0.0)) for yaw in (-20.0, 0.0, 20.0)]
    heads = measuring.join(
        [seer.look(p, f.boxes, f.landmarks) for p, f in ((p, seer.find(p)) for p in pictures)]
    )
    rows = {row.way: row.angles for row in measuring.against_reference("some", heads)}
    assert rows[measuring.ALONE][0].slope == pytest.approx(2, abs=0.02)
    assert rows[measuring.HALVES][0].mean == pytest.approx(10)


def test_a_rendered_turn_is_at_the_angles_it_says() -> None:
    every = {turn.angles: turn for turn in turns.rendered() if turn.face_px == 48}
    assert len(every) == len(turns.ANGLES)
    assert STRAIGHT in every
    straight, turned = every[STRAIGHT].picture, every[30.0, 0.0, 0.0].picture
    assert straight.shape == turned.shape
    assert np.abs(straight.astype(int) - turned).mean() > 1


def test_without_the_reference_the_command_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("READROOM_MODELS", str(tmp_path))
    assert main(["--out", str(tmp_path)]) == 2
    assert "fsanet_1x1.onnx" in capsys.readouterr().err
