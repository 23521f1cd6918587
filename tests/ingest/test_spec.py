from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from readroom.errors import BadSettings
from readroom.ingest import demo
from readroom.ingest.sources import CameraSpec, parse_sources
from readroom.ingest.sources.spec import DEMO_CAMERAS
from readroom.settings import NAME_PATTERN


def names(*specs: str) -> list[str]:
    return [camera.name for camera in parse_sources(specs)]


def test_names_are_made_where_none_is_given() -> None:
    assert names("rtsp://10.0.0.7/a", "0", "/x/My Clip.mp4", "demo:left", "http://h/b") == [
        "cam1",
        "cam2",
        "my-clip",
        "left",
        "cam3",
    ]


def test_a_given_name_is_kept_and_made_names_step_aside() -> None:
    assert names("clip=/a/one.mp4", "/b/clip.mp4", "/c/clip.mp4") == ["clip", "clip-2", "clip-3"]


def test_demo_alone_stands_for_both_demo_cameras() -> None:
    assert [camera.source for camera in parse_sources(["demo:"])] == ["demo:left", "demo:right"]
    assert demo.CAMERAS == DEMO_CAMERAS


def test_kinds_are_told_apart(tmp_path: Path) -> None:
    specs = [
        "rtsp://h/a",
        "https://h/a",
        "1",
        "/dev/video3",
        str(tmp_path),
        "gone.mp4",
        "demo:left",
    ]
    kinds = [camera.kind for camera in parse_sources(specs)]
    assert kinds == ["rtsp", "http", "webcam", "webcam", "folder", "file", "demo"]


def test_an_equals_sign_in_an_address_or_a_file_is_no_name(tmp_path: Path) -> None:
    path = tmp_path / "a=b.mp4"
    path.write_bytes(b"x")
    address = "rtsp://h/stream?channel=1"
    assert [camera.source for camera in parse_sources([address, str(path)])] == [address, str(path)]


@pytest.mark.parametrize(
    ("specs", "said"),
    [
        (["Front=0"], "'Front' can't be used"),
        (["front cam=0"], "'front cam' can't be used"),
        (["=0"], "'' can't be used"),
        (["a=0", "a=1"], "'a' is given twice"),
        (["ftp://h/a"], "ftp:// isn't a camera's address"),
        (["file:///x.mp4"], "use rtsp://"),
        (["rtsp://"], "not a camera's address"),
        (["rtsp://h:99999/a"], "not a camera's address"),
        (["a="], "no source after the name"),
    ],
)
def test_what_cannot_be_used_is_one_line_with_the_remedy(specs: list[str], said: str) -> None:
    with pytest.raises(BadSettings, match=re.escape(said)) as caught:
        parse_sources(specs)
    assert "\n" not in str(caught.value)


def test_a_password_is_neither_in_an_error_nor_in_a_representation() -> None:
    with pytest.raises(BadSettings) as caught:
        parse_sources(["rtps://admin:hunter2@h/a"])
    assert "hunter2" not in str(caught.value)
    camera = parse_sources(["rtsp://admin:hunter2@h/a"])[0]
    assert "hunter2" not in repr(camera)
    assert "hunter2" not in camera.shown


@given(st.lists(st.text(min_size=1, max_size=50).map(lambda text: f"/{text}.mp4"), max_size=8))
def test_every_made_name_is_legal_and_unique(paths: list[str]) -> None:
    cameras: list[CameraSpec] = parse_sources([path for path in paths if "://" not in path])
    found = [camera.name for camera in cameras]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(NAME_PATTERN, name) for name in found)
