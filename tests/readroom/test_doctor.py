"""The doctor tells whatever would keep a run from working, and stops at none of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from readroom import doctor
from readroom.doctor import examine, render
from readroom.settings import load_settings


@pytest.fixture(autouse=True)
def camera(monkeypatch: pytest.MonkeyPatch) -> None:
    """No camera is waited for."""
    monkeypatch.setattr(doctor, "_cameras", lambda settings: [_CAMERA])


_CAMERA = {"ok": True, "camera": "demo", "detail": "answers"}


def test_a_network_that_nobody_knows_is_a_finding_among_others() -> None:
    report = examine(load_settings(workers={"networks": ("yunet",)}))
    assert not report["ok"]
    (told,) = (problem for problem in report["problems"] if "workers.networks='yunet'" in problem)
    assert "known are readroom_faces_2, " in told
    assert "yunet_n_dynamic" in told
    # What is to be known beside it is told all the same.
    assert report["redis"]["detail"]
    assert report["cameras"] == [_CAMERA]
    assert told in render(report)


def test_a_folder_of_networks_that_isnt_there_is_a_finding_among_others(tmp_path: Path) -> None:
    report = examine(load_settings(models=tmp_path / "nowhere"))
    assert not report["ok"]
    assert any("nowhere: no such folder" in problem for problem in report["problems"])
    assert report["would_run"]


def test_networks_that_are_known_are_no_finding() -> None:
    report = examine(load_settings(workers={"networks": ("readroom_faces_2",)}))
    assert report["networks"][0]["model"] == "readroom_faces_2"
    assert not any("networks" in problem for problem in report["problems"])
