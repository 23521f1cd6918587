from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st

from readroom.errors import BadSettings
from readroom.ingest.sources import Captured, Recording, camera_spec, check_source, probe
from readroom.ingest.sources.file import VideoFile
from readroom.ingest.sources.folder import PictureFolder
from tests.ingest.clips import cut, numbered, turn_clip, write_clip, write_picture


def played(source: Recording) -> list[Captured]:
    source.open()
    found: list[Captured] = []
    while (captured := source.read()) is not None:
        found.append(captured)
    source.close()
    return found


def refused(path: Path) -> str:
    with pytest.raises(BadSettings) as caught:
        check_source(camera_spec("cam", str(path)))
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_every_picture_comes_once_in_order_with_its_time(tmp_path: Path) -> None:
    found = played(VideoFile(write_clip(tmp_path / "a.mp4", frames=12, fps=25), loop=1))
    assert [captured.seq for captured in found] == list(range(12))
    assert [captured.media_time_s for captured in found] == pytest.approx(
        [index / 25 for index in range(12)]
    )
    levels = [float(captured.pixels(1280).mean()) for captured in found]
    wanted = [float(numbered(index, 1, 1).mean()) for index in range(12)]
    assert levels == pytest.approx(wanted, abs=6.5)  # mpeg4 isn't exact; one picture is 7 more.


def test_media_time_and_seq_go_on_over_the_loops(tmp_path: Path) -> None:
    found = played(VideoFile(write_clip(tmp_path / "a.mp4", frames=5, fps=10), loop=3))
    assert [captured.seq for captured in found] == list(range(15))
    assert [captured.media_time_s for captured in found] == pytest.approx(
        [index / 10 for index in range(15)]
    )


def test_a_variable_frame_rate_keeps_its_true_times(tmp_path: Path) -> None:
    times_ms = [0, 33, 67, 400, 1000, 1040, 3000]
    clip = write_clip(tmp_path / "vfr.mkv", times_ms=times_ms)
    found = played(VideoFile(clip, loop=1))
    assert [captured.media_time_s for captured in found] == pytest.approx(
        [at / 1000 for at in times_ms]
    )


@pytest.fixture(scope="module")
def looped_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "a.mp4", frames=7, fps=10)


@given(count=st.integers(0, 40), loop=st.integers(0, 5))
@hypothesis_settings(max_examples=40, deadline=None)
def test_skipping_leads_exactly_to_where_reading_would(
    looped_clip: Path, count: int, loop: int
) -> None:
    read, skipped = VideoFile(looped_clip, loop), VideoFile(looped_clip, loop)
    read.open()
    before = [read.read() for _ in range(count)]
    skipped.open()
    turns: list[int] = []
    passed_s = skipped.skip(count, lambda: turns.append(1))
    assert bool(turns) == bool(count)
    last = [captured for captured in before if captured is not None][-1:]
    assert passed_s == pytest.approx(last[0].media_time_s if last else None)
    wanted, got = read.read(), skipped.read()
    assert (wanted is None) == (got is None)
    if wanted is not None and got is not None:
        assert got.seq == wanted.seq
        assert got.media_time_s == pytest.approx(wanted.media_time_s)
        assert np.array_equal(got.pixels(1280), wanted.pixels(1280))
    read.close()
    skipped.close()


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_truncated_video_gives_what_it_has_and_says_where_it_breaks_off(
    tmp_path: Path, suffix: str
) -> None:
    whole = write_clip(tmp_path / f"a.{suffix}", frames=90, fps=30, size=(160, 120), faststart=True)
    video = VideoFile(cut(whole, 0.6), loop=1)
    found = played(video)
    assert 10 < len(found) < 85
    assert "breaks off at" in video.flaw
    assert video.flaw.endswith("of 3.0 s")


def test_a_whole_video_has_no_flaw(tmp_path: Path) -> None:
    video = VideoFile(write_clip(tmp_path / "a.mp4", frames=60), loop=2)
    played(video)
    assert (video.flaw, video.undecodable) == ("", 0)


def test_a_missing_file_is_refused_with_the_remedy(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "gone.mp4")


def test_an_overlong_name_is_a_missing_file_too() -> None:
    assert "no such file" in refused(Path("/x/" + "a" * 5000))


def test_a_zero_byte_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    assert "0 bytes" in refused(path)


def test_a_text_file_named_mp4_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("not a video at all\n" * 50)
    assert "not a video" in refused(path)


def test_a_video_without_its_index_is_refused(tmp_path: Path) -> None:
    assert "not a video" in refused(cut(write_clip(tmp_path / "a.mp4", size=(320, 240)), 0.5))


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    import wave

    path = tmp_path / "voice.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0" * 16000)
    assert "not a video" in refused(path)


def test_a_sound_video_passes_and_is_described(tmp_path: Path) -> None:
    spec = camera_spec("cam", str(write_clip(tmp_path / "a.mp4", fps=25)))
    check_source(spec)
    assert probe(spec, 1.0) == "64×48, 25.0 fps, mpeg4"


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    assert "no pictures" in refused(tmp_path)


def test_a_webcam_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadSettings, match="no camera at /dev/video97"):
        check_source(camera_spec("cam", "97"))


def test_an_unknown_demo_camera_is_refused() -> None:
    with pytest.raises(BadSettings, match="there are demo:left, demo:right"):
        check_source(camera_spec("cam", "demo:middle"))


def test_a_portrait_video_comes_upright(tmp_path: Path) -> None:
    red_left = np.zeros((48, 96, 3), np.uint8)
    red_left[:, :48, 2], red_left[:, 48:, 0] = 255, 255
    clip = write_clip(tmp_path / "phone.mp4", size=(96, 48), pictures=[red_left] * 3)
    turn_clip(clip)
    captured = played(VideoFile(clip, loop=1))[0]
    picture = captured.pixels(1280)
    assert captured.size == (48, 96)
    assert picture.shape == (96, 48, 3)
    # Turned 90° clockwise, what was left is on top.
    assert picture[10, 24, 2] > 200 > 50 > picture[10, 24, 0]
    assert picture[85, 24, 0] > 200 > 50 > picture[85, 24, 2]


def test_an_upright_video_is_scaled_by_the_width_it_is_shown_at(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "phone.mp4", size=(96, 48), frames=2)
    turn_clip(clip)
    assert played(VideoFile(clip, loop=1))[0].pixels(24).shape == (48, 24, 3)


@pytest.mark.parametrize("size", [(65, 49), (1, 1), (33, 101)])
def test_odd_and_tiny_videos_keep_their_size(tmp_path: Path, size: tuple[int, int]) -> None:
    clip = write_clip(tmp_path / "odd.mkv", size=size, frames=2, codec="ffv1", pixel_format="bgr0")
    assert played(VideoFile(clip, loop=1))[0].pixels(1280).shape == (size[1], size[0], 3)


@pytest.mark.parametrize("pixel_format", ["gray", "gray16le", "bgra"])
def test_grey_deep_and_transparent_videos_become_bgr(tmp_path: Path, pixel_format: str) -> None:
    clip = write_clip(tmp_path / "a.mkv", frames=3, codec="ffv1", pixel_format=pixel_format)
    picture = played(VideoFile(clip, loop=1))[2].pixels(1280)
    assert (picture.shape, picture.dtype) == ((48, 64, 3), np.uint8)
    assert picture.mean() == pytest.approx(numbered(2, 1, 1).mean(), abs=3)


def test_wide_videos_are_scaled_down_to_even_sizes(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", size=(200, 150), frames=2)
    assert played(VideoFile(clip, loop=1))[0].pixels(101).shape == (76, 100, 3)


def folder_of(tmp_path: Path) -> Path:
    write_picture(tmp_path / "b-grey.png", np.full((30, 40), 90, np.uint8))
    write_picture(tmp_path / "a-deep.png", np.full((31, 41, 3), 40 * 257, np.uint16))
    write_picture(tmp_path / "c-alpha.png", np.full((32, 42, 4), 140, np.uint8))
    write_picture(tmp_path / "d-dot.jpg", np.full((1, 1, 3), 190, np.uint8))
    (tmp_path / "e-broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (tmp_path / "f-empty.png").touch()
    write_picture(tmp_path / "g-last.bmp", np.full((20, 20, 3), 240, np.uint8))
    (tmp_path / "notes.txt").write_text("not meant")
    return tmp_path


def test_a_folders_pictures_come_by_name_and_broken_ones_are_counted(tmp_path: Path) -> None:
    folder = PictureFolder(folder_of(tmp_path), fps=2.0, loop=1, max_width=1280)
    found = played(folder)
    pictures = [captured.pixels(1280) for captured in found]
    assert [picture.shape for picture in pictures] == [
        (31, 41, 3),
        (30, 40, 3),
        (32, 42, 3),
        (1, 1, 3),
        (20, 20, 3),
    ]
    assert [round(float(picture.mean())) for picture in pictures] == [40, 90, 140, 190, 240]
    assert [captured.seq for captured in found] == [0, 1, 2, 3, 4]
    assert [captured.media_time_s for captured in found] == [0.0, 0.5, 1.0, 1.5, 3.0]
    assert folder.undecodable == 2
    assert "can't be decoded" in folder.flaw


def test_a_folder_is_looped_and_skipped_like_a_video(tmp_path: Path) -> None:
    folder = PictureFolder(folder_of(tmp_path), fps=2.0, loop=2, max_width=1280)
    whole = [(captured.seq, captured.media_time_s) for captured in played(folder)]
    assert len(whole) == 10
    folder.open()
    assert folder.skip(7, lambda: None) == whole[6][1]
    captured = folder.read()
    assert captured is not None
    assert (captured.seq, captured.media_time_s) == whole[7]


def test_a_folder_without_one_readable_picture_ends_even_when_looped_for_ever(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    assert played(PictureFolder(tmp_path, fps=2.0, loop=0, max_width=1280)) == []


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_huge_picture_is_scaled_down(tmp_path: Path, suffix: str) -> None:
    huge = np.zeros((6000, 8000, 3), np.uint8)
    huge[:, 4000:] = 200
    write_picture(tmp_path / f"huge.{suffix}", huge)
    picture = played(PictureFolder(tmp_path, fps=2.0, loop=1, max_width=1280))[0].pixels(1280)
    assert picture.shape == (960, 1280, 3)
    assert picture[:, :600].mean() < 5 < 195 < picture[:, 700:].mean()


def test_a_picture_is_turned_as_its_exif_says(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.jpg", np.full((40, 80, 3), 99, np.uint8))
    jpeg = path.read_bytes()
    # APP1: a TIFF header (little endian) with one entry, orientation 6 (90° clockwise).
    tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    body = b"Exif\0\0" + tiff
    path.write_bytes(jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:])
    picture = played(PictureFolder(tmp_path, fps=2.0, loop=1, max_width=1280))[0].pixels(1280)
    assert picture.shape == (80, 40, 3)
    assert cv2.imread(str(path), cv2.IMREAD_IGNORE_ORIENTATION | 1).shape == (40, 80, 3)
