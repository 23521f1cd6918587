"""Decoding a file with several threads, as an analysis does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from readroom.ingest.sources.facts import video_facts
from readroom.ingest.sources.file import VideoFile
from tests.ingest.clips import numbered, write_clip


def noisy(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, 255, (48, 64, 3)).astype(np.uint8) for _ in range(count)]


def played(path: Path, threads: int, skipped: int = 0) -> list[tuple[int, float | None, bytes]]:
    file = VideoFile(path, loop=2, threads=threads)
    file.open()
    try:
        file.skip(skipped, lambda: None)
        found = []
        while (captured := file.read()) is not None:
            found.append((captured.seq, captured.media_time_s, captured.pixels(64).tobytes()))
        return found
    finally:
        file.close()


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "mjpeg"])
def test_the_pictures_are_the_same_however_many_threads_decode_them(
    tmp_path: Path, codec: str
) -> None:
    pixel_format = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = write_clip(
        tmp_path / "x.mkv", codec=codec, pixel_format=pixel_format, pictures=noisy(23)
    )
    one = played(path, threads=1)
    assert len(one) == 46
    assert played(path, threads=4) == one
    # A process that takes over in the middle goes on with the same pictures.
    assert played(path, threads=4, skipped=30) == one[30:]


def test_what_a_file_says_of_itself(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "x.mp4", fps=10, frames=25)
    facts = video_facts(clip)
    assert facts.length_s == pytest.approx(2.5)
    assert facts.why_not == ""


def test_a_song_with_a_cover_is_no_video(tmp_path: Path) -> None:
    path = song(tmp_path / "song.mp4")
    assert "cover picture" in video_facts(path).why_not


def song(path: Path) -> Path:
    """Sound with a cover, as music players keep it."""
    import av
    from av.stream import Disposition

    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=44100)
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(numbered(1, 64, 48), format="bgr24")
        container.mux(cover.encode(picture))
        container.mux(cover.encode(None))
        silence = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp")
        silence.sample_rate = 44100
        container.mux(sound.encode(silence))
        container.mux(sound.encode(None))
    return path
